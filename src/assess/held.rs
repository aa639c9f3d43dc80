//! The ranges Docker's bridges hold now.

use super::needed::Needed;
use crate::facts::Facts;
use crate::subnet::overlap;
use ipnet::IpNet;
use std::collections::{BTreeSet, HashSet};

/// A range Docker holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The network's name; none for a bridge whose engine cannot be asked.
    pub network: Option<String>,
    pub bridge: String,
    pub subnet: IpNet,
    /// The Compose project it was made for.
    pub project: Option<String>,
    /// Whether nothing of this host goes into the bridge: it has neither an address nor a route
    /// there (`gateway_mode` isolated, `inhibit_ipv4`).
    pub is_isolated: bool,
}

impl Held {
    /// Whether this is docker0, the one bridge that daemon.json moves.
    pub fn is_docker0(&self) -> bool {
        self.bridge == "docker0"
    }

    /// Whether this range keeps packets from what is needed. A route through a container needs the
    /// bridge where it is.
    pub fn can_hide(&self, need: &Needed) -> bool {
        !self.is_isolated && need.dev() != Some(&self.bridge)
    }

    /// The network's name, or `docker0`.
    pub fn label(&self) -> &str {
        match &self.network {
            Some(network) if !self.is_docker0() => network,
            _ => &self.bridge,
        }
    }
}

/// What the kernel has on Docker's bridges, and what the engine says of them; docker0 first.
///
/// The kernel counts first (it is the kernel that swallows packets), the engine adds names and
/// networks whose bridge has no address. macvlan and ipvlan networks put no route on the host and
/// shadow nothing; overlays neither. A network on a LAN of this host is a part of that LAN.
pub fn held(facts: &Facts, devices: &BTreeSet<String>) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    let mut known: HashSet<(String, IpNet)> = HashSet::new();
    // A stored network holds nothing until Docker has made its bridge.
    let is_there = |bridge: &str| {
        facts.docker.engine.is_some() || facts.kernel.links.iter().any(|link| link.name == bridge)
    };
    for network in facts
        .networks()
        .filter(|network| network.driver == "bridge")
    {
        let bridge = network.bridge.clone().unwrap_or_default();
        if !is_there(&bridge) || facts.is_the_operators(&bridge) {
            continue;
        }
        for subnet in &network.subnets {
            known.insert((bridge.clone(), *subnet));
            held.push(Held {
                network: Some(network.name.clone()),
                bridge: bridge.clone(),
                subnet: *subnet,
                project: network.project.clone(),
                is_isolated: is_isolated(facts, &bridge, subnet),
            });
        }
    }
    for link in facts
        .kernel
        .links
        .iter()
        .filter(|link| devices.contains(&link.name))
    {
        for subnet in link.addresses.iter().map(IpNet::trunc) {
            if !is_link_local(&subnet) && known.insert((link.name.clone(), subnet)) {
                held.push(Held {
                    network: (link.name == "docker0").then(|| "bridge".to_owned()),
                    bridge: link.name.clone(),
                    subnet,
                    project: None,
                    is_isolated: false,
                });
            }
        }
    }
    held.sort_by(|a, b| {
        (!a.is_docker0(), &a.bridge, a.subnet).cmp(&(!b.is_docker0(), &b.bridge, b.subnet))
    });
    held
}

/// docker0 without its address gets one when Docker starts.
fn is_isolated(facts: &Facts, bridge: &str, subnet: &IpNet) -> bool {
    let mut links = facts.kernel.links.iter();
    let Some(link) = links.find(|link| link.name == bridge) else {
        return false;
    };
    let mut routes = facts.kernel.routes.iter();
    bridge != "docker0"
        && !link
            .addresses
            .iter()
            .any(|own| subnet.contains(&own.addr()))
        && !routes.any(|route| route.dev.as_deref() == Some(bridge) && overlap(&route.dst, subnet))
}

/// Every IPv6 bridge has such an address besides its own.
fn is_link_local(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local())
}
