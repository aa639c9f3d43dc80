//! How many containers a subnet has to hold, and how many networks pools have room for.

use crate::assess::Assessment;
use crate::facts::{AddressPool, Container, Facts};
use crate::subnet::RangeSet;
use ipnet::Ipv4Net;

/// The widest prefix length a bridge can have with a container on it.
const NARROWEST: u8 = 30;

/// The containers on a network, stopped ones included.
pub fn attached(facts: &Facts, network: &str) -> usize {
    let engine = facts.docker.engine.iter();
    let all = engine.flat_map(|engine| engine.containers.iter().chain(&engine.idle));
    all.filter(|container| is_on(facts, container, network))
        .count()
}

/// Where rebridge did not look closely, a container's address says on which network it is.
fn is_on(facts: &Facts, container: &Container, network: &str) -> bool {
    if let Some(detail) = &container.detail
        && !detail.networks.is_empty()
    {
        return detail.networks.contains_key(network);
    }
    facts
        .networks()
        .filter(|one| one.name == network)
        .flat_map(|one| &one.subnets)
        .any(|subnet| {
            let mut addresses = container.addresses.iter();
            addresses.any(|address| subnet.contains(address))
        })
}

/// The prefix length of a subnet for twice these containers and the bridge itself.
pub fn prefix_for(containers: usize) -> u8 {
    let addresses = u32::try_from(containers)
        .unwrap_or(u32::MAX)
        .saturating_mul(2)
        .saturating_add(3);
    let bits = addresses.checked_next_power_of_two().map_or(31, u32::ilog2);
    u8::try_from(32 - bits).map_or(NARROWEST, |prefix| prefix.min(NARROWEST))
}

/// How many networks besides docker0 an engine can take from these pools: without what it steps
/// round, and without docker0's own subnet.
pub fn networks_in(
    assessment: &Assessment,
    pools: &[AddressPool],
    docker0: Option<Ipv4Net>,
) -> u64 {
    let docker0 = RangeSet::new(docker0.map(|address| address.trunc()));
    pools
        .iter()
        .map(|pool| {
            let blocked = assessment.blocked_in(pool, &docker0);
            let used = blocked.count_blocked(pool.base, pool.size);
            pool.capacity().saturating_sub(used)
        })
        .sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_holds_twice_the_containers_and_the_bridge() {
        for (containers, prefix) in [
            (0, 30),
            (1, 29),
            (2, 29),
            (3, 28),
            (126, 24),
            (127, 23),
            (300, 22),
        ] {
            assert_eq!(prefix_for(containers), prefix, "{containers}");
            let hosts = (1usize << (32 - prefix)) - 3;
            assert!(hosts >= 2 * containers);
        }
    }
}
