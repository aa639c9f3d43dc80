//! The sets of ipset.

use super::nets::nets_of;
use crate::facts::{FirewallRule, NetGroup};
use crate::host::Host;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::time::Duration;

/// Thousands of entries are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// ipset speaks to the kernel alone and needs no daemon; many hosts do not have it.
pub fn read(host: &Host) -> Vec<FirewallRule> {
    sets(&host.run(&["ipset", "save"], DEADLINE).stdout)
}

/// Each set with its entries. Docker keeps the networks of its bridges in one.
fn sets(saved: &str) -> Vec<FirewallRule> {
    let mut sets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in saved.lines() {
        let mut words = line.split_whitespace();
        if let (Some("add"), Some(name), Some(entry)) = (words.next(), words.next(), words.next()) {
            sets.entry(name).or_default().push(entry);
        }
    }
    let theirs = sets
        .into_iter()
        .filter(|(name, _)| !name.starts_with("docker-"));
    theirs
        .filter_map(|(name, entries)| {
            let nets: Vec<IpNet> = entries
                .iter()
                .flat_map(|entry| entry.split(','))
                .flat_map(nets_of)
                .collect();
            (!nets.is_empty()).then(|| FirewallRule {
                tool: "ipset".to_owned(),
                place: format!("set {name}"),
                text: entries.join(" "),
                groups: vec![NetGroup {
                    inverted: false,
                    nets,
                }],
                written: None,
            })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::firewall::nets::shown;

    #[test]
    fn a_set_is_one_condition() {
        let saved = "create a hash:net\nadd a 172.17.0.0/16\nadd a 10.0.0.0/8 timeout 9\n\
                     create docker-ext-bridges-v4 hash:net\nadd docker-ext-bridges-v4 172.17.0.0/16\n";
        assert_eq!(shown(&sets(saved)), ["set a: 172.17.0.0/16|10.0.0.0/8"]);
    }
}
