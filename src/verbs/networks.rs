//! `rebridge __networks`: the names that shells complete after `--network`.

use crate::host::Host;
use crate::observe::observe_quickly;

/// Not a verb, so that no list of verbs shows it: only shell completions call it.
pub const NAME: &str = "__networks";

/// The networks that could move, one name a line; empty if Docker does not answer.
pub fn run() -> String {
    let facts = observe_quickly(&Host::live());
    let bridges = facts
        .engine_networks()
        .filter(|network| network.driver == "bridge" && network.name != "bridge");
    bridges.map(|network| network.name.clone() + "\n").collect()
}
