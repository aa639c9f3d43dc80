//! The networks this host needs: what its routes, addresses, nameservers and files say, whom it talks
//! to, and what the operator declared.
//!
//! Not needed: the default route, parts of the Internet as wide as those by which VPNs overrule it
//! (0.0.0.0/1 and 128.0.0.0/1, 2000::/3), loopback, link-local and multicast, what lies on Docker's
//! own bridges themselves, and tables that no policy rule leads to.

use super::way_out::WaysOut;
use crate::facts::{
    Certainty, Configured, Contact, Facts, Family, Link, Nameserver, Neighbour, Peer,
    RT_TABLE_DEFAULT, RT_TABLE_LOCAL, Role, Route, RouteKind, Rule, Scope, Source,
};
use crate::policy::{Declared, Ignore, Policy};
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, net};
use ipnet::{IpNet, Ipv6Net};
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv6Addr};

/// A network this host needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed<'a> {
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
    /// A file names it.
    Configured(&'a Configured),
    /// The operator said so.
    Declared(&'a Declared),
    /// This host called it, and it did not answer.
    Neighbour(&'a Neighbour),
    /// This host talks to it.
    Peer(&'a Peer),
    /// The operator's own ssh session.
    Operator,
}

impl<'a> Needed<'a> {
    /// How we know, in a word.
    pub fn source(&self) -> Source {
        match self.evidence {
            Evidence::Route(route) if is_on_link(route) => Source::OnLink,
            Evidence::Route(_) | Evidence::Rule(_) => Source::Route,
            Evidence::Address(..) => Source::OnLink,
            Evidence::Nameserver(_) => Source::Nameserver,
            Evidence::Configured(_) => Source::Configured,
            Evidence::Declared(_) => Source::Declared,
            Evidence::Neighbour(_) => Source::Neighbour,
            Evidence::Peer(peer) if peer.contact == Contact::Ssh => Source::Ssh,
            Evidence::Peer(_) => Source::Connection,
            Evidence::Operator => Source::Ssh,
        }
    }

    /// Whether this file names it.
    fn is_of_file(&self, file: &str) -> bool {
        matches!(self.evidence, Evidence::Configured(one) if one.file == file)
    }

    pub fn is_suspected(&self) -> bool {
        self.source().certainty() == Certainty::Suspected
    }

    /// The gateway.
    pub fn via(&self) -> Option<IpAddr> {
        match self.evidence {
            Evidence::Route(route) => route.gateway,
            _ => None,
        }
    }

    /// The interface, where a route or an address names one.
    pub fn dev(&self) -> Option<&'a str> {
        match self.evidence {
            Evidence::Route(route) => route.dev.as_deref(),
            Evidence::Address(link, _) => Some(&link.name),
            _ => None,
        }
    }

    /// Whether a gateway leads there.
    pub fn is_behind_a_gateway(&self) -> bool {
        match self.evidence {
            Evidence::Configured(one) => one.by_gateway,
            _ => self.source() == Source::Route && self.via().is_some(),
        }
    }

    /// Whether it is not there before something comes up.
    pub fn is_to_come(&self) -> bool {
        matches!(self.evidence, Evidence::Configured(one) if one.role == Role::Network)
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

/// Everything needed, in a fixed order, each thing once: what counts, and what the operator said to
/// ignore. `met` are the addresses that this host has to do with.
pub fn needed<'a>(
    facts: &'a Facts,
    policy: &'a Policy,
    docker: &BTreeSet<String>,
    met: Vec<Needed<'a>>,
) -> (Vec<Needed<'a>>, Vec<Needed<'a>>) {
    let all = everything(facts, policy, docker, met);
    if policy.ignore.is_empty() {
        return (all, Vec::new());
    }
    all.into_iter().partition(|need| !is_ignored(policy, need))
}

/// Whether this is not to be heeded. What the operator declared is never ignored by a range: that
/// would be a contradiction, and the safe half of it wins.
fn is_ignored(policy: &Policy, need: &Needed) -> bool {
    policy.ignore.iter().any(|ignore| match ignore {
        Ignore::Source(source) => need.source() == *source,
        Ignore::Net(net) => need.source() != Source::Declared && net.contains(&need.net),
        Ignore::File(file) => need.is_of_file(file),
    })
}

fn everything<'a>(
    facts: &'a Facts,
    policy: &'a Policy,
    docker: &BTreeSet<String>,
    met: Vec<Needed<'a>>,
) -> Vec<Needed<'a>> {
    let mut all: Vec<Needed> = Vec::with_capacity(policy.avoid.len() + 64);
    // Addresses after routes: an address whose route is there says the same thing twice.
    let mut known = HashSet::new();
    for need in routes(facts, docker)
        .chain(rules(facts))
        .chain(addresses(facts, docker))
        .filter(|need| is_a_network(&need.net))
    {
        if known.insert((need.net, need.dev(), need.via())) {
            all.push(need);
        }
    }
    all.extend(met.into_iter().filter(|need| is_a_network(&need.net)));
    all.extend(policy.avoid.iter().map(|declared| Needed {
        net: declared.net,
        evidence: Evidence::Declared(declared),
    }));
    all
}

fn routes<'a>(facts: &'a Facts, docker: &BTreeSet<String>) -> impl Iterator<Item = Needed<'a>> {
    let ways_out = WaysOut::of(&facts.kernel.routes);
    facts
        .kernel
        .routes
        .iter()
        .filter(|route| route.names_a_network())
        // Several next hops are one way to one network.
        .filter(|route| route.hop.is_none_or(|hop| hop == 0))
        .filter(move |route| !ways_out.has(route) && !is_a_wide_null_route(route))
        .filter(|route| is_a_need(route, facts, docker))
        .map(|route| Needed {
            net: route.dst,
            evidence: Evidence::Route(route),
        })
}

fn rules(facts: &Facts) -> impl Iterator<Item = Needed<'_>> {
    let rules = facts.kernel.rules.iter();
    let rules =
        rules.filter(|rule| !rule.inverted && (rule.leads_to_a_table() || rule.drops_packets()));
    rules.filter_map(|rule| {
        Some(Needed {
            net: rule.to?,
            evidence: Evidence::Rule(rule),
        })
    })
}

fn addresses<'a>(facts: &'a Facts, docker: &BTreeSet<String>) -> impl Iterator<Item = Needed<'a>> {
    let links = facts.kernel.links.iter();
    links
        .filter(|link| !docker.contains(&link.name))
        .flat_map(move |link| {
            link.addresses.iter().map(|address| Needed {
                net: address.trunc(),
                evidence: Evidence::Address(link, *address),
            })
        })
}

/// Whether a route drops everything to a whole private block: it says that no such network is
/// needed. Docker's own routes are narrower and win.
fn is_a_wide_null_route(route: &Route) -> bool {
    let blocks = PRIVATE_BLOCKS.iter().chain(&SHARED_BLOCKS);
    let blocks = blocks.map(|block| IpNet::V4(*block));
    let mut blocks = blocks.chain([v6(0xfc00, 8), v6(0xfd00, 8)]);
    route.drops_packets() && blocks.any(|block| route.dst.contains(&block))
}

/// Whether a route says that this host needs where it leads.
fn is_a_need(route: &Route, facts: &Facts, docker: &BTreeSet<String>) -> bool {
    let on_docker = route.dev.as_ref().is_some_and(|dev| docker.contains(dev));
    // Behind a container that is a gateway lies a network like any other.
    let dockers = on_docker && route.gateway.is_none();
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
    if facts.kernel.rules.is_empty() {
        return matches!(route.table, RT_TABLE_DEFAULT..=RT_TABLE_LOCAL).then_some(Lead::Usual);
    }
    leading_rules(facts, route)
        .min_by_key(|rule| rule.priority)
        .map(Lead::Rule)
}

/// The policy rules by which packets get to this route's table.
pub fn leading_rules<'a>(facts: &'a Facts, route: &Route) -> impl Iterator<Item = &'a Rule> {
    let table = route.table;
    let family = Family::of(&route.dst.addr());
    let mut links = facts.kernel.links.iter();
    let vrf = links.any(|link| link.table == Some(table));
    let rules = facts.kernel.rules.iter();
    rules
        .filter(|rule| rule.leads_to_a_table())
        .filter(move |rule| rule.family == family && (rule.table == table || rule.l3mdev && vrf))
}

/// What leads to a table.
#[derive(Debug, Clone, Copy)]
pub enum Lead<'a> {
    /// The rules every host has.
    Usual,
    /// This one.
    Rule(&'a Rule),
}

/// Whether it is a network, and not the loopback, link-local or multicast range, which every host
/// has, or so wide that it is a way out.
fn is_a_network(candidate: &IpNet) -> bool {
    let (not_needed, widest) = match candidate {
        IpNet::V4(_) => (
            [
                IpNet::V4(net(127, 0, 0, 0, 8)),
                IpNet::V4(net(224, 0, 0, 0, 4)),
            ],
            8,
        ),
        IpNet::V6(_) => ([v6(0xfe80, 10), v6(0xff00, 8)], 7),
    };
    candidate.prefix_len() >= widest
        && !candidate.addr().is_loopback()
        && !not_needed.iter().any(|range| range.contains(candidate))
}

fn v6(first: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(
        Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0),
        prefix,
    ))
}
