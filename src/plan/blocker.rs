//! What keeps a plan from being carried out. Data; `report/sentences/blockers.rs` has the words.

use crate::assess::sides::NeededSide;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::{AddressPool, LanSign};
use ipnet::Ipv4Net;
use std::net::IpAddr;

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
    EngineSilent {
        unseen: Vec<String>,
    },
    LiveRestore {
        containers: Vec<String>,
    },
    UnknownKey {
        path: String,
        key: String,
        version: String,
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
    ListensOnDocker0 {
        path: String,
        address: String,
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
