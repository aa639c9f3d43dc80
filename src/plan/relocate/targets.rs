//! Where a network goes that moves. One from the pools goes back to the pools, where the engine picks
//! the subnet. For one with a subnet given by hand, or with too many containers for the pools, rebridge
//! names a subnet of its size.

use super::members;
use crate::assess::Assessment;
use crate::engine_model::state::allocator_state;
use crate::facts::{AddressPool, BUILT_IN, Facts, Network, Version};
use crate::plan::blocker::Blocker;
use crate::plan::choose::Search;
use crate::plan::docker0::wide_enough;
use crate::plan::project::without_networks;
use crate::plan::room::{attached, prefix_for};
use crate::subnet::{RangeSet, v4};
use ipnet::Ipv4Net;
use std::net::IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// What the engine will pick.
    FromPools(Ipv4Net),
    /// As wide as the one that was given by hand, or wider.
    ByHand(Ipv4Net),
    /// The subnets of the pools are too narrow for what is on the network.
    Wide { subnet: Ipv4Net, containers: usize },
}

impl Target {
    pub fn subnet(self) -> Ipv4Net {
        match self {
            Target::FromPools(subnet) | Target::ByHand(subnet) | Target::Wide { subnet, .. } => {
                subnet
            }
        }
    }

    /// Whether rebridge asks for the subnet by name.
    pub fn is_named(self) -> bool {
        !matches!(self, Target::FromPools(_))
    }
}

/// Where each network goes. The named ones are chosen first, so that the pools can skip them.
pub fn targets(
    before: &Facts,
    after: &Assessment,
    networks: &[&Network],
) -> Result<Vec<Target>, Blocker> {
    let names: Vec<&str> = networks.iter().map(|one| one.name.as_str()).collect();
    let cleared = without_networks(after.facts, &names);
    let cleared = Assessment::of(&cleared, after.policy);
    let mut taken: Vec<Ipv4Net> = cleared
        .held
        .iter()
        .map(|held| &held.subnet)
        .chain(cleared.facts.engine_networks().flat_map(|one| &one.subnets))
        .filter_map(v4)
        .collect();
    let version = after.version.unwrap_or(Version::NEWEST);
    let mut allocator = allocator_state(cleared.facts, version, &after.pools, &[]).allocator;
    let mut named = Vec::with_capacity(networks.len());
    for network in networks {
        let target = match wish(before, after, network)? {
            Wish::FromPools => None,
            wish => Some(wish.fulfil(&cleared, &after.pools, &taken, &network.name)?),
        };
        if let Some(subnet) = target.map(Target::subnet) {
            taken.push(subnet);
            allocator.hold(subnet);
        }
        named.push(target);
    }
    let mut targets = Vec::with_capacity(networks.len());
    for (network, target) in networks.iter().zip(named) {
        let from_pools = || allocator.next().map(Target::FromPools);
        let target = target.or_else(from_pools);
        targets.push(target.ok_or_else(|| Blocker::NoSubnetForNetwork {
            network: network.name.clone(),
        })?);
    }
    Ok(targets)
}

/// What a network is to get.
#[derive(Debug, Clone, Copy)]
enum Wish {
    FromPools,
    ByHand { prefix: u8 },
    Wide { prefix: u8, containers: usize },
}

fn wish(before: &Facts, after: &Assessment, network: &Network) -> Result<Wish, Blocker> {
    let containers = attached(before, &network.name);
    let needed = prefix_for(containers);
    let from = network.subnets.iter().find_map(v4);
    if let Some(from) = from.filter(|from| by_hand(before, network, *from)) {
        let prefix = from.prefix_len().min(needed);
        return Ok(Wish::ByHand { prefix });
    }
    if !after.policy.pools.is_empty() {
        wide_enough(&after.pools, &network.name, containers)?;
    }
    match after.pools.iter().any(|pool| pool.size > needed) {
        true => Ok(Wish::Wide {
            prefix: needed,
            containers,
        }),
        false => Ok(Wish::FromPools),
    }
}

impl Wish {
    fn fulfil(
        self,
        cleared: &Assessment,
        pools: &[AddressPool],
        taken: &[Ipv4Net],
        name: &str,
    ) -> Result<Target, Blocker> {
        let find = |prefix| {
            clear_subnet(cleared, pools, taken, prefix).ok_or_else(|| Blocker::NoRangeForNetwork {
                network: name.to_owned(),
                prefix,
            })
        };
        match self {
            Wish::ByHand { prefix } => find(prefix).map(Target::ByHand),
            Wish::Wide { prefix, containers } => {
                find(prefix).map(|subnet| Target::Wide { subnet, containers })
            }
            Wish::FromPools => Err(Blocker::NoSubnetForNetwork {
                network: name.to_owned(),
            }),
        }
    }
}

/// Whether a person gave the subnet. Docker's own store knows; where it could not be read, the
/// engine may still show it: it chose no subnet without a gateway, of a shape that no pool has, or
/// with an address that was given to a container by hand.
fn by_hand(facts: &Facts, network: &Network, from: Ipv4Net) -> bool {
    if let Some(known) = network.by_hand {
        return known;
    }
    let in_force = facts.docker.engine.iter();
    let in_force = in_force.flat_map(|engine| engine.pools.iter().flatten());
    let of_a_pool =
        |pool: &AddressPool| pool.size == from.prefix_len() && pool.base.contains(&from);
    network.shaped
        || !network.gateways.iter().any(IpAddr::is_ipv4)
        || !in_force.chain(&BUILT_IN).any(of_a_pool)
        || members(facts, &network.name)
            .any(|(_, detail)| matches!(detail.networks.get(&network.name), Some(Some(_))))
}

/// A clear subnet of this width: from the end of the pools, never a whole pool. If rebridge chose the
/// pools and they have none, it comes from elsewhere in private space.
fn clear_subnet(
    cleared: &Assessment,
    pools: &[AddressPool],
    taken: &[Ipv4Net],
    prefix: u8,
) -> Option<Ipv4Net> {
    let in_the_way = RangeSet::new(taken.iter().copied());
    let mut from_the_end = pools.iter().rev();
    let in_pools = from_the_end.find_map(|pool| last_free_in(pool, prefix, &in_the_way));
    if in_pools.is_some() || !cleared.policy.pools.is_empty() {
        return in_pools;
    }
    let off = pools.iter().map(|pool| pool.base);
    let needed = &cleared.needed;
    let search = Search::new(cleared, needed, off.chain(taken.iter().copied()));
    let chosen = search.find(&[(prefix, prefix)], 1)?;
    Some(chosen.pool.base)
}

fn last_free_in(pool: &AddressPool, prefix: u8, taken: &RangeSet) -> Option<Ipv4Net> {
    let bits = prefix.checked_sub(pool.base.prefix_len())?;
    // Listing more than 65,536 subnets takes too long.
    if bits == 0 || bits > 16 {
        return None;
    }
    let subnets: Vec<Ipv4Net> = pool.base.subnets(prefix).ok()?.collect();
    let mut from_the_end = subnets.into_iter().rev();
    from_the_end.find(|net| !taken.overlaps(*net))
}
