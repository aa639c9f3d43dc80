//! The engine's own view, over its unix socket: version, pools, networks, live containers.

use super::as_started::AsStarted;
use crate::docker::containers::{ApiContainer, ApiContainerDetail};
use crate::docker::networks::{ApiEndpoint, ApiInfo, ApiInspect, ApiNetwork, ApiPool};
use crate::docker::{Api, Error, PingedEngine};
use crate::facts::{AddressPool, Container, Engine, Kernel, Network};
use crate::host::Host;
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

/// A healthy engine answers in milliseconds; a busy one may need seconds for its networks.
const DEADLINE: Duration = Duration::from_secs(15);

/// So many containers are asked about at once: an engine does little more when asked more.
const AT_ONCE: usize = 4;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As far as it takes to judge a host that is left alone.
    Check,
    /// As far as it takes to judge a host that is being changed: everything is asked.
    Verify,
    /// Every container too, as far as it takes to restart Docker and bring all of them back. One
    /// question a container.
    Act,
}

/// Asks the engine. It must run: a question to a stopped one could start it.
///
/// `/info` takes longest, because the engine runs its helpers to ask for their versions; everything
/// else is asked meanwhile. Where the settings in force are known without, it is not asked at all.
pub fn read(host: &Host, depth: Depth, settings: Option<AsStarted>) -> Result<Engine, Error> {
    let api = Api::new(host, DEADLINE)?;
    let known = api.engine().zip(settings);
    let (own, networks, containers) = thread::scope(|scope| {
        let containers = scope.spawn(|| containers(&api, depth));
        match known {
            Some((engine, settings)) => {
                let networks = networks(&api);
                (
                    Ok(as_started(engine, settings)),
                    networks,
                    containers.join(),
                )
            }
            None => {
                let networks = scope.spawn(|| networks(&api));
                let info = api.ask("/info").map(as_told);
                let networks = networks.join();
                let networks = networks.unwrap_or_else(|_| Err(unreadable("/networks")));
                (info, networks, containers.join())
            }
        }
    });
    let containers = containers.unwrap_or_else(|_| Err(unreadable("/containers/json")))?;
    Ok(Engine {
        containers: containers.living,
        idle: containers.idle,
        networks: networks?,
        ..own?
    })
}

/// The engine itself, without what it holds.
fn as_told(info: ApiInfo) -> Engine {
    // None are named where the built-in ones count; IPv6 pools alone are no IPv4 pool.
    let configured = !info.default_address_pools.is_empty();
    let pools: Vec<AddressPool> = info
        .default_address_pools
        .into_iter()
        .filter_map(ApiPool::read)
        .collect();
    Engine {
        version: info.server_version,
        system: info.operating_system,
        live_restore: info.live_restore_enabled,
        swarm: !matches!(info.swarm.local_node_state.as_str(), "" | "inactive"),
        pools: configured.then_some(pools),
        ..Engine::default()
    }
}

fn as_started(engine: &PingedEngine, settings: AsStarted) -> Engine {
    Engine {
        version: engine.version.clone(),
        swarm: engine.swarm,
        live_restore: settings.live_restore,
        pools: settings.pools,
        ..Engine::default()
    }
}

/// A thread that read an answer has ended without one.
fn unreadable(question: &str) -> Error {
    Error::NotUnderstood {
        question: question.to_owned(),
        why: "it could not be read".to_owned(),
    }
}

fn networks(api: &Api) -> Result<Vec<Network>, Error> {
    let networks: Vec<ApiNetwork> = api.ask("/networks")?;
    let mut networks: Vec<Network> = networks.into_iter().map(ApiNetwork::read).collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    // Swarm puts its tasks there without listing them as containers; no other network keeps such
    // secrets.
    if let Some(gateway) = networks
        .iter_mut()
        .find(|network| network.name == "docker_gwbridge")
    {
        let inspected: ApiInspect = api.ask("/networks/docker_gwbridge")?;
        gateway.endpoints = inspected
            .containers
            .values()
            .filter_map(ApiEndpoint::address)
            .collect();
        gateway.endpoints.sort();
    }
    Ok(networks)
}

/// The containers that live; and, looked at closely, those that do not.
struct Containers {
    living: Vec<Container>,
    idle: Vec<Container>,
}

fn containers(api: &Api, depth: Depth) -> Result<Containers, Error> {
    let path = match depth {
        Depth::Check | Depth::Verify => "/containers/json",
        Depth::Act => "/containers/json?all=1",
    };
    let listed: Vec<ApiContainer> = api.ask(path)?;
    let (living, idle): (Vec<_>, Vec<_>) = listed.into_iter().partition(ApiContainer::lives);
    Ok(Containers {
        living: closely(api, depth, living),
        idle: closely(api, depth, idle),
    })
}

/// What is to be known of each, in the order of their names.
fn closely(api: &Api, depth: Depth, listed: Vec<ApiContainer>) -> Vec<Container> {
    let mut containers: Vec<Container> = listed.into_iter().map(ApiContainer::read).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    if depth == Depth::Act {
        let share = containers.len().div_ceil(AT_ONCE).max(1);
        thread::scope(|scope| {
            for some in containers.chunks_mut(share) {
                scope.spawn(|| {
                    some.iter_mut()
                        .for_each(|container| add_detail(api, container))
                });
            }
        });
    }
    containers
}

/// One that has gone since it was listed has none.
fn add_detail(api: &Api, container: &mut Container) {
    let detail = api.ask(&format!("/containers/{}/json", container.id));
    container.detail = detail.ok().map(ApiContainerDetail::read);
}

/// Adds the containers that started while the kernel was being read, so that none of their
/// addresses passes for a stranger's. Those that ended meanwhile stay: the kernel saw them.
///
/// The engine is asked again only where there is a stranger.
pub fn add_newcomers(host: &Host, depth: Depth, kernel: &Kernel, engine: &mut Engine) {
    if !has_strangers(kernel, engine) {
        return;
    }
    // Where it does not answer any more its first answer stands.
    let Ok(api) = Api::new(host, DEADLINE) else {
        return;
    };
    let Ok(mut listed) = api.ask::<Vec<ApiContainer>>("/containers/json") else {
        return;
    };
    let known: HashSet<&str> = engine
        .containers
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    listed.retain(|one| !known.contains(one.id.as_str()));
    let newcomers = closely(&api, depth, listed);
    engine
        .idle
        .retain(|idle| newcomers.iter().all(|newcomer| newcomer.id != idle.id));
    engine.containers.extend(newcomers);
    engine.containers.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Whether the kernel shows an address in the subnet of one of Docker's bridges that is nobody's.
fn has_strangers(kernel: &Kernel, engine: &Engine) -> bool {
    let bridges = engine.networks.iter().filter(|net| net.bridge.is_some());
    let subnets: Vec<IpNet> = bridges
        .clone()
        .flat_map(|network| network.subnets.iter().copied())
        .collect();
    let of_containers = engine.containers.iter().flat_map(|one| &one.addresses);
    let of_networks = bridges.flat_map(|network| network.gateways.iter().chain(&network.endpoints));
    let of_links = kernel.links.iter().flat_map(|link| &link.addresses);
    let known: HashSet<IpAddr> = of_containers
        .chain(of_networks)
        .copied()
        .chain(of_links.map(IpNet::addr))
        .collect();
    let called = kernel.neighbours.iter().map(|neighbour| neighbour.address);
    let mut seen = called.chain(kernel.peers.iter().map(|peer| peer.address));
    seen.any(|address| {
        !known.contains(&address) && subnets.iter().any(|subnet| subnet.contains(&address))
    })
}
