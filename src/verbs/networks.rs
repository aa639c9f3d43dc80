//! `rebridge __networks`: what a shell may complete after `--network`.

use crate::host::Host;
use crate::observe::observe_quickly;

/// What shells call. It is no verb: nobody is to see it in a list.
pub const NAME: &str = "__networks";

/// The names of the networks that could be moved, a line each; none where Docker cannot be asked.
pub fn run() -> String {
    let facts = observe_quickly(&Host::live());
    let bridges = facts
        .engine_networks()
        .filter(|network| network.driver == "bridge" && network.name != "bridge");
    bridges.map(|network| network.name.clone() + "\n").collect()
}
