//! What the operator should know about a plan before it is carried out. Data;
//! `report/sentences/notices.rs` has the words.

use crate::facts::{AddressPool, Route, Rule};
use ipnet::Ipv4Net;
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Fewer networks than Docker's own pools hold.
    FewNetworks {
        networks: u64,
    },
    PoolIsShared {
        pool: AddressPool,
    },
    /// Live-restore would keep docker0 where it is.
    ContainersStop {
        containers: Vec<String>,
    },
    /// Something else rewrites the file: keys that rebridge set are gone from it.
    KeysLost {
        path: String,
        keys: Vec<String>,
        /// When rebridge set them.
        set: String,
    },
    ContainersAreRemoved {
        containers: Vec<String>,
    },
    PublishesOnOldAddress {
        containers: Vec<String>,
        address: IpAddr,
    },
    DnsNamesOldAddress {
        path: String,
        address: String,
    },
    RegistryNamesOldAddress {
        key: &'static str,
        path: String,
        address: String,
    },
    /// Routes through containers of a bridge that moves.
    RoutesGoWithBridge {
        bridge: String,
        routes: Vec<Route>,
    },
    /// A policy rule that holds for the range Docker leaves, and not for the new one.
    RuleNamesOldRange {
        network: String,
        from: Ipv4Net,
        to: Ipv4Net,
        rule: Rule,
    },
    SubnetByHand {
        networks: Vec<String>,
    },
    MacIsLost {
        network: String,
        container: String,
        mac: String,
    },
}
