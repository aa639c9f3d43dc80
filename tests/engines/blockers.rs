//! What a change would take away, on real hosts: real listeners, real rules, real units. Each is
//! refused with exit 3, named, and Docker is not touched; accepted, the change goes ahead. Beside each
//! stands a twin that must not block.

use crate::lab::Lab;
use serde_json::Value;
use std::collections::BTreeSet;

use crate::dice::Dice;

const AVOID: &str = "--avoid=172.17.0.0/16";

on_every_engine!(
    who_uses_docker0s_address_by_number_blocks,
    rules_for_the_old_range_block,
    settings_that_docker_has_not_loaded_block,
    flags_of_the_next_start_block,
    a_rollback_leaves_nothing_pending,
    a_run_that_would_end_with_docker_is_refused,
    a_rollback_that_locks_you_out_is_refused,
    units_that_need_docker_come_back,
    exactly_what_is_planted_blocks,
);

/// The word of each blocker and where it is.
fn listed(report: &Value) -> BTreeSet<(String, String)> {
    let blockers = report["blockers"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    blockers
        .map(|one| (text(&one["accept"]), text(&one["where"])))
        .collect()
}

fn started(lab: &Lab) -> String {
    lab.sh("stat -c %Y.%y /run/docker.pid; cat /run/docker.pid")
}

/// Runs apply, which must refuse and leave Docker alone; gives what it lists.
fn refused(lab: &Lab, arguments: &[&str]) -> (BTreeSet<(String, String)>, Value) {
    let before = (started(lab), lab.read("/etc/docker/daemon.json"));
    let (code, report) = lab.rebridge(&[&["apply", "--yes", AVOID], arguments].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    let after = (started(lab), lab.read("/etc/docker/daemon.json"));
    assert_eq!(after, before, "{report:#}");
    (listed(&report), report)
}

fn changed(lab: &Lab, arguments: &[&str]) -> Value {
    let (code, report) = lab.rebridge(&[&["apply", "--yes", AVOID], arguments].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(report["blockers"], Value::Array(Vec::new()));
    report
}

fn set(words: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let words = words.iter();
    words
        .map(|(accept, place)| ((*accept).to_owned(), (*place).to_owned()))
        .collect()
}

/// Starts a program on the host that waits on an address, and gives its process id.
fn listen(lab: &Lab, kind: &str, address: &str, port: u16) -> String {
    let unit = format!("listen-{kind}-{port}");
    lab.sh(&format!(
        "systemd-run -q --unit={unit} python3 -c '
import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_{kind})
s.bind((\"{address}\", {port}))
if \"{kind}\" == \"STREAM\": s.listen()
signal.pause()'
        timeout 10 sh -c 'until ss -lntu | grep -q {address}:{port}; do sleep 0.05; done'
        systemctl show -P MainPID {unit}"
    ))
    .trim()
    .to_owned()
}

fn who_uses_docker0s_address_by_number_blocks(suite: &str) {
    let lab = Lab::up(suite);
    // Twins: who waits on all addresses or on another one, who is named by name, who was told of
    // another address.
    listen(&lab, "STREAM", "0.0.0.0", 5433);
    listen(&lab, "STREAM", "127.0.0.1", 5434);
    lab.container("--name twin -p 8600:80 -e DB=172.17.0.10 --add-host other:198.51.100.1");
    let (code, foretold) = lab.rebridge(&["apply", "--check", AVOID]);
    assert_eq!(
        (code, listed(&foretold)),
        (0, BTreeSet::new()),
        "{foretold:#}"
    );

    let tcp = listen(&lab, "STREAM", "172.17.0.1", 5432);
    let udp = listen(&lab, "DGRAM", "172.17.0.1", 514);
    lab.container("--name web -p 172.17.0.1:8500:80");
    lab.container(
        "--name app --add-host db:172.17.0.1 --dns 172.17.0.1 -e DB=postgres://u:secret@172.17.0.1:5432/x",
    );
    lab.sh("cp -L /etc/resolv.conf /root/resolv; rm /etc/resolv.conf
            (echo nameserver 172.17.0.1; cat /root/resolv) >/etc/resolv.conf");
    lab.put(
        "/etc/systemd/resolved.conf.d/docker.conf",
        "[Resolve]\nDNSStubListenerExtra=172.17.0.1\n",
    );
    lab.put("/etc/docker/daemon.json", "{\"dns\":\n[\"172.17.0.1\"]}");
    let (found, report) = refused(&lab, &[]);
    let [tcp, udp] = [tcp, udp].map(|pid| format!("python3 (pid {pid})"));
    assert_eq!(
        found,
        set(&[
            ("old-address", &tcp),
            ("old-address", &udp),
            ("old-address", "container web"),
            ("old-address", "container app"),
            ("old-address", "/etc/resolv.conf"),
            (
                "old-address",
                "/etc/systemd/resolved.conf.d/docker.conf line 2"
            ),
            ("old-address", "/etc/docker/daemon.json line 1"),
        ]),
        "{report:#}"
    );
    // The container is named for each of its settings, and no value is.
    let text = report.to_string();
    for words in ["--add-host db", "--dns", "the variable DB"] {
        assert!(text.contains(words), "{words}: {report:#}");
    }
    assert!(!text.contains("secret"), "{report:#}");
    let (code, report) = lab.rebridge(&["check", AVOID]);
    assert_eq!((code, listed(&report)), (1, found), "{report:#}");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("`rebridge apply` would refuse: "),
        "{report:#}"
    );
    let report = changed(&lab, &["--accept=old-address"]);
    assert!(
        report["warnings"]
            .to_string()
            .contains("accepted (old-address)"),
        "{report:#}"
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
}

/// The lab's hosts have none; this machine's needs no more than a few libraries.
fn install_nft(lab: &Lab) {
    lab.sh_outside(
        "mkdir -p opt/nft && cp /usr/sbin/nft opt/nft/
         cp $(ldd /usr/sbin/nft | awk '/=> \\// {print $3}' | grep -vE '/lib(c|m|dl|pthread)\\.so') opt/nft/
         printf '#!/bin/sh\\nLD_LIBRARY_PATH=/opt/nft exec /opt/nft/nft \"$@\"\\n' >usr/sbin/nft && chmod 755 usr/sbin/nft",
    );
}

fn rules_for_the_old_range_block(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--name web -p 8080:80 --restart always");
    // Twins: rules for other ranges and for all of them, and one for each private block.
    lab.sh("iptables -A INPUT -s 192.0.2.0/24 -j ACCEPT
            iptables -A INPUT -s 172.18.0.0/16 -j ACCEPT
            iptables -A INPUT -i docker0 -p tcp --dport 53 -j ACCEPT
            for net in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16; do
                iptables -A DOCKER-USER -s $net -j RETURN
            done
            iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -o eth0 -j MASQUERADE
            ip rule add from 198.51.100.11 lookup main pref 90");
    let (code, foretold) = lab.rebridge(&["apply", "--check", AVOID]);
    assert_eq!(
        (code, listed(&foretold)),
        (0, BTreeSet::new()),
        "{foretold:#}"
    );

    let legacy = lab
        .try_sh("iptables-legacy -A INPUT -s 172.17.0.1 -j ACCEPT")
        .code
        == 0;
    lab.sh(
        "iptables -A INPUT -s 172.16.0.0/12 -p tcp --dport 5432 -j ACCEPT
            iptables -A INPUT ! -s 172.17.0.0/16 -p tcp --dport 5433 -j DROP
            ip rule add from 172.17.0.0/16 lookup 200 pref 91
            ip rule add to 172.17.0.0/16 lookup main pref 92",
    );
    install_nft(&lab);
    lab.sh("nft add table inet site; nft add chain inet site in
            nft 'add rule inet site in ip saddr { 172.17.0.0/16, 192.0.2.1 } accept'
            nft 'add rule inet site in ip saddr { 172.18.0.0/16, 192.0.2.1 } accept'
            nft 'add set inet site office { type ipv4_addr; flags interval; }'
            nft 'add element inet site office { 172.16.0.0/12, 192.0.2.0/24 }'");
    let web = lab.sh("docker inspect web -f '{{.NetworkSettings.Networks.bridge.IPAddress}}'");
    lab.sh(&format!("ip route add 10.77.0.0/16 via {}", web.trim()));
    let (found, report) = refused(&lab, &[]);
    let mut wanted = set(&[
        ("old-range-rules", "iptables table filter"),
        ("old-range-rules", "rule 91 (from 172.17.0.0/16)"),
        ("old-range-rules", "rule 92 (from all to 172.17.0.0/16)"),
        ("old-range-rules", "-"),
    ]);
    if legacy {
        wanted.extend(set(&[("old-range-rules", "iptables-legacy table filter")]));
    }
    wanted.extend(set(&[
        ("old-range-rules", "nft table inet site chain in"),
        ("old-range-rules", "nft table inet site set office"),
    ]));
    assert_eq!(found, wanted, "{report:#}");
    let text = report["blockers"].to_string();
    for words in [
        "-s 172.16.0.0/12 -p tcp",
        "! -s 172.17.0.0/16",
        "past a VPN",
        "10.77.0.0/16 via 172.17.0.2",
    ] {
        assert!(text.contains(words), "{words}: {report:#}");
    }
    changed(&lab, &["--accept", "old-range-rules"]);
    assert_ne!(lab.docker0(), "172.17.0.1/16");
}

fn settings_that_docker_has_not_loaded_block(suite: &str) {
    let lab = Lab::create(suite);
    let loaded = "{\"iptables\": true, \"log-level\": \"info\"}";
    lab.put("/etc/docker/daemon.json", loaded);
    lab.boot();
    lab.container("--name web --restart always");
    let nothing = |why: &str| {
        let (code, report) = lab.rebridge(&["apply", "--check", AVOID]);
        assert_eq!(
            (code, listed(&report)),
            (0, BTreeSet::new()),
            "{why}: {report:#}"
        );
        report
    };
    nothing("the file is older than dockerd");
    lab.put(
        "/etc/docker/daemon.json",
        "{\"log-opts\": {\"max-size\": \"9m\"}, \"labels\": [\"a=b\"]}",
    );
    let report = nothing("harmless");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("log-opts, labels"), "{report:#}");
    // Loaded without a restart, and what the engine has anyway.
    lab.put(
        "/etc/docker/daemon.json",
        "{\"live-restore\": true, \"icc\": true, \"mtu\": 1500}",
    );
    lab.sh("systemctl reload docker");
    lab.sh("timeout 10 sh -c 'until docker info -f {{.LiveRestoreEnabled}} | grep -q true; do sleep 0.1; done'");
    lab.sh("docker rm -f web");
    nothing("reloaded");
    lab.put("/etc/docker/daemon.json", "{\"live-restore\": false}");
    lab.sh("systemctl reload docker");
    lab.sh("timeout 10 sh -c 'until docker info -f {{.LiveRestoreEnabled}} | grep -q false; do sleep 0.1; done'");
    lab.sh(
        "mv /var/lib/docker/buildkit /root/ 2>/dev/null || true; ln -sfn /var/lib/docker /srv/link",
    );
    lab.put("/etc/docker/daemon.json", "{\"data-root\": \"/srv/link\"}");
    nothing("another name of the same folder");

    for (text, word) in [
        ("\"data-root\": \"/srv/docker\"", "/srv/docker"),
        ("\"storage-driver\": \"vfs\"", "vfs"),
        ("\"iptables\": false", "\\\"iptables\\\" false"),
        (
            "\"ipv6\": true, \"fixed-cidr-v6\": \"fd00:9::/64\"",
            "fixed-cidr-v6",
        ),
        ("\"userns-remap\": \"default\"", "userns-remap"),
        (
            "\"bridge\": \"\", \"exec-root\": \"/run/other\"",
            "exec-root",
        ),
        ("\"icc\": false", "icc"),
    ] {
        lab.put("/etc/docker/daemon.json", &format!("{{{text}}}"));
        let (found, report) = refused(&lab, &[]);
        let wanted = set(&[("pending-settings", "/etc/docker/daemon.json line 1")]);
        assert_eq!(found, wanted, "{text}: {report:#}");
        assert!(
            report["blockers"].to_string().contains(word),
            "{word}: {report:#}"
        );
    }
    // No engine would start with this, and no word helps.
    lab.put(
        "/etc/docker/daemon.json",
        "{\"icc\": false, \"iptables\": false}",
    );
    let (found, report) = refused(&lab, &["--accept=pending-settings"]);
    assert_eq!(
        found,
        set(&[("-", "/etc/docker/daemon.json")]),
        "{report:#}"
    );
    // Accepted.
    lab.put("/etc/docker/daemon.json", "{\"icc\": false}");
    changed(&lab, &["--accept=pending-settings"]);
    let icc = "docker network inspect bridge -f '{{index .Options \"com.docker.network.bridge.enable_icc\"}}'";
    assert_eq!(lab.sh(icc), "false\n");
}

fn flags_of_the_next_start_block(suite: &str) {
    let lab = Lab::up(suite);
    let put = |options: &str| {
        lab.put(
            "/etc/default/docker",
            &format!("DOCKER_OPTS=\"{options}\"\n"),
        )
    };
    put("--data-root /srv/docker");
    let (found, report) = refused(&lab, &[]);
    let place = "/etc/default/docker line 1";
    assert_eq!(found, set(&[("pending-settings", place)]), "{report:#}");
    put("--iptables=false");
    assert_eq!(refused(&lab, &[]).0, set(&[("pending-settings", place)]));
    put("-H tcp://172.17.0.1:2375");
    let (found, report) = refused(&lab, &["--accept=pending-settings"]);
    assert_eq!(found, set(&[("-", place)]), "{report:#}");
    // An option that itself leads docker0 away from what clashes: only the pools are left to change.
    put("--bip=10.9.0.1/24");
    changed(&lab, &[]);
    assert_eq!(lab.docker0(), "10.9.0.1/24");
    // Taken out since: what the next start does not have is not in the way.
    put("");
    let report = changed(&lab, &["--avoid=10.9.0.0/24"]);
    assert_eq!(report["docker"]["docker0_before"], "10.9.0.1/24");
    assert_ne!(lab.docker0(), "10.9.0.1/24");
}

fn a_rollback_leaves_nothing_pending(suite: &str) {
    let lab = Lab::create(suite);
    lab.put(
        "/etc/docker/daemon.json",
        "{\"exec-root\": \"/run/docker-x\", \"icc\": true}",
    );
    lab.boot();
    changed(&lab, &[]);
    // One start with an explicit bip, then the old bytes: the file is younger than dockerd.
    let rolled_back = || {
        let (code, report) = lab.rebridge(&["rollback", "--yes"]);
        assert_eq!(code, 0, "{report:#}");
    };
    rolled_back();
    changed(&lab, &[]);
    rolled_back();
    // Somebody edits it after that.
    lab.put(
        "/etc/docker/daemon.json",
        "{\"exec-root\": \"/run/docker-x\", \"icc\": true, \"ip-forward\": false}",
    );
    let (found, report) = refused(&lab, &[]);
    let place = "/etc/docker/daemon.json line 1";
    assert_eq!(found, set(&[("pending-settings", place)]), "{report:#}");
}

fn a_run_that_would_end_with_docker_is_refused(suite: &str) {
    let lab = Lab::up(suite);
    let before = started(&lab);
    // A unit goes down with Docker by any of three words, and by those of another unit.
    lab.put(
        "/etc/systemd/system/stack.service",
        "[Unit]\nRequires=docker.service\n[Service]\nExecStart=/bin/sleep 3600\n",
    );
    lab.sh("systemctl daemon-reload; systemctl start stack");
    for bond in [
        "Requires=docker.service",
        "BindsTo=docker.service",
        "PartOf=docker.service",
        "PartOf=stack.service",
    ] {
        let ran = lab.try_sh(&format!(
            "systemd-run -q --wait --pipe --unit=ci -p {bond} -p After=docker.service -p CollectMode=inactive-or-failed \
             rebridge apply --json --yes {AVOID}"
        ));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(
            (ran.code, listed(&report)),
            (3, set(&[("-", "ci.service")])),
            "{bond}: {report:#}"
        );
    }
    // From a container of this engine, wherever it has gone from there.
    lab.image();
    let ran = lab.try_sh(&format!(
        "docker run --rm --name inner --pid=host --net=host -v /:/host --cap-add SYS_ADMIN \
         --cap-add SYS_PTRACE --cap-add SYS_CHROOT --security-opt seccomp=unconfined busybox busybox chroot /host nsenter -t 1 -m -u -i -n rebridge apply --json --yes {AVOID}"
    ));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(
        (ran.code, listed(&report)),
        (3, set(&[("-", "container inner")])),
        "{report:#}"
    );
    assert_eq!(started(&lab), before);
    // A unit that only wants Docker goes on without it.
    let ran = lab.try_sh(&format!(
        "systemd-run -q --wait --pipe --unit=ci -p Wants=docker.service -p After=docker.service \
         rebridge apply --json --yes {AVOID}"
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn a_rollback_that_locks_you_out_is_refused(suite: &str) {
    let lab = Lab::up(suite);
    changed(&lab, &[]);
    // The operator comes from an address that docker0 had shadowed.
    lab.sh("ip route add 172.17.50.0/24 via 198.51.100.1");
    let session = "SSH_CONNECTION='172.17.50.3 40000 198.51.100.11 22'";
    let before = started(&lab);
    let ran = lab.try_sh(&format!("{session} rebridge rollback --yes --json"));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(
        (ran.code, listed(&report)),
        (3, set(&[("lockout", "-")])),
        "{report:#}"
    );
    assert_eq!(started(&lab), before);
    let elsewhere = "SSH_CONNECTION='192.0.2.3 40000 198.51.100.11 22'";
    let ran = lab.try_sh(&format!("{elsewhere} rebridge rollback --check --json"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = lab.try_sh(&format!(
        "{session} rebridge rollback --yes --json --accept lockout"
    ));
    assert_eq!(
        (ran.code, lab.docker0().as_str()),
        (0, "172.17.0.1/16"),
        "{ran:?}"
    );
}

fn units_that_need_docker_come_back(suite: &str) {
    let lab = Lab::up(suite);
    let bonds = ["Requires", "BindsTo", "PartOf"];
    for bond in bonds {
        lab.put(
            &format!("/etc/systemd/system/app-{bond}.service"),
            &format!("[Unit]\n{bond}=docker.service\nAfter=docker.service\n[Service]\nExecStart=/bin/sleep 3600\n"),
        );
    }
    // One that was down before stays so.
    lab.put(
        "/etc/systemd/system/off.service",
        "[Unit]\nRequires=docker.service\n[Service]\nExecStart=/bin/sleep 3600\n",
    );
    lab.sh("systemctl daemon-reload; systemctl start app-Requires app-BindsTo app-PartOf");
    let states = || {
        lab.try_sh("systemctl is-active docker app-Requires app-BindsTo app-PartOf off")
            .stdout
    };
    let all = "active\nactive\nactive\nactive\ninactive\n";
    let verified = |report: &Value| {
        for bond in bonds {
            let what = format!("the unit app-{bond}.service");
            let checks = report["verified"].as_array().unwrap();
            let check = checks.iter().find(|check| check["what"] == what.as_str());
            assert_eq!(
                check.unwrap_or_else(|| panic!("{report:#}"))["ok"],
                true,
                "{report:#}"
            );
        }
    };
    assert_eq!(states(), all);
    // Docker refuses the new file: systemd stops them all, and starts none when Docker is back.
    lab.put(
        "/etc/systemd/system/docker.service.d/test.conf",
        "[Service]\nExecStartPre=/bin/sh -c '! grep -qs pools /etc/docker/daemon.json'\n",
    );
    lab.sh("systemctl daemon-reload");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(code, 4, "{report:#}");
    verified(&report);
    assert_eq!(states(), all);
    lab.sh("rm /etc/systemd/system/docker.service.d/test.conf; systemctl daemon-reload");
    verified(&changed(&lab, &[]));
    assert_eq!(states(), all);
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    verified(&report);
    assert_eq!(states(), all);
    // One that does not come up again is named.
    lab.put(
        "/etc/systemd/system/app-PartOf.service.d/x.conf",
        "[Service]\nExecStartPre=/bin/false\n",
    );
    lab.sh("systemctl daemon-reload");
    let report = changed(&lab, &[]);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("app-PartOf.service stopped with Docker and does not start again"),
        "{report:#}"
    );
}

/// How it is planted, how it is taken away, and how it is listed; without a word where it must not
/// block.
type Plant = (
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

const PLANTS: [Plant; 12] = [
    (
        "systemd-run -q --unit=l1 nc -lk -s 172.17.0.1 -p 5432 || systemd-run -q --unit=l1 python3 -m http.server --bind 172.17.0.1 5432; timeout 9 sh -c 'until ss -lnt | grep -q 172.17.0.1:5432; do sleep 0.05; done'",
        "systemctl stop l1",
        Some(("old-address", "process")),
    ),
    (
        "systemd-run -q --unit=l2 python3 -m http.server --bind 0.0.0.0 5433; timeout 9 sh -c 'until ss -lnt | grep -q 0.0.0.0:5433; do sleep 0.05; done'",
        "systemctl stop l2",
        None,
    ),
    (
        "docker run -d --name p1 -p 172.17.0.1:8500:80 busybox sleep 3600",
        "docker rm -f p1",
        Some(("old-address", "container p1")),
    ),
    (
        "docker run -d --name p2 -p 8501:80 busybox sleep 3600",
        "docker rm -f p2",
        None,
    ),
    (
        "docker run -d --name e1 -e URL=http://172.17.0.1:9/ busybox sleep 3600",
        "docker rm -f e1",
        Some(("old-address", "container e1")),
    ),
    (
        "docker run -d --name e2 -e URL=http://172.18.0.1:9/ busybox sleep 3600",
        "docker rm -f e2",
        None,
    ),
    (
        "iptables -A INPUT -s 172.17.0.0/16 -j ACCEPT",
        "iptables -D INPUT -s 172.17.0.0/16 -j ACCEPT",
        Some(("old-range-rules", "iptables table filter")),
    ),
    (
        "iptables -A FORWARD -s 172.19.0.0/16 -j ACCEPT",
        "iptables -D FORWARD -s 172.19.0.0/16 -j ACCEPT",
        None,
    ),
    (
        "ip rule add from 172.17.0.0/16 lookup 200 pref 91",
        "ip rule del pref 91",
        Some(("old-range-rules", "rule 91 (from 172.17.0.0/16)")),
    ),
    (
        "ip rule add from 192.0.2.0/24 lookup 200 pref 92",
        "ip rule del pref 92",
        None,
    ),
    (
        "echo '{\"data-root\": \"/srv/docker\"}' >/etc/docker/daemon.json",
        "rm /etc/docker/daemon.json",
        Some(("pending-settings", "/etc/docker/daemon.json line 1")),
    ),
    (
        "mkdir -p /etc/systemd/resolved.conf.d; printf '[Resolve]\\nDNSStubListenerExtra=172.17.0.1\\n' >/etc/systemd/resolved.conf.d/x.conf",
        "rm /etc/systemd/resolved.conf.d/x.conf",
        Some(("old-address", "/etc/systemd/resolved.conf.d/x.conf line 2")),
    ),
];

fn exactly_what_is_planted_blocks(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    let mut dice = Dice::new(16);
    let (mut planted, mut twins) = (0, 0);
    for round in 0..30 {
        let chosen: Vec<_> = PLANTS.iter().filter(|_| dice.percent(40)).collect();
        let plant: Vec<&str> = chosen.iter().map(|(plant, ..)| *plant).collect();
        lab.sh(&format!("true\n{}", plant.join("\n")));
        let (code, report) = lab.rebridge(&["apply", "--check", AVOID]);
        let wanted: BTreeSet<(String, String)> = chosen
            .iter()
            .filter_map(|(.., listed)| *listed)
            .map(|(accept, place)| (accept.to_owned(), place.to_owned()))
            .collect();
        let found: BTreeSet<(String, String)> = listed(&report)
            .into_iter()
            .map(|(accept, place)| match place.contains("(pid ") {
                true => (accept, "process".to_owned()),
                false => (accept, place),
            })
            .collect();
        assert_eq!(found, wanted, "round {round}: {report:#}");
        assert_eq!(code, if wanted.is_empty() { 0 } else { 3 });
        planted += wanted.len();
        twins += chosen.len() - wanted.len();
        let away: Vec<&str> = chosen.iter().map(|(_, away, _)| *away).collect();
        lab.sh(&format!("true\n{}", away.join("\n")));
    }
    println!("{suite}: {planted} planted, {twins} twins, 30 rounds");
    assert!(planted > 40 && twins > 30, "{planted} and {twins}");
}
