//! Docker's allocator, stepped one subnet at a time: what it hands out next, and when it has
//! nothing left.
//!
//! There are two of them. Up to 26 all pools are one list of subnets, in the order of daemon.json,
//! and a place in that list: the search begins there and goes round. From 27 on the lowest free
//! subnet of the first pool wins. Both are modelled with their oddities, because a forecast that is
//! nearly right is wrong:
//! - up to 26 a search that went over the end of the list leaves the place at the top, not behind
//!   what it found; a subnet refused because of a route or a nameserver moves the place too, and one
//!   that was the last in the list puts it at the top before the search goes on;
//! - from 27 on a range ends where the last range *begun* ends: a host route or a nameserver inside
//!   an on-link network makes the engine forget the rest of that network, and it hands out subnets of
//!   it. Where the network is one of Docker's own, wider than the pool's subnets, the engine finds
//!   out too late: it creates no network any more (both measured on 28.5.2).

use super::pools_as_seen;
use crate::facts::{AddressPool, Version};
use crate::subnet::{RangeSet, overlap4};
use ipnet::Ipv4Net;
use std::collections::BTreeSet;

/// After this many subnets in vain it is worth asking whether any is free.
const A_LONG_WAY: u64 = 1 << 16;

/// The allocator of one engine at one moment. An iterator over what it hands out from now on.
#[derive(Debug, Clone)]
pub struct Allocator {
    version: Version,
    pools: Vec<AddressPool>,
    /// What networks hold.
    taken: RangeSet,
    /// On-link routes and nameservers, which the engine steps round.
    reserved: RangeSet,
    /// Both, one by one.
    blocked: BTreeSet<Ipv4Net>,
    /// Up to 26: where in the list the next search begins.
    place: u64,
}

impl Allocator {
    /// An engine of this version just started with these pools: nothing taken yet.
    pub fn new(version: Version, pools: &[AddressPool], reserved: BTreeSet<Ipv4Net>) -> Allocator {
        Allocator {
            version,
            pools: pools_as_seen(pools, Some(version)),
            taken: RangeSet::default(),
            reserved: RangeSet::new(reserved.iter().copied()),
            blocked: reserved,
            place: 0,
        }
    }

    /// A network holds this subnet, chosen by the engine or not. The search is not moved.
    pub fn hold(&mut self, net: Ipv4Net) {
        self.taken.insert(net);
        self.blocked.insert(net);
    }

    /// The subnet for docker0 where nothing else says which. 20.10 reads its list from the top and
    /// asks for what it found by name, so its place does not move; later engines ask like for any
    /// network.
    pub fn docker0(&mut self) -> Option<Ipv4Net> {
        if !self.version.elects_before_bip() {
            return self.next();
        }
        let subnet = self.search(0)?.0;
        self.hold(subnet);
        Some(subnet)
    }

    /// Finds the place of an engine up to 26 from the networks it has created since it started,
    /// oldest first. False where more than one place would explain them: a network out of turn had
    /// its subnet given by hand, or networks before it were removed again, and nothing tells which.
    ///
    /// What cannot be known at all: networks created *and removed* after the newest one that is
    /// left, and creations that failed. Both move the place and leave no trace.
    pub fn resume(&mut self, created: &[Ipv4Net]) -> bool {
        let mut places = BTreeSet::from([self.place]);
        let mut likely = self.place;
        for net in created {
            let explained: BTreeSet<u64> = places
                .iter()
                .filter_map(|place| self.place_after_finding(net, *place))
                .collect();
            let as_expected = self.place_after_finding(net, likely);
            if let Some(place) = as_expected.or_else(|| explained.last().copied()) {
                (places, likely) = (explained, place);
            } else if let Some(at) = self.place_of(net) {
                likely = self.after(at, 0);
                places.insert(likely);
            }
            self.hold(*net);
        }
        self.place = likely;
        places.len() == 1
    }

    /// The place after a search from this one, if that is what it finds.
    fn place_after_finding(&self, net: &Ipv4Net, place: u64) -> Option<u64> {
        let (subnet, next) = self.search(place)?;
        (subnet == *net).then_some(next)
    }

    /// How many subnets the pools hold: as many networks as can exist side by side.
    pub fn capacity(&self) -> u64 {
        self.handed_out_from(RangeSet::default())
    }

    /// How many of them could be handed out from now on.
    pub fn free(&self) -> u64 {
        if !self.version.first_fit() {
            // Pools that share addresses with each other: it depends on the place which come first,
            // and so how many fit.
            let shared = self.length() <= A_LONG_WAY && self.pools_overlap();
            return if shared {
                self.clone().count() as u64
            } else {
                self.clear_from_the_top()
            };
        }
        let mut free = 0;
        for pool in &self.pools {
            for clear in kept_off(pool, &self.blocked).carve(pool.base, pool.size) {
                let (before_taken, stuck) = self.subnets_before_taken(clear, pool.size);
                free += before_taken;
                if stuck {
                    return free;
                }
            }
        }
        free
    }

    /// How many subnets of this size lie in a network before the first that overlaps a network of
    /// Docker's, and whether there is such a one.
    fn subnets_before_taken(&self, net: Ipv4Net, size: u8) -> (u64, bool) {
        if !self.taken.overlaps(net) {
            return (subnets_in(&[net], size), false);
        }
        let mut count = 0;
        let mut next = Some(net.network());
        for clear in self.taken.carve(net, size) {
            if Some(clear.network()) != next {
                break;
            }
            count += subnets_in(&[clear], size);
            next = u32::from(clear.broadcast()).checked_add(1).map(Into::into);
        }
        (count, true)
    }

    /// Up to 26: how many are clear, were they handed out from the top of the list on. It is 0 only
    /// where none is.
    fn clear_from_the_top(&self) -> u64 {
        self.handed_out_from(RangeSet::new(self.blocked.iter().copied()))
    }

    fn pools_overlap(&self) -> bool {
        let mut bases: Vec<Ipv4Net> = self.pools.iter().map(|pool| pool.base).collect();
        bases.sort();
        bases
            .iter()
            .zip(bases.iter().skip(1))
            .any(|(a, b)| overlap4(a, b))
    }

    fn handed_out_from(&self, mut blocked: RangeSet) -> u64 {
        let mut count = 0;
        for pool in &self.pools {
            let clear = blocked.carve(pool.base, pool.size);
            count += subnets_in(&clear, pool.size);
            clear.into_iter().for_each(|net| blocked.insert(net));
        }
        count
    }

    /// Up to 26: the subnet a search from this place finds, and the place after it.
    fn search(&self, from: u64) -> Option<(Ipv4Net, u64)> {
        // The engine keeps what it had to refuse until it has found something: it is not offered it
        // twice.
        let (mut place, mut held) = (from, self.taken.clone());
        for refused in 0.. {
            if refused == A_LONG_WAY && self.clear_from_the_top() == 0 {
                break;
            }
            let (steps, subnet) = self.next_clear(place, &held)?;
            place = self.after(place, steps);
            if !self.reserved.overlaps(subnet) {
                return Some((subnet, place));
            }
            held.insert(subnet);
        }
        None
    }

    /// The first subnet from this place on that is clear of `held`, and how many steps it is away.
    fn next_clear(&self, place: u64, held: &RangeSet) -> Option<(u64, Ipv4Net)> {
        let all = self.length();
        let clear_after = |steps: u64| {
            let subnet = self.entry((place + steps) % all)?;
            (!held.overlaps(subnet)).then_some((steps, subnet))
        };
        let near = (0..all.min(A_LONG_WAY)).find_map(clear_after);
        // A list of millions is not walked for nothing.
        if near.is_some() || self.clear_from_the_top() == 0 {
            return near;
        }
        (A_LONG_WAY..all).find_map(clear_after)
    }

    /// How many entries the list has, those twice in it included.
    fn length(&self) -> u64 {
        self.pools.iter().map(AddressPool::capacity).sum()
    }

    /// The place after something was found so many steps from this one. Over the end is at the top.
    fn after(&self, place: u64, steps: u64) -> u64 {
        let next = place + steps + 1;
        if next < self.length() { next } else { 0 }
    }

    /// The subnet at a place of the list.
    fn entry(&self, mut at: u64) -> Option<Ipv4Net> {
        for pool in &self.pools {
            if at < pool.capacity() {
                let width = 32 - u32::from(pool.size);
                let address = u64::from(u32::from(pool.base.network())) + (at << width);
                return Ipv4Net::new(u32::try_from(address).ok()?.into(), pool.size).ok();
            }
            at -= pool.capacity();
        }
        None
    }

    /// Where in the list a subnet stands.
    fn place_of(&self, net: &Ipv4Net) -> Option<u64> {
        let mut before = 0;
        for pool in &self.pools {
            if pool.size == net.prefix_len() && pool.base.contains(net) {
                let distance = u32::from(net.network()) - u32::from(pool.base.network());
                return Some(before + (u64::from(distance) >> (32 - u32::from(pool.size))));
            }
            before += pool.capacity();
        }
        None
    }

    /// From 27 on: the lowest subnet of the first pool that has one. Where it overlaps a network of
    /// Docker's, creating the network fails, and so does every further one.
    fn lowest(&self) -> Option<Ipv4Net> {
        self.pools
            .iter()
            .find_map(|pool| kept_off(pool, &self.blocked).first_clear(pool.base, pool.size))
            .filter(|subnet| !self.taken.overlaps(*subnet))
    }
}

impl Iterator for Allocator {
    type Item = Ipv4Net;

    fn next(&mut self) -> Option<Ipv4Net> {
        let subnet = if self.version.first_fit() {
            self.lowest()?
        } else {
            let (subnet, place) = self.search(self.place)?;
            self.place = place;
            subnet
        };
        self.hold(subnet);
        Some(subnet)
    }
}

/// From 27 on: what the engine keeps off in a pool. It goes through the ranges in the order of their
/// first addresses and goes on behind the one it saw last, so of a range with another inside only
/// the part before that one counts, unless it reaches to the end of the pool.
pub fn kept_off(pool: &AddressPool, blocked: &BTreeSet<Ipv4Net>) -> RangeSet {
    let ranges: Vec<Ipv4Net> = blocked
        .iter()
        .copied()
        .filter(|net| overlap4(net, &pool.base))
        .collect();
    let mut kept = Vec::with_capacity(ranges.len());
    for (at, range) in ranges.iter().enumerate() {
        let closes = range.contains(&pool.base) || range.broadcast() == pool.base.broadcast();
        match ranges
            .get(at + 1)
            .filter(|inner| !closes && range.contains(*inner))
        {
            Some(inner) => kept.extend(before(*range, inner)),
            None => kept.push(*range),
        }
    }
    RangeSet::new(kept)
}

/// How many subnets of one size these networks hold.
fn subnets_in(nets: &[Ipv4Net], size: u8) -> u64 {
    nets.iter()
        .map(|net| 1u64 << size.saturating_sub(net.prefix_len()))
        .sum()
}

/// The part of a network before an address inside it, as networks.
fn before(range: Ipv4Net, inner: &Ipv4Net) -> Vec<Ipv4Net> {
    if range.network() == inner.network() {
        return Vec::new();
    }
    let Ok(halves) = range.subnets(range.prefix_len() + 1) else {
        return Vec::new();
    };
    let mut kept = Vec::new();
    for half in halves {
        if half.contains(inner) {
            kept.extend(before(half, inner));
            break;
        }
        kept.push(half);
    }
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod plain;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
