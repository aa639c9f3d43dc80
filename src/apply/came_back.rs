//! Brings the containers back after a restart of Docker, and says which of them do not run.

use super::check::Check;
use super::containers::{ContainerState, ContainerStates, FAILS_WITHIN, Loss, Missing};
use super::containers::{PAUSE, client, list, pause, stop_again};
use super::parallel::for_each;
use crate::docker::Api;
use crate::docker::containers::{ApiContainerDetail, ApiState, lives};
use crate::host::Host;
use std::collections::HashMap;
use std::thread::sleep;
use std::time::SystemTime;

/// So many rounds in a row may bring no container up before the rest counts as lost. An engine that
/// was restarted under many containers may find the remains of a process it had to kill, clear them
/// away and fail; a later try succeeds, on a busy host not always the next one.
const IDLE_ROUNDS: u32 = 3;

/// So often a container that has ended is looked at again before that counts.
const LOOKS_AGAIN: u32 = 5;

/// The states of containers by their ids.
type States = HashMap<String, String>;

impl ContainerStates {
    /// Brings all of them to the state they were in when the change began. Docker must answer.
    pub fn restore(&self, host: &Host, began: Option<SystemTime>) -> Vec<Missing> {
        if self.living.is_empty() && self.idle.is_empty() {
            return Vec::new();
        }
        let (api, now) = match client(host).and_then(|api| Ok((list(&api)?, api))) {
            Ok((now, api)) => (api, now),
            Err(why) => return self.all_missing(&why),
        };
        let idle = for_each(&self.idle, |one| {
            let stopped = stop_again(&api, one, now.get(&one.id).map(String::as_str));
            stopped.map_err(|why| one.missing(why))
        });
        let mut missing = self.bring_back(&api, now, began);
        missing.extend(idle);
        missing
    }

    /// In rounds: a container that is linked to another, or shares its network, starts only once
    /// that one runs.
    fn bring_back(&self, api: &Api, mut now: States, began: Option<SystemTime>) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut waiting: Vec<&ContainerState> = self.ours().collect();
        let mut idle_rounds = 0;
        loop {
            let before = waiting.len();
            let mut failed = Vec::new();
            let losses = for_each(&waiting, |one| {
                bring_back(api, one, now.get(&one.id), began).map_err(|why| (*one, why))
            });
            for (one, why) in losses {
                match why {
                    Loss::NotStarted(why) => failed.push((one, why)),
                    why => missing.push(one.missing(why)),
                }
            }
            idle_rounds = match failed.len() < before {
                true => 0,
                false => idle_rounds + 1,
            };
            if failed.is_empty() || idle_rounds == IDLE_ROUNDS {
                let lost = failed.into_iter();
                missing.extend(lost.map(|(one, why)| one.missing(Loss::NotStarted(why))));
                return missing;
            }
            sleep(PAUSE);
            // Docker may have started some of them meanwhile.
            now = list(api).unwrap_or(now);
            waiting = failed.into_iter().map(|(one, _)| one).collect();
        }
    }

    /// Those that nobody else sees to.
    fn ours(&self) -> impl Iterator<Item = &ContainerState> {
        self.living.iter().filter(|one| one.manager.is_none())
    }

    /// Whether those that ran run again. One that has gone, that ended by itself, or that you gave up
    /// need not.
    pub fn check(&self, host: &Host, began: Option<SystemTime>, given_up: &[&str]) -> Check {
        let counts = |one: &&ContainerState| !given_up.contains(&one.name.as_str());
        let ours: Vec<&ContainerState> = self.ours().filter(counts).collect();
        // What Docker starts again is never found ended, however long one waits.
        if ours.iter().any(|one| !one.restarts) {
            sleep(FAILS_WITHIN);
        }
        let faults = lasting_faults(host, &ours, began);
        let fault = (!faults.is_empty()).then(|| format!("all but {}", faults.join(", ")));
        Check::faultless("what runs again", "all that ran", fault)
    }
}

/// Faults that stay. One that is just being removed (`docker rm -f`, at the end of a job) has been
/// killed and is still listed for a moment.
fn lasting_faults(host: &Host, ours: &[&ContainerState], began: Option<SystemTime>) -> Vec<String> {
    let mut found = faults(host, ours, began);
    for _ in 0..LOOKS_AGAIN {
        if found.is_empty() {
            break;
        }
        sleep(PAUSE);
        found = faults(host, ours, began);
    }
    found
}

fn faults(host: &Host, ours: &[&ContainerState], began: Option<SystemTime>) -> Vec<String> {
    let Ok((now, api)) = client(host).and_then(|api| Ok((list(&api)?, api))) else {
        // That the engine is silent is a check of its own.
        return Vec::new();
    };
    let ours = ours.iter();
    ours.filter_map(|one| fault(&api, one, now.get(&one.id)?, began))
        .collect()
}

/// A container that ought to run and does not, with the reason.
fn fault(
    api: &Api,
    container: &ContainerState,
    now: &str,
    began: Option<SystemTime>,
) -> Option<String> {
    if lives(now) {
        return None;
    }
    let name = &container.name;
    let state = state(api, container)?;
    if !state.error.is_empty() {
        return Some(format!("{name} ({})", state.error));
    }
    let ended = ended_before(&state, began) || state.exit_code == 0 && state.status == "exited";
    (!ended).then(|| format!("{name} (exit code {})", state.exit_code))
}

fn bring_back(
    api: &Api,
    container: &ContainerState,
    now: Option<&String>,
    began: Option<SystemTime>,
) -> Result<(), Loss> {
    let Some(now) = now else {
        return Err(match container.auto_remove {
            true => Loss::Removed,
            false => Loss::Gone,
        });
    };
    if !lives(now) {
        if state(api, container).is_some_and(|state| ended_before(&state, began)) {
            return Ok(());
        }
        let start = format!("/containers/{}/start", container.id);
        api.order(&start).map_err(Loss::NotStarted)?;
    }
    if container.paused && now != "paused" {
        pause(api, &container.id).map_err(Loss::NotStarted)?;
    }
    Ok(())
}

fn state(api: &Api, container: &ContainerState) -> Option<ApiState> {
    let asked = api.ask::<ApiContainerDetail>(&format!("/containers/{}/json", container.id));
    Some(asked.ok()?.state)
}

/// Whether a container had ended by itself before anything was touched.
fn ended_before(state: &ApiState, began: Option<SystemTime>) -> bool {
    let ended = humantime::parse_rfc3339(&state.finished_at).ok();
    ended.zip(began).is_some_and(|(ended, began)| ended < began)
}
