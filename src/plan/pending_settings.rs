//! Settings that the next start of Docker puts into force and the engine that runs does not have:
//! an edit of daemon.json or of the unit that nobody has restarted Docker for.
//!
//! What the engine says of itself decides where it can. Otherwise a file that changed after this
//! dockerd began is taken as not loaded, key by key.

use super::Plan;
use super::blocker::Blocker;
use super::notice::Notice;
use super::old_address::place_of_key;
use crate::facts::{DockerState, Facts, InForce};
use crate::subnet::overlap;
use serde_json::Value;
use std::collections::BTreeSet;

/// Keys that a plan sets itself, and flags that stand in its way.
const PLANNED: [&str; 5] = [
    "bip",
    "default-address-pool",
    "default-address-pools",
    "fixed-cidr",
    "default-gateway",
];

/// Keys that change logs, pulls, or what is created later: no data, container or address is lost
/// with them.
const HARMLESS: [&str; 47] = [
    "allow-nondistributable-artifacts",
    "builder",
    "cdi-spec-dirs",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "debug",
    "default-address-pool",
    "default-cgroupns-mode",
    "default-ipc-mode",
    "default-network-opts",
    "default-runtime",
    "default-shm-size",
    "default-stop-timeout",
    "default-ulimits",
    "dns",
    "dns-opts",
    "dns-search",
    "experimental",
    "host-gateway-ip",
    "host-gateway-ips",
    "http-proxy",
    "https-proxy",
    "init",
    "init-path",
    "insecure-registries",
    "labels",
    "log-driver",
    "log-format",
    "log-level",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "metrics-addr",
    "network-control-plane-mtu",
    "network-diagnostic-port",
    "no-new-privileges",
    "no-proxy",
    "node-generic-resources",
    "oom-score-adjust",
    "proxies",
    "raw-logs",
    "registry-mirrors",
    "shutdown-timeout",
];

/// What the next start would put into force.
#[derive(Debug, Default)]
pub struct Pending {
    pub blockers: Vec<Blocker>,
    pub notice: Option<Notice>,
}

/// What a restart puts into force besides what the plan sets.
pub fn pending(facts: &Facts, plan: Option<&Plan>) -> Pending {
    let mut pending = Pending::default();
    if facts.docker.state != DockerState::Running {
        return pending;
    }
    let set: BTreeSet<&str> = plan
        .and_then(|plan| plan.write.as_ref())
        .into_iter()
        .flat_map(|change| change.keys_after.keys().map(String::as_str))
        .collect();
    pending.blockers.extend(data_root(facts));
    pending.blockers.extend(flags(facts));
    pending.blockers.extend(removed(facts));
    let config = &facts.docker.config;
    if config.loaded != Some(false) {
        return pending;
    }
    let mut harmless = Vec::new();
    for key in &config.names {
        let key = key.as_str();
        if PLANNED.contains(&key) || set.contains(key) || is_in_force(facts, key) == Some(true) {
            continue;
        }
        match HARMLESS.contains(&key) {
            true => harmless.push(key.to_owned()),
            false => pending.blockers.push(Blocker::PendingSetting {
                setting: format!("\"{key}\""),
                place: place_of_key(facts, key),
                now: now_in_force(facts, key),
                next: config.keys.get(key).map(shown),
            }),
        }
    }
    if !harmless.is_empty() {
        pending.notice = Some(Notice::KeysComeIntoForce {
            path: config.path.clone(),
            keys: harmless,
        });
    }
    pending
}

/// Containers and images live there; with another one Docker has none of them.
fn data_root(facts: &Facts) -> Option<Blocker> {
    let now = &in_force(facts)?.data_root;
    let next = facts.docker.next_data_root.as_ref()?;
    if now.is_empty() || now == next || without_users(now) == next {
        return None;
    }
    let given = facts.docker.next_flag("data-root").last();
    let (setting, place) = match given {
        Some(_) => ("--data-root".to_owned(), place_of_flag(facts, "data-root")),
        None => {
            let keys = &facts.docker.config.names;
            let spelled = if keys.iter().any(|key| key == "graph") {
                "graph"
            } else {
                "data-root"
            };
            (format!("\"{spelled}\""), place_of_key(facts, spelled))
        }
    };
    Some(Blocker::PendingSetting {
        setting,
        place,
        now: Some(now.clone()),
        next: Some(next.clone()),
    })
}

/// With `userns-remap` Docker keeps its data in a folder named after the users.
fn without_users(root: &str) -> &str {
    match root.rsplit_once('/') {
        Some((root, users))
            if users.contains('.') && users.chars().all(|c| c.is_ascii_digit() || c == '.') =>
        {
            root
        }
        _ => root,
    }
}

fn place_of_flag(facts: &Facts, flag: &str) -> String {
    let place = facts.docker.flag_places.get(flag).cloned();
    place.unwrap_or_else(|| "the unit".to_owned())
}

/// Flags that the next start has otherwise than this one, and not as a key with the same value.
fn flags(facts: &Facts) -> Vec<Blocker> {
    let docker = &facts.docker;
    let Some(next) = &docker.next_flags else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = docker.flags.keys().chain(next.keys()).collect();
    let names = names.into_iter().filter(|name| {
        let named = name.as_str();
        !PLANNED.contains(&named) && named != "data-root" && named != "config-file"
    });
    names
        .filter_map(|name| {
            let now = docker.flags.get(name).map(|values| given(values));
            let next = next.get(name).map(|values| given(values));
            let in_file = docker.config.keys.get(key_of(name)).map(shown);
            let then = next.clone().or(in_file);
            if now == then || now.is_none() && then == now_in_force(facts, key_of(name)) {
                return None;
            }
            Some(Blocker::PendingSetting {
                setting: format!("--{name}"),
                place: place_of_flag(facts, name),
                now: now.or_else(|| now_in_force(facts, key_of(name))),
                next: then,
            })
        })
        .collect()
}

fn key_of(flag: &str) -> &str {
    match flag {
        "host" => "hosts",
        other => other,
    }
}

/// The values of a flag; one without a value is a switch that is on.
fn given(values: &[String]) -> String {
    let values = values.iter().map(|value| match value.as_str() {
        "" | "1" | "t" | "T" | "TRUE" | "True" => "true",
        "0" | "f" | "F" | "FALSE" | "False" => "false",
        other => other,
    });
    values.collect::<Vec<_>>().join(", ")
}

/// A key's value as one word of a sentence.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Settings in force that the next start would not have any more. Only those the engine shows.
fn removed(facts: &Facts) -> Vec<Blocker> {
    let Some(now) = in_force(facts) else {
        return Vec::new();
    };
    if facts.docker.config.loaded == Some(true) {
        return Vec::new();
    }
    let bridge = now
        .bridge
        .as_ref()
        .and_then(|options| options.get(BRIDGE_NAME));
    let gone = [
        ("userns-remap", now.userns.then(|| "on".to_owned())),
        ("ipv6", now.ipv6.then(|| "true".to_owned())),
        ("bridge", bridge.filter(|name| *name != "docker0").cloned()),
    ];
    gone.into_iter()
        .filter_map(|(key, now)| Some((key, now?)))
        .filter(|(key, _)| {
            let in_file = facts.docker.config.names.iter().any(|name| name == key);
            !in_file && facts.docker.next_flag(key).is_empty() && facts.docker.flag(key).is_empty()
        })
        .map(|(key, now)| Blocker::PendingSetting {
            setting: format!("\"{key}\""),
            place: facts.docker.config.path.clone(),
            now: Some(now),
            next: None,
        })
        .collect()
}

const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// Options of docker0's network that show a key of daemon.json.
const SHOWN_BY_BRIDGE: [(&str, &str); 5] = [
    ("bridge", BRIDGE_NAME),
    ("icc", "com.docker.network.bridge.enable_icc"),
    ("ip", "com.docker.network.bridge.host_binding_ipv4"),
    ("ip-masq", "com.docker.network.bridge.enable_ip_masquerade"),
    ("mtu", "com.docker.network.driver.mtu"),
];

fn in_force(facts: &Facts) -> Option<&InForce> {
    facts.docker.engine.as_ref()?.in_force.as_ref()
}

/// What the engine has for a key, as far as it shows that.
fn now_in_force(facts: &Facts, key: &str) -> Option<String> {
    let now = in_force(facts)?;
    let engine = facts.docker.engine.as_ref()?;
    if let Some((_, option)) = SHOWN_BY_BRIDGE.iter().find(|(name, _)| *name == key) {
        return match (&now.bridge, key) {
            (Some(options), _) => options.get(*option).cloned(),
            (None, "bridge") => Some("none".to_owned()),
            (None, _) => None,
        };
    }
    Some(match key {
        "data-root" | "graph" => now.data_root.clone(),
        "storage-driver" => now.storage_driver.clone(),
        "default-runtime" => now.default_runtime.clone(),
        "live-restore" => engine.live_restore.to_string(),
        "ipv6" => now.ipv6.to_string(),
        "userns-remap" => match now.userns {
            true => "on".to_owned(),
            false => "off".to_owned(),
        },
        "exec-opts" => format!("native.cgroupdriver={}", now.cgroup_driver),
        _ => return None,
    })
}

/// Whether a key of the file is in force already; none where the engine does not show it.
fn is_in_force(facts: &Facts, key: &str) -> Option<bool> {
    // What is a flag of this dockerd cannot be a key of its file: that is another matter.
    let value = facts.docker.config.keys.get(key)?;
    if key == "data-root" || key == "graph" {
        // Judged above, links followed.
        return Some(true);
    }
    if key == "fixed-cidr-v6" || key == "bip6" {
        let net = value.as_str()?.parse().ok()?;
        let bridge = facts.engine_networks().find(|one| one.name == "bridge")?;
        return Some(bridge.subnets.iter().any(|subnet| overlap(subnet, &net)));
    }
    let now = now_in_force(facts, key)?;
    Some(match key {
        "userns-remap" => (shown(value).is_empty()) == (now == "off"),
        _ => shown(value) == now,
    })
}
