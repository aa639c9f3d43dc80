//! Whoever works over the very network that changes: a session that is cut off brings the change
//! back, one that is gone does not stop it half-way.

use crate::lab::{Lab, Ran, SERVER};
use std::process::Stdio;

const APPLY: &str = "rebridge apply --yes --avoid=172.17.0.0/16";

on_every_engine!(
    an_operator_who_is_cut_off_is_let_in_again,
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
