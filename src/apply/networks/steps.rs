//! The steps of a move. Each looks at what is there and does what is missing; what went wrong comes
//! back, and the step goes on with the rest.

use super::moves::{Member, Moves, Relocation, Side};
use super::now::Now;
use crate::apply::cause::Cause;
use crate::apply::containers;
use crate::apply::parallel::{for_each, wait_for_each};
use crate::docker::containers::ApiContainerDetail;
use crate::docker::{self, Api};
use serde_json::json;
use std::collections::BTreeMap;

/// Stops those that live, dependants first; all but those a stop would remove.
pub fn stop(api: &Api, now: &Now, members: &[&Member]) -> Vec<Cause> {
    let living = members
        .iter()
        .copied()
        .filter(|member| now.lives(member) && !member.stays_up);
    by_turn(living)
        .into_values()
        .rev()
        .flat_map(|turn| wait_for_each(&turn, |one| containers::stop(api, &one.id, &one.name)))
        .collect()
}

/// Disconnects every member of these networks, and removes the networks.
pub fn remove(api: &Api, now: &Now, moves: &Moves, networks: &[&Relocation]) -> Vec<Cause> {
    let there: Vec<(&str, &str)> = networks
        .iter()
        .filter_map(|network| Some((network.name.as_str(), now.id(&network.name)?)))
        .collect();
    let mut causes = for_each(&moves.members, |member| {
        let attached = |network: &str| {
            let mut attachments = member.attachments.iter();
            attachments.any(|one| one.network == network) && now.place(member, network).is_some()
        };
        there
            .iter()
            .filter(|(network, _)| attached(network))
            .try_for_each(|(network, id)| disconnect(api, member, network, id))
    });
    causes.extend(for_each(&there, |(network, id)| {
        api.remove(&format!("/networks/{id}"))
            .map_err(|why| Cause::NetworkNotRemoved {
                network: (*network).to_owned(),
                why,
            })
    }));
    causes
}

/// Creates the networks, one after the other: which subnet each gets depends on the order.
pub fn create(api: &Api, networks: &[&Relocation], side: Side) -> Vec<Cause> {
    networks
        .iter()
        .filter_map(|network| {
            let why = api
                .order_with("/networks/create", network.body(side))
                .err()?;
            Some(Cause::NetworkNotCreated {
                network: network.name.clone(),
                why,
            })
        })
        .collect()
}

/// Puts every member on every network it belongs to.
pub fn connect(api: &Api, moves: &Moves, side: Side) -> Vec<Cause> {
    match Now::look(api, moves) {
        Ok(now) => for_each(&now.out_of_place(moves, side), |member| {
            connect_one(api, &now, moves, member, side)
        }),
        Err(why) => vec![Cause::EngineSilent(why)],
    }
}

fn connect_one(
    api: &Api,
    now: &Now,
    moves: &Moves,
    member: &Member,
    side: Side,
) -> Result<(), Cause> {
    for attachment in &member.attachments {
        let network = &attachment.network;
        let Some(id) = now.id(network) else { continue };
        if now.is_attached(moves, member, attachment, side) {
            continue;
        }
        if now.place(member, network).is_some() {
            // A place on a network that is gone; only by name is it found.
            disconnect(api, member, network, network)?;
        }
        let body = json!({"Container": member.id, "EndpointConfig": attachment.settings(side)});
        api.order_with(&format!("/networks/{id}/connect"), &body)
            .map_err(|why| Cause::ContainerNotConnected {
                container: member.name.clone(),
                network: network.clone(),
                why,
            })?;
    }
    Ok(())
}

/// `at` is the network's id, or its name.
fn disconnect(api: &Api, member: &Member, network: &str, at: &str) -> Result<(), Cause> {
    let body = json!({"Container": member.id, "Force": true});
    match api.order_with(&format!("/networks/{at}/disconnect"), &body) {
        // Engines answer 500, also where the container was not connected. Only another look tells.
        Err(why) if is_connected(api, member, network) => Err(Cause::ContainerNotDisconnected {
            container: member.name.clone(),
            network: network.to_owned(),
            why,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where the engine does not say, it is taken to be.
fn is_connected(api: &Api, member: &Member, network: &str) -> bool {
    let asked: Result<ApiContainerDetail, docker::Error> =
        api.ask(&format!("/containers/{}/json", member.id));
    asked.map_or(true, |detail| {
        detail.network_settings.networks.contains_key(network)
    })
}

/// Starts what ran, in turn, and pauses what was paused.
pub fn start(api: &Api, moves: &Moves) -> Vec<Cause> {
    let now = match Now::look(api, moves) {
        Ok(now) => now,
        Err(why) => return vec![Cause::EngineSilent(why)],
    };
    let ran = moves
        .members
        .iter()
        .filter(|member| member.ran && now.is_there(member));
    by_turn(ran)
        .into_values()
        .flat_map(|turn| for_each(&turn, |member| start_one(api, &now, member)))
        .collect()
}

fn start_one(api: &Api, now: &Now, member: &Member) -> Result<(), Cause> {
    let started = match now.lives(member) {
        true => Ok(()),
        false => containers::start(api, &member.id),
    };
    let paused = started.and_then(|()| match member.paused && !now.is_paused(member) {
        true => containers::pause(api, &member.id),
        false => Ok(()),
    });
    paused.map_err(|why| Cause::ContainerNotStarted {
        container: member.name.clone(),
        why,
    })
}

fn by_turn<'a>(members: impl Iterator<Item = &'a Member>) -> BTreeMap<u32, Vec<&'a Member>> {
    let mut turns: BTreeMap<u32, Vec<&Member>> = BTreeMap::new();
    members.for_each(|member| turns.entry(member.turn).or_default().push(member));
    turns
}
