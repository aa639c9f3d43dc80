//! Relief: routes that lead packets past Docker's bridge until Docker itself moves.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// The protocol number by which everybody can tell relief from other routes: `ip route show proto
/// 114`. No routing daemon has it (iproute2's rt_protos: 0 to 4, 8 to 18, 42, 99, 186 to 192).
pub const RELIEF_PROTOCOL: u8 = 114;

/// A route with a longer prefix than Docker's, to where packets went before Docker came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReliefRoute {
    /// Where it leads.
    pub dst: Ipv4Net,
    /// The routing table, which is the one where Docker's route won.
    pub table: u32,
    /// The next hops; one, unless the route that it follows had several.
    pub hops: Vec<Hop>,
    /// The address that this host sends from, where the route that it follows names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Ipv4Addr>,
}

/// Relief as an earlier run left it. Routing daemons and reboots take routes away without a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReliefOnRecord {
    /// Whether this host has been booted since.
    pub ended_by_a_boot: bool,
    /// The routes that stood then.
    pub routes: Vec<ReliefRoute>,
}

/// Where packets go next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hop {
    /// The gateway, if it is not on-link.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub dev: String,
    /// Whether the gateway is taken to be on the link, whatever the addresses there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub onlink: bool,
}
