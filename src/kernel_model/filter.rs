//! What iptables does with a forwarded packet, as far as its rules can be judged without counters,
//! marks and sets. `tests/netns/relief.rs` holds it against the kernel.

use crate::facts::{FilterTable, ForwardFilter};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Chains that lead into each other deeper than this are not followed.
const DEEPEST: usize = 16;

/// The names of the sets that hold the networks of Docker's bridges (28 and later).
const SETS_OF_DOCKER: &str = "docker-ext-bridges-v4";

/// A TCP packet that this host forwards.
#[derive(Debug, Clone, Copy)]
pub struct Forwarded<'p> {
    pub comes_in: &'p str,
    pub goes_out: &'p str,
    pub from: Ipv4Addr,
    pub to: Ipv4Addr,
    /// Whether it answers one that was let through.
    pub is_an_answer: bool,
    /// Docker's network at the one end.
    pub network: Ipv4Net,
}

impl<'p> Forwarded<'p> {
    /// What the other end sends back.
    pub fn answer(self) -> Forwarded<'p> {
        Forwarded {
            comes_in: self.goes_out,
            goes_out: self.comes_in,
            from: self.to,
            to: self.from,
            is_an_answer: true,
            ..self
        }
    }
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Dropped(Drop),
    /// The chain ends, or returns.
    Undecided,
}

/// The rule or policy that drops a packet, and what listed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drop {
    pub tool: String,
    pub rule: String,
}

/// Whether a condition holds; a rule with one that cannot be judged is passed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Unknown,
}

/// What certainly drops this packet. Every backend's tables are asked, as the kernel asks them all.
pub fn dropped(filter: &ForwardFilter, packet: &Forwarded) -> Option<Drop> {
    let mut tables = filter.tables.iter();
    tables.find_map(|table| match chain(table, "FORWARD", packet, 0) {
        Verdict::Dropped(drop) => Some(drop),
        Verdict::Accepted | Verdict::Undecided => None,
    })
}

/// The networks that rules of any chain name, widest first.
pub fn networks_in_rules(filter: &ForwardFilter) -> Vec<Ipv4Net> {
    let chains = filter.tables.iter().flat_map(|table| table.chains.values());
    let rules = chains.flat_map(|chain| &chain.rules);
    let words = rules.flat_map(|rule| rule.split_whitespace());
    let mut nets: Vec<Ipv4Net> = words.filter_map(|word| word.parse().ok()).collect();
    nets.sort_by_key(|net| (net.prefix_len(), *net));
    nets.dedup();
    nets
}

fn chain(table: &FilterTable, name: &str, packet: &Forwarded, depth: usize) -> Verdict {
    let Some(chain_of_name) = table.chains.get(name).filter(|_| depth < DEEPEST) else {
        return Verdict::Undecided;
    };
    for rule in &chain_of_name.rules {
        let words = words(rule);
        let holds = conditions(&words, packet);
        if holds == Holds::No {
            continue;
        }
        // What may let the packet through keeps later rules from dropping it for certain.
        match target(table, &words, rule, packet, depth) {
            Verdict::Accepted => return Verdict::Accepted,
            Verdict::Dropped(drop) if holds == Holds::Yes => return Verdict::Dropped(drop),
            Verdict::Dropped(_) => {}
            Verdict::Undecided => {
                let is_left = option(&words, "-j") == Some("RETURN");
                if is_left || option(&words, "-g").is_some() {
                    break;
                }
            }
        }
    }
    match chain_of_name.drops {
        true => Verdict::Dropped(Drop {
            tool: table.tool.clone(),
            rule: format!("-P {name} DROP"),
        }),
        false => Verdict::Undecided,
    }
}

fn target(
    table: &FilterTable,
    words: &[String],
    rule: &str,
    packet: &Forwarded,
    depth: usize,
) -> Verdict {
    let Some(target) = option(words, "-j").or_else(|| option(words, "-g")) else {
        return Verdict::Undecided;
    };
    match target {
        // A program decides that takes packets in.
        "ACCEPT" | "QUEUE" | "NFQUEUE" => Verdict::Accepted,
        "DROP" | "REJECT" => Verdict::Dropped(Drop {
            tool: table.tool.clone(),
            rule: rule.to_owned(),
        }),
        name => chain(table, name, packet, depth + 1),
    }
}

/// All conditions of a rule, each an option, its value, and perhaps a `!` before it.
fn conditions(words: &[String], packet: &Forwarded) -> Holds {
    let mut all = Holds::Yes;
    let mut rest = words.iter().map(String::as_str);
    let mut is_inverted = false;
    while let Some(word) = rest.next() {
        let holds = match word {
            "!" => {
                is_inverted = true;
                continue;
            }
            // What follows is no condition.
            "-A" | "-m" | "--comment" | "--reject-with" => {
                rest.next();
                continue;
            }
            "-j" | "-g" => break,
            option => condition(option, &mut rest, packet),
        };
        let holds = match (holds, is_inverted) {
            (Holds::Yes, true) => Holds::No,
            (Holds::No, true) => Holds::Yes,
            (holds, _) => holds,
        };
        is_inverted = false;
        match holds {
            Holds::No => return Holds::No,
            Holds::Unknown => all = Holds::Unknown,
            Holds::Yes => {}
        }
    }
    all
}

fn condition<'w>(
    option: &str,
    rest: &mut impl Iterator<Item = &'w str>,
    packet: &Forwarded,
) -> Holds {
    let holds = |yes: bool| if yes { Holds::Yes } else { Holds::No };
    let value = rest.next().unwrap_or_default();
    match option {
        "-i" => holds(is_named(value, packet.comes_in)),
        "-o" => holds(is_named(value, packet.goes_out)),
        "-s" => lies_in(packet.from, value),
        "-d" => lies_in(packet.to, value),
        "-p" => holds(matches!(value, "tcp" | "all")),
        "--ctstate" | "--state" => {
            let state = if packet.is_an_answer {
                "ESTABLISHED"
            } else {
                "NEW"
            };
            holds(value.split(',').any(|one| one == state))
        }
        "--match-set" if value == SETS_OF_DOCKER => match rest.next() {
            Some("dst") => holds(packet.network.contains(&packet.to)),
            Some("src") => holds(packet.network.contains(&packet.from)),
            _ => Holds::Unknown,
        },
        _ => Holds::Unknown,
    }
}

/// A name that ends in + stands for all that begin so.
fn is_named(value: &str, name: &str) -> bool {
    match value.strip_suffix('+') {
        Some(beginning) => name.starts_with(beginning),
        None => name == value,
    }
}

fn lies_in(address: Ipv4Addr, value: &str) -> Holds {
    let net = value.parse::<Ipv4Net>();
    match net.or_else(|_| value.parse::<Ipv4Addr>().map(Ipv4Net::from)) {
        Ok(net) if net.contains(&address) => Holds::Yes,
        Ok(_) => Holds::No,
        Err(_) => Holds::Unknown,
    }
}

fn option<'w>(words: &'w [String], name: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word == name)?;
    words.get(at + 1).map(String::as_str)
}

/// The words of a rule; a comment in quotes is one.
fn words(rule: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut in_quotes = false;
    let mut word = String::new();
    let mut escaped = false;
    for letter in rule.chars() {
        match letter {
            _ if escaped => {
                word.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            ' ' if !in_quotes => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::FilterChain;

    /// As Docker 20.10 to 27 have it, with rules of the operator's.
    fn filter(of_the_operator: &[&str], policy_drops: bool) -> ForwardFilter {
        let chain = |rules: &[&str]| FilterChain {
            drops: false,
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        };
        let mut forward = chain(&[
            "-A FORWARD -j DOCKER-USER",
            "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
            "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A FORWARD -o docker0 -j DOCKER",
            "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT",
        ]);
        forward.drops = policy_drops;
        let chains = [
            ("FORWARD", forward),
            ("DOCKER-USER", chain(of_the_operator)),
            (
                "DOCKER-ISOLATION-STAGE-1",
                chain(&[
                    "-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2",
                ]),
            ),
            (
                "DOCKER-ISOLATION-STAGE-2",
                chain(&["-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP"]),
            ),
        ];
        let chains = chains.map(|(name, chain)| (name.to_owned(), chain));
        ForwardFilter {
            tables: vec![FilterTable {
                tool: "iptables".to_owned(),
                chains: chains.into_iter().collect(),
            }],
            chains_of_nft: Vec::new(),
        }
    }

    /// From a container to a server behind the bridge.
    fn packet() -> Forwarded<'static> {
        Forwarded {
            comes_in: "docker0",
            goes_out: "eth0",
            from: "172.17.0.2".parse().unwrap(),
            to: "172.17.50.10".parse().unwrap(),
            is_an_answer: false,
            network: "172.17.0.0/16".parse().unwrap(),
        }
    }

    fn rule_that_drops(of_the_operator: &[&str]) -> Option<String> {
        let (filter, packet) = (filter(of_the_operator, true), packet());
        let drop = dropped(&filter, &packet).or_else(|| dropped(&filter, &packet.answer()));
        drop.map(|drop| drop.rule)
    }

    #[test]
    fn dockers_own_rules_let_containers_out() {
        assert_eq!(rule_that_drops(&["-A DOCKER-USER -j RETURN"]), None);
    }

    #[test]
    fn what_drops_containers_is_found_and_what_may_not_is_not() {
        for drops in [
            "-A DOCKER-USER -i docker0 -d 172.17.50.0/24 -j DROP",
            "-A DOCKER-USER -i docker0 -o eth0 -m comment --comment \"no -j ACCEPT way\" -j REJECT --reject-with icmp-port-unreachable",
            "-A DOCKER-USER ! -o docker0 -j DROP",
            "-A DOCKER-USER -i eth+ -m conntrack --ctstate ESTABLISHED -j DROP",
        ] {
            assert_eq!(rule_that_drops(&[drops]).as_deref(), Some(drops));
        }
        for other in [
            "-A DOCKER-USER -i eth0 -m conntrack --ctstate NEW -j DROP",
            "-A DOCKER-USER -p tcp -m tcp --dport 25 -j DROP",
            "-A DOCKER-USER -p udp -j DROP",
            "-A DOCKER-USER -d 172.17.51.0/24 -j DROP",
            "-A DOCKER-USER -m set --match-set office dst -j DROP",
        ] {
            assert_eq!(rule_that_drops(&[other]), None, "{other}");
        }
        let accepted = [
            "-A DOCKER-USER -i docker0 -j ACCEPT",
            "-A DOCKER-USER -i docker0 -j DROP",
        ];
        assert_eq!(rule_that_drops(&accepted), None);
    }

    #[test]
    fn without_a_rule_that_accepts_the_policy_drops() {
        let mut filter = filter(&[], true);
        filter.tables[0]
            .chains
            .get_mut("FORWARD")
            .unwrap()
            .rules
            .pop();
        let drop = dropped(&filter, &packet()).unwrap();
        assert_eq!(drop.rule, "-P FORWARD DROP");
    }
}
