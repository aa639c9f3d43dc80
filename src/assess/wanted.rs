//! The networks this host needs: what its routes, addresses and nameservers say, whom it talks to,
//! and what the operator declared.
//!
//! Not wanted: the default route, parts of the Internet as wide as those by which VPNs overrule it
//! (0.0.0.0/1 and 128.0.0.0/1, 2000::/3), loopback, link-local and multicast, anything on Docker's
//! own bridges, and tables that no policy rule leads to.

use crate::facts::{
    Contact, Facts, Family, Link, Nameserver, Neighbour, Peer, RT_TABLE_DEFAULT, RT_TABLE_LOCAL,
    Route, RouteKind, Rule, Scope, Source,
};
use crate::policy::{Declared, Ignore, Policy};
use crate::subnet::{net, overlap};
use ipnet::{IpNet, Ipv6Net};
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv6Addr};

/// A network somebody on this host needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted<'a> {
    /// The network.
    pub net: IpNet,
    /// How we know.
    pub evidence: Evidence<'a>,
}

/// How we know: a part of the facts or of the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence<'a> {
    /// A route.
    Route(&'a Route),
    /// A policy rule for packets to a network.
    Rule(&'a Rule),
    /// An address of a link.
    Address(&'a Link, IpNet),
    /// A nameserver.
    Nameserver(&'a Nameserver),
    /// The operator said so.
    Declared(&'a Declared),
    /// Somebody on this host called, and nobody answered.
    Neighbour(&'a Neighbour),
    /// Somebody this host talks to.
    Peer(&'a Peer),
    /// The operator's own ssh session.
    Operator,
}

impl Wanted<'_> {
    /// How we know, in a word.
    pub fn source(&self) -> Source {
        match self.evidence {
            Evidence::Route(route) if is_on_link(route) => Source::OnLink,
            Evidence::Route(_) | Evidence::Rule(_) => Source::Route,
            Evidence::Address(..) => Source::OnLink,
            Evidence::Nameserver(_) => Source::Nameserver,
            Evidence::Declared(_) => Source::Declared,
            Evidence::Neighbour(_) => Source::Neighbour,
            Evidence::Peer(peer) if peer.contact == Contact::Ssh => Source::Ssh,
            Evidence::Peer(_) => Source::Connection,
            Evidence::Operator => Source::Ssh,
        }
    }

    /// The gateway.
    pub fn via(&self) -> Option<IpAddr> {
        match self.evidence {
            Evidence::Route(route) => route.gateway,
            _ => None,
        }
    }

    /// Whether it stands in the way of a range that Docker holds now, and not only of one it may
    /// take. Of flows that are answered nobody can say whether a container that is gone was meant.
    pub fn bites_now(&self) -> bool {
        !matches!(self.evidence, Evidence::Peer(peer) if peer.contact == Contact::Flow)
    }
}

/// A route without a next hop on a tunnel, and any IPv6 one, has global scope and is on-link all
/// the same.
fn is_on_link(route: &Route) -> bool {
    match route.kind {
        RouteKind::Local => true,
        RouteKind::Unicast => route.scope == Scope::Link || route.gateway.is_none(),
        RouteKind::Blackhole
        | RouteKind::Unreachable
        | RouteKind::Prohibit
        | RouteKind::Broadcast
        | RouteKind::Anycast
        | RouteKind::Throw => false,
    }
}

/// Everything wanted, in a fixed order, each thing once, without what the operator knows to be
/// wrong.
pub fn wanted<'a>(facts: &'a Facts, policy: &'a Policy) -> Vec<Wanted<'a>> {
    let mut all = everything(facts, policy);
    if !policy.ignore.is_empty() {
        all.retain(|want| !is_ignored(policy, want));
    }
    all
}

/// What the operator said not to heed.
pub fn ignored<'a>(facts: &'a Facts, policy: &'a Policy) -> Vec<Wanted<'a>> {
    let mut all = everything(facts, policy);
    all.retain(|want| is_ignored(policy, want));
    all
}

/// Whether this is not to be heeded. What the operator declared is never ignored by a range: that
/// would be a contradiction, and the safe half of it wins.
fn is_ignored(policy: &Policy, want: &Wanted) -> bool {
    policy.ignore.iter().any(|ignore| match ignore {
        Ignore::Source(source) => want.source() == *source,
        Ignore::Net(net) => want.source() != Source::Declared && net.contains(&want.net),
    })
}

fn everything<'a>(facts: &'a Facts, policy: &'a Policy) -> Vec<Wanted<'a>> {
    let docker = facts.docker_devices();
    let mut all: Vec<Wanted> = Vec::with_capacity(policy.avoid.len() + 64);
    let routes = facts
        .kernel
        .routes
        .iter()
        .filter(|route| route.names_a_network() && is_somebodys(route, facts, &docker));
    let routes = routes.map(|route| Wanted {
        net: route.dst,
        evidence: Evidence::Route(route),
    });
    let rules = facts
        .kernel
        .rules
        .iter()
        .filter(|rule| !rule.inverted && rule.leads_to_a_table());
    let rules = rules.filter_map(|rule| {
        Some(Wanted {
            net: rule.to?,
            evidence: Evidence::Rule(rule),
        })
    });
    let links = facts
        .kernel
        .links
        .iter()
        .filter(|link| !docker.contains(&link.name));
    let addresses = links.flat_map(|link| {
        let of = |address: &IpNet| Wanted {
            net: address.trunc(),
            evidence: Evidence::Address(link, *address),
        };
        link.addresses.iter().map(of)
    });
    // Addresses after routes: an address whose route is there says the same thing twice.
    let mut known = HashSet::new();
    for want in routes
        .chain(rules)
        .chain(addresses)
        .filter(|want| is_a_network(&want.net))
    {
        let dev = match want.evidence {
            Evidence::Route(route) => route.dev.as_deref(),
            Evidence::Address(link, _) => Some(link.name.as_str()),
            _ => None,
        };
        if known.insert((want.net, dev, want.via())) {
            all.push(want);
        }
    }
    let bridges = bridge_addresses(facts, &docker);
    all.extend(
        // A nameserver on a bridge's own address is this host itself, and reachable.
        facts
            .nameservers
            .iter()
            .filter(|server| !bridges.contains(&server.address))
            .map(|server| Wanted {
                net: IpNet::from(server.address),
                evidence: Evidence::Nameserver(server),
            }),
    );
    all.extend(strangers(facts, &docker));
    all.extend(policy.avoid.iter().map(|declared| Wanted {
        net: IpNet::V4(declared.net),
        evidence: Evidence::Declared(declared),
    }));
    all
}

/// Addresses this host calls or is called from, and that are none of Docker's. Without the engine's
/// word nobody can tell a container from a server: then only the operator's own session counts.
fn strangers<'a>(facts: &'a Facts, docker: &BTreeSet<String>) -> Vec<Wanted<'a>> {
    let operator = facts.operator.map(|address| Wanted {
        net: IpNet::from(address),
        evidence: Evidence::Operator,
    });
    let mut all: Vec<Wanted> = operator.into_iter().collect();
    if facts.docker.engine.is_none() {
        return all;
    }
    let ours = facts.docker_addresses();
    let neighbours = facts
        .kernel
        .neighbours
        .iter()
        .filter(|neighbour| docker.contains(&neighbour.dev));
    let neighbours = neighbours.map(|it| (it.address, Evidence::Neighbour(it)));
    let peers = facts
        .kernel
        .peers
        .iter()
        .map(|peer| (peer.address, Evidence::Peer(peer)));
    let strange = neighbours
        .chain(peers)
        .filter(|(address, _)| !ours.contains(address));
    all.extend(strange.map(|(address, evidence)| Wanted {
        net: IpNet::from(address),
        evidence,
    }));
    all.retain(|want| is_a_network(&want.net));
    all
}

/// Whether a route says that somebody on this host needs where it leads.
fn is_somebodys(route: &Route, facts: &Facts, docker: &BTreeSet<String>) -> bool {
    let dockers = route.dev.as_ref().is_some_and(|dev| docker.contains(dev));
    // The table local repeats every address; what it says beyond them is worth knowing.
    let repeats = || {
        let addresses = facts.kernel.links.iter().flat_map(|link| &link.addresses);
        route.scope == Scope::Host
            && addresses
                .into_iter()
                .any(|own| IpNet::from(own.addr()) == route.dst)
    };
    !dockers && !repeats() && leads_to(facts, route).is_some()
}

/// The first policy rule by which packets get to this route's table. Facts without any rule (of an
/// older version, or where they could not be read) are taken as having the usual ones.
pub fn leads_to<'a>(facts: &'a Facts, route: &Route) -> Option<Lead<'a>> {
    let family = if matches!(route.dst, IpNet::V4(_)) {
        Family::Ipv4
    } else {
        Family::Ipv6
    };
    if facts.kernel.rules.is_empty() {
        return matches!(route.table, RT_TABLE_DEFAULT..=RT_TABLE_LOCAL).then_some(Lead::Usual);
    }
    let vrf = facts
        .kernel
        .links
        .iter()
        .any(|link| link.table == Some(route.table));
    let leads =
        |rule: &&Rule| rule.family == family && (rule.table == route.table || rule.l3mdev && vrf);
    facts
        .kernel
        .rules
        .iter()
        .filter(|rule| rule.leads_to_a_table())
        .filter(leads)
        .min_by_key(|rule| rule.priority)
        .map(Lead::Rule)
}

/// What leads to a table.
#[derive(Debug, Clone, Copy)]
pub enum Lead<'a> {
    /// The rules every host has.
    Usual,
    /// This one.
    Rule(&'a Rule),
}

fn bridge_addresses(facts: &Facts, docker: &BTreeSet<String>) -> HashSet<IpAddr> {
    let bridges = facts
        .kernel
        .links
        .iter()
        .filter(|link| docker.contains(&link.name));
    bridges
        .flat_map(|link| link.addresses.iter().map(IpNet::addr))
        .collect()
}

fn is_a_network(candidate: &IpNet) -> bool {
    let nobodys = match candidate {
        IpNet::V4(_) => [
            IpNet::V4(net(127, 0, 0, 0, 8)),
            IpNet::V4(net(224, 0, 0, 0, 4)),
        ],
        IpNet::V6(_) => [v6(0xfe80, 10), v6(0xff00, 8)],
    };
    let widest = match candidate {
        IpNet::V4(_) => 1,
        IpNet::V6(_) => 3,
    };
    let loopback = candidate.addr().is_loopback();
    candidate.prefix_len() > widest
        && !loopback
        && !nobodys.iter().any(|nobodys| overlap(candidate, nobodys))
}

fn v6(first: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(
        Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0),
        prefix,
    ))
}
