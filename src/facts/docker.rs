//! Docker's part of the facts: the service, the engine and its networks, daemon.json.

use super::compose::Compose;
use super::in_use::{InForce, Mention};
use super::manager::Manager;
use super::pools::AddressPool;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Docker on this host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Docker {
    /// Is it there, does it run?
    pub state: DockerState,
    /// What starts and stops it; null where rebridge knows no way.
    pub service: Option<ServiceManager>,
    /// The unit of systemd that runs it, where that is not docker.service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// When the daemon that runs now began, by the clock that stamps its networks: UTC to the
    /// nanosecond.
    #[serde(default)]
    pub started: Option<String>,
    /// The flags of dockerd's command line that say where bridges lie, by name, with the values
    /// given: of the running process, else of the next start. Other flags may hold secrets and are
    /// not kept.
    #[serde(default)]
    pub flags: BTreeMap<String, Vec<String>>,
    /// The flags of the next start, as its unit or its init script gives them; only where they are
    /// others than those of the running process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_flags: Option<BTreeMap<String, Vec<String>>>,
    /// File and line where the next start is given a flag that also is a key of daemon.json, by the
    /// flag's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flag_places: BTreeMap<String, String>,
    /// The units that run now and that systemd stops when it stops Docker; only before a change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<String>,
    /// Where its API listens, as `-H` spells it, where that is not /run/docker.sock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<String>,
    /// What keeps its API from being asked at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_asked: Option<NotAsked>,
    /// Where the next start keeps its data, links followed; only while Docker runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_data_root: Option<String>,
    /// The version of the dockerd that is installed, where Docker is stopped: it starts next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_version: Option<String>,
    /// The users whose own, rootless Docker runs besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rootless: Vec<u32>,
    /// The networks that such a Docker lives in, where it has one of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rootless_networks: Vec<RootlessNetwork>,
    /// The engine's own view; null where it does not run or may not be asked.
    pub engine: Option<Engine>,
    /// The networks Docker has on disk and re-creates when it starts; null where the engine answers
    /// or the file cannot be read, empty where Docker has never run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Vec<Network>>,
    /// What the last apply of rebridge set in the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by_rebridge: Option<SetByRebridge>,
    /// Its configuration file.
    pub config: ConfigFile,
}

/// What a rootless Docker has instead of this host's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootlessNetwork {
    /// The user.
    pub user: u32,
    /// Its range: no host in it can be reached from there.
    pub net: Ipv4Net,
}

/// Keys of daemon.json that rebridge set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetByRebridge {
    /// When, in UTC.
    pub when: String,
    /// The keys with their values.
    pub keys: Map<String, Value>,
}

/// The state of the Docker service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DockerState {
    /// Not installed.
    Absent,
    /// Installed, not running.
    Stopped,
    /// Running.
    Running,
}

/// What keeps Docker's API from being asked at all, with the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "is", content = "at")]
pub enum NotAsked {
    /// Every listener wants a certificate.
    TlsOnly(String),
    /// Podman answers where Docker would.
    Podman(String),
}

/// What starts and stops Docker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServiceManager {
    /// A unit of systemd, docker.service most often.
    Systemd,
    /// The snap, whose service systemd runs too.
    Snap,
    /// The init script, by OpenRC.
    OpenRc,
    /// The init script, by what `service` calls.
    SysV,
}

/// What the engine says over its socket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Engine {
    /// Such as `26.1.5`.
    pub version: String,
    /// Whether containers survive a restart of the daemon, in the daemon that runs now.
    pub live_restore: bool,
    /// The operating system it says it runs on; Docker Desktop names itself here.
    #[serde(default)]
    pub system: String,
    /// Whether this node is part of a swarm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub swarm: bool,
    /// Containers that are alive: running or paused.
    pub containers: Vec<Container>,
    /// Containers that are not; only where rebridge looks closely, or for an address that is nobody
    /// else's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<Container>,
    /// The IPv4 entries of `default-address-pools` as this daemon was started with; null means the
    /// built-in list. With IPv6 entries alone there are none.
    pub pools: Option<Vec<AddressPool>>,
    /// What it has in force besides; null where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<InForce>,
    /// Its networks.
    pub networks: Vec<Network>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its addresses on all its networks: those it has, and those it was given by hand and has
    /// while it runs.
    pub addresses: Vec<IpAddr>,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
    /// The Compose project it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compose: Option<Compose>,
    /// Who replaces it by a new one when it ends, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// What becomes of it when Docker is restarted; only where rebridge looks closely, as `apply`
    /// and `facts` do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// What decides over a container when Docker is restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detail {
    /// Its restart policy: `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart: String,
    /// Whether it is removed when it stops.
    pub auto_remove: bool,
    /// The container whose network it shares.
    pub joins: Option<String>,
    /// Addresses of this host its ports are published on, where they are named.
    pub published_on: Vec<IpAddr>,
    /// The network it was created for, as that was named then: a name or an id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// The MAC address given by hand when it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// How many seconds it gets to stop, where that is not Docker's 10; below 0 there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Its first process, while it runs.
    #[serde(skip)]
    pub pid: u32,
    /// Whether it was created and never started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_started: bool,
    /// The networks it is on, each with the IPv4 address given by hand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Option<Ipv4Addr>>,
    /// Its settings that name an address of a Docker bridge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
}

/// A network of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Network {
    /// Its name; docker0's network is called `bridge`.
    pub name: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// `bridge`, `macvlan`, `overlay` …
    pub driver: String,
    /// `local` or `swarm`.
    pub scope: String,
    /// The interface on the host, for the bridge driver.
    pub bridge: Option<String>,
    /// Its subnets.
    pub subnets: Vec<IpNet>,
    /// Its gateways. A network with a subnet given by hand shows one only where that was given too,
    /// or after a restart of Docker.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
    /// Whether its IPv4 subnet was given by hand when it was created; null where Docker's own store
    /// of networks could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<bool>,
    /// Whether its settings hold what only a person gives: a range for the addresses, or addresses
    /// kept free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shaped: bool,
    /// The network it takes its settings from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_from: Option<String>,
    /// When it was made, in UTC to the nanosecond, so that text order is time order.
    #[serde(default)]
    pub created: Option<String>,
    /// The Compose project it was made for.
    #[serde(default)]
    pub project: Option<String>,
    /// The names of its labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Whether no container is on it, running or stopped; only asked where none runs on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unused: bool,
    /// Addresses on it of what the engine lists as no container: of swarm tasks on docker_gwbridge,
    /// and of steps of `docker build` where an address was nobody else's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<IpAddr>,
}

/// Some editors put it in front of a text.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// daemon.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfigFile {
    /// Where dockerd looks for it.
    pub path: String,
    /// Where the bytes really are, when the path is a symbolic link.
    pub target: Option<String>,
    /// What was found there.
    pub state: ConfigState,
    /// The keys rebridge looks at, in the order of the file.
    pub keys: Map<String, Value>,
    /// The names of all keys, without their values.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether the dockerd that runs has read it as it is; null where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<bool>,
    /// Why no new version can be put in its place; only before a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<String>,
    /// The tools that keep it, as far as they leave a sign; only before a change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keepers: Vec<Keeper>,
    /// The text itself. Never printed.
    #[serde(skip)]
    pub text: Option<String>,
}

/// A configuration tool that keeps daemon.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Keeper {
    pub tool: Tool,
    /// The file that shows it.
    pub sign: String,
}

/// A configuration tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    Ansible,
    Chef,
    Puppet,
    Salt,
}

/// What was found where daemon.json should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

impl Docker {
    /// The unit of systemd that runs it.
    pub fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or("docker.service")
    }

    /// The values a flag of dockerd's command line was given.
    pub fn flag(&self, name: &str) -> &[String] {
        self.flags.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The values it is given at the next start.
    pub fn next_flag(&self, name: &str) -> &[String] {
        let flags = self.next_flags.as_ref().unwrap_or(&self.flags);
        flags.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
