//! Neighbours, and who this host talks to.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

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
