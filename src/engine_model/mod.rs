//! What Docker Engine does with address pools, as pure code: which subnets it could still hand out,
//! which ranges it steps round by itself, and which configurations keep it from starting.
//!
//! Every rule here was measured on 20.10.24, 26.1.5 and 28.5.2; the lab tests hold the model
//! against them.

pub mod allocator;
pub mod state;

use crate::facts::{AddressPool, Facts, RouteKind, Scope, Version};
use crate::subnet::{RangeSet, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;

/// What the engine steps round when it picks a subnet by itself: on-link routes of the main table
/// and the nameservers. Routes through a gateway and other tables it does not see (from 20.10.15
/// on).
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
    let counts_half_internet = version.is_none_or(Version::elects_before_bip);
    let docker_devices = facts.docker_devices();
    let on_link = facts.kernel.routes.iter().filter_map(|route| {
        let half = route.dst == IpNet::V4(crate::subnet::net(0, 0, 0, 0, 1));
        let seen = route.main_table()
            && route.kind == RouteKind::Unicast
            && route.scope == Scope::Link
            && route.dst.prefix_len() > 0
            && (!half || counts_half_internet)
            && !route
                .dev
                .as_ref()
                .is_some_and(|dev| docker_devices.contains(dev));
        if seen { v4(&route.dst) } else { None }
    });
    let nameservers = facts
        .nameservers
        .iter()
        .filter(|server| server.seen_by_docker);
    let nameservers = nameservers.filter_map(|server| v4(&IpNet::from(server.address)));
    on_link.chain(nameservers).collect()
}

/// The range that `bip` gives docker0 at the engine's next start, where docker0 does not have it.
pub fn docker0_to_come(facts: &Facts) -> Option<Ipv4Net> {
    let flag = facts.docker.flag("bip").last().map(String::as_str);
    let key = facts
        .docker
        .config
        .keys
        .get("bip")
        .and_then(|bip| bip.as_str());
    let bip: Ipv4Net = flag.or(key)?.parse().ok()?;
    let now = facts.docker0().map(|address| address.trunc());
    Some(bip.trunc()).filter(|range| Some(*range) != now)
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

/// Why an engine of this version would not start, or would be of no use, with these pools; `None`
/// when fine.
///
/// 20.10 elects an address for docker0 from the pools before it looks at `bip`, and dies when no
/// pool subnet is free. Later engines start, but cannot create a single network.
pub fn pools_blocked(pools: &[AddressPool], reserved: &RangeSet) -> Option<String> {
    if pools
        .iter()
        .any(|pool| reserved.first_clear(pool.base, pool.size).is_some())
    {
        return None;
    }
    Some(
        "every subnet of the pools lies under an on-link route or a nameserver of this host, so \
         Docker could not create a network (and 20.10 would not start)"
            .to_owned(),
    )
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
mod tests {
    use super::*;

    #[test]
    fn a_pool_can_hand_out_what_it_shares_with_a_wanted_network() {
        let none = RangeSet::default();
        let pool = AddressPool {
            base: "192.168.0.0/16".parse().unwrap(),
            size: 20,
        };
        let inside = "192.168.17.0/24".parse().unwrap();
        let outside = "10.0.0.0/8".parse().unwrap();
        let wide = "192.168.0.0/16".parse().unwrap();
        assert_eq!(
            could_hand_out(&pool, inside, &none).unwrap(),
            ("192.168.16.0/20".parse().unwrap(), 1)
        );
        assert_eq!(could_hand_out(&pool, wide, &none).unwrap().1, 16);
        assert!(could_hand_out(&pool, outside, &none).is_none());
        let stepped_round = RangeSet::new([inside]);
        assert!(could_hand_out(&pool, inside, &stepped_round).is_none());
        assert_eq!(could_hand_out(&pool, wide, &stepped_round).unwrap().1, 15);
    }

    #[test]
    fn pools_under_an_on_link_route_are_blocked() {
        let pools = [AddressPool {
            base: "10.200.0.0/16".parse().unwrap(),
            size: 24,
        }];
        assert!(pools_blocked(&pools, &RangeSet::new(["10.0.0.0/8".parse().unwrap()])).is_some());
        assert!(
            pools_blocked(&pools, &RangeSet::new(["10.200.0.0/17".parse().unwrap()])).is_none()
        );
    }
}
