//! The engine's own view, over its API: version, pools, networks, live containers.

use super::as_started::AsStarted;
use super::endpoints;
use crate::docker::containers::{ApiContainer, ApiContainerDetail};
use crate::docker::endpoint::Endpoints;
use crate::docker::networks::{ApiInfo, ApiInspect, ApiNetwork, ApiPool, BridgeShows};
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
pub fn read(
    host: &Host,
    endpoints: &Endpoints,
    depth: Depth,
    settings: Option<AsStarted>,
) -> Result<Engine, Error> {
    let api = Api::new(host, endpoints, DEADLINE)?;
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
                let networks = networks.unwrap_or_else(|_| Err(unreadable(&api, "/networks")));
                (info, networks, containers.join())
            }
        }
    });
    let containers = containers.unwrap_or_else(|_| Err(unreadable(&api, "/containers/json")))?;
    let (networks, bridge) = networks?;
    let mut own = own?;
    if let Some(in_force) = &mut own.in_force {
        in_force.ipv6 = bridge.as_ref().is_some_and(|bridge| bridge.ipv6);
        in_force.bridge = bridge.map(|bridge| bridge.options);
    }
    Ok(Engine {
        containers: containers.living,
        idle: containers.idle,
        networks,
        ..own
    })
}

/// The first process of a container that runs.
pub fn pid_of(host: &Host, container: &str) -> Result<u32, String> {
    let question = format!("/containers/{container}/json");
    let detail: ApiContainerDetail = endpoints::api(host, DEADLINE)
        .and_then(|api| api.ask(&question))
        .map_err(|error| error.to_string())?;
    match detail.state.pid {
        0 => Err(format!("the container {container} does not run")),
        pid => Ok(pid),
    }
}

/// The engine itself, without what it holds.
fn as_told(info: ApiInfo) -> Engine {
    // None are named where the built-in ones count; IPv6 pools alone are no IPv4 pool.
    let in_force = info.in_force();
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
        in_force: Some(in_force),
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
fn unreadable(api: &Api, question: &str) -> Error {
    api.not_understood(question, "it could not be read")
}

/// The networks, and what docker0's shows of the settings in force.
fn networks(api: &Api) -> Result<(Vec<Network>, Option<BridgeShows>), Error> {
    let networks: Vec<ApiNetwork> = api.ask("/networks")?;
    let shows = networks.iter().find_map(ApiNetwork::shows);
    let mut networks: Vec<Network> = networks.into_iter().map(ApiNetwork::read).collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    // Swarm puts its tasks there without listing them as containers; no other network keeps such
    // secrets.
    if let Some(gateway) = networks
        .iter_mut()
        .find(|network| network.name == "docker_gwbridge")
    {
        let inspected: ApiInspect = api.ask("/networks/docker_gwbridge")?;
        gateway.endpoints = inspected.endpoints();
    }
    Ok((networks, shows))
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

/// Explains addresses in Docker's subnets that are nobody's yet, so that none of them passes for a
/// server's: containers that started while the kernel was being read, stopped ones that keep their
/// address, and what the engine lists as no container, such as a step of `docker build`.
///
/// The engine is asked again only where there is such a stranger.
pub fn explain_strangers(
    host: &Host,
    endpoints: &Endpoints,
    depth: Depth,
    seen: &[IpAddr],
    kernel: &Kernel,
    engine: &mut Engine,
) {
    if strangers(seen, kernel, engine).is_empty() {
        return;
    }
    // Where it does not answer any more its first answer stands.
    let Ok(api) = Api::new(host, endpoints, DEADLINE) else {
        return;
    };
    add_newcomers(&api, depth, engine);
    let strangers = strangers(seen, kernel, engine);
    let with_strangers: Vec<String> = engine
        .networks
        .iter()
        .filter(|network| network.bridge.is_some() && contains_any(network, &strangers))
        .map(|network| network.id.clone())
        .collect();
    for id in with_strangers {
        add_endpoints(&api, &id, engine);
    }
}

/// Finds the networks that no container is on, running or stopped. The engine is asked for the
/// stopped ones only where none runs.
pub fn find_unused(host: &Host, endpoints: &Endpoints, engine: &mut Engine) {
    let running: Vec<IpAddr> = engine
        .containers
        .iter()
        .flat_map(|one| one.addresses.iter().copied())
        .collect();
    let may_be = |network: &Network| {
        network.bridge.is_some()
            && network.name != "bridge"
            && network.endpoints.is_empty()
            && !contains_any(network, &running)
    };
    if !engine.networks.iter().any(may_be) {
        return;
    }
    let asked = Api::new(host, endpoints, DEADLINE)
        .and_then(|api| api.ask::<Vec<ApiContainer>>("/containers/json?all=1"));
    let Ok(all) = asked else { return };
    let in_use: HashSet<&str> = all.iter().flat_map(ApiContainer::networks).collect();
    // A container that was never started may know its network by the id only.
    let is_meant = |network: &Network, by: &str| network.name == by || network.id == by;
    for network in &mut engine.networks {
        let mut in_use = in_use.iter();
        network.unused = may_be(network) && !in_use.any(|by| is_meant(network, by));
    }
}

fn contains_any(network: &Network, addresses: &[IpAddr]) -> bool {
    let mut subnets = network.subnets.iter();
    subnets.any(|subnet| addresses.iter().any(|address| subnet.contains(address)))
}

/// Adds the containers that were not there, or stopped, at the first look. Those that ended
/// meanwhile stay as they were: the kernel saw them.
fn add_newcomers(api: &Api, depth: Depth, engine: &mut Engine) {
    let Ok(mut listed) = api.ask::<Vec<ApiContainer>>("/containers/json?all=1") else {
        return;
    };
    let known: HashSet<&str> = engine
        .containers
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    let idle: HashSet<&str> = engine.idle.iter().map(|one| one.id.as_str()).collect();
    listed.retain(|one| {
        let id = one.id.as_str();
        !known.contains(id) && (one.lives() || !idle.contains(id))
    });
    let (living, stopped): (Vec<_>, Vec<_>) = listed.into_iter().partition(ApiContainer::lives);
    let living = closely(api, depth, living);
    let started: HashSet<&str> = living.iter().map(|one| one.id.as_str()).collect();
    engine.idle.retain(|one| !started.contains(one.id.as_str()));
    engine.idle.extend(closely(api, depth, stopped));
    engine.idle.sort_by(|a, b| a.name.cmp(&b.name));
    engine.containers.extend(living);
    engine.containers.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Adds what is on a network and no container.
fn add_endpoints(api: &Api, id: &str, engine: &mut Engine) {
    let Ok(inspected) = api.ask::<ApiInspect>(&format!("/networks/{id}")) else {
        return;
    };
    let of_containers: HashSet<IpAddr> = addresses_of_containers(engine).collect();
    let mut endpoints = inspected.endpoints();
    endpoints.retain(|address| !of_containers.contains(address));
    if let Some(network) = engine.networks.iter_mut().find(|network| network.id == id) {
        network.endpoints = endpoints;
    }
}

fn addresses_of_containers(engine: &Engine) -> impl Iterator<Item = IpAddr> {
    let containers = engine.containers.iter().chain(&engine.idle);
    containers.flat_map(|one| one.addresses.iter().copied())
}

/// Of the addresses that this host has to do with, those in the subnets of Docker's bridges that are
/// nobody's.
fn strangers(seen: &[IpAddr], kernel: &Kernel, engine: &Engine) -> Vec<IpAddr> {
    let bridges = engine.networks.iter().filter(|net| net.bridge.is_some());
    let subnets: Vec<IpNet> = bridges
        .clone()
        .flat_map(|network| network.subnets.iter().copied())
        .collect();
    let of_networks = bridges.flat_map(|network| network.gateways.iter().chain(&network.endpoints));
    let of_links = kernel.links.iter().flat_map(|link| &link.addresses);
    let known: HashSet<IpAddr> = addresses_of_containers(engine)
        .chain(of_networks.copied())
        .chain(of_links.map(IpNet::addr))
        .chain(kernel.residents.iter().map(|resident| resident.address))
        .collect();
    let seen = seen.iter().copied();
    seen.filter(|address| {
        !known.contains(address) && subnets.iter().any(|subnet| subnet.contains(address))
    })
    .collect()
}
