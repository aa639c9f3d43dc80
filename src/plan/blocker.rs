//! What keeps a plan from being carried out. Data; `report/sentences/blockers.rs` has the words.

use crate::assess::products::Product;
use crate::assess::sides::NeededSide;
use crate::engine_model::daemon_json::Fault;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::{
    AddressPool, DiesWith, FirewallRule, LanSign, Listener, Mention, Named, Route, Rule,
};
use crate::policy::accept::{Accept, Accepted};
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr};

#[derive(Debug, Clone, PartialEq)]
pub enum Blocker {
    FileBroken {
        path: String,
        why: String,
    },
    FileUnreadable {
        path: String,
        why: String,
    },
    /// No new version can be put in its place: a read-only file system, mostly.
    FileReadOnly {
        path: String,
        why: String,
    },
    /// A file that parses but cannot be edited: a fault of rebridge.
    FileNotEdited {
        path: String,
        why: String,
    },
    /// The engine runs in a virtual machine that keeps its own settings.
    SettingsElsewhere {
        system: String,
    },
    /// dockerd does not start with an option both as a flag and in the file.
    FlagInTheWay {
        flag: &'static str,
        key: &'static str,
        value: String,
        path: String,
        /// File and line of the flag, where known.
        place: Option<String>,
    },
    BridgeSwitchedOff {
        path: String,
    },
    BridgeOfTheOperator {
        path: String,
        name: String,
    },
    NoWayToRestart,
    /// Its API wants a certificate that rebridge does not have.
    EngineWantsTls {
        at: String,
    },
    /// Podman answers where Docker would.
    Podman {
        at: String,
    },
    EngineSilent {
        unseen: Vec<String>,
    },
    LiveRestore {
        containers: Vec<String>,
        is_relieved: bool,
    },
    /// dockerd would not start with the file, as it is or as it would become.
    FileTurnedDown {
        path: String,
        /// Such as "26.1"; none if no version takes the file.
        version: Option<String>,
        faults: Vec<Fault>,
    },
    /// The engine could not use the pools, or would not start with them.
    PoolsUnusable {
        trouble: PoolTrouble,
    },
    NoSubnetForDocker0,
    PoolsCovered {
        pools: Vec<AddressPool>,
        by: Option<Box<NeededSide>>,
    },
    /// A subnet of the operator's pools does not hold twice the containers that live in a network.
    PoolTooNarrow {
        pool: AddressPool,
        network: String,
        containers: usize,
        /// The size that would do.
        size: u8,
    },
    NoFreeRange,
    KeyCannotFollow {
        key: &'static str,
        value: String,
        docker0: Ipv4Net,
    },
    /// dockerd does not start where it cannot bind an address.
    DockerListensOnOldAddress {
        /// The key or the flag as it is spelled.
        setting: String,
        place: String,
        address: Ipv4Addr,
    },
    DockerNamesOldAddress {
        setting: String,
        place: String,
        address: Ipv4Addr,
    },
    /// A program of this host waits on the address of a bridge that moves.
    ListensOnOldAddress {
        network: String,
        listener: Listener,
    },
    ResolvesAtOldAddress {
        network: String,
        address: IpAddr,
        place: String,
    },
    HostNamesOldAddress {
        network: String,
        named: Named,
    },
    PublishesOnOldAddress {
        network: String,
        container: String,
        address: IpAddr,
    },
    ContainerNamesOldAddress {
        network: String,
        container: String,
        mention: Mention,
    },
    /// Routes through containers of a bridge that moves.
    RoutesGoWithBridge {
        bridge: String,
        routes: Vec<Route>,
    },
    /// A policy rule that holds for the range Docker leaves, and not for the new one.
    PolicyRuleForOldRange {
        network: String,
        from: Ipv4Net,
        to: Ipv4Net,
        rule: Box<Rule>,
    },
    FirewallRuleForOldRange {
        network: String,
        from: Ipv4Net,
        to: Ipv4Net,
        rule: Box<FirewallRule>,
    },
    /// The next start has a setting that the engine does not have now.
    PendingSetting {
        setting: String,
        place: String,
        /// What is in force, where the engine shows it.
        now: Option<String>,
        /// What would be; none for the default, or where rebridge may not show it.
        next: Option<String>,
    },
    /// The next start reads another configuration file than this dockerd.
    OtherConfigFile {
        now: String,
        next: String,
    },
    /// Docker does not start with its settings as they are, whatever rebridge does.
    WouldNotStart {
        path: String,
        fault: StartFault,
    },
    /// The range that a rollback brings back lies over the operator.
    Lockout {
        peer: IpAddr,
        range: IpNet,
    },
    /// This run would end with the Docker it restarts.
    DiesWithDocker {
        place: DiesWith,
    },
    MovesNeedRestart,
    NoSuchNetwork {
        name: String,
        near: Option<String>,
        known: Vec<String>,
    },
    /// The network lies on a bridge of this host's own, which would lose its LAN.
    NetworkOnYourLan {
        network: String,
        bridge: String,
        sign: LanSign,
    },
    NetworkOfProduct {
        network: String,
        product: &'static Product,
    },
    NetworkBorrowsSettings {
        network: String,
        from: String,
    },
    ContainerMadeById {
        network: String,
        container: String,
    },
    ContainerPublishesOnNetwork {
        network: String,
        container: String,
        address: IpAddr,
    },
    ContainerLosesMac {
        network: String,
        container: String,
        mac: String,
    },
    NoSubnetForNetwork {
        network: String,
    },
    NoRangeForNetwork {
        network: String,
        prefix: u8,
    },
}

/// Settings with which no engine starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFault {
    /// An option both as a flag and in the file.
    FlagAndKey { flag: String, key: String },
    /// `"icc": false` is done with rules, and `"iptables": false` forbids them.
    IccWithoutIptables,
}

impl Blocker {
    /// The word by which the operator can accept it; none if no word helps.
    pub fn accept(&self) -> Option<Accept> {
        Some(match self {
            Blocker::LiveRestore { .. } => Accept::ContainerStop,
            Blocker::ContainerLosesMac { .. } => Accept::MacLoss,
            Blocker::DockerNamesOldAddress { .. }
            | Blocker::ListensOnOldAddress { .. }
            | Blocker::ResolvesAtOldAddress { .. }
            | Blocker::HostNamesOldAddress { .. }
            | Blocker::PublishesOnOldAddress { .. }
            | Blocker::ContainerNamesOldAddress { .. } => Accept::OldAddress,
            Blocker::RoutesGoWithBridge { .. }
            | Blocker::PolicyRuleForOldRange { .. }
            | Blocker::FirewallRuleForOldRange { .. } => Accept::OldRangeRules,
            Blocker::PendingSetting { .. } => Accept::PendingSettings,
            Blocker::Lockout { .. } => Accept::Lockout,
            _ => return None,
        })
    }

    pub fn is_accepted(&self, accepted: Accepted) -> bool {
        self.accept().is_some_and(|accept| accepted.holds(accept))
    }

    /// Whether Docker itself could not start with its settings, clash or no clash.
    pub fn keeps_docker_down(&self) -> bool {
        matches!(
            self,
            Blocker::FileBroken { .. }
                | Blocker::FileTurnedDown { .. }
                | Blocker::WouldNotStart { .. }
        )
    }
}
