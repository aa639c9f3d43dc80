//! Reasons not to act, found before anything is touched.

use super::Permits;
use super::blocker::Blocker;
use crate::facts::{ConfigState, Facts, Version};

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

/// A restart must be possible, and must move docker0.
pub fn may_restart(facts: &Facts, permits: &Permits) -> Result<(), Blocker> {
    may_start_again(facts, permits)?;
    if survivors(facts) && !permits.stop_containers {
        let containers = facts.docker.engine.iter();
        let containers = containers.flat_map(|engine| &engine.containers);
        return Err(Blocker::LiveRestore {
            containers: containers.map(|one| one.name.clone()).collect(),
        });
    }
    Ok(())
}

/// A restart must be possible. New pools count after it whether containers live through it or not.
pub fn may_start_again(facts: &Facts, permits: &Permits) -> Result<(), Blocker> {
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
