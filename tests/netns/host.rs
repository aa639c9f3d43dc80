//! A host and its files: what clashes on it, what apply does, and how it ends when things go wrong.

use crate::sandbox::engine::{Restart, install};
use crate::sandbox::{REBRIDGE, Sandbox};
use serde_json::Value;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

const AVOID: [&str; 2] = ["--avoid", "172.17.0.0/16"];

#[test]
fn a_quiet_host_is_clean() {
    assert!(Sandbox::with_docker0().clashes(&[]).is_empty());
}

#[test]
fn declared_networks_clash_with_docker0() {
    let found = Sandbox::with_docker0().clashes(&AVOID);
    assert_eq!(found, ["present/172.17.0.0/16/172.17.0.0/16/declared"]);
}

#[test]
fn default_routes_and_the_vpn_pair_do_not_clash() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip route add 0.0.0.0/1 via 198.51.100.1 && ip route add 128.0.0.0/1 via 198.51.100.1
                ip route add default via 198.51.100.2 metric 50",
    );
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn routes_of_the_main_table_clash() {
    let sandbox = Sandbox::with_docker0();
    for (route, net, source) in [
        ("172.17.9.0/24 via 198.51.100.1", "172.17.9.0/24", "route"),
        ("172.17.50.10/32 dev eth0", "172.17.50.10/32", "onlink"),
        ("blackhole 172.17.8.0/24", "172.17.8.0/24", "route"),
        (
            "172.17.7.0/24 nexthop via 198.51.100.1 nexthop via 198.51.100.2",
            "172.17.7.0/24",
            "route",
        ),
    ] {
        sandbox.sh(&format!("ip route add {route}"));
        let found = sandbox.clashes(&[]);
        let wanted = format!("present/172.17.0.0/16/{net}/{source}");
        assert!(
            !found.is_empty() && found.iter().all(|clash| *clash == wanted),
            "{route}: {found:?}"
        );
        sandbox.sh(&format!("ip route del {route}"));
    }
}

#[test]
fn a_covering_route_clashes_with_docker0_and_the_pools() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add 172.16.0.0/12 via 198.51.100.1");
    let found = sandbox.clashes(&[]);
    assert_eq!(found[0], "present/172.17.0.0/16/172.16.0.0/12/route");
    assert!(
        found[1..]
            .iter()
            .all(|clash| clash.starts_with("latent/172.")),
        "{found:?}"
    );
}

#[test]
fn addresses_without_a_route_and_on_loopback_clash() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip addr add 172.17.0.9/32 dev lo");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.9/32/onlink"]
    );
}

#[test]
fn nameservers_clash_also_behind_the_stub() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put("/etc/resolv.conf", "nameserver 127.0.0.53\n");
    sandbox.put(
        "/run/systemd/resolve/resolv.conf",
        "nameserver 172.17.0.2\n",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.2/32/nameserver"]
    );
    sandbox.put(
        "/run/systemd/resolve/resolv.conf",
        "nameserver 172.17.0.1\n",
    );
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "the bridge's own address is this host"
    );
}

#[test]
fn bridges_of_docker_do_not_clash_with_each_other() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip link add br-0123456789ab type bridge && ip addr add 172.17.9.1/24 dev br-0123456789ab
                ip link set br-0123456789ab up",
    );
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh(
        "ip link add br-lan type bridge && ip addr add 172.17.10.1/24 dev br-lan && ip link \
                set br-lan up",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.10.0/24/onlink"],
        "a bridge of somebody else's"
    );
}

#[test]
fn without_docker_apply_writes_for_its_first_start() {
    let sandbox = Sandbox::new();
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["changed"], &report["restarted"]),
        (0, &Value::Bool(true), &Value::Bool(false)),
        "{report:#}"
    );
    assert_eq!(report["docker"]["state"], "absent");
    let text = sandbox.read("/etc/docker/daemon.json").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        report["plan"]["daemon_json"]
    );
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["changed"], &report["outcome"]),
        (0, &Value::Bool(false), &"clean".into()),
        "{report:#}"
    );
    assert_eq!(sandbox.read("/etc/docker/daemon.json").unwrap(), text);
}

#[test]
fn the_file_keeps_link_mode_and_owner_and_has_a_backup() {
    let sandbox = Sandbox::new();
    let old = "{\"log-level\": \"warn\"}";
    sandbox.put("/etc/site/docker.json", old);
    sandbox.sh(
        "mkdir /etc/docker && ln -s ../site/docker.json /etc/docker/daemon.json
                chmod 640 /etc/site/docker.json && chown 7:8 /etc/site/docker.json",
    );
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(code, 0, "{report:#}");
    let look = sandbox
        .sh("readlink /etc/docker/daemon.json; stat -c '%a %u:%g' /etc/site/docker.json; ls -A /etc/site /etc/docker");
    assert!(look.starts_with("../site/docker.json\n640 7:8\n"), "{look}");
    let text = sandbox.read("/etc/site/docker.json").unwrap();
    assert!(
        text.starts_with("{\"log-level\": \"warn\", \"bip\": "),
        "{text}"
    );
    let backup = report["backup_file"].as_str().unwrap();
    assert_eq!(sandbox.read(backup).unwrap(), old);
    assert_eq!(
        sandbox.sh(&format!("stat -c '%a %u:%g' {backup}")),
        "640 7:8\n"
    );
    assert_eq!(
        sandbox.sh("ls -A /etc/docker /etc/site | grep -c ."),
        "5\n",
        "no crumbs: {look}"
    );
}

#[test]
fn files_docker_would_choke_on_are_refused_untouched() {
    for (text, why) in [
        ("{\"a\": 1", "not plain JSON"),
        ("[]", "array"),
        ("{ // fast\n}", "not plain JSON"),
        ("{\"zzz\": 1}", "\"zzz\" in line 1 is an unknown key"),
        (
            "{\n\"mtu\": \"1450\"\n}",
            "\"mtu\" in line 2 must be a whole number",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.put("/etc/docker/daemon.json", text);
        let before = sandbox.sh("stat -c '%i %y' /etc/docker/daemon.json; ls -A /etc/docker");
        let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
        assert_eq!(
            (code, &report["outcome"]),
            (3, &"refused".into()),
            "{text:?}: {report:#}"
        );
        assert!(
            report["msg"].as_str().unwrap().contains(why),
            "{text:?}: {}",
            report["msg"]
        );
        assert_eq!(
            sandbox.sh("stat -c '%i %y' /etc/docker/daemon.json; ls -A /etc/docker"),
            before
        );
        assert_eq!(sandbox.read("/etc/docker/daemon.json").unwrap(), text);
    }
}

#[test]
fn a_read_only_etc_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir /etc/docker && mount -o remount,ro /etc");
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["outcome"], &report["changed"]),
        (3, &"refused".into(), &Value::Bool(false)),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("Read-only file system"),
        "{report:#}"
    );
    assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
}

#[test]
fn without_root_check_says_what_it_could_not_see_and_apply_refuses() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put("/etc/docker/daemon.json", "{}");
    sandbox.sh("chmod 000 /etc/docker/daemon.json");
    // A copy where anybody may run it: the build folder may be closed to others.
    sandbox.sh(&format!(
        "cp {REBRIDGE} /run/rebridge && chmod 755 /run/rebridge"
    ));
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "/run/rebridge",
    ];
    let ran = sandbox.run(&[&nobody[..], &["check", "--json"], &AVOID].concat());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &report["outcome"]),
        (1, &"clashing".into()),
        "{report:#}"
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("daemon.json: Permission denied"),
        "{report:#}"
    );
    let ran = sandbox.run(&[&nobody[..], &["apply", "--yes", "--json"], &AVOID].concat());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    assert!(
        report["msg"].as_str().unwrap().contains("only root"),
        "{report:#}"
    );
}

#[test]
fn a_second_rebridge_is_refused() {
    let sandbox = Sandbox::with_docker0();
    let mut other = sandbox.command(&[
        "flock",
        "/run/rebridge.lock",
        "sh",
        "-c",
        "touch $SANDBOX/held; read go",
    ]);
    let mut other = other.stdin(Stdio::piped()).spawn().unwrap();
    while !sandbox.folder().join("held").exists() {
        sleep(Duration::from_millis(10));
    }
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    drop(other.stdin.take());
    let _ = other.wait();
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    assert!(
        report["msg"].as_str().unwrap().contains("another rebridge"),
        "{report:#}"
    );
}

#[test]
fn a_docker_that_moves_is_verified_and_the_next_apply_is_quiet() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(sandbox.docker0(), "10.200.255.1/24");
    assert_eq!(report["docker"]["docker0_after"], "10.200.255.1/24");
    let log = std::fs::read_to_string(sandbox.folder().join("systemctl.log")).unwrap();
    let calls: Vec<&str> = log
        .lines()
        .filter(|line| !line.starts_with("show") && !line.starts_with("is-active"))
        .collect();
    assert_eq!(
        calls,
        [
            "reset-failed docker.service docker.socket",
            "restart docker.service"
        ]
    );
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["changed"], &report["restarted"]),
        (0, &Value::Bool(false), &Value::Bool(false)),
        "{report:#}"
    );
    let (code, report) = sandbox.json(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(
        (
            sandbox.docker0().as_str(),
            sandbox.read("/etc/docker/daemon.json")
        ),
        ("172.17.0.1/16", None)
    );
}

/// Exit 4, the old bytes, the old address, no journal left.
fn rolled_back(restart: Restart, why: &str) {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, restart);
    let old = "{\n  \"log-level\": \"warn\"\n}\n";
    sandbox.put("/etc/docker/daemon.json", old);
    let (code, report) = sandbox.json(&[
        "apply",
        "--yes",
        "--avoid",
        "172.17.0.0/16",
        "--timeout",
        "2",
    ]);
    assert_eq!(
        (code, &report["outcome"], &report["rolled_back"]),
        (4, &"rolled_back".into(), &Value::Bool(true)),
        "{report:#}"
    );
    assert!(report["msg"].as_str().unwrap().contains(why), "{report:#}");
    assert_eq!(sandbox.read("/etc/docker/daemon.json").unwrap(), old);
    assert_eq!(sandbox.docker0(), "172.17.0.1/16");
    assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
}

#[test]
fn a_restart_that_moves_nothing_is_rolled_back() {
    rolled_back(
        Restart::DoesNothing,
        "docker0's address is 172.17.0.1/16, not 10.200.255.1/24",
    );
}

#[test]
fn a_restart_that_hangs_is_rolled_back() {
    rolled_back(Restart::HangsOnPools, "did not end in time");
}

#[test]
fn a_docker0_that_stays_without_an_address_is_stranded_and_says_what_to_do() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::LosesTheAddress);
    let (code, report) = sandbox.json(&[
        "apply",
        "--yes",
        "--avoid",
        "172.17.0.0/16",
        "--timeout",
        "2",
    ]);
    assert_eq!(
        (code, &report["outcome"], &report["failed"]),
        (5, &"stranded".into(), &Value::Bool(true)),
        "{report:#}"
    );
    for words in [
        "journalctl -u docker.service",
        "systemctl reset-failed",
        "172.17.0.1/16 before",
    ] {
        assert!(
            report["msg"].as_str().unwrap().contains(words),
            "{words}: {}",
            report["msg"]
        );
    }
    assert!(
        sandbox.read("/etc/docker/daemon.json").is_none(),
        "the file is as before all the same"
    );
    assert!(
        sandbox.read("/var/lib/rebridge/journal.json").is_some(),
        "the next apply must know"
    );
}

#[test]
fn a_run_killed_half_way_is_undone_by_the_next() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::KillsUsOnPools);
    let ran = sandbox.rebridge(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(ran.code, 128 + 9, "{ran:?}");
    assert!(
        sandbox
            .read("/etc/docker/daemon.json")
            .unwrap()
            .contains("pools")
    );
    let (_, report) = sandbox.json(&["check", "--avoid", "172.17.0.0/16"]);
    assert!(
        report["warnings"].to_string().contains("interrupted"),
        "{report:#}"
    );
    sandbox.sh("sed -i 's/kill -9 .*exit 1/true/' $SANDBOX/bin/systemctl");
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(
        report["warnings"].to_string().contains("half-way"),
        "{report:#}"
    );
    assert_eq!(sandbox.docker0(), "10.200.255.1/24");
    assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
}

#[test]
fn saved_facts_tell_the_same() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox.put(
        "/etc/docker/daemon.json",
        "{\"registry-mirrors\": [\"https://user:secret@reg.example\"], \"ip\": \"0.0.0.0\"}",
    );
    let facts = sandbox.rebridge(&["facts"]).stdout;
    assert!(
        facts.contains("\"ip\"") && !facts.contains("secret"),
        "{facts}"
    );
    sandbox.put("/run/facts.json", &facts);
    for verb in [&["check"][..], &["apply", "--check"]] {
        let now = sandbox.json(&[verb, &["--avoid", "172.17.0.0/16"]].concat());
        let saved = sandbox.json(
            &[
                verb,
                &["--avoid", "172.17.0.0/16", "--facts", "/run/facts.json"],
            ]
            .concat(),
        );
        assert_eq!(now, saved);
    }
}

#[test]
fn a_journal_that_makes_no_sense_is_an_interrupted_run_all_the_same() {
    let sandbox = Sandbox::with_docker0();
    let journal = "/var/lib/rebridge/journal.json";
    for (text, words) in [
        ("{\"schema\": 1, \"began\": \"2", "EOF while parsing"),
        ("", "EOF while parsing"),
        ("{\"schema\": 9}", "schema 9"),
    ] {
        sandbox.put(journal, text);
        let (code, report) = sandbox.json(&["check"]);
        let warnings = report["warnings"].to_string();
        assert_eq!(code, 0, "{report:#}");
        for part in [
            "interrupted",
            "not seen: the journal /var/lib/rebridge/journal.json",
            words,
        ] {
            assert!(warnings.contains(part), "{part}: {warnings}");
        }
        let facts: Value = serde_json::from_str(&sandbox.rebridge(&["facts"]).stdout).unwrap();
        assert_eq!(facts["interrupted"], true, "{text}");
    }
    // A folder of that name cannot be read as a file.
    sandbox.sh("rm /var/lib/rebridge/journal.json; mkdir /var/lib/rebridge/journal.json");
    let (_, report) = sandbox.json(&["check"]);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("interrupted") && warnings.contains("Is a directory"),
        "{warnings}"
    );
    sandbox.sh("rmdir /var/lib/rebridge/journal.json; chmod 700 /var/lib/rebridge");
    assert_eq!(
        sandbox.json(&["check"]).1["warnings"],
        Value::Array(Vec::new())
    );
    // To others it cannot be told whether there is one, and that is what they hear.
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        REBRIDGE,
        "check",
        "--json",
    ];
    let report: Value = serde_json::from_str(&sandbox.run(&nobody).stdout).unwrap();
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("journal.json cannot be read: Permission denied"),
        "{warnings}"
    );
    assert!(!warnings.contains("interrupted"), "{warnings}");
}

#[test]
fn a_daemon_json_that_cannot_be_parsed_is_not_seen() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put("/etc/docker/daemon.json", "{\"bip\": \"10.5.0.1/16\",}");
    let (code, report) = sandbox.json(&["check"]);
    assert_eq!(code, 3, "what the pools are is not known: {report:#}");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("not seen: /etc/docker/daemon.json: it is not plain JSON"),
        "{warnings}"
    );
}
