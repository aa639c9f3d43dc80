//! Hosts with ufw, firewalld, nftables and ipset as Debian has them: their own rules for the range
//! that Docker leaves, with the place where each is written; beside each stands a twin.

use crate::lab::Lab;
use serde_json::Value;
use std::collections::BTreeSet;

const AVOID: &str = "--avoid=172.17.0.0/16";

/// Where the blockers are; all of them must be about rules for the old range.
fn places(report: &Value) -> BTreeSet<String> {
    let blockers = report["blockers"].as_array().unwrap().iter();
    blockers
        .map(|blocker| {
            assert_eq!(blocker["accept"], "old-range-rules", "{report:#}");
            blocker["where"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Runs apply, which must refuse for rules in these places, and goes ahead when they are accepted:
/// docker0 moves, Docker's NAT follows, and the way back works. Text is what the refusal names.
fn blocks(lab: &Lab, wanted: &[String], text: &[&str]) {
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (3, &"refused".into()),
        "{report:#}"
    );
    assert_eq!(
        places(&report),
        wanted.iter().cloned().collect(),
        "{report:#}"
    );
    for words in text {
        assert!(
            report["blockers"].to_string().contains(words),
            "{words}: {report:#}"
        );
    }
    moves_and_comes_back(lab);
}

/// The twins alone do not block.
fn is_free(lab: &Lab) {
    let (code, report) = lab.rebridge(&["apply", "--check", AVOID]);
    assert_eq!((code, places(&report)), (0, BTreeSet::new()), "{report:#}");
}

fn moves_and_comes_back(lab: &Lab) {
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--accept=old-range-rules"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let checks = report["verified"].as_array().unwrap().iter();
    let mut of_nat = checks.filter(|check| check["what"] == "Docker's NAT rule for docker0");
    let nat = of_nat.next().unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(nat["ok"], true, "{report:#}");
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
}

/// The file and the line that holds these words.
fn line(lab: &Lab, file: &str, words: &str) -> String {
    let text = lab
        .read(file)
        .unwrap_or_else(|| panic!("{file} is missing"));
    let at = text.lines().position(|line| line.contains(words));
    let at = at.unwrap_or_else(|| panic!("{words} is not in {file}:\n{text}"));
    format!("{file} line {}", at + 1)
}

/// On the newest engine: it has most rules of its own, and sets when ipset is there.
#[test]
fn rules_of_every_firewall_block_with_the_place_they_are_written_in() {
    let lab = Lab::up("forky+firewalls");
    lab.container("--name web -p 8080:80 --restart always");
    nftables_and_ipset(&lab);
    ufw(&lab);
    firewalld(&lab);
}

fn nftables_and_ipset(lab: &Lab) {
    const FILE: &str = "/etc/nftables.conf";
    let twins = "#!/usr/sbin/nft -f
table inet site {
\tset office {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 192.0.2.0/24, 172.18.0.0/16 }
\t}
\tchain in {
\t\ttype filter hook input priority 5
\t\tip saddr 172.18.0.0/16 tcp dport 5432 accept
\t\tip saddr { 172.16.0.0/12, 10.0.0.0/8 } tcp dport 5433 accept
\t}
}
";
    lab.put(FILE, twins);
    lab.sh(&format!(
        "nft -f {FILE}
         ipset create office hash:net; ipset add office 192.0.2.0/24
         iptables -A INPUT -m set --match-set office src -j ACCEPT"
    ));
    is_free(lab);

    let theirs = twins
        .replace("172.18.0.0/16 }", "172.17.0.0/16 }")
        .replace("saddr 172.18.0.0/16", "saddr 172.17.0.0/16");
    lab.put(FILE, &format!("{theirs}# 172.17.0.0/16\n"));
    lab.put(
        "/etc/ipset.conf",
        "create plant hash:net\ncreate office hash:net\nadd office 172.17.0.0/16\n",
    );
    lab.sh(&format!(
        "nft delete table inet site; nft -f {FILE}; ipset restore -exist </etc/ipset.conf"
    ));
    let wanted = [
        line(lab, FILE, "elements"),
        line(lab, FILE, "saddr 172.17"),
        "/etc/ipset.conf line 2".to_owned(),
    ];
    blocks(lab, &wanted, &["table inet site chain in", "set office"]);
    lab.sh(
        "nft delete table inet site; iptables -D INPUT -m set --match-set office src -j ACCEPT
            ipset destroy",
    );
}

fn ufw(lab: &Lab) {
    lab.sh(
        "ufw default allow incoming; ufw allow from 192.0.2.0/24 to any port 5432 proto tcp
            ufw allow from 172.18.0.0/16; ufw --force enable",
    );
    is_free(lab);

    // What people add for Docker: a rule by the command, and lines in its files.
    let nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n\
               -A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE\nCOMMIT\n";
    let before = lab.read("/etc/ufw/before.rules").unwrap();
    lab.put("/etc/ufw/before.rules", &format!("{nat}{before}"));
    lab.sh("ufw allow from 172.16.0.0/12 to any port 5432 proto tcp
            ufw route allow from 172.17.0.0/16 to 198.51.100.1; ufw reload");
    let rules = "/etc/ufw/user.rules";
    let wanted = [
        "/etc/ufw/before.rules line 3".to_owned(),
        line(lab, rules, "--dport 5432 -s 172.16.0.0/12"),
        line(lab, rules, "-s 172.17.0.0/16 -j ACCEPT"),
    ];
    blocks(lab, &wanted, &["ufw-user-input -s 172.16.0.0/12"]);
    // ufw leaves its chains behind when it is switched off.
    lab.put("/etc/ufw/before.rules", &before);
    lab.sh(
        "ufw --force reset; iptables -t nat -D POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE",
    );
}

/// Docker puts docker0 into its zone when it starts, and again with its rules after each reload.
const DOCKER_IS_BACK: &str = "timeout 60 sh -c 'until
    [ \"$(firewall-cmd --get-zone-of-interface=docker0)\" = docker ] &&
    iptables -t nat -S POSTROUTING | grep -q docker0; do sleep 0.2; done'";

fn firewalld(lab: &Lab) {
    lab.sh(&format!(
        "systemctl start firewalld; timeout 60 sh -c 'until firewall-cmd --state; do sleep 0.2; done'
         systemctl reset-failed docker.service; systemctl restart docker; {DOCKER_IS_BACK}
         firewall-cmd --permanent --zone=trusted --add-source=172.18.0.0/16
         firewall-cmd --permanent --zone=public --add-rich-rule='rule family=ipv4 source address=192.0.2.0/24 accept'
         firewall-cmd --reload; {DOCKER_IS_BACK}"
    ));
    is_free(lab);

    // For good: a source, a rich rule, a set and a direct rule. And one for the moment.
    let rich = "rule family=ipv4 source address=172.16.0.0/12 port port=5432 protocol=tcp accept";
    lab.sh(&format!(
        "permanent() {{ firewall-cmd --permanent \"$@\"; }}
         permanent --zone=trusted --add-source=172.17.0.0/16
         permanent --zone=public --add-rich-rule='{rich}'
         permanent --new-ipset=office --type=hash:net
         permanent --ipset=office --add-entry=172.17.0.0/16
         permanent --zone=internal --add-source=ipset:office
         permanent --direct --add-rule ipv4 filter INPUT 0 -s 172.17.0.1 -j ACCEPT
         firewall-cmd --reload
         firewall-cmd --zone=drop --add-source=172.17.9.0/24
         {DOCKER_IS_BACK}"
    ));
    let zone = lab.read("/etc/firewalld/zones/public.xml").unwrap();
    let address = zone.lines().position(|line| line.contains("172.16.0.0/12"));
    let wanted = [
        line(lab, "/etc/firewalld/zones/trusted.xml", "172.17.0.0/16"),
        format!(
            "/etc/firewalld/zones/public.xml line {}",
            address.unwrap() // The line before it begins the rule, and lines count from one.
        ),
        line(lab, "/etc/firewalld/ipsets/office.xml", "<entry>"),
        line(lab, "/etc/firewalld/direct.xml", "172.17.0.1"),
    ];
    // What is in no file is known by its chain, whichever firewalld makes first.
    let (code, report) = lab.rebridge(&["apply", "--check", AVOID]);
    let (written, made): (BTreeSet<String>, BTreeSet<String>) = places(&report)
        .into_iter()
        .partition(|place| place.starts_with('/'));
    assert_eq!((code, made.len()), (3, 1), "{report:#}");
    assert_eq!(written, wanted.iter().cloned().collect(), "{report:#}");
    let made: Vec<String> = made.into_iter().collect();
    assert!(
        made[0].starts_with("nft table inet firewalld chain "),
        "{report:#}"
    );
    let wanted = [&wanted[..], &made].concat();
    blocks(
        lab,
        &wanted,
        &["firewalld, zone trusted", rich, "172.17.9.0/24"],
    );

    // Without `nft` its files are all there is to read.
    lab.sh("mv /usr/sbin/nft /root/nft");
    let (code, report) = lab.rebridge(&["apply", "--check", AVOID]);
    lab.sh("mv /root/nft /usr/sbin/nft");
    assert_eq!((code, places(&report)), (3, written), "{report:#}");
}
