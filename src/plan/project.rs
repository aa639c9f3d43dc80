//! The facts as they will be once a plan is carried out. This is how check mode knows what would
//! remain, and how the tests hold the law: after the plan nothing clashes that it set out to fix,
//! and the next plan is empty.

use super::Plan;
use crate::facts::{ConfigState, Facts};
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
    if restarted && let Some(docker0) = plan.docker0 {
        let engine = after.docker.engine.as_mut();
        engine
            .into_iter()
            .for_each(|engine| engine.pools = Some(plan.pools.clone()));
        put_on(&mut after, "bridge", docker0);
        // No network is as young as a daemon that has just begun: its search for subnets begins
        // anew.
        after.docker.started = after.docker.started.map(|_| "9999".to_owned());
    }
    if restarted || !plan.restart {
        // An address of its own the bridge has only in the kernel's facts; the first of its kind
        // will do.
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

/// The facts with a network on another IPv4 subnet: the engine's view, its bridge's address and
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
    if let Some(link) = facts
        .kernel
        .links
        .iter_mut()
        .find(|link| link.name == bridge)
    {
        link.addresses.retain(v6);
        link.addresses.insert(0, address);
    }
    let its_own = |dst: &IpNet| !v6(dst);
    let mut routes = facts
        .kernel
        .routes
        .iter_mut()
        .filter(|route| route.dev.as_ref() == Some(&bridge));
    if let Some(route) = routes.find(|route| its_own(&route.dst)) {
        route.dst = address.trunc();
    }
}

/// The facts once these networks are gone.
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
