//! Which new range Docker gets: private, clear of everything this host needs, and always the same
//! for the same host.
//!
//! The order is a promise. Ranges that nobody is known to favour come first, then those that are
//! favoured seldom, often, everywhere (see [`favoured`](super::favoured)). Within that, a wide pool
//! comes before a narrow one (subnets below /26 come last of all), and the private blocks come in the order of [`PRIVATE_BLOCKS`]. Within
//! a block the search begins at 200/256 of its width (such as 10.200.0.0/16), goes up and wraps
//! round.

use super::blocker::Blocker;
use super::favoured::{self, Favoured, Marks};
use super::free_space::{FreeSpace, Shape, candidates, roams};
use crate::assess::Assessment;
use crate::assess::needed::Needed;
use crate::assess::sides::NeededSide;
use crate::facts::{AddressPool, Source};
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};

/// The shapes of a list that rebridge makes itself, best first. Each has room for docker0 and at
/// least 64 networks. The last is for hosts where hardly anything is free.
pub const SHAPES: [Shape; 6] = [(16, 24), (17, 24), (18, 25), (19, 26), (20, 27), (21, 28)];

/// No subnet of a pool that rebridge chooses is narrower.
const NARROWEST: u8 = 28;

/// More ranges that were passed over are not remembered.
const REMEMBERED: usize = 4;

/// A new pool, and why it was not another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    pub pool: AddressPool,
    /// The first ranges of the search that were not taken, each reason once.
    pub passed: Vec<Passed>,
    /// Who is known to use the range elsewhere, where nothing better was free.
    pub favoured: Option<&'static Favoured>,
}

/// A range that was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    pub range: Ipv4Net,
    pub why: WhyPassed,
}

#[derive(Debug, Clone, PartialEq)]
pub enum WhyPassed {
    Needed(Box<NeededSide>),
    /// A Docker network is too wide for the subnets of the pool, or they are all in use.
    Stored,
    /// Another pool of the list.
    Pooled,
    Favoured(&'static Favoured),
    /// A machine that roams meets it on the road.
    OnTheRoad,
}

/// A search for a new range on one host.
pub struct Search<'s, 'a> {
    assessment: &'s Assessment<'a>,
    needed: &'s [Needed<'a>],
    free: FreeSpace,
}

impl<'s, 'a> Search<'s, 'a> {
    pub fn new(
        assessment: &'s Assessment<'a>,
        needed: &'s [Needed<'a>],
        pooled: impl IntoIterator<Item = Ipv4Net>,
    ) -> Search<'s, 'a> {
        Search {
            assessment,
            needed,
            free: FreeSpace {
                in_the_way: RangeSet::new(needed.iter().filter_map(|need| v4(&need.net))),
                pooled: RangeSet::new(pooled),
                stored: vec![stored(assessment)],
                marks: Marks::of(assessment.facts),
                roams: roams(assessment.facts),
            },
        }
    }

    /// The same where docker0 stays: it takes room in a pool that holds it.
    pub fn beside(mut self, docker0: Option<Ipv4Net>) -> Search<'s, 'a> {
        let range = docker0.map(|address| address.trunc());
        let stored = self.free.stored.iter_mut();
        stored.for_each(|stored| stored.extend(range));
        self
    }

    /// The first pool of one of these shapes that has room for so many networks.
    pub fn find(&self, shapes: &[Shape], networks: u64) -> Option<Chosen> {
        let pool = self.free.find(shapes, networks)?;
        Some(Chosen {
            pool,
            passed: self.passed_before(pool),
            favoured: favoured::most_likely(self.assessment.facts, pool.base),
        })
    }

    /// Why the ranges before this one, in its own block and shape and from the first choice of all
    /// on, were not taken.
    fn passed_before(&self, pool: AddressPool) -> Vec<Passed> {
        let mut passed: Vec<Passed> = Vec::new();
        let width = pool.base.prefix_len();
        let blocks = PRIVATE_BLOCKS.into_iter();
        let before = blocks
            .flat_map(|block| candidates(block, width).take(FIRST_OF_A_BLOCK))
            .take_while(|base| *base != pool.base);
        for range in before {
            let Some(why) = self.why_not(range, pool.size) else {
                continue;
            };
            if passed.iter().all(|known| known.why != why) {
                passed.push(Passed { range, why });
            }
            if passed.len() == REMEMBERED {
                break;
            }
        }
        passed
    }

    fn why_not(&self, base: Ipv4Net, size: u8) -> Option<WhyPassed> {
        let facts = self.assessment.facts;
        let wanted = IpNet::V4(base);
        let mut needs = self.needed.iter();
        if let Some(need) = needs.find(|need| v4(&need.net).is_some_and(|n| overlap4(&n, &base))) {
            let side = NeededSide::of(need, Some(&wanted), facts);
            return Some(WhyPassed::Needed(Box::new(side)));
        }
        if self.free.pooled.overlaps(base) {
            return Some(WhyPassed::Pooled);
        }
        let pool = AddressPool::new(base, size)?;
        if !self.free.has_room(pool, 1) {
            return Some(WhyPassed::Stored);
        }
        if self.free.is_on_the_road(base) {
            return Some(WhyPassed::OnTheRoad);
        }
        favoured::most_likely(facts, base).map(WhyPassed::Favoured)
    }
}

/// Only the first candidates are explained: later ones fail for the same reasons.
const FIRST_OF_A_BLOCK: usize = 64;

/// The shapes of a pool that takes the place of one that is in the way: as many networks of the
/// same width, else narrower ones. A wide pool is needed by nobody: 64 networks will do.
pub fn shapes_like(pool: AddressPool) -> Vec<Shape> {
    let enough = pool.size.saturating_sub(6).min(16);
    let width = pool.base.prefix_len().max(enough);
    let steps = 0..=NARROWEST.saturating_sub(pool.size);
    let shapes = steps.map(|step| (width + step, pool.size + step));
    shapes
        .filter(|(width, size)| width <= size && *size <= 30)
        .collect()
}

/// The shapes of a pool with room for so many networks of this size, or narrower.
pub fn shapes_for(networks: u64, size: u8) -> Vec<Shape> {
    let bits = networks.max(1).next_power_of_two().ilog2();
    let bits = u8::try_from(bits).unwrap_or(u8::MAX);
    let sizes = size..=size.max(NARROWEST);
    sizes
        .filter_map(|size| Some((size.checked_sub(bits)?, size)))
        .collect()
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

/// The subnets of every network that Docker has stored, without docker0's. A `bip` over one of them
/// is fatal.
pub fn stored(assessment: &Assessment) -> Vec<Ipv4Net> {
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
    fn a_pool_is_replaced_by_one_with_as_many_networks() {
        let shapes = |base: &str, size| {
            shapes_like(AddressPool {
                base: base.parse().unwrap(),
                size,
            })
        };
        let first = |base, size| shapes(base, size)[0];
        assert_eq!(first("172.20.0.0/14", 16), (14, 16));
        assert_eq!(first("10.5.0.0/20", 24), (20, 24));
        assert_eq!(first("10.0.0.0/8", 24), (16, 24));
        assert_eq!(first("10.0.0.0/8", 16), (10, 16));
        assert_eq!(first("10.0.0.0/24", 30), (24, 30));
        assert_eq!(shapes("172.20.0.0/14", 16).last(), Some(&(26, 28)));
        assert_eq!(shapes_for(3, 24)[0], (22, 24));
        assert_eq!(shapes_for(1, 28), [(28, 28)]);
    }
}
