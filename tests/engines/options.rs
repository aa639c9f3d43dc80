//! Options that last: what one apply was given is the policy of every later run, whoever starts it.

use crate::lab::Lab;
use serde_json::{Value, json};

on_every_engine!(
    what_apply_was_given_once_counts_for_every_later_run,
    a_run_that_is_rolled_back_keeps_nothing,
);

const FILE: &str = "/etc/rebridge/options";

/// A call as Ansible makes it.
fn module(lab: &Lab, args: &Value) -> Value {
    lab.put("/root/rebridge-args.json", &args.to_string());
    let ran = lab.exec(&["rebridge", "/root/rebridge-args.json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Who started Docker when, and what decides over it.
fn state(lab: &Lab) -> (String, Option<String>, Option<String>) {
    let started = lab.sh("cat /run/docker.pid; systemctl show -p ExecMainStartTimestamp docker");
    (started, lab.read("/etc/docker/daemon.json"), lab.read(FILE))
}

fn what_apply_was_given_once_counts_for_every_later_run(suite: &str) {
    let lab = Lab::up(suite);
    lab.put("/root/nets", "172.18.0.0/16   # the other site\n");
    lab.put(FILE, "# ours\n--ignore ssh   # jump hosts\n");
    let given = "--avoid 172.17.0.0/16 --pool base=10.77.0.0/16,size=24 --avoid-file nets";
    let would = lab.sh(&format!(
        "cd /root; rebridge apply --check --remember {given} --json"
    ));
    let would: Value = serde_json::from_str(&would).unwrap();
    assert_eq!(
        would["kept"]["added"].as_array().unwrap().len(),
        3,
        "{would}"
    );
    assert_eq!(
        lab.read(FILE).unwrap(),
        "# ours\n--ignore ssh   # jump hosts\n"
    );
    lab.sh(&format!(
        "cd /root; rebridge apply --yes --remember {given}"
    ));
    assert_eq!(lab.docker0(), "10.77.255.1/24");
    assert_eq!(
        lab.read(FILE).unwrap(),
        "# ours\n--ignore ssh   # jump hosts\n--avoid 172.17.0.0/16\n--avoid-file /root/nets\n\
         --pool base=10.77.0.0/16,size=24\n"
    );
    // The units' command lines, with the options of their defaults file.
    lab.sh("mkdir -p /run/rebridge");
    let settled = state(&lab);
    for command in [
        "check",
        "check --result /run/rebridge/check.json --metrics /run/rebridge/rebridge.prom",
        "apply --yes",
        "apply --yes --no-restart --wait 20 --result /run/rebridge/boot.json",
        &format!(
            "apply --yes --remember {}",
            given.replace("nets", "/root/nets")
        ),
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let (code, report) = lab.rebridge(&words);
        let told = (code, &report["outcome"], &report["changed"]);
        assert_eq!(
            told,
            (0, &json!("clean"), &json!(false)),
            "{command}: {report:#}"
        );
    }
    for args in [
        json!({}),
        json!({"state": "checked"}),
        json!({"_ansible_check_mode": true}),
    ] {
        let report = module(&lab, &args);
        let told = (&report["outcome"], &report["changed"]);
        assert_eq!(told, (&json!("clean"), &json!(false)), "{args}: {report:#}");
    }
    assert_eq!(state(&lab), settled);

    // Without its keys the host gets the same pools again, for the reason that stands in the file.
    lab.sh(
        "rm /etc/docker/daemon.json; systemctl reset-failed docker.service docker.socket
            systemctl stop docker.socket docker.service; ip link delete docker0
            systemctl start docker.service",
    );
    let (code, report) = lab.rebridge(&["check"]);
    assert_eq!(code, 1, "{report:#}");
    let evidence: Vec<&str> = report["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clash| clash["with"]["detail"].as_str().unwrap())
        .collect();
    assert!(
        evidence.contains(&"--avoid, /etc/rebridge/options line 3"),
        "{evidence:?}"
    );
    assert!(evidence.contains(&"/root/nets line 1"), "{evidence:?}");
    lab.sh("rebridge apply --yes");
    assert_eq!(lab.docker0(), "10.77.255.1/24");
    lab.sh("rebridge rollback --yes");
    assert_eq!(state(&lab).2, settled.2, "a rollback is about Docker");
}

fn a_run_that_is_rolled_back_keeps_nothing(suite: &str) {
    let lab = Lab::up(suite);
    let words = "apply --yes --remember --avoid 172.17.0.0/16 --probe 198.51.100.1:9";
    let (code, report) = lab.rebridge(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(code, 4, "{report:#}");
    assert!(report["kept"].is_null());
    assert_eq!(lab.try_sh("ls -A /etc/rebridge").stdout, "");
}
