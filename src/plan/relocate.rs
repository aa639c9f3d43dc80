//! Which of the networks that exist already are moved, and where to. New pools never move them:
//! they are re-created, with their containers on them. What an engine cannot carry over is refused
//! by name, before anything is touched.

use super::Refusal;
use super::choose::candidates;
use crate::assess::clash::Kind;
use crate::assess::swarm::is_hung_on;
use crate::assess::wanted::wanted;
use crate::assess::{assess, held, pools_in_force};
use crate::engine_model::state::allocator_state;
use crate::facts::{AddressPool, BUILT_IN, Container, Detail, Facts, Network, Version};
use crate::phrases::nearest;
use crate::plan::project::without_networks;
use crate::policy::Policy;
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, v4};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is done about existing networks that clash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Existing {
    /// They are reported.
    #[default]
    Report,
    /// All of them are moved.
    Move,
    /// These are moved, where they clash.
    MoveOnly(Vec<String>),
}

/// A network that moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Move {
    /// Its name.
    pub network: String,
    /// Its subnet.
    pub from: Ipv4Net,
    /// Its subnet to be.
    pub to: Ipv4Net,
    /// Whether the subnet is asked for by name. Otherwise the engine takes it from its pools, as it
    /// did before.
    pub explicit: bool,
    /// The containers that are stopped for it and started again, those that share another's network
    /// included.
    pub restarts: Vec<String>,
}

/// The moves, and what the operator should know of them. `before` are the facts as they are,
/// `after` as they will be once docker0 and the pools are settled.
pub fn moves(
    before: &Facts,
    after: &Facts,
    policy: &Policy,
    existing: &Existing,
    mac_loss: bool,
) -> Result<(Vec<Move>, Vec<String>), Refusal> {
    let mut networks = chosen(after, policy, existing)?;
    let mut warnings = Vec::new();
    networks.retain(|network| !is_hung_on(before, &network.name));
    for network in &networks {
        warnings.extend(carried_over(before, network, mac_loss)?);
    }
    let targets = targets(before, after, policy, &networks)?;
    let moves = networks
        .iter()
        .zip(targets)
        .filter_map(|(network, (explicit, to))| {
            let from = network.subnets.iter().find_map(v4)?;
            let restarts = restarts(before, &network.name);
            Some(Move {
                network: network.name.clone(),
                from,
                to,
                explicit,
                restarts,
            })
        });
    let moves: Vec<Move> = moves.collect();
    let by_hand: Vec<&str> = moves
        .iter()
        .filter(|one| one.explicit)
        .map(|one| one.network.as_str())
        .collect();
    if !by_hand.is_empty() {
        warnings.push(format!(
            "the subnet of {} was given by hand: change it there too (a Compose file, a script), \
             or whatever makes the network anew brings the old one back",
            by_hand.join(", ")
        ));
    }
    Ok((moves, warnings))
}

/// The networks to move, oldest first.
fn chosen<'a>(
    facts: &'a Facts,
    policy: &Policy,
    existing: &Existing,
) -> Result<Vec<&'a Network>, Refusal> {
    let named = match existing {
        Existing::Report => return Ok(Vec::new()),
        Existing::Move => None,
        Existing::MoveOnly(names) => Some(names),
    };
    if let Some(unknown) = named.and_then(|names| {
        names.iter().find(|name| {
            !facts
                .engine_networks()
                .any(|network| network.name == **name)
        })
    }) {
        let known: Vec<&str> = facts
            .engine_networks()
            .map(|network| network.name.as_str())
            .collect();
        let near = nearest(unknown, &known)
            .map(|near| format!("did you mean {near}? "))
            .unwrap_or_default();
        return Err(Refusal::new(
            format!("cannot move {unknown}: Docker has no network of that name"),
            format!("{near}its networks are {}", known.join(", ")),
        ));
    }
    let clashes = assess(facts, policy);
    let now = clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Present && !clash.is_docker0());
    let clashing: BTreeSet<&str> = now
        .filter(|clash| v4(&clash.docker.subnet).is_some())
        .filter_map(|clash| clash.docker.network.as_deref())
        .filter(|name| named.is_none_or(|names| names.iter().any(|one| one == name)))
        .collect();
    let mut networks: Vec<&Network> = facts
        .engine_networks()
        .filter(|network| clashing.contains(network.name.as_str()))
        .collect();
    networks.sort_by_key(|network| (&network.created, &network.name));
    Ok(networks)
}

/// Whether the engine can carry everything over; the losses it cannot avoid and that are accepted.
fn carried_over(facts: &Facts, network: &Network, mac_loss: bool) -> Result<Vec<String>, Refusal> {
    let name = &network.name;
    if let Some(from) = &network.config_from {
        return Err(Refusal::new(
            format!("cannot move {name}: it takes its settings from the network {from}"),
            format!(
                "make {from} anew with another subnet, then {name}; or leave {name} out with \
                 --network"
            ),
        ));
    }
    let version = facts.version();
    let loses_mac = !version.is_some_and(Version::keeps_mac_on_connect);
    let loses_id = !version.is_some_and(Version::starts_after_network_id_is_gone);
    let mut losses = Vec::new();
    for (container, detail) in members(facts, name) {
        if loses_id
            && !network.id.is_empty()
            && detail.mode.len() >= 12
            && network.id.starts_with(&detail.mode)
        {
            return Err(Refusal::new(
                format!(
                    "cannot move {name}: the container {} was made for it by its id, and this \
                     engine would not start the container again",
                    container.name
                ),
                "make that container anew with the network's name, or leave the network out with \
                 --network",
            ));
        }
        let from = network.subnets.iter().find(|net| v4(net).is_some());
        let inside = |address: &&std::net::IpAddr| from.is_some_and(|from| from.contains(*address));
        if let Some(address) = detail.published_on.iter().find(inside) {
            return Err(Refusal::new(
                format!(
                    "cannot move {name}: the container {} publishes a port on {address}, which \
                     goes with the network",
                    container.name
                ),
                "publish it on another address first, or leave the network out with --network",
            ));
        }
        // One that was never started looks for its network by name, and is left alone.
        let left_alone =
            detail.never_started && !matches!(detail.networks.get(name), Some(Some(_)));
        let Some(mac) = detail.mac.as_ref().filter(|_| loses_mac && !left_alone) else {
            continue;
        };
        let loss = format!(
            "the container {} on {name} has the fixed MAC address {mac}",
            container.name
        );
        if !mac_loss {
            return Err(Refusal::new(
                format!("cannot move {name}: {loss}, which this engine does not keep"),
                "run again with --accept-mac-loss, make that container anew afterwards, or leave \
                 the network out with --network",
            ));
        }
        losses.push(format!("{loss} and gets another"));
    }
    Ok(losses)
}

/// Where each network goes, and whether that is asked for by name. Subnets by name are settled
/// first: those from the pools go round them.
fn targets(
    before: &Facts,
    after: &Facts,
    policy: &Policy,
    networks: &[&Network],
) -> Result<Vec<(bool, Ipv4Net)>, Refusal> {
    let names: Vec<&str> = networks
        .iter()
        .map(|network| network.name.as_str())
        .collect();
    let cleared = without_networks(after, &names);
    let pools = pools_in_force(after);
    let mut taken: Vec<Ipv4Net> = held(&cleared)
        .iter()
        .filter_map(|held| v4(&held.subnet))
        .collect();
    taken.extend(
        cleared
            .engine_networks()
            .flat_map(|network| network.subnets.iter().filter_map(v4)),
    );
    let mut allocator = allocator_state(
        &cleared,
        after.version().unwrap_or(Version::NEWEST),
        &pools,
        &[],
    )
    .allocator;
    let mut explicit = Vec::with_capacity(networks.len());
    for network in networks {
        let from = network
            .subnets
            .iter()
            .find_map(v4)
            .filter(|from| by_hand(before, network, *from));
        let to = from
            .map(|from| same_shape(&cleared, policy, &pools, &taken, &network.name, from))
            .transpose()?;
        if let Some(to) = to {
            taken.push(to);
            allocator.hold(to);
        }
        explicit.push(to);
    }
    let settle = |(network, to): (&&Network, Option<Ipv4Net>)| match to {
        Some(to) => Ok((true, to)),
        None => allocator.next().map(|to| (false, to)).ok_or_else(|| {
            Refusal::new(
                format!(
                    "cannot move {}: Docker's address pools have no subnet left for it",
                    network.name
                ),
                "give a wider --pool, or remove networks you no longer need",
            )
        }),
    };
    networks.iter().zip(explicit).map(settle).collect()
}

/// Whether a person gave the subnet, as far as the engine tells. It shows a gateway where it chose
/// itself; where a person gave both, the shape, or a container's address given by hand, may still
/// tell.
fn by_hand(facts: &Facts, network: &Network, from: Ipv4Net) -> bool {
    let pools = pools_in_force(facts);
    let of_a_pool =
        |pool: &AddressPool| pool.size == from.prefix_len() && pool.base.contains(&from);
    network.shaped
        || !network.gateways.iter().any(std::net::IpAddr::is_ipv4)
        || !pools.iter().chain(&BUILT_IN).any(of_a_pool)
        || members(facts, &network.name)
            .any(|(_, detail)| matches!(detail.networks.get(&network.name), Some(Some(_))))
}

/// A clear subnet as wide as the old one, so that every address keeps its host part: in the pools,
/// from their end, or, where they are too narrow and rebridge's own choice, elsewhere in private
/// space.
fn same_shape(
    facts: &Facts,
    policy: &Policy,
    pools: &[AddressPool],
    taken: &[Ipv4Net],
    name: &str,
    from: Ipv4Net,
) -> Result<Ipv4Net, Refusal> {
    let prefix = from.prefix_len();
    let wanted = RangeSet::new(
        wanted(facts, policy)
            .iter()
            .filter_map(|want| v4(&want.net)),
    );
    let taken = RangeSet::new(taken.iter().copied());
    let inside = |pool: &AddressPool| {
        let last = pool.base.subnets(prefix).ok()?.collect::<Vec<_>>();
        last.into_iter().rev().find(|net| !taken.overlaps(*net))
    };
    // A pool that is wide open in bits has more subnets than anybody wants to list.
    let narrow = |pool: &&AddressPool| {
        prefix >= pool.base.prefix_len() && prefix - pool.base.prefix_len() <= 16
    };
    if let Some(found) = pools.iter().rev().filter(narrow).find_map(inside) {
        return Ok(found);
    }
    let in_pools = RangeSet::new(pools.iter().map(|pool| pool.base));
    let clear =
        |net: &Ipv4Net| !wanted.overlaps(*net) && !taken.overlaps(*net) && !in_pools.overlaps(*net);
    let elsewhere = || {
        PRIVATE_BLOCKS
            .into_iter()
            .find_map(|block| candidates(block, prefix).find(clear))
    };
    policy.pools.is_empty().then(elsewhere).flatten().ok_or_else(|| {
        Refusal::new(
            format!("cannot move {name}: it was made as a /{prefix}, and no clear range of that \
                     size is left for it"),
            "give a wider --pool, or leave it out with --network and make it anew with a smaller \
             subnet",
        )
    })
}

/// The containers on a network, alive or not.
fn members<'a>(
    facts: &'a Facts,
    network: &'a str,
) -> impl Iterator<Item = (&'a Container, &'a Detail)> {
    let engine = facts.docker.engine.iter();
    let all = engine.flat_map(|engine| engine.containers.iter().chain(&engine.idle));
    all.filter_map(|container| Some((container, container.detail.as_ref()?)))
        .filter(move |(_, detail)| detail.networks.contains_key(network))
}

/// The names of the containers that are stopped and started again for a network's sake.
fn restarts(facts: &Facts, network: &str) -> Vec<String> {
    let living: Vec<&Container> = facts
        .docker
        .engine
        .iter()
        .flat_map(|engine| &engine.containers)
        .collect();
    let joins = |container: &Container, target: &Container| {
        let joined = container
            .detail
            .as_ref()
            .and_then(|detail| detail.joins.as_ref());
        joined.is_some_and(|joined| *joined == target.id || *joined == target.name)
    };
    let on_it = |container: &Container| {
        container
            .detail
            .as_ref()
            .is_some_and(|detail| detail.networks.contains_key(network) && !detail.auto_remove)
    };
    let targets: Vec<&&Container> = living.iter().filter(|container| on_it(container)).collect();
    let affected = living
        .iter()
        .filter(|one| on_it(one) || targets.iter().any(|target| joins(one, target)));
    affected.map(|container| container.name.clone()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
