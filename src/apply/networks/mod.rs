//! Moves networks that exist already: stop what is on them, remove them, create them elsewhere,
//! connect every container again, start what ran. The same steps, from wherever they were left, lead
//! back.
//!
//! Each step looks at what is there and does what is missing, so that a run that was killed can be
//! finished or undone from its record alone.

mod bodies;
pub mod moves;
mod now;
mod order;
pub mod record;
mod steps;

use super::cause::Cause;
use super::check::Check;
use super::containers::{FAILS_WITHIN, client, client_for_stops};
use super::phases::PhaseName;
use super::progress::Phases;
use crate::docker::{self, Api};
use crate::host::Host;
use moves::{Member, Moves, Relocation, Side};
use now::Now;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For a container that Docker restarts after a first try that failed.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// Stops every container of the moves that a stop does not remove. Before Docker is restarted: each
/// gets its own grace period that way, where a daemon that shuts down soon kills the rest, and none
/// is started only to be stopped again.
pub fn stop_members(host: &Host, moves: &Moves) -> Result<(), Cause> {
    let longest = moves.longest_stop();
    let api = client_for_stops(host, longest).map_err(Cause::EngineSilent)?;
    let now = Now::look(&api, moves).map_err(Cause::EngineSilent)?;
    let members: Vec<&Member> = moves.members.iter().collect();
    let causes = steps::stop(&api, &now, &members);
    causes.into_iter().next().map_or(Ok(()), Err)
}

/// A step of a move, and what went wrong in it.
type Step<'a> = (PhaseName, &'a dyn Fn() -> Vec<Cause>);

/// Brings networks and containers to that side. What went wrong: forward the first step with a
/// problem is the last one, on the way back every step is tried.
pub fn settle(host: &Host, moves: &Moves, side: Side, phases: &mut Phases) -> Vec<Cause> {
    let client = client_for_stops(host, moves.longest_stop());
    let looked = client.and_then(|api| Ok((Now::look(&api, moves)?, api)));
    let (now, api) = match looked {
        Ok(looked) => looked,
        Err(why) => return vec![Cause::EngineSilent(why)],
    };
    let out_of_place = now.out_of_place(moves, side);
    let unsettled = now.unsettled(moves, side);
    let steps: [Step; 5] = [
        (PhaseName::StopContainers, &|| {
            steps::stop(&api, &now, &out_of_place)
        }),
        (PhaseName::RemoveNetworks, &|| {
            steps::remove(&api, &now, moves, &unsettled)
        }),
        (PhaseName::CreateNetworks, &|| {
            steps::create(&api, &unsettled, side)
        }),
        (PhaseName::ConnectContainers, &|| {
            steps::connect(&api, moves, side)
        }),
        (PhaseName::StartContainers, &|| steps::start(&api, moves)),
    ];
    let mut causes = Vec::new();
    for (name, step) in steps {
        causes.extend(phases.time(name, step));
        if side == Side::New && !causes.is_empty() {
            break;
        }
    }
    causes
}

/// Whether nothing is left to do for that side.
pub fn is_at(host: &Host, moves: &Moves, side: Side) -> bool {
    if moves.networks.is_empty() {
        return true;
    }
    let looked = client(host).and_then(|api| Now::look(&api, moves));
    looked.is_ok_and(|now| {
        now.unsettled(moves, side).is_empty()
            && now.out_of_place(moves, side).is_empty()
            && now.down(moves).is_empty()
    })
}

/// Whether every network and every container has moved, and the moves with the subnets that the
/// engine chose itself.
pub fn verify_moved(host: &Host, moves: &Moves) -> (Vec<Check>, Moves) {
    match client(host).and_then(|api| look_once_settled(&api, moves)) {
        Ok(now) => {
            let moves = as_made(moves, &now);
            let mut checks = checks(&now, &moves, Side::New);
            checks.push(of_all(
                "what runs on the moved networks",
                "all that ran",
                &now.down(&moves),
            ));
            (checks, moves)
        }
        Err(why) => (vec![engine_is_down(&why)], moves.clone()),
    }
}

/// The containers that ran and do not run, as far as the engine says.
pub fn down(host: &Host, moves: &Moves) -> Vec<String> {
    if moves.members.is_empty() {
        return Vec::new();
    }
    let looked = client(host).and_then(|api| look_once_settled(&api, moves));
    let down = looked.iter().flat_map(|now| now.down(moves));
    down.map(|member| member.name.clone()).collect()
}

/// Looks when what fails at once has had time to fail, and what Docker restarts by its policy has
/// had time to come up.
fn look_once_settled(api: &Api, moves: &Moves) -> Result<Now, docker::Error> {
    let began = Instant::now();
    loop {
        let now = Now::look(api, moves)?;
        let ran = moves.members.iter().any(|member| member.ran);
        let enough = match now.down(moves).is_empty() {
            true if ran => FAILS_WITHIN,
            true => Duration::ZERO,
            false => PATIENCE,
        };
        if began.elapsed() >= enough {
            return Ok(now);
        }
        sleep(PAUSE);
    }
}

/// Whether every network and every container is back. A container that cannot be started is no
/// reason to leave the rest as it is; the report names it.
pub fn verify_back(host: &Host, moves: &Moves) -> Vec<Check> {
    match client(host).and_then(|api| Now::look(&api, moves)) {
        Ok(now) => checks(&now, moves, Side::Old),
        Err(why) => vec![engine_is_down(&why)],
    }
}

fn engine_is_down(why: &docker::Error) -> Check {
    Check::engine(Some(format!("down ({why})")))
}

fn as_made(moves: &Moves, now: &Now) -> Moves {
    let mut moves = moves.clone();
    for network in &mut moves.networks {
        if now.is_settled(network, Side::New)
            && let Some(subnet) = now.subnet(&network.name)
        {
            network.to = subnet;
        }
    }
    moves
}

fn checks(now: &Now, moves: &Moves, side: Side) -> Vec<Check> {
    let networks = moves.networks.iter();
    let mut checks: Vec<Check> = networks.map(|one| of_network(now, one, side)).collect();
    checks.push(of_all(
        "what is connected to the moved networks",
        "all",
        &now.out_of_place(moves, side),
    ));
    checks
}

fn of_network(now: &Now, network: &Relocation, side: Side) -> Check {
    let wanted = match side {
        Side::Old => network.from,
        Side::New => network.to,
    };
    let found = now
        .subnet(&network.name)
        .map_or("gone".to_owned(), |found| found.to_string());
    Check::equal(&format!("the network {}", network.name), wanted, found)
}

fn of_all(what: &str, all: &str, missing: &[&Member]) -> Check {
    let names: Vec<&str> = missing.iter().map(|one| one.name.as_str()).collect();
    let fault = (!names.is_empty()).then(|| format!("all but {}", names.join(", ")));
    Check::faultless(what, all, fault)
}
