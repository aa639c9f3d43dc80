//! How IPv6 chooses among the routes of a table.

use super::flow::Flow;
use super::found::{Found, routes_in};
use crate::facts::{Preference, Route, RouteKind};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

/// What the kernel knows of gateways.
#[derive(Debug, Default)]
pub(super) struct Gateways<'a> {
    /// A host avoids a gateway that does not answer, a router does not.
    pub forwarding: bool,
    /// Those that do not answer, with their interfaces.
    pub failed: HashSet<(IpAddr, &'a str)>,
}

/// The first route that a packet may take, from the longest prefix on. One through a gateway that
/// does not answer is the last resort.
pub(super) fn choose<'v>(candidates: &[&'v Route], flow: &Flow, gateways: &Gateways) -> Found<'v> {
    let candidates = for_source(candidates, flow);
    let avoiding = Scoring {
        flow,
        gateways: (!gateways.forwarding).then_some(gateways),
    };
    let taking_any = Scoring {
        flow,
        gateways: None,
    };
    avoiding
        .first(&candidates)
        .or_else(|| taking_any.first(&candidates))
        .unwrap_or(Found::Nothing)
}

/// The routes for packets from this source. Where a network has routes for other sources only, and
/// for all, the kernel does not begin with those for all, but with a wider network.
fn for_source<'v>(candidates: &[&'v Route], flow: &Flow) -> Vec<&'v Route> {
    let source = flow.packet.from.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
    let is_for_it = |route: &&Route| route.from.is_some_and(|net| net.contains(&source));
    let mut networks = candidates.chunk_by(|a, b| a.dst == b.dst).peekable();
    while let Some(network) = networks.peek() {
        let for_others = network.iter().any(|route| route.from.is_some());
        let default = network.iter().any(|route| route.dst.prefix_len() == 0);
        if default || !for_others || network.iter().any(is_for_it) {
            break;
        }
        networks.next();
    }
    networks
        .flatten()
        .copied()
        .filter(|route| route.from.is_none() || is_for_it(route))
        .collect()
}

/// The kernel gives points to routes to one network.
struct Scoring<'s> {
    flow: &'s Flow<'s>,
    /// Where gateways that do not answer are to be avoided.
    gateways: Option<&'s Gateways<'s>>,
}

impl Scoring<'_> {
    fn first<'v>(&self, candidates: &[&'v Route]) -> Option<Found<'v>> {
        let same_network = |a: &&Route, b: &&Route| (a.dst, a.from) == (b.dst, b.from);
        candidates
            .chunk_by(same_network)
            .find_map(|network| self.best_of(network))
    }

    /// The best route with the lowest metric; where none of these can be used the best of all
    /// others, whatever their metrics.
    fn best_of<'v>(&self, network: &[&'v Route]) -> Option<Found<'v>> {
        let metric = network.first()?.metric;
        let others = network.partition_point(|route| route.metric == metric);
        let (lowest, others) = network.split_at_checked(others)?;
        let best = self.best(lowest).or_else(|| self.best(others))?;
        Some(self.found(best))
    }

    /// All hops of the best route, of equally good ones the first.
    fn best<'h, 'v>(&self, routes: &'h [&'v Route]) -> Option<&'h [&'v Route]> {
        let mut best = None;
        let mut best_points = None;
        for hops in routes_in(routes) {
            if is_null_object(hops) {
                return Some(hops);
            }
            let points = hops.iter().filter_map(|hop| self.points(hop)).max();
            if points > best_points {
                (best, best_points) = (Some(hops), points);
            }
        }
        best
    }

    /// None where it cannot be used.
    fn points(&self, hop: &Route) -> Option<u8> {
        let dev = hop.dev.as_deref();
        let on_link = match self.flow.packet.iif.or(self.flow.oif) {
            None => 2,
            Some(wanted) if dev == Some(wanted) => 2,
            // Only a bound socket insists.
            Some(_) if self.flow.packet.iif.is_some() => 0,
            Some(_) => return None,
        };
        if hop.dead || self.avoids(hop) {
            return None;
        }
        let preference = match hop.preference {
            Preference::Low => 4,
            Preference::Medium => 8,
            Preference::High => 12,
        };
        Some(preference + on_link)
    }

    fn avoids(&self, hop: &Route) -> bool {
        let gateway = hop.gateway.zip(hop.dev.as_deref());
        gateway.is_some_and(|gateway| {
            self.gateways
                .is_some_and(|known| known.failed.contains(&gateway))
        })
    }

    fn found<'v>(&self, hops: &[&'v Route]) -> Found<'v> {
        let Some(first) = hops.first().copied() else {
            return Found::Nothing;
        };
        if first.kind == RouteKind::Throw {
            return Found::Nothing;
        }
        // The members of a nexthop object are not looked at again.
        let any = first.nexthop.is_some();
        let usable = hops.iter().copied();
        let usable = usable.filter(|hop| any || self.points(hop).is_some());
        Found::Route(usable.collect(), first)
    }
}

/// A nexthop object that drops packets is not weighed against others.
fn is_null_object(hops: &[&Route]) -> bool {
    hops.first()
        .is_some_and(|route| route.nexthop.is_some() && route.kind == RouteKind::Blackhole)
}
