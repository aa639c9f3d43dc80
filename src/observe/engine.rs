//! The engine's own view, over its unix socket: version, pools, networks, live containers.

use crate::docker::containers::{ApiContainer, ApiContainerDetail};
use crate::docker::networks::{ApiEndpoint, ApiInfo, ApiInspect, ApiNetwork, ApiPool};
use crate::docker::{Api, Error};
use crate::facts::{AddressPool, Container, Engine, Network};
use crate::host::Host;
use std::time::Duration;

/// A healthy engine answers in milliseconds; a busy one may need seconds for its networks.
const DEADLINE: Duration = Duration::from_secs(15);

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As far as it takes to judge.
    Judge,
    /// Every container too, as far as it takes to restart Docker and bring all of them back. One
    /// question a container.
    Act,
}

/// Asks the engine. It must run: a question to a stopped one could start it.
pub fn read(host: &Host, depth: Depth) -> Result<Engine, Error> {
    let api = Api::new(host, DEADLINE)?;
    let info: ApiInfo = api.ask("/info")?;
    let networks: Vec<ApiNetwork> = api.ask("/networks")?;
    let (containers, idle) = containers(&api, depth)?;
    let pools: Vec<AddressPool> = info
        .default_address_pools
        .into_iter()
        .filter_map(ApiPool::read)
        .collect();
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
    Ok(Engine {
        version: info.server_version,
        system: info.operating_system,
        live_restore: info.live_restore_enabled,
        swarm: !matches!(info.swarm.local_node_state.as_str(), "" | "inactive"),
        containers,
        idle,
        pools: (!pools.is_empty()).then_some(pools),
        networks,
    })
}

/// The containers that live; and, looked at closely, those that do not.
fn containers(api: &Api, depth: Depth) -> Result<(Vec<Container>, Vec<Container>), Error> {
    let path = match depth {
        Depth::Judge => "/containers/json",
        Depth::Act => "/containers/json?all=1",
    };
    let listed: Vec<ApiContainer> = api.ask(path)?;
    let (mut living, mut idle) = (Vec::new(), Vec::new());
    for one in listed {
        let lives = one.lives();
        let mut container = one.read();
        if depth == Depth::Act {
            // One that has gone since it was listed is no business of ours.
            let detail: Result<ApiContainerDetail, Error> =
                api.ask(&format!("/containers/{}/json", container.id));
            container.detail = detail.ok().map(ApiContainerDetail::read);
        }
        if lives { &mut living } else { &mut idle }.push(container);
    }
    living.sort_by(|a, b| a.name.cmp(&b.name));
    idle.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((living, idle))
}
