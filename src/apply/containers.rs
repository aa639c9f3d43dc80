//! Containers across a restart of Docker: what ran runs again, what was stopped is stopped, what
//! was paused is paused.
//!
//! Docker itself brings some of them back, by their restart policies; which ones differs by policy
//! and by version. The others are started here, those that share another's network last. What Docker
//! removes when it stops (`--rm`) is gone; the operator was warned before.

use super::cause::Cause;
use super::check::Check;
use super::parallel::{for_each, wait_for_each};
use crate::docker::containers::{ApiContainer, lives};
use crate::docker::{self, Api};
use crate::facts::{Container, Facts};
use crate::host::Host;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::Duration;

/// An engine takes as long as it likes to start a container.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a container gets to stop where it asks for nothing else, and where it asks for ever.
const GRACE: Duration = Duration::from_secs(10);
const LONGEST_GRACE: Duration = Duration::from_secs(3600);

/// A daemon on a slow machine sees so many stop in the time it has.
const SOON_STOPPED: usize = 8;

/// Before a container that did not start is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// So often a container is started before its failure counts.
const START_TRIES: u32 = 4;

/// The containers of a host before it was touched; part of the journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerStates {
    /// Those that lived.
    pub living: Vec<ContainerState>,
    /// Those that did not, but would start with Docker.
    pub idle: Vec<ContainerState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    pub id: String,
    pub name: String,
    pub paused: bool,
    /// Whether it is removed when it stops.
    pub auto_remove: bool,
    /// Whether it shares another's network.
    pub joins: bool,
    /// How many seconds it gets to stop, where it asks for its own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
}

/// A container that is not as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    pub container: String,
    pub why: Loss,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Loss {
    /// Docker removed it when it stopped, as it was started to (`--rm`).
    Removed,
    Gone,
    NotStarted(docker::Error),
    /// It was started, and does not stay up.
    DoesNotStay,
    /// It was stopped before, started with Docker and would not stop.
    NotStopped(docker::Error),
    EngineSilent(docker::Error),
}

impl ContainerStates {
    /// The containers of a host that was observed closely.
    pub fn of(facts: &Facts) -> ContainerStates {
        let Some(engine) = &facts.docker.engine else {
            return ContainerStates::default();
        };
        ContainerStates {
            living: states(engine.containers.iter()),
            idle: states(engine.idle.iter().filter(starts_with_docker)),
        }
    }

    /// Stops every living one, those that share another's network first: with live-restore docker0
    /// stays where it is while one lives. The first refusal ends it.
    pub fn stop(&self, host: &Host) -> Result<(), Cause> {
        let api = client_for_stops(host, self.longest_stop()).map_err(Cause::EngineSilent)?;
        // Two turns are enough: a container cannot share the network of one that shares another's.
        for joins in [true, false] {
            let turn: Vec<&ContainerState> = self
                .living
                .iter()
                .filter(|container| container.joins == joins)
                .collect();
            let refusals = wait_for_each(&turn, |one| stop(&api, &one.id, &one.name));
            refusals.into_iter().next().map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Whether a daemon that shuts down would not see all of them stop: it soon exits, and containerd
    /// may keep what is left of them for good. The next daemon cannot start such a container.
    pub fn are_many(&self) -> bool {
        self.living.len() > SOON_STOPPED
    }

    /// How long the slowest of them may take to stop.
    pub fn longest_stop(&self) -> Duration {
        let longest = self.living.iter().map(|one| grace(one.stop_timeout)).max();
        longest.unwrap_or_default()
    }

    /// All but these, which are seen to elsewhere.
    pub fn without(&self, ids: &HashSet<&str>) -> ContainerStates {
        ContainerStates {
            living: without(&self.living, ids),
            idle: without(&self.idle, ids),
        }
    }

    /// Brings all of them to the state they were in. Docker must answer.
    pub fn restore(&self, host: &Host) -> Vec<Missing> {
        if self.living.is_empty() && self.idle.is_empty() {
            return Vec::new();
        }
        let (api, now) = match client(host).and_then(|api| Ok((list(&api)?, api))) {
            Ok((now, api)) => (api, now),
            Err(why) => return self.all_missing(&why),
        };
        let mut missing = self.bring_living_back(&api, &now);
        let idle: Vec<&ContainerState> = self.idle.iter().collect();
        missing.extend(for_each(&idle, |one| {
            stop_again(&api, one, now.get(&one.id)).map_err(|why| one.missing(why))
        }));
        missing
    }

    /// Some need others: by a link, or because they share their network. So each that failed is
    /// tried again as long as that brings another one up.
    fn bring_living_back(&self, api: &Api, now: &HashMap<String, String>) -> Vec<Missing> {
        let round = |containers: &[&ContainerState]| {
            for_each(containers, |one| {
                bring_back(api, one, now.get(&one.id)).map_err(|why| (one.id.clone(), why))
            })
        };
        let (joining, others): (Vec<_>, Vec<_>) = self.living.iter().partition(|one| one.joins);
        let mut failed: HashMap<String, Loss> = round(&others).into_iter().collect();
        failed.extend(round(&joining));
        loop {
            let again: Vec<&ContainerState> = self
                .living
                .iter()
                .filter(|one| matches!(failed.get(&one.id), Some(Loss::NotStarted(_))))
                .collect();
            let failed_again = round(&again);
            let nothing_gained = failed_again.len() == again.len();
            failed.retain(|id, _| !again.iter().any(|one| one.id == *id));
            failed.extend(failed_again);
            if nothing_gained {
                break;
            }
        }
        let living = self.living.iter();
        living
            .filter_map(|one| Some(one.missing(failed.remove(&one.id)?)))
            .collect()
    }

    fn all_missing(&self, why: &docker::Error) -> Vec<Missing> {
        let living = self.living.iter();
        living
            .map(|one| one.missing(Loss::EngineSilent(why.clone())))
            .collect()
    }
}

impl ContainerState {
    fn of(container: &Container) -> ContainerState {
        let detail = container.detail.as_ref();
        ContainerState {
            id: container.id.clone(),
            name: container.name.clone(),
            paused: container.paused,
            auto_remove: detail.is_some_and(|detail| detail.auto_remove),
            joins: detail.is_some_and(|detail| detail.joins.is_some()),
            stop_timeout: detail.and_then(|detail| detail.stop_timeout),
        }
    }

    fn missing(&self, why: Loss) -> Missing {
        Missing {
            container: self.name.clone(),
            why,
        }
    }
}

/// Those that share another's network come last.
fn states<'a>(containers: impl Iterator<Item = &'a Container>) -> Vec<ContainerState> {
    let mut states: Vec<ContainerState> = containers.map(ContainerState::of).collect();
    states.sort_by_key(|container| container.joins);
    states
}

/// Of those that do not live only these start with Docker all the same.
fn starts_with_docker(container: &&Container) -> bool {
    let detail = container.detail.as_ref();
    detail.is_some_and(|detail| detail.restart == "always")
}

fn without(containers: &[ContainerState], ids: &HashSet<&str>) -> Vec<ContainerState> {
    let others = containers
        .iter()
        .filter(|one| !ids.contains(one.id.as_str()));
    others.cloned().collect()
}

fn bring_back(api: &Api, container: &ContainerState, now: Option<&String>) -> Result<(), Loss> {
    let Some(now) = now else {
        return Err(match container.auto_remove {
            true => Loss::Removed,
            false => Loss::Gone,
        });
    };
    if !lives(now) {
        start(api, &container.id).map_err(Loss::NotStarted)?;
    }
    if container.paused && now != "paused" {
        pause(api, &container.id).map_err(Loss::NotStarted)?;
    }
    Ok(())
}

/// It was stopped on purpose; the policy `always` starts it with the daemon all the same.
fn stop_again(api: &Api, container: &ContainerState, now: Option<&String>) -> Result<(), Loss> {
    if !now.is_some_and(|now| matches!(now.as_str(), "running" | "restarting")) {
        return Ok(());
    }
    api.order(&format!("/containers/{}/stop", container.id))
        .map_err(Loss::NotStopped)
}

pub fn stop(api: &Api, id: &str, name: &str) -> Result<(), Cause> {
    api.order(&format!("/containers/{id}/stop"))
        .map_err(|why| Cause::ContainerNotStopped {
            container: name.to_owned(),
            why,
        })
}

/// Starts a container. An engine that was restarted under many containers may find the remains of a
/// process it had to kill, clear them away and fail; a later try succeeds, on a busy host not always
/// the next one.
pub fn start(api: &Api, id: &str) -> Result<(), docker::Error> {
    let path = format!("/containers/{id}/start");
    for _ in 1..START_TRIES {
        if api.order(&path).is_ok() {
            return Ok(());
        }
        sleep(PAUSE);
    }
    api.order(&path)
}

pub fn pause(api: &Api, id: &str) -> Result<(), docker::Error> {
    api.order(&format!("/containers/{id}/pause"))
}

/// A client of the engine with patience for containers.
pub fn client(host: &Host) -> Result<Api, docker::Error> {
    Api::new(host, DEADLINE)
}

/// The same with patience for those that may take this long to stop.
pub fn client_for_stops(host: &Host, longest: Duration) -> Result<Api, docker::Error> {
    Api::new(host, DEADLINE + longest)
}

/// How long a container may take to stop.
pub fn grace(stop_timeout: Option<i64>) -> Duration {
    match stop_timeout {
        None => GRACE,
        Some(seconds) => u64::try_from(seconds)
            .map_or(LONGEST_GRACE, Duration::from_secs)
            .min(LONGEST_GRACE),
    }
}

/// That all that ran before run again. One that was removed, by Docker or by hand, cannot.
pub fn all_run(missing: &[Missing]) -> Check {
    let down: Vec<&str> = missing
        .iter()
        .filter(|one| !matches!(one.why, Loss::Removed | Loss::Gone | Loss::NotStopped(_)))
        .map(|one| one.container.as_str())
        .collect();
    let fault = (!down.is_empty()).then(|| format!("all but {}", down.join(", ")));
    Check::faultless("the containers that ran", "all run", fault)
}

/// The state of every container by its id.
fn list(api: &Api) -> Result<HashMap<String, String>, docker::Error> {
    let listed: Vec<ApiContainer> = api.ask("/containers/json?all=1")?;
    Ok(listed.into_iter().map(|one| (one.id, one.state)).collect())
}
