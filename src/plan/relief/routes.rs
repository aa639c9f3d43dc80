//! The routes that lead a part of Docker's subnet past the bridge.

use super::{Proof, Why};
use crate::assess::Assessment;
use crate::assess::detour::{Detour, Way};
use crate::facts::{ReliefRoute, Rule};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// A route, and an address for which it decides.
#[derive(Debug)]
pub(super) struct Past {
    pub route: ReliefRoute,
    decides_for: Ipv4Addr,
    /// Whether only packets that meet a rule go this way.
    is_conditional: bool,
}

impl Past {
    /// What can be asked of the kernel without the conditions of a rule.
    pub fn proof(&self) -> Option<Proof> {
        let devices = self.route.hops.iter().map(|hop| hop.dev.clone());
        (!self.is_conditional).then(|| Proof {
            to: self.decides_for,
            devices: devices.collect(),
        })
    }
}

/// The fewest routes for this part: one, and one more for every network inside it whose packets
/// would go another way.
pub(super) fn past(
    assessment: &Assessment,
    bridge: &str,
    condition: Option<&Rule>,
    part: Ipv4Net,
) -> Result<Vec<Past>, Why> {
    let mut nets = vec![part];
    // In order of address, wider before narrower: what a network lies in comes before it.
    nets.extend(assessment.kernel.decided_apart(part));
    let mut routes: Vec<Past> = Vec::new();
    for (place, net) in nets.iter().enumerate() {
        let narrower = nets.get(place + 1..).unwrap_or_default();
        let Some(address) = own_address(*net, narrower) else {
            continue;
        };
        let detour = match assessment.kernel.way_past(bridge, condition, address) {
            // A longer route than ours wins there already.
            Way::NotDockers => continue,
            Way::Nowhere => return Err(Why::NoOtherWay),
            Way::Past(detour) => detour,
        };
        let around = routes.iter().rev().find(|one| one.route.dst.contains(net));
        if around.is_none_or(|one| !is_the_way(&one.route, &detour)) {
            routes.push(Past {
                route: ReliefRoute {
                    dst: *net,
                    table: detour.table,
                    hops: detour.hops,
                    source: detour.source,
                },
                decides_for: address,
                is_conditional: condition.is_some(),
            });
        }
    }
    Ok(routes)
}

fn is_the_way(route: &ReliefRoute, detour: &Detour) -> bool {
    route.table == detour.table && route.hops == detour.hops && route.source == detour.source
}

/// An address of a network that lies in none of the narrower ones.
fn own_address(net: Ipv4Net, narrower: &[Ipv4Net]) -> Option<Ipv4Addr> {
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    // The network's own address is no host's, where there is another.
    let first = first.saturating_add(u32::from(first < last));
    let mut candidate = first;
    while candidate <= last {
        let address = Ipv4Addr::from(candidate);
        match narrower.iter().find(|narrow| narrow.contains(&address)) {
            None => return Some(address),
            Some(narrow) => candidate = u32::from(narrow.broadcast()).checked_add(1)?,
        }
    }
    None
}

/// Without what another route of the list does already, in order.
pub(super) fn without_repeated(mut routes: Vec<ReliefRoute>) -> Vec<ReliefRoute> {
    routes.sort_by_key(|route| (route.table, route.dst));
    let mut fewest: Vec<ReliefRoute> = Vec::new();
    for route in routes {
        let mut known = fewest.iter().rev().filter(|one| one.table == route.table);
        let around = known.find(|one| one.dst.contains(&route.dst));
        let is_new =
            around.is_none_or(|around| around.hops != route.hops || around.source != route.source);
        if is_new {
            fewest.push(route);
        }
    }
    fewest
}
