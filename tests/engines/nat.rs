//! Docker's NAT is judged by what was there before: a host without it is not changed back for the
//! lack of it, and a rule that stays behind is a note.

use crate::lab::Lab;
use serde_json::Value;

on_every_engine!(nat_is_judged_by_what_was_there_before);

const RULE: &str = "Docker's NAT rule for docker0";

/// Moves docker0, which must go well; gives what was found of the NAT rule, if it was looked at.
fn moved(lab: &Lab, arguments: &[&str]) -> (Option<String>, Value) {
    let before = lab.docker0();
    let (code, report) = lab.rebridge(&[&["apply", "--yes"], arguments].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_ne!(lab.docker0(), before);
    let checks = report["verified"].as_array().unwrap();
    let nat = checks.iter().find(|check| check["what"] == RULE);
    let found = nat.map(|check| check["found"].as_str().unwrap().to_owned());
    (found, report)
}

fn nat_is_judged_by_what_was_there_before(suite: &str) {
    let lab = Lab::create(suite);
    let options = |words: &str| {
        lab.put("/etc/default/docker", &format!("DOCKER_OPTS=\"{words}\"\n"));
    };
    let restart = || lab.sh("systemctl reset-failed docker.service; systemctl restart docker");
    // Another program does the NAT.
    options("--iptables=false");
    lab.boot();
    assert_eq!(moved(&lab, &["--avoid=172.17.0.0/16"]).0, None);
    options("--ip-masq=0");
    restart();
    assert_eq!(moved(&lab, &["--avoid=10.200.255.0/24"]).0, None);

    // Docker does it, and its rule was saved and restored.
    options("");
    restart();
    let [range, rule] = own_rule(&lab);
    lab.sh(&format!("iptables -t nat {rule}"));
    let (found, report) = moved(&lab, &[&format!("--avoid={range}")]);
    let [new, _] = own_rule(&lab);
    assert_eq!(found, Some(format!("names {new}")), "{report:#}");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains(&rule), "{rule}: {report:#}");

    // Docker's iptables have the old backend, and the host's have not.
    lab.put(
        "/etc/systemd/system/docker.service.d/path.conf",
        "[Service]\nEnvironment=PATH=/opt/legacy:/usr/sbin:/usr/bin:/sbin:/bin\n",
    );
    lab.sh(
        "mkdir -p /opt/legacy; iptables-legacy -t nat -L -n >/dev/null
            for program in iptables ip6tables; do
                ln -s $(command -v $program-legacy) /opt/legacy/$program
            done
            systemctl daemon-reload; iptables -t nat -F POSTROUTING",
    );
    restart();
    let [range, _] = by(&lab, "iptables-legacy").expect("Docker uses the old backend");
    assert_eq!(by(&lab, "iptables-nft"), None);
    let (found, report) = moved(&lab, &[&format!("--avoid={range}")]);
    let [new, _] = by(&lab, "iptables-legacy").unwrap();
    assert_eq!(found, Some(format!("names {new}")), "{report:#}");
}

/// The first rule by which Docker masquerades docker0's network: the network, and the rule.
fn own_rule(lab: &Lab) -> [String; 2] {
    by(lab, "iptables").unwrap()
}

fn by(lab: &Lab, tool: &str) -> Option<[String; 2]> {
    let rules = lab.sh(&format!("{tool} -t nat -S POSTROUTING"));
    let mut rules = rules.lines().filter(|rule| rule.contains("! -o docker0"));
    let rule = rules.next()?;
    let network = rule.split(' ').nth(3).unwrap();
    Some([network.to_owned(), rule.to_owned()])
}
