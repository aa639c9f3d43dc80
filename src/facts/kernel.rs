//! The kernel's part of the facts: links, routes and rules, neighbours, peers.

use super::in_use::Listener;
use super::relief::{Hop, ReliefRoute};
use ipnet::IpNet;
use nix::libc;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The table of the last rule, which is usually empty.
pub const RT_TABLE_DEFAULT: u32 = libc::RT_TABLE_DEFAULT as u32;
/// The table of all routes that name no other.
pub const RT_TABLE_MAIN: u32 = libc::RT_TABLE_MAIN as u32;
/// The table of this host's own addresses.
pub const RT_TABLE_LOCAL: u32 = libc::RT_TABLE_LOCAL as u32;

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
    /// Relief routes, which are no evidence of anything and not among `routes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relief: Vec<ReliefRoute>,
    /// The policy rules, in the order in which they are asked.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Whether this host forwards IPv6. A host avoids gateways that do not answer, a router does
    /// not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ipv6_forwarding: bool,
    /// Whether it runs in WSL 2, whose own network is another at each start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wsl: bool,
    /// Neighbours that were called and did not answer.
    #[serde(default)]
    pub neighbours: Vec<Neighbour>,
    /// Who this host talks to.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// Neighbours on Docker's bridges that have a link-layer address: they are at home there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residents: Vec<Resident>,
    /// Sockets that wait on an address of a Docker bridge; only where rebridge looks closely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
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
}

/// A route, or one next hop of a route that has several.
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
    /// The address of this host that packets get, where the route says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Of several routes to one network the one with the lowest metric is used.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metric: u32,
    /// Only packets with this type of service (IPv4).
    #[serde(default, skip_serializing_if = "is_default")]
    pub tos: u8,
    /// Only packets from this network (IPv6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpNet>,
    /// How a router of this route recommended itself (IPv6).
    #[serde(default, skip_serializing_if = "is_default")]
    pub preference: Preference,
    /// Whether the kernel leaves it out for now: its interface is off, or has no carrier and such
    /// routes are to be ignored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dead: bool,
    /// Whether its interface has no carrier.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linkdown: bool,
    /// Whether the gateway is taken to be on the link, whatever the addresses there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub onlink: bool,
    /// The number of the nexthop object it goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nexthop: Option<u32>,
    /// Which of several next hops this is, from 0 on. They follow each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<u16>,
}

/// A policy rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// Which of the two rule lists it is in.
    pub family: Family,
    /// Its place in the list; the main table comes at 32766.
    pub priority: u32,
    /// The table; 0 for a rule with another action, and for a VRF rule, which finds the table by
    /// the device.
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
    /// The same conditions as values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conditions: Conditions,
    /// What it does with a packet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub action: Action,
    /// A route of this prefix length or a shorter one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_prefix_length: Option<u32>,
    /// A route into an interface of this group does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_group: Option<u32>,
}

/// What a rule asks of a packet besides its addresses; all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Conditions {
    /// The interface it came in by; `lo` for this host's own packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// The interface its socket is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oif: Option<String>,
    /// The firewall's mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Masked>,
    /// The type of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// The six bits of DSCP; unlike `tos` they are compared as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dscp: Option<Masked>,
    /// The flow label (IPv6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_label: Option<Masked>,
    /// The protocol's number: 6 is TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
    /// The source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<Ports>,
    /// The destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Ports>,
    /// The first and the last user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<(u32, u32)>,
    /// The id of the tunnel it came out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<u64>,
}

/// A value of which only some bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Masked {
    /// The value.
    pub value: u32,
    /// The bits that are compared.
    pub mask: u32,
}

/// Ports: a range, or the value and the bits that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ports {
    /// The first one, or the value.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// The bits that are compared with `first`, where it is no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<u16>,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Asks the rule's table.
    #[default]
    Table,
    /// Goes on with the first rule of this priority.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Drops it silently.
    Blackhole,
    /// Drops it with "unreachable".
    Unreachable,
    /// Drops it with "prohibited".
    Prohibit,
}

/// How a router recommends itself (RFC 4191).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// Rather not.
    Low,
    /// As any other.
    #[default]
    Medium,
    /// Rather than others.
    High,
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Whether this host put another address in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<Translation>,
    /// How many leading bits the address shares with the other end, at least. 0 where that is this
    /// host's address on a link that is no bridge.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shared_bits: u8,
}

fn is_zero(bits: &u8) -> bool {
    *bits == 0
}

/// What this host does to an address in packets it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Translation {
    /// It called out, and another address stands as the source.
    Masqueraded,
    /// It was called by another address, as a published port is.
    Published,
}

/// A neighbour that has a link-layer address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resident {
    /// Its address.
    pub address: IpAddr,
    /// The bridge it is on.
    pub dev: String,
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
    /// The called end of a flow that has had no answer, or the caller of one who does not confirm
    /// the answer.
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
    /// Sends it to all on the link.
    Broadcast,
    /// Takes it as addressed to this host and others.
    Anycast,
    /// Ends the search in this table; the next rule is asked.
    Throw,
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

impl Family {
    /// The family of an address.
    pub fn of(address: &IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        }
    }
}

impl Rule {
    /// Whether it leads to a table, and does not drop packets or jump.
    pub fn leads_to_a_table(&self) -> bool {
        self.action == Action::Table
    }

    pub fn drops_packets(&self) -> bool {
        match self.action {
            Action::Blackhole | Action::Unreachable | Action::Prohibit => true,
            Action::Table | Action::Goto(_) | Action::Nop => false,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Route {
    /// An unremarkable route of the main table that leads nowhere yet.
    pub fn new(dst: IpNet, kind: RouteKind) -> Route {
        Route {
            dst,
            table: RT_TABLE_MAIN,
            kind,
            scope: Scope::Global,
            gateway: None,
            dev: None,
            source: None,
            metric: 0,
            tos: 0,
            from: None,
            preference: Preference::Medium,
            dead: false,
            linkdown: false,
            onlink: false,
            nexthop: None,
            hop: None,
        }
    }

    /// Where packets go next; none where they end here.
    pub fn next_hop(&self) -> Option<Hop> {
        Some(Hop {
            gateway: self.gateway,
            dev: self.dev.clone()?,
            onlink: self.onlink,
        })
    }

    /// Whether it says that something is there; broadcast addresses and throw routes do not.
    pub fn names_a_network(&self) -> bool {
        !matches!(
            self.kind,
            RouteKind::Broadcast | RouteKind::Anycast | RouteKind::Throw
        )
    }

    pub fn drops_packets(&self) -> bool {
        matches!(
            self.kind,
            RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit
        )
    }

    /// Whether it is in the main table.
    pub fn main_table(&self) -> bool {
        self.table == RT_TABLE_MAIN
    }
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
