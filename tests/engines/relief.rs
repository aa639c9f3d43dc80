//! First aid on real engines: the outage ends, nothing stops, and the cure takes it away.

use crate::lab::{Lab, SERVER};
use serde_json::Value;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

on_every_engine!(relief_ends_the_outage_and_nothing_stops);

mod docker_28_5_again {
    #[test]
    fn relief_is_watched_over() {
        super::relief_is_watched_over("forky");
    }
}

const AVOID: [&str; 2] = ["--avoid", "172.17.0.0/16,172.18.0.0/16"];
const SHOP_SERVER: &str = "172.18.50.10:8080";

/// Ten containers on docker0, one of which serves a file, and one on a network of its own.
const CONTAINERS: &str = "
docker run -d --stop-timeout 1 --name web -p 8081:80 busybox sh -c \
    'head -c 20000000 /dev/zero >/file; exec httpd -f -h /' >/dev/null
for number in 1 2 3 4 5 6 7 8 9; do
    docker run -d --stop-timeout 1 --name idle$number busybox sleep 1d >/dev/null
done
docker network create shop >/dev/null
docker run -d --stop-timeout 1 --name shop --network shop busybox sleep 1d >/dev/null
";

const STARTED: &str = "docker inspect -f '{{.Name}} {{.State.StartedAt}}' $(docker ps -q) | sort";

pub const STATE: &str = "ip -4 -d route show table all; ip rule
sysctl -a 2>/dev/null | grep '^net.ipv4.conf' | sort; ls /var/lib/rebridge 2>/dev/null || :";

/// A client in the corp network. Its processes end with it.
struct Client(Option<Child>);

impl Client {
    fn output(mut self) -> String {
        let client = self.0.take().unwrap();
        String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(client) = &mut self.0 {
            let group = format!("-{}", client.id());
            let _ = Command::new("kill").args(["-9", "--", &group]).status();
            let _ = client.wait();
        }
    }
}

/// Reads a part of the file over the published port, waits until it may go on, and counts the rest.
fn download(lab: &Lab) -> Client {
    let go = lab.path("/tmp/go");
    let address = lab.sh("ip -4 -o addr show eth0 | awk '{ print $4 }' | cut -d/ -f1");
    let script = format!(
        "exec 3<>/dev/tcp/{}/8081; printf 'GET /file HTTP/1.0\\r\\n\\r\\n' >&3
         head -c 1000000 <&3 | wc -c; for i in $(seq 300); do [ -e {} ] && break; sleep 0.1; done
         cat <&3 | wc -c",
        address.trim(),
        go.display()
    );
    let mut command = lab.in_corp(&["bash", "-c", &script]);
    let client = command.stdout(Stdio::piped()).process_group(0).spawn();
    Client(Some(client.unwrap()))
}

/// Begins a request from a container and ends it only once it may go on.
const UPLOAD: &str = "docker exec web sh -c \"(printf 'GET / HTTP/1.0\\r\\n'
    for i in \\$(seq 300); do [ -e /go ] && break; sleep 0.1; done; printf '\\r\\n'; sleep 1) |
    nc 198.51.100.1 8080\" >/tmp/upload";

fn container_reaches(lab: &Lab, container: &str, server: &str) -> bool {
    let server = server.replace(':', " ");
    let get = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {server}");
    let call = ["docker", "exec", container, "sh", "-c", &get];
    lab.exec(&call).stdout.contains("on-prem server")
}

fn relieve(lab: &Lab) -> Value {
    let (code, report) = lab.rebridge(&[&["relieve", "--yes"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    report
}

fn undo(lab: &Lab) {
    let (code, report) = lab.rebridge(&["relieve", "--undo", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
}

fn everything_is_reached(lab: &Lab, when: &str) {
    for server in [SERVER, SHOP_SERVER] {
        assert!(lab.reaches(server), "{when}: this host reaches {server}");
        for container in ["web", "shop"] {
            assert!(
                container_reaches(lab, container, server),
                "{when}: {container}, {server}"
            );
        }
    }
}

fn relief_ends_the_outage_and_nothing_stops(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    lab.sh(CONTAINERS);
    let (started, before) = (lab.sh(STARTED), lab.sh(STATE));
    assert_eq!(started.lines().count(), 11, "{started}");
    assert!(
        !lab.reaches(SERVER) && !lab.reaches(SHOP_SERVER),
        "this is the outage"
    );

    let download = download(&lab);
    lab.sh(&format!(
        "systemd-run -q --unit upload bash -c {}",
        quoted(UPLOAD)
    ));
    let report = relieve(&lab);
    everything_is_reached(&lab, "relieved");
    let checks = report["verified"].to_string();
    assert!(checks.contains("the way to container web"), "{checks}");

    lab.sh("touch /tmp/go; docker exec web busybox touch /go");
    let downloaded = download.output();
    let bytes: u64 = downloaded
        .split_whitespace()
        .map(|count| count.parse::<u64>().unwrap())
        .sum();
    assert!((20_000_000..20_001_000).contains(&bytes), "{downloaded}");
    lab.sh("for i in $(seq 100); do grep -q 'on-prem server' /tmp/upload && exit 0; sleep 0.1; done; exit 1");
    assert_eq!(lab.sh(STARTED), started, "no container was started again");

    undo(&lab);
    assert_eq!(lab.sh(STATE), before);
    assert!(!lab.reaches(SERVER));
    with_live_restore(&lab);
    the_cure_ends_it(&lab);
}

/// What `apply` refuses while containers live, relief does not need.
fn with_live_restore(lab: &Lab) {
    lab.put("/etc/docker/daemon.json", "{\"live-restore\": true}\n");
    lab.sh("systemctl reload docker");
    let (code, report) = lab.rebridge(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    relieve(lab);
    everything_is_reached(lab, "with live-restore");
    lab.put("/etc/docker/daemon.json", "{\"live-restore\": false}\n");
    lab.sh("systemctl reload docker");
}

/// docker0 moves. The network beside it stays where it is, and so does its relief.
fn the_cure_ends_it(lab: &Lab) {
    let (code, report) = lab.rebridge(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let left = lab.sh("ip route show proto 114");
    assert!(
        left.lines().all(|line| line.starts_with("172.18.")),
        "{left}"
    );
    assert!(!left.is_empty());
    assert_eq!(
        lab.sh("cat /proc/sys/net/ipv4/conf/docker0/proxy_arp"),
        "0\n"
    );
    everything_is_reached(lab, "cured");
    let (code, report) =
        lab.rebridge(&[&["apply", "--yes", "--networks", "recreate"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(lab.sh("ip route show table all proto 114"), "");
    everything_is_reached(lab, "all of it is cured");
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What else decides about relief on a real host: a program inside a container, a timer, the cure
/// and its rollback, and a networkd that manages all routes.
fn relief_is_watched_over(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    lab.sh("docker run -d --stop-timeout 1 --name web busybox sleep 1d >/dev/null");
    let before = lab.sh(STATE);
    a_probe_from_a_container_decides(&lab, &before);
    a_killed_run_is_undone_by_the_timer(&lab, &before);
    a_rollback_brings_it_back(&lab);
    networkd_takes_it_away_and_check_says_so(&lab);
}

fn a_probe_from_a_container_decides(lab: &Lab, before: &str) {
    let with = |probe: &str| {
        let (_, report) = lab.rebridge(
            &[
                &["relieve", "--yes", "--probe-container", probe],
                &AVOID[..],
            ]
            .concat(),
        );
        report["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(with("web=172.17.50.10:9"), "rolled_back");
    assert_eq!(lab.sh(STATE), before);
    assert_eq!(with("web=172.17.50.10:8080"), "changed");
    undo(lab);
    assert_eq!(lab.sh(STATE), before);
}

/// Killed while it waits for answers, a minute at most, with all routes in their place. Nobody has
/// that address on the bridge, and the kernel asks for it for seconds.
fn a_killed_run_is_undone_by_the_timer(lab: &Lab, before: &str) {
    kill_while_it_waits(lab, 5);
    lab.sh(
        "for i in $(seq 600); do
             [ -z \"$(ip route show table all proto 114)$(ls /var/lib/rebridge)\" ] && exit 0; sleep 0.1
         done; exit 1",
    );
    assert_eq!(lab.sh(STATE), before);
    // A run that verifies what a killed one has left takes its timer away.
    kill_while_it_waits(lab, 3600);
    let timer = "systemctl list-timers --all | grep -c rebridge-dead || :";
    assert_eq!(lab.sh(timer), "1\n");
    relieve(lab);
    assert_eq!(lab.sh(timer), "0\n");
    undo(lab);
    assert_eq!(lab.sh(STATE), before);
    let (_, report) =
        lab.rebridge(&[&["relieve", "--yes", "--dead-man", "5"], &AVOID[..]].concat());
    assert_eq!(report["outcome"], "changed", "{report:#}");
    assert_eq!(lab.sh(timer), "0\n");
}

fn kill_while_it_waits(lab: &Lab, seconds: u32) {
    let probes = "--probe 172.17.0.200:9 ".repeat(20);
    lab.sh(&format!(
        "rebridge relieve --yes --avoid 172.17.0.0/16 --dead-man {seconds} {probes} >/tmp/killed 2>&1 & run=$!
         until ip route show 172.17.128.0/17 | grep -q 'proto 114'; do
             kill -0 $run || exit 1; sleep 0.02
         done
         kill -9 $run"
    ));
}

fn a_rollback_brings_it_back(lab: &Lab) {
    let relieved = lab.sh("ip route show proto 114");
    let (_, report) = lab.rebridge(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!(report["outcome"], "changed", "{report:#}");
    assert_eq!(lab.sh("ip route show table all proto 114"), "");
    let (_, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(report["outcome"], "changed", "{report:#}");
    assert_eq!(lab.sh("ip route show proto 114"), relieved, "{report:#}");
    assert!(lab.reaches(SERVER) && container_reaches(lab, "web", SERVER));
}

/// As it is by default: networkd removes the routes of others when it configures a link. It does so
/// without udev only where /sys cannot be written to.
fn networkd_takes_it_away_and_check_says_so(lab: &Lab) {
    let address = lab.sh("ip -4 -o addr show eth0 | awk '{ print $4 }'");
    lab.put(
        "/etc/systemd/network/10-eth0.network",
        &format!(
            "[Match]\nName=eth0\n[Network]\nAddress={}\nGateway=198.51.100.1\n",
            address.trim()
        ),
    );
    lab.sh(
        "mount -o remount,bind,ro /sys && systemctl start systemd-networkd
         for i in $(seq 600); do
             [ -z \"$(ip route show proto 114)\" ] && exit 0; sleep 0.1
         done; exit 1",
    );
    let (code, report) = lab.rebridge(&[&["check"], &AVOID[..]].concat());
    assert_eq!(code, 1, "{report:#}");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("relief routes are gone"), "{warnings}");
    relieve(lab);
    assert!(lab.reaches(SERVER) && container_reaches(lab, "web", SERVER));
}
