//! Reasons not to act, found before anything is touched.

use super::Permits;
use super::blocker::{Blocker, StartFault};
use super::choose::Choice;
use crate::assess::Assessment;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::pools::PoolList;
use crate::facts::{ConfigState, Facts, Version};
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
        if let Some(value) = facts.docker.next_flag(flag).first() {
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
    match facts.docker.engine {
        Some(_) => Ok(()),
        None => Err(Blocker::EngineSilent {
            unseen: facts.unseen.clone(),
        }),
    }
}

/// All that keeps Docker from being restarted at all.
pub fn restart_is_possible(facts: &Facts, permits: &Permits) -> Vec<Blocker> {
    let checks = [
        settings_are_here(facts),
        file_decides(facts),
        keys_are_known(facts),
        may_restart(facts, permits),
    ];
    checks.into_iter().filter_map(Result::err).collect()
}

/// What a restart takes away or runs into, whatever the plan is.
pub fn restart_blockers(facts: &Facts) -> Vec<Blocker> {
    let dies = facts.dies_with.clone();
    let mut blockers: Vec<Blocker> = dies
        .into_iter()
        .map(|place| Blocker::DiesWithDocker { place })
        .collect();
    blockers.extend(live_restore(facts));
    blockers.extend(other_config_file(facts));
    blockers.extend(would_not_start(facts));
    blockers
}

fn live_restore(facts: &Facts) -> Option<Blocker> {
    let engine = facts.docker.engine.as_ref().filter(|_| survivors(facts))?;
    let containers = engine.containers.iter();
    Some(Blocker::LiveRestore {
        containers: containers.map(|one| one.name.clone()).collect(),
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

/// Keys of daemon.json that came with a version, of those that decide over networks. An older
/// dockerd does not start with a key it does not know; from 23.0 on its own check knows all of
/// them, 20.10 has none.
const KEYS_SINCE: [(&str, Version); 10] = [
    ("default-network-opts", Version::of(24, 0, 0)),
    ("bip6", Version::of(28, 0, 0)),
    ("ip-forward-no-drop", Version::of(28, 0, 0)),
    ("host-gateway-ips", Version::of(28, 0, 0)),
    ("allow-direct-routing", Version::of(28, 2, 0)),
    ("firewall-backend", Version::of(29, 0, 0)),
    ("bridge-accept-fwmark", Version::of(29, 0, 0)),
    ("min-api-version", Version::of(29, 0, 0)),
    ("default-stop-timeout", Version::of(29, 7, 0)),
    ("nri-opts", Version::of(29, 2, 0)),
];

/// Every key of 20.10, which has no `--validate`.
const KEYS_OF_20_10: &[&str] = &[
    "allow-nondistributable-artifacts",
    "api-cors-header",
    "authorization-plugins",
    "bip",
    "bridge",
    "builder",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "containerd",
    "containerd-namespace",
    "containerd-plugins-namespace",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cri-containerd",
    "data-root",
    "debug",
    "default-address-pools",
    "default-cgroupns-mode",
    "default-gateway",
    "default-gateway-v6",
    "default-ipc-mode",
    "default-runtime",
    "default-shm-size",
    "default-ulimits",
    "deprecated-key-path",
    "dns",
    "dns-opts",
    "dns-search",
    "exec-opts",
    "exec-root",
    "experimental",
    "features",
    "fixed-cidr",
    "fixed-cidr-v6",
    "graph",
    "group",
    "host-gateway-ip",
    "hosts",
    "icc",
    "init",
    "init-path",
    "insecure-registries",
    "ip",
    "ip-forward",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "labels",
    "live-restore",
    "log-driver",
    "log-level",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "metrics-addr",
    "mtu",
    "network-control-plane-mtu",
    "network-diagnostic-port",
    "no-new-privileges",
    "node-generic-resources",
    "oom-score-adjust",
    "pidfile",
    "raw-logs",
    "registry-mirrors",
    "resolv-conf",
    "rootless",
    "runtimes",
    "seccomp-profile",
    "selinux-enabled",
    "shutdown-timeout",
    "storage-driver",
    "storage-opts",
    "swarm-default-advertise-addr",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "userland-proxy",
    "userland-proxy-path",
    "userns-remap",
];

/// The engine must know every key of the file. Otherwise it would not come back.
pub fn keys_are_known(facts: &Facts) -> Result<(), Blocker> {
    let Some(version) = facts.version() else {
        return Ok(());
    };
    let config = &facts.docker.config;
    match config.names.iter().find(|key| !is_known(key, version)) {
        None => Ok(()),
        Some(key) => Err(Blocker::UnknownKey {
            path: config.path.clone(),
            key: key.clone(),
            version: format!("{}.{}", version.major, version.minor),
        }),
    }
}

fn is_known(key: &str, version: Version) -> bool {
    let too_new = KEYS_SINCE
        .iter()
        .any(|(name, since)| key == *name && version < *since);
    let all_known = version.major >= 22;
    !too_new && (all_known || KEYS_OF_20_10.contains(&key))
}

/// The engine must be able to start with the choice, and to create networks.
pub fn engine_could_use(assessment: &Assessment, choice: &Choice) -> Result<(), Blocker> {
    let list = PoolList::from(choice.pools.as_slice());
    match PoolTrouble::of(&list, &assessment.reserved(), assessment.version) {
        None => Ok(()),
        Some(trouble) => Err(Blocker::PoolsUnusable { trouble }),
    }
}
