//! The facts as they will be once a plan is carried out. From them, check mode knows what would
//! remain, and the tests hold the law: after the plan, nothing clashes that it was to fix, and the
//! next plan is empty.

use super::Plan;
use super::pool_list::Pools;
use crate::facts::{ConfigState, Facts, Route};
use crate::subnet::first_host;
use ipnet::{IpNet, Ipv4Net};

/// Facts after the plan. `restarted` says whether Docker has started with the new file by then.
pub fn project(facts: &Facts, plan: &Plan, restarted: bool) -> Facts {
    let mut after = facts.clone();
    if let Some(change) = &plan.write {
        let config = &mut after.docker.config;
        config.state = ConfigState::Object;
        config.keys.extend(change.keys_after.clone());
        if !change.after.is_empty() {
            config.text = Some(change.after.clone());
        }
    }
    if restarted {
        let named = Pools::of_file(&after);
        let engine = after.docker.engine.as_mut();
        engine
            .into_iter()
            .for_each(|engine| engine.pools = (!named.built_in).then(|| named.ipv4()));
        if let Some(docker0) = plan.docker0 {
            put_on(&mut after, "bridge", docker0);
        }
        // A daemon that has just started begins its search for subnets from the top. This date is
        // later than that of any network.
        after.docker.started = after.docker.started.map(|_| "9999".to_owned());
    }
    if restarted || !plan.restart {
        // Only the kernel knows the bridge's own address. The first one of the subnet will do.
        plan.moves.iter().for_each(|one| {
            put_on(
                &mut after,
                &one.network,
                first_host(one.to).unwrap_or(one.to),
            )
        });
    }
    after
}

/// Facts after a way back: docker0 where it was, and networks on these subnets.
pub fn gone_back(facts: &Facts, docker0: Option<Ipv4Net>, networks: &[(&str, Ipv4Net)]) -> Facts {
    let mut after = facts.clone();
    if let Some(docker0) = docker0 {
        put_on(&mut after, "bridge", docker0);
    }
    for (network, subnet) in networks {
        let address = first_host(*subnet).unwrap_or(*subnet);
        put_on(&mut after, network, address);
    }
    after
}

/// Puts a network on another IPv4 subnet: in the engine's view, and with its bridge's address and
/// route.
fn put_on(facts: &mut Facts, network: &str, address: Ipv4Net) {
    let v6 = |net: &IpNet| matches!(net, IpNet::V6(_));
    let address = IpNet::V4(address);
    let engine = facts.docker.engine.iter_mut();
    let known = engine
        .flat_map(|engine| &mut engine.networks)
        .find(|known| known.name == network);
    let mut bridge = (network == "bridge").then(|| "docker0".to_owned());
    if let Some(known) = known {
        known.subnets.retain(v6);
        known.subnets.insert(0, address.trunc());
        bridge = bridge.or(known.bridge.clone());
    }
    let Some(bridge) = bridge else { return };
    let mut links = facts.kernel.links.iter_mut();
    if let Some(link) = links.find(|link| link.name == bridge) {
        if link.addresses.contains(&address) {
            return;
        }
        link.addresses.retain(v6);
        link.addresses.insert(0, address);
    }
    let its_own = |route: &Route| route.dev.as_ref() == Some(&bridge) && !v6(&route.dst);
    // Those through a container go with the address that reaches it.
    let routes = &mut facts.kernel.routes;
    routes.retain(|route| !its_own(route) || route.gateway.is_none());
    if let Some(route) = routes.iter_mut().find(|route| its_own(route)) {
        route.dst = address.trunc();
    }
}

pub fn without_networks(facts: &Facts, names: &[&str]) -> Facts {
    let mut after = facts.clone();
    let gone = |name: &str| names.contains(&name);
    let bridges: Vec<String> = facts
        .engine_networks()
        .filter(|network| gone(&network.name))
        .filter_map(|one| one.bridge.clone())
        .collect();
    if let Some(engine) = &mut after.docker.engine {
        engine.networks.retain(|network| !gone(&network.name));
    }
    after
        .kernel
        .links
        .retain(|link| !bridges.contains(&link.name));
    after
        .kernel
        .routes
        .retain(|route| !route.dev.as_ref().is_some_and(|dev| bridges.contains(dev)));
    after
}
