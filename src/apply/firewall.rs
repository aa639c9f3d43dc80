//! The packet filter after a move: Docker's own rule for docker0's network, and rules of others
//! that name the old range.

use super::check::Check;
use super::note::Note;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::firewall::iptables::saved_by_iptables;
use crate::observe::firewall::nft;
use ipnet::IpNet;
use serde_json::Value;
use std::time::Duration;

/// Thousands of rules are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// More rules than this are not quoted.
const QUOTED: usize = 3;

/// Whether Docker masquerades a network of docker0. Asked before the restart: where it does not, for
/// whatever reason, it need not afterwards.
pub fn is_masqueraded(host: &Host, network: &IpNet) -> bool {
    any_names(&rules_for_docker0(host), network)
}

/// Whether Docker masquerades docker0's new network, as it did the old one. None where the restart
/// has switched that off. That a rule for the old network is left harms nobody: a note says so.
pub fn masquerade(host: &Host, now: &Facts, new: &IpNet, old: Option<&IpNet>) -> Option<Check> {
    if is_off(now, "iptables") || is_off(now, "ip-masq") {
        return None;
    }
    let rules = rules_for_docker0(host);
    let mut networks = [Some(new), old].into_iter().flatten();
    let found = networks.find(|network| any_names(&rules, network));
    Some(Check::value(
        "Docker's NAT rule for docker0",
        Some(format!("names {new}")),
        found.map(|network| format!("names {network}")),
    ))
}

fn is_off(now: &Facts, name: &str) -> bool {
    let mut flags = now.docker.flag(name).iter();
    let by_flag = flags.any(|value| matches!(value.to_lowercase().as_str(), "false" | "f" | "0"));
    by_flag || now.docker.config.keys.get(name) == Some(&Value::Bool(false))
}

/// Docker's NAT rules for docker0, wherever they are: the host's iptables need not have the backend
/// of Docker's, and another start may use another one.
fn rules_for_docker0(host: &Host) -> Vec<String> {
    let table = ["nft", "list", "table", "ip", "docker-bridges"];
    let by_nftables = host.run(&table, DEADLINE).stdout;
    let saved = saved_by_iptables(host, &["-t", "nat"]).into_iter();
    let listed = saved.map(|(_, text)| text).chain([by_nftables]);
    let rules = listed.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    rules.filter(|rule| rule.contains("docker0")).collect()
}

fn any_names(rules: &[String], net: &IpNet) -> bool {
    rules.iter().any(|rule| names(rule, net))
}

fn names(rule: &str, net: &IpNet) -> bool {
    let net = net.to_string();
    rule.split([' ', '"', '{', '}', ','])
        .any(|word| word == net)
}

/// Rules that name a range Docker has left.
pub fn leftovers(host: &Host, network: &str, old: &IpNet) -> Vec<Note> {
    let saved = saved_by_iptables(host, &[]).into_iter();
    let saved: String = saved.map(|(_, text)| text).collect();
    let tables = saved.lines().filter_map(|line| line.strip_prefix('*'));
    let tables: Vec<String> = tables.map(str::to_owned).collect();
    let ruleset = nft::ruleset(host).unwrap_or_default();
    let of_nft = nft::rules(&ruleset, &tables).into_iter();
    let rules: Vec<String> = saved
        .lines()
        .filter(|line| line.starts_with("-A "))
        .map(str::to_owned)
        .chain(of_nft.map(|rule| format!("{}: {}", rule.place, rule.text)))
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
