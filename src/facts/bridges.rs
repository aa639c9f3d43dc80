//! Which bridges are Docker's, and which are this host's own though a Docker network lies on them.

use super::{Facts, RouteKind};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Why a bridge that a Docker network names is a LAN of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LanSign {
    /// This port leads to no container: a network card, a bond, a VLAN, a virtual machine.
    Port(String),
    /// The default route leaves by it.
    DefaultRoute,
}

impl Facts {
    /// The interfaces that belong to Docker. An engine that answers knows all its bridges; a name
    /// like that of one of them then says nothing.
    pub fn docker_devices(&self) -> BTreeSet<String> {
        let answers = self.docker.engine.is_some();
        let named = self
            .networks()
            .filter_map(|network| network.bridge.as_ref())
            .filter(|bridge| !self.is_the_operators(bridge));
        let leftover = self.kernel.links.iter().filter(|link| match answers {
            true => link.has_dockers_own_name(),
            false => link.has_a_docker_name(),
        });
        named
            .chain(leftover.map(|link| &link.name))
            .cloned()
            .collect()
    }

    /// Whether this bridge is a LAN of this host. People give such a bridge to a Docker network, so
    /// that containers are members of the LAN.
    pub fn is_the_operators(&self, bridge: &str) -> bool {
        self.lan_sign(bridge).is_some()
    }

    /// What shows that this bridge is a LAN of this host. A bridge that Docker itself has named is
    /// Docker's, whatever hangs on it.
    pub fn lan_sign(&self, bridge: &str) -> Option<LanSign> {
        let mut links = self.kernel.links.iter();
        let link = links.find(|link| link.name == bridge)?;
        if link.has_a_docker_name() {
            return None;
        }
        let port = self.kernel.links.iter().find(|link| {
            link.master.as_deref() == Some(bridge) && link.kind.as_deref() != Some("veth")
        });
        match port {
            Some(port) => Some(LanSign::Port(port.name.clone())),
            None => self
                .default_route_leaves_by(bridge)
                .then_some(LanSign::DefaultRoute),
        }
    }

    /// A default route to a container, which may be a VPN gateway, does not leave this host there.
    fn default_route_leaves_by(&self, bridge: &str) -> bool {
        self.kernel.routes.iter().any(|route| {
            route.dst.prefix_len() == 0
                && route.kind == RouteKind::Unicast
                && route.dev.as_deref() == Some(bridge)
                && !route.gateway.is_some_and(|to| self.is_a_container(to))
        })
    }

    fn is_a_container(&self, address: IpAddr) -> bool {
        let engine = self.docker.engine.iter();
        let mut containers = engine.flat_map(|engine| &engine.containers);
        containers.any(|container| container.addresses.contains(&address))
            || self
                .engine_networks()
                .any(|network| network.endpoints.contains(&address))
    }
}
