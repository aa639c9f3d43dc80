//! Whoever works over the very network that changes: a session that is cut off brings the change
//! back, one that is gone does not stop it half-way.

use crate::lab::{Lab, Ran, SERVER};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const APPLY: &str = "rebridge apply --yes --avoid=172.17.0.0/16";

on_every_engine!(
    an_operator_who_is_cut_off_is_let_in_again,
    a_quiet_session_is_not_tested,
    an_operator_who_leaves_finds_the_host_whole
);

/// What happens at a start of Docker with pools in its file, and at any other.
fn at_start(lab: &Lab, with_pools: &str, otherwise: &str) {
    lab.put(
        "/root/at-start",
        &format!(
            "if grep -qs pools /etc/docker/daemon.json; then {with_pools}; else {otherwise}; fi"
        ),
    );
    lab.put(
        "/etc/systemd/system/docker.service.d/test.conf",
        "[Service]\nExecStartPost=/bin/sh /root/at-start\n",
    );
    lab.sh("systemctl daemon-reload");
}

fn an_operator_who_is_cut_off_is_let_in_again(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    let rule = "INPUT -s 198.51.100.1 -j DROP";
    at_start(
        &lab,
        &format!("iptables -I {rule}"),
        &format!("iptables -D {rule} || true"),
    );
    // That the exit code comes through is the proof that the session lives.
    let ran = Ran::of(lab.over_ssh(APPLY).env("TERM", "dumb"));
    // The terminal breaks the sentence where it likes.
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        ran.code == 4 && said.contains("your ssh session is silent"),
        "{ran:?}"
    );
    assert_eq!(
        (lab.docker0().as_str(), lab.read("/etc/docker/daemon.json")),
        ("172.17.0.1/16", None)
    );
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
    at_start(&lab, "true", "true");
    let ran = Ran::of(lab.over_ssh(APPLY).env("TERM", "xterm"));
    assert!(
        ran.code == 0 && ran.stdout.contains("your ssh session: alive"),
        "{ran:?}"
    );
}

/// A session that stays cut off would never end.
fn bounded(session: &Command) -> Command {
    let mut command = Command::new("timeout");
    command
        .arg("600")
        .arg(session.get_program())
        .args(session.get_args())
        .stdin(Stdio::null());
    command
}

/// By the old range, or because the rollback is killed: the state of the apply comes back.
#[test]
fn a_rollback_that_cuts_you_off_is_taken_back() {
    let lab = Lab::up("trixie");
    lab.container("--name never");
    lab.sh("docker network create shop >/dev/null");
    lab.container("--name shop --network shop");
    let apply = crate::MOVE_ALL;
    assert_eq!(lab.rebridge(&apply).0, 0);
    let state = || {
        lab.sh("cat /etc/docker/daemon.json; ip -4 -o addr show docker0 | awk '{print $4}'
                docker network inspect shop -f '{{.IPAM.Config}}'; docker ps --format '{{.Names}}' | sort
                ls -A /var/lib/rebridge")
    };
    let applied = state();
    assert!(applied.ends_with("never\nshop\nlast.json\n"), "{applied}");
    let rule = "INPUT -s 198.51.100.1 -j DROP";
    at_start(
        &lab,
        &format!("iptables -D {rule} || true"),
        &format!("iptables -I {rule}"),
    );
    let rollback = "timeout --foreground 600 rebridge rollback --yes";
    let ran = Ran::of(bounded(&lab.over_ssh(rollback)).env("TERM", "dumb"));
    let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        ran.code == 4 && said.contains("was taken back: your ssh session was silent"),
        "{ran:?}"
    );
    assert_eq!(state(), applied);

    // Killed while Docker restarts; systemd's timer goes forward again.
    at_start(&lab, "true", "true");
    lab.sh("rebridge rollback --yes --json --dead-man 5 >/dev/null & pid=$!
            until ! grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done; kill -9 $pid; wait $pid || true
            test -e /var/lib/rebridge/journal.json
            for n in $(seq 600); do [ -e /var/lib/rebridge/journal.json ] || exit 0; sleep 0.2; done; exit 1");
    lab.sh("rm -f /var/lib/rebridge/dead-man");
    assert_eq!(state(), applied);

    let ran = Ran::of(bounded(&lab.over_ssh(rollback)).env("TERM", "xterm"));
    assert!(
        ran.code == 0 && ran.stdout.contains("your ssh session: alive"),
        "{ran:?}"
    );
    assert_eq!(lab.docker0(), "172.17.0.1/16");
}

/// A way of its own into the corp network, with a delay in either direction, for the namespace `far`.
const FAR: &str = r#"
import fcntl, heapq, os, select, struct, subprocess, sys, time
delay, far = float(sys.argv[1]), sys.argv[2]
def tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, 0x400454ca, struct.pack("16sH", name.encode(), 0x1001))
    return device
sh = lambda text: subprocess.run(text, shell=True, check=True)
near_end, far_end = tun("near"), tun("far0")
sh(f"ip link set far0 netns {far}; ip addr add 198.51.200.1/24 dev near; ip link set near up; ip -n {far} link set lo up;"
   f"ip -n {far} addr add 198.51.200.2/24 dev far0; ip -n {far} link set far0 up; ip -n {far} route add default via 198.51.200.1")
print("up", flush=True)
waiting, other = [], {near_end: far_end, far_end: near_end}
while True:
    timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for device in select.select([near_end, far_end], [], [], timeout)[0]:
        heapq.heappush(waiting, (time.monotonic() + delay, len(waiting), other[device], os.read(device, 2000)))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, device, packet = heapq.heappop(waiting)
        os.write(device, packet)
"#;

/// The namespace and the relay of a lab, until the test ends.
struct Far {
    namespace: String,
    relay: std::process::Child,
}

impl Far {
    fn away(lab: &Lab, delay: &str) -> Far {
        let namespace = format!("{}-far", lab.name);
        assert!(Ran::of(Command::new("ip").args(["netns", "add", &namespace])).code == 0);
        let mut relay = lab
            .in_corp(&["python3", "-c", FAR, delay, &namespace])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut up = String::new();
        let said = relay.stdout.as_mut().unwrap();
        BufReader::new(said).read_line(&mut up).unwrap();
        assert_eq!(up, "up\n");
        Far { namespace, relay }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.relay.kill();
        let _ = self.relay.wait();
        let _ = Ran::of(Command::new("ip").args(["netns", "del", &self.namespace]));
    }
}

/// On the other side of the world, with a progress line that is always under way. To the engine it
/// is all the same.
#[test]
fn an_operator_far_away_is_not_cut_off() {
    let lab = Lab::up("forky");
    for round_trip in [80, 200, 600] {
        let far = Far::away(&lab, &format!("{}", f64::from(round_trip) / 2000.0));
        let near = lab.over_ssh(APPLY);
        let words = near.get_args().map(|word| word.to_str().unwrap());
        let ssh: Vec<&str> = words.skip_while(|word| *word != "ssh").collect();
        let mut ssh_from_afar = Command::new("ip");
        ssh_from_afar
            .args(["netns", "exec", &far.namespace])
            .args(ssh)
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        let ran = Ran::of(&mut ssh_from_afar);
        assert!(
            ran.code == 0 && ran.stdout.contains("your ssh session: alive"),
            "{round_trip} ms: {ran:?}"
        );
        assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
    }
}

/// Where nothing is written to the session, the report does not say that it lives.
fn a_quiet_session_is_not_tested(suite: &str) {
    let lab = Lab::up(suite);
    let ran = Ran::of(&mut lab.over_ssh(&format!("{APPLY} --json")));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let verified = report["verified"].as_array().unwrap();
    let session = verified
        .iter()
        .find(|check| check["what"] == "your ssh session")
        .unwrap();
    assert_eq!(session["found"], "not tested: nothing was sent to it");
    assert_eq!((ran.code, &session["ok"]), (0, &true.into()));
}

fn an_operator_who_leaves_finds_the_host_whole(suite: &str) {
    let lab = Lab::up(suite);
    at_start(&lab, "sleep 2", "true");
    let mut session = lab.over_ssh(APPLY);
    let mut session = session
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    lab.sh("until grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done");
    session.kill().unwrap();
    session.wait().unwrap();
    lab.sh(
        "for n in $(seq 300); do [ -e /var/lib/rebridge/last.json ] && [ ! -e \
            /var/lib/rebridge/journal.json ] && exit 0; sleep 0.1; done; exit 1",
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    assert!(lab.reaches(SERVER));
}

/// A jump host in a container: the restart ends the session, and that is no reason to go back. The
/// same on the way back.
#[test]
fn a_session_out_of_a_container_ends_with_it() {
    let lab = Lab::up("trixie");
    assert_eq!(Ran::of(&mut lab.over_ssh("true")).code, 0);
    lab.container("--restart=always --name jump");
    let run = |docker0: &str, command: &str| {
        lab.sh(&format!(
            "rm -f /root/result.json
             pid=$(docker inspect -f {{{{.State.Pid}}}} jump)
             systemd-run -q --collect --setenv=TERM=xterm nsenter -t $pid -n ssh -F none -tt \\
                 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i /root/.ssh/id \\
                 root@{docker0} 'rebridge {command} --yes --result /root/result.json'
             timeout 120 sh -c 'until [ -s /root/result.json ]; do sleep 0.1; done'"
        ));
        let report = lab.read("/root/result.json").unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["outcome"], "changed", "{report:#}");
        let found = "not tested: it came out of the container jump";
        assert!(report["verified"].to_string().contains(found), "{report:#}");
        assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "jump\n");
        report
    };
    let report = run("172.17.0.1", "apply --avoid=172.17.0.0/16");
    let warnings = report["warnings"].to_string();
    let foretold = "your ssh session comes out of the container jump";
    assert!(warnings.contains(foretold), "{warnings}");
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    run("10.200.255.1", "rollback");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    // From anywhere else nothing is said of it.
    let (_, report) = lab.rebridge(&["apply", "--check", "--avoid=172.17.0.0/16"]);
    assert!(
        !report.to_string().contains("your ssh session"),
        "{report:#}"
    );
}
