//! Which existing networks move, and where to. New pools never move them: they are re-created with
//! their containers. If an engine cannot carry something over, rebridge names it and refuses before
//! it touches anything.

mod targets;

use super::Permits;
use super::blocker::Blocker;
use super::notice::Notice;
use crate::assess::Assessment;
use crate::assess::clash::Kind;
use crate::assess::existing::Way;
use crate::facts::{Container, Detail, Facts, Network, Version};
use crate::phrases::nearest;
use crate::subnet::v4;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use targets::{Target, targets};

/// What to do with existing networks that clash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Existing {
    #[default]
    Report,
    Move,
    /// Only these, if they clash.
    MoveOnly(Vec<String>),
}

/// An existing network that moves to another subnet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Move {
    /// Name of the network.
    pub network: String,
    /// Its subnet now.
    pub from: Ipv4Net,
    /// Its new subnet.
    pub to: Ipv4Net,
    /// Whether rebridge asks for the new subnet by name. Otherwise the engine takes it from its
    /// pools, as it did before.
    pub explicit: bool,
    /// Names of the containers that are stopped and started again, with those that share the
    /// network of another.
    pub restarts: Vec<String>,
}

/// The networks that move, what the operator should know about them, and the losses to accept.
#[derive(Debug, Default)]
pub struct Relocation {
    pub moves: Vec<Move>,
    pub notices: Vec<Notice>,
    pub losses: Vec<Blocker>,
}

/// The moves. `before` are the facts now, `after` is the host once docker0 and the pools have
/// changed.
pub fn moves(before: &Facts, after: &Assessment, permits: &Permits) -> Result<Relocation, Blocker> {
    let networks = chosen(after, permits)?;
    let mut losses = Vec::new();
    for network in &networks {
        losses.extend(carried_over(before, network)?);
    }
    let targets = targets(before, after, &networks)?;
    let mut moves = Vec::with_capacity(networks.len());
    for (network, target) in networks.iter().zip(&targets) {
        let Some(from) = network.subnets.iter().find_map(v4) else {
            continue;
        };
        moves.push(Move {
            network: network.name.clone(),
            from,
            to: target.subnet(),
            explicit: target.is_named(),
            restarts: restarts(before, &network.name),
        });
    }
    let notices = notices(&networks, &targets);
    Ok(Relocation {
        moves,
        notices,
        losses,
    })
}

fn notices(networks: &[&Network], targets: &[Target]) -> Vec<Notice> {
    let both = networks.iter().zip(targets);
    let by_hand = both.clone().filter_map(|(network, target)| match target {
        Target::ByHand(_) => Some(network.name.clone()),
        Target::Wide { .. } | Target::FromPools(_) => None,
    });
    let by_hand: Vec<String> = by_hand.collect();
    let mut notices = Vec::new();
    if !by_hand.is_empty() {
        notices.push(Notice::SubnetByHand { networks: by_hand });
    }
    notices.extend(both.filter_map(|(network, target)| match target {
        Target::Wide { subnet, containers } => Some(Notice::WiderThanThePools {
            network: network.name.clone(),
            subnet: *subnet,
            containers: *containers,
        }),
        Target::ByHand(_) | Target::FromPools(_) => None,
    }));
    notices
}

/// The networks to move, oldest first.
fn chosen<'a>(assessment: &Assessment<'a>, permits: &Permits) -> Result<Vec<&'a Network>, Blocker> {
    let named = match &permits.networks {
        Existing::Report => return Ok(Vec::new()),
        Existing::Move => None,
        Existing::MoveOnly(names) => Some(names),
    };
    let facts = assessment.facts;
    for name in named.into_iter().flatten() {
        exists(facts, name)?;
        is_no_lan(facts, name)?;
        is_no_products(facts, name)?;
    }
    let clashing: BTreeSet<&str> = assessment
        .clashes
        .iter()
        .filter(|clash| permits.act_on_suspected || !clash.is_suspected())
        .filter(|clash| clash.kind == Kind::Present && !clash.is_docker0())
        .filter(|clash| v4(&clash.docker.subnet).is_some())
        .filter_map(|clash| clash.docker.network.as_deref())
        .filter(|name| named.is_none_or(|names| names.iter().any(|one| one == name)))
        .collect();
    let mut networks: Vec<&Network> = facts
        .engine_networks()
        .filter(|network| clashing.contains(network.name.as_str()))
        .filter(|network| match Way::of(facts, network) {
            Way::Recreate => true,
            // You can still have it moved by its name.
            Way::Remove => named.is_some(),
            Way::LeaveToProduct(_) | Way::LeaveToSwarm => false,
        })
        .collect();
    networks.sort_by_key(|network| (&network.created, &network.name));
    Ok(networks)
}

fn exists(facts: &Facts, name: &str) -> Result<(), Blocker> {
    let known: Vec<&str> = facts
        .engine_networks()
        .map(|network| network.name.as_str())
        .collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(Blocker::NoSuchNetwork {
        name: name.to_owned(),
        near: nearest(name, &known).map(str::to_owned),
        known: known.into_iter().map(str::to_owned).collect(),
    })
}

/// A network on a LAN of this host clashes with nothing. That you name it does not change that.
fn is_no_lan(facts: &Facts, name: &str) -> Result<(), Blocker> {
    let bridges = facts
        .engine_networks()
        .filter(|network| network.name == name)
        .filter_map(|network| network.bridge.as_deref());
    for bridge in bridges {
        if let Some(sign) = facts.lan_sign(bridge) {
            return Err(Blocker::NetworkOnYourLan {
                network: name.to_owned(),
                bridge: bridge.to_owned(),
                sign,
            });
        }
    }
    Ok(())
}

/// A network of a product stays where the product wants it, also if you name it.
fn is_no_products(facts: &Facts, name: &str) -> Result<(), Blocker> {
    match Way::of_name(facts, name) {
        Some(Way::LeaveToProduct(product)) => Err(Blocker::NetworkOfProduct {
            network: name.to_owned(),
            product,
        }),
        _ => Ok(()),
    }
}

/// Whether the engine can carry everything over; the losses that the operator can accept.
fn carried_over(facts: &Facts, network: &Network) -> Result<Vec<Blocker>, Blocker> {
    if let Some(from) = &network.config_from {
        return Err(Blocker::NetworkBorrowsSettings {
            network: network.name.clone(),
            from: from.clone(),
        });
    }
    let version = facts.version();
    let loses_mac = !version.is_some_and(Version::keeps_mac_on_connect);
    let loses_id = !version.is_some_and(Version::starts_after_network_id_is_gone);
    let mut losses = Vec::new();
    for (container, detail) in members(facts, &network.name) {
        let network_name = network.name.clone();
        let container = container.name.clone();
        if loses_id && is_named_by_id(network, detail) {
            return Err(Blocker::ContainerMadeById {
                network: network_name,
                container,
            });
        }
        if let Some(address) = published_inside(network, detail) {
            return Err(Blocker::ContainerPublishesOnNetwork {
                network: network_name,
                container,
                address,
            });
        }
        // One that was never started looks for its network by name, and is left alone.
        let by_hand = matches!(detail.networks.get(&network.name), Some(Some(_)));
        let left_alone = detail.never_started && !by_hand;
        let Some(mac) = detail.mac.clone().filter(|_| loses_mac && !left_alone) else {
            continue;
        };
        losses.push(Blocker::ContainerLosesMac {
            network: network_name,
            container,
            mac,
        });
    }
    Ok(losses)
}

/// Whether a container was created for a network by the network's id, which changes.
fn is_named_by_id(network: &Network, detail: &Detail) -> bool {
    !network.id.is_empty() && detail.mode.len() >= 12 && network.id.starts_with(&detail.mode)
}

/// An address of the network on which the container publishes a port.
fn published_inside(network: &Network, detail: &Detail) -> Option<IpAddr> {
    let subnet = network.subnets.iter().find(|net| v4(net).is_some())?;
    let mut published = detail.published_on.iter();
    published.find(|address| subnet.contains(*address)).copied()
}

/// The containers on a network, running or not.
fn members<'a>(
    facts: &'a Facts,
    network: &'a str,
) -> impl Iterator<Item = (&'a Container, &'a Detail)> {
    let engine = facts.docker.engine.iter();
    let all = engine.flat_map(|engine| engine.containers.iter().chain(&engine.idle));
    all.filter_map(|container| Some((container, container.detail.as_ref()?)))
        .filter(move |(_, detail)| detail.networks.contains_key(network))
}

/// The containers that must stop and start again for a network to move.
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
