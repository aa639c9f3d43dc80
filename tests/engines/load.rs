//! Hosts with much to do: many containers, containers that take their time, a machine that is slow.

use crate::back::drop_in_that_waits;
use crate::job::{AVOID, drop_in};
use crate::lab::Lab;
use serde_json::Value;
use std::time::Instant;

on_every_engine!(
    a_job_that_has_done_its_work_is_not_missed,
    what_takes_its_time_is_waited_for,
);

const FILE: &str = "/etc/docker/daemon.json";

fn dockerd(lab: &Lab) -> String {
    lab.sh("systemctl show docker.service -p MainPID --value")
}

fn changed(lab: &Lab, arguments: &[&str]) -> Value {
    let (code, report) = lab.rebridge(&[&["apply", "--yes", AVOID], arguments].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    report
}

fn rolled_back(lab: &Lab) -> Value {
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    report
}

fn a_job_that_has_done_its_work_is_not_missed(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    lab.sh("docker network create shop >/dev/null
            docker run -d --name job --network shop busybox sh -c '[ -e /tmp/done ] && exit 0; touch /tmp/done; trap \"exit 0\" TERM; while :; do sleep 1; done'");
    let (code, report) = lab.rebridge(&[
        "apply",
        "--yes",
        "--avoid=172.16.0.0/12",
        "--networks=recreate",
    ]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        lab.sh("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' job"),
        "exited 0\n"
    );
}

fn what_takes_its_time_is_waited_for(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--name never");
    // Killed in a start that goes on: the next run lets it end, and finds the work done.
    drop_in(
        &lab,
        "ExecStartPost=/bin/sh -c 'if grep -qs pools /etc/docker/daemon.json; then sleep 6; fi'",
    );
    lab.sh("rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until ip -4 addr show docker0 | grep -q 10.200; do sleep 0.05; done; kill -9 $pid; wait $pid || true");
    let (running, state) = (
        dockerd(&lab),
        lab.sh("systemctl show docker -p ActiveState --value"),
    );
    assert_eq!(state, "activating\n");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!((code, dockerd(&lab)), (0, running), "{report:#}");
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "never\n");
    rolled_back(&lab);

    // A command that returns before it acts, and one for a unit of another name whose starts are
    // used up.
    drop_in_that_waits(&lab);
    changed(
        &lab,
        &[
            "--restart-command",
            "systemd-run -q sh -c 'sleep 3; systemctl restart docker'",
        ],
    );
    rolled_back(&lab);
    lab.sh("rm /etc/systemd/system/docker.service.d/test.conf
            systemctl stop docker.socket docker.service
            sed 's/^Requires=docker.socket.*//; s/-H fd:\\/\\///' $(systemctl show -P FragmentPath docker) >/etc/systemd/system/moby.service
            systemctl daemon-reload; for n in 1 2 3; do systemctl restart moby; done");
    changed(&lab, &["--restart-command", "systemctl restart moby"]);
    rolled_back(&lab);
    lab.sh(
        "systemctl stop moby; rm /etc/systemd/system/moby.service; systemctl daemon-reload
            systemctl start docker; docker start never",
    );

    // Killed before the restart was ordered, while containers stop: Docker is not restarted at all.
    lab.sh("docker network create shop >/dev/null
            docker run -d --name slow --stop-timeout 15 --network shop busybox sh -c 'trap \"\" TERM; while :; do sleep 1; done'");
    let running = dockerd(&lab);
    lab.sh("rebridge apply --yes --json --avoid=172.16.0.0/12 --networks=recreate >/dev/null & pid=$!
            until grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done; sleep 0.5; kill -9 $pid; wait $pid || true");
    let report = rolled_back(&lab);
    assert_eq!(
        (dockerd(&lab), lab.read(FILE)),
        (running, None),
        "{report:#}"
    );
    assert_eq!(
        lab.sh("docker ps --format '{{.Names}}' | sort"),
        "never\nslow\n"
    );
    lab.sh("docker rm -f slow");

    // A service needs longer than Docker does.
    lab.sh("docker run -d --name web --restart=always -p 8700:80 busybox sh -c 'sleep 20; exec busybox httpd -f -p 80'; sleep 21");
    changed(&lab, &["--probe", "198.51.100.11:8700"]);

    // What the unit was given since is in the way of the way back.
    lab.put("/etc/default/docker", "DOCKER_OPTS=--bip=10.9.0.1/24\n");
    let running = dockerd(&lab);
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    let msg = report["msg"].as_str().unwrap();
    assert!(
        code == 3 && msg.contains("/etc/default/docker line 1"),
        "{report:#}"
    );
    assert_eq!(dockerd(&lab), running);
}

/// A hundred networks and three hundred containers move in one run; where the time went is printed.
#[test]
fn whole_crowd() {
    let lab = Lab::create("trixie");
    lab.put(
        "/etc/docker/daemon.json",
        r#"{"bip": "172.17.0.1/24", "default-address-pools": [{"base": "172.18.0.0/16", "size": 24}]}"#,
    );
    lab.boot();
    lab.image();
    lab.sh("for n in $(seq 100); do docker network create net$n >/dev/null; done
        run() { docker run -d --name $1 --network $2 busybox sh -c 'trap \"exit 143\" TERM; while :; do sleep 60 & wait; done' >/dev/null; }
        for n in $(seq 100); do for m in a b c; do run c$n$m net$n; done; done");
    let states = || lab.sh("docker ps -a --format '{{.Names}} {{.State}} {{.Networks}}' | sort");
    let before = states();
    assert_eq!(
        before
            .lines()
            .filter(|line| line.contains(" running "))
            .count(),
        300
    );
    let began = std::time::Instant::now();
    let (code, report) = lab.rebridge(&[
        "apply",
        "--yes",
        "--avoid=172.16.0.0/12",
        "--networks=recreate",
    ]);
    println!(
        "\n100 networks, 300 containers: {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for phase in report["phases"].as_array().unwrap() {
        println!(
            "  {:>7.1} s  {}",
            phase["seconds"].as_f64().unwrap(),
            phase["what"].as_str().unwrap()
        );
    }
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{}",
        report["msg"]
    );
    assert_eq!(report["remaining"], serde_json::Value::Array(Vec::new()));
    assert_eq!(states(), before);
}

/// Sixty containers that take eight seconds to stop, on a seventh of a core.
#[test]
fn whole_slow_host() {
    let lab = slow_host("trixie", 60, 15);
    for round in 1..=10 {
        there_and_back(&lab, &format!("round {round} of 10"), 60);
    }
}

/// The same in small.
#[test]
fn a_slow_host_gets_the_time_it_needs() {
    let lab = slow_host("forky", 20, 20);
    there_and_back(&lab, "20 containers", 20);
}

fn slow_host(suite: &str, containers: usize, percent: u32) -> Lab {
    let lab = Lab::up(suite);
    lab.image();
    lab.sh(&format!(
        "for n in $(seq {containers}); do docker run -d --name c$n --restart=always busybox sh -c \
            'trap \"sleep 8; exit 0\" TERM; while :; do sleep 60 & wait; done' >/dev/null; done"
    ));
    lab.throttle(percent);
    lab
}

/// With default options everything ends well, and every container runs again.
fn there_and_back(lab: &Lab, what: &str, containers: usize) {
    for (verb, docker0) in [("apply", "10.200.255.1/24"), ("rollback", "172.17.0.1/16")] {
        let mut words = vec![verb, "--yes"];
        words.extend((verb == "apply").then_some(AVOID));
        let began = Instant::now();
        let (code, report) = lab.rebridge(&words);
        let took = began.elapsed().as_secs_f64();
        let phases = phases(&report);
        println!("{what}: {verb} {took:.1} s, exit {code}: {phases}");
        assert_eq!((code, lab.docker0().as_str()), (0, docker0), "{report:#}");
        assert_eq!(
            lab.sh("docker ps -q").lines().count(),
            containers,
            "{report:#}"
        );
    }
}

fn phases(report: &Value) -> String {
    let phases = report["phases"].as_array().into_iter().flatten();
    let phases: Vec<String> = phases
        .map(|phase| format!("{} {}", phase["name"].as_str().unwrap(), phase["seconds"]))
        .collect();
    phases.join(", ")
}
