//! Containers across a restart of Docker: what ran runs again, what was stopped is stopped, what
//! was paused is paused.
//!
//! Docker itself brings back some of them, by their restart policies; which, differs by policy and
//! by version. What it leaves out is started here, those that share another's network last. What
//! was removed when it stopped (`--rm`) is gone; the operator was told before.

use super::networks::moves::Member;
use super::parallel::for_each;
use crate::docker::Api;
use crate::facts::{Container, Facts};
use crate::host::Host;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

/// A container may take its grace period to stop, and as long as an engine likes to start.
const DEADLINE: Duration = Duration::from_secs(120);

/// Before a container that did not start is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// The containers of a host before it was touched; part of the journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerStates {
    /// Those that lived.
    pub living: Vec<ContainerState>,
    /// Those that did not, but would start with Docker.
    pub idle: Vec<ContainerState>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it was paused.
    pub paused: bool,
    /// Whether it is removed when it stops.
    pub auto_remove: bool,
    /// Whether it shares another's network.
    pub joins: bool,
}

/// What did not come out as it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Name and reason of each that ran and could not be brought back.
    pub down: Vec<(String, String)>,
    /// Those removed when they stopped.
    pub removed: Vec<String>,
}

impl ContainerStates {
    /// The roll of a host looked at closely.
    pub fn of(facts: &Facts) -> ContainerStates {
        let entry = |container: &Container| ContainerState {
            id: container.id.clone(),
            name: container.name.clone(),
            paused: container.paused,
            auto_remove: container
                .detail
                .as_ref()
                .is_some_and(|detail| detail.auto_remove),
            joins: container
                .detail
                .as_ref()
                .is_some_and(|detail| detail.joins.is_some()),
        };
        let engine = facts.docker.engine.as_ref();
        // Of those that do not live only these start with Docker all the same.
        let starts = |container: &&Container| {
            container
                .detail
                .as_ref()
                .is_some_and(|detail| detail.restart == "always")
        };
        let mut idle: Vec<ContainerState> = engine
            .iter()
            .flat_map(|engine| &engine.idle)
            .filter(starts)
            .map(entry)
            .collect();
        idle.sort_by_key(|entry| entry.joins);
        let mut living: Vec<ContainerState> = engine
            .iter()
            .flat_map(|engine| &engine.containers)
            .map(entry)
            .collect();
        living.sort_by_key(|entry| entry.joins);
        ContainerStates { living, idle }
    }

    /// Stops every living one, those that share another's network first: with live-restore docker0
    /// stays where it is while one lives. The first refusal ends it.
    pub fn stop(&self, host: &Host) -> Result<(), String> {
        let api = Api::new(host, DEADLINE)?;
        // Two steps, and no more: a container cannot share the network of one that shares
        // another's.
        for joins in [true, false] {
            let some: Vec<&ContainerState> = self
                .living
                .iter()
                .filter(|entry| entry.joins == joins)
                .collect();
            let problems = for_each(&some, |entry| {
                let stopped = api.order(&format!("/containers/{}/stop", entry.id));
                stopped.map_err(|why| format!("the container {} does not stop: {why}", entry.name))
            });
            problems.into_iter().next().map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// The same without these: somebody else sees to them.
    pub fn without(&self, members: &[Member]) -> ContainerStates {
        let others = |entries: &[ContainerState]| {
            let others = entries
                .iter()
                .filter(|entry| !members.iter().any(|member| member.id == entry.id));
            others.cloned().collect()
        };
        ContainerStates {
            living: others(&self.living),
            idle: others(&self.idle),
        }
    }

    /// Brings all of them to the state they were in. Docker must answer.
    pub fn restore(&self, host: &Host) -> Missing {
        let mut missing = Missing::default();
        if self.living.is_empty() && self.idle.is_empty() {
            return missing;
        }
        let now = match states(host) {
            Ok((api, states)) => (api, states),
            Err(why) => {
                missing.down.extend(
                    self.living
                        .iter()
                        .map(|entry| (entry.name.clone(), why.clone())),
                );
                return missing;
            }
        };
        let (api, states) = now;
        for entry in &self.living {
            let lives = match states.get(&entry.id) {
                None if entry.auto_remove => {
                    missing.removed.push(entry.name.clone());
                    continue;
                }
                None => Err("it is gone".to_owned()),
                Some(state) if matches!(state.as_str(), "running" | "paused" | "restarting") => {
                    Ok(())
                }
                Some(_) => start(&api, &entry.id),
            };
            let settled = lives.and_then(|()| {
                match (entry.paused, states.get(&entry.id).map(String::as_str)) {
                    (true, state) if state != Some("paused") => {
                        Ok(api.order(&format!("/containers/{}/pause", entry.id))?)
                    }
                    _ => Ok(()),
                }
            });
            if let Err(why) = settled {
                missing.down.push((entry.name.clone(), why));
            }
        }
        for entry in &self.idle {
            if states
                .get(&entry.id)
                .is_some_and(|state| matches!(state.as_str(), "running" | "restarting"))
            {
                // It was stopped on purpose; the policy `always` starts it with the daemon all the
                // same.
                if let Err(why) = api.order(&format!("/containers/{}/stop", entry.id)) {
                    missing.down.push((
                        entry.name.clone(),
                        format!("it was stopped and runs now: {why}"),
                    ));
                }
            }
        }
        missing
    }
}

/// Starts a container. An engine that was restarted under many containers may find the remains of a
/// process it had to kill, clear them away and fail; the next try succeeds.
pub fn start(api: &Api, id: &str) -> Result<(), String> {
    let order = || api.order(&format!("/containers/{id}/start"));
    order().or_else(|_| {
        sleep(PAUSE);
        Ok(order()?)
    })
}

/// The state of every container by its id.
fn states(host: &Host) -> Result<(Api, HashMap<String, String>), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Listed {
        id: String,
        #[serde(default)]
        state: String,
    }
    let api = Api::new(host, DEADLINE)?;
    let listed: Vec<Listed> = api.ask("/containers/json?all=1")?;
    Ok((
        api,
        listed.into_iter().map(|one| (one.id, one.state)).collect(),
    ))
}
