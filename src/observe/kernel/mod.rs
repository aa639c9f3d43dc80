//! The kernel's own words on this host's network, over netlink and never the text of a tool: links,
//! addresses, routes of all tables with their rules, neighbours, and who this
//! host talks to. IPv4 and IPv6.

pub mod links;
pub mod neighbours;
pub mod nexthops;
pub mod peers;
pub mod routes;
pub mod rules;
pub mod settings;

use super::relevant::RelevantSpace;
use crate::facts::{Kernel, Peer};
use links::Links;
use peers::OwnAddresses;
use std::io;
use std::thread;

/// Collects what it can read, and a sentence for each thing it cannot.
pub struct Reader<'a> {
    /// Where the sentences go.
    pub unseen: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// Reads the links, which everything else refers to.
    pub fn links(&mut self) -> Links {
        self.say("the network interfaces", links::read())
    }

    /// Reads the rest, as far as it lies in the space Docker may use.
    pub fn rest(mut self, links: Links, space: &RelevantSpace, ssh_ports: &[u16]) -> Kernel {
        let ours = OwnAddresses::of(&links);
        // The kernel walks a large table for every flow, however few there are.
        let (routes, rules, neighbours, sockets, flows) = thread::scope(|scope| {
            let flows = scope.spawn(|| peers::read_flows(space, &ours));
            (
                routes::read(&links, space),
                rules::read(),
                neighbours::read(&links),
                peers::read_sockets(space, &ours, ssh_ports),
                flows.join(),
            )
        });
        let routes = self.say("the routes", routes);
        let rules = self.say("the policy rules", rules);
        let neighbours = self.say("the neighbours", neighbours);
        let mut peers = self.say("the TCP connections", sockets);
        peers.extend(self.flows(flows.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))));
        Kernel {
            links: links.into_values().collect(),
            routes: routes.kept,
            routes_elsewhere: routes.elsewhere,
            relief: routes.relief,
            rules,
            ipv6_forwarding: settings::ipv6_forwarding(),
            wsl: false,
            neighbours: neighbours.silent,
            peers,
            residents: neighbours.residents,
            listeners: Vec::new(),
        }
    }

    /// A kernel without connection tracking, or with none in use, has nothing to tell. One that may
    /// not is another matter.
    fn flows(&mut self, read: io::Result<Vec<Peer>>) -> Vec<Peer> {
        match read {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.say("the flows this host forwards", Err(error))
            }
            flows => flows.unwrap_or_default(),
        }
    }

    fn say<T: Default>(&mut self, what: &str, read: io::Result<T>) -> T {
        read.unwrap_or_else(|error| {
            self.unseen.push(format!("{what}: {error}"));
            T::default()
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::RT_TABLE_LOCAL;

    /// Any namespace has a loopback; the network-namespace tests look at everything else.
    #[test]
    fn reads_this_namespace() {
        let mut unseen = Vec::new();
        let mut reader = Reader {
            unseen: &mut unseen,
        };
        let links = reader.links();
        let kernel = reader.rest(links, &RelevantSpace::default(), &[22]);
        assert!(
            kernel.links.iter().any(|link| link.name == "lo"),
            "{unseen:?}"
        );
        assert!(
            kernel.rules.iter().any(|rule| rule.table == RT_TABLE_LOCAL),
            "{unseen:?}"
        );
    }
}
