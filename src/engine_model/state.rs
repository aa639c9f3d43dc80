//! Where the allocator of a host's engine stands: what its networks hold, where its search goes on,
//! and whether docker0 has yet to get a subnet. Pure: facts in, an [`Allocator`] out.

use super::allocator::Allocator;
use super::stepped_round;
use crate::facts::{AddressPool, DockerState, Facts, Network, Version};
use crate::subnet::v4;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::net::IpAddr;

/// An allocator, and what is known of it.
#[derive(Debug, Clone)]
pub struct AllocatorState {
    pub allocator: Allocator,
    /// Whether docker0 has yet to get a subnet, and gets the next one of the pools.
    pub docker0_first: bool,
    /// Whether the place of the search is known for sure, as far as it can be (see
    /// [`Allocator::resume`]).
    pub certain: bool,
}

/// Where docker0's subnet comes from when an engine starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Docker0 {
    /// There is none: Docker uses another bridge, or none.
    None,
    /// From `bip` or `fixed-cidr`.
    ByKey(Ipv4Net),
    /// It is there and keeps its address.
    Stays(Ipv4Net),
    FromPools,
}

/// Where the engine stands. `version` is the one to model; where it is not the one that runs, its
/// first start is still to come. `bridges` are the subnets of Docker's bridges that the engine, if
/// it could be asked, does not name.
pub fn allocator_state(
    facts: &Facts,
    version: Version,
    pools: &[AddressPool],
    bridges: &[Ipv4Net],
) -> AllocatorState {
    let mut reserved = stepped_round(facts, Some(version));
    if facts.docker.engine.is_some() {
        // A bridge no network belongs to any more still has its on-link route.
        reserved.extend(bridges);
    }
    let mut allocator = Allocator::new(version, pools, reserved);
    if facts.docker.engine.is_none() {
        bridges.iter().for_each(|net| allocator.hold(*net));
    }
    let certain = take_networks(facts, version, &mut allocator);
    let docker0_first = settle_docker0(facts, version, &mut allocator);
    AllocatorState {
        allocator,
        docker0_first,
        certain,
    }
}

/// Takes what the engine's networks hold, and finds the place of the search. Says whether that is
/// sure.
fn take_networks(facts: &Facts, version: Version, allocator: &mut Allocator) -> bool {
    let runs = facts.docker.engine.is_some()
        && facts
            .version()
            .is_some_and(|runs| runs.major == version.major);
    let has_a_place = runs && !version.first_fit();
    let history = if has_a_place {
        handed_out(facts, version)
    } else {
        Vec::new()
    };
    let mut made: Vec<(&str, Ipv4Net)> = Vec::with_capacity(history.len());
    for network in networks_in_the_pools(facts) {
        let subnets = network.subnets.iter().filter_map(v4);
        if history.iter().any(|known| known.name == network.name) {
            let created = network.created.as_deref().unwrap_or_default();
            made.extend(subnets.map(|net| (created, net)));
        } else {
            subnets.for_each(|net| allocator.hold(net));
        }
    }
    made.sort();
    let history: Vec<Ipv4Net> = made.into_iter().map(|(_, net)| net).collect();
    let certain = allocator.resume(&history);
    certain && (!has_a_place || began(facts).is_some())
}

/// The engine's networks whose subnets its allocator knows, so that it hands out none of them again;
/// macvlan and ipvlan networks are among them. Overlays have an address space of their own, and a
/// network that only lends its settings (driver `null`) holds nothing.
pub fn networks_in_the_pools(facts: &Facts) -> impl Iterator<Item = &Network> {
    // docker0's network is made again at every start; where it lies then is settled by itself.
    let made_again = |network: &Network| facts.docker.engine.is_none() && network.name == "bridge";
    facts
        .networks()
        .filter(|network| network.scope == "local" && network.driver != "null")
        .filter(move |network| !made_again(network))
}

/// The networks whose subnet the running daemon picked itself: they moved its search. Those it
/// found when it started did not, nor did those with a subnet given by hand; where Docker's store
/// could not be read, the latter mostly show no gateway.
fn handed_out(facts: &Facts, version: Version) -> Vec<&Network> {
    let Some(began) = began(facts) else {
        return Vec::new();
    };
    networks_in_the_pools(facts)
        .filter(|network| is_since(network, began))
        .filter(|network| match network.name.as_str() {
            "bridge" => docker0_was_picked(facts, version, began),
            _ => !network
                .by_hand
                .unwrap_or(!network.gateways.iter().any(IpAddr::is_ipv4)),
        })
        .collect()
}

fn is_since(network: &Network, began: &str) -> bool {
    network
        .created
        .as_deref()
        .is_some_and(|created| created >= began)
}

/// When the running daemon began. docker0's network is created again at every start, except under
/// live-restore, so its age is the daemon's where nothing better is known.
fn began(facts: &Facts) -> Option<&str> {
    let engine = facts.docker.engine.as_ref()?;
    let bridge = engine
        .networks
        .iter()
        .find(|network| network.name == "bridge" && !engine.live_restore);
    facts
        .docker
        .started
        .as_deref()
        .or_else(|| bridge?.created.as_deref())
}

/// Whether docker0's subnet was the allocator's own pick when the daemon began. Not in 20.10, which
/// elects one and asks for it by name; not where a key says which; not where docker0 was there
/// already. It was not there at the first start (the network `host`, created only once, is as young
/// as the daemon), and with pools set it is deleted at every start unless live-restore is on.
fn docker0_was_picked(facts: &Facts, version: Version, began: &str) -> bool {
    let first_start = facts
        .engine_networks()
        .any(|network| network.name == "host" && is_since(network, began));
    let deleted = facts
        .docker
        .engine
        .as_ref()
        .is_some_and(|engine| engine.pools.is_some() && !engine.live_restore);
    !version.elects_before_bip()
        && setting(facts, "bip").is_none()
        && setting(facts, "fixed-cidr").is_none()
        && (deleted || first_start)
}

/// Says whether docker0 is still to get its subnet, and where that is settled already takes it.
fn settle_docker0(facts: &Facts, version: Version, allocator: &mut Allocator) -> bool {
    if facts.docker.state == DockerState::Running {
        // Without the engine's word, what the kernel has on docker0.
        if let Some(address) = facts.docker0() {
            allocator.hold(address.trunc());
        }
        return false;
    }
    match docker0_at_start(facts, version) {
        Docker0::None => false,
        Docker0::ByKey(subnet) | Docker0::Stays(subnet) => {
            allocator.hold(subnet);
            false
        }
        Docker0::FromPools => true,
    }
}

/// Where docker0's subnet comes from at the next start of this engine.
pub fn docker0_at_start(facts: &Facts, version: Version) -> Docker0 {
    if setting(facts, "bridge").is_some_and(|bridge| bridge != "docker0") {
        return Docker0::None;
    }
    if let Some(bip) = network_setting(facts, "bip") {
        return Docker0::ByKey(bip);
    }
    let there = facts
        .docker0()
        .map(|address| address.trunc())
        .or_else(|| stored_docker0(facts))
        .filter(|_| !deleted_at_the_start(facts));
    let fixed = network_setting(facts, "fixed-cidr").filter(|_| version.heeds_fixed_cidr_alone());
    match (there, fixed) {
        (Some(there), Some(fixed))
            if version.prefers_fixed_cidr_to_docker0() && !there.contains(&fixed) =>
        {
            Docker0::ByKey(fixed)
        }
        (Some(there), _) => Docker0::Stays(there),
        (None, Some(fixed)) => Docker0::ByKey(fixed),
        (None, None) => Docker0::FromPools,
    }
}

/// The subnet of the docker0 that Docker re-creates before it looks at its settings, as after a
/// reboot.
fn stored_docker0(facts: &Facts) -> Option<Ipv4Net> {
    let mut stored = facts.docker.stored.iter().flatten();
    let bridge = stored.find(|network| network.name == "bridge")?;
    bridge.subnets.iter().find_map(v4)
}

/// Whether Docker, stopped, deletes docker0 when it starts: with pools set, without live-restore,
/// and only if docker0's network is among those it has stored.
fn deleted_at_the_start(facts: &Facts) -> bool {
    let keys = &facts.docker.config.keys;
    let in_file = keys
        .get("default-address-pools")
        .and_then(Value::as_array)
        .is_some_and(|pools| !pools.is_empty());
    let pools = in_file || !facts.docker.flag("default-address-pool").is_empty();
    let in_file = keys.get("live-restore").and_then(Value::as_bool);
    // The option may stand without a value.
    let by_option = facts.docker.flag("live-restore").last();
    let live_restore = in_file.unwrap_or(false)
        || by_option.is_some_and(|value| !matches!(value.as_str(), "false" | "0" | "f" | "F"));
    let stored = facts.docker.stored.as_ref();
    let adopted = stored.is_some_and(|stored| stored.iter().all(|one| one.name != "bridge"));
    facts.docker.state == DockerState::Stopped && pools && !live_restore && !adopted
}

/// A setting of dockerd with a value, in daemon.json or on its command line.
fn setting(facts: &Facts, key: &str) -> Option<String> {
    let in_file = facts
        .docker
        .config
        .keys
        .get(key)
        .and_then(Value::as_str)
        .map(str::to_owned);
    in_file
        .or_else(|| facts.docker.flag(key).last().cloned())
        .filter(|value| !value.is_empty())
}

/// The network of an address or a network that a setting names.
fn network_setting(facts: &Facts, key: &str) -> Option<Ipv4Net> {
    let net: Ipv4Net = setting(facts, key)?.parse().ok()?;
    Some(net.trunc())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
