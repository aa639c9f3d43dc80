//! What the operator should know about a plan before it is carried out. Data;
//! `report/sentences/notices.rs` has the words.

use crate::facts::{AddressPool, Keeper, Manager};
use ipnet::Ipv4Net;

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
    /// A tool that puts its own version of the file back.
    FileIsKept {
        path: String,
        keeper: Keeper,
    },
    /// They are stopped, and rebridge does not start them again.
    LeftToManager {
        manager: Manager,
        containers: Vec<String>,
    },
    ContainersAreRemoved {
        containers: Vec<String>,
    },
    /// Keys that come into force with the restart and take nothing away.
    KeysComeIntoForce {
        path: String,
        keys: Vec<String>,
    },
    /// The operator's ssh session comes out of a container, and ends when that stops.
    SessionEnds {
        container: String,
    },
    SubnetByHand {
        networks: Vec<String>,
    },
    /// A network that moves gets a wider subnet than the pools have.
    WiderThanThePools {
        network: String,
        subnet: Ipv4Net,
        containers: usize,
    },
}
