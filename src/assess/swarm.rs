//! Swarm's own networks: overlay and ingress. They put no route on the host and take nothing from daemon.json, so
//! rebridge does not change them; but containers on them cannot reach a network of the same range. What to do is said.

use super::wanted::wanted;
use crate::observe::facts::Facts;
use crate::policy::Policy;
use crate::subnet::NetIndex;

/// A sentence with the manual steps for every overlay network over something this host needs.
pub fn notes(facts: &Facts, policy: &Policy) -> Vec<String> {
    let overlays = facts.engine_networks().filter(|network| network.driver == "overlay");
    let held: Vec<_> = overlays.flat_map(|network| network.subnets.iter().map(move |net| (network, *net))).collect();
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
    let clashing = held.iter().zip(over).filter_map(|((network, net), over)| Some((network, net, over?)));
    clashing
        .map(|(network, net, over)| {
            let name = &network.name;
            let steps = if name == "ingress" {
                "remove the services that publish ports, then `docker network rm ingress` and `docker network create \
                 --driver overlay --ingress --subnet CIDR ingress`"
                    .to_owned()
            } else {
                format!(
                    "remove the services on it, then `docker network rm {name}` and `docker network create --driver \
                     overlay --subnet CIDR {name}`; new ones come from `docker swarm init --default-addr-pool`"
                )
            };
            format!(
                "the swarm network {name} holds {net}, over {over}: its containers cannot reach that. rebridge does \
                 not change swarm networks: {steps}"
            )
        })
        .collect()
}
