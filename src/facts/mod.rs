//! What was seen, as plain data: no judgement, no I/O. The rest of the program works from this and
//! from the policy.
//!
//! `rebridge facts` prints it and `--facts FILE` reads it back. daemon.json appears only with the keys rebridge
//! looks at: its bytes may hold secrets and stay in memory.

mod bridges;
mod compose;
mod configured;
mod docker;
mod filter;
mod in_use;
mod kernel;
mod link;
mod manager;
mod peer;
pub mod pools;
mod relief;
mod route;
mod rule;
mod source;
mod version;

pub use bridges::LanSign;
pub use compose::{Compose, ComposeSubnet};
pub use configured::{Configured, Role, Unread};
pub use docker::{
    BYTE_ORDER_MARK, ConfigFile, ConfigState, Container, Detail, Docker, DockerState, Engine,
    Keeper, Network, NotAsked, RootlessNetwork, ServiceManager, SetByRebridge, Tool,
};
pub use filter::{FilterChain, FilterTable, ForwardFilter};
pub use in_use::{DiesWith, FirewallRule, InForce, Listener, Mention, Named, NetGroup};
pub use kernel::Kernel;
pub use link::{Link, is_a_docker_name};
pub use manager::Manager;
pub use peer::{Contact, Neighbour, NeighbourState, Peer, Resident, Translation};
pub use pools::{AddressPool, BUILT_IN};
pub use relief::{Hop, RELIEF_PROTOCOL, ReliefOnRecord, ReliefRoute};
pub use route::{
    Family, Preference, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, Route, RouteKind, Scope,
};
pub use rule::{Action, Conditions, Masked, Ports, Rule};
pub use source::{Certainty, Source};
pub use version::Version;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::net::IpAddr;

/// Everything observed on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Facts {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Whether the observer was root: without it the engine and daemon.json may be out of reach.
    pub root: bool,
    /// Whether an apply of rebridge was interrupted and waits to be put right.
    #[serde(default)]
    pub interrupted: bool,
    /// Links, routes, neighbours and peers.
    pub kernel: Kernel,
    /// Where this host resolves names.
    pub nameservers: Vec<Nameserver>,
    /// Where the operator who runs rebridge sits, when it is over ssh.
    #[serde(default)]
    pub operator: Option<IpAddr>,
    /// A saved profile for Wi-Fi or a mobile network: the mark of a machine that changes its
    /// networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wireless_profile: Option<String>,
    /// The service, the engine and its file.
    pub docker: Docker,
    /// What files name, up or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configured: Vec<Configured>,
    /// Files that could name more and could not be read or understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// Subnets that Compose files of this host ask for by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compose: Vec<ComposeSubnet>,
    /// Settings of the host's own resolver that name an address of a Docker bridge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<Named>,
    /// The firewall's rules that name networks, without Docker's own; null where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Vec<FirewallRule>>,
    /// What filters forwarded packets; null where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_filter: Option<ForwardFilter>,
    /// Relief of an earlier run, while it is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief_on_record: Option<ReliefOnRecord>,
    /// What this run would die with when Docker restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dies_with: Option<DiesWith>,
    /// What could not be seen, one sentence each.
    pub unseen: Vec<String>,
    /// Which host, and when; null in facts that an older version saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
}

/// Of which host facts were saved, and when. Nothing is judged by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Taken {
    /// The name the host gives itself; empty where it has none.
    pub host: String,
    /// When, in UTC.
    pub at: String,
    /// The version of rebridge.
    pub version: String,
}

/// A nameserver and the file that names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Nameserver {
    /// Its address.
    pub address: IpAddr,
    /// The file.
    pub file: String,
    /// The link it belongs to, where the file says.
    #[serde(default)]
    pub dev: Option<String>,
    /// Whether it is in the list that Docker reads when it picks a subnet.
    #[serde(default = "yes")]
    pub seen_by_docker: bool,
}

/// For what is not written where it is as usual.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

impl Facts {
    /// The container that the operator's ssh session comes out of.
    pub fn session_in(&self) -> Option<&str> {
        let operator = self.operator?;
        let mut containers = self.docker.engine.iter().flat_map(|one| &one.containers);
        let container = containers.find(|one| one.addresses.contains(&operator))?;
        Some(&container.name)
    }

    /// Docker's networks: as the engine has them, else as they are stored.
    pub fn networks(&self) -> impl Iterator<Item = &Network> {
        let stored = self.docker.stored.iter().flatten();
        let stored = stored.filter(|_| self.docker.engine.is_none());
        self.engine_networks().chain(stored)
    }

    /// The engine's networks; none where it could not be asked.
    pub fn engine_networks(&self) -> impl Iterator<Item = &Network> {
        self.docker
            .engine
            .iter()
            .flat_map(|engine| engine.networks.iter())
    }

    /// The IPv4 address on docker0 with its prefix, as the kernel has it.
    pub fn docker0(&self) -> Option<ipnet::Ipv4Net> {
        let link = self
            .kernel
            .links
            .iter()
            .find(|link| link.name == "docker0")?;
        let addresses: Vec<_> = link
            .addresses
            .iter()
            .filter_map(crate::subnet::v4)
            .collect();
        // You may have given it others.
        let engine = self.engine_networks().find(|one| one.name == "bridge");
        let of_docker = addresses.iter().find(|address| {
            let subnet = IpNet::V4(address.trunc());
            engine.is_some_and(|engine| engine.subnets.contains(&subnet))
        });
        of_docker.or(addresses.first()).copied()
    }

    /// Addresses that are Docker's own: of containers, also of those that are stopped and keep
    /// theirs, of what else is on its bridges, and of the bridges.
    pub fn docker_addresses(&self) -> HashSet<IpAddr> {
        let devices = self.docker_devices();
        let containers = self
            .docker
            .engine
            .iter()
            .flat_map(|engine| engine.containers.iter().chain(&engine.idle));
        let bridges = self
            .kernel
            .links
            .iter()
            .filter(|link| devices.contains(&link.name));
        let of_containers = containers.flat_map(|container| container.addresses.iter().copied());
        let of_networks = self
            .engine_networks()
            .flat_map(|network| network.endpoints.iter().copied());
        let of_bridges = bridges.flat_map(|link| link.addresses.iter().map(IpNet::addr));
        let residents = self.kernel.residents.iter();
        let at_home = residents.filter(|resident| devices.contains(&resident.dev));
        of_containers
            .chain(of_networks)
            .chain(of_bridges)
            .chain(at_home.map(|resident| resident.address))
            .collect()
    }

    /// The engine's version as it is written, if it is known: of the one that runs, else of the one
    /// that starts next.
    pub fn version_text(&self) -> Option<&str> {
        match &self.docker.engine {
            Some(engine) => Some(&engine.version),
            None => self.docker.installed_version.as_deref(),
        }
    }

    /// The same, as far as behaviour depends on it.
    pub fn version(&self) -> Option<Version> {
        Version::parse(self.version_text()?)
    }
}
