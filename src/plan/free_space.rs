//! Where in private space a new range can lie: off what is needed, off the rest of the list, and
//! with room beside what Docker has stored. Of one host, or of many hosts that are to have the same
//! range.

use super::favoured::{self, Likelihood, Marks};
use crate::facts::{AddressPool, Facts};
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, net, overlap4};
use ipnet::Ipv4Net;

/// Prefix length of the pool and of its subnets.
pub type Shape = (u8, u8);

/// Narrower subnets are the last resort. A wider one in a range that others favour is better.
const COMFORTABLE: u8 = 26;

/// What a machine that changes its networks meets behind other people's routers.
pub const LOW_HOME_RANGES: Ipv4Net = net(192, 168, 0, 0, 17);

/// What a search for a new range has to keep off.
#[derive(Debug, Clone, Default)]
pub struct FreeSpace {
    pub in_the_way: RangeSet,
    /// The rest of the list, and what docker0 leaves.
    pub pooled: RangeSet,
    /// What Docker's networks hold, docker0 aside; a list for each host.
    pub stored: Vec<Vec<Ipv4Net>>,
    pub marks: Marks,
    pub roams: bool,
}

impl FreeSpace {
    /// The first pool of one of these shapes that has room for so many networks.
    pub fn find(&self, shapes: &[Shape], networks: u64) -> Option<AddressPool> {
        self.in_order(shapes)
            .find(|pool| self.is_clear(*pool, networks))
    }

    /// The pools of these shapes, best first, whether they are clear or not. Some come twice.
    pub fn in_order<'s>(&'s self, shapes: &[Shape]) -> impl Iterator<Item = AddressPool> + use<'s> {
        let all = shapes.to_vec();
        let comfortable = shapes.iter().filter(|(_, size)| *size <= COMFORTABLE);
        let comfortable: Vec<Shape> = comfortable.copied().collect();
        let off = [
            Likelihood::Seldom,
            Likelihood::Often,
            Likelihood::Everywhere,
        ]
        .map(Some);
        let first = off.map(|from| (from, comfortable.clone()));
        let then = off.into_iter().chain([None]);
        let then = then.map(move |from| (from, all.clone()));
        first
            .into_iter()
            .chain(then)
            .flat_map(|(from, shapes)| self.off_favoured(from, shapes))
    }

    /// The pools off every range that is favoured this much or more.
    fn off_favoured(
        &self,
        from: Option<Likelihood>,
        shapes: Vec<Shape>,
    ) -> impl Iterator<Item = AddressPool> + use<> {
        let rows = from.map(|from| favoured::rows(&self.marks, from));
        let rows = RangeSet::new(rows.into_iter().flatten().map(|row| row.net));
        shapes.into_iter().flat_map(move |(width, size)| {
            let rows = rows.clone();
            let bases = PRIVATE_BLOCKS
                .into_iter()
                .flat_map(move |block| candidates(block, width));
            bases
                .filter(move |base| !rows.overlaps(*base))
                .filter_map(move |base| AddressPool::new(base, size))
        })
    }

    pub fn is_clear(&self, pool: AddressPool, networks: u64) -> bool {
        let taken = self.in_the_way.overlaps(pool.base) || self.pooled.overlaps(pool.base);
        !taken && !self.is_on_the_road(pool.base) && self.has_room(pool, networks)
    }

    /// Whether a machine that roams may meet the range.
    pub fn is_on_the_road(&self, base: Ipv4Net) -> bool {
        self.roams && overlap4(&base, &LOW_HOME_RANGES)
    }

    /// Whether every host has room for so many networks in the pool.
    pub fn has_room(&self, pool: AddressPool, networks: u64) -> bool {
        let mut hosts = self.stored.iter();
        pool.capacity() >= networks && hosts.all(|stored| has_room(stored, pool, networks))
    }
}

/// Networks that Docker has in the pool already are no harm: they may well come from it. A wider one
/// is, as an engine from 27 on can pick a part of it again and again.
pub fn has_room(stored: &[Ipv4Net], pool: AddressPool, networks: u64) -> bool {
    let here = stored.iter().filter(|net| overlap4(net, &pool.base));
    let here: Vec<Ipv4Net> = here.copied().collect();
    let used = RangeSet::new(here.iter().copied()).count_blocked(pool.base, pool.size);
    here.iter().all(|net| net.prefix_len() >= pool.size) && pool.capacity() - used >= networks
}

/// Whether this machine changes its networks: it has a wireless link, or a saved profile for one.
/// Drivers and udev begin the names of WLAN with wl, those of mobile modems with ww
/// (systemd.net-naming-scheme).
pub fn roams(facts: &Facts) -> bool {
    let mut links = facts.kernel.links.iter();
    let has_link = links.any(|link| link.name.starts_with("wl") || link.name.starts_with("ww"));
    has_link || facts.wireless_profile.is_some()
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

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
}
