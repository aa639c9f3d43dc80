//! Reasons not to act, found before anything is touched.

use super::blocker::Blocker;
use super::choose::Choice;
use super::{FileChange, Permits, Plan};
use crate::assess::Assessment;
use crate::engine_model::daemon_json::{self, Fault};
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::pools::PoolList;
use crate::facts::{ConfigState, Facts};
use serde_json::Value;

/// Flags of dockerd that rebridge would contradict, and the keys of daemon.json they stand for.
const CONTRADICTING_FLAGS: [(&str, &str); 5] = [
    ("bip", "bip"),
    ("default-address-pool", "default-address-pools"),
    ("bridge", "bridge"),
    ("fixed-cidr", "fixed-cidr"),
    ("default-gateway", "default-gateway"),
];

/// The file must be absent or a JSON object.
pub fn file_is_editable(facts: &Facts) -> Result<(), Blocker> {
    let path = facts.docker.config.path.clone();
    match facts.docker.config.state.clone() {
        ConfigState::Missing | ConfigState::Object => Ok(()),
        ConfigState::Broken(why) => Err(Blocker::FileBroken { path, why }),
        ConfigState::Unreadable(why) => Err(Blocker::FileUnreadable { path, why }),
    }
}

/// Docker Desktop runs its engine in a virtual machine and rewrites the file there.
pub fn settings_are_here(facts: &Facts) -> Result<(), Blocker> {
    match &facts.docker.engine {
        Some(engine) if engine.system.contains("Docker Desktop") => {
            Err(Blocker::SettingsElsewhere {
                system: engine.system.clone(),
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// `bip` and pools in the file must decide where docker0 is.
pub fn file_decides(facts: &Facts) -> Result<(), Blocker> {
    let path = &facts.docker.config.path;
    for (flag, key) in CONTRADICTING_FLAGS {
        if let Some(value) = facts.docker.flag(flag).first() {
            return Err(Blocker::FlagInTheWay {
                flag,
                key,
                value: value.clone(),
                path: path.clone(),
                place: facts.docker.flag_places.get(flag).cloned(),
            });
        }
    }
    match facts.docker.config.keys.get("bridge") {
        Some(Value::String(name)) if name == "none" => {
            Err(Blocker::BridgeSwitchedOff { path: path.clone() })
        }
        Some(Value::String(name)) if !name.is_empty() => Err(Blocker::BridgeOfTheOperator {
            path: path.clone(),
            name: name.clone(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// A restart must be possible, and must move docker0.
pub fn may_restart(facts: &Facts, permits: &Permits) -> Result<(), Blocker> {
    if facts.docker.service.is_none() && !permits.own_command {
        return Err(Blocker::NoWayToRestart);
    }
    let Some(engine) = &facts.docker.engine else {
        return Err(Blocker::EngineSilent {
            unseen: facts.unseen.clone(),
        });
    };
    if survivors(facts) && !permits.stop_containers {
        let containers = engine.containers.iter();
        return Err(Blocker::LiveRestore {
            containers: containers.map(|one| one.name.clone()).collect(),
        });
    }
    Ok(())
}

/// Whether containers would live through a restart: with live-restore all that run do, on whatever
/// network.
pub fn survivors(facts: &Facts) -> bool {
    facts
        .docker
        .engine
        .as_ref()
        .is_some_and(|engine| engine.live_restore && !engine.containers.is_empty())
}

/// Docker must be able to start with the file as the plan leaves it, if not today, then at the next
/// boot; and a restart needs a way back.
pub fn file_starts(facts: &Facts, plan: Option<&Plan>) -> Result<(), Blocker> {
    let version = facts.version();
    let written = plan.and_then(|plan| plan.write.as_ref());
    let mut faults = match (written, plan) {
        (Some(_), Some(plan)) if plan.restart => faults_of_the_way_back(facts),
        _ => Vec::new(),
    };
    if faults.is_empty() {
        faults = faults_as_left(facts, written);
        faults.extend(given_twice(facts));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Blocker::FileTurnedDown {
            path: facts.docker.config.path.clone(),
            version: version.map(|version| format!("{}.{}", version.major, version.minor)),
            faults,
        }),
    }
}

/// Saved facts have no text, only the names of the keys.
fn faults_as_left(facts: &Facts, written: Option<&FileChange>) -> Vec<Fault> {
    let config = &facts.docker.config;
    let after = written.map(|change| change.after.as_str());
    let text = after
        .filter(|after| !after.is_empty())
        .or(config.text.as_deref());
    let names = config.names.iter().map(String::as_str);
    match text {
        Some(text) => daemon_json::faults(text, facts.version()),
        None => daemon_json::faults_of_names(names, facts.version()),
    }
}

/// A rollback starts Docker once with the old text, `bip` set in it.
fn faults_of_the_way_back(facts: &Facts) -> Vec<Fault> {
    let old = facts.docker.config.text.as_deref().unwrap_or("{}");
    let mut faults = daemon_json::faults(old, facts.version());
    faults.retain(|fault| match fault {
        Fault::Empty | Fault::ByteOrderMark => false,
        Fault::WrongValue { key, .. } => key != "bip",
        Fault::UnknownKey { .. } | Fault::AlsoAFlag { .. } => true,
    });
    faults
}

/// Flags of the next start, and the keys of daemon.json that say the same.
const FLAGS_AND_KEYS: [(&str, &str); 14] = [
    ("bip", "bip"),
    ("bridge", "bridge"),
    ("data-root", "data-root"),
    ("default-address-pool", "default-address-pools"),
    ("default-gateway", "default-gateway"),
    ("dns", "dns"),
    ("firewall-backend", "firewall-backend"),
    ("fixed-cidr", "fixed-cidr"),
    ("host", "hosts"),
    ("ip", "ip"),
    ("ip-masq", "ip-masq"),
    ("iptables", "iptables"),
    ("live-restore", "live-restore"),
    ("metrics-addr", "metrics-addr"),
];

/// dockerd does not start with an option both as a flag and in the file.
fn given_twice(facts: &Facts) -> Vec<Fault> {
    let docker = &facts.docker;
    let in_file = |key: &str| docker.config.names.iter().any(|name| name == key);
    let twice = FLAGS_AND_KEYS
        .iter()
        .filter(|(flag, key)| !docker.next_flag(flag).is_empty() && in_file(key));
    twice
        .map(|(flag, key)| Fault::AlsoAFlag {
            key,
            flag,
            place: docker.flag_places.get(*flag).cloned(),
        })
        .collect()
}

/// The engine must be able to start with the choice, and to create networks.
pub fn engine_could_use(assessment: &Assessment, choice: &Choice) -> Result<(), Blocker> {
    let list = PoolList::from(choice.pools.as_slice());
    match PoolTrouble::of(&list, &assessment.reserved(), assessment.version) {
        None => Ok(()),
        Some(trouble) => Err(Blocker::PoolsUnusable { trouble }),
    }
}
