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

/// Whether containers on docker0 are masqueraded by their new network and no more by the old one.
/// None where Docker does not masquerade, or where its rules cannot be listed.
pub fn masquerade(host: &Host, now: &Facts, new: &IpNet, old: Option<&IpNet>) -> Option<Check> {
    let off = |key: &str| now.docker.config.keys.get(key) == Some(&Value::Bool(false));
    if host.is_image() || off("iptables") || off("ip-masq") {
        return None;
    }
    let nftables = now
        .docker
        .config
        .keys
        .get("firewall-backend")
        .and_then(Value::as_str)
        == Some("nftables");
    let listed = if nftables {
        host.run(&["nft", "list", "table", "ip", "docker-bridges"], DEADLINE)
    } else {
        host.run(
            &["iptables", "--wait", "5", "-t", "nat", "-S", "POSTROUTING"],
            DEADLINE,
        )
    };
    if !listed.ok() {
        return None;
    }
    let rules: Vec<&str> = listed
        .stdout
        .lines()
        .filter(|line| line.contains("docker0"))
        .collect();
    let name = |net: &IpNet| {
        rules
            .iter()
            .any(|rule| words(rule).any(|word| word == net.to_string()))
    };
    let found = match (name(new), old.filter(|old| name(old))) {
        (true, None) => format!("names {new}"),
        (true, Some(old)) => format!("names {new} and still {old}"),
        (false, Some(old)) => format!("names {old}"),
        (false, None) => "none".to_owned(),
    };
    Some(Check::equal(
        "Docker's NAT rule for docker0",
        format!("names {new}"),
        found,
    ))
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
        .filter(|rule| words(rule).any(|word| word == old.to_string()))
        .collect();
    let mut notes: Vec<Note> = rules
        .iter()
        .take(QUOTED)
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

fn words(rule: &str) -> impl Iterator<Item = &str> {
    rule.split([' ', '"', '{', '}', ','])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::rules_of_nft;

    #[test]
    fn a_rule_is_told_with_its_place() {
        let listed = "table ip filter {\n\tchain INPUT {\n\t\tip saddr 10.0.0.0/8 accept\n\t}\n}\n\
                      table ip docker-bridges {\n\tchain x {\n\t\tip saddr 10.0.0.0/8 accept\n\t}\n}\n\
                      table inet site {\n\tset office {\n\t\telements = { 172.17.0.0/16 }\n\t}\n\tchain in {\n\t\tdrop\n\t}\n}\n";
        let told = [
            "table inet site set office: elements = { 172.17.0.0/16 }",
            "table inet site chain in: drop",
        ];
        assert_eq!(rules_of_nft(listed, &["filter"]), told);
    }
}
