//! The rules of both iptables backends.

use super::nets::nets_of;
use crate::facts::{FirewallRule, NetGroup};
use crate::host::Host;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Thousands of rules are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// Docker's bridges, to know Docker's own rules by.
pub type Bridges = BTreeSet<String>;

/// The rules of both backends, and the tables that the one on nftables has.
pub fn read(host: &Host, bridges: &Bridges) -> (Vec<String>, Vec<FirewallRule>) {
    let saved = saved_by_iptables(host, &[]);
    let of_nft = saved.first().map_or("", |(_, text)| text.as_str());
    let tables = of_nft.lines().filter_map(|line| line.strip_prefix('*'));
    let tables = tables.map(str::to_owned).collect();
    let rules = saved.iter();
    let rules = rules.flat_map(|(tool, text)| rules_of_iptables(text, tool, bridges));
    (tables, rules.collect())
}

/// What each backend of iptables that is in use lists, under its name; first the one on nftables,
/// or the only one.
pub fn saved_by_iptables(host: &Host, options: &[&str]) -> Vec<(&'static str, String)> {
    let listed_by = |tool: &'static str| host.run(&[&[tool], options].concat(), DEADLINE);
    let of_nft = listed_by("iptables-nft-save");
    if !of_nft.ok() {
        return vec![("iptables", listed_by("iptables-save").stdout)];
    }
    let mut saved = vec![("iptables", of_nft.stdout)];
    // Without this file no table of the old backend was ever used, and asking would load it.
    let used = host.read(Path::new("/proc/net/ip_tables_names"));
    if used.ok().flatten().is_some_and(|names| !names.is_empty()) {
        saved.push(("iptables-legacy", listed_by("iptables-legacy-save").stdout));
    }
    saved
}

fn rules_of_iptables(saved: &str, tool: &str, bridges: &Bridges) -> Vec<FirewallRule> {
    let mut table = "";
    let mut rules = Vec::new();
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["-A", chain, ..] = words.as_slice() else {
            continue;
        };
        let groups = groups_of_iptables(&words, bridges);
        if !groups.is_empty() && !is_dockers(chain, &words, bridges) {
            rules.push(FirewallRule {
                tool: tool.to_owned(),
                place: format!("table {table}"),
                text: line.to_owned(),
                groups,
                written: None,
            });
        }
    }
    rules
}

/// What a rule asks of addresses, an option and its value each. What comes in by another interface
/// than a bridge of Docker's comes from no container, and what leaves by one goes to none.
fn groups_of_iptables(words: &[&str], bridges: &Bridges) -> Vec<NetGroup> {
    const OPTIONS: [&str; 7] = [
        "-s",
        "-d",
        "--src-range",
        "--dst-range",
        "--ctorigsrc",
        "--ctorigdst",
        "--to-destination",
    ];
    let elsewhere = |option: &str| {
        let at = words.iter().position(|word| *word == option);
        let value = at.and_then(|at| words.get(at + 1));
        let inverted = at.and_then(|at| words.get(at.checked_sub(1)?)) == Some(&"!");
        // A name that ends in + stands for many.
        !inverted && value.is_some_and(|name| !name.ends_with('+') && !bridges.contains(*name))
    };
    let (from_elsewhere, to_elsewhere) = (elsewhere("-i"), elsewhere("-o"));
    let pairs = words.iter().zip(words.iter().skip(1)).enumerate();
    pairs
        .filter(|(_, (option, _))| match **option {
            "-s" | "--src-range" if from_elsewhere => false,
            "-d" | "--dst-range" if to_elsewhere => false,
            option => OPTIONS.contains(&option),
        })
        .filter_map(|(at, (_, value))| {
            let before = at.checked_sub(1).and_then(|at| words.get(at));
            let nets = nets_of(value);
            (!nets.is_empty()).then_some(NetGroup {
                inverted: before == Some(&"!"),
                nets,
            })
        })
        .collect()
}

/// Whether Docker put a rule there: into a chain of its own, or one of the shapes it puts into
/// others.
fn is_dockers(chain: &str, words: &[&str], bridges: &Bridges) -> bool {
    if chain.starts_with("DOCKER") {
        return chain != "DOCKER-USER";
    }
    let value = |option: &str| {
        let at = words.iter().position(|word| *word == option)?;
        words.get(at + 1).copied()
    };
    let of_a_bridge = |option| value(option).is_some_and(|name| bridges.contains(name));
    let target = value("-j");
    let hides = matches!(target, Some("MASQUERADE" | "SNAT"));
    match chain {
        // A network's way out, and a container that calls its own published port.
        "POSTROUTING" if hides => {
            of_a_bridge("-o") && words.contains(&"!")
                || value("-s").is_some() && value("-s") == value("-d")
        }
        // From 28 on nobody reaches a container from elsewhere than its bridge.
        "PREROUTING" if target == Some("DROP") => of_a_bridge("-i") && words.contains(&"!"),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::firewall::nets::shown;

    #[test]
    fn dockers_own_rules_are_told_from_the_operators() {
        // As Docker 28 has them, and what people add.
        let saved = "*raw
-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
-A PREROUTING -d 172.17.0.0/16 -i eth1 -j DROP
*nat
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A POSTROUTING -s 172.17.0.0/16 -o eth0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A PREROUTING -p tcp --dport 99 -j DNAT --to-destination 172.17.0.9:80
*filter
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -s 172.16.0.0/12 -j RETURN
-A INPUT -s 127.0.0.0/8 -j ACCEPT
-A INPUT -i eth0 -j ACCEPT
-A INPUT -i eth0 -s 172.16.0.0/12 -j DROP
-A FORWARD -o eth0 -d 172.16.0.0/12 -j DROP
-A FORWARD -i br-+ -s 172.16.0.0/12 -j DROP
-A INPUT ! -s 172.17.0.0/16 -p tcp -j DROP
-A INPUT -m iprange --src-range 172.17.0.0-172.17.0.9 -j ACCEPT
";
        let bridges = ["docker0", "br-0123456789ab"].map(str::to_owned);
        let rules = rules_of_iptables(saved, "iptables", &bridges.into_iter().collect());
        assert_eq!(
            shown(&rules),
            [
                "table raw: 172.17.0.0/16",
                "table nat: 172.17.0.0/16",
                "table nat: 172.17.0.9/32",
                "table filter: 172.16.0.0/12",
                "table filter: 172.16.0.0/12",
                "table filter: !172.17.0.0/16",
                "table filter: 172.17.0.0/29|172.17.0.8/31",
            ]
        );
    }
}
