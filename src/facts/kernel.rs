//! The kernel's view of the network.

use super::in_use::Listener;
use super::is_default;
use super::link::Link;
use super::peer::{Neighbour, Peer, Resident};
use super::relief::ReliefRoute;
use super::route::Route;
use super::rule::Rule;
use serde::{Deserialize, Serialize};

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
