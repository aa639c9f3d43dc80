//! The facts as they will be once a plan is carried out. This is how check mode knows what would remain, and how the
//! tests hold the law: after the plan nothing clashes that it set out to fix, and the next plan is empty.

use super::Plan;
use crate::observe::facts::{ConfigState, Facts};
use ipnet::IpNet;

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
    if !restarted {
        return after;
    }
    let address = IpNet::V4(plan.docker0);
    if let Some(link) = after.kernel.links.iter_mut().find(|link| link.name == "docker0") {
        link.addresses = vec![address];
    }
    if let Some(engine) = &mut after.docker.engine {
        engine.pools = Some(plan.pools.clone());
        if let Some(network) = engine.networks.iter_mut().find(|network| network.name == "bridge") {
            network.subnets = vec![address.trunc()];
        }
    }
    let on_docker0 = |dev: &Option<String>| dev.as_deref() == Some("docker0");
    if let Some(route) = after.kernel.routes.iter_mut().find(|route| on_docker0(&route.dev)) {
        route.dst = address.trunc();
    }
    after
}
