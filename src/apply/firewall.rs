//! The packet filter after a move: Docker's own rule for docker0's network, and rules of others that name the old range.

use super::verify::Check;
use crate::host::Host;
use crate::observe::facts::Facts;
use ipnet::IpNet;
use serde_json::Value;
use std::time::Duration;

/// Thousands of rules are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// More rules than this are not quoted.
const QUOTED: usize = 3;

/// Whether containers on docker0 are masqueraded by their new network and no more by the old one. None where Docker
/// does not masquerade, or where its rules cannot be listed.
pub fn masquerade(host: &Host, now: &Facts, new: &IpNet, old: Option<&IpNet>) -> Option<Check> {
    let off = |key: &str| now.docker.config.keys.get(key) == Some(&Value::Bool(false));
    if host.is_image() || off("iptables") || off("ip-masq") {
        return None;
    }
    let nftables = now.docker.config.keys.get("firewall-backend").and_then(Value::as_str) == Some("nftables");
    let listed = if nftables {
        host.run(&["nft", "list", "table", "ip", "docker-bridges"], DEADLINE)
    } else {
        host.run(&["iptables", "--wait", "5", "-t", "nat", "-S", "POSTROUTING"], DEADLINE)
    };
    if !listed.ok() {
        return None;
    }
    let rules: Vec<&str> = listed.stdout.lines().filter(|line| line.contains("docker0")).collect();
    let name = |net: &IpNet| rules.iter().any(|rule| words(rule).any(|word| word == net.to_string()));
    let found = match (name(new), old.filter(|old| name(old))) {
        (true, None) => format!("names {new}"),
        (true, Some(old)) => format!("names {new} and still {old}"),
        (false, Some(old)) => format!("names {old}"),
        (false, None) => "none".to_owned(),
    };
    Some(Check::equal("Docker's NAT rule for docker0", format!("names {new}"), found))
}

/// Rules that name a range Docker has left: nobody but the operator knows what they were for.
pub fn leftovers(host: &Host, network: &str, old: &IpNet) -> Vec<String> {
    let saved = host.run(&["iptables-save"], DEADLINE);
    let text = old.to_string();
    let rules = saved.stdout.lines().filter(|line| line.starts_with("-A ") && words(line).any(|word| word == text));
    let rules: Vec<&str> = rules.collect();
    let mut sentences: Vec<String> = rules
        .iter()
        .take(QUOTED)
        .map(|rule| {
            format!(
                "a firewall rule names {old}, the old range of {network}; see whether it was meant for Docker: {rule}"
            )
        })
        .collect();
    if rules.len() > QUOTED {
        sentences.push(format!("and {} firewall rules more name {old}", rules.len() - QUOTED));
    }
    sentences
}

fn words(rule: &str) -> impl Iterator<Item = &str> {
    rule.split([' ', '"', '{', '}', ','])
}
