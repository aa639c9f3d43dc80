//! Carries out a plan, in a fixed order and without opinions: write → restart → verify → commit, or
//! roll back.
//!
//! Until the journal is on disk anything that goes wrong is a refusal and the host is untouched.
//! From then on there is no error any more, only an [`End`]: nothing can lose sight of the fact
//! that the host was touched.

pub mod applied;
mod came_back;
pub mod cause;
pub mod check;
pub mod containers;
mod daemon_log;
pub mod deadman;
mod edited_meanwhile;
pub mod file_edit;
pub mod firewall;
mod forward;
pub mod go_back;
pub mod journal;
pub mod networks;
pub mod note;
pub mod parallel;
mod patience;
pub mod phases;
mod prepare;
pub mod progress;
mod reachable;
pub mod recover;
pub mod refusal;
pub mod relief;
pub mod request;
pub mod restart;
pub mod restart_method;
pub mod rollback;
mod under_way;
pub mod undo;
mod units;
pub mod validate;
pub mod verify;

use crate::assess::Assessment;
use crate::facts::{Docker, Facts, ServiceManager};
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::observe;
use crate::observe::process::Process;
use crate::observe::unit;
use crate::plan::Plan;
use applied::{Applied, End};
use forward::Forward;
use ipnet::IpNet;
use journal::Record;
use note::Note;
use phases::PhaseName;
use prepare::{Prepared, prepare, prune_backups};
use progress::{Phases, Progress};
use refusal::Refusal;
use request::Request;
use restart_method::RestartMethod;
use std::time::{Duration, SystemTime};

/// Carries out a plan on a host whose lock is held.
pub fn apply(
    host: &Host,
    before: &Assessment,
    plan: &Plan,
    request: &Request,
    progress: &dyn Progress,
) -> Applied {
    let mut record = match record(host, before.facts, plan, request) {
        Ok(record) => record,
        Err(refusal) => return untouched(before.facts, refusal),
    };
    let _shield = Shield::raise(progress.calm());
    let mut prepared = match prepare(host, plan, &record, request) {
        Ok(prepared) => prepared,
        Err(refusal) => return untouched(before.facts, refusal),
    };
    if prepared.writes() {
        progress.step(PhaseName::WriteFile);
    }
    if let Err(refusal) = prepared.write(host, &record) {
        prepared.take_away(host);
        return untouched(before.facts, refusal);
    }
    let forward = Forward {
        host,
        plan,
        policy: before.policy,
        request,
    };
    let mut applied = act_and_verify(&forward, &mut record, progress);
    close(host, &record, plan, &prepared, &mut applied);
    applied
}

/// What is needed to undo the plan.
fn record(host: &Host, before: &Facts, plan: &Plan, request: &Request) -> Result<Record, Refusal> {
    let moves = networks::record::record(host, &plan.moves);
    let mut record = Record {
        way: RestartMethod::of(before.docker.service, request.restart_command.as_deref()),
        moves: moves.map_err(Refusal::NetworksNotRecorded)?,
        ..Record::of(before, plan, SystemTime::now())
    };
    if record.touches_docker() {
        record.unit = unit_of(host, &before.docker, record.way.as_ref());
        record.patience = Some(seconds_for(host, &record, request.timeout));
    }
    Ok(record)
}

/// The unit of systemd that dockerd runs in. One that is not there to run it is only of interest
/// where you restart Docker by a command of your own.
fn unit_of(host: &Host, docker: &Docker, method: Option<&RestartMethod>) -> Option<String> {
    match (docker.service, method) {
        (Some(ServiceManager::Systemd), _) => Some(docker.unit().to_owned()),
        (Some(_), _) | (None, Some(RestartMethod::Command(_))) => {
            Process::of_pidfile(host).and_then(|process| process.unit(host))
        }
        (None, _) => None,
    }
}

/// How long a restart may take: what the operator says, else what suits the host.
fn seconds_for(host: &Host, record: &Record, timeout: Option<Duration>) -> u64 {
    let unit = record.unit.as_deref().unwrap_or(unit::NAME);
    let patience = timeout.unwrap_or_else(|| patience::of(host, unit, &record.containers));
    patience.as_secs()
}

fn untouched(before: &Facts, refusal: Refusal) -> Applied {
    Applied::ended(End::Refused(refusal), before.clone())
}

/// What follows once the new file is in its place: all of the plan, or the way back.
fn act_and_verify(forward: &Forward, record: &mut Record, progress: &dyn Progress) -> Applied {
    let host = forward.host;
    if !record.touches_docker() {
        let file = verify::file(host, &record.path, record.after.as_deref());
        return Applied {
            verified: vec![file],
            ..Applied::ended(End::Changed, observe(host))
        };
    }
    let mut phases = Phases::new(progress);
    let why = match forward.go(record, &mut phases) {
        Ok(applied) => {
            return Applied {
                phases: phases.list,
                ..applied
            };
        }
        Err(why) => why,
    };
    let back = phases.time(PhaseName::RollBack, || {
        rollback::roll_back(host, record, progress)
    });
    let end = match back.problem {
        None => End::RolledBack(why),
        Some(then) => End::Stranded { why, then },
    };
    Applied {
        verified: back.verified,
        notes: back.notes,
        restarted: record.restart || back.restarted,
        missing: back.missing,
        phases: phases.list,
        ..Applied::ended(end, back.after)
    }
}

/// Puts away what the end makes unnecessary: backups, the journal, the dead man's switch.
fn close(host: &Host, record: &Record, plan: &Plan, prepared: &Prepared, applied: &mut Applied) {
    match applied.end {
        // A stranded host keeps its journal: the next apply begins with it. The dead man would only
        // undo what you do by hand.
        End::Stranded { .. } => {
            applied.backup = prepared.backup.clone();
            prune_backups(host, &record.path);
            prepared.disarm(host);
        }
        End::Changed => {
            applied.backup = prepared.backup.clone();
            prune_backups(host, &record.path);
            if !host.is_image() {
                if record.restart {
                    let (up, down) = units::bring_back(host, &record.units);
                    applied.verified.extend(up);
                    applied.notes.extend(down);
                }
                applied.notes.extend(leftovers(host, record, plan));
                let committed = journal::commit(host, record);
                applied.can_be_undone = committed.is_ok();
                applied.notes.extend(committed.err().map(Note::not_kept));
            }
            prepared.disarm(host);
        }
        End::Refused(_) | End::RolledBack(_) => {
            prepared.drop_backup(host);
            if !host.is_image() {
                let cleared = journal::clear(host);
                applied.notes.extend(cleared.err().map(Note::not_removed));
            }
            prepared.disarm(host);
        }
    }
}

/// Firewall rules that name a range Docker has left.
fn leftovers(host: &Host, record: &Record, plan: &Plan) -> Vec<Note> {
    let docker0 = record
        .old_range()
        .filter(|_| plan.restart && plan.docker0.is_some())
        .map(|old| ("docker0", old));
    let moves = record.moves.networks.iter();
    docker0
        .into_iter()
        .chain(moves.map(|one| (one.name.as_str(), IpNet::V4(one.from))))
        .flat_map(|(name, old)| firewall::leftovers(host, name, &old))
        .collect()
}
