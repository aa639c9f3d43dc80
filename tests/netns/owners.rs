//! Who else writes daemon.json: what is lost, what cannot be written, and who will write it again.

use crate::sandbox::Sandbox;
use crate::sandbox::engine::{Restart, install};
use serde_json::Value;

const AVOID: [&str; 2] = ["--avoid", "172.17.0.0/16"];
const FILE: &str = "/etc/docker/daemon.json";

fn run(sandbox: &Sandbox, verb: &[&str]) -> (i32, Value) {
    sandbox.json(&[verb, &AVOID].concat())
}

fn warns_of(report: &Value, words: &str) -> bool {
    let warnings = report["warnings"].as_array().unwrap();
    warnings
        .iter()
        .any(|one| one.as_str().unwrap().contains(words))
}

/// Docker keeps docker0's address when the keys go, and so does rebridge.
#[test]
fn lost_keys_come_back_the_same_and_are_reported() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let (code, first) = run(&sandbox, &["apply", "--yes"]);
    assert_eq!(code, 0, "{first:#}");
    for round in 1..=3 {
        sandbox.put(FILE, "{}");
        sandbox.sh("systemctl restart docker.service");
        let (_, check) = run(&sandbox, &["check"]);
        let words = "something else rewrites /etc/docker/daemon.json: bip and \
                     default-address-pools, set by rebridge on 20";
        assert!(warns_of(&check, words), "round {round}: {check:#}");
        assert_eq!(check["wanted"], first["wanted"], "round {round}: {check:#}");
        let (code, again) = run(&sandbox, &["apply", "--yes"]);
        assert_eq!(code, 0, "round {round}: {again:#}");
        assert_eq!(again["wanted"], first["wanted"], "round {round}: {again:#}");
        assert_eq!(sandbox.docker0(), "10.200.255.1/24", "round {round}");
    }
    let (_, clean) = run(&sandbox, &["check"]);
    assert!(!warns_of(&clean, "something else rewrites"), "{clean:#}");
    assert_eq!(clean["wanted"], first["wanted"]);
}

/// NixOS, an image, a mount: the preview knows, and the keys are there for what makes the file.
#[test]
fn a_preview_foretells_a_file_that_cannot_be_written() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox.sh("mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker");
    sandbox.put(FILE, "{}");
    sandbox.sh("mount -o remount,ro /etc/docker");
    for verb in [&["apply", "--check"][..], &["apply", "--yes"]] {
        let (code, report) = run(&sandbox, verb);
        assert_eq!(
            (code, &report["outcome"]),
            (3, &"refused".into()),
            "{report:#}"
        );
        let msg = report["msg"].as_str().unwrap();
        assert!(
            msg.contains("cannot write /etc/docker/daemon.json: Read-only file system"),
            "{msg}"
        );
        let next = report["blockers"][0]["next"].as_str().unwrap();
        assert!(next.contains("wanted.daemon_json"), "{report:#}");
        assert_eq!(
            report["wanted"]["daemon_json"]["bip"], "10.200.255.1/24",
            "{report:#}"
        );
    }
    assert_eq!(sandbox.docker0(), "172.17.0.1/16");
}

#[test]
fn a_tool_that_left_a_sign_is_named_before_the_file_is_written() {
    let salt =
        "/var/cache/salt/minion/file_backup/etc/docker/daemon.json_Wed_Nov_25_10:20:30_123_2026";
    let signs = [
        ("Puppet", "/var/lib/puppet/state/resources.txt"),
        (
            "Chef",
            "/var/chef/backup/etc/docker/daemon.json.chef-20261125102030.123456",
        ),
        ("Salt", salt),
        (
            "Ansible",
            "/etc/docker/daemon.json.4711.2026-11-25@10:20:30~",
        ),
    ];
    let others = [
        "/var/chef/backup/etc/docker/key.json.chef-20261125102030.123456",
        "/etc/docker/daemon.json.old~",
        "/etc/docker/daemon.json.rebridge-2026-11-25T10:20:30Z",
    ];
    for (tool, sign) in signs {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, Restart::Moves);
        sandbox.sh("for at in /var/chef /var/lib/puppet /var/cache/salt; do mkdir -p $at; mount -t tmpfs tmpfs $at; done");
        for other in others {
            sandbox.put(other, "{}");
        }
        let (_, before) = run(&sandbox, &["apply", "--check"]);
        assert!(!warns_of(&before, "keeps /etc/docker"), "{before:#}");
        sandbox.put(sign, "service[docker]\nfile[/etc/docker/daemon.json]\n");
        let (_, report) = run(&sandbox, &["apply", "--check"]);
        let words = format!("{tool} keeps /etc/docker/daemon.json ({sign})");
        assert!(warns_of(&report, &words), "{words}: {report:#}");
    }
}
