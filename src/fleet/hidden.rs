//! What the Docker of one host hides of the others. No host can see that by itself: it needs the
//! addresses of all.

use super::summary::{Range, State, Summary};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// More hosts of a range are only counted.
const NAMED: usize = 5;

/// Addresses of other hosts in a Docker range of this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HiddenHosts {
    /// The range: of a Docker network, or a pool.
    pub range: Ipv4Net,
    /// The network that holds it and hides them now; null for a pool, which may hide them later.
    pub network: Option<String>,
    /// How many addresses there are.
    pub addresses: usize,
    /// The first hosts, each with its address.
    pub first: Vec<String>,
}

/// The addresses of the whole fleet, in order, each with its host.
#[derive(Debug)]
pub struct Addresses {
    sorted: Vec<(Ipv4Addr, usize)>,
}

/// What one host hides.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    ranges: Vec<HiddenIn>,
}

#[derive(Debug, Clone)]
struct HiddenIn {
    range: Ipv4Net,
    /// The network that holds it; none for a pool.
    name: Option<String>,
    /// The first hosts, each with the address.
    first: Vec<(usize, Ipv4Addr)>,
    /// How many there are.
    hosts: usize,
}

impl Addresses {
    pub fn of(hosts: &[Summary]) -> Addresses {
        let all = hosts.iter().enumerate().flat_map(|(at, host)| {
            let addresses = host.addresses.iter();
            addresses.map(move |address| (address.addr(), at))
        });
        let mut sorted: Vec<(Ipv4Addr, usize)> = all.collect();
        sorted.sort_unstable();
        sorted.dedup();
        Addresses { sorted }
    }

    /// Of all Docker ranges of a host. An address that the host has itself is not another's to it.
    pub fn hidden_by(&self, at: usize, host: &Summary) -> Hidden {
        let own: BTreeSet<Ipv4Addr> = host.addresses.iter().map(|net| net.addr()).collect();
        let ranges = host.ranges.iter();
        let ranges = ranges.filter_map(|range| self.hidden_in(range, at, &own));
        Hidden {
            ranges: ranges.collect(),
        }
    }

    fn hidden_in(&self, range: &Range, at: usize, own: &BTreeSet<Ipv4Addr>) -> Option<HiddenIn> {
        let (mut first, mut hosts) = (Vec::new(), 0);
        for piece in &range.open {
            let inside = self.inside(*piece);
            let ours = own
                .range(piece.network()..=piece.broadcast())
                .next()
                .is_some();
            let others = inside
                .iter()
                .filter(|(address, host)| *host != at && !(ours && own.contains(address)));
            match ours {
                true => hosts += others.clone().count(),
                false => hosts += inside.len(),
            }
            let room = NAMED.saturating_sub(first.len());
            first.extend(others.take(room).map(|(address, host)| (*host, *address)));
        }
        (hosts > 0).then(|| HiddenIn {
            range: range.net,
            name: range.name.clone(),
            first,
            hosts,
        })
    }

    fn inside(&self, net: Ipv4Net) -> &[(Ipv4Addr, usize)] {
        let all = &self.sorted;
        let from = all.partition_point(|(address, _)| *address < net.network());
        let to = all.partition_point(|(address, _)| *address <= net.broadcast());
        all.get(from..to).unwrap_or_default()
    }
}

impl Hidden {
    pub fn is_something(&self) -> bool {
        !self.ranges.is_empty()
    }

    pub fn state(&self) -> State {
        let states = self.ranges.iter().map(|one| match one.name {
            Some(_) => State::Present,
            None => State::Latent,
        });
        states.max().unwrap_or_default()
    }

    /// With the hosts by name.
    pub fn in_words(&self, hosts: &[Summary]) -> Vec<HiddenHosts> {
        let name = |(at, address): &(usize, Ipv4Addr)| {
            let host = hosts.get(*at)?;
            Some(format!("{} ({address})", host.name))
        };
        let ranges = self.ranges.iter();
        ranges
            .map(|one| HiddenHosts {
                range: one.range,
                network: one.name.clone(),
                addresses: one.hosts,
                first: one.first.iter().filter_map(name).collect(),
            })
            .collect()
    }
}
