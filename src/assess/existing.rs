//! What can become of an existing network that clashes. New pools never move it.

use super::products::Product;
use super::swarm::is_hung_on;
use crate::facts::{Facts, Network};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// rebridge re-creates it on another subnet, with its containers.
    Recreate,
    /// Nothing uses it. Removed, it clashes no more, and nothing restarts.
    Remove,
    /// A product sets its range.
    LeaveToProduct(&'static Product),
    /// Tasks of the swarm hang on it.
    LeaveToSwarm,
}

impl Way {
    pub fn of(facts: &Facts, network: &Network) -> Way {
        let product = Product::of(network);
        match product.filter(|product| product.comes_back || !network.unused) {
            Some(product) => Way::LeaveToProduct(product),
            None if is_hung_on(facts, &network.name) => Way::LeaveToSwarm,
            None if network.unused => Way::Remove,
            None => Way::Recreate,
        }
    }

    /// The same by the network's name; none if the engine has no such network.
    pub fn of_name(facts: &Facts, name: &str) -> Option<Way> {
        let mut networks = facts.engine_networks();
        let network = networks.find(|network| network.name == name)?;
        Some(Way::of(facts, network))
    }
}
