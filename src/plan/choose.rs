//! Which new range Docker gets: private, clear of everything this host needs, and always the same
//! for the same host.
//!
//! The order is a promise. Ranges that nobody is known to favour come first, then those that are
//! favoured seldom, often, everywhere (see [`favoured`](super::favoured)). Within that, a wide pool
//! comes before a narrow one (subnets below /26 come last of all), and the private blocks come in the order of [`PRIVATE_BLOCKS`]. Within
//! a block the search begins at 200/256 of its width (such as 10.200.0.0/16), goes up and wraps
//! round.

use super::blocker::Blocker;
use super::favoured::{self, Favoured, Likelihood};
use crate::assess::Assessment;
use crate::assess::needed::Needed;
use crate::assess::sides::NeededSide;
use crate::facts::{AddressPool, Facts, Source};
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, net, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};

/// Prefix length of the pool and of its subnets.
pub type Shape = (u8, u8);

/// The shapes of a list that rebridge makes itself, best first. Each has room for docker0 and at
/// least 64 networks. The last is for hosts where hardly anything is free.
pub const SHAPES: [Shape; 6] = [(16, 24), (17, 24), (18, 25), (19, 26), (20, 27), (21, 28)];

/// Narrower subnets are the last resort. A wider one in a range that others favour is better.
const COMFORTABLE: u8 = 26;

/// No subnet of a pool that rebridge chooses is narrower.
const NARROWEST: u8 = 28;

/// What a machine that changes its networks meets behind other people's routers.
const LOW_HOME_RANGES: Ipv4Net = net(192, 168, 0, 0, 17);

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

/// What a search for a new range has to keep off.
pub struct Search<'s, 'a> {
    assessment: &'s Assessment<'a>,
    needed: &'s [Needed<'a>],
    /// The same, as a set.
    in_the_way: RangeSet,
    /// What Docker's networks hold, and docker0 where it stays.
    stored: Vec<Ipv4Net>,
    /// The rest of the list, and what docker0 leaves.
    pooled: RangeSet,
    roams: bool,
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
            in_the_way: RangeSet::new(needed.iter().filter_map(|need| v4(&need.net))),
            stored: stored(assessment),
            pooled: RangeSet::new(pooled),
            roams: roams(assessment.facts),
        }
    }

    /// The same where docker0 stays: it takes room in a pool that holds it.
    pub fn beside(mut self, docker0: Option<Ipv4Net>) -> Search<'s, 'a> {
        self.stored.extend(docker0.map(|address| address.trunc()));
        self
    }

    /// The first pool of one of these shapes that has room for so many networks.
    pub fn find(&self, shapes: &[Shape], networks: u64) -> Option<Chosen> {
        let off = [
            Likelihood::Seldom,
            Likelihood::Often,
            Likelihood::Everywhere,
        ]
        .map(Some);
        let comfortable: Vec<Shape> = shapes
            .iter()
            .filter(|(_, size)| *size <= COMFORTABLE)
            .copied()
            .collect();
        let comfortable = off
            .iter()
            .find_map(|from| self.find_off(*from, &comfortable, networks));
        let pool = comfortable.or_else(|| {
            let mut off = off.iter().chain(&[None]);
            off.find_map(|from| self.find_off(*from, shapes, networks))
        })?;
        Some(Chosen {
            pool,
            passed: self.passed_before(pool),
            favoured: favoured::most_likely(self.assessment.facts, pool.base),
        })
    }

    /// The same, off every range that is favoured this much or more.
    fn find_off(
        &self,
        favoured: Option<Likelihood>,
        shapes: &[Shape],
        networks: u64,
    ) -> Option<AddressPool> {
        let rows = favoured.map(|from| favoured::rows(self.assessment.facts, from));
        let rows = RangeSet::new(rows.into_iter().flatten().map(|row| row.net));
        shapes.iter().find_map(|shape| {
            PRIVATE_BLOCKS.into_iter().find_map(|block| {
                let mut bases = candidates(block, shape.0).filter(|base| !rows.overlaps(*base));
                let base = bases.find(|base| self.is_clear(*base, shape.1, networks))?;
                AddressPool::new(base, shape.1)
            })
        })
    }

    fn is_clear(&self, base: Ipv4Net, size: u8, networks: u64) -> bool {
        let taken = self.in_the_way.overlaps(base) || self.pooled.overlaps(base);
        let avoided = self.roams && overlap4(&base, &LOW_HOME_RANGES);
        !taken && !avoided && self.has_room(base, size, networks)
    }

    /// Networks that Docker has in the pool already are no harm: they may well come from it. A
    /// wider one is, as an engine from 27 on can pick a part of it again and again.
    fn has_room(&self, base: Ipv4Net, size: u8, networks: u64) -> bool {
        let here = self.stored.iter().filter(|net| overlap4(net, &base));
        let here: Vec<Ipv4Net> = here.copied().collect();
        let Some(pool) = AddressPool::new(base, size) else {
            return false;
        };
        let used = RangeSet::new(here.iter().copied()).count_blocked(base, size);
        here.iter().all(|net| net.prefix_len() >= size) && pool.capacity() - used >= networks
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
        if self.pooled.overlaps(base) {
            return Some(WhyPassed::Pooled);
        }
        if !self.has_room(base, size, 1) {
            return Some(WhyPassed::Stored);
        }
        if self.roams && overlap4(&base, &LOW_HOME_RANGES) {
            return Some(WhyPassed::OnTheRoad);
        }
        favoured::most_likely(facts, base).map(WhyPassed::Favoured)
    }
}

/// Only the first candidates are explained: later ones fail for the same reasons.
const FIRST_OF_A_BLOCK: usize = 64;

/// Whether this machine changes its networks: it has a wireless link, or a saved profile for one.
/// Drivers and udev begin the names of WLAN with wl, those of mobile modems with ww
/// (systemd.net-naming-scheme).
fn roams(facts: &Facts) -> bool {
    let mut links = facts.kernel.links.iter();
    let has_link = links.any(|link| link.name.starts_with("wl") || link.name.starts_with("ww"));
    has_link || facts.wireless_profile.is_some()
}

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

/// The networks of one prefix length in a block, in the order of the search. Never the whole block:
/// all the private space of a kind would be Docker's.
pub fn candidates(block: Ipv4Net, prefix: u8) -> impl Iterator<Item = Ipv4Net> {
    let count = prefix
        .checked_sub(block.prefix_len())
        .filter(|bits| *bits > 0)
        .map_or(0, |bits| 1usize << bits);
    let start = count * 200 / 256;
    let all = move || block.subnets(prefix).into_iter().flatten().take(count);
    all().skip(start).chain(all().take(start))
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
    }

    #[test]
    fn no_block_is_taken_whole() {
        for (block, prefix) in [(0, 8), (1, 12), (2, 16), (2, 12)] {
            assert_eq!(candidates(PRIVATE_BLOCKS[block], prefix).count(), 0);
        }
        assert_eq!(candidates(PRIVATE_BLOCKS[2], 17).count(), 2);
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
