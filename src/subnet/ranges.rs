//! Sets of IPv4 addresses.

use ipnet::Ipv4Net;

/// A set of IPv4 addresses as sorted, disjoint, inclusive ranges. A list with the networks of a
/// whole fleet costs one sort, and then a binary search per question.
#[derive(Debug, Default, Clone)]
pub struct RangeSet {
    ranges: Vec<(u32, u32)>,
}

impl RangeSet {
    pub fn new(nets: impl IntoIterator<Item = Ipv4Net>) -> RangeSet {
        RangeSet::merge(nets.into_iter().map(bounds).collect())
    }

    pub fn insert(&mut self, net: Ipv4Net) {
        let (mut first, mut last) = bounds(net);
        let from = self
            .ranges
            .partition_point(|range| range.1.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|range| range.0 <= last.saturating_add(1))
            .max(from);
        for (low, high) in self.ranges.drain(from..to) {
            (first, last) = (first.min(low), last.max(high));
        }
        self.ranges.insert(from, (first, last));
    }

    pub fn union(&self, other: &RangeSet) -> RangeSet {
        RangeSet::merge(self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    fn merge(mut all: Vec<(u32, u32)>) -> RangeSet {
        all.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match ranges.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                Some(_) | None => ranges.push((first, last)),
            }
        }
        RangeSet { ranges }
    }

    /// Whether any address of the network is in the set.
    pub fn overlaps(&self, net: Ipv4Net) -> bool {
        let (first, last) = bounds(net);
        let at = self.ranges.partition_point(|range| range.1 < first);
        self.ranges.get(at).is_some_and(|range| range.0 <= last)
    }

    /// Whether every address of the network is in the set.
    pub fn covers(&self, net: Ipv4Net) -> bool {
        let (first, last) = bounds(net);
        let at = self.ranges.partition_point(|range| range.1 < first);
        self.ranges
            .get(at)
            .is_some_and(|range| range.0 <= first && last <= range.1)
    }

    /// How many networks of this prefix length inside `within` have an address in the set.
    pub fn count_blocked(&self, within: Ipv4Net, prefix: u8) -> u64 {
        let runs = self.blocked_runs(within, prefix);
        runs.map(|(from, to)| to - from + 1).sum()
    }

    /// The networks of this prefix length inside `within` that have an address in the set, as runs
    /// of their numbers, counted from the first address there is. It walks the ranges of the set and
    /// not the networks, of which there may be a million.
    pub fn blocked_runs(&self, within: Ipv4Net, prefix: u8) -> impl Iterator<Item = (u64, u64)> {
        let (first, last) = bounds(within);
        let bits = 32 - u32::from(prefix.min(32));
        let at = self.ranges.partition_point(|range| range.1 < first);
        let inside = self.ranges.get(at..).unwrap_or_default().iter();
        let inside = inside.take_while(move |range| range.0 <= last);
        let mut next = 0u64;
        inside.filter_map(move |range| {
            let from = (u64::from(range.0.max(first)) >> bits).max(next);
            let to = u64::from(range.1.min(last)) >> bits;
            next = next.max(to + 1);
            (from <= to).then_some((from, to))
        })
    }

    /// The first network of this prefix length inside `within` that has no address in the set.
    pub fn first_clear(&self, within: Ipv4Net, prefix: u8) -> Option<Ipv4Net> {
        let (mut candidate, last) = (
            Ipv4Net::new(within.network(), prefix).ok()?,
            bounds(within).1,
        );
        loop {
            let (from, to) = bounds(candidate);
            let at = self.ranges.partition_point(|range| range.1 < from);
            let Some(blocking) = self.ranges.get(at).filter(|range| range.0 <= to) else {
                return Some(candidate);
            };
            let next = blocking.1.max(to).checked_add(1)?;
            if next > last {
                return None;
            }
            candidate = Ipv4Net::new(next.into(), prefix).ok()?;
            // The range may end in the middle of a network: that one is blocked too, and the loop
            // steps over it.
            candidate = candidate.trunc();
        }
    }

    /// Cuts what the set covers out of a network: the fewest networks that remain, in order.
    /// A remainder narrower than `narrowest` is dropped.
    pub fn carve(&self, from: Ipv4Net, narrowest: u8) -> Vec<Ipv4Net> {
        if !self.overlaps(from) {
            return vec![from];
        }
        // A network that the set covers would otherwise be halved down to its last address.
        if from.prefix_len() >= narrowest || self.covers(from) {
            return Vec::new();
        }
        match from.subnets(from.prefix_len() + 1) {
            Ok(halves) => halves
                .flat_map(|half| self.carve(half, narrowest))
                .collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// First and last address of a network as numbers.
fn bounds(net: Ipv4Net) -> (u32, u32) {
    (u32::from(net.network()), u32::from(net.broadcast()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn n(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn range_sets_merge_neighbours_and_keep_gaps() {
        let set = RangeSet::new([
            n("10.0.1.0/24"),
            n("10.0.0.0/24"),
            n("10.0.0.0/25"),
            n("255.255.255.255/32"),
        ]);
        assert_eq!(set.ranges.len(), 2);
        assert!(set.overlaps(n("10.0.0.0/23")) && set.covers(n("10.0.0.0/23")));
        assert!(set.overlaps(n("10.0.0.0/22")) && !set.covers(n("10.0.0.0/22")));
        assert!(!set.overlaps(n("10.0.2.0/24")));
        assert!(set.overlaps(n("0.0.0.0/0")));
        assert!(!RangeSet::default().overlaps(n("0.0.0.0/0")));
    }

    /// One by one gives the same as all at once, in any order.
    #[test]
    fn inserting_is_collecting() {
        let nets = [
            "10.0.2.0/24",
            "10.0.0.0/24",
            "0.0.0.0/32",
            "10.0.1.0/24",
            "10.0.0.0/16",
            "255.255.255.255/32",
        ];
        for turn in 0..nets.len() {
            let mut order = nets.map(n);
            order.rotate_left(turn);
            let mut set = RangeSet::default();
            for (at, net) in order.iter().enumerate() {
                set.insert(*net);
                assert_eq!(
                    set.ranges,
                    RangeSet::new(order[..=at].iter().copied()).ranges,
                    "{order:?} up to {at}"
                );
            }
        }
    }

    #[test]
    fn carving_leaves_the_widest_clear_networks() {
        let set = RangeSet::new([n("10.200.1.0/24")]);
        assert_eq!(
            set.carve(n("10.200.0.0/22"), 24),
            [n("10.200.0.0/24"), n("10.200.2.0/23")]
        );
        assert_eq!(set.carve(n("10.201.0.0/16"), 24), [n("10.201.0.0/16")]);
        assert!(set.carve(n("10.200.1.0/24"), 28).is_empty());
        assert_eq!(
            RangeSet::new([n("10.200.0.0/32")]).carve(n("10.200.0.0/23"), 24),
            [n("10.200.1.0/24")]
        );
    }

    /// The arithmetic against the definition.
    #[test]
    fn counts_and_finds_what_walking_would() {
        let sets = [
            vec![],
            vec!["10.0.0.0/26"],
            vec!["10.0.0.5/32", "10.0.0.250/31", "10.0.1.0/25"],
            vec!["10.0.0.60/30", "10.0.0.64/30", "9.0.0.0/8"],
            vec!["10.0.0.0/22"],
        ];
        for nets in sets {
            let set = RangeSet::new(nets.iter().map(|net| n(net)));
            for within in ["10.0.0.0/23", "10.0.0.0/24", "10.0.0.64/26"] {
                for prefix in 26..=30 {
                    let plain: Vec<Ipv4Net> = n(within).subnets(prefix).unwrap().collect();
                    let clear: Vec<&Ipv4Net> =
                        plain.iter().filter(|net| !set.overlaps(**net)).collect();
                    let blocked = (plain.len() - clear.len()) as u64;
                    assert_eq!(
                        set.count_blocked(n(within), prefix),
                        blocked,
                        "{nets:?} {within} {prefix}"
                    );
                    assert_eq!(
                        set.first_clear(n(within), prefix).as_ref(),
                        clear.first().copied(),
                        "{nets:?} {within} {prefix}"
                    );
                }
            }
        }
        let all = RangeSet::new([n("0.0.0.0/0")]);
        assert_eq!(
            (
                all.count_blocked(n("255.0.0.0/8"), 32),
                all.first_clear(n("255.0.0.0/8"), 30)
            ),
            (1 << 24, None)
        );
    }
}
