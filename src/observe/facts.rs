//! What was seen, as plain data: no judgement, no I/O. The rest of the program works from this and from the policy.
//!
//! `rebridge facts` prints it and `--facts FILE` reads it back. daemon.json appears only with the keys rebridge
//! looks at: its bytes may hold secrets and stay in memory.

use crate::engine_model::AddressPool;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Everything observed on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Whether the observer was root: without it the engine and daemon.json may be out of reach.
    pub root: bool,
    /// Links and routes.
    pub kernel: Kernel,
    /// Where this host resolves names.
    pub nameservers: Vec<Nameserver>,
    /// The service, the engine and its file.
    pub docker: Docker,
    /// What could not be seen, one sentence each.
    pub unseen: Vec<String>,
}

/// The kernel's view of the network; empty for an unpacked image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// Network interfaces with their addresses.
    pub links: Vec<Link>,
    /// Routes of the main table.
    pub routes: Vec<Route>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its name, such as `docker0`.
    pub name: String,
    /// What it is, where the kernel says: `bridge`, `veth`, `tun`, `wireguard` …
    pub kind: Option<String>,
    /// Addresses with the prefix they were given.
    pub addresses: Vec<IpNet>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Where it leads; prefix length 0 is the default route.
    pub dst: IpNet,
    /// Routing table; 254 is main.
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

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Local, broadcast and the like: this host's own business.
    Other,
}

/// How far a route's destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// On the link itself.
    Link,
    /// Behind a gateway (or dropped).
    Global,
    /// On this host.
    Host,
}

/// A nameserver and the file that names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nameserver {
    /// Its address.
    pub address: IpAddr,
    /// The file.
    pub file: String,
}

/// Docker on this host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Docker {
    /// Is it there, does it run?
    pub state: DockerState,
    /// What starts and stops it: `systemd`, or null where rebridge knows no way.
    pub service: Option<String>,
    /// The command line of dockerd: of the running process, else of the unit.
    pub arguments: Vec<String>,
    /// The engine's own view; null where it does not run or may not be asked.
    pub engine: Option<Engine>,
    /// Its configuration file.
    pub config: ConfigFile,
}

/// The state of the Docker service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DockerState {
    /// Not installed.
    Absent,
    /// Installed, not running.
    Stopped,
    /// Running.
    Running,
}

/// What the engine says over its socket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// Such as `26.1.5`.
    pub version: String,
    /// Whether containers survive a restart of the daemon, in the daemon that runs now.
    pub live_restore: bool,
    /// Containers that are alive: running or paused.
    pub containers: Vec<String>,
    /// `default-address-pools` as this daemon was started with; null means the built-in list.
    pub pools: Option<Vec<AddressPool>>,
    /// Its networks.
    pub networks: Vec<Network>,
}

/// A network of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Its name; docker0's network is called `bridge`.
    pub name: String,
    /// `bridge`, `macvlan`, `overlay` …
    pub driver: String,
    /// `local` or `swarm`.
    pub scope: String,
    /// The interface on the host, for the bridge driver.
    pub bridge: Option<String>,
    /// Its subnets.
    pub subnets: Vec<IpNet>,
}

/// daemon.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Where dockerd looks for it.
    pub path: String,
    /// Where the bytes really are, when the path is a symbolic link.
    pub target: Option<String>,
    /// What was found there.
    pub state: ConfigState,
    /// The keys rebridge looks at, in the order of the file.
    pub keys: Map<String, Value>,
    /// The text itself. Never printed.
    #[serde(skip)]
    pub text: Option<String>,
}

/// What was found where daemon.json should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "why")]
pub enum ConfigState {
    /// No such file: Docker uses its defaults.
    Missing,
    /// A JSON object.
    Object,
    /// There, but not something rebridge may edit; the reason.
    Broken(String),
    /// There, but not readable; the reason.
    Unreadable(String),
}

impl Route {
    /// Whether it is in the main table.
    pub fn main_table(&self) -> bool {
        self.table == 254
    }
}

impl Link {
    /// Whether Docker made this link: the engine names it, or it is called as Docker calls its bridges. The names
    /// matter when the engine is stopped: its bridges and their routes stay behind.
    fn made_by_docker(&self) -> bool {
        let bridge = self.kind.as_deref() == Some("bridge");
        let hashed =
            self.name.strip_prefix("br-").is_some_and(|id| id.len() == 12 && id.chars().all(|c| c.is_ascii_hexdigit()));
        bridge && (self.name == "docker0" || self.name == "docker_gwbridge" || hashed)
    }
}

impl Facts {
    /// The interfaces that belong to Docker.
    pub fn docker_devices(&self) -> BTreeSet<String> {
        let named = self.engine_networks().filter_map(|network| network.bridge.clone());
        let leftover = self.kernel.links.iter().filter(|link| link.made_by_docker());
        named.chain(leftover.map(|link| link.name.clone())).collect()
    }

    /// The engine's networks; none where it could not be asked.
    pub fn engine_networks(&self) -> impl Iterator<Item = &Network> {
        self.docker.engine.iter().flat_map(|engine| engine.networks.iter())
    }

    /// The IPv4 address on docker0 with its prefix, as the kernel has it.
    pub fn docker0(&self) -> Option<ipnet::Ipv4Net> {
        let link = self.kernel.links.iter().find(|link| link.name == "docker0")?;
        link.addresses.iter().find_map(crate::subnet::v4)
    }

    /// The engine's version, if it is known.
    pub fn version(&self) -> Option<crate::engine_model::Version> {
        crate::engine_model::Version::parse(&self.docker.engine.as_ref()?.version)
    }
}
