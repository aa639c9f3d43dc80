//! The whole job: find the outage, fix it, verify, undo it.

use crate::back::is_as_before;
use crate::lab::{Lab, SERVER};
use serde_json::Value;

pub const AVOID: &str = "--avoid=172.17.0.0/16";

on_every_engine!(
    the_outage_is_found_fixed_and_stays_fixed,
    a_stopped_docker_is_not_started,
    the_last_apply_can_be_undone,
    new_networks_come_from_the_pools_and_never_from_docker0s_subnet,
    a_bip_key_and_tied_keys_move_along,
    live_restore_with_containers_is_refused_untouched,
    only_the_restart_is_missing,
);

/// A daemon.json somebody wrote by hand, with a spelling of their own.
pub const BY_HAND: &str = "{\n\t\"log-opts\" : \
                       {\"max-size\":\"10m\",\n\t\t\"max-file\":\"3\"},\n\n\t\"debug\":false, \
                       \"max-concurrent-downloads\": 3,\n\t\"insecure-registries\": [ \
                       \"reg.example:5000\" ]\n\n}";

pub fn yes() -> Value {
    Value::Bool(true)
}

pub fn no() -> Value {
    Value::Bool(false)
}

/// What must not change when nothing is to be done: files with inode and time, Docker's process,
/// docker0.
fn state(lab: &Lab) -> String {
    lab.sh(
        "find /etc/docker /var/lib/rebridge -printf '%p %i %T@ %s\\n' 2>/dev/null | sort
            systemctl show docker.service -p MainPID -p ExecMainStartTimestampMonotonic
            ip -4 -o addr show docker0; docker ps -aq | sort",
    )
}

fn the_outage_is_found_fixed_and_stays_fixed(suite: &str) {
    let lab = Lab::create(suite);
    lab.put("/etc/docker/daemon.json", BY_HAND);
    lab.boot();
    lab.container("--restart=always --name always");
    lab.container("--restart=unless-stopped --name unless");
    lab.sh("docker network create shop");
    lab.container("--restart=always --name shop --network shop");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    assert!(!lab.reaches(SERVER), "this is the outage");
    // A call that is still under way is told in other words than one that has failed.
    lab.sh("while ip neigh show dev docker0 | grep -q INCOMPLETE; do sleep 0.1; done");

    // Nobody has told rebridge anything: the call that failed has left its trace.
    let (code, report) = lab.rebridge(&["check"]);
    assert_eq!(
        (code, &report["outcome"]),
        (1, &"clashing".into()),
        "{report:#}"
    );
    let clash = &report["clashes"][0];
    assert_eq!(
        (&clash["docker"]["bridge"], &clash["docker"]["subnet"]),
        (&"docker0".into(), &"172.17.0.0/16".into())
    );
    assert_eq!(
        (&clash["with"]["source"], &clash["with"]["net"]),
        (&"neighbour".into(), &"172.17.50.10/32".into())
    );
    assert_eq!(
        report["clashes"].as_array().unwrap().len(),
        1,
        "live containers are no evidence: {report:#}"
    );

    let (code, report) = lab.rebridge(&["check", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (1, &"clashing".into()),
        "{report:#}"
    );
    let declared = report["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|clash| clash["with"]["source"] == "declared");
    let clash = declared.unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(
        (&clash["docker"]["bridge"], &clash["with"]["net"]),
        (&"docker0".into(), &"172.17.0.0/16".into())
    );
    assert_eq!(lab.read("/etc/docker/daemon.json").unwrap(), BY_HAND);

    let (code, foretold) = lab.rebridge(&["apply", "--check", AVOID]);
    assert_eq!(
        (code, &foretold["outcome"]),
        (0, &"would_change".into()),
        "{foretold:#}"
    );
    assert_eq!(
        (
            lab.docker0().as_str(),
            lab.read("/etc/docker/daemon.json").unwrap().as_str()
        ),
        ("172.17.0.1/16", BY_HAND)
    );

    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"], &report["changed"]),
        (0, &"changed".into(), &yes()),
        "{report:#}"
    );
    for key in ["plan", "diff", "clashes", "remaining"] {
        assert_eq!(
            report[key], foretold[key],
            "check mode foretold another {key}"
        );
    }
    assert_eq!(
        report["docker"]["docker0_after"],
        foretold["docker"]["docker0_after"]
    );
    assert!(
        report["verified"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check["ok"] == yes()),
        "{report:#}"
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    assert!(lab.reaches(SERVER), "the way is free again");
    assert_eq!(
        lab.sh("docker ps --format '{{.Names}}' | sort"),
        "always\nshop\nunless\n"
    );
    assert_eq!(report["warnings"], Value::Array(Vec::new()), "{report:#}");
    foreign_bytes_are_kept(&lab.read("/etc/docker/daemon.json").unwrap());
    assert_eq!(
        lab.read(report["backup_file"].as_str().unwrap()).unwrap(),
        BY_HAND
    );
    restart_in_steps(&report);

    let before = state(&lab);
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"], &report["changed"]),
        (0, &"clean".into(), &no()),
        "{report:#}"
    );
    assert_eq!(report["restarted"], no());
    assert_eq!(state(&lab), before);
    assert_eq!(lab.rebridge(&["check", AVOID]).0, 0);
}

/// Where the time of a restart went: stop, start and answer are the whole of it.
fn restart_in_steps(report: &Value) {
    let phases = report["phases"].as_array().unwrap();
    let restart = phases
        .iter()
        .find(|phase| phase["what"] == "restarting Docker")
        .unwrap();
    let steps = restart["steps"]
        .as_array()
        .unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(
        steps
            .iter()
            .map(|step| step["what"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["stop", "start", "answer"]
    );
    let seconds = |phase: &Value| phase["seconds"].as_f64().unwrap();
    let (sum, whole) = (steps.iter().map(seconds).sum::<f64>(), seconds(restart));
    // Between its stop and its start a unit is at rest for a moment.
    assert!(
        seconds(&steps[1]) > 0.0 && sum <= whole + 0.01 && sum > whole - 0.3,
        "{restart:#}"
    );
}

/// Struck out what was put in, the file is the old one, byte for byte.
fn foreign_bytes_are_kept(text: &str) {
    let from = text.find(",\n\t\"bip\"").expect("bip was appended");
    let to = text.find("\n\t]").expect("the pools end") + "\n\t]".len();
    assert_eq!(
        format!("{}{}", &text[..from], &text[to..]),
        BY_HAND,
        "{text}"
    );
}

/// Puts a drop-in for docker.service in force.
pub fn drop_in(lab: &Lab, text: &str) {
    lab.put(
        "/etc/systemd/system/docker.service.d/test.conf",
        &format!("[Service]\n{text}\n"),
    );
    lab.sh("systemctl daemon-reload");
}

fn a_stopped_docker_is_not_started(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh("systemctl stop docker.service; systemctl start docker.socket");
    let (code, report) = lab.rebridge(&["check", AVOID]);
    assert_eq!(
        (code, &report["docker"]["state"]),
        (1, &"stopped".into()),
        "{report:#}"
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"], &report["restarted"]),
        (0, &"changed".into(), &no()),
        "{report:#}"
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!((code, &report["changed"]), (0, &no()), "{report:#}");
    assert_eq!(
        lab.sh("systemctl is-active docker.service docker.socket || true"),
        "inactive\nactive\n"
    );
    // What was only written is only unwritten.
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (
            code,
            &report["outcome"],
            lab.read("/etc/docker/daemon.json")
        ),
        (0, &"changed".into(), None),
        "{report:#}"
    );
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    assert_eq!(
        lab.sh("systemctl is-active docker.service docker.socket || true"),
        "inactive\nactive\n"
    );
    lab.sh("systemctl start docker.service");
    assert_eq!(
        (lab.docker0().as_str(), lab.reaches(SERVER)),
        ("10.200.255.1/24", true)
    );
    assert_eq!(lab.rebridge(&["check", AVOID]).0, 0);
    // Once Docker has started with it, only a running Docker can go back.
    lab.sh("systemctl stop docker.service");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert!(
        code == 3
            && report["msg"]
                .as_str()
                .unwrap()
                .contains("Docker is stopped"),
        "{report:#}"
    );
    lab.sh("systemctl start docker.service");
    assert_eq!(
        (
            lab.rebridge(&["rollback", "--yes"]).0,
            lab.docker0().as_str()
        ),
        (0, "172.17.0.1/16")
    );
}

fn the_last_apply_can_be_undone(suite: &str) {
    let lab = Lab::create(suite);
    lab.put("/etc/docker/daemon.json", BY_HAND);
    lab.boot();
    lab.container("--restart=always --name always");
    assert_eq!(
        lab.rebridge(&["rollback", "--yes"]).0,
        3,
        "nothing to undo yet"
    );
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"], &report["rolled_back"]),
        (0, &"changed".into(), &yes()),
        "{report:#}"
    );
    is_as_before(&lab, Some(BY_HAND));
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["changed"]),
        (0, &no()),
        "undone once: {report:#}"
    );
}

fn new_networks_come_from_the_pools_and_never_from_docker0s_subnet(suite: &str) {
    let lab = Lab::up(suite);
    let pools = [
        "--pool",
        "base=10.210.0.0/29,size=30",
        "--pool",
        "base=10.209.0.0/28,size=30",
    ];
    let (code, report) = lab.rebridge(&[&["apply", "--yes", AVOID], &pools[..]].concat());
    assert_eq!(
        (code, &report["plan"]["docker0"]),
        (0, &"10.210.0.5/30".into()),
        "{report:#}"
    );
    let made = lab.sh("for n in 1 2 3 4 5; do docker network create n$n >/dev/null
                       docker network inspect n$n -f '{{(index .IPAM.Config 0).Subnet}}'; done");
    assert_eq!(
        made,
        "10.209.0.0/30\n10.209.0.4/30\n10.209.0.8/30\n10.209.0.12/30\n10.210.0.0/30\n"
    );
    assert_ne!(
        lab.try_sh("docker network create n6").code,
        0,
        "the pools are used up"
    );
    // The reason for bip inside the pools: 20.10 would not start any more otherwise.
    lab.sh("systemctl reset-failed docker.service docker.socket; systemctl restart docker.service");
    assert_eq!(lab.docker0(), "10.210.0.5/30");
}

fn a_bip_key_and_tied_keys_move_along(suite: &str) {
    let lab = Lab::create(suite);
    let old = "{\"bip\": \"172.17.0.1/16\", \"fixed-cidr\": \"172.17.128.0/17\", \
               \"default-gateway\": \"172.17.0.254\"}\n";
    lab.put("/etc/docker/daemon.json", old);
    lab.boot();
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    lab.container("--name one");
    let address = lab.sh(
        "docker inspect one -f '{{.NetworkSettings.Networks.bridge.IPAddress}} \
                          {{.NetworkSettings.Networks.bridge.Gateway}}'",
    );
    let (address, gateway) = address.trim().split_once(' ').unwrap();
    let last: u8 = address
        .strip_prefix("10.200.255.")
        .unwrap()
        .parse()
        .unwrap();
    assert!(last >= 128, "fixed-cidr holds: {address}");
    assert_eq!(gateway, "10.200.255.254");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "172.17.0.1/16"),
        "{report:#}"
    );
    assert_eq!(lab.read("/etc/docker/daemon.json").unwrap(), old);
}

fn live_restore_with_containers_is_refused_untouched(suite: &str) {
    let lab = Lab::create(suite);
    lab.put("/etc/docker/daemon.json", "{\"live-restore\": true}");
    lab.boot();
    lab.container("--name one");
    let before = state(&lab);
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("live-restore is on"),
        "{report:#}"
    );
    assert_eq!(state(&lab), before);
    lab.sh("docker rm -f one");
    assert_eq!(
        lab.rebridge(&["apply", "--yes", AVOID]).0,
        0,
        "without containers it moves"
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
}

fn only_the_restart_is_missing(suite: &str) {
    let lab = Lab::up(suite);
    let (code, report) = lab.rebridge(&["apply", "--yes", "--no-restart", AVOID]);
    assert_eq!(
        (code, &report["changed"], &report["restarted"]),
        (0, &yes(), &no()),
        "{report:#}"
    );
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    let (code, report) = lab.rebridge(&["apply", "--yes", "--no-restart", AVOID]);
    assert_eq!((code, &report["changed"]), (0, &no()), "{report:#}");
    let file = lab.read("/etc/docker/daemon.json");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["changed"], &report["restarted"]),
        (0, &yes(), &yes()),
        "{report:#}"
    );
    assert_eq!(
        (lab.docker0().as_str(), lab.read("/etc/docker/daemon.json")),
        ("10.200.255.1/24", file)
    );
}
