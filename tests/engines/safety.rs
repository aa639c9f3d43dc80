//! What must hold on a real engine when things go wrong half-way: pre-flight before anything is
//! touched, the dead man's switch, the packet filter, a start limit that is used up already, an
//! engine that comes up wrong.

use crate::lab::{Lab, SERVER};

const AVOID: &str = "--avoid=172.17.0.0/16";

on_every_engine!(
    what_dockerd_would_refuse_is_refused_first,
    a_flag_is_named_with_its_file_and_line,
    the_dead_mans_switch_undoes_what_a_killed_run_left,
    an_engine_that_comes_up_wrong_is_rolled_back,
    a_start_limit_that_is_used_up_is_no_obstacle,
    a_slow_start_is_waited_for,
    nat_and_the_rules_of_others_are_looked_at,
);

/// Exit 3 with these words, the same dockerd process, the same file.
fn refused(lab: &Lab, arguments: &[&str], words: &str) {
    let state = || {
        (
            lab.sh("cat /run/docker.pid; ls -A /etc/docker"),
            lab.read("/etc/docker/daemon.json"),
        )
    };
    let before = state();
    let (code, report) = lab.rebridge(&[&["apply", "--yes", AVOID], arguments].concat());
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
    assert_eq!(state(), before);
    assert!(lab.read("/var/lib/rebridge/journal.json").is_none());
}

fn what_dockerd_would_refuse_is_refused_first(suite: &str) {
    let lab = Lab::up(suite);
    // A key nobody knows, put there since Docker started; 20.10 has no --validate, the others say
    // so themselves.
    lab.put("/etc/docker/daemon.json", "{\"no-such-key\": 1}");
    refused(&lab, &[], "no-such-key");
    // One that only newer engines know.
    if suite != "forky" {
        lab.put("/etc/docker/daemon.json", "{\"bip6\": \"fd00::1/64\"}");
        refused(&lab, &[], "bip6");
    }
    lab.put(
        "/etc/docker/daemon.json",
        "{\"hosts\": [\"tcp://172.17.0.1:2375\"]}",
    );
    refused(&lab, &[], "hosts");
    lab.put(
        "/etc/docker/daemon.json",
        "{\"default-gateway\": \"172.17.9.9\"}",
    );
    refused(&lab, &[], "default-gateway");
    lab.put(
        "/etc/docker/daemon.json",
        "{\"fixed-cidr\": \"172.30.0.0/24\"}",
    );
    refused(&lab, &[], "fixed-cidr");
    lab.put(
        "/etc/docker/daemon.json",
        "{\"bridge\": \"br9\", \"bip\": \"172.17.0.1/16\"}",
    );
    refused(&lab, &[], "gives Docker a bridge that you manage");
    lab.put("/etc/docker/daemon.json", "{\"bridge\": \"none\"}");
    refused(&lab, &[], "docker0 is switched off");
    lab.put("/etc/docker/daemon.json", "{}");
    lab.sh("ip route add 10.210.0.0/16 dev eth0");
    refused(&lab, &["--pool", "10.210.0.0/16"], "10.210.0.0/16");
    if suite != "forky" {
        refused(&lab, &["--pool", "base=10.0.0.0/9,size=30"], "memory");
    }
}

fn a_flag_is_named_with_its_file_and_line(suite: &str) {
    let lab = Lab::create(suite);
    let exec = lab.sh_outside(
        "grep -h ^ExecStart= usr/lib/systemd/system/docker.service \
                               lib/systemd/system/docker.service 2>/dev/null | head -1",
    );
    lab.put(
        "/etc/default/docker",
        "# DOCKER_OPTS=\"--bip 1.2.3.4/24\"\nDOCKER_OPTS=\"--bip=172.17.0.1/16\"\n",
    );
    lab.put(
        "/etc/systemd/system/docker.service.d/opts.conf",
        &format!(
            "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=\n{} $DOCKER_OPTS\n",
            exec.trim().replace(" $DOCKER_OPTS", "")
        ),
    );
    lab.boot();
    refused(&lab, &[], "take --bip out of /etc/default/docker line 2");
}

fn the_dead_mans_switch_undoes_what_a_killed_run_left(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    // Killed when Docker is up on the new range and nothing has been verified yet.
    // It ran from a folder that is gone by then, as Ansible's is.
    lab.sh("mkdir /root/here; cp $(command -v rebridge) /root/here/program
            /root/here/program apply --yes --json --dead-man 6 --avoid=172.17.0.0/16 --probe 198.51.100.1:9 >/dev/null & pid=$!
            until ip -4 addr show docker0 | grep -q 10.200; do sleep 0.05; done; kill -9 $pid; wait $pid || true
            rm -r /root/here");
    assert!(lab.read("/var/lib/rebridge/journal.json").is_some());
    lab.sh("for i in $(seq 200); do ip -4 addr show docker0 | grep -q 172.17 && [ ! -e /var/lib/rebridge/journal.json ] && exit 0; sleep 0.1; done
            journalctl -u rebridge-dead-man --no-pager; exit 1");
    assert_eq!(
        (lab.docker0().as_str(), lab.read("/etc/docker/daemon.json")),
        ("172.17.0.1/16", None)
    );
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
    // A run that comes to its end takes the timer away.
    let (code, report) = lab.rebridge(&["apply", "--yes", "--dead-man", "5", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        lab.sh("systemctl list-units --all --plain --no-legend 'rebridge-dead-man*'"),
        ""
    );
    lab.sh("sleep 6");
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    // One that could not do its work is not set.
    lab.sh("rebridge rollback --yes; mount -t tmpfs -o noexec tmpfs /var/lib/rebridge");
    let (code, report) = lab.rebridge(&["apply", "--yes", "--dead-man", "5", AVOID]);
    let msg = report["msg"].as_str().unwrap();
    assert!(
        code == 3 && msg.contains("systemd cannot run /var/lib/rebridge/dead-man"),
        "{report:#}"
    );
    assert_eq!(lab.docker0(), "172.17.0.1/16");
}

fn an_engine_that_comes_up_wrong_is_rolled_back(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--restart=always --name always");
    for (fault, words) in [
        (
            "ip addr flush dev docker0; ip addr add 10.99.0.1/24 dev docker0",
            "docker0's address is 10.99.0.1/24",
        ),
        ("ip addr flush dev docker0", "docker0's address is none"),
        (
            "iptables -t nat -F POSTROUTING",
            "NAT rule for docker0 is none",
        ),
        // It says that it is ready, answers, and dies.
        (
            "(sleep 0.2; kill -9 $MAINPID) >/dev/null 2>&1 & true",
            "cannot move docker0: Docker",
        ),
    ] {
        let only_then = format!("if grep -qs pools /etc/docker/daemon.json; then {fault}; fi");
        lab.put(
            "/etc/systemd/system/docker.service.d/test.conf",
            &format!("[Service]\nExecStartPost=/bin/sh -c '{only_then}'\n"),
        );
        lab.sh("systemctl daemon-reload");
        let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
        assert_eq!(
            (code, &report["outcome"]),
            (4, &"rolled_back".into()),
            "{report:#}"
        );
        assert!(
            report["msg"].as_str().unwrap().contains(words),
            "{words}: {}",
            report["msg"]
        );
        assert_eq!(
            (lab.docker0().as_str(), lab.read("/etc/docker/daemon.json")),
            ("172.17.0.1/16", None)
        );
        assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "always\n");
    }
}

fn a_start_limit_that_is_used_up_is_no_obstacle(suite: &str) {
    let lab = Lab::up(suite);
    // Three starts in a minute are allowed, good ones included.
    lab.sh("systemctl restart docker.service; systemctl restart docker.service");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    assert_eq!(
        lab.sh("systemctl is-active docker.service docker.socket"),
        "active\nactive\n"
    );
}

fn a_slow_start_is_waited_for(suite: &str) {
    let lab = Lab::up(suite);
    lab.put(
        "/etc/systemd/system/docker.service.d/test.conf",
        "[Service]\nExecStartPre=/bin/sleep 12\n",
    );
    lab.sh("systemctl daemon-reload");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(lab.reaches(SERVER));
}

fn nat_and_the_rules_of_others_are_looked_at(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh("iptables -I INPUT -s 172.17.0.0/16 -j ACCEPT");
    let (code, report) = lab.rebridge(&["apply", "--yes", "--accept=old-range-rules", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    let nat = report["verified"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["what"] == "Docker's NAT rule for docker0");
    assert_eq!(
        nat.unwrap_or_else(|| panic!("{report:#}"))["found"],
        "names 10.200.255.0/24"
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("-A INPUT -s 172.17.0.0/16 -j ACCEPT"),
        "{report:#}"
    );
}
