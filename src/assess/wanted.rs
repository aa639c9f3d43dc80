//! The networks this host needs: what its routes, addresses and nameservers say, and what the operator declared.
//!
//! Not wanted: the default route, halves of the Internet (the pair 0.0.0.0/1 + 128.0.0.0/1 by which VPNs overrule
//! it), loopback and multicast, and anything on Docker's own bridges.

use super::Held;
use crate::observe::facts::{Facts, Route, RouteKind, Scope};
use crate::policy::Policy;
use crate::subnet::{net, overlap};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

/// How we know of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An address or an on-link route of this host.
    OnLink,
    /// A route through a gateway, or one that drops packets on purpose.
    Route,
    /// A nameserver.
    Nameserver,
    /// `--avoid` or an avoid-file.
    Declared,
}

/// A network somebody on this host needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The network.
    pub net: IpNet,
    /// How we know.
    pub source: Source,
    /// The interface it is reached by, where there is one.
    pub dev: Option<String>,
    /// The gateway.
    pub via: Option<IpAddr>,
    /// The routing table.
    pub table: Option<u32>,
    /// Where exactly it is said: an option, a file and line, a kind of route.
    pub detail: String,
}

impl Wanted {
    /// A nameserver on a bridge's own address is this host itself, and reachable.
    pub fn served_by(&self, held: &Held) -> bool {
        self.source == Source::Nameserver && self.dev.as_deref() == Some(held.bridge.as_str())
    }
}

/// Everything wanted, in a fixed order, each thing once.
pub fn wanted(facts: &Facts, policy: &Policy) -> Vec<Wanted> {
    let docker = facts.docker_devices();
    let mut all: Vec<Wanted> = Vec::new();
    let routes = facts.kernel.routes.iter().filter_map(|route| of_route(route, &docker));
    let addresses = facts.kernel.links.iter().filter(|link| !docker.contains(&link.name)).flat_map(|link| {
        link.addresses.iter().map(|address| Wanted {
            net: address.trunc(),
            source: Source::OnLink,
            dev: Some(link.name.clone()),
            via: None,
            table: None,
            detail: format!("address {address}"),
        })
    });
    // Addresses after routes: an address whose route is there says the same thing twice.
    let mut known = HashSet::new();
    for want in routes.chain(addresses).filter(|want| is_a_network(&want.net)) {
        if known.insert((want.net, want.dev.clone(), want.via)) {
            all.push(want);
        }
    }
    all.extend(facts.nameservers.iter().map(|server| Wanted {
        net: IpNet::from(server.address),
        source: Source::Nameserver,
        dev: owner(facts, server.address),
        via: None,
        table: None,
        detail: format!("nameserver in {}", server.file),
    }));
    all.extend(policy.avoid.iter().map(|declared| Wanted {
        net: IpNet::V4(declared.net),
        source: Source::Declared,
        dev: None,
        via: None,
        table: None,
        detail: declared.origin.clone(),
    }));
    all
}

fn of_route(route: &Route, docker: &BTreeSet<String>) -> Option<Wanted> {
    if route.dev.as_ref().is_some_and(|dev| docker.contains(dev)) {
        return None;
    }
    let (source, detail) = match (route.kind, route.scope, route.gateway) {
        (RouteKind::Other, _, _) | (_, Scope::Host, _) => return None,
        (RouteKind::Unicast, Scope::Link, _) => (Source::OnLink, "on-link route"),
        // A route without a next hop on a tunnel has global scope and is on-link all the same.
        (RouteKind::Unicast, Scope::Global, None) => (Source::OnLink, "on-link route"),
        (RouteKind::Unicast, Scope::Global, Some(_)) => (Source::Route, "route"),
        (RouteKind::Blackhole, Scope::Link | Scope::Global, _) => (Source::Route, "blackhole route"),
        (RouteKind::Unreachable, Scope::Link | Scope::Global, _) => (Source::Route, "unreachable route"),
        (RouteKind::Prohibit, Scope::Link | Scope::Global, _) => (Source::Route, "prohibit route"),
    };
    Some(Wanted {
        net: route.dst,
        source,
        dev: route.dev.clone(),
        via: route.gateway,
        table: Some(route.table),
        detail: detail.to_owned(),
    })
}

/// The interface that carries this very address.
fn owner(facts: &Facts, address: IpAddr) -> Option<String> {
    let carries = |link: &&crate::observe::facts::Link| link.addresses.iter().any(|own| own.addr() == address);
    facts.kernel.links.iter().find(carries).map(|link| link.name.clone())
}

fn is_a_network(candidate: &IpNet) -> bool {
    let loopback = IpNet::V4(net(127, 0, 0, 0, 8));
    let multicast = IpNet::V4(net(224, 0, 0, 0, 4));
    candidate.prefix_len() > 1 && !overlap(candidate, &loopback) && !overlap(candidate, &multicast)
}
