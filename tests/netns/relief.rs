//! Relief against the kernel: packets of this host and of a container get past docker0 to a server,
//! and back, and what was there before comes back byte for byte.

use crate::evidence::{containers, until};
use crate::sandbox::engine::{Restart, install};
use crate::sandbox::{REBRIDGE, Sandbox};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;

pub const AVOID: [&str; 2] = ["--avoid", "172.17.0.0/16"];

/// Servers behind the default gateway, and a container behind docker0.
pub fn outage() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip netns add world
         ip link set corp netns world
         ip -n world link set lo up
         ip -n world addr add 198.51.100.1/24 dev corp
         ip -n world link set corp up
         for server in 172.17.50.10 172.17.200.7 172.17.0.9; do
             ip -n world addr add $server/32 dev lo
         done
         ip netns add box
         ip link add veth0 type veth peer name in0
         ip link set veth0 master docker0 up
         ip link set in0 netns box
         ip -n box addr add 172.17.0.2/16 dev in0
         ip -n box link set in0 up
         ip -n box link set lo up
         ip -n box route add default via 172.17.0.1
         echo 1 > /proc/sys/net/ipv4/ip_forward
         iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE");
    install(&sandbox, Restart::Moves);
    containers(&sandbox, &[("web", "172.17.0.2")]);
    sandbox
}

/// A closed port answers too, and at once; what goes into the bridge has no answer.
const CALL: &str = "timeout 1 bash -c '</dev/tcp/$1/9' 2>&1 | grep -q refused";

pub fn host_reaches(sandbox: &Sandbox, server: &str) -> bool {
    sandbox
        .run(&["bash", "-c", &CALL.replace("$1", server)])
        .code
        == 0
}

pub fn container_reaches(sandbox: &Sandbox, server: &str) -> bool {
    let call = CALL.replace("$1", server);
    let call = ["ip", "netns", "exec", "box", "bash", "-c", &call];
    sandbox.run(&call).code == 0
}

/// Everything that relief touches. IPv6 addresses settle by themselves meanwhile.
pub fn state(sandbox: &Sandbox) -> Vec<String> {
    sandbox.sh(
        "ip -4 -d route show table all; ip rule
         sysctl -a 2>/dev/null | grep '^net.ipv4.conf' | sort; ls /var/lib/rebridge 2>/dev/null || :",
    )
    .lines()
    .map(str::to_owned)
    .collect()
}

pub fn is_as_before(sandbox: &Sandbox, before: &[String]) {
    let now = state(sandbox);
    let new: Vec<&String> = now.iter().filter(|line| !before.contains(line)).collect();
    let gone: Vec<&String> = before.iter().filter(|line| !now.contains(line)).collect();
    assert!(now == before, "new: {new:#?}, gone: {gone:#?}");
}

pub fn relieve(sandbox: &Sandbox, more: &[&str]) -> (i32, Value) {
    sandbox.json(&[&["relieve", "--yes"], &AVOID[..], more].concat())
}

pub fn routes(report: &Value) -> Vec<String> {
    let ranges = report["relief"]["ranges"].as_array().unwrap();
    let routes = ranges
        .iter()
        .flat_map(|range| range["routes"].as_array().unwrap());
    routes
        .map(|route| {
            let hop = &route["hops"][0];
            let gateway = hop["gateway"].as_str().unwrap_or("-");
            format!(
                "{} {gateway} {} {}",
                route["dst"].as_str().unwrap(),
                hop["dev"].as_str().unwrap(),
                route["table"]
            )
        })
        .collect()
}

#[test]
fn the_outage_ends_at_once_for_host_and_containers() {
    let sandbox = outage();
    let before = state(&sandbox);
    assert!(!host_reaches(&sandbox, "172.17.50.10"));
    assert!(!container_reaches(&sandbox, "172.17.50.10"));
    let (code, preview) = sandbox.json(&[&["relieve", "--check"], &AVOID[..]].concat());
    assert_eq!(
        (code, &preview["outcome"]),
        (0, &"would_change".into()),
        "{preview:#}"
    );
    is_as_before(&sandbox, &before);

    let (code, report) = relieve(&sandbox, &[]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(
        routes(&report),
        [
            "172.17.1.0/24 198.51.100.1 eth0 254",
            "172.17.2.0/23 198.51.100.1 eth0 254",
            "172.17.4.0/22 198.51.100.1 eth0 254",
            "172.17.8.0/21 198.51.100.1 eth0 254",
            "172.17.16.0/20 198.51.100.1 eth0 254",
            "172.17.32.0/19 198.51.100.1 eth0 254",
            "172.17.64.0/18 198.51.100.1 eth0 254",
            "172.17.128.0/17 198.51.100.1 eth0 254",
        ]
    );
    for server in ["172.17.50.10", "172.17.200.7"] {
        assert!(host_reaches(&sandbox, server), "{server}");
        // The kernel takes its time, up to 0.8 s, before it answers ARP for others.
        until("the container's answer", || {
            container_reaches(&sandbox, server)
        });
    }
    assert!(
        !host_reaches(&sandbox, "172.17.0.9"),
        "where containers live"
    );
    assert!(
        host_reaches(&sandbox, "172.17.0.2"),
        "the container is where it was"
    );
    let checks = report["verified"].as_array().unwrap();
    assert!(
        checks.len() >= 8 && checks.iter().all(|check| check["ok"] == true),
        "{report:#}"
    );
    let remaining = report["remaining"].as_array().unwrap();
    assert!(
        remaining.iter().all(|clash| clash["relieved"] == true),
        "{report:#}"
    );

    let (code, again) = relieve(&sandbox, &[]);
    assert_eq!((code, &again["changed"]), (0, &false.into()), "{again:#}");
    let (code, undone) = sandbox.json(&["relieve", "--undo", "--yes"]);
    assert_eq!(
        (code, &undone["outcome"]),
        (0, &"changed".into()),
        "{undone:#}"
    );
    is_as_before(&sandbox, &before);
    assert!(!host_reaches(&sandbox, "172.17.50.10"));
    let (code, nothing) = sandbox.json(&["relieve", "--undo", "--yes"]);
    assert_eq!(
        (code, &nothing["changed"]),
        (0, &false.into()),
        "{nothing:#}"
    );
}

/// Relief is no cure, and no evidence of its own.
#[test]
fn what_is_relieved_still_clashes_until_docker_moves() {
    let sandbox = outage();
    relieve(&sandbox, &[]);
    let (code, report) = sandbox.json(&[&["check"], &AVOID[..]].concat());
    let clash = &report["clashes"][0];
    assert_eq!((code, &clash["relieved"]), (1, &true.into()), "{report:#}");
    let said = clash["explain"].as_str().unwrap();
    assert!(
        said.contains("relieved") && !said.contains("goes into"),
        "{said}"
    );
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "without the operator's word there is no need"
    );
    let (code, stale) = sandbox.json(&["relieve", "--yes"]);
    assert_eq!(
        (code, &stale["outcome"]),
        (0, &"changed".into()),
        "{stale:#}"
    );
    assert!(sandbox.sh("ip route show table all proto 114").is_empty());
}

#[test]
fn the_cure_takes_relief_away() {
    let sandbox = outage();
    let arp = "/proc/sys/net/ipv4/conf/docker0/proxy_arp";
    relieve(&sandbox, &[]);
    assert_eq!(sandbox.sh(&format!("cat {arp}")), "1\n");
    let (code, report) = sandbox.json(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(sandbox.sh("ip route show table all proto 114").is_empty());
    assert_eq!(sandbox.sh(&format!("cat {arp}")), "0\n");
    assert!(
        host_reaches(&sandbox, "172.17.0.9"),
        "the cure reaches all of it"
    );
}

/// The tunnel's default route lies in a table of its own, behind main without its default route.
#[test]
fn packets_go_where_the_rules_lead_without_docker() {
    let sandbox = outage();
    sandbox.sh("ip link add wg0 type veth peer name far0
         ip link set far0 netns world
         ip addr add 10.64.0.2/24 dev wg0
         ip link set wg0 up
         ip -n world addr add 10.64.0.1/24 dev far0
         ip -n world link set far0 up
         ip route add default via 10.64.0.1 dev wg0 table 51820
         ip route add 172.17.40.0/24 via 198.51.100.1 table 51820
         ip rule add not fwmark 0xca6c lookup 51820 priority 32765
         ip rule add lookup main suppress_prefixlength 0 priority 32764");
    let (code, report) = relieve(&sandbox, &[]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let routes = routes(&report);
    assert!(
        routes.contains(&"172.17.128.0/17 10.64.0.1 wg0 254".to_owned()),
        "{routes:#?}"
    );
    assert!(
        routes.contains(&"172.17.40.0/24 198.51.100.1 eth0 254".to_owned()),
        "{routes:#?}"
    );
    assert_eq!(
        routes.len(),
        9,
        "one more for what goes another way: {routes:#?}"
    );
    let way = |to: &str| sandbox.sh(&format!("ip route get {to}"));
    assert!(way("172.17.40.5").contains("dev eth0"));
    assert!(way("172.17.41.5").contains("dev wg0"));
}

#[test]
fn a_probe_that_fails_takes_all_of_it_away() {
    let sandbox = outage();
    let before = state(&sandbox);
    let (code, report) = relieve(&sandbox, &["--probe", "172.17.50.10:9"]);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    is_as_before(&sandbox, &before);
}

#[test]
fn what_only_the_cure_reaches_is_named() {
    let sandbox = outage();
    let (code, report) = sandbox.json(&["relieve", "--yes", "--avoid", "172.17.0.9/32"]);
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    let said = report["relief"]["out_of_reach"][0].as_str().unwrap();
    assert!(
        said.contains("172.17.0.9") && said.contains("172.17.0.0/24"),
        "{said}"
    );
    let clear = sandbox.json(&["relieve", "--yes"]).1;
    assert_eq!(clear["outcome"], "clean", "{clear:#}");
}

/// Wherever a run is killed, the next one ends relieved, or takes all of it away.
#[test]
fn a_killed_run_is_finished_or_undone() {
    let sandbox = outage();
    let before = state(&sandbox);
    let mut cut_short = 0;
    // From before the first route to after the last one.
    for step in 0..24u64 {
        let arguments = [REBRIDGE, "relieve", "--yes", "--json", AVOID[0], AVOID[1]];
        let mut run = sandbox
            .command(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(2 * step));
        let _ = run.kill();
        let ended = run.wait_with_output().unwrap();
        let routes = sandbox
            .sh("ip route show table all proto 114")
            .lines()
            .count();
        cut_short += u32::from(ended.stdout.is_empty() && routes > 0);
        if step % 2 == 0 {
            let (code, report) = relieve(&sandbox, &[]);
            assert_eq!(code, 0, "{report:#}");
            assert!(host_reaches(&sandbox, "172.17.50.10"), "step {step}");
        }
        let (code, undone) = sandbox.json(&["relieve", "--undo", "--yes"]);
        assert_eq!(code, 0, "{undone:#}");
        is_as_before(&sandbox, &before);
    }
    println!("{cut_short} of 24 runs were killed half-way");
}

/// A rollback puts the file back, and no route: the run names the command for each.
#[test]
fn both_ways_back_are_named() {
    let sandbox = outage();
    let ran = sandbox.rebridge(&[&["apply", "--relieve", "--yes"], &AVOID[..]].concat());
    for command in ["rebridge rollback", "rebridge relieve --undo"] {
        assert!(ran.stdout.contains(command), "{}", ran.stdout);
    }
    let (code, report) = sandbox.json(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(host_reaches(&sandbox, "172.17.50.10"), "the routes stay");
}

/// The outage ends now, the file waits for the restart that suits the operator, and that is the cure.
#[test]
fn relief_now_and_the_file_for_the_next_start() {
    let sandbox = outage();
    let apply = [&["apply", "--relieve", "--yes"], &AVOID[..]].concat();
    let before = state(&sandbox);
    let (code, preview) = sandbox.json(&[&apply[..], &["--check"]].concat());
    assert_eq!(
        (code, &preview["outcome"]),
        (0, &"would_change".into()),
        "{preview:#}"
    );
    assert_eq!(routes(&preview).len(), 8);
    is_as_before(&sandbox, &before);
    let (code, report) = sandbox.json(&apply);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(report["restarted"], false);
    assert!(host_reaches(&sandbox, "172.17.50.10"));
    assert_eq!(sandbox.docker0(), "172.17.0.1/16");
    let file = sandbox.read("/etc/docker/daemon.json").unwrap();
    assert!(file.contains("10.200."), "{file}");
    let (code, again) = sandbox.json(&apply);
    assert_eq!((code, &again["changed"]), (0, &false.into()), "{again:#}");
    let (code, cured) = sandbox.json(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!((code, &cured["restarted"]), (0, &true.into()), "{cured:#}");
    assert!(sandbox.sh("ip route show table all proto 114").is_empty());
}
