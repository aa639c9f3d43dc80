//! The map of the fleet: for each part of private space the hosts that need something there, those
//! whose Docker is there, those whose pools could go there, and the ranges for all.

use super::result::Fleet;
use super::summary::Summary;
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, SHARED_BLOCKS};
use ipnet::Ipv4Net;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write;

/// A block is drawn in at most so many parts.
const PARTS: u32 = 256;

/// More networks of a part are left out.
const NETS: usize = 4;

#[derive(Debug, Serialize)]
pub struct Map {
    blocks: Vec<Block>,
    /// Sets of hosts, by place in the list of hosts: "0-7,9". The parts name them by number.
    sets: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Block {
    net: Ipv4Net,
    /// Prefix length of the parts.
    prefix: u8,
    /// How many parts there are; those with nothing on them are left out.
    count: u32,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    at: u32,
    need: Option<usize>,
    docker: Option<usize>,
    pool: Option<usize>,
    /// The ranges of the answer, by place.
    groups: Vec<usize>,
    /// What most hosts need there, with their number.
    nets: Vec<(Ipv4Net, usize)>,
}

pub fn map(fleet: &Fleet, hosts: &[Summary]) -> Map {
    let mut sets = Sets::default();
    let mut counts: HashMap<Ipv4Net, usize> = HashMap::new();
    for net in hosts.iter().flat_map(networks) {
        *counts.entry(net).or_default() += 1;
    }
    let shared = SHARED_BLOCKS.into_iter().take(1);
    let blocks = PRIVATE_BLOCKS.into_iter().chain(shared);
    let blocks = blocks.map(|block| draw(block, fleet, hosts, &counts, &mut sets));
    let blocks = blocks.collect();
    Map {
        blocks,
        sets: sets.texts,
    }
}

/// The networks a host needs, each once.
fn networks(host: &Summary) -> Vec<Ipv4Net> {
    let mut nets: Vec<Ipv4Net> = host.needed().map(|net| net.trunc()).collect();
    nets.sort();
    nets.dedup();
    nets
}

fn draw(
    block: Ipv4Net,
    fleet: &Fleet,
    hosts: &[Summary],
    counts: &HashMap<Ipv4Net, usize>,
    sets: &mut Sets,
) -> Block {
    let prefix = if block.prefix_len() < 12 {
        16
    } else {
        block.prefix_len() + 8
    };
    let count = (1u32 << (prefix - block.prefix_len())).min(PARTS);
    let ranges = |host: &Summary, held: bool| {
        let ranges = host
            .ranges
            .iter()
            .filter(|range| range.name.is_some() == held);
        RangeSet::new(ranges.map(|range| range.net))
    };
    let need = who(block, prefix, hosts, |host| RangeSet::new(host.needed()));
    let docker = who(block, prefix, hosts, |host| ranges(host, true));
    let pool = who(block, prefix, hosts, |host| ranges(host, false));
    let mut nets = most_needed(block, prefix, counts);
    let parts = (0..count).filter_map(|at| {
        let range = part(block, prefix, at)?;
        let of_groups = fleet.groups.iter().enumerate().filter(|(_, group)| {
            let mut pools = group.pools.iter();
            pools.any(|pool| pool.base.contains(&range) || range.contains(&pool.base))
        });
        let part = Part {
            at,
            need: sets.number(need.get(&at)),
            docker: sets.number(docker.get(&at)),
            pool: sets.number(pool.get(&at)),
            groups: of_groups.map(|(place, _)| place).collect(),
            nets: nets.remove(&at).unwrap_or_default(),
        };
        let empty = part.need.is_none() && part.docker.is_none() && part.pool.is_none();
        (!empty || !part.groups.is_empty()).then_some(part)
    });
    Block {
        net: block,
        prefix,
        count,
        parts: parts.collect(),
    }
}

fn part(block: Ipv4Net, prefix: u8, at: u32) -> Option<Ipv4Net> {
    let first = u32::from(block.network());
    let base = first.checked_add(at.checked_shl(32 - u32::from(prefix))?)?;
    Ipv4Net::new(base.into(), prefix).ok()
}

/// The hosts of each part, in order.
fn who(
    block: Ipv4Net,
    prefix: u8,
    hosts: &[Summary],
    what: impl Fn(&Summary) -> RangeSet,
) -> HashMap<u32, Vec<usize>> {
    let mut parts: HashMap<u32, Vec<usize>> = HashMap::new();
    let first = u64::from(u32::from(block.network())) >> (32 - u32::from(prefix));
    for (place, host) in hosts.iter().enumerate() {
        for (from, to) in what(host).blocked_runs(block, prefix) {
            for at in from..=to {
                let at = u32::try_from(at - first).unwrap_or(u32::MAX);
                parts.entry(at).or_default().push(place);
            }
        }
    }
    parts
}

/// The networks of each part that most hosts need.
fn most_needed(
    block: Ipv4Net,
    prefix: u8,
    counts: &HashMap<Ipv4Net, usize>,
) -> HashMap<u32, Vec<(Ipv4Net, usize)>> {
    let first = u64::from(u32::from(block.network())) >> (32 - u32::from(prefix));
    let mut nets: Vec<(Ipv4Net, usize)> =
        counts.iter().map(|(net, hosts)| (*net, *hosts)).collect();
    nets.sort_by_key(|(net, hosts)| (usize::MAX - hosts, *net));
    let mut parts: HashMap<u32, Vec<(Ipv4Net, usize)>> = HashMap::new();
    for (net, hosts) in nets {
        for (from, to) in RangeSet::new([net]).blocked_runs(block, prefix) {
            for at in from..=to {
                let at = u32::try_from(at - first).unwrap_or(u32::MAX);
                let part = parts.entry(at).or_default();
                if part.len() < NETS {
                    part.push((net, hosts));
                }
            }
        }
    }
    parts
}

/// Each set of hosts once: many parts have the same.
#[derive(Default)]
struct Sets {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Sets {
    fn number(&mut self, hosts: Option<&Vec<usize>>) -> Option<usize> {
        let text = runs(hosts?);
        if let Some(number) = self.numbers.get(&text) {
            return Some(*number);
        }
        let number = self.texts.len();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        Some(number)
    }
}

/// "0-7,9".
fn runs(places: &[usize]) -> String {
    let mut text = String::new();
    let mut rest = places.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if_eq(&(last + 1)) {
            last = next;
        }
        let comma = if text.is_empty() { "" } else { "," };
        let _ = match first == last {
            true => write!(text, "{comma}{first}"),
            false => write!(text, "{comma}{first}-{last}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn neighbours_are_one_run() {
        assert_eq!(runs(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(runs(&[]), "");
    }
}
