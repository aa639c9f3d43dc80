//! What on this host uses Docker's addresses and ranges by number, and what the engine that runs was
//! started with. Only where rebridge looks closely.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A socket of this host that waits on an address of a Docker bridge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listener {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The address it is bound to.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The name of a process that holds it.
    pub process: Option<String>,
    /// The id of that process.
    pub pid: Option<u32>,
}

/// A line of a file that names an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Named {
    /// The address.
    pub address: IpAddr,
    /// The setting that names it.
    pub setting: String,
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
}

/// A setting of a container that names an address of a Docker bridge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mention {
    /// The address.
    pub address: IpAddr,
    /// Where: `--add-host db`, `--dns`, or a variable's name. Never a variable's value.
    pub setting: String,
}

/// A rule of a packet filter that names networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FirewallRule {
    /// What listed it: `iptables`, `iptables-legacy`, `nft`, `ipset`, `firewalld`.
    pub tool: String,
    /// The table and the chain or set it stands in.
    pub place: String,
    /// The rule as it was listed.
    pub text: String,
    /// The networks it asks for; each group is one condition, and any of its networks fulfils it.
    pub groups: Vec<NetGroup>,
    /// The file and line it is written in, where a known file holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
}

impl FirewallRule {
    /// All networks it names.
    pub fn nets(&self) -> impl Iterator<Item = IpNet> {
        self.groups.iter().flat_map(|group| &group.nets).copied()
    }
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetGroup {
    /// Whether it holds for all addresses but these.
    pub inverted: bool,
    /// The networks.
    pub nets: Vec<IpNet>,
}

/// What the engine that runs has in force, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct InForce {
    /// `DockerRootDir`.
    pub data_root: String,
    /// `Driver`.
    pub storage_driver: String,
    /// `CgroupDriver`.
    pub cgroup_driver: String,
    /// `DefaultRuntime`.
    pub default_runtime: String,
    /// Whether it maps users (`userns-remap`).
    pub userns: bool,
    /// Whether docker0's network has IPv6.
    pub ipv6: bool,
    /// The options of docker0's network; null where there is none.
    pub bridge: Option<BTreeMap<String, String>>,
}

/// Where this run of rebridge lives, if it would die with Docker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DiesWith {
    /// In a unit that systemd stops when it stops Docker.
    Unit(String),
    /// In a container of this engine.
    Container(String),
}
