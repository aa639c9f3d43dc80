//! Swarm's own networks: overlay, ingress, and the bridge its tasks go out by. The first two put no
//! route on the host and take nothing from daemon.json, but containers on them cannot reach a
//! network of the same range; on the last hang tasks that are no containers of this engine.
//! rebridge changes none of them; what to do is said.

use super::clash::Clash;
use super::wanted::wanted;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::subnet::NetIndex;

/// The bridge.
const GWBRIDGE: &str = "docker_gwbridge";

/// Whether a network cannot be made anew because this node is part of a swarm.
pub fn is_hung_on(facts: &Facts, network: &str) -> bool {
    network == GWBRIDGE
        && facts
            .docker
            .engine
            .as_ref()
            .is_some_and(|engine| engine.swarm)
}

/// A sentence with the manual steps for every network of the swarm over something this host needs.
pub fn notes(facts: &Facts, policy: &Policy, clashes: &[Clash]) -> Vec<String> {
    let bridge = clashes
        .iter()
        .filter_map(|clash| clash.docker.network.as_deref())
        .any(|name| is_hung_on(facts, name));
    let steps = bridge.then(|| {
        format!(
            "{GWBRIDGE} is not moved while this node is part of a swarm, whose tasks hang on it. \
             To move it: `docker node update --availability drain` for this node on a manager, \
             `docker swarm leave` here, `rebridge apply --network {GWBRIDGE}`, then join the swarm \
             again"
        )
    });
    overlay_notes(facts, policy)
        .into_iter()
        .chain(steps)
        .collect()
}

fn overlay_notes(facts: &Facts, policy: &Policy) -> Vec<String> {
    let overlays = facts
        .engine_networks()
        .filter(|network| network.driver == "overlay");
    let held: Vec<_> = overlays
        .flat_map(|network| network.subnets.iter().map(move |net| (network, *net)))
        .collect();
    if held.is_empty() {
        return Vec::new();
    }
    let index = NetIndex::new(held.iter().map(|(_, net)| net));
    let mut over = vec![None; held.len()];
    for want in wanted(facts, policy) {
        for place in index.overlapping(&want.net) {
            if let Some(first @ None) = over.get_mut(place) {
                *first = Some(want.net);
            }
        }
    }
    let clashing = held
        .iter()
        .zip(over)
        .filter_map(|((network, net), over)| Some((network, net, over?)));
    clashing
        .map(|(network, net, over)| {
            let name = &network.name;
            let steps = if name == "ingress" {
                "remove the services that publish ports, then `docker network rm ingress` and \
                 `docker network create --driver overlay --ingress --subnet CIDR ingress`"
                    .to_owned()
            } else {
                format!(
                    "remove the services on it, then `docker network rm {name}` and `docker \
                     network create --driver overlay --subnet CIDR {name}`; new ones come from \
                     `docker swarm init --default-addr-pool`"
                )
            };
            format!(
                "the swarm network {name} holds {net}, over {over}: its containers cannot reach \
                 that. rebridge does not change swarm networks: {steps}"
            )
        })
        .collect()
}
