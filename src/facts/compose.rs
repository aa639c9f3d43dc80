//! What Compose knows of this host's containers.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The project a container belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compose {
    /// Its name.
    pub project: String,
    /// Its files.
    pub files: Vec<String>,
}

/// A subnet written into a Compose file by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComposeSubnet {
    /// The network it is for, as Docker calls it.
    pub network: String,
    /// The subnet.
    pub subnet: IpNet,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}
