//! Swarm's own networks: overlay, ingress, and the bridge its tasks go out by. The first two put no
//! route on the host and take nothing from daemon.json, but containers on them cannot reach a
//! network of the same range; on the last hang tasks that are no containers of this engine.
//! rebridge changes none of them and says what to do.

use super::Assessment;
use super::needed::Needed;
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

/// A swarm network that shares addresses with a network this host needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    pub network: String,
    pub subnet: IpNet,
    pub over: IpNet,
    /// The addresses both have.
    pub common: IpNet,
}

/// Whether the swarm's own bridge clashes, which this node cannot move while it is in the swarm.
pub fn gwbridge_clashes(assessment: &Assessment) -> bool {
    assessment
        .clashes
        .iter()
        .filter_map(|clash| clash.docker.network.as_deref())
        .any(|name| is_hung_on(assessment.facts, name))
}

/// Every network of the swarm over something this host needs. A route through a gateway that covers
/// a swarm network says only that private space in general lies that way.
pub fn overlays(assessment: &Assessment) -> Vec<Overlay> {
    let held: Vec<(&Network, IpNet)> = assessment
        .facts
        .engine_networks()
        .filter(|network| network.driver == "overlay")
        .flat_map(|network| network.subnets.iter().map(move |net| (network, *net)))
        .collect();
    let index = NetIndex::new(held.iter().map(|(_, net)| net));
    let mut first: Vec<Option<Overlay>> = vec![None; held.len()];
    for need in &assessment.needed {
        for place in index.overlapping(&need.net) {
            let (Some((network, subnet)), Some(first @ None)) =
                (held.get(place), first.get_mut(place))
            else {
                continue;
            };
            if !covers_by_gateway(need, subnet) {
                *first = Some(Overlay {
                    network: network.name.clone(),
                    subnet: *subnet,
                    over: need.net,
                    common: narrower(need.net, *subnet),
                });
            }
        }
    }
    first.into_iter().flatten().collect()
}

fn covers_by_gateway(need: &Needed, subnet: &IpNet) -> bool {
    need.via().is_some() && need.net != *subnet && need.net.contains(subnet)
}

/// Of two networks that overlap.
fn narrower(a: IpNet, b: IpNet) -> IpNet {
    if a.prefix_len() > b.prefix_len() {
        a
    } else {
        b
    }
}
