//! A plan that changes little does what it says on a real engine: pools alone, docker0 in its place.

use crate::lab::Lab;
use serde_json::Value;

on_every_engine!(
    pools_change_and_docker0_stays,
    pools_of_yours_keep_what_is_clear,
    pools_change_under_live_restore,
    pools_change_where_docker_has_no_bridge,
);

const FILE: &str = "/etc/docker/daemon.json";
/// Over what the pools could hand out, and not over docker0.
const AVOID: &str = "--avoid=172.18.0.0/16";

fn apply(lab: &Lab) -> Value {
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let (code, again) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!((code, &again["changed"]), (0, &false.into()), "{again:#}");
    let (code, check) = lab.rebridge(&["check", AVOID]);
    assert_eq!((code, &check["outcome"]), (0, &"clean".into()), "{check:#}");
    report
}

fn roll_back(lab: &Lab, text: Option<&str>) {
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(lab.read(FILE).as_deref(), text);
}

/// The subnets of so many networks made now.
fn new_subnets(lab: &Lab, count: usize) -> String {
    lab.sh(&format!(
        "for n in $(seq {count}); do docker network create new$n >/dev/null; done
         docker network inspect $(docker network ls -qf name=^new) -f '{{{{(index .IPAM.Config 0).Subnet}}}}'
         docker network rm $(docker network ls -qf name=^new) >/dev/null"
    ))
}

fn pools_change_and_docker0_stays(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    let report = apply(&lab);
    assert_eq!(report["plan"]["docker0"], Value::Null, "{report:#}");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    let subnets = new_subnets(&lab, 3);
    assert!(
        subnets.lines().all(|subnet| subnet.starts_with("10.200.")),
        "{subnets}"
    );
    // And it stays through starts to come, with the pools used up for a moment or not.
    lab.sh("systemctl reset-failed docker.service; systemctl restart docker.service");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    roll_back(&lab, None);
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    assert!(new_subnets(&lab, 1).starts_with("172.18."));
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
}

const POOLS: &str = "{\n  \"default-address-pools\": [\n    { \"Size\":24, \"Base\" : \"10.77.0.0/18\" },\n    \
                     {\"base\": \"172.18.0.0/16\", \"size\": 24}, {\"base\":\"10.78.0.0/20\",\"size\":26}\n  ],\n  \"debug\":false\n}\n";

fn pools_of_yours_keep_what_is_clear(suite: &str) {
    let lab = Lab::create(suite);
    lab.put(FILE, POOLS);
    lab.boot();
    let docker0 = lab.docker0();
    apply(&lab);
    let text = lab.read(FILE).unwrap();
    for kept in [
        "{ \"Size\":24, \"Base\" : \"10.77.0.0/18\" }",
        "{\"base\":\"10.78.0.0/20\",\"size\":26}",
        "\"debug\":false",
    ] {
        assert!(text.contains(kept), "{text}");
    }
    assert!(!text.contains("172.18."), "{text}");
    assert_eq!(lab.docker0(), docker0);
    roll_back(&lab, Some(POOLS));
    assert_eq!(lab.docker0(), docker0);
}

fn pools_change_under_live_restore(suite: &str) {
    let lab = Lab::create(suite);
    let text = "{\"live-restore\": true}\n";
    lab.put(FILE, text);
    lab.boot();
    lab.container("--name alive");
    let started = lab.sh("docker inspect alive -f '{{.State.StartedAt}}'");
    apply(&lab);
    assert!(new_subnets(&lab, 1).starts_with("10.200."));
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    roll_back(&lab, Some(text));
    let now = lab.sh("docker inspect alive -f '{{.State.StartedAt}}'");
    assert_eq!(now, started, "the container was restarted");
}

fn pools_change_where_docker_has_no_bridge(suite: &str) {
    let lab = Lab::create(suite);
    let text = "{\"bridge\": \"none\"}\n";
    lab.put(FILE, text);
    lab.boot();
    apply(&lab);
    assert!(new_subnets(&lab, 1).starts_with("10.200."));
    assert!(lab.read(FILE).unwrap().contains("\"bridge\": \"none\""));
    roll_back(&lab, Some(text));
    // The built-in list again: its first subnet that is free.
    assert!(new_subnets(&lab, 1).starts_with("172.17."));
}
