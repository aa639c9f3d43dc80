//! Which ranges Docker gets: private, clear of everything this host needs, and always the same for
//! the same host.
//!
//! The order is a promise. For each shape in [`SHAPES`], the private blocks without any sign of use
//! come first, then the others, both in the order of [`PRIVATE_BLOCKS`]. Within a block the search
//! begins at 200/256 of its width (such as 10.200.0.0/16), goes up and wraps round.

use super::blocker::Blocker;
use super::notice::Notice;
use crate::assess::Assessment;
use crate::assess::needed::Needed;
use crate::assess::sides::NeededSide;
use crate::facts::{AddressPool, Source};
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, SHARED_BLOCKS, first_host, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};

/// Prefix length of the pool and of its subnets, best first. Each has room for docker0 and at least
/// 64 networks. The last is for hosts where hardly anything is free.
const SHAPES: [(u8, u8); 6] = [(16, 24), (17, 24), (18, 25), (19, 26), (20, 27), (21, 28)];

/// Fewer networks than this are soon used up (Docker's own list has 31).
const ENOUGH: u64 = 16;

/// Pools, and docker0's address inside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Sorted, disjoint and without host bits, so that every engine reads them alike.
    pub pools: Vec<AddressPool>,
    /// A host address in the last subnet that is free.
    pub docker0: Ipv4Net,
    pub notices: Vec<Notice>,
}

/// Takes the operator's pools if there are any.
pub fn choose(assessment: &Assessment) -> Result<Choice, Blocker> {
    let (pools, notices) = if assessment.policy.pools.is_empty() {
        (vec![own_pool(assessment)?], Vec::new())
    } else {
        let pools = given_pools(assessment)?;
        let notices = notices(&pools);
        (pools, notices)
    };
    let docker0 = last_free(&pools, &stored(assessment)).ok_or(Blocker::NoSubnetForDocker0)?;
    Ok(Choice {
        pools,
        docker0,
        notices,
    })
}

/// The operator's pools without what this host needs.
pub fn given_pools(assessment: &Assessment) -> Result<Vec<AddressPool>, Blocker> {
    let given = &assessment.policy.pools;
    let mut clear = Vec::new();
    for pool in given {
        let blocked = assessment
            .needed
            .iter()
            .filter(|need| is_in_the_way(assessment, need, pool))
            .filter_map(|need| v4(&need.net));
        let left = RangeSet::new(blocked).carve(pool.base, pool.size);
        clear.extend(left.into_iter().map(|base| AddressPool {
            base,
            size: pool.size,
        }));
    }
    if clear.iter().map(AddressPool::capacity).sum::<u64>() >= 2 {
        return Ok(clear);
    }
    let in_the_way = assessment.needed.iter().find(|need| {
        given
            .iter()
            .any(|pool| is_in_the_way(assessment, need, pool))
    });
    Err(Blocker::PoolsCovered {
        pools: given.clone(),
        by: in_the_way.map(|need| Box::new(NeededSide::of(need, None, assessment.facts))),
    })
}

/// Traffic does not count against a pool the operator gave: tomorrow it is another. Who works on
/// this host from there does.
fn is_in_the_way(assessment: &Assessment, need: &Needed, pool: &AddressPool) -> bool {
    let counts = !need.is_suspected() || need.source() == Source::Ssh;
    counts
        && v4(&need.net).is_some_and(|net| overlap4(&pool.base, &net))
        && !assessment.overruled_by_pool(need, &IpNet::V4(pool.base))
}

fn own_pool(assessment: &Assessment) -> Result<AddressPool, Blocker> {
    let needed = assessment.needed_v4();
    let docker0 = assessment.facts.docker0().map(|address| address.trunc());
    let stored = RangeSet::new(stored(assessment).into_iter().chain(docker0));
    let (unused, used): (Vec<Ipv4Net>, Vec<Ipv4Net>) = PRIVATE_BLOCKS
        .into_iter()
        .partition(|block| !needed.overlaps(*block));
    for (prefix, size) in SHAPES {
        for block in unused.iter().chain(&used) {
            let clear = candidates(*block, prefix)
                .find(|net| !needed.overlaps(*net) && !stored.overlaps(*net));
            if let Some(base) = clear {
                return Ok(AddressPool { base, size });
            }
        }
    }
    Err(Blocker::NoFreeRange)
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

/// docker0's address, in the last subnet that no Docker network holds. The last one, so that no
/// network takes it before the restart. Inside the pools, because 20.10 otherwise dies once they are
/// full.
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

/// The subnets of every network that Docker has stored, without docker0's. A `bip` over one of them
/// is fatal.
fn stored(assessment: &Assessment) -> Vec<Ipv4Net> {
    let by_engine = assessment
        .facts
        .networks()
        .filter(|network| network.name != "bridge")
        .flat_map(|network| network.subnets.iter());
    let bridges = assessment
        .held
        .iter()
        .filter(|held| !held.is_docker0())
        .map(|held| &held.subnet);
    by_engine.chain(bridges).filter_map(v4).collect()
}

fn notices(pools: &[AddressPool]) -> Vec<Notice> {
    let networks = pools.iter().map(AddressPool::capacity).sum::<u64>();
    let networks = networks.saturating_sub(1);
    let few = (networks < ENOUGH).then_some(Notice::FewNetworks { networks });
    let shared = pools
        .iter()
        .filter(|pool| SHARED_BLOCKS.iter().any(|block| block.contains(&pool.base)))
        .map(|pool| Notice::PoolIsShared { pool: *pool });
    few.into_iter().chain(shared).collect()
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
