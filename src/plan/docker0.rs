//! docker0: whose it is, where it will be, and where it goes if it cannot stay.

use super::blocker::Blocker;
use super::pool_list::{Pools, Wish};
use super::room::{attached, prefix_for};
use super::{bip_of_file, choose, preflight};
use crate::assess::Assessment;
use crate::facts::{AddressPool, Facts};
use crate::subnet::{RangeSet, first_host, overlap4, v4};
use ipnet::Ipv4Net;

/// Where docker0 is once Docker starts with the file as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Docker0 {
    /// Docker has no bridge of its own, or one that you manage.
    NotDockers(Blocker),
    /// An option of dockerd says where.
    ByFlag(Option<Ipv4Net>, Blocker),
    /// `bip` says where.
    ByKey(Ipv4Net),
    /// `bip` is an address that no bridge can have.
    BadKey,
    /// It is there, and nothing says that it should stay.
    There(Ipv4Net),
    /// There is none yet.
    ToCome,
}

impl Docker0 {
    pub fn of(facts: &Facts) -> Docker0 {
        if let Some(blocker) = preflight::bridge_is_not_dockers(facts) {
            return Docker0::NotDockers(blocker);
        }
        if let Some(blocker) = preflight::flag_in_the_way(facts, "bip") {
            let bip = facts.docker.next_flag("bip").last();
            return Docker0::ByFlag(bip.and_then(|bip| bip.parse().ok()), blocker);
        }
        let key = facts.docker.config.keys.get("bip");
        let is_set = key.is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
        match (bip_of_file(facts), is_set, present(facts)) {
            (Some(bip), _, _) => Docker0::ByKey(bip),
            (None, true, _) => Docker0::BadKey,
            (None, false, Some(address)) => Docker0::There(address),
            (None, false, None) => Docker0::ToCome,
        }
    }

    pub fn address(&self) -> Option<Ipv4Net> {
        match self {
            Docker0::ByKey(address) | Docker0::There(address) => Some(*address),
            Docker0::ByFlag(address, _) => *address,
            Docker0::NotDockers(_) | Docker0::BadKey | Docker0::ToCome => None,
        }
    }

    /// Why `bip` cannot move it.
    pub fn blocker(&self) -> Option<&Blocker> {
        match self {
            Docker0::NotDockers(blocker) | Docker0::ByFlag(_, blocker) => Some(blocker),
            Docker0::ByKey(_) | Docker0::BadKey | Docker0::There(_) | Docker0::ToCome => None,
        }
    }
}

/// docker0's address now: on the bridge, else as Docker has stored it.
fn present(facts: &Facts) -> Option<Ipv4Net> {
    let stored = || {
        let mut networks = facts.networks();
        let bridge = networks.find(|network| network.name == "bridge")?;
        first_host(bridge.subnets.iter().find_map(v4)?)
    };
    facts.docker0().or_else(stored)
}

/// docker0's new address: in the last subnet of the pools that is free and wide enough. The last one,
/// so that no network takes it before the restart. Inside the pools, because 20.10 otherwise dies
/// once they are full; a pool for docker0 alone is added where all others are.
pub fn place(wish: &Wish, pools: &mut Pools) -> Result<Ipv4Net, Blocker> {
    let assessment = wish.assessment;
    let containers = attached(assessment.facts, "bridge");
    if wish.given {
        wide_enough(&pools.ipv4(), "bridge", containers)?;
    }
    let taken = RangeSet::new(
        choose::stored(assessment)
            .into_iter()
            .chain(wish.left.iter().copied())
            .chain(needed_inside(wish, pools)),
    );
    if let Some(address) = set_before(assessment, pools, &taken, containers) {
        return Ok(address);
    }
    let last = |pool: &AddressPool| last_free(pool, prefix_for(containers).min(pool.size), &taken);
    if let Some(subnet) = pools.ipv4().iter().rev().find_map(last) {
        return first_host(subnet).ok_or(Blocker::NoSubnetForDocker0);
    }
    if wish.given {
        return Err(Blocker::NoSubnetForDocker0);
    }
    let prefix = prefix_for(containers).min(24);
    let shapes: Vec<(u8, u8)> = (prefix..=prefix_for(containers).min(28))
        .map(|width| (width, width))
        .collect();
    let bases: Vec<Ipv4Net> = pools.ipv4().iter().map(|pool| pool.base).collect();
    let chosen = wish.find(&shapes, 1, bases)?;
    let address = first_host(chosen.pool.base).ok_or(Blocker::NoSubnetForDocker0)?;
    pools.add(chosen);
    Ok(address)
}

/// Nobody checks where `bip` points, not even for what Docker steps round by itself.
fn needed_inside(wish: &Wish, pools: &Pools) -> Vec<Ipv4Net> {
    let pools = pools.ipv4();
    let needs = wish.off_limits().into_iter();
    let counts = needs.filter(|need| {
        let mut bases = pools.iter().map(|pool| pool.base.into());
        !bases.any(|base| wish.assessment.overruled_by_pool(need, &base))
    });
    counts.filter_map(|need| v4(&need.net)).collect()
}

/// The address rebridge gave it before something else rewrote the file.
fn set_before(
    assessment: &Assessment,
    pools: &Pools,
    taken: &RangeSet,
    containers: usize,
) -> Option<Ipv4Net> {
    let set = assessment.facts.docker.set_by_rebridge.as_ref()?;
    let bip: Ipv4Net = set.keys.get("bip")?.as_str()?.parse().ok()?;
    let fits = bip.prefix_len() <= prefix_for(containers);
    let good = fits && is_inside(&pools.ipv4(), bip) && !taken.overlaps(bip.trunc());
    good.then_some(bip)
}

/// The operator's pools must be wide enough for what lives in a network.
pub fn wide_enough(pools: &[AddressPool], network: &str, containers: usize) -> Result<(), Blocker> {
    let size = prefix_for(containers);
    match pools.iter().find(|pool| pool.size > size) {
        None => Ok(()),
        Some(pool) => Err(Blocker::PoolTooNarrow {
            pool: *pool,
            network: network.to_owned(),
            containers,
            size,
        }),
    }
}

/// The last subnet of this prefix length in a pool that nothing has taken.
fn last_free(pool: &AddressPool, prefix: u8, taken: &RangeSet) -> Option<Ipv4Net> {
    if prefix < pool.base.prefix_len() {
        return None;
    }
    let mut subnet = Ipv4Net::new(pool.base.broadcast(), prefix).ok()?.trunc();
    while taken.overlaps(subnet) {
        let before = u32::from(subnet.network()).checked_sub(1)?;
        subnet = Ipv4Net::new(before.into(), prefix).ok()?.trunc();
        if !pool.base.contains(&subnet) {
            return None;
        }
    }
    Some(subnet)
}

pub fn is_inside(pools: &[AddressPool], address: Ipv4Net) -> bool {
    let mut pools = pools.iter();
    pools.any(|pool| pool.base.contains(&address.trunc()))
}

/// Whether docker0 comes back to its place by itself when Docker starts with these pools: it is the
/// first subnet for every engine, the ones that go by the order of the list and the ones that go by
/// address. Elsewhere only `bip` holds it.
pub fn comes_back(assessment: &Assessment, pools: &Pools, address: Ipv4Net) -> bool {
    let ipv4 = pools.ipv4();
    let Some(first) = ipv4.first() else {
        return false;
    };
    let lowest = ipv4
        .iter()
        .all(|pool| pool.base.network() >= first.base.network());
    let first_entry = pools.entries.first().and_then(|entry| entry.ipv4());
    let range = address.trunc();
    first_entry == Some(*first)
        && lowest
        && range.prefix_len() == first.size
        && range.network() == first.base.network()
        && first_host(range) == Some(address)
        && !assessment.reserved().overlaps(range)
}

/// The pool that keeps docker0's place inside the list, where no other does.
pub fn holder(pools: &Pools, address: Ipv4Net) -> Option<AddressPool> {
    let base = address.trunc();
    let meets = pools.ipv4().iter().any(|pool| overlap4(&pool.base, &base));
    let wide = base.prefix_len() <= 30;
    (!meets && wide).then_some(AddressPool {
        base,
        size: base.prefix_len(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn docker0_gets_the_last_subnet_that_is_free() {
        let pool = AddressPool {
            base: "10.200.0.0/22".parse().unwrap(),
            size: 24,
        };
        let at = |prefix, taken: &[&str]| {
            let taken = taken.iter().map(|net| net.parse().unwrap());
            last_free(&pool, prefix, &RangeSet::new(taken)).map(|net| net.to_string())
        };
        assert_eq!(at(24, &[]).unwrap(), "10.200.3.0/24");
        assert_eq!(at(24, &["10.200.3.128/25"]).unwrap(), "10.200.2.0/24");
        assert_eq!(at(23, &["10.200.3.128/25"]).unwrap(), "10.200.0.0/23");
        assert!(at(24, &["10.0.0.0/8"]).is_none());
        assert!(at(21, &[]).is_none());
    }
}
