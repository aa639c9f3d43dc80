//! Records what it takes to re-create networks and to put their containers back on them, on either
//! side of a move, from the engine as it is now.

use super::bodies::{address_by_hand, moved_config, network_body, settings, shift};
use super::moves::{Attachment, Member, Moves, Relocation, Side, text};
use super::order;
use crate::apply::containers::client;
use crate::docker::containers::lives;
use crate::docker::{self, Api};
use crate::facts::Manager;
use crate::host::Host;
use crate::plan::relocate::Move;
use serde_json::{Map, Value};

/// Why the networks could not be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecorded {
    EngineSilent(docker::Error),
    NetworkGone { network: String },
}

impl From<docker::Error> for NotRecorded {
    fn from(why: docker::Error) -> NotRecorded {
        NotRecorded::EngineSilent(why)
    }
}

/// Records what these moves need.
pub fn record(host: &Host, moves: &[Move]) -> Result<Moves, NotRecorded> {
    if moves.is_empty() {
        return Ok(Moves::default());
    }
    let api = client(host)?;
    let known: Vec<Value> = api.ask("/networks")?;
    let networks = moves
        .iter()
        .map(|one| relocation(&known, one))
        .collect::<Result<Vec<Relocation>, NotRecorded>>()?;
    let members = members(&api, &networks, Side::Old)?;
    Ok(Moves { networks, members })
}

/// Records how these networks, which have moved, go back with the containers that are on them now.
pub fn record_back(host: &Host, networks: Vec<Relocation>) -> Result<Moves, NotRecorded> {
    if networks.is_empty() {
        return Ok(Moves::default());
    }
    let members = members(&client(host)?, &networks, Side::New)?;
    Ok(Moves { networks, members })
}

fn relocation(known: &[Value], one: &Move) -> Result<Relocation, NotRecorded> {
    let network = known
        .iter()
        .find(|network| text(network, "/Name") == one.network)
        .ok_or_else(|| NotRecorded::NetworkGone {
            network: one.network.clone(),
        })?;
    Ok(Relocation {
        name: one.network.clone(),
        from: one.from,
        to: one.to,
        old: network_body(network, |config| Some(config.clone())),
        new: network_body(network, |config| moved_config(config, one)),
    })
}

/// The containers that are on these networks, which are on this side now.
fn members(api: &Api, networks: &[Relocation], now: Side) -> Result<Vec<Member>, docker::Error> {
    let all = inspect_all(api)?;
    let mut members: Vec<Member> = all
        .iter()
        .map(|container| member(container, networks, now))
        .collect();
    // What shares the network of one that stops has to stop and start with it; what would be
    // removed by a stop keeps both of them up.
    let fragile: Vec<String> = all
        .iter()
        .filter(|one| removed_when_stopped(one))
        .filter_map(joined)
        .collect();
    for member in &mut members {
        member.stays_up |= fragile.contains(&member.id);
    }
    let stopped: Vec<String> = members
        .iter()
        .filter(|one| !one.attachments.is_empty() && !one.stays_up)
        .map(|one| one.id.clone())
        .collect();
    members.retain(|one| {
        let joined = one.joins.as_ref();
        !one.attachments.is_empty() || joined.is_some_and(|id| stopped.contains(id))
    });
    order::take_turns(&mut members, &all);
    Ok(members)
}

fn inspect_all(api: &Api) -> Result<Vec<Value>, docker::Error> {
    let listed: Vec<Value> = api.ask("/containers/json?all=1")?;
    // One that has gone since it was listed does not matter.
    let inspect = |one: &Value| {
        api.ask(&format!("/containers/{}/json", text(one, "/Id")))
            .ok()
    };
    Ok(listed.iter().filter_map(inspect).collect())
}

fn member(container: &Value, networks: &[Relocation], now: Side) -> Member {
    let status = text(container, "/State/Status");
    let attachments = networks
        .iter()
        .filter_map(|network| attachment(container, network, now));
    let name = text(container, "/Name").trim_start_matches('/').to_owned();
    let labels = container
        .pointer("/Config/Labels")
        .and_then(Value::as_object);
    let labels = labels.into_iter().flat_map(Map::keys);
    let manager = Manager::of(&name, labels.map(String::as_str));
    Member {
        id: text(container, "/Id"),
        name,
        // What a manager replaces by a new one is not started again.
        ran: lives(&status) && manager.is_none(),
        restarting: status == "restarting",
        paused: status == "paused",
        stays_up: removed_when_stopped(container),
        joins: joined(container),
        started: Some(text(container, "/State/StartedAt")),
        stop_timeout: container
            .pointer("/Config/StopTimeout")
            .and_then(Value::as_i64),
        turn: 0,
        attachments: attachments.collect(),
    }
}

/// A container's place on a network that is on this side now.
fn attachment(container: &Value, network: &Relocation, now: Side) -> Option<Attachment> {
    let place = container
        .pointer("/NetworkSettings/Networks")?
        .get(&network.name)?;
    let by_hand = address_by_hand(place);
    if text(container, "/State/Status") == "created" && by_hand.is_none() {
        // Never started: it will look for its network by name.
        return None;
    }
    let (from, to) = match now {
        Side::Old => (network.from, network.to),
        Side::New => (network.to, network.from),
    };
    let here = settings(place, container, by_hand);
    let moved = by_hand.and_then(|address| shift(address, from, to));
    let there = settings(place, container, moved);
    let (old, new) = match now {
        Side::Old => (here, there),
        Side::New => (there, here),
    };
    Some(Attachment {
        network: network.name.clone(),
        old,
        new,
    })
}

fn removed_when_stopped(container: &Value) -> bool {
    let flag = container.pointer("/HostConfig/AutoRemove");
    flag.and_then(Value::as_bool).unwrap_or_default()
}

/// The id of the container whose network this one shares.
fn joined(container: &Value) -> Option<String> {
    text(container, "/HostConfig/NetworkMode")
        .strip_prefix("container:")
        .map(str::to_owned)
}
