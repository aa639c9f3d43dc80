//! Reasons not to act, found before anything is touched.

use super::blocker::{Blocker, StartFault};
use super::{FileChange, Permits, Plan};
use crate::engine_model::daemon_json::{self, Fault};
use crate::facts::{ConfigState, Facts, NotAsked};
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

/// Podman has other files than Docker, and no daemon to restart.
pub fn is_docker(facts: &Facts) -> Result<(), Blocker> {
    match &facts.docker.not_asked {
        Some(NotAsked::Podman(at)) => Err(Blocker::Podman { at: at.clone() }),
        Some(NotAsked::TlsOnly(_)) | None => Ok(()),
    }
}

/// A new version of the file must be able to take its place.
pub fn file_is_read_only(facts: &Facts, plan: &Plan) -> Option<Blocker> {
    plan.write.as_ref()?;
    let config = &facts.docker.config;
    Some(Blocker::FileReadOnly {
        path: config.path.clone(),
        why: config.read_only.clone()?,
    })
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

/// The option of dockerd's next start that says the same as a key. Docker does not start with both.
pub fn flag_in_the_way(facts: &Facts, flag: &str) -> Option<Blocker> {
    let (flag, key) = CONTRADICTING_FLAGS.iter().find(|(name, _)| *name == flag)?;
    let value = facts.docker.next_flag(flag).first()?;
    Some(Blocker::FlagInTheWay {
        flag,
        key,
        value: value.clone(),
        path: facts.docker.config.path.clone(),
        place: facts.docker.flag_places.get(*flag).cloned(),
    })
}

/// Whether Docker's default bridge is another one than docker0, or none.
pub fn bridge_is_not_dockers(facts: &Facts) -> Option<Blocker> {
    if let Some(blocker) = flag_in_the_way(facts, "bridge") {
        return Some(blocker);
    }
    let path = facts.docker.config.path.clone();
    match facts.docker.config.keys.get("bridge")?.as_str()? {
        "none" => Some(Blocker::BridgeSwitchedOff { path }),
        "" | "docker0" => None,
        name => Some(Blocker::BridgeOfTheOperator {
            path,
            name: name.to_owned(),
        }),
    }
}

/// A restart must be possible.
pub fn may_restart(facts: &Facts, permits: &Permits) -> Result<(), Blocker> {
    if facts.docker.service.is_none() && !permits.own_command {
        return Err(Blocker::NoWayToRestart);
    }
    match (&facts.docker.engine, &facts.docker.not_asked) {
        (Some(_), _) => Ok(()),
        (None, Some(NotAsked::TlsOnly(at))) => Err(Blocker::EngineWantsTls { at: at.clone() }),
        (None, _) => Err(Blocker::EngineSilent {
            unseen: facts.unseen.clone(),
        }),
    }
}

/// All that keeps Docker from being restarted at all.
pub fn restart_is_possible(facts: &Facts, permits: &Permits) -> Vec<Blocker> {
    let checks = [settings_are_here(facts), may_restart(facts, permits)];
    checks.into_iter().filter_map(Result::err).collect()
}

/// What a restart takes away or runs into. New pools count after it whether containers live through
/// it or not; docker0 does not move while one lives.
pub fn restart_blockers(facts: &Facts, docker0_moves: bool) -> Vec<Blocker> {
    let dies = facts.dies_with.clone();
    let mut blockers: Vec<Blocker> = dies
        .into_iter()
        .map(|place| Blocker::DiesWithDocker { place })
        .collect();
    blockers.extend(live_restore(facts).filter(|_| docker0_moves));
    blockers.extend(other_config_file(facts));
    blockers
}

fn live_restore(facts: &Facts) -> Option<Blocker> {
    let engine = facts.docker.engine.as_ref().filter(|_| survivors(facts))?;
    let containers = engine.containers.iter();
    Some(Blocker::LiveRestore {
        containers: containers.map(|one| one.name.clone()).collect(),
        is_relieved: !facts.kernel.relief.is_empty(),
    })
}

/// rebridge changes the file this dockerd reads, which then would count no more.
fn other_config_file(facts: &Facts) -> Option<Blocker> {
    let docker = &facts.docker;
    docker.next_flags.as_ref()?;
    let next = docker.next_flag("config-file").last();
    let now = docker.flag("config-file").last();
    (next != now).then(|| Blocker::OtherConfigFile {
        now: docker.config.path.clone(),
        next: next.map_or(DEFAULT_FILE, String::as_str).to_owned(),
    })
}

/// Where dockerd looks for its file by itself.
const DEFAULT_FILE: &str = "/etc/docker/daemon.json";

/// Flags whose keys have another name.
const KEYS_OF_FLAGS: [(&str, &str); 2] = [
    ("host", "hosts"),
    ("default-address-pool", "default-address-pools"),
];

fn would_not_start(facts: &Facts) -> Vec<Blocker> {
    let docker = &facts.docker;
    let config = &docker.config;
    let flags = docker.next_flags.as_ref().unwrap_or(&docker.flags);
    let mut faults: Vec<StartFault> = flags
        .keys()
        .map(|flag| {
            let named = KEYS_OF_FLAGS.iter().find(|(name, _)| name == flag);
            (flag, named.map_or(flag.as_str(), |(_, key)| key))
        })
        .filter(|(_, key)| config.names.iter().any(|name| name == key))
        .map(|(flag, key)| StartFault::FlagAndKey {
            flag: flag.clone(),
            key: key.to_owned(),
        })
        .collect();
    let is_off = |key: &str| config.keys.get(key) == Some(&Value::Bool(false));
    if is_off("icc") && is_off("iptables") {
        faults.push(StartFault::IccWithoutIptables);
    }
    let path = &config.path;
    faults
        .into_iter()
        .map(|fault| Blocker::WouldNotStart {
            path: path.clone(),
            fault,
        })
        .collect()
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

/// Docker must be able to start with its settings as the plan leaves them, if not today, then at the
/// next boot; and a restart needs a way back.
pub fn file_starts(facts: &Facts, plan: Option<&Plan>) -> Vec<Blocker> {
    let version = facts.version();
    let written = plan.and_then(|plan| plan.write.as_ref());
    let mut faults = match (written, plan) {
        (Some(_), Some(plan)) if plan.restart => faults_of_the_way_back(facts),
        _ => Vec::new(),
    };
    if faults.is_empty() {
        faults = faults_as_left(facts, written);
    }
    let mut blockers = Vec::new();
    if !faults.is_empty() {
        blockers.push(Blocker::FileTurnedDown {
            path: facts.docker.config.path.clone(),
            version: version.map(|version| format!("{}.{}", version.major, version.minor)),
            faults,
        });
    }
    blockers.extend(would_not_start(facts));
    blockers
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
        Fault::UnknownKey { .. } => true,
    });
    faults
}
