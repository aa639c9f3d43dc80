//! What keeps containers from getting past the bridge although the routes are there. This host gets
//! past all the same.

use super::RelievedRange;
use crate::facts::Facts;
use crate::kernel_model::filter::{Drop, Forwarded, dropped};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// In order of what a reader should hear first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Packets that come in here are not sent on.
    ForwardingOff { bridge: String, dev: String },
    /// A packet filter drops what containers on this bridge send, or the answers.
    Dropped { bridge: String, by: Drop },
    /// A packet filter that may drop it.
    NotJudged { chain: String },
}

impl Obstacle {
    pub fn is_certain(&self) -> bool {
        !matches!(self, Obstacle::NotJudged { .. })
    }
}

pub(super) fn of(facts: &Facts, range: &RelievedRange) -> BTreeSet<Obstacle> {
    let mut obstacles = forwarding_off(facts, range);
    let Some(filter) = &facts.forward_filter else {
        return obstacles;
    };
    let container = container_on(facts, range);
    for route in &range.routes {
        for hop in &route.hops {
            let there = Forwarded {
                comes_in: &range.bridge,
                goes_out: &hop.dev,
                from: container,
                to: last_address(route.dst.broadcast()),
                is_an_answer: false,
                network: range.subnet,
            };
            let back = Forwarded {
                comes_in: &hop.dev,
                goes_out: &range.bridge,
                from: there.to,
                to: there.from,
                is_an_answer: true,
                ..there
            };
            let by = dropped(filter, &there).or_else(|| dropped(filter, &back));
            let bridge = range.bridge.clone();
            obstacles.extend(by.map(|by| Obstacle::Dropped { bridge, by }));
        }
    }
    let chains = filter.chains_of_nft.iter().cloned();
    obstacles.extend(chains.map(|chain| Obstacle::NotJudged { chain }));
    obstacles
}

/// The kernel asks where a packet comes in: containers' at the bridge, the answers at the other end.
fn forwarding_off(facts: &Facts, range: &RelievedRange) -> BTreeSet<Obstacle> {
    let hops = range.routes.iter().flat_map(|route| &route.hops);
    let mut devices: BTreeSet<&str> = hops.map(|hop| hop.dev.as_str()).collect();
    devices.insert(&range.bridge);
    let links = facts.kernel.links.iter();
    let off = links.filter(|link| link.no_forwarding && devices.contains(link.name.as_str()));
    let bridge = &range.bridge;
    off.map(|link| Obstacle::ForwardingOff {
        bridge: bridge.clone(),
        dev: link.name.clone(),
    })
    .collect()
}

/// A container's address on this bridge; without a container, the first that one would get.
fn container_on(facts: &Facts, range: &RelievedRange) -> Ipv4Addr {
    let engine = facts.docker.engine.iter();
    let containers = engine.flat_map(|engine| &engine.containers);
    let mut addresses = containers.flat_map(|container| &container.addresses);
    let here = addresses.find_map(|address| match address {
        IpAddr::V4(address) if range.subnet.contains(address) => Some(*address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    });
    here.unwrap_or_else(|| Ipv4Addr::from(u32::from(range.subnet.network()).saturating_add(2)))
}

/// A server's address rather than a broadcast address, where a route has both.
fn last_address(broadcast: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(broadcast).saturating_sub(1))
}
