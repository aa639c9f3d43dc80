//! The networks that a rule of a packet filter names.

use crate::subnet::overlap;
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The IPv4 networks of a word: a network, an address, with a port or not, or a range.
pub fn nets_of(word: &str) -> Vec<IpNet> {
    let word = word.trim_matches('"');
    let nets = match word.split_once('-') {
        Some((first, last)) => range(first, last),
        None => {
            let address = word.split(':').next().unwrap_or_default();
            let net = address.parse::<Ipv4Net>().ok();
            let single = || address.parse::<IpAddr>().ok().map(IpNet::from);
            net.map(IpNet::V4).or_else(single).into_iter().collect()
        }
    };
    let loopback = IpNet::V4(Ipv4Net::new_assert(
        std::net::Ipv4Addr::new(127, 0, 0, 0),
        8,
    ));
    let concerns = |net: &IpNet| net.prefix_len() > 0 && !overlap(net, &loopback);
    nets.into_iter()
        .filter(|net| matches!(net, IpNet::V4(_)) && concerns(net))
        .map(|net| net.trunc())
        .collect()
}

fn range(first: &str, last: &str) -> Vec<IpNet> {
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => ipnet::Ipv4Subnets::new(first, last, 0)
            .map(IpNet::V4)
            .collect(),
        _ => Vec::new(),
    }
}

/// Those of a whole line, each once, in order.
pub fn nets_of_line(line: &str) -> BTreeSet<IpNet> {
    let words = line.split(|letter: char| letter.is_whitespace() || "{},=<>'\"".contains(letter));
    words.flat_map(nets_of).collect()
}

/// Each rule with the networks of its conditions, for tests.
#[cfg(test)]
pub fn shown(rules: &[crate::facts::FirewallRule]) -> Vec<String> {
    let group = |group: &crate::facts::NetGroup| {
        let nets: Vec<String> = group.nets.iter().map(ToString::to_string).collect();
        format!(
            "{}{}",
            if group.inverted { "!" } else { "" },
            nets.join("|")
        )
    };
    rules
        .iter()
        .map(|rule| {
            let groups: Vec<String> = rule.groups.iter().map(group).collect();
            format!("{}: {}", rule.place, groups.join(" "))
        })
        .collect()
}
