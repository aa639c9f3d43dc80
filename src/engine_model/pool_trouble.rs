//! Pools an engine cannot use, as data: why, and whether it would not even start. Sentences are made
//! where plans are refused.

use super::state::Docker0;
use crate::facts::pools::{Pool, PoolFault, PoolList};
use crate::facts::{AddressPool, Version};
use crate::subnet::RangeSet;

/// So many subnets an engine up to 26 may hold one by one in memory, at 64 bytes and more each.
const SUBNETS_IN_MEMORY: u64 = 1 << 20;

/// What is wrong with pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolTrouble {
    /// An entry that no engine accepts, and its place in the list, from 0 on.
    Refused(usize, PoolFault),
    /// An engine up to 26 writes out all of these subnets when it starts.
    TooMany(u64),
    /// All pools are for IPv6, and the built-in ones do not fill in.
    NoIpv4,
    /// Every IPv4 subnet lies under an on-link route or a nameserver.
    Covered,
    /// The first pool is for IPv6, and this engine takes the first subnet of all for docker0.
    Ipv6First,
}

impl PoolTrouble {
    /// The gravest, if there is any. `reserved` is what the engine steps round.
    pub fn of(
        list: &PoolList,
        reserved: &RangeSet,
        version: Option<Version>,
    ) -> Option<PoolTrouble> {
        if let Some((place, fault)) = list.faults.first() {
            return Some(PoolTrouble::Refused(*place, *fault));
        }
        let ipv4 = list.ipv4();
        let subnets = ipv4.iter().map(AddressPool::capacity).sum();
        let lays_out = version.is_none_or(|version| !version.first_fit());
        if lays_out && subnets > SUBNETS_IN_MEMORY {
            return Some(PoolTrouble::TooMany(subnets));
        }
        if ipv4.is_empty() {
            return Some(PoolTrouble::NoIpv4);
        }
        if !ipv4.iter().any(|pool| has_clear_subnet(pool, reserved)) {
            return Some(PoolTrouble::Covered);
        }
        let elects = version.is_some_and(Version::elects_before_bip);
        let ipv6_first = matches!(list.pools.first(), Some(Pool::V6(_)));
        (elects && ipv6_first).then_some(PoolTrouble::Ipv6First)
    }

    /// Whether it keeps this engine from starting, with docker0's subnet from there. If not, the
    /// engine starts and cannot create a network; with IPv6 first it can do that too.
    ///
    /// Run: 20.10.24, 26.1.5 and 28.5.2, and most of it 23.0.3 to 29.7.2.
    pub fn is_fatal(self, version: Version, docker0: Docker0) -> bool {
        match self {
            PoolTrouble::Refused(..) | PoolTrouble::TooMany(_) => true,
            PoolTrouble::NoIpv4 | PoolTrouble::Ipv6First => docker0 == Docker0::FromPools,
            PoolTrouble::Covered => match docker0 {
                Docker0::FromPools => true,
                Docker0::ByKey(_) => version.elects_before_bip(),
                Docker0::Stays(_) | Docker0::None => false,
            },
        }
    }
}

fn has_clear_subnet(pool: &AddressPool, reserved: &RangeSet) -> bool {
    reserved.first_clear(pool.base, pool.size).is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
