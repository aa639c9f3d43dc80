//! What files of this host name: networks that come up with something, and servers it is to reach.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network or a single address, and the line that names it. Nothing else of the file is kept: it
/// may hold keys and passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Configured {
    /// The network; a single address is a /32 or a /128.
    pub net: IpNet,
    /// What it is to this host.
    pub role: Role,
    /// The same in a few words, such as `AllowedIPs of a WireGuard peer`.
    pub what: String,
    /// The interface it comes with, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Whether a gateway leads there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_gateway: bool,
    /// The file, or the command that shows it.
    pub file: String,
    /// The line, from 1; 0 if a command shows it.
    pub line: usize,
}

/// What a configured network is to this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A route or an interface brings it, once that is up.
    Network,
    /// A server, or a network of them, that this host sends to on whatever way there is.
    Server,
    /// An address with a name. It may be a container's.
    Named,
}

/// A file that could name networks and could not be read or understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    /// The file or folder.
    pub file: String,
    /// Why.
    pub why: String,
}
