//! What would be done, what was done, and what you have to do by hand, in words.

use super::causes::{cause, not_restored};
use super::networks::existing;
use crate::apply::cause::{Cause, NotRestored};
use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::facts::{DockerState, Facts};
use crate::phrases::{count, first_few};
use crate::plan::Plan;
use crate::plan::relocate::Move;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;
use ipnet::Ipv4Net;

/// More networks than this are counted, not named.
const NAMED: usize = 4;

pub const CLEAR: &str = "Docker's networks are clear of everything this host is known to need";

/// There is nothing to do, although something clashes.
pub fn nothing_to_do(assessment: &Assessment, words: Vocabulary) -> String {
    let facts = assessment.facts;
    let mut movable = assessment.clashes.iter().filter(|clash| clash.is_movable());
    if let Some(first) = movable.next()
        && first.is_suspected()
        && movable.all(Clash::is_suspected)
    {
        return format!(
            "nothing done: {}. This rests on traffic, which may be over tomorrow, so an unattended \
             run does not restart Docker for it; if this host needs the network, name it with {}, \
             or act with {}",
            first.explain,
            words.option(Opt::Avoid),
            words.act_on_suspected()
        );
    }
    if let Some(existing) = existing(facts, &assessment.clashes, words) {
        return format!("nothing to do for docker0 and the pools; {existing}");
    }
    let when = match facts.docker.state {
        DockerState::Running => "when Docker restarts",
        DockerState::Stopped | DockerState::Absent => "when Docker starts",
    };
    format!(
        "nothing to write: {} already names clear ranges, which take effect {when}",
        facts.docker.config.path
    )
}

/// "set bip and default-address-pools in …, restart Docker …"
pub fn would_do(plan: &Plan, facts: &Facts) -> String {
    let mut parts = Vec::new();
    if let Some(change) = &plan.write {
        parts.push(format!("set {} in {}", keys(plan), change.path));
    }
    match (plan.docker0, facts.docker0()) {
        (Some(new), Some(old)) if plan.restart => parts.push(format!(
            "restart Docker to move docker0 from {old} to {new}"
        )),
        (Some(new), _) if plan.restart => {
            parts.push(format!("restart Docker to put docker0 on {new}"));
        }
        (Some(new), _) => parts.push(format!(
            "change nothing else, because {}",
            later(facts, new)
        )),
        (None, Some(old)) if plan.restart => {
            parts.push(format!("restart Docker; docker0 stays on {old}"));
        }
        (None, None) if plan.restart => {
            parts.push("restart Docker, so that the pools count".to_owned());
        }
        (None, _) if plan.write.is_some() => parts.push(format!(
            "change nothing else, because {}",
            pools_later(facts)
        )),
        (None, _) => {}
    }
    if !plan.moves.is_empty() {
        parts.push(format!(
            "re-create {}: {}",
            count(plan.moves.len(), "network", "networks"),
            from_to(&plan.moves)
        ));
    }
    parts.join(" and ")
}

fn keys(plan: &Plan) -> String {
    let keys = plan
        .write
        .iter()
        .flat_map(|change| change.keys_after.keys());
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    keys.join(", ")
}

fn later(facts: &Facts, docker0: Ipv4Net) -> String {
    match facts.docker.state {
        DockerState::Running => {
            format!("Docker is not to be restarted; docker0 gets {docker0} at its next start")
        }
        DockerState::Stopped => {
            format!("Docker is stopped; docker0 gets {docker0} when Docker starts")
        }
        DockerState::Absent => {
            format!("Docker is not installed; docker0 gets {docker0} when Docker first starts")
        }
    }
}

/// The same where docker0 stays as it is.
fn pools_later(facts: &Facts) -> &'static str {
    match facts.docker.state {
        DockerState::Running => {
            "Docker is not to be restarted; the pools count from its next start on"
        }
        DockerState::Stopped => "Docker is stopped; the pools count when Docker starts",
        DockerState::Absent => "Docker is not installed; the pools count when Docker first starts",
    }
}

/// "docker0 moved from … to …; Docker runs and this was verified"
pub fn was_done(plan: &Plan, moved: &[Move], before: &Facts) -> String {
    let mut parts = Vec::new();
    match (plan.docker0, before.docker0()) {
        (Some(new), Some(old)) if plan.restart => {
            parts.push(format!("docker0 moved from {old} to {new}"));
        }
        (Some(new), _) if plan.restart => parts.push(format!("docker0 is {new}")),
        (None, Some(old)) if plan.restart => {
            parts.push(format!("docker0 stays on {old}, and Docker has new pools"));
        }
        (None, None) if plan.restart => parts.push("Docker has new pools".to_owned()),
        (new, _) => {
            if let Some(change) = &plan.write {
                let why = match new {
                    Some(new) => later(before, new),
                    None => pools_later(before).to_owned(),
                };
                return format!(
                    "set {} in {} and changed nothing else, because {why}",
                    keys(plan),
                    change.path
                );
            }
        }
    }
    if !moved.is_empty() {
        parts.push(format!(
            "{} re-created: {}",
            count(moved.len(), "network", "networks"),
            from_to(moved)
        ));
    }
    format!("{}; Docker runs and this was verified", parts.join(" and "))
}

/// "shop_default 172.18.0.0/16 -> 10.200.0.0/24", of many only the first.
fn from_to(moves: &[Move]) -> String {
    first_few(moves, NAMED, |one| {
        format!("{} {} -> {}", one.network, one.from, one.to)
    })
}

const AGAIN: &str = "fix the cause, then run the same again";

/// What could not be done; the host is as it was.
pub fn rolled_back(plan: &Plan, before: &Facts, docker0: Option<&str>, why: &Cause) -> String {
    let why = cause(why);
    if !plan.restart {
        return format!(
            "cannot move networks: {why}; Docker runs, and its networks are as they were; {AGAIN}"
        );
    }
    let path = &before.docker.config.path;
    let docker0 = docker0.unwrap_or("without an address");
    let what = match (plan.docker0, plan.moves.is_empty()) {
        (Some(_), true) => "move docker0",
        (Some(_), false) => "move docker0 and networks",
        (None, true) => "change Docker's pools",
        (None, false) => "change Docker's pools and move networks",
    };
    format!(
        "cannot {what}: {why}; the old {path} is back, Docker runs and docker0 is {docker0} \
         again; {AGAIN}"
    )
}

/// The host needs a person. The steps are a list of their own, easier to follow at night.
pub fn stranded(why: &Cause, then: &NotRestored) -> String {
    let (why, then) = (cause(why), not_restored(then, Some(why)));
    format!("cannot settle Docker's networks: {why}; and the way back failed: {then}")
}

/// The same where an earlier run was interrupted and cannot be undone.
pub fn stuck(then: &NotRestored) -> String {
    let then = not_restored(then, None);
    format!(
        "cannot settle Docker's networks: an earlier run was interrupted half-way; and the way back \
         failed: {then}"
    )
}

/// What to do by hand after a change that failed, and whose rollback failed too.
pub fn steps_by_hand(before: &Facts, words: Vocabulary) -> Vec<String> {
    let (path, docker0) = (&before.docker.config.path, before.docker0());
    let [look, reset, start] = steps_of_unit(before.docker.unit());
    let old = docker0.map_or("(none)".to_owned(), |address| address.to_string());
    vec![
        look,
        format!("fix {path} or the unit"),
        reset,
        start,
        format!("docker0 was {old} before: see `ip -4 addr show docker0`"),
        format!(
            "run {} again; it first undoes what is half-done",
            words.apply()
        ),
    ]
}

/// What to do by hand after `rollback` failed.
pub fn steps_after_rollback(unit: &str, words: Vocabulary) -> Vec<String> {
    let [look, reset, start] = steps_of_unit(unit);
    vec![
        look,
        reset,
        start,
        format!("run {} again", words.rollback()),
    ]
}

/// Look why it failed, let systemd forget that, start it.
fn steps_of_unit(unit: &str) -> [String; 3] {
    let socket = match unit {
        "docker.service" => " docker.socket",
        _ => "",
    };
    [
        format!("see what Docker says: `journalctl -u {unit} -n 50`"),
        format!("`systemctl reset-failed {unit}{socket}`"),
        format!("`systemctl start {unit}`"),
    ]
}

pub fn numbered(steps: &[String]) -> Vec<String> {
    let numbers = 1..;
    steps
        .iter()
        .zip(numbers)
        .map(|(step, number)| format!("{number}. {step}"))
        .collect()
}
