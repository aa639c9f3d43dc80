//! Routes.

use super::is_default;
use super::relief::Hop;
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

impl Family {
    /// The family of an address.
    pub fn of(address: &IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        }
    }
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
