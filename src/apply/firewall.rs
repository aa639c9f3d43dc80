//! The packet filter after a move: Docker's own rule for docker0's network, and rules of others
//! that name the old range.

use super::check::Check;
use super::note::Note;
use crate::facts::Facts;
use crate::host::Host;
use ipnet::IpNet;
use serde_json::Value;
use std::time::Duration;

/// Thousands of rules are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// More rules than this are not quoted.
const QUOTED: usize = 3;

/// Whether Docker masquerades docker0's new network, and no longer the old one. None where Docker
/// does not masquerade, or where its rules cannot be listed.
pub fn masquerade(host: &Host, now: &Facts, new: &IpNet, old: Option<&IpNet>) -> Option<Check> {
    if host.is_image() || is_off(now, "iptables") || is_off(now, "ip-masq") {
        return None;
    }
    let listed = host.run(list_of_nat(now), DEADLINE);
    if !listed.ok() {
        return None;
    }
    let rules: Vec<&str> = listed
        .stdout
        .lines()
        .filter(|rule| rule.contains("docker0"))
        .collect();
    let found = match (
        any_names(&rules, new),
        old.filter(|old| any_names(&rules, old)),
    ) {
        (true, None) => Some(format!("names {new}")),
        (true, Some(old)) => Some(format!("names {new} and still {old}")),
        (false, Some(old)) => Some(format!("names {old}")),
        (false, None) => None,
    };
    Some(Check::value(
        "Docker's NAT rule for docker0",
        Some(format!("names {new}")),
        found,
    ))
}

fn is_off(now: &Facts, key: &str) -> bool {
    now.docker.config.keys.get(key) == Some(&Value::Bool(false))
}

/// What lists the rules by which this Docker masquerades.
fn list_of_nat(now: &Facts) -> &'static [&'static str] {
    let backend = now.docker.config.keys.get("firewall-backend");
    match backend.and_then(Value::as_str) {
        Some("nftables") => &["nft", "list", "table", "ip", "docker-bridges"],
        Some(_) | None => &["iptables", "--wait", "5", "-t", "nat", "-S", "POSTROUTING"],
    }
}

fn any_names(rules: &[&str], net: &IpNet) -> bool {
    rules.iter().any(|rule| names(rule, net))
}

fn names(rule: &str, net: &IpNet) -> bool {
    let net = net.to_string();
    rule.split([' ', '"', '{', '}', ','])
        .any(|word| word == net)
}

/// Rules that name a range Docker has left.
pub fn leftovers(host: &Host, network: &str, old: &IpNet) -> Vec<Note> {
    let saved = host.run(&["iptables-save"], DEADLINE).stdout;
    let tables: Vec<&str> = saved
        .lines()
        .filter_map(|line| line.strip_prefix('*'))
        .collect();
    let listed = host.run(&["nft", "list", "ruleset"], DEADLINE).stdout;
    let rules: Vec<String> = saved
        .lines()
        .filter(|line| line.starts_with("-A "))
        .map(str::to_owned)
        .chain(rules_of_nft(&listed, &tables))
        .filter(|rule| names(rule, old))
        .collect();
    let quoted = rules.iter().take(QUOTED);
    let mut notes: Vec<Note> = quoted
        .map(|rule| Note::RuleNamesOldRange {
            network: network.to_owned(),
            range: *old,
            rule: rule.clone(),
        })
        .collect();
    if rules.len() > QUOTED {
        notes.push(Note::MoreRules {
            range: *old,
            count: rules.len() - QUOTED,
        });
    }
    notes
}

/// Every line of a ruleset with the table and the chain or set it stands in; without Docker's own
/// tables and without those that `iptables-save` has listed already.
fn rules_of_nft(listed: &str, known: &[&str]) -> Vec<String> {
    let (mut table, mut part, mut rules) = (String::new(), String::new(), Vec::new());
    for line in listed.lines() {
        let depth = line.len() - line.trim_start_matches('\t').len();
        let words = line.trim().trim_end_matches('{').trim();
        match depth {
            0 => table = words.to_owned(),
            1 => part = words.to_owned(),
            _ => {
                let name = table.rsplit(' ').next().unwrap_or_default();
                if name != "docker-bridges" && !known.contains(&name) {
                    rules.push(format!("{table} {part}: {words}"));
                }
            }
        }
    }
    rules
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::rules_of_nft;

    #[test]
    fn a_rule_is_shown_with_its_place() {
        let listed = "table ip filter {\n\tchain INPUT {\n\t\tip saddr 10.0.0.0/8 accept\n\t}\n}\n\
                      table ip docker-bridges {\n\tchain x {\n\t\tip saddr 10.0.0.0/8 accept\n\t}\n}\n\
                      table inet site {\n\tset office {\n\t\telements = { 172.17.0.0/16 }\n\t}\n\tchain in {\n\t\tdrop\n\t}\n}\n";
        let rules = [
            "table inet site set office: elements = { 172.17.0.0/16 }",
            "table inet site chain in: drop",
        ];
        assert_eq!(rules_of_nft(listed, &["filter"]), rules);
    }
}
