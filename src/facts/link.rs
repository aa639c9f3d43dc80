//! Network interfaces.

use super::is_default;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// Its name, such as `docker0`.
    pub name: String,
    /// What it is, where the kernel says: `bridge`, `veth`, `tun`, `wireguard` …
    pub kind: Option<String>,
    /// The routing table of a VRF device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Addresses with the prefix they were given.
    pub addresses: Vec<IpNet>,
    /// Whether it is switched off.
    #[serde(default, skip_serializing_if = "is_default")]
    pub down: bool,
    /// Whether nothing is at its other end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_carrier: bool,
    /// The bridge or VRF device it is a port of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// The group it is in; rules can suppress routes by it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: u32,
    /// Whether this host drops what comes in here and is not for it: IPv4 forwarding is off.
    #[serde(default, skip_serializing_if = "is_default")]
    pub no_forwarding: bool,
}

impl Link {
    pub fn is_bridge(&self) -> bool {
        self.kind.as_deref() == Some("bridge")
    }

    /// Whether its name is one that only Docker gives.
    pub fn has_dockers_own_name(&self) -> bool {
        self.is_bridge() && (self.name == "docker0" || self.name == "docker_gwbridge")
    }

    /// Whether it is called as Docker calls its bridges. Other engines name theirs by the same rule,
    /// so the name decides only where the engine cannot be asked: its bridges and their routes stay
    /// behind when it stops.
    pub fn has_a_docker_name(&self) -> bool {
        self.is_bridge() && is_a_docker_name(&self.name)
    }
}

/// Whether Docker gives such a name to a bridge.
pub fn is_a_docker_name(name: &str) -> bool {
    let hashed = name
        .strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.chars().all(|c| c.is_ascii_hexdigit()));
    hashed || name == "docker0" || name == "docker_gwbridge"
}
