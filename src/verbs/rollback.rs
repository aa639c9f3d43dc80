//! `rebridge rollback`: undo the last apply, verified, be it days later.

use super::request::RollbackRequest;
use super::take_charge;
use crate::apply::containers::ContainerStates;
use crate::apply::journal::{self, Record};
use crate::apply::networks;
use crate::apply::networks::moves::{Moves, Relocation, Side};
use crate::apply::networks::record;
use crate::apply::progress::Progress;
use crate::apply::recover::{Recovered, recover, undo_pending};
use crate::apply::refusal::{Refusal, Step};
use crate::apply::restart::RestartMethod;
use crate::apply::rollback::{RollbackResult, roll_back};
use crate::apply::text_of;
use crate::facts::{DockerState, Facts, Network};
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::config_file::{KEYS, parse};
use crate::observe::observe_closely;
use crate::plan::relocate::Move;
use crate::plan::{Permits, preflight};
use crate::policy::Policy;
use crate::report::advice;
use crate::report::error::Error;
use crate::report::sentences::{afterwards, blockers, outcome};
use crate::report::vocabulary::Vocabulary;
use crate::report::{Diff, Outcome, Report};
use crate::subnet::{overlap, v4};
use crate::verbs::apply::Ask;
use ipnet::IpNet;
use serde_json::{Map, Value};

const NOTHING: &str = "no apply is left to undo; nothing to do";

/// Runs the verb.
pub fn run(request: &RollbackRequest, progress: &dyn Progress, ask: Ask) -> Result<Report, Error> {
    let host = Host::live();
    let words = request.vocabulary;
    if request.check {
        return foretell(&host, request);
    }
    let _lock = take_charge(&host, "roll back", request.wait)?;
    if request.dead_man {
        return settle(&host, request, progress);
    }
    match recover(&host, request.timeout, true, progress)? {
        Recovered::Nothing | Recovered::Closed(_) => {}
        Recovered::Undone(note) => return Ok(undone_already(&host, note)),
        Recovered::Stuck(problem) => return Ok(stuck(&host, &problem, words)),
    }
    let facts = observe_closely(&host);
    let record = match ready(&host, &facts, request) {
        Ok(Some(record)) => record,
        Ok(None) => return Ok(undone_already(&host, NOTHING.to_owned())),
        Err(why) => return Err(Error::CannotRollBack { why }),
    };
    let report = preview(&facts, &record);
    if !ask(&report) {
        return Ok(report.declined());
    }
    if let Err(error) = journal::begin(&host, &record) {
        return Err(Error::NotBegun(Refusal::NotPrepared {
            step: Step::WriteJournal,
            why: error.to_string(),
        }));
    }
    let _shield = Shield::raise(progress.calm());
    let back = roll_back(&host, &record, request.timeout, progress);
    Ok(conclude(&host, report, &record, back, words))
}

fn stuck(host: &Host, problem: &str, words: Vocabulary) -> Report {
    super::apply::stuck(host, &Policy::default(), problem, words)
}

/// The report of what would be undone, nothing touched.
fn foretell(host: &Host, request: &RollbackRequest) -> Result<Report, Error> {
    if !host.may_change() {
        return Err(Error::RecordUnreadable);
    }
    let facts = observe_closely(host);
    let mut report = if facts.interrupted {
        let mut report = Report::of_facts(&facts);
        report.msg = "would undo the apply that was interrupted half-way".to_owned();
        report
    } else {
        match ready(host, &facts, request) {
            Ok(Some(record)) => {
                let mut report = preview(&facts, &record);
                if record.restart {
                    report.set_docker0(record.docker0_before);
                }
                report
            }
            Ok(None) => return Ok(undone_already(host, NOTHING.to_owned())),
            Err(why) => return Err(Error::CannotRollBack { why }),
        }
    };
    report.changed = true;
    report.outcome = Outcome::WouldChange;
    Ok(report)
}

fn preview(facts: &Facts, record: &Record) -> Report {
    let mut report = Report::of_facts(facts);
    report.plan.restart = record.restart;
    report.plan.docker0 = record.docker0_before.map(|address| address.to_string());
    report.plan.networks = record
        .moves
        .networks
        .iter()
        .map(|one| way_back(&record.moves, one))
        .collect();
    report.diff = diff(record);
    report.advice.then = advice::then_back(&record.path, record.restart.then(|| range_of(record)));
    report.msg = format!(
        "would undo the apply of {}: {} as it was, {}",
        record.began,
        record.path,
        range_of(record)
    );
    report
}

fn range_of(record: &Record) -> String {
    record
        .docker0_before
        .map_or("no docker0".to_owned(), |address| {
            format!("docker0 on {address}")
        })
}

/// The keys that go back. Of the file only what rebridge may show.
fn diff(record: &Record) -> Diff {
    let keys = |text: &Option<String>| {
        text.as_ref()
            .and_then(|text| parse(text.as_bytes()).ok())
            .map(|(_, keys)| keys)
    };
    let (wrote, old) = (
        keys(&record.after).unwrap_or_default(),
        keys(&record.before).unwrap_or_default(),
    );
    let side = |of: &Map<String, Value>| {
        let changed = of
            .iter()
            .filter(|(key, _)| KEYS.contains(&key.as_str()) && wrote.get(*key) != old.get(*key));
        changed
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    Diff::between(&record.path, &side(&wrote), &side(&old))
}

/// What the dead man's switch does: undo the apply that has left its journal, however far it came.
fn settle(
    host: &Host,
    request: &RollbackRequest,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    match undo_pending(host, request.timeout, progress)? {
        Recovered::Stuck(problem) => Ok(stuck(host, &problem, request.vocabulary)),
        Recovered::Undone(note) | Recovered::Closed(note) => {
            let mut report = undone_already(host, note);
            report.changed = true;
            report.rolled_back = true;
            report.outcome = Outcome::Changed;
            Ok(report)
        }
        Recovered::Nothing => {
            let done = "the apply came to its end; nothing to do";
            Ok(undone_already(host, done.to_owned()))
        }
    }
}

/// The record to go back by, when nothing stands in the way; none when that was done already.
fn ready(host: &Host, facts: &Facts, request: &RollbackRequest) -> Result<Option<Record>, String> {
    let last = journal::last(host).map_err(|unreadable| {
        format!(
            "the record of the last apply in {} cannot be read: {}",
            journal::FOLDER,
            crate::report::sentences::refusals::why_unreadable(&unreadable)
        )
    })?;
    let Some(mut record) = last else {
        let undone = journal::was_undone(host);
        return if undone || request.unless_none {
            Ok(None)
        } else {
            Err("no apply has been recorded on this host".to_owned())
        };
    };
    let now = text_of(host, &record.path);
    if now != record.after {
        return Err(format!(
            "{} was edited after the apply of {} ({}); undo by hand what you want undone",
            record.path,
            record.began,
            difference(record.after.as_deref(), now.as_deref())
        ));
    }
    if let Some(why) = waits_for_docker(facts, &record) {
        return Err(why);
    }
    // Docker that is stopped now stays so; the bytes alone go back.
    record.restart =
        facts.docker.state == DockerState::Running && record.docker0_before != facts.docker0();
    record.containers = ContainerStates::of(facts);
    record.way = record.way.or(RestartMethod::of(facts.docker.service, None));
    record.stop_first = record.restart && preflight::survivors(facts);
    record.moves = moved_since(host, facts, record.moves)?;
    if let Some(taken) = taken_meanwhile(facts, &record) {
        return Err(taken);
    }
    if record.restart {
        let permits = Permits {
            stop_containers: request.allow_container_stop,
            own_command: record.way.is_some(),
            ..Permits::plain()
        };
        preflight::may_restart(facts, &permits)
            .map_err(|blocker| blockers::refused(&blocker, request.vocabulary))?;
    }
    Ok(Some(record))
}

/// A Docker that is stopped keeps docker0's address in its own store, whatever the file and the
/// kernel say, and has no hand for networks: with the old file alone it would start on the new
/// range, and give the old one away.
fn waits_for_docker(facts: &Facts, record: &Record) -> Option<String> {
    let moved = record.restart
        || facts
            .docker0()
            .is_some_and(|now| Some(now) != record.docker0_before);
    let waits =
        facts.docker.state == DockerState::Stopped && (moved || !record.moves.networks.is_empty());
    waits.then(|| {
        "Docker is stopped, and what it holds goes back only while it runs; start it (`systemctl \
         start docker.service`) and run `rebridge rollback` again"
            .to_owned()
    })
}

/// The networks that are still where the apply put them, with the containers that are on them now.
fn moved_since(host: &Host, facts: &Facts, mut moves: Moves) -> Result<Moves, String> {
    let there = |one: &Relocation| {
        let network = facts
            .engine_networks()
            .find(|network| network.name == one.name);
        network.is_some_and(|network| network.subnets.contains(&IpNet::V4(one.to)))
    };
    moves.networks.retain(there);
    moves.members = match moves.networks.as_slice() {
        [] => Vec::new(),
        networks => record::members(&networks::client(host)?, networks, Side::New)?,
    };
    Ok(moves)
}

/// A move in the other direction, for the plan.
fn way_back(moves: &Moves, one: &Relocation) -> Move {
    let on_it = moves
        .members
        .iter()
        .filter(|member| member.ran && !member.stays_up);
    let on_it = on_it.filter(|member| member.attachments.iter().any(|tie| tie.network == one.name));
    let mut restarts: Vec<String> = on_it.map(|member| member.name.clone()).collect();
    restarts.sort();
    Move {
        network: one.name.clone(),
        from: one.to,
        to: one.from,
        explicit: true,
        restarts,
    }
}

/// Docker neither starts with docker0 on a range that another network holds, nor makes a network
/// there.
fn taken_meanwhile(facts: &Facts, record: &Record) -> Option<String> {
    let moves = &record.moves.networks;
    let docker0 = record
        .docker0_before
        .filter(|_| record.restart)
        .map(|old| IpNet::V4(old.trunc()));
    let wanted: Vec<IpNet> = docker0
        .into_iter()
        .chain(moves.iter().map(|one| IpNet::V4(one.from)))
        .collect();
    let stays = |network: &&Network| {
        let docker0_moves = network.name == "bridge" && record.restart;
        !docker0_moves && !moves.iter().any(|one| one.name == network.name)
    };
    let others = facts.engine_networks().filter(stays).flat_map(|network| {
        network
            .subnets
            .iter()
            .filter(|net| v4(net).is_some())
            .map(move |net| (&network.name, net))
    });
    let over = |net: &IpNet| wanted.iter().find(|old| overlap(net, old)).copied();
    let (name, net, old) = others
        .filter_map(|(name, net)| Some((name, net, over(net)?)))
        .next()?;
    Some(format!(
        "the Docker network {name} has taken {net} meanwhile, and two of Docker's networks cannot \
         share {old}; remove that network, or re-create it elsewhere"
    ))
}

/// What was changed in the file since, by key; values only of those rebridge may show.
fn difference(wrote: Option<&str>, now: Option<&str>) -> String {
    let keys = |text: Option<&str>| {
        text.and_then(|text| parse(text.as_bytes()).ok())
            .map(|(_, keys)| keys)
    };
    let (Some(wrote), Some(now)) = (keys(wrote), keys(now)) else {
        return "it is gone, or no JSON object any more".to_owned();
    };
    let all = wrote
        .keys()
        .chain(now.keys().filter(|key| !wrote.contains_key(*key)));
    let shown = |key: &str, value: Option<&serde_json::Value>| match value {
        None => "absent".to_owned(),
        Some(value) if KEYS.contains(&key) => value.to_string(),
        Some(_) => "set".to_owned(),
    };
    let changes: Vec<String> = all
        .filter(|key| wrote.get(*key) != now.get(*key))
        .map(|key| {
            format!(
                "{key}: {} then, {} now",
                shown(key, wrote.get(key)),
                shown(key, now.get(key))
            )
        })
        .collect();
    if changes.is_empty() {
        "only its layout".to_owned()
    } else {
        changes.join("; ")
    }
}

fn undone_already(host: &Host, msg: String) -> Report {
    let mut report = Report::of_facts(&crate::observe::observe(host));
    report.msg = msg;
    report
}

fn conclude(
    host: &Host,
    mut report: Report,
    record: &Record,
    back: RollbackResult,
    words: Vocabulary,
) -> Report {
    report.restarted = record.restart;
    report.verified = back.verified;
    report.phases = back.phases;
    report.set_docker0(back.after.docker0());
    report.changed = true;
    report.warnings.extend(afterwards::missing(&back.missing));
    match back.problem {
        None => {
            if let Err(error) = journal::forget_last(host) {
                let folder = journal::FOLDER;
                report
                    .warnings
                    .push(format!("the journal in {folder}: {error}"));
            }
            report.rolled_back = true;
            report.outcome = Outcome::Changed;
            report.msg = format!(
                "the apply of {} is undone: {} as it was, {}",
                record.began,
                record.path,
                range_of(record)
            );
        }
        Some(problem) => {
            let what = format!(
                "the apply of {} could not be undone: {problem}",
                record.began
            );
            report.leave_to_a_person(what, outcome::steps_after_rollback(words));
        }
    }
    report
}
