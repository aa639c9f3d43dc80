//! What Linux does with a packet: rules in order, tables, longest prefix, metric. Pure, from the
//! facts; `tests/netns/kernel_model.rs` holds it against the kernel itself.
//!
//! It answers one question, "where does this packet go?", as things are and as they would be with
//! other routes. It knows the networks that the facts have, which is the space Docker may use, and
//! no link-local or multicast addresses.

pub mod filter;
mod flow;
mod found;
mod ipv4;
mod ipv6;
mod lookup;
mod packet;
mod rules;
mod tables;
mod verdict;

pub use packet::Packet;
pub use verdict::{Fate, Verdict};

use crate::facts::{Family, Kernel, Link, NeighbourState, Route, RouteKind, Scope};
use flow::Flow;
use ipnet::IpNet;
use ipv6::Gateways;
use lookup::Lookup;
use rules::Rules;
use std::collections::HashMap;
use std::net::IpAddr;
use tables::Tables;

type Links<'a> = HashMap<&'a str, &'a Link>;

/// The metric that the kernel gives to the network of an IPv6 address.
const METRIC_OF_IPV6_NETWORK: u32 = 256;

/// The kernel of the facts, indexed.
#[derive(Debug)]
pub struct KernelModel<'a> {
    links: Links<'a>,
    ipv4_rules: Rules<'a>,
    ipv6_rules: Rules<'a>,
    tables: Tables<'a>,
    gateways: Gateways<'a>,
}

/// Other routes than those that exist. Asking with them costs nothing more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'c> {
    /// Further routes. One that exists comes before an equal one of these.
    pub with: &'c [Route],
    /// Interfaces whose routes are gone.
    pub without: &'c [&'c str],
}

/// The route that the kernel makes for the network of an address on an interface.
pub fn connected(net: IpNet, dev: &str) -> Route {
    let (scope, metric) = match net {
        IpNet::V4(_) => (Scope::Link, 0),
        IpNet::V6(_) => (Scope::Global, METRIC_OF_IPV6_NETWORK),
    };
    Route {
        scope,
        metric,
        dev: Some(dev.to_owned()),
        ..Route::new(net.trunc(), RouteKind::Unicast)
    }
}

impl<'a> KernelModel<'a> {
    pub fn new(kernel: &'a Kernel) -> KernelModel<'a> {
        let failed = kernel
            .neighbours
            .iter()
            .filter(|neighbour| neighbour.state == NeighbourState::Failed)
            .map(|neighbour| (neighbour.address, neighbour.dev.as_str()));
        let links = kernel.links.iter();
        KernelModel {
            links: links.map(|link| (link.name.as_str(), link)).collect(),
            ipv4_rules: Rules::new(&kernel.rules, Family::Ipv4),
            ipv6_rules: Rules::new(&kernel.rules, Family::Ipv6),
            tables: Tables::new(&kernel.routes),
            gateways: Gateways {
                forwarding: kernel.ipv6_forwarding,
                failed: failed.collect(),
            },
        }
    }

    /// Whether IPv4 and IPv6 have no policy rules but those every kernel begins with.
    pub fn rules_are_usual(&self) -> bool {
        self.ipv4_rules.are_usual && self.ipv6_rules.are_usual
    }

    /// Where a packet goes as things are.
    pub fn route_of<'v>(&'v self, packet: &Packet<'v>) -> Verdict<'v> {
        self.route_after(Change::default(), packet)
    }

    /// Where a packet would go with other routes.
    pub fn route_after<'v>(&'v self, change: Change<'v>, packet: &Packet<'v>) -> Verdict<'v> {
        let lookup = Lookup {
            model: self,
            change,
            flow: Flow::new(*packet, &self.links),
        };
        match packet.to {
            IpAddr::V4(_) => lookup.ipv4(),
            IpAddr::V6(_) => lookup.ipv6(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
