//! Moves networks that exist already: stop what is on them, take them away, make them anew
//! elsewhere, connect every container again, start what ran. The same steps, from wherever they
//! were left, lead back.
//!
//! Each step looks at what is there and does what is missing, so that a run that was killed can be
//! finished or undone from its record alone.

pub mod moves;
mod order;
pub mod record;

use super::check::Check;
use super::containers;
use super::parallel::for_each;
use super::phases::Phases;
use super::verify::UP;
use crate::docker::Api;
use crate::host::Host;
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net};
use moves::{Attachment, Member, Moves, Relocation, Side, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A container may take its grace period to stop, and as long as an engine likes to start.
const DEADLINE: Duration = Duration::from_secs(120);

/// A client for the engine with patience for containers.
pub fn client(host: &Host) -> Result<Api, String> {
    Ok(Api::new(host, DEADLINE)?)
}

/// What is there now.
struct Now {
    /// Id and IPv4 subnet of every network, by name.
    networks: HashMap<String, (String, Option<Ipv4Net>)>,
    /// The members as the engine describes them, by id; those that are gone are missing.
    members: HashMap<String, Value>,
}

impl Now {
    fn look(api: &Api, moves: &Moves) -> Result<Now, String> {
        let listed: Vec<Value> = api.ask("/networks")?;
        let subnet = |network: &Value| {
            let configs = network.pointer("/IPAM/Config").and_then(Value::as_array);
            configs
                .into_iter()
                .flatten()
                .find_map(|config| v4(&text(config, "/Subnet").parse::<IpNet>().ok()?.trunc()))
        };
        let networks = listed
            .iter()
            .map(|one| (text(one, "/Name"), (text(one, "/Id"), subnet(one))))
            .collect();
        let ask = |member: &Member| {
            api.ask::<Value>(&format!("/containers/{}/json", member.id))
                .ok()
        };
        let members = moves
            .members
            .iter()
            .filter_map(|member| Some((member.id.clone(), ask(member)?)))
            .collect();
        Ok(Now { networks, members })
    }

    /// The id of a network where it is the one of that side.
    fn settled(&self, network: &Relocation, side: Side) -> Option<&str> {
        let (id, subnet) = self.networks.get(&network.name)?;
        subnet
            .filter(|subnet| network.is_at(side, *subnet))
            .map(|_| id.as_str())
    }

    fn lives(&self, member: &Member) -> bool {
        let status = self
            .members
            .get(&member.id)
            .map(|one| text(one, "/State/Status"));
        status.is_some_and(|status| matches!(status.as_str(), "running" | "paused" | "restarting"))
    }

    /// A member's place on a network, if it has one.
    fn place(&self, member: &Member, network: &str) -> Option<&Value> {
        self.members
            .get(&member.id)?
            .pointer("/NetworkSettings/Networks")?
            .get(network)
    }

    /// Whether a member is on the network of that side, as it should be.
    fn is_tied(&self, moves: &Moves, member: &Member, tie: &Attachment, side: Side) -> bool {
        let network = moves
            .networks
            .iter()
            .find(|network| network.name == tie.network);
        let Some(id) = network.and_then(|network| self.settled(network, side)) else {
            return false;
        };
        let Some(place) = self.place(member, &tie.network) else {
            return false;
        };
        let address = |value: &Value| text(value, "/IPAMConfig/IPv4Address");
        let tied_to = text(place, "/NetworkID");
        // One that is not running may be bound by name until it starts.
        (tied_to == id || tied_to.is_empty() && !self.lives(member))
            && address(place) == address(tie.settings(side))
    }

    /// The members that have to be touched: those not where they should be, and those that share a
    /// network with them.
    fn out_of_place<'a>(&self, moves: &'a Moves, side: Side) -> Vec<&'a Member> {
        let there = |member: &&Member| self.members.contains_key(&member.id);
        let off = |member: &Member| {
            member
                .attachments
                .iter()
                .any(|tie| !self.is_tied(moves, member, tie, side))
        };
        let own: Vec<&Member> = moves
            .members
            .iter()
            .filter(there)
            .filter(|member| off(member))
            .collect();
        let follows = |member: &&Member| {
            let joined = member.joins.as_ref();
            joined.is_some_and(|joined| {
                own.iter()
                    .any(|target| target.id == *joined && !target.stays_up)
            })
        };
        let followers = moves
            .members
            .iter()
            .filter(there)
            .filter(|member| !off(member))
            .filter(follows);
        own.iter().copied().chain(followers).collect()
    }
}

/// Stops every container of the moves that a stop does not remove. Before Docker is restarted: each
/// gets its own grace period that way, where a daemon that shuts down soon kills the rest, and none
/// is started only to be stopped again.
pub fn stop_members(host: &Host, moves: &Moves) -> Result<(), String> {
    let api = client(host)?;
    let now = Now::look(&api, moves)?;
    let members: Vec<&Member> = moves.members.iter().collect();
    stop(&api, &now, &members)
        .into_iter()
        .next()
        .map_or(Ok(()), Err)
}

/// Brings networks and containers to that side. What went wrong: forward the first step with a
/// problem is the last one, on the way back every step is tried.
pub fn settle(host: &Host, moves: &Moves, side: Side, phases: &mut Phases) -> Vec<String> {
    let run = || -> Result<(Api, Now), String> {
        let api = client(host)?;
        let now = Now::look(&api, moves)?;
        Ok((api, now))
    };
    let (api, now) = match run() {
        Ok(both) => both,
        Err(problem) => return vec![problem],
    };
    let out_of_place = now.out_of_place(moves, side);
    let unsettled: Vec<&Relocation> = moves
        .networks
        .iter()
        .filter(|one| now.settled(one, side).is_none())
        .collect();
    let mut problems = Vec::new();
    type Step<'a> = (&'static str, &'a dyn Fn() -> Vec<String>);
    let steps: [Step; 5] = [
        ("stopping containers", &|| stop(&api, &now, &out_of_place)),
        ("taking networks away", &|| {
            take_away(&api, moves, &now, &unsettled)
        }),
        ("making networks anew", &|| make(&api, &unsettled, side)),
        ("connecting containers", &|| connect(&api, moves, side)),
        ("starting containers", &|| start(&api, moves)),
    ];
    for (name, step) in steps {
        let found = phases.time(name, step);
        let enough = side == Side::New && !found.is_empty();
        problems.extend(found);
        if enough {
            break;
        }
    }
    problems
}

/// Stops those that live, dependants first; all but those a stop would remove.
fn stop(api: &Api, now: &Now, out_of_place: &[&Member]) -> Vec<String> {
    let living = out_of_place
        .iter()
        .copied()
        .filter(|member| now.lives(member) && !member.stays_up);
    by_turn(living)
        .into_values()
        .rev()
        .flat_map(|members| for_each(&members, |member| stop_one(api, member)))
        .collect()
}

fn stop_one(api: &Api, member: &Member) -> Result<(), String> {
    let stopped = api.order(&format!("/containers/{}/stop", member.id));
    stopped.map_err(|why| format!("the container {} does not stop: {why}", member.name))
}

/// Disconnects every member of these networks, and removes the networks.
fn take_away(api: &Api, moves: &Moves, now: &Now, networks: &[&Relocation]) -> Vec<String> {
    let there = networks
        .iter()
        .filter_map(|network| Some((*network, now.networks.get(&network.name)?.0.as_str())));
    let there: Vec<(&Relocation, &str)> = there.collect();
    let mut problems = for_each(&moves.members, |member| {
        for (network, id) in &there {
            if now.place(member, &network.name).is_some()
                && member
                    .attachments
                    .iter()
                    .any(|tie| tie.network == network.name)
            {
                disconnect(api, member, &network.name, id)?;
            }
        }
        Ok(())
    });
    problems.extend(for_each(&there, |(network, id)| {
        let removed = api.remove(&format!("/networks/{id}"));
        removed.map_err(|why| format!("the network {} cannot be removed: {why}", network.name))
    }));
    problems
}

fn disconnect(api: &Api, member: &Member, network: &str, at: &str) -> Result<(), String> {
    let body = json!({"Container": member.id, "Force": true});
    match api.order_with(&format!("/networks/{at}/disconnect"), &body) {
        Err(why) if !why.to_string().contains("is not connected") => Err(format!(
            "the container {} cannot be disconnected from {network}: {why}",
            member.name
        )),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes the networks, one after the other: which subnet each gets depends on the order.
fn make(api: &Api, networks: &[&Relocation], side: Side) -> Vec<String> {
    let made = networks.iter().map(|network| {
        let made = api.order_with("/networks/create", network.body(side));
        made.map_err(|why| format!("the network {} cannot be made: {why}", network.name))
    });
    made.filter_map(Result::err).collect()
}

/// Puts every member on every network it belongs to.
fn connect(api: &Api, moves: &Moves, side: Side) -> Vec<String> {
    let now = match Now::look(api, moves) {
        Ok(now) => now,
        Err(problem) => return vec![problem],
    };
    for_each(&now.out_of_place(moves, side), |member| {
        for tie in member
            .attachments
            .iter()
            .filter(|tie| !now.is_tied(moves, member, tie, side))
        {
            let Some((id, _)) = now.networks.get(&tie.network) else {
                continue;
            };
            if now.place(member, &tie.network).is_some() {
                // A place on a network that is gone; only by name is it found.
                disconnect(api, member, &tie.network, &tie.network)?;
            }
            let body = json!({"Container": member.id, "EndpointConfig": tie.settings(side)});
            let connected = api.order_with(&format!("/networks/{id}/connect"), &body);
            connected.map_err(|why| {
                format!(
                    "the container {} cannot be connected to {}: {why}",
                    member.name, tie.network
                )
            })?;
        }
        Ok(())
    })
}

/// Starts what ran, in turn, and pauses what was paused.
fn start(api: &Api, moves: &Moves) -> Vec<String> {
    let now = match Now::look(api, moves) {
        Ok(now) => now,
        Err(problem) => return vec![problem],
    };
    let ran = moves
        .members
        .iter()
        .filter(|member| member.ran && now.members.contains_key(&member.id));
    let start_one = |member: &&Member| {
        let started = if now.lives(member) {
            Ok(())
        } else {
            containers::start(api, &member.id)
        };
        let paused = now
            .members
            .get(&member.id)
            .is_some_and(|one| text(one, "/State/Status") == "paused");
        let settled = started.and_then(|()| match member.paused && !paused {
            true => Ok(api.order(&format!("/containers/{}/pause", member.id))?),
            false => Ok(()),
        });
        settled.map_err(|why| format!("the container {} does not start: {why}", member.name))
    };
    by_turn(ran)
        .into_values()
        .flat_map(|members| for_each(&members, start_one))
        .collect()
}

fn by_turn<'a>(members: impl Iterator<Item = &'a Member>) -> BTreeMap<u32, Vec<&'a Member>> {
    let mut turns: BTreeMap<u32, Vec<&Member>> = BTreeMap::new();
    members.for_each(|member| turns.entry(member.turn).or_default().push(member));
    turns
}

/// Whether nothing is left to do for that side.
pub fn is_at(host: &Host, moves: &Moves, side: Side) -> bool {
    if moves.networks.is_empty() {
        return true;
    }
    let Ok(now) = client(host).and_then(|api| Now::look(&api, moves)) else {
        return false;
    };
    let down =
        |member: &Member| member.ran && now.members.contains_key(&member.id) && !now.lives(member);
    moves
        .networks
        .iter()
        .all(|network| now.settled(network, side).is_some())
        && now.out_of_place(moves, side).is_empty()
        && !moves.members.iter().any(down)
}

/// Whether every network and every container is on that side, as the engine sees it now. Fills in
/// the subnets the engine chose itself.
pub fn verify(host: &Host, moves: &mut Moves, side: Side) -> Vec<Check> {
    let now = match client(host).and_then(|api| Now::look(&api, moves)) {
        Ok(now) => now,
        Err(problem) => return vec![Check::equal("the engine", UP, format!("down ({problem})"))],
    };
    let mut checks = Vec::new();
    for network in &mut moves.networks {
        let found = now
            .networks
            .get(&network.name)
            .and_then(|(_, subnet)| *subnet);
        if let Some(found) = found.filter(|found| side == Side::New && network.is_at(side, *found))
        {
            network.to = found;
        }
        let wanted = if side == Side::New {
            network.to
        } else {
            network.from
        };
        let found = found.map_or("gone".to_owned(), |found| found.to_string());
        checks.push(Check::equal(
            &format!("the network {}", network.name),
            wanted,
            found,
        ));
    }
    let out_of_place: Vec<&str> = now
        .out_of_place(moves, side)
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    let all = |problem: &str, names: &[&str]| match names {
        [] => "all".to_owned(),
        names => format!("not {problem}: {}", names.join(", ")),
    };
    checks.push(Check::equal(
        "containers connected to the moved networks",
        "all",
        all("connected", &out_of_place),
    ));
    // On the way back one that cannot be started is no reason to leave the rest as it is; it is
    // told by name.
    if side == Side::New {
        let ran = moves
            .members
            .iter()
            .filter(|member| member.ran && now.members.contains_key(&member.id));
        let down: Vec<&str> = ran
            .filter(|member| !now.lives(member))
            .map(|member| member.name.as_str())
            .collect();
        checks.push(Check::equal(
            "containers of the moved networks that ran and run",
            "all",
            all("running", &down),
        ));
    }
    checks
}
