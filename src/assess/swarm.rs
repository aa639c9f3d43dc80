//! Swarm's own networks: overlay, ingress, and the bridge its tasks go out by. The first two put no
//! route on the host and take nothing from daemon.json, but containers on them cannot reach a
//! network of the same range; on the last hang tasks that are no containers of this engine.
//! rebridge changes none of them and says what to do.

use super::Assessment;
use crate::facts::{Facts, Network};
use crate::subnet::NetIndex;
use ipnet::IpNet;

/// The bridge its tasks go out by.
pub const GWBRIDGE: &str = "docker_gwbridge";

/// Whether a network cannot be re-created because this node is part of a swarm.
pub fn is_hung_on(facts: &Facts, network: &str) -> bool {
    network == GWBRIDGE
        && facts
            .docker
            .engine
            .as_ref()
            .is_some_and(|engine| engine.swarm)
}

/// What a swarm network stands over.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    pub network: String,
    pub subnet: IpNet,
    pub over: IpNet,
}

/// Whether the swarm's own bridge clashes, which this node cannot move while it is in the swarm.
pub fn gwbridge_clashes(assessment: &Assessment) -> bool {
    assessment
        .clashes
        .iter()
        .filter_map(|clash| clash.docker.network.as_deref())
        .any(|name| is_hung_on(assessment.facts, name))
}

/// Every network of the swarm over something this host needs.
pub fn overlays(assessment: &Assessment) -> Vec<Overlay> {
    let held: Vec<(&Network, IpNet)> = assessment
        .facts
        .engine_networks()
        .filter(|network| network.driver == "overlay")
        .flat_map(|network| network.subnets.iter().map(move |net| (network, *net)))
        .collect();
    let index = NetIndex::new(held.iter().map(|(_, net)| net));
    let mut over = vec![None; held.len()];
    for need in &assessment.needed {
        for place in index.overlapping(&need.net) {
            if let Some(first @ None) = over.get_mut(place) {
                *first = Some(need.net);
            }
        }
    }
    held.iter()
        .zip(over)
        .filter_map(|((network, subnet), over)| {
            Some(Overlay {
                network: network.name.clone(),
                subnet: *subnet,
                over: over?,
            })
        })
        .collect()
}
