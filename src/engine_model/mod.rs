//! What Docker Engine does with address pools, as pure code: which subnets it could still hand out,
//! which ranges it steps round by itself, and which pools it cannot use.
//!
//! The tier `engines` holds it against 20.10.24, 26.1.5 and 28.5.2. What differs between versions
//! is asked of [`Version`], where each boundary has its source.

pub mod allocator;
pub mod daemon_json;
pub mod pool_trouble;
pub mod state;

use crate::facts::{AddressPool, DockerState, Facts, Route, RouteKind, Scope, Version};
use crate::subnet::{RangeSet, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};
use state::Docker0;
use std::collections::BTreeSet;

/// What the engine steps round when it picks a subnet by itself: on-link routes of the main table
/// and the nameservers. Other tables it does not see, nor, from 20.10.15 on, routes through a
/// gateway.
pub fn reserved_by_engine(facts: &Facts, version: Option<Version>) -> RangeSet {
    RangeSet::new(stepped_round(facts, version))
}

/// What an engine steps round in one pool. From 27 on a host route or a nameserver inside an
/// on-link network hides the rest of that network from it. Of an engine whose version is not known
/// no more is counted on than of those.
pub fn reserved_in(
    pool: &AddressPool,
    stepped_round: &BTreeSet<Ipv4Net>,
    version: Option<Version>,
) -> RangeSet {
    match version {
        Some(version) if !version.first_fit() => RangeSet::new(stepped_round.iter().copied()),
        Some(_) | None => allocator::kept_off(pool, stepped_round),
    }
}

/// The networks behind [`reserved_by_engine`], one by one: from 27 on it matters which lies inside
/// which.
pub fn stepped_round(facts: &Facts, version: Option<Version>) -> BTreeSet<Ipv4Net> {
    let nameservers = facts
        .nameservers
        .iter()
        .filter(|server| server.seen_by_docker)
        .filter_map(|server| v4(&IpNet::from(server.address)));
    let mut nets = routes_in_use(facts, version);
    nets.extend(nameservers);
    nets
}

/// The routes among them.
pub fn routes_in_use(facts: &Facts, version: Option<Version>) -> BTreeSet<Ipv4Net> {
    let docker_devices = facts.docker_devices();
    let routes = facts.kernel.routes.iter();
    routes
        .filter(|route| counts_as_in_use(route, version, &docker_devices))
        .filter_map(|route| v4(&route.dst))
        .collect()
}

/// Whether the engine takes a route for a sign that its destination is in use. Of an engine whose
/// version is not known, on-link halves of the default route count, lest pools be chosen under them.
fn counts_as_in_use(
    route: &Route,
    version: Option<Version>,
    docker_devices: &BTreeSet<String>,
) -> bool {
    if !route.main_table() || route.dst.prefix_len() == 0 {
        return false;
    }
    let on_link = route.kind == RouteKind::Unicast && route.scope == Scope::Link;
    if !on_link {
        // Those that drop packets included.
        return version.is_some_and(Version::steps_round_gateway_routes);
    }
    // Docker's own networks are known without their routes.
    let of_docker = route
        .dev
        .as_ref()
        .is_some_and(|dev| docker_devices.contains(dev));
    let begins_at_zero = route.dst.addr().is_unspecified();
    !of_docker && (!begins_at_zero || version.is_none_or(Version::counts_on_link_half))
}

/// The range that docker0 gets at the engine's next start, where docker0 does not have it and no
/// pool decides it: from a key, from a flag, or from what Docker has stored.
pub fn docker0_to_come(facts: &Facts, version: Option<Version>) -> Option<Ipv4Net> {
    let coming = match facts.docker.state {
        DockerState::Stopped => {
            match state::docker0_at_start(facts, version.unwrap_or(Version::NEWEST)) {
                Docker0::ByKey(subnet) | Docker0::Stays(subnet) => Some(subnet),
                Docker0::None | Docker0::FromPools => None,
            }
        }
        DockerState::Absent | DockerState::Running => bip_of_next_start(facts),
    };
    let now = facts.docker0().map(|address| address.trunc());
    coming.filter(|range| Some(*range) != now)
}

fn bip_of_next_start(facts: &Facts) -> Option<Ipv4Net> {
    let by_flag = facts.docker.next_flag("bip").last().map(String::as_str);
    let in_file = || facts.docker.config.keys.get("bip")?.as_str();
    let bip: Ipv4Net = by_flag.or_else(in_file)?.parse().ok()?;
    Some(bip.trunc())
}

/// The pools as an engine of this version sees them. From 27 on it sorts them and drops without a
/// word every pool that overlaps an earlier one. Of an engine whose version is not known nothing is
/// dropped.
pub fn pools_as_seen(pools: &[AddressPool], version: Option<Version>) -> Vec<AddressPool> {
    let mut seen = pools.to_vec();
    if version.is_some_and(Version::first_fit) {
        seen.sort_by_key(|pool| (pool.base.network(), pool.base.prefix_len()));
        seen.dedup_by(|pool, last| overlap4(&last.base, &pool.base));
    }
    seen
}

/// The subnets of a pool the engine could hand out some day that also lie in `wanted`: the first,
/// and how many, by arithmetic. `blocked` is what the engine steps round. Subnets that a network
/// holds today count unless `blocked` says so: the network may be removed tomorrow.
pub fn could_hand_out(
    pool: &AddressPool,
    wanted: Ipv4Net,
    blocked: &RangeSet,
) -> Option<(Ipv4Net, u64)> {
    let within = pool.part_within(wanted)?;
    let first = blocked.first_clear(within, pool.size)?;
    let all = 1u64 << pool.size.saturating_sub(within.prefix_len());
    Some((first, all - blocked.count_blocked(within, pool.size)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
