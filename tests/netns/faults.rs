//! Faults of the file system and of the moment, really made: full and read-only disks, mounts in
//! the way, ten runs at once, signals. And the ways to restart Docker where systemd is not there to
//! do it.

use crate::sandbox::engine::{Restart, install, install_without_systemd};
use crate::sandbox::{REBRIDGE, Running, Sandbox};
use serde_json::{Value, json};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

const APPLY: [&str; 4] = ["apply", "--yes", "--avoid", "172.17.0.0/16"];

/// Exit 3, this reason, no new file, no journal.
fn refused(sandbox: &Sandbox, why: &str) {
    let (code, report) = sandbox.json(&APPLY);
    assert_eq!(
        (code, &report["outcome"], &report["changed"]),
        (3, &"refused".into(), &json!(false)),
        "{report:#}"
    );
    assert!(
        report["msg"].as_str().unwrap().contains(why),
        "{why}: {}",
        report["msg"]
    );
    assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
    assert_eq!(
        sandbox.sh("find /etc/docker /etc/site -name '*rebridge*' 2>/dev/null || true"),
        "",
        "no crumbs"
    );
}

#[test]
fn a_file_that_is_mounted_by_itself_is_explained() {
    let sandbox = Sandbox::new();
    sandbox.put("/etc/site/docker.json", "{}\n");
    sandbox.sh(
        "mkdir /etc/docker && touch /etc/docker/daemon.json && mount --bind \
                /etc/site/docker.json /etc/docker/daemon.json",
    );
    refused(&sandbox, "bind mount");
    assert_eq!(sandbox.read("/etc/docker/daemon.json").unwrap(), "{}\n");
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let old = format!("{{\"labels\": [\"{}\"]}}", "x".repeat(9000));
    // The new file, the backup and the journal each meet a disk with room for only what came
    // before.
    for (mount, kib) in [
        ("/etc/docker", 12),
        ("/etc/docker", 24),
        ("/var/lib/rebridge", 4),
    ] {
        let sandbox = Sandbox::new();
        sandbox.sh(&format!(
            "mkdir -p {mount} && mount -t tmpfs -o size={kib}k tmpfs {mount}"
        ));
        sandbox.put("/etc/docker/daemon.json", &old);
        refused(&sandbox, "No space left on device");
        assert_eq!(
            sandbox.read("/etc/docker/daemon.json").unwrap(),
            old,
            "{mount} {kib}"
        );
    }
}

/// The state folder becomes read-only during the restart. A change that is undone is not called done.
#[test]
fn a_journal_that_stays_open_is_named() {
    for (restart, outcome, words) in [
        (
            Restart::Moves,
            "changed",
            "of this change could not be kept",
        ),
        (
            Restart::DoesNothing,
            "rolled_back",
            "of the undone change could not be removed",
        ),
    ] {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, restart);
        sandbox.sh(
            "mkdir -p /var/lib/rebridge && mount -t tmpfs tmpfs /var/lib/rebridge
             sed -i 's|^restart)|restart) mount -o remount,ro /var/lib/rebridge|' $SANDBOX/bin/systemctl",
        );
        let (_, report) = sandbox.json(&APPLY);
        assert_eq!(report["outcome"], outcome, "{report:#}");
        let warnings = report["warnings"].to_string();
        assert!(warnings.contains(words), "{report:#}");
        let advises = report["msg"].to_string().contains("rebridge rollback");
        assert!(!advises, "{report:#}");
        assert!(sandbox.read("/var/lib/rebridge/journal.json").is_some());
        sandbox.sh("mount -o remount,rw /var/lib/rebridge
             sed -i 's|mount -o remount,ro /var/lib/rebridge||' $SANDBOX/bin/systemctl");
        let (code, report) = sandbox.json(&["rollback", "--yes"]);
        let back = outcome == "changed";
        assert_eq!(code, if back { 0 } else { 3 }, "{report:#}");
        assert!(
            report["warnings"]
                .to_string()
                .contains("its journal is closed")
                || !back,
            "{report:#}"
        );
        assert_eq!(sandbox.docker0(), "172.17.0.1/16");
        assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
    }
}

#[test]
fn read_only_places_are_named() {
    for place in ["/etc/docker", "/var/lib/rebridge"] {
        let sandbox = Sandbox::new();
        sandbox.sh(&format!("mkdir -p {place} && mount -t tmpfs tmpfs {place}"));
        sandbox.put("/etc/docker/daemon.json", "{}");
        sandbox.sh(&format!("mount -o remount,ro {place}"));
        refused(&sandbox, "Read-only file system");
        assert_eq!(sandbox.read("/etc/docker/daemon.json").unwrap(), "{}");
    }
}

#[test]
fn an_immutable_file_stays() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker");
    sandbox.put("/etc/docker/daemon.json", "{}");
    sandbox.sh("chattr +i /etc/docker/daemon.json");
    refused(&sandbox, "Operation not permitted");
    sandbox.sh("chattr -i /etc/docker/daemon.json");
    assert_eq!(sandbox.json(&APPLY).0, 0);
}

/// A journal of a version to come is left for that version.
#[test]
fn a_journal_in_an_unknown_schema_is_left_alone() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let journal = r#"{"schema": 2, "began": "2027-01-01T00:00:00Z", "steps": []}"#;
    for (name, verb) in [
        ("journal", "apply"),
        ("journal", "rollback"),
        ("last", "rollback"),
    ] {
        let path = format!("/var/lib/rebridge/{name}.json");
        sandbox.put(&path, journal);
        let (code, report) = sandbox.json(&[verb, "--yes"]);
        assert_eq!(
            (code, &report["outcome"], &report["changed"]),
            (3, &"refused".into(), &json!(false)),
            "{verb}: {report:#}"
        );
        let msg = report["msg"].as_str().unwrap();
        assert!(
            msg.contains("in schema 2; this one knows 1") && msg.contains("nothing was touched"),
            "{verb}: {msg}"
        );
        assert_eq!(sandbox.read(&path).as_deref(), Some(journal), "{verb}");
        sandbox.sh(&format!("rm {path}"));
    }
    assert_eq!(sandbox.docker0(), "172.17.0.1/16");
}

/// The start that would have moved docker0 back fails, the next one works: the report says why
/// docker0 is where it is.
#[test]
fn what_failed_first_on_the_way_back_is_reported() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let fails = "if grep -q bip /etc/docker/daemon.json 2>/dev/null \\&\\& ! grep -q pools \
                 /etc/docker/daemon.json; then echo no room for that range >\\&2; exit 1; fi";
    sandbox.sh(&format!(
        "sed -i 's|^restart)|restart) {fails}|' $SANDBOX/bin/systemctl"
    ));
    // Nothing listens there.
    let (code, report) =
        sandbox.json(&[&APPLY[..], &["--probe", "127.0.0.1:9", "--timeout=5"]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (5, &"stranded".into()),
        "{report:#}"
    );
    let msg = report["msg"].as_str().unwrap();
    for words in [
        "Docker restarted, but probe 127.0.0.1:9 is unanswered (connection refused); and the way",
        "docker0's address is 10.200.255.1/24, not 172.17.0.1/16 (Docker did not start: \
         `systemctl restart docker.service` exited 1: no room for that range)",
    ] {
        assert!(msg.contains(words), "{words}: {msg}");
    }
    assert!(sandbox.read("/etc/docker/daemon.json").is_none());
}

#[test]
fn extended_attributes_are_kept() {
    let sandbox = Sandbox::new();
    sandbox.put("/etc/docker/daemon.json", "{}");
    xattr::set(
        sandbox.path("/etc/docker/daemon.json"),
        "user.owner",
        b"site",
    )
    .unwrap();
    let (code, report) = sandbox.json(&APPLY);
    assert_eq!(code, 0, "{report:#}");
    for file in [
        "/etc/docker/daemon.json",
        report["backup_file"].as_str().unwrap(),
    ] {
        assert_eq!(
            xattr::get(sandbox.path(file), "user.owner")
                .unwrap()
                .as_deref(),
            Some(&b"site"[..]),
            "{file}"
        );
    }
}

#[test]
fn backups_are_few_and_differ() {
    let sandbox = Sandbox::new();
    for round in 0..5 {
        sandbox.put(
            "/etc/docker/daemon.json",
            &format!("{{\"debug\": {}}}", round % 2 == 0),
        );
        assert_eq!(sandbox.json(&APPLY).0, 0);
        // Backups are named by the second.
        sleep(Duration::from_millis(1050));
    }
    assert_eq!(
        sandbox.sh("ls /etc/docker | grep -c rebridge"),
        "2\n",
        "two that differ"
    );
    let before = sandbox.sh("ls -l /etc/docker");
    assert_eq!(sandbox.json(&APPLY).1["changed"], false);
    assert_eq!(sandbox.sh("ls -l /etc/docker"), before);
}

#[test]
fn of_ten_at_once_one_works() {
    for wait in [None, Some("--wait=30")] {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, Restart::Moves);
        sandbox.sh("sed -i 's/^restart)/restart) sleep 1/' $SANDBOX/bin/systemctl");
        let words: Vec<&str> = [&[REBRIDGE], &APPLY[..], &["--json"]]
            .concat()
            .into_iter()
            .chain(wait)
            .collect();
        let start = |_| {
            sandbox
                .command(&words)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let ten: Vec<std::process::Child> = (0..10).map(start).collect();
        let ended: Vec<(i32, Value)> = ten
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .map(|output| {
                (
                    output.status.code().unwrap(),
                    serde_json::from_slice(&output.stdout).unwrap(),
                )
            })
            .collect();
        let changed = ended
            .iter()
            .filter(|(code, report)| *code == 0 && report["changed"] == true)
            .count();
        let quiet = ended
            .iter()
            .filter(|(code, report)| *code == 0 && report["changed"] == false)
            .count();
        let busy = ended.iter().filter(|(code, _)| *code == 3).count();
        let wanted = if wait.is_some() { (1, 9, 0) } else { (1, 0, 9) };
        assert_eq!((changed, quiet, busy), wanted, "{ended:#?}");
        assert_eq!(sandbox.docker0(), "10.200.255.1/24");
    }
}

#[test]
fn signals_wait_until_the_host_is_whole() {
    for signal in ["INT", "QUIT", "TSTP", "TERM", "HUP", "USR1", "USR2", "ALRM"] {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, Restart::Moves);
        // The stand-in is rebridge's child.
        sandbox.sh(&format!(
            "sed -i 's/^restart)/restart) kill -{signal} $PPID; sleep 0.3/' $SANDBOX/bin/systemctl"
        ));
        let (code, report) = sandbox.json(&APPLY);
        assert_eq!(
            (code, &report["outcome"]),
            (0, &"changed".into()),
            "{signal}: {report:#}"
        );
        assert_eq!(sandbox.docker0(), "10.200.255.1/24");
        assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
    }
}

#[test]
fn a_docker0_without_address_gets_one_restart_more() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::LosesTheAddressOnce);
    let (code, report) = sandbox.json(&APPLY);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(sandbox.docker0(), "10.200.255.1/24");
}

#[test]
fn rules_of_others_that_name_the_old_range_are_quoted() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox.sh(
        "iptables -A INPUT -s 172.17.0.0/16 -j ACCEPT; iptables -A INPUT -s 172.18.0.0/16 \
                -j ACCEPT",
    );
    let accept = ["--accept", "old-range-rules"];
    let (code, report) = sandbox.json(&[&APPLY[..], &accept].concat());
    let warnings = report["warnings"].to_string();
    assert_eq!(code, 0, "{report:#}");
    assert!(
        warnings.contains("-A INPUT -s 172.17.0.0/16 -j ACCEPT") && !warnings.contains("172.18"),
        "{warnings}"
    );
}

#[test]
fn an_engine_that_masquerades_by_nftables_is_verified_by_nftables() {
    for (network, code) in [("10.200.255.0/24", 0), ("172.17.0.0/16", 4)] {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, Restart::Moves);
        // Docker 29, which Debian does not have yet, makes this table and no rule of iptables.
        std::fs::write(sandbox.folder().join("version"), "29.0.0").unwrap();
        let chain = "ip docker-bridges nat-postrouting-out__docker0";
        let nft = |network: &str| {
            format!(
                "nft add table ip docker-bridges; nft add chain {chain}; nft flush chain {chain}; \
                 nft add rule {chain} 'oifname != \"docker0\" ip saddr {network} masquerade'"
            )
        };
        sandbox.sh(&nft("172.17.0.0/16"));
        sandbox.put("/run/nft", &nft(network));
        sandbox.sh(
            "sed -i 's/^iptables -t nat -F.*/sh \\/run\\/nft/; /^iptables -t nat -A/d' \
                    $SANDBOX/bin/systemctl",
        );
        sandbox.sh(
            "nft add table inet site; nft add chain inet site in; nft add rule inet site in \
                    ip saddr 172.17.0.0/16 accept",
        );
        sandbox.put(
            "/etc/docker/daemon.json",
            "{\"firewall-backend\": \"nftables\"}",
        );
        let accept = ["--accept", "old-range-rules"];
        let (ended, report) = sandbox.json(&[&APPLY[..], &accept].concat());
        assert_eq!(ended, code, "{report:#}");
        let told = if code == 0 {
            &report["warnings"]
        } else {
            &report["msg"]
        };
        let words = if code == 0 {
            "table inet site chain in: ip saddr 172.17.0.0/16 accept"
        } else {
            "NAT rule for docker0 is names 172.17.0.0/16"
        };
        assert!(told.to_string().contains(words), "{report:#}");
    }
}

/// A process that the kernel calls dockerd, known by its pidfile.
fn dockerd(sandbox: &Sandbox, pidfile: &str) -> Running {
    let start =
        format!("mkdir -p $(dirname {pidfile}); echo $$ > {pidfile}; exec $SANDBOX/dockerd 60");
    let running = sandbox.start(&["sh", "-c", &start]);
    let named = || {
        sandbox.read(pidfile).is_some_and(|pid| {
            std::fs::read_to_string(format!("/proc/{}/comm", pid.trim()))
                .is_ok_and(|name| name == "dockerd\n")
        })
    };
    while !named() {
        sleep(Duration::from_millis(10));
    }
    running
}

#[test]
fn docker_is_restarted_by_whatever_runs_it() {
    for (service, restarter, prepare, words) in [
        (
            "openrc",
            "rc-service",
            "mkdir /run/openrc",
            "rc-service docker restart\n",
        ),
        ("sysv", "service", "true", "service docker restart\n"),
    ] {
        let sandbox = Sandbox::with_docker0();
        install_without_systemd(&sandbox, restarter);
        sandbox.sh(prepare);
        let _dockerd = dockerd(&sandbox, "/run/docker.pid");
        let (code, report) = sandbox.json(&APPLY);
        assert_eq!(
            (code, &report["outcome"], &report["docker"]["service"]),
            (0, &"changed".into(), &service.into()),
            "{report:#}"
        );
        assert_eq!(
            std::fs::read_to_string(sandbox.folder().join("restarts")).unwrap(),
            words
        );
        assert_eq!(
            (
                sandbox.json(&["rollback", "--yes"]).0,
                sandbox.docker0().as_str()
            ),
            (0, "172.17.0.1/16")
        );
    }
}

#[test]
fn a_restart_command_serves_where_nothing_else_does() {
    let sandbox = Sandbox::with_docker0();
    install_without_systemd(&sandbox, "my-docker");
    sandbox.sh("rm /etc/init.d/docker");
    let _dockerd = dockerd(&sandbox, "/run/docker.pid");
    let (code, report) = sandbox.json(&APPLY);
    assert_eq!(
        (code, &report["docker"]["service"]),
        (3, &Value::Null),
        "{report:#}"
    );
    assert!(
        report["msg"]
            .as_str()
            .unwrap()
            .contains("--restart-command"),
        "{report:#}"
    );
    let (code, report) =
        sandbox.json(&[&APPLY[..], &["--restart-command", "my-docker again"]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(
        sandbox.json(&["rollback", "--yes"]).0,
        0,
        "the way is remembered"
    );
    assert_eq!(
        std::fs::read_to_string(sandbox.folder().join("restarts")).unwrap(),
        "my-docker again\n".repeat(2)
    );
}

#[test]
fn the_snap_has_a_file_of_its_own() {
    let sandbox = Sandbox::with_docker0();
    // No package of the distribution's: /usr/sbin without a dockerd in it is this machine's as it
    // should be.
    assert_eq!(
        sandbox
            .sh("ls /usr/sbin/dockerd /usr/bin/dockerd /usr/local/bin/dockerd 2>/dev/null || true"),
        ""
    );
    sandbox.sh("mkdir -p /var/snap/docker/current/config");
    let (code, report) = sandbox.json(&APPLY);
    assert_eq!(
        (code, &report["docker"]["state"]),
        (0, &"stopped".into()),
        "{report:#}"
    );
    assert!(
        sandbox
            .read("/var/snap/docker/current/config/daemon.json")
            .unwrap()
            .contains("bip")
    );
    assert!(sandbox.read("/etc/docker/daemon.json").is_none());
}

#[test]
fn docker_desktop_is_left_to_its_own_window() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox.answer(
        "/info",
        r#"{"ServerVersion": "28.5.2", "OperatingSystem": "Docker Desktop"}"#,
    );
    refused(
        &sandbox,
        "Docker Desktop, which keeps its settings in a virtual machine of its own",
    );
}

#[test]
fn addresses_that_go_with_docker0_are_named_before() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let file = r#"{"dns": ["172.17.0.1"], "insecure-registries": ["172.17.0.1:5000", "reg.example:5000"]}"#;
    sandbox.put("/etc/docker/daemon.json", file);
    let (_, report) = sandbox.json(&[&APPLY[..], &["--check"]].concat());
    let blockers = report["blockers"].to_string();
    for key in ["\\\"dns\\\" in", "\\\"insecure-registries\\\" in"] {
        assert!(blockers.contains(key), "{key}: {blockers}");
    }
    assert!(!report.to_string().contains("reg.example"), "{report:#}");
}
