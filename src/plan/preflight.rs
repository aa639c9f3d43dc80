//! What keeps rebridge from acting, found before anything is touched. Each refusal says why and
//! what to do.

use super::choose::Choice;
use super::{Permits, Refusal, reserved};
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::pools::PoolList;
use crate::facts::{ConfigState, Container, Facts, Version};
use crate::phrases::count;
use serde_json::Value;

/// Flags of dockerd that rebridge would contradict, as flag names and as the key of daemon.json
/// they stand for.
const CONTRADICTING_FLAGS: [(&str, &str); 5] = [
    ("bip", "bip"),
    ("default-address-pool", "default-address-pools"),
    ("bridge", "bridge"),
    ("fixed-cidr", "fixed-cidr"),
    ("default-gateway", "default-gateway"),
];

/// The file must be absent or a JSON object.
pub fn file_is_editable(facts: &Facts) -> Result<(), Refusal> {
    let config = &facts.docker.config;
    match &config.state {
        ConfigState::Missing | ConfigState::Object => Ok(()),
        ConfigState::Broken(why) => Err(Refusal::new(
            format!("cannot edit {}: {why}", config.path),
            "the file is untouched; mend it and run again",
        )),
        ConfigState::Unreadable(why) => Err(Refusal::new(
            format!("cannot read {}: {why}", config.path),
            "the file is untouched; run as root, or mend the file's permissions",
        )),
    }
}

/// Docker Desktop runs its engine in a machine of its own and rewrites the file there.
pub fn settings_are_here(facts: &Facts) -> Result<(), Refusal> {
    match &facts.docker.engine {
        Some(engine) if engine.system.contains("Docker Desktop") => Err(Refusal::new(
            format!(
                "cannot change Docker's ranges: this is {}, which keeps its settings in a machine \
                 of its own",
                engine.system
            ),
            "set bip and default-address-pools in its window, under Settings, Docker Engine",
        )),
        Some(_) | None => Ok(()),
    }
}

/// `bip` and pools in the file must be what decides where docker0 lies.
pub fn file_decides(facts: &Facts) -> Result<(), Refusal> {
    for (flag, key) in CONTRADICTING_FLAGS {
        if let Some(value) = facts.docker.flag(flag).first() {
            return Err(Refusal::new(
                format!(
                    "cannot put {key} into {}: dockerd is started with --{flag} {value}, and it \
                     does not start with an option in both places",
                    facts.docker.config.path
                ),
                match facts.docker.flag_places.get(flag) {
                    Some(place) => format!("take --{flag} out of {place} and run again"),
                    None => format!(
                        "take --{flag} out of the unit (see `systemctl cat docker.service`) and \
                         run again"
                    ),
                },
            ));
        }
    }
    match facts.docker.config.keys.get("bridge") {
        Some(Value::String(name)) if name == "none" => Err(Refusal::new(
            format!(
                "there is nothing to fix at docker0: \"bridge\": \"none\" in {} says that there is \
                 none",
                facts.docker.config.path
            ),
            "remove that key if docker0 should exist, or name other pools for new networks \
             yourself",
        )),
        Some(Value::String(name)) if !name.is_empty() => Err(Refusal::new(
            format!(
                "cannot move docker0: \"bridge\": \"{name}\" in {} hands Docker a bridge that you \
                 manage",
                facts.docker.config.path
            ),
            format!("give {name} another address where you configure it, or remove the key"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// A restart must be possible and must have the effect it is meant for.
pub fn may_restart(facts: &Facts, permits: &Permits) -> Result<(), Refusal> {
    if facts.docker.service.is_none() && !permits.own_command {
        return Err(Refusal::new(
            "cannot restart Docker: it runs, but neither as docker.service of systemd, nor as a \
             snap, nor by an init script",
            "run again with --restart-command, or with --no-restart and restart Docker as you \
             started it",
        ));
    }
    let Some(engine) = &facts.docker.engine else {
        let seen = facts.unseen.join("; ");
        return Err(Refusal::new(
            format!("cannot plan a restart: Docker runs but could not be asked ({seen})"),
            "make sure that `docker info` works as root, then run again",
        ));
    };
    if survivors(facts) && !permits.stop_containers {
        return Err(Refusal::new(
            format!(
                "cannot move docker0: live-restore is on and {} alive ({}), and while a container \
                 lives Docker leaves docker0 where it is",
                count(engine.containers.len(), "container is", "containers are"),
                first_few(&engine.containers)
            ),
            "run again with --allow-container-stop, which stops them before and starts them again \
             after the restart",
        ));
    }
    Ok(())
}

/// Whether containers would live through a restart: with live-restore, any that lives, whatever its
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

/// Every key of 20.10, which has no check of its own.
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

/// Every key of the file must be one this engine knows, or the restart is its end.
pub fn keys_are_known(facts: &Facts) -> Result<(), Refusal> {
    let Some(version) = facts.version() else {
        return Ok(());
    };
    let unknown = |key: &&String| {
        let too_new = KEYS_SINCE
            .iter()
            .any(|(name, since)| key.as_str() == *name && version < *since);
        let none_of_20_10 = version.major < 22 && !KEYS_OF_20_10.contains(&key.as_str());
        too_new || none_of_20_10
    };
    match facts.docker.config.names.iter().find(unknown) {
        None => Ok(()),
        Some(key) => Err(Refusal::new(
            format!(
                "cannot restart Docker: {} has the key \"{key}\", which Docker {}.{} does not know \
                 and does not start with",
                facts.docker.config.path, version.major, version.minor
            ),
            "remove or correct the key, then run again",
        )),
    }
}

/// The engine must be able to start with the choice, and to create networks.
pub fn engine_could_use(facts: &Facts, choice: &Choice) -> Result<(), Refusal> {
    let list = PoolList::from(choice.pools.as_slice());
    let Some(trouble) = PoolTrouble::of(&list, &reserved(facts), facts.version()) else {
        return Ok(());
    };
    let (why, next) = match trouble {
        PoolTrouble::TooMany(subnets) => (
            format!(
                "Docker up to 26 keeps each of their {subnets} subnets in memory and may not start"
            ),
            "give a narrower --pool, or a smaller size in bits such as size=24",
        ),
        PoolTrouble::Covered => (
            "every subnet of the pools lies under an on-link route or a nameserver of this host, so \
             Docker could not create a network (and up to 23.0.3 would not start)"
                .to_owned(),
            "take the on-link route away, or give a --pool outside it",
        ),
        PoolTrouble::Refused(..) | PoolTrouble::NoIpv4 | PoolTrouble::Ipv6First => (
            "Docker would not start with them, or would have no IPv4 subnets".to_owned(),
            "give an IPv4 --pool such as base=10.200.0.0/16,size=24",
        ),
    };
    Err(Refusal::new(format!("cannot use these pools: {why}"), next))
}

fn first_few(containers: &[Container]) -> String {
    let names: Vec<&str> = containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    match names.as_slice() {
        [a, b, c, _, ..] => format!("{a}, {b}, {c} …"),
        few => few.join(", "),
    }
}
