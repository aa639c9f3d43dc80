//! In which order an engine hands out the subnets of its pools.
//!
//! Up to 26 the engine lays all subnets of all pools in a row, in the order of daemon.json, and goes round it: the next
//! search begins behind the last subnet handed out, so what was freed is not used again before the row is through. The
//! place is in the daemon's memory and back at the start when it restarts. From 27 on the pools are sorted, one that
//! overlaps an earlier one is dropped, and the lowest free subnet of the first pool is taken, always.
//!
//! Both step over a subnet if any address in it is taken by another Docker network, or reserved (see
//! [`super::reserved_by_engine`]).

use super::{AddressPool, Version};
use crate::subnet::RangeSet;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// The engine's place in its pools and what is taken.
#[derive(Debug, Clone)]
pub struct Allocator {
    row: Row,
    goes_round: bool,
    next: u64,
    taken: BTreeMap<u32, u32>,
    reserved: RangeSet,
}

/// The subnets of the pools in a row, found by arithmetic: there may be millions.
#[derive(Debug, Clone)]
struct Row {
    pools: Vec<AddressPool>,
}

impl Row {
    fn length(&self) -> u64 {
        self.pools.iter().map(AddressPool::capacity).sum()
    }

    fn at(&self, mut place: u64) -> Option<Ipv4Net> {
        for pool in &self.pools {
            let capacity = pool.capacity();
            if place < capacity {
                let step = u32::try_from(place << (32 - u32::from(pool.size))).ok()?;
                let first = u32::from(pool.base.network()).checked_add(step)?;
                return Ipv4Net::new(first.into(), pool.size).ok();
            }
            place -= capacity;
        }
        None
    }

    /// The place of the first subnet of the same pool that begins behind this address; else of the next pool's first.
    fn place_behind(&self, place: u64, address: u32) -> u64 {
        let mut before = 0;
        for pool in &self.pools {
            let end = before + pool.capacity();
            if place < end {
                let offset = u64::from(address.saturating_sub(pool.base.network().into())) + 1;
                let behind = before + offset.div_ceil(1u64 << (32 - u32::from(pool.size)));
                return behind.clamp(place + 1, end);
            }
            before = end;
        }
        before
    }

    fn place_of(&self, subnet: Ipv4Net) -> Option<u64> {
        let mut before = 0;
        for pool in &self.pools {
            if pool.size == subnet.prefix_len() && pool.base.contains(&subnet) {
                let offset = u32::from(subnet.network()) - u32::from(pool.base.network());
                return Some(before + (u64::from(offset) >> (32 - u32::from(pool.size))));
            }
            before += pool.capacity();
        }
        None
    }
}

impl Allocator {
    /// An engine of this version that has just started. Without a version it behaves like the newest.
    pub fn new(pools: &[AddressPool], version: Option<Version>, reserved: RangeSet) -> Allocator {
        let row = Row { pools: in_effect(pools, version) };
        Allocator { row, goes_round: goes_round(version), next: 0, taken: BTreeMap::new(), reserved }
    }

    /// A subnet that a network has, wherever it came from. Engine and kernel may differ on docker0, so ranges may lie
    /// over each other; they are kept merged.
    pub fn take(&mut self, subnet: Ipv4Net) {
        let (mut first, mut last): (u32, u32) = (subnet.network().into(), subnet.broadcast().into());
        while let Some((begin, end)) = self.taken_over(first, last) {
            self.taken.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        self.taken.insert(first, last);
    }

    /// A taken range with an address among these. They are disjoint, so of those that begin before the end the last
    /// reaches furthest.
    fn taken_over(&self, first: u32, last: u32) -> Option<(u32, u32)> {
        let (begin, end) = self.taken.range(..=last).next_back()?;
        (*end >= first).then_some((*begin, *end))
    }

    /// The last subnet this engine handed out since it started; it goes on behind that one.
    pub fn handed_out_last(&mut self, subnet: Ipv4Net) {
        if let Some(place) = self.row.place_of(subnet).filter(|_| self.goes_round) {
            self.next = self.behind(place);
        }
    }

    /// All subnets of the pools in effect.
    pub fn capacity(&self) -> u64 {
        self.row.length()
    }

    /// How many it could still hand out. Where pools overlap each other, one pool after the other is counted.
    pub fn free(&self) -> u64 {
        let mut blocked =
            self.reserved.union(&RangeSet::of_bounds(self.taken.iter().map(|(first, last)| (*first, *last))));
        let mut count = 0;
        for pool in &self.row.pools {
            let clear = blocked.carve(pool.base, pool.size);
            count += clear.iter().map(|net| 1u64 << (pool.size - net.prefix_len())).sum::<u64>();
            blocked = blocked.union(&RangeSet::new(clear));
        }
        count
    }

    /// The next subnet, which is then taken; none when the pools are used up.
    pub fn hand_out(&mut self) -> Option<Ipv4Net> {
        let length = self.row.length();
        let begin = self.next;
        // Without a place in memory everything before `next` is known to be in use.
        let around = if self.goes_round { 0..begin } else { 0..0 };
        let place = self.first_free(begin..length).or_else(|| self.first_free(around))?;
        let subnet = self.row.at(place)?;
        self.next = if self.goes_round { self.behind(place) } else { place + 1 };
        self.take(subnet);
        Some(subnet)
    }

    /// The first place of these whose subnet is clear. What is taken is stepped over whole, however many subnets it is.
    fn first_free(&self, places: std::ops::Range<u64>) -> Option<u64> {
        let mut place = places.start;
        while place < places.end {
            let subnet = self.row.at(place)?;
            let Some(end) = self.blocked_until(subnet) else { return Some(place) };
            place = self.row.place_behind(place, end);
        }
        None
    }

    /// The last address of what lies over this subnet, if anything does.
    fn blocked_until(&self, subnet: Ipv4Net) -> Option<u32> {
        let (first, last): (u32, u32) = (subnet.network().into(), subnet.broadcast().into());
        let taken = self.taken_over(first, last).map(|(_, end)| end);
        taken.max(self.reserved.end_of_overlap(subnet))
    }

    fn behind(&self, place: u64) -> u64 {
        if place + 1 < self.row.length() { place + 1 } else { 0 }
    }
}

/// Whether this engine remembers its place.
fn goes_round(version: Option<Version>) -> bool {
    version.is_some_and(|version| version.major < 27)
}

/// The pools as this engine sees them: from 27 on sorted, and without those that overlap an earlier, wider one.
pub fn in_effect(pools: &[AddressPool], version: Option<Version>) -> Vec<AddressPool> {
    let mut pools = pools.to_vec();
    if goes_round(version) {
        return pools;
    }
    pools.sort_by_key(|pool| (pool.base.network(), pool.base.prefix_len()));
    let mut kept: Vec<AddressPool> = Vec::with_capacity(pools.len());
    for pool in pools {
        if kept.last().is_none_or(|before| !before.base.contains(&pool.base)) {
            kept.push(pool);
        }
    }
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::engine_model::{BUILT_IN, pools::parse_flag};

    const OLD: Option<Version> = Some(Version { major: 26, minor: 1 });
    const NEW: Option<Version> = Some(Version { major: 28, minor: 5 });

    fn engine(pools: &str, version: Option<Version>) -> Allocator {
        let pools: Vec<AddressPool> = pools
            .split(' ')
            .map(|pool| pool.rsplit_once('/').map(|(base, size)| format!("base={base},size={size}")).unwrap())
            .map(|flag| parse_flag(&flag).unwrap())
            .collect();
        Allocator::new(&pools, version, RangeSet::default())
    }

    fn take(engine: &mut Allocator, count: usize) -> String {
        let nets: Vec<String> = std::iter::from_fn(|| engine.hand_out()).take(count).map(|n| n.to_string()).collect();
        nets.join(" ")
    }

    /// What the engines did, measured.
    #[test]
    fn hands_out_as_engines_do() {
        for (pools, old, new) in [
            ("10.210.0.0/16/24 10.200.0.0/16/24", "10.210.0.0/24 10.210.1.0/24", "10.200.0.0/24 10.200.1.0/24"),
            ("10.200.0.0/16/24 10.200.4.0/22/26", "10.200.0.0/24 10.200.1.0/24", "10.200.0.0/24 10.200.1.0/24"),
            ("10.200.4.0/22/26 10.200.0.0/16/24", "10.200.4.0/26 10.200.4.64/26", "10.200.0.0/24 10.200.1.0/24"),
            ("10.200.0.0/23/24 10.200.0.0/23/24", "10.200.0.0/24 10.200.1.0/24", "10.200.0.0/24 10.200.1.0/24"),
            ("172.17.0.0/12/16", "172.16.0.0/16 172.17.0.0/16", "172.16.0.0/16 172.17.0.0/16"),
            ("10.200.0.7/24/26", "10.200.0.0/26 10.200.0.64/26", "10.200.0.0/26 10.200.0.64/26"),
        ] {
            assert_eq!(take(&mut engine(pools, OLD), 2), old, "{pools}");
            assert_eq!(take(&mut engine(pools, NEW), 2), new, "{pools}");
        }
        let across = "10.210.0.0/24/25 10.200.0.0/23/24";
        assert_eq!(take(&mut engine(across, OLD), 9), "10.210.0.0/25 10.210.0.128/25 10.200.0.0/24 10.200.1.0/24");
        assert_eq!(take(&mut engine(across, NEW), 9), "10.200.0.0/24 10.200.1.0/24 10.210.0.0/25 10.210.0.128/25");
        let inner = "10.200.0.0/22/26 10.200.0.0/21/24";
        assert_eq!(engine(inner, OLD).free(), 16 + 4, "the wide pool goes on where the narrow one ends");
        assert_eq!((engine(inner, NEW).free(), engine(inner, NEW).capacity()), (8, 8));
    }

    #[test]
    fn old_engines_go_round_and_new_ones_fill_gaps() {
        for (version, wanted) in [(OLD, "172.23.0.0/16 172.24.0.0/16"), (NEW, "172.20.0.0/16 172.23.0.0/16")] {
            let mut engine = Allocator::new(&BUILT_IN, version, RangeSet::default());
            for second in [17, 18, 19, 21, 22] {
                engine.take(Ipv4Net::new([172, second, 0, 0].into(), 16).unwrap());
            }
            engine.handed_out_last("172.22.0.0/16".parse().unwrap());
            assert_eq!(take(&mut engine, 2), wanted);
        }
        let mut engine = engine("10.200.0.0/22/24", OLD);
        engine.handed_out_last("10.200.3.0/24".parse().unwrap());
        assert_eq!(take(&mut engine, 9), "10.200.0.0/24 10.200.1.0/24 10.200.2.0/24 10.200.3.0/24");
    }

    #[test]
    fn steps_over_what_is_taken_or_reserved_in_part() {
        let reserved = RangeSet::new(["172.18.0.7/32".parse().unwrap()]);
        let mut engine = Allocator::new(&BUILT_IN, NEW, reserved);
        engine.take("172.19.0.0/24".parse().unwrap());
        engine.take("192.168.10.0/24".parse().unwrap());
        assert_eq!((engine.capacity(), engine.free()), (31, 28));
        engine.take("172.24.0.0/13".parse().unwrap());
        engine.take("172.26.0.0/16".parse().unwrap());
        assert_eq!(engine.free(), 20);
        assert!(take(&mut engine, 99).starts_with("172.17.0.0/16 172.20.0.0/16 172.21.0.0/16"));
        assert_eq!(engine.hand_out(), None);
    }
}
