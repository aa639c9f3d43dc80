//! Containers across a restart of Docker: what ran runs again, what was stopped is stopped, what
//! was paused is paused.
//!
//! Docker itself brings some of them back, by their restart policies; which ones differs by policy
//! and by version. `came_back` starts the others. What Docker removes when it stops (`--rm`) is gone;
//! the operator was warned before. What a manager replaces is left to it.

use super::cause::Cause;
use super::parallel::wait_for_each;
use crate::docker::containers::ApiContainer;
use crate::docker::{self, Api};
use crate::facts::{Container, Facts, Manager};
use crate::host::Host;
use crate::observe::endpoints;
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
pub const PAUSE: Duration = Duration::from_secs(1);

/// What fails at once needs this long to fail, on a slow machine too: until then its start proves
/// nothing.
pub const FAILS_WITHIN: Duration = Duration::from_secs(2);

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
    /// Whether Docker itself starts it again when it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarts: bool,
    /// Whether it shares another's network.
    pub joins: bool,
    /// How many seconds it gets to stop, where it asks for its own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Who replaces it by a new one, and must not find it started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
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

    pub fn all_missing(&self, why: &docker::Error) -> Vec<Missing> {
        let living = self.living.iter();
        living
            .filter(|one| one.manager.is_none())
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
            restarts: detail.is_some_and(|detail| !matches!(detail.restart.as_str(), "" | "no")),
            joins: detail.is_some_and(|detail| detail.joins.is_some()),
            stop_timeout: detail.and_then(|detail| detail.stop_timeout),
            manager: container.manager,
        }
    }

    pub fn missing(&self, why: Loss) -> Missing {
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

/// It was stopped on purpose; the policy `always` starts it with the daemon all the same.
pub fn stop_again(api: &Api, container: &ContainerState, now: Option<&str>) -> Result<(), Loss> {
    if !now.is_some_and(|now| matches!(now, "running" | "restarting")) {
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
    endpoints::api(host, DEADLINE)
}

/// The same with patience for those that may take this long to stop.
pub fn client_for_stops(host: &Host, longest: Duration) -> Result<Api, docker::Error> {
    endpoints::api(host, DEADLINE + longest)
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

/// The state of every container by its id.
pub fn list(api: &Api) -> Result<HashMap<String, String>, docker::Error> {
    let listed: Vec<ApiContainer> = api.ask("/containers/json?all=1")?;
    Ok(listed.into_iter().map(|one| (one.id, one.state)).collect())
}
