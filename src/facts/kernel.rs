//! The kernel's part of the facts: links, routes and rules, neighbours, peers.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The kernel's view of the network; empty for an unpacked image. Routes and peers are kept as far
/// as they concern the space Docker's networks may lie in (see `observe::relevant`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Kernel {
    /// Network interfaces with their addresses.
    pub links: Vec<Link>,
    /// Routes of all tables.
    pub routes: Vec<Route>,
    /// How many routes more there are, into space that Docker never uses.
    #[serde(default)]
    pub routes_elsewhere: u64,
    /// The policy rules that lead to tables.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Neighbours that were called and did not answer.
    #[serde(default)]
    pub neighbours: Vec<Neighbour>,
    /// Who this host talks to.
    #[serde(default)]
    pub peers: Vec<Peer>,
}

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
    /// The bridge or VRF device it is a port of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// Where it leads; prefix length 0 is the default route.
    pub dst: IpNet,
    /// Routing table; 254 is main, 255 local.
    pub table: u32,
    /// What it does with a packet.
    pub kind: RouteKind,
    /// How far the destination is.
    pub scope: Scope,
    /// The next hop, if it is not on-link.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub dev: Option<String>,
}

/// A policy rule that leads to a routing table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// Which of the two rule lists it is in.
    pub family: Family,
    /// Its place in the list; the main table comes at 32766.
    pub priority: u32,
    /// The table; 0 for a VRF rule, which finds the table by the device.
    pub table: u32,
    /// Only packets to this network.
    pub to: Option<IpNet>,
    /// Only packets from this network.
    pub from: Option<IpNet>,
    /// Whether the rule holds for all packets but those.
    pub inverted: bool,
    /// Whether it leads to the tables of VRF devices.
    pub l3mdev: bool,
    /// Its other conditions, as `ip rule` spells them.
    pub only_if: Vec<String>,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// A neighbour that was called and did not answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Neighbour {
    /// Who was called.
    pub address: IpAddr,
    /// On which interface.
    pub dev: String,
    /// Whether the kernel has given up.
    pub state: NeighbourState,
    /// How long ago it was called last, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_seconds_ago: Option<u64>,
}

/// How far the kernel got in looking for a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NeighbourState {
    /// It is still asking.
    Incomplete,
    /// Nobody answered.
    Failed,
}

/// An address this host talks to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Peer {
    /// The address.
    pub address: IpAddr,
    /// The port that is called there, where it is one and the same.
    pub port: Option<u16>,
    /// How the two have to do with each other.
    pub contact: Contact,
    /// How many sockets or flows say so.
    pub times: u32,
}

/// How an address has to do with this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Contact {
    /// A program on this host calls it and has no answer yet (SYN-SENT).
    Calling,
    /// A TCP connection is established.
    Connected,
    /// The same, to this host's ssh server.
    Ssh,
    /// One end of a flow the kernel tracks.
    Flow,
    /// The called end of a flow that has had no answer.
    Unanswered,
}

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// Drops it silently.
    Blackhole,
    /// Drops it with "unreachable".
    Unreachable,
    /// Drops it with "prohibited".
    Prohibit,
    /// Takes it as addressed to this host.
    Local,
}

/// How far a route's destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// On the link itself.
    Link,
    /// Behind a gateway (or dropped).
    Global,
    /// On this host.
    Host,
}

impl Route {
    /// Whether it is in the main table.
    pub fn main_table(&self) -> bool {
        self.table == 254
    }
}

impl Link {
    pub fn is_a_bridge(&self) -> bool {
        self.kind.as_deref() == Some("bridge")
    }

    /// Whether its name is one that only Docker gives.
    pub fn has_dockers_own_name(&self) -> bool {
        self.is_a_bridge() && (self.name == "docker0" || self.name == "docker_gwbridge")
    }

    /// Whether it is called as Docker calls its bridges. Other engines name theirs by the same rule,
    /// so the name decides only where the engine cannot be asked: its bridges and their routes stay
    /// behind when it stops.
    pub fn has_a_docker_name(&self) -> bool {
        let hashed = self
            .name
            .strip_prefix("br-")
            .is_some_and(|id| id.len() == 12 && id.chars().all(|c| c.is_ascii_hexdigit()));
        self.has_dockers_own_name() || self.is_a_bridge() && hashed
    }
}
