//! What a change takes away: the address of each bridge that moves, and its range.

use super::{Plan, docker0_range};
use crate::facts::Facts;
use crate::subnet::v4;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// A network that leaves its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    pub network: String,
    pub bridge: String,
    /// The bridge's address on this host; none if it has none, or keeps it.
    pub address: Option<Ipv4Addr>,
    pub from: Ipv4Net,
    /// None where no new range is known yet.
    pub to: Option<Ipv4Net>,
}

/// What leaves with this plan, docker0 first.
pub fn leaving(facts: &Facts, plan: &Plan) -> Vec<Leaving> {
    let docker0 = plan.docker0.and_then(|to| docker0_leaves(facts, Some(to)));
    let moves = plan.moves.iter();
    let moves = moves.map(|one| network_leaves(facts, &one.network, one.from, one.to));
    docker0.into_iter().chain(moves).collect()
}

/// docker0, if it moves to this address from another.
pub fn docker0_leaves(facts: &Facts, to: Option<Ipv4Net>) -> Option<Leaving> {
    let from = docker0_range(facts)?;
    let address = facts.docker0().map(|now| now.addr());
    let address = address.filter(|now| to.is_none_or(|to| *now != to.addr()));
    let to = to.map(|to| to.trunc());
    (address.is_some() || to != Some(from)).then(|| Leaving {
        network: "docker0".to_owned(),
        bridge: "docker0".to_owned(),
        address,
        from,
        to,
    })
}

pub fn network_leaves(facts: &Facts, name: &str, from: Ipv4Net, to: Ipv4Net) -> Leaving {
    let networks = facts.engine_networks();
    let bridge = networks
        .filter(|network| network.name == name)
        .find_map(|network| network.bridge.clone());
    let bridge = bridge.unwrap_or_default();
    Leaving {
        network: name.to_owned(),
        address: address_in(facts, &bridge, from),
        bridge,
        from,
        to: Some(to),
    }
}

fn address_in(facts: &Facts, bridge: &str, range: Ipv4Net) -> Option<Ipv4Addr> {
    let mut links = facts.kernel.links.iter();
    let link = links.find(|link| link.name == bridge)?;
    let mut addresses = link.addresses.iter().filter_map(v4);
    let inside = addresses.find(|address| range.contains(&address.addr()));
    inside.map(|address| address.addr())
}
