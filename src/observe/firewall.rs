//! The rules of the firewall that name networks, without Docker's own: of both iptables backends,
//! of nftables, and the sets of ipset. firewalld and ufw keep theirs in one of these.
//!
//! This takes child processes; it is looked at only where Docker is about to move.

use crate::facts::{FirewallRule, NetGroup};
use crate::host::Host;
use crate::subnet::overlap;
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// Thousands of rules are listed in less.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Docker's bridges, to know Docker's own rules by.
pub type Bridges = BTreeSet<String>;

/// All of them that have to do with IPv4 networks other than loopback's.
pub fn read(host: &Host, bridges: &Bridges) -> Vec<FirewallRule> {
    let (tables, mut rules) = iptables(host, bridges);
    let listed = host.run(&["nft", "list", "ruleset"], DEADLINE).stdout;
    rules.extend(rules_of_nft(&listed, &tables));
    // ipset speaks to the kernel alone and needs no daemon; many hosts do not have it.
    rules.extend(sets(&host.run(&["ipset", "save"], DEADLINE).stdout));
    rules
}

/// The rules of both backends, and the tables that the one on nftables has.
fn iptables(host: &Host, bridges: &Bridges) -> (Vec<String>, Vec<FirewallRule>) {
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

/// The rules and sets of a ruleset; without Docker's own tables and without those that
/// `iptables-save` has listed already.
fn rules_of_nft(listed: &str, known: &[String]) -> Vec<FirewallRule> {
    let mut rules = Vec::new();
    let (mut table, mut part) = (String::new(), String::new());
    let mut skipped = false;
    for (depth, line) in joined(listed) {
        let words = line.trim_end_matches('{').trim();
        match depth {
            0 => {
                let name = words.rsplit(' ').next().unwrap_or_default();
                let by_iptables =
                    words.starts_with("table ip ") && known.iter().any(|one| one == name);
                skipped = by_iptables || name == "docker-bridges";
                table = words.to_owned();
            }
            1 => part = words.to_owned(),
            _ if skipped => {}
            _ => {
                let groups = groups_of_nft(words);
                if !groups.is_empty() {
                    rules.push(FirewallRule {
                        tool: "nft".to_owned(),
                        place: format!("{table} {part}"),
                        text: words.to_owned(),
                        groups,
                    });
                }
            }
        }
    }
    rules
}

/// The lines with their depth; the elements of a set on one line.
fn joined(listed: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for line in listed.lines() {
        let depth = line.len() - line.trim_start_matches('\t').len();
        let text = line.trim();
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(text);
            }
            _ if text.is_empty() || text == "}" => continue,
            _ => lines.push((depth, text.to_owned())),
        }
        let begins = text.starts_with("elements = {");
        open = (open || begins) && !text.ends_with('}');
    }
    lines
}

/// Each condition: an address or a set in braces.
fn groups_of_nft(line: &str) -> Vec<NetGroup> {
    let mut groups: Vec<NetGroup> = Vec::new();
    let (mut in_set, mut inverted) = (false, false);
    let spaced = line
        .replace('{', " { ")
        .replace('}', " } ")
        .replace(',', " ");
    for word in spaced.split_whitespace() {
        match word {
            "{" => {
                in_set = true;
                groups.push(NetGroup {
                    inverted,
                    nets: Vec::new(),
                });
            }
            "}" => (in_set, inverted) = (false, false),
            "!=" => inverted = true,
            word => {
                let nets = nets_of(word);
                if nets.is_empty() {
                    continue;
                }
                match groups.last_mut().filter(|_| in_set) {
                    Some(group) => group.nets.extend(nets),
                    None => groups.push(NetGroup { inverted, nets }),
                }
                inverted &= in_set;
            }
        }
    }
    groups.retain(|group| !group.nets.is_empty());
    groups
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
            })
        })
        .collect()
}

/// The IPv4 networks of a word: a network, an address, with a port or not, or a range.
fn nets_of(word: &str) -> Vec<IpNet> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn shown(rules: &[FirewallRule]) -> Vec<String> {
        let group = |group: &NetGroup| {
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

    #[test]
    fn sets_are_one_condition() {
        let listed = "table ip nat {\n\tchain X {\n\t\tip saddr 172.17.0.0/16 accept\n\t}\n}\n\
table ip docker-bridges {\n\tchain X {\n\t\tip saddr 172.17.0.0/16 accept\n\t}\n}\n\
table inet site {\n\tset office {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 172.16.0.0/12,\n\t\t\t     10.0.0.0/8 }\n\t}\n\n\
\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr != { 172.17.0.0/16, 10.1.0.1 } tcp dport 22 drop\n\
\t\tip saddr 172.17.0.0-172.17.0.3 ip daddr 10.0.0.1 accept\n\t\ttcp dport 80 accept\n\t}\n}\n";
        assert_eq!(
            shown(&rules_of_nft(listed, &["nat".to_owned()])),
            [
                "table inet site set office: 172.16.0.0/12|10.0.0.0/8",
                "table inet site chain in: !172.17.0.0/16|10.1.0.1/32",
                "table inet site chain in: 172.17.0.0/30 10.0.0.1/32",
            ]
        );
        let saved = "create a hash:net\nadd a 172.17.0.0/16\nadd a 10.0.0.0/8 timeout 9\n\
                     create docker-ext-bridges-v4 hash:net\nadd docker-ext-bridges-v4 172.17.0.0/16\n";
        assert_eq!(shown(&sets(saved)), ["set a: 172.17.0.0/16|10.0.0.0/8"]);
    }
}
