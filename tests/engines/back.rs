//! Every way in which the job can go wrong on a real engine: a Docker that does not start, a probe
//! that is not answered, a run that is killed.

use crate::job::{AVOID, BY_HAND, drop_in, no, yes};
use crate::lab::{Lab, SERVER};

on_every_engine!(
    a_start_refused_before_docker0_moved_is_rolled_back,
    a_start_that_fails_after_docker0_moved_is_rolled_back,
    a_start_that_hangs_is_rolled_back,
    a_docker_that_starts_with_neither_file_is_stranded_until_mended,
    a_run_killed_during_the_restart_is_settled_by_the_next,
    a_probe_decides,
);

/// The old bytes, Docker running and answering, docker0 and the containers as before, no journal.
pub fn is_as_before(lab: &Lab, daemon_json: Option<&str>) {
    assert_eq!(lab.read("/etc/docker/daemon.json").as_deref(), daemon_json);
    assert_eq!(
        lab.sh("systemctl is-active docker.service docker.socket"),
        "active\nactive\n"
    );
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    let subnet = lab.sh("docker network inspect bridge -f '{{(index .IPAM.Config 0).Subnet}}'");
    assert_eq!(subnet, "172.17.0.0/16\n");
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
    assert!(lab.read("/var/lib/rebridge/journal.json").is_none());
    // Sticky: it must survive what comes later, too.
    lab.sh("systemctl reset-failed docker.service docker.socket; systemctl restart docker.service");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
}

fn a_start_refused_before_docker0_moved_is_rolled_back(suite: &str) {
    for daemon_json in [None, Some(BY_HAND)] {
        let lab = Lab::create(suite);
        if let Some(text) = daemon_json {
            lab.put("/etc/docker/daemon.json", text);
        }
        lab.boot();
        lab.container("--restart=always --name always");
        drop_in(
            &lab,
            "ExecStartPre=/bin/sh -c 'if grep -qs pools /etc/docker/daemon.json; then echo no \
             pools in this house; exit 1; fi'",
        );
        let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
        assert_eq!(
            (code, &report["outcome"], &report["rolled_back"]),
            (4, &"rolled_back".into(), &yes()),
            "{report:#}"
        );
        assert_eq!((&report["changed"], &report["failed"]), (&no(), &yes()));
        assert!(
            report["msg"]
                .as_str()
                .unwrap()
                .contains("no pools in this house"),
            "{}",
            report["msg"]
        );
        assert!(
            report["verified"]
                .as_array()
                .unwrap()
                .iter()
                .all(|check| check["ok"] == yes()),
            "{report:#}"
        );
        assert_eq!(
            lab.try_sh("ls -A /etc/docker | grep rebridge").stdout,
            "",
            "no litter"
        );
        is_as_before(&lab, daemon_json);
    }
}

fn a_start_that_fails_after_docker0_moved_is_rolled_back(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    drop_in(
        &lab,
        "ExecStartPost=/bin/sh -c 'if ip addr show docker0 | grep -q 10.200; then echo not in my \
         network; exit 1; fi'",
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("not in my network"),
        "{}",
        report["msg"]
    );
    is_as_before(&lab, None);
}

fn a_start_that_hangs_is_rolled_back(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    drop_in(
        &lab,
        "ExecStartPre=/bin/sh -c 'if grep -qs pools /etc/docker/daemon.json; then sleep 60; fi'",
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--timeout", "5"]);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("did not end in time"),
        "{}",
        report["msg"]
    );
    is_as_before(&lab, None);
}

fn a_docker_that_starts_with_neither_file_is_stranded_until_mended(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    drop_in(
        &lab,
        "ExecStartPre=/bin/sh -c 'echo the disk is on fire; exit 1'",
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"], &report["failed"]),
        (5, &"stranded".into(), &yes()),
        "{report:#}"
    );
    let msg = report["msg"].as_str().unwrap();
    for words in [
        "Docker did not start: the disk is on fire; and the way back failed",
        "the engine is down, not up (for the same reason)",
        "journalctl -u docker.service",
        "systemctl reset-failed docker.service docker.socket",
    ] {
        assert!(msg.contains(words), "{words}: {msg}");
    }
    assert!(
        lab.read("/etc/docker/daemon.json").is_none(),
        "the old state of the file is back"
    );
    // The person does what the message says: mends the unit and runs apply again.
    lab.sh("rm /etc/systemd/system/docker.service.d/test.conf; systemctl daemon-reload");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(lab.reaches(SERVER));
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
}

/// Docker takes a second longer to start with the new file.
pub fn drop_in_that_waits(lab: &Lab) {
    drop_in(
        lab,
        "ExecStartPre=/bin/sh -c 'if grep -qs pools /etc/docker/daemon.json; then sleep 1; fi'",
    );
}

/// Docker's start with the new file does not end while there is /root/hold.
pub fn drop_in_that_holds(lab: &Lab) {
    drop_in(
        lab,
        "ExecStartPost=/bin/sh -c 'if grep -qs pools /etc/docker/daemon.json; then while [ -e \
         /root/hold ]; do sleep 0.1; done; fi'",
    );
}

fn a_run_killed_during_the_restart_is_settled_by_the_next(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    drop_in_that_waits(&lab);
    lab.sh("rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done; sleep 0.3; kill -9 $pid; wait $pid || true");
    assert!(lab.read("/var/lib/rebridge/journal.json").is_some());
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    assert!(
        report["warnings"].to_string().contains("interrupted"),
        "{report:#}"
    );
    assert_eq!(
        (lab.docker0().as_str(), lab.reaches(SERVER)),
        ("10.200.255.1/24", true)
    );
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
    assert!(lab.read("/var/lib/rebridge/journal.json").is_none());
}

fn a_probe_decides(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    // Nobody listens there, before or after.
    let (code, report) = lab.rebridge(&[
        "apply",
        "--yes",
        AVOID,
        "--probe",
        SERVER,
        "--probe",
        "198.51.100.1:9",
        "--timeout=15",
    ]);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("probe 198.51.100.1:9"),
        "{}",
        report["msg"]
    );
    is_as_before(&lab, None);
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--probe", SERVER]);
    assert_eq!(code, 0, "{report:#}");
}
