//! What uses a bridge's present address by number and would lose it: programs that wait on it,
//! published ports, settings of Docker, of its containers and of the host's resolver.

use super::Plan;
use super::blocker::Blocker;
use super::leaving::Leaving;
use crate::facts::{Container, Facts};
use ipnet::IpNet;
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr};

/// Keys of daemon.json that name addresses.
const KEYS: [&str; 11] = [
    "hosts",
    "metrics-addr",
    "ip",
    "dns",
    "host-gateway-ip",
    "host-gateway-ips",
    "insecure-registries",
    "registry-mirrors",
    "proxies",
    "http-proxy",
    "https-proxy",
];

/// Flags that name addresses.
const FLAGS: [&str; 5] = ["host", "metrics-addr", "ip", "dns", "host-gateway-ip"];

/// dockerd does not start where it cannot bind one of these.
const LISTENS: [&str; 3] = ["hosts", "host", "metrics-addr"];

/// Sockets of these are named as what they are: a published port, a setting of Docker.
const DOCKERS_OWN: [&str; 2] = ["docker-proxy", "dockerd"];

/// `settings` is daemon.json as it will be.
pub fn blockers(facts: &Facts, settings: &Map<String, Value>, leaving: &[Leaving]) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for one in leaving {
        if let Some(address) = one.address {
            blockers.extend(settings_of_docker(facts, settings, address));
            blockers.extend(of_the_host(facts, one, address));
            blockers.extend(of_containers(facts, one, address));
        }
    }
    blockers
}

/// daemon.json as it will be. Registries and proxies are not among the facts; only the host itself
/// has the text.
pub fn settings_after(facts: &Facts, plan: Option<&Plan>) -> Map<String, Value> {
    let config = &facts.docker.config;
    let text = config.text.as_deref();
    let whole = text.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let mut settings = whole.unwrap_or_else(|| config.keys.clone());
    let change = plan.and_then(|plan| plan.write.as_ref());
    settings.extend(
        change
            .into_iter()
            .flat_map(|change| change.keys_after.clone()),
    );
    settings
}

fn settings_of_docker(
    facts: &Facts,
    settings: &Map<String, Value>,
    address: Ipv4Addr,
) -> Vec<Blocker> {
    let docker = &facts.docker;
    let in_file = |key: &&&str| {
        settings
            .get(**key)
            .is_some_and(|value| names(value, address))
    };
    let by_key = KEYS.iter().filter(in_file).map(|key| {
        let place = place_of_key(facts, key);
        of_docker(key, format!("\"{key}\""), place, address)
    });
    let given = |flag: &&&str| {
        let mut values = docker.next_flag(flag).iter();
        values.any(|value| names_address(value, address))
    };
    let by_flag = FLAGS.iter().filter(given).map(|flag| {
        let place = docker.flag_places.get(*flag).cloned();
        let place = place.unwrap_or_else(|| "dockerd's command line".to_owned());
        of_docker(flag, format!("--{flag}"), place, address)
    });
    by_key.chain(by_flag).collect()
}

fn of_docker(name: &str, setting: String, place: String, address: Ipv4Addr) -> Blocker {
    match LISTENS.contains(&name) {
        true => Blocker::DockerListensOnOldAddress {
            setting,
            place,
            address,
        },
        false => Blocker::DockerNamesOldAddress {
            setting,
            place,
            address,
        },
    }
}

/// The file, and the line where it is known.
pub fn place_of_key(facts: &Facts, key: &str) -> String {
    let config = &facts.docker.config;
    let quoted = format!("\"{key}\"");
    let text = config.text.as_deref().unwrap_or_default();
    match text.lines().position(|line| line.contains(&quoted)) {
        Some(at) => format!("{} line {}", config.path, at + 1),
        None => config.path.clone(),
    }
}

fn of_the_host(facts: &Facts, leaving: &Leaving, address: Ipv4Addr) -> Vec<Blocker> {
    let address = IpAddr::V4(address);
    let network = &leaving.network;
    let listeners = facts.kernel.listeners.iter().filter(|one| {
        let process = one.process.as_deref().unwrap_or_default();
        one.address == address && !DOCKERS_OWN.contains(&process)
    });
    let listeners = listeners.map(|one| Blocker::ListensOnOldAddress {
        network: network.clone(),
        listener: one.clone(),
    });
    let servers = facts.nameservers.iter();
    let servers = servers.filter(|server| leaves(facts, leaving, address, &server.address));
    let servers = servers.map(|server| Blocker::ResolvesAtOldAddress {
        network: network.clone(),
        address: server.address,
        place: server.file.clone(),
    });
    let stubs = facts.named.iter().filter(|named| named.address == address);
    let stubs = stubs.map(|named| Blocker::HostNamesOldAddress {
        network: network.clone(),
        named: named.clone(),
    });
    listeners.chain(servers).chain(stubs).collect()
}

/// Whether a nameserver goes away with the network: it has the bridge's address, or a container's. A
/// gateway of this host stays outside, also while docker0 hides it with the same address, as in WSL.
fn leaves(facts: &Facts, leaving: &Leaving, address: IpAddr, server: &IpAddr) -> bool {
    let devices = facts.docker_devices();
    let mut routes = facts.kernel.routes.iter();
    let is_gateway = routes.any(|route| {
        let dev = route.dev.as_deref().unwrap_or_default();
        route.gateway == Some(*server) && !devices.contains(dev)
    });
    let range = IpNet::V4(leaving.from);
    let is_containers = || range.contains(server) && facts.docker_addresses().contains(server);
    !is_gateway && (*server == address || is_containers())
}

fn of_containers(facts: &Facts, leaving: &Leaving, address: Ipv4Addr) -> Vec<Blocker> {
    let engine = facts.docker.engine.iter();
    let living = engine.flat_map(|engine| &engine.containers);
    living
        .flat_map(|container| of_container(container, leaving, IpAddr::V4(address)))
        .collect()
}

fn of_container(container: &Container, leaving: &Leaving, address: IpAddr) -> Vec<Blocker> {
    let Some(detail) = &container.detail else {
        return Vec::new();
    };
    let publishes = detail.published_on.contains(&address);
    let publishes = publishes.then(|| Blocker::PublishesOnOldAddress {
        network: leaving.network.clone(),
        container: container.name.clone(),
        address,
    });
    let mentions = detail.mentions.iter().filter(|one| one.address == address);
    let mentions = mentions.map(|mention| Blocker::ContainerNamesOldAddress {
        network: leaving.network.clone(),
        container: container.name.clone(),
        mention: mention.clone(),
    });
    publishes.into_iter().chain(mentions).collect()
}

fn names(value: &Value, address: Ipv4Addr) -> bool {
    match value {
        Value::String(text) => names_address(text, address),
        Value::Array(items) => items.iter().any(|item| names(item, address)),
        Value::Object(object) => object.values().any(|item| names(item, address)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a text such as `tcp://172.17.0.1:2375` names an address.
fn names_address(text: &str, address: Ipv4Addr) -> bool {
    let mut words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    words.any(|word| word.parse() == Ok(address))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_address_in_urls() {
        let address: Ipv4Addr = "172.17.0.1".parse().unwrap();
        let hosts = serde_json::json!(["fd://", "tcp://172.17.0.1:2375"]);
        assert!(names(&hosts, address));
        let proxies = serde_json::json!({"default": {"httpProxy": "http://172.17.0.1:3128"}});
        assert!(names(&proxies, address));
        for other in [
            "172.17.0.11:53",
            "http://1.172.17.0.1",
            "0.0.0.0",
            "172.17.0.0/16",
        ] {
            assert!(!names_address(other, address), "{other}");
        }
    }
}
