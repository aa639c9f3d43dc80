//! What the operator should know of a plan before it is carried out. Data; the sentences are made
//! later.

use crate::facts::AddressPool;
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
    /// Live-restore keeps docker0 where it is while a container runs.
    ContainersStop {
        containers: Vec<String>,
    },
    ContainersAreRemoved {
        containers: Vec<String>,
    },
    PublishesOnOldAddress {
        containers: Vec<String>,
        address: IpAddr,
    },
    /// Containers will ask the old address for names.
    DnsNamesOldAddress {
        path: String,
        address: String,
    },
    RegistryNamesOldAddress {
        key: &'static str,
        path: String,
        address: String,
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
