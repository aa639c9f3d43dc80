//! What keeps containers from getting past the bridge although the routes are there. This host gets
//! past all the same.

use super::RelievedRange;
use crate::facts::{Facts, ForwardFilter};
use crate::kernel_model::filter::{Drop, Forwarded, dropped, networks_in_rules};
use ipnet::Ipv4Net;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// More networks that rules name are not tried one by one.
const MOST_NAMED: usize = 64;

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

/// What is in the way, and whether anything gets through all the same.
pub(super) fn of(facts: &Facts, range: &RelievedRange) -> (BTreeSet<Obstacle>, bool) {
    let mut obstacles = forwarding_off(facts, range);
    let is_forwarded = obstacles.is_empty();
    let Some(filter) = &facts.forward_filter else {
        return (obstacles, is_forwarded);
    };
    let mut gets_through = false;
    for packet in packets(facts, filter, range) {
        let by = dropped(filter, &packet).or_else(|| dropped(filter, &packet.answer()));
        gets_through |= by.is_none();
        let bridge = range.bridge.clone();
        obstacles.extend(by.map(|by| Obstacle::Dropped { bridge, by }));
    }
    let chains = filter.chains_of_nft.iter().cloned();
    obstacles.extend(chains.map(|chain| Obstacle::NotJudged { chain }));
    (obstacles, is_forwarded && gets_through)
}

/// What a container sends by each route: to an address of its own, and to those that rules name.
fn packets<'p>(
    facts: &Facts,
    filter: &ForwardFilter,
    range: &'p RelievedRange,
) -> Vec<Forwarded<'p>> {
    let container = container_on(facts, range);
    let mut named = networks_in_rules(filter);
    named.truncate(MOST_NAMED);
    let mut packets = Vec::new();
    for route in &range.routes {
        let inside = named.iter().filter(|net| route.dst.contains(*net));
        let to = std::iter::once(&route.dst).chain(inside);
        let to: Vec<Ipv4Addr> = to.map(|net| last_host(*net)).collect();
        for hop in &route.hops {
            packets.extend(to.iter().map(|to| Forwarded {
                comes_in: &range.bridge,
                goes_out: &hop.dev,
                from: container,
                to: *to,
                is_an_answer: false,
                network: range.subnet,
            }));
        }
    }
    packets
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

/// A server's address rather than a broadcast address, where a network has both.
fn last_host(net: Ipv4Net) -> Ipv4Addr {
    let last = u32::from(net.broadcast());
    Ipv4Addr::from(last.saturating_sub(1).max(u32::from(net.network())))
}
