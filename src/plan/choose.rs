//! Which ranges Docker gets: clear of every fact and every wish, private, and always the same for
//! the same host.
//!
//! The order, and it is a promise: for each shape in [`SHAPES`], the private blocks without any
//! sign of use come first, then the others, both in the order of [`PRIVATE_BLOCKS`]; within a block
//! the search begins at 200/256 of its width (10.200.0.0/16, say), goes up and wraps round.

use super::Refusal;
use crate::assess::overruled_by_pool;
use crate::assess::sides::WantedSide;
use crate::assess::wanted::{self, Wanted};
use crate::facts::{AddressPool, Facts};
use crate::policy::Policy;
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, SHARED_BLOCKS, first_host, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};

/// Prefix length of the pool and of its subnets, best first. Each gives docker0 one subnet and at
/// least 64 networks more; the last is for hosts where hardly anything is free.
const SHAPES: [(u8, u8); 6] = [(16, 24), (17, 24), (18, 25), (19, 26), (20, 27), (21, 28)];

/// Fewer networks than this are soon used up (Docker's own list has 31).
const ENOUGH: u64 = 16;

/// Pools, and docker0's address inside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Sorted, disjoint, on their boundary: so every engine reads them alike.
    pub pools: Vec<AddressPool>,
    /// A host address in the last subnet that is free.
    pub docker0: Ipv4Net,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Chooses; from the operator's pools if there are any.
pub fn choose(facts: &Facts, policy: &Policy) -> Result<Choice, Refusal> {
    let (pools, warnings) = if policy.pools.is_empty() {
        (vec![own_pool(facts, policy)?], Vec::new())
    } else {
        let pools = given_pools(facts, policy)?;
        let warnings = warn_about(&pools);
        (pools, warnings)
    };
    let docker0 = last_free(&pools, &stored(facts)).ok_or_else(|| {
        Refusal::new(
            "cannot place docker0: every subnet of the pools is held by a Docker network",
            "give a wider --pool, or remove networks you no longer need",
        )
    })?;
    Ok(Choice {
        pools,
        docker0,
        warnings,
    })
}

/// The operator's pools with everything in the way cut out of them.
pub fn given_pools(facts: &Facts, policy: &Policy) -> Result<Vec<AddressPool>, Refusal> {
    let wanted = wanted::wanted(facts, policy);
    let mut clear = Vec::new();
    for pool in &policy.pools {
        let base = IpNet::V4(pool.base);
        let blocked = wanted
            .iter()
            .filter(|want| !overruled_by_pool(policy, want, &base))
            .filter_map(|want| v4(&want.net));
        let left = RangeSet::new(blocked).carve(pool.base, pool.size);
        clear.extend(left.into_iter().map(|base| AddressPool {
            base,
            size: pool.size,
        }));
    }
    if clear.iter().map(AddressPool::capacity).sum::<u64>() >= 2 {
        return Ok(clear);
    }
    let pools = policy
        .pools
        .iter()
        .map(|pool| pool.base.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let blocks = |want: &Wanted, pool: &AddressPool| {
        v4(&want.net).is_some_and(|net| overlap4(&pool.base, &net))
            && !overruled_by_pool(policy, want, &IpNet::V4(pool.base))
    };
    let in_the_way = wanted
        .iter()
        .find(|want| policy.pools.iter().any(|pool| blocks(want, pool)));
    let cause = in_the_way
        .map(|want| WantedSide::of(want, None, facts).describe())
        .unwrap_or_default();
    Err(Refusal::new(
        format!(
            "cannot use --pool {pools}: hardly anything in it is free of what this host needs \
             ({cause})"
        ),
        "give another --pool, or none and let rebridge choose",
    ))
}

/// rebridge's own choice.
fn own_pool(facts: &Facts, policy: &Policy) -> Result<AddressPool, Refusal> {
    let wanted = RangeSet::new(
        wanted::wanted(facts, policy)
            .iter()
            .filter_map(|want| v4(&want.net)),
    );
    let stored = RangeSet::new(
        stored(facts)
            .into_iter()
            .chain(facts.docker0().map(|address| address.trunc())),
    );
    let (unused, used): (Vec<Ipv4Net>, Vec<Ipv4Net>) = PRIVATE_BLOCKS
        .into_iter()
        .partition(|block| !wanted.overlaps(*block));
    for (prefix, size) in SHAPES {
        for block in unused.iter().chain(&used) {
            let clear = candidates(*block, prefix)
                .find(|net| !wanted.overlaps(*net) && !stored.overlaps(*net));
            if let Some(base) = clear {
                return Ok(AddressPool { base, size });
            }
        }
    }
    Err(Refusal::new(
        "cannot find a free range: routes, addresses, nameservers and --avoid cover all private \
         address space down to a /21",
        "name a range you know to be free with --pool; it is then taken against broader routes \
         through a gateway",
    ))
}

/// The networks of one prefix length in a block, in the order of the search.
pub(super) fn candidates(block: Ipv4Net, prefix: u8) -> impl Iterator<Item = Ipv4Net> {
    let count = prefix
        .checked_sub(block.prefix_len())
        .map_or(0, |bits| 1usize << bits);
    let start = count * 200 / 256;
    let all = move || block.subnets(prefix).into_iter().flatten();
    all().skip(start).chain(all().take(start))
}

/// The last subnet no Docker network holds, as docker0's address. Last, because a `bip` that waits
/// for a restart must not be handed to a network meanwhile; inside the pools, because 20.10 dies
/// otherwise once they are full.
fn last_free(pools: &[AddressPool], stored: &[Ipv4Net]) -> Option<Ipv4Net> {
    let taken = RangeSet::new(stored.iter().copied());
    pools.iter().rev().find_map(|pool| {
        let mut subnet = pool.last_subnet()?;
        loop {
            if !taken.overlaps(subnet) {
                return first_host(subnet);
            }
            let before = u32::from(subnet.network()).checked_sub(1)?;
            subnet = Ipv4Net::new(before.into(), pool.size).ok()?.trunc();
            if !pool.base.contains(&subnet) {
                return None;
            }
        }
    })
}

/// The subnets of every network Docker has stored, docker0's own aside: a `bip` over one of them is
/// fatal.
fn stored(facts: &Facts) -> Vec<Ipv4Net> {
    let by_engine = facts
        .engine_networks()
        .filter(|network| network.name != "bridge");
    let bridges = crate::assess::held(facts)
        .into_iter()
        .filter(|held| !held.is_docker0());
    by_engine
        .flat_map(|network| network.subnets.clone())
        .chain(bridges.map(|held| held.subnet))
        .filter_map(|n| v4(&n))
        .collect()
}

fn warn_about(pools: &[AddressPool]) -> Vec<String> {
    let mut warnings = Vec::new();
    let networks = pools
        .iter()
        .map(AddressPool::capacity)
        .sum::<u64>()
        .saturating_sub(1);
    if networks < ENOUGH {
        warnings.push(format!(
            "the pools have room for {networks} networks besides docker0; Docker's own have 30"
        ));
    }
    for pool in pools {
        if SHARED_BLOCKS.iter().any(|block| block.contains(&pool.base)) {
            warnings.push(format!(
                "the pool {} is not private address space: a carrier, Tailscale (100.64.0.0/10) or \
                 a test network (198.18.0.0/15) may use it",
                pool.base
            ));
        }
    }
    warnings
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_room_for_sixty_four_networks_and_docker0() {
        for (prefix, size) in SHAPES {
            assert!(1u64 << (size - prefix) > 64, "/{prefix} in /{size}s");
        }
    }

    #[test]
    fn the_search_begins_at_200_and_wraps_round() {
        let ten: Vec<String> = candidates(PRIVATE_BLOCKS[0], 16)
            .map(|net| net.to_string())
            .collect();
        assert_eq!(
            (ten.len(), ten[0].as_str(), ten[55].as_str()),
            (256, "10.200.0.0/16", "10.255.0.0/16")
        );
        assert_eq!(
            (ten[56].as_str(), ten[255].as_str()),
            ("10.0.0.0/16", "10.199.0.0/16")
        );
        assert_eq!(candidates(PRIVATE_BLOCKS[2], 16).count(), 1);
    }

    #[test]
    fn docker0_gets_the_last_subnet_that_is_free() {
        let pools = [
            AddressPool {
                base: "10.200.0.0/23".parse().unwrap(),
                size: 24,
            },
            AddressPool {
                base: "10.210.0.0/23".parse().unwrap(),
                size: 24,
            },
        ];
        let at = |taken: &[&str]| {
            let taken: Vec<Ipv4Net> = taken.iter().map(|t| t.parse().unwrap()).collect();
            last_free(&pools, &taken).map(|net| net.to_string())
        };
        assert_eq!(at(&[]).unwrap(), "10.210.1.1/24");
        assert_eq!(at(&["10.210.1.128/25"]).unwrap(), "10.210.0.1/24");
        assert_eq!(at(&["10.210.0.0/16"]).unwrap(), "10.200.1.1/24");
        assert!(at(&["10.0.0.0/8"]).is_none());
    }
}
