//! Containers across a restart: each comes out as it went in, whatever its policy; and the way
//! back, days later.

use crate::lab::{Lab, SERVER};
use serde_json::Value;

const AVOID: &str = "--avoid=172.17.0.0/16";

on_every_engine!(
    every_container_comes_out_as_it_went_in,
    with_live_restore_containers_are_stopped_only_when_allowed,
    a_rollback_days_later_looks_before_it_acts,
    containers_that_hang_on_each_other_or_on_a_manager,
);

/// Name and state of every container.
fn states(lab: &Lab) -> String {
    lab.sh("docker ps -a --format '{{.Names}} {{.State}}' | sort")
}

fn every_container_comes_out_as_it_went_in(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--name never");
    lab.container("--name joined --network container:never");
    lab.container("--name joined-always --restart=always --network container:never");
    lab.container("--name always --restart=always");
    lab.container("--name unless --restart=unless-stopped");
    lab.sh(
        "docker run -d --name polite --restart=on-failure busybox sh -c 'trap \"exit 0\" TERM; \
            while :; do sleep 1 & wait; done'",
    );
    lab.container("--name frozen --restart=always");
    lab.container("--name off --restart=always");
    lab.container("--name off-too --restart=unless-stopped");
    lab.container("--name brief --rm");
    lab.container("--name old-address -p 172.17.0.1:8088:80");
    lab.sh("docker pause frozen; docker stop -t 1 off off-too; docker wait off off-too");
    let before = states(&lab);
    let accept = "--accept=old-address";
    let (code, foretold) = lab.rebridge(&["apply", "--check", accept, AVOID]);
    assert_eq!(code, 0, "{foretold:#}");
    let warnings = foretold["warnings"].to_string();
    assert!(
        warnings.contains("container brief is removed when it stops (--rm)"),
        "{warnings}"
    );
    assert!(
        warnings.contains(
            "container old-address publishes a port on 172.17.0.1, the address of docker0"
        ),
        "{warnings}"
    );
    assert_eq!(states(&lab), before, "nothing is touched yet");

    let (code, report) = lab.rebridge(&["apply", "--yes", accept, AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let after: Vec<String> = states(&lab).lines().map(str::to_owned).collect();
    let wanted: Vec<&str> = before
        .lines()
        .filter(|line| !line.starts_with("brief "))
        .collect();
    let wanted: Vec<String> = wanted
        .iter()
        .map(|line| line.replace("old-address running", "old-address exited"))
        .collect();
    assert_eq!(after, wanted, "{report:#}");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("brief was started with --rm"),
        "{warnings}"
    );
    assert!(
        warnings.contains("the container old-address could not be returned to its earlier state"),
        "{warnings}"
    );
    assert!(lab.reaches(SERVER));
    assert_eq!(
        lab.sh("docker exec joined ip -4 addr show eth0 | grep -c 10.200.255"),
        "1\n",
        "it shares a live network"
    );
}

fn with_live_restore_containers_are_stopped_only_when_allowed(suite: &str) {
    let lab = Lab::create(suite);
    let old = "{\"live-restore\": true}";
    lab.put("/etc/docker/daemon.json", old);
    lab.boot();
    lab.container("--name never");
    lab.container("--name always --restart=always");
    lab.container("--name unless --restart=unless-stopped --network host");
    let before = states(&lab);
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 3);
    let (code, report) = lab.rebridge(&["apply", "--yes", "--accept=container-stop", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("containers always, never, unless are stopped"),
        "{report:#}"
    );
    assert_eq!(
        (states(&lab), lab.docker0().as_str()),
        (before.clone(), "10.200.255.1/24")
    );
    assert!(
        lab.read("/etc/docker/daemon.json")
            .unwrap()
            .contains("\"live-restore\": true")
    );
    assert_eq!(lab.sh("docker info -f '{{.LiveRestoreEnabled}}'"), "true\n");
    assert_eq!(
        lab.rebridge(&["rollback", "--yes"]).0,
        3,
        "the same holds for the way back"
    );
    let (code, report) = lab.rebridge(&["rollback", "--yes", "--accept=container-stop"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "172.17.0.1/16"),
        "{report:#}"
    );
    assert_eq!(
        (states(&lab), lab.read("/etc/docker/daemon.json").as_deref()),
        (before.clone(), Some(old))
    );
    // A failure after the stop: everything runs again, on the old range.
    lab.put(
        "/etc/systemd/system/docker.service.d/test.conf",
        "[Service]\nExecStartPre=/bin/sh -c '! grep -q pools /etc/docker/daemon.json'\n",
    );
    lab.sh("systemctl daemon-reload");
    let (code, report) = lab.rebridge(&["apply", "--yes", "--accept=container-stop", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    assert_eq!(
        (states(&lab), lab.docker0().as_str()),
        (before, "172.17.0.1/16")
    );
}

fn a_rollback_days_later_looks_before_it_acts(suite: &str) {
    let lab = Lab::up(suite);
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    lab.container("--name later");
    lab.sh("docker network create --subnet 172.17.0.0/16 taker");
    let refused = |words: &str| {
        let (code, report) = lab.rebridge(&["rollback", "--yes"]);
        assert_eq!(
            (code, &report["outcome"]),
            (3, &"refused".into()),
            "{report:#}"
        );
        assert!(
            report["msg"].as_str().unwrap().contains(words),
            "{words}: {}",
            report["msg"]
        );
        assert_eq!(lab.docker0(), "10.200.255.1/24");
    };
    refused("the Docker network taker has taken 172.17.0.0/16 meanwhile");
    lab.sh("docker network rm taker");
    let wrote = lab.read("/etc/docker/daemon.json").unwrap();
    lab.put(
        "/etc/docker/daemon.json",
        &wrote
            .replace("10.200.255.1/24", "10.200.254.1/24")
            .replace("{\n", "{\n  \"debug\": true,\n"),
    );
    refused("bip: \"10.200.255.1/24\" then, \"10.200.254.1/24\" now; debug: absent then, set now");
    lab.put("/etc/docker/daemon.json", &wrote);
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["changed"], lab.docker0().as_str()),
        (0, &Value::Bool(true), "172.17.0.1/16"),
        "{report:#}"
    );
    assert_eq!(states(&lab), "later running\n");
    assert!(lab.read("/etc/docker/daemon.json").is_none());
    let pid = lab.sh("cat /run/docker.pid");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["changed"], &report["outcome"]),
        (0, &Value::Bool(false), &"clean".into()),
        "{report:#}"
    );
    assert_eq!(lab.sh("cat /run/docker.pid"), pid, "nothing was restarted");
}

/// A container that exits with this code when it is started again, after a moment: a program that
/// fails to start does not fail at once.
pub fn once(lab: &Lab, options: &str, code: u8) {
    lab.sh(&format!(
        "docker run -d {options} busybox sh -c 'test -e /ran && sleep 0.5 && exit {code}; touch /ran; \
         trap \"exit 143\" TERM; while :; do sleep 1 & wait; done'"
    ));
}

/// What the report says of the containers.
fn run_again(report: &Value) -> (&str, bool) {
    let mut checks = report["verified"].as_array().unwrap().iter();
    let check = checks.find(|check| check["what"] == "what runs again");
    let check = check.unwrap_or_else(|| panic!("{report:#}"));
    (
        check["found"].as_str().unwrap(),
        check["ok"].as_bool().unwrap(),
    )
}

fn containers_that_hang_on_each_other_or_on_a_manager(suite: &str) {
    let lab = Lab::up(suite);
    let nomad = "-l com.hashicorp.nomad.alloc_id=1";
    // By name the linked ones come before what they are linked to.
    lab.container("--name zdb");
    lab.container("--name aweb --link zdb");
    lab.container("--name bweb --link zdb --restart=always");
    lab.container("--name cjoins --network container:aweb");
    lab.container("--name task -l com.docker.swarm.task.id=x");
    lab.container("--name k8s_app_web-0_default_0a1b2c3d-1111_0");
    lab.container(&format!("--name alloc {nomad}"));
    // Twins: a name that only begins like a pod's, and a label of a manager that starts nothing.
    lab.container("--name k8s_dashboard");
    lab.container("--name composed -l com.docker.compose.project=shop");
    once(&lab, "--name job", 0);
    let (code, foretold) = lab.rebridge(&["apply", "--check", AVOID]);
    assert_eq!(code, 0, "{foretold:#}");
    let warnings = foretold["warnings"].to_string();
    for who in [
        "task belongs to the swarm",
        "alloc belongs to Nomad",
        "k8s_app_web-0_default_0a1b2c3d-1111_0 belongs to kubelet",
    ] {
        assert!(warnings.contains(who), "{who}: {warnings}");
    }
    // Nomad at work: once the old one has ended there is a new one.
    lab.put(
        "/opt/nomad",
        &format!(
            "until docker inspect -f {{{{.State.Running}}}} alloc | grep false; do sleep 0.2; done
             docker run -d --name alloc-again {nomad} --restart=always busybox \\
                 sh -c 'trap exit TERM; while :; do sleep 1 & wait; done'"
        ),
    );
    lab.sh("systemd-run -q --unit=nomad sh /opt/nomad");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(run_again(&report), ("all that ran", true), "{report:#}");
    lab.sh("timeout 20 sh -c 'while systemctl is-active -q nomad; do sleep 0.1; done'");
    let running = "alloc-again\naweb\nbweb\ncjoins\ncomposed\nk8s_dashboard\nzdb\n";
    assert_eq!(lab.sh("docker ps --format '{{.Names}}' | sort"), running);

    // One that does not start again takes the change back.
    once(&lab, "--name fragile", 3);
    let old = lab.docker0();
    let again = ["apply", "--yes", "--avoid=10.200.255.0/24"];
    let (code, report) = lab.rebridge(&again);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (4, old.as_str()),
        "{report:#}"
    );
    let fault = "all but fragile (exit code 3)";
    assert!(
        report["msg"].as_str().unwrap().contains(fault),
        "{report:#}"
    );
    assert_eq!(run_again(&report), (fault, false), "{report:#}");
    assert_eq!(lab.sh("docker ps --format '{{.Names}}' | sort"), running);
    // What ended before the change did so by itself, whatever its exit code.
    let (code, report) = lab.rebridge(&again);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(run_again(&report), ("all that ran", true), "{report:#}");
    // On the way back it is reported, and the rest is back.
    lab.sh("docker rm fragile");
    once(&lab, "--name fragile", 3);
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, old.as_str()),
        "{report:#}"
    );
    assert_eq!(run_again(&report), (fault, false), "{report:#}");
}
