//! The map of the private address space: who uses what, where it clashes, and how it would be after
//! `apply`. Here is what the text and the picture share.

mod bars;
mod labels;
pub mod svg;

use crate::assess::address_map::{DockerRange, NeededNetwork, When};
use crate::facts::Source;
use crate::phrases::first_few;
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, short, v4};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// So many networks of a clash are named, the others counted.
const NAMED: usize = 3;

/// The map, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Map {
    /// Version of this shape; 1.
    pub schema: u32,
    /// The engine that runs; null where it does not, or cannot be asked.
    pub engine: Option<String>,
    /// What this host needs, by address.
    pub needed: Vec<NeededNetwork>,
    /// What Docker holds and may take.
    pub docker: Vec<DockerRange>,
    /// The same after `apply`; null where apply would change nothing.
    pub after: Option<Vec<DockerRange>>,
    /// What else to know.
    pub warnings: Vec<String>,
}

/// The blocks that are drawn: RFC 1918, and carrier NAT, which VPNs use.
pub fn blocks() -> impl Iterator<Item = Ipv4Net> {
    PRIVATE_BLOCKS
        .into_iter()
        .chain(SHARED_BLOCKS.into_iter().take(1))
}

/// How a kind of evidence stands on the map: what the host itself sees or talks to, a route, a
/// declaration, what is not up yet.
pub fn kind(need: &NeededNetwork) -> &'static str {
    match need.source {
        _ if need.to_come => "to come",
        Source::OnLink
        | Source::Nameserver
        | Source::Neighbour
        | Source::Connection
        | Source::Ssh => "host",
        Source::Route => "route",
        Source::Configured => "server",
        Source::Declared => "declared",
    }
}

/// The addresses of a network that lie in a block, counted from the block's first.
pub fn within(block: Ipv4Net, net: &IpNet) -> Option<(u64, u64)> {
    let net = v4(net)?;
    let start = u32::from(block.network());
    let first = u32::from(net.network()).max(start);
    let last = u32::from(net.broadcast()).min(block.broadcast().into());
    (first <= last).then(|| (u64::from(first - start), u64::from(last - start)))
}

/// How many addresses a block has.
pub fn size(block: Ipv4Net) -> u64 {
    1u64 << (32 - u32::from(block.prefix_len()))
}

/// Whether a network lies in no block that is drawn: the host's public networks, IPv6.
pub fn elsewhere(net: &IpNet) -> bool {
    !blocks().any(|block| within(block, net).is_some())
}

/// "10.8.0.0/16, 172.17.50.10 and 2 more"
pub fn clashes_in_words(clashes: &[IpNet]) -> String {
    first_few(clashes, NAMED, short)
}

impl Map {
    /// One sentence: what clashes first.
    pub fn verdict(&self) -> String {
        let Some(range) = self.first_clash() else {
            return "Docker is clear of everything this host is known to need".to_owned();
        };
        let (net, needed) = (range.net, clashes_in_words(&range.clashes));
        match range.when {
            When::Now if !self.bites(range) => {
                let name = range.name.as_deref().unwrap_or("Docker");
                format!("{name} holds {net}, over {needed}, which is configured and not up")
            }
            When::Now => {
                let name = range.name.as_deref().unwrap_or("Docker");
                let relief = match range.relieved {
                    true => "; routes lead past it until the next boot",
                    false => "",
                };
                format!("{name} holds {net}, but this host needs {needed}{relief}")
            }
            When::Next => {
                format!("Docker's next network gets {net}, but this host needs {needed}")
            }
            When::Later => {
                format!("Docker's address pool {net} overlaps {needed}, which this host needs")
            }
        }
    }

    /// The verdict in a word.
    pub fn word(&self) -> &'static str {
        match self.first_clash() {
            Some(range) if self.bites(range) && range.relieved => "relieved, not cured",
            Some(range) if self.bites(range) => "clashing",
            Some(_) => "could clash",
            None => "clean",
        }
    }

    /// Whether a range clashes with something that is there now.
    fn bites(&self, range: &DockerRange) -> bool {
        let is_up = |net: &IpNet| {
            let mut needed = self.needed.iter();
            !needed.any(|need| need.net == *net && need.to_come)
        };
        range.when == When::Now && range.clashes.iter().any(is_up)
    }

    pub fn clashes(&self) -> bool {
        self.first_clash().is_some()
    }

    fn first_clash(&self) -> Option<&DockerRange> {
        // A pool says more than the next network, which comes from it.
        [When::Now, When::Later, When::Next]
            .iter()
            .find_map(|when| {
                let of_then = self.docker.iter().filter(|range| range.when == *when);
                let clashing = of_then.filter(|range| !range.clashes.is_empty());
                // What bites comes before what is not up, and before what is relieved.
                clashing.min_by_key(|range| (!self.bites(range), range.relieved))
            })
    }
}

/// Pools that follow each other without a gap: to a person they are one range.
pub struct PoolRange {
    /// Counted from the block's first address, like the last.
    pub first: u64,
    pub last: u64,
    pub clashes: Vec<IpNet>,
}

impl PoolRange {
    /// "172.17.0.0/16", or "172.17.0.0-172.31.255.255" where it is no network.
    pub fn in_words(&self, block: Ipv4Net) -> String {
        let size = self.last - self.first + 1;
        let first = address(block, self.first);
        if size.is_power_of_two() && self.first.is_multiple_of(size) {
            return format!("{first}/{}", 32 - size.trailing_zeros());
        }
        format!("{first}-{}", address(block, self.last))
    }
}

fn address(block: Ipv4Net, offset: u64) -> Ipv4Addr {
    let first = u64::from(u32::from(block.network()));
    Ipv4Addr::from(u32::try_from(first + offset).unwrap_or(u32::MAX))
}

/// The pools of a block, by address.
pub fn pool_ranges(docker: &[DockerRange], block: Ipv4Net) -> Vec<PoolRange> {
    let mut pools: Vec<(u64, u64, &DockerRange)> = docker
        .iter()
        .filter(|range| range.when == When::Later)
        .filter_map(|pool| within(block, &pool.net).map(|(first, last)| (first, last, pool)))
        .collect();
    pools.sort_by_key(|(first, last, _)| (*first, *last));
    let mut ranges: Vec<PoolRange> = Vec::new();
    for (first, last, pool) in pools {
        let clashes = pool.clashes.iter().copied();
        let clashes = clashes.filter(|net| within(block, net).is_some());
        match ranges.last_mut() {
            Some(range) if first <= range.last + 1 => {
                range.last = last.max(range.last);
                range.clashes.extend(clashes);
            }
            Some(_) | None => ranges.push(PoolRange {
                first,
                last,
                clashes: clashes.collect(),
            }),
        }
    }
    for range in &mut ranges {
        range.clashes.sort();
        range.clashes.dedup();
    }
    ranges
}
