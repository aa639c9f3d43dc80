//! Reasons not to act, found before anything is touched.

use super::Permits;
use super::blocker::Blocker;
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
