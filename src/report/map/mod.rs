//! The map of the private address space: who uses what, where it clashes, and how it would be after
//! `apply`. Here is what the text and the picture share.

mod bars;
mod labels;
pub mod svg;

use crate::assess::address_map::{DockerRange, NeededNetwork, When};
use crate::facts::Source;
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, short, v4};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

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
/// declaration.
pub fn kind(source: Source) -> &'static str {
    match source {
        Source::OnLink
        | Source::Nameserver
        | Source::Neighbour
        | Source::Connection
        | Source::Ssh => "host",
        Source::Route => "route",
        Source::Declared => "declared",
    }
}

/// The addresses of a network that lie in a block, counted from the block's first.
pub fn within(block: Ipv4Net, net: &IpNet) -> Option<(u64, u64)> {
    let net = v4(net)?;
    let number = |address: std::net::Ipv4Addr| u64::from(u32::from(address));
    let (first, last) = (number(block.network()), number(block.broadcast()));
    let (from, to) = (
        number(net.network()).max(first),
        number(net.broadcast()).min(last),
    );
    (from <= to).then(|| (from - first, to - first))
}

/// How many addresses a block has.
pub fn width(block: Ipv4Net) -> u64 {
    1u64 << (32 - u32::from(block.prefix_len()))
}

impl Map {
    /// One sentence: what clashes first.
    pub fn verdict(&self) -> String {
        let clash = |when: When| {
            self.docker
                .iter()
                .find(|take| take.when == when && !take.clashes.is_empty())
        };
        let over = |take: &DockerRange| {
            let nets: Vec<String> = take.clashes.iter().take(3).map(short).collect();
            let more = if take.clashes.len() > nets.len() {
                " and more"
            } else {
                ""
            };
            format!("{}{more}, which this host needs", nets.join(", "))
        };
        if let Some(take) = clash(When::Now) {
            let name = take.name.as_deref().unwrap_or("Docker");
            return format!("{name} holds {}, over {}", take.net, over(take));
        }
        match clash(When::Later) {
            Some(take) => format!(
                "Docker's address pool {} lies over {}",
                take.net,
                over(take)
            ),
            None => "Docker is clear of everything this host is known to need".to_owned(),
        }
    }

    /// The verdict in a word.
    pub fn word(&self) -> &'static str {
        let clashes = |take: &&DockerRange| !take.clashes.is_empty();
        match self
            .docker
            .iter()
            .filter(clashes)
            .map(|take| take.when)
            .min()
        {
            Some(When::Now) => "clashing",
            Some(When::Next | When::Later) => "could clash",
            None => "clean",
        }
    }

    /// Whether anything clashes, now or later.
    pub fn clashes(&self) -> bool {
        self.docker.iter().any(|take| !take.clashes.is_empty())
    }

    /// What lies in no block that is drawn: the host's public networks, IPv6.
    pub fn elsewhere(&self, net: &IpNet) -> bool {
        !blocks().any(|block| within(block, net).is_some())
    }
}

/// Pools that follow each other without a gap are one range to a person: its first and its last
/// address, and whether something needed lies in it.
pub fn pool_ranges(takes: &[DockerRange], block: Ipv4Net) -> Vec<(u64, u64, Vec<IpNet>)> {
    let mut ranges: Vec<(u64, u64, Vec<IpNet>)> = Vec::new();
    let pools = takes.iter().filter(|take| take.when == When::Later);
    let mut pools: Vec<(u64, u64, &DockerRange)> = pools
        .filter_map(|take| within(block, &take.net).map(|(from, to)| (from, to, take)))
        .collect();
    pools.sort_by_key(|(from, to, _)| (*from, *to));
    for (from, to, take) in pools {
        let clashes = take.clashes.as_slice();
        match ranges.last_mut() {
            Some((_, end, over)) if from <= *end + 1 => {
                *end = to.max(*end);
                over.extend(
                    clashes
                        .iter()
                        .copied()
                        .filter(|net| within(block, net).is_some()),
                );
                over.dedup();
            }
            Some(_) | None => ranges.push((from, to, clashes.to_vec())),
        }
    }
    ranges
}

/// "172.17.0.0/16", or "172.17.0.0-172.31.255.255" where it is no network.
pub fn range_in_words(block: Ipv4Net, from: u64, to: u64) -> String {
    let address = |offset: u64| {
        let first = u64::from(u32::from(block.network()));
        std::net::Ipv4Addr::from(u32::try_from(first + offset).unwrap_or(u32::MAX))
    };
    let size = to - from + 1;
    if size.is_power_of_two() && from.is_multiple_of(size) {
        return format!("{}/{}", address(from), 32 - size.trailing_zeros());
    }
    format!("{}-{}", address(from), address(to))
}
