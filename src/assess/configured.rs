//! What files name and this host needs: networks that are not up yet, and servers.
//!
//! Not needed: what is up, which its route or address judges; the way out, whole or in pieces; what
//! is Docker's own; this host itself.

use super::held::Held;
use super::needed::{Evidence, Needed};
use super::traffic::last_low;
use super::way_out::pieces_of;
use crate::engine_model;
use crate::facts::{AddressPool, Configured, Facts, Family, Role, is_a_docker_name};
use crate::subnet::first_host;
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

pub fn configured<'a>(
    facts: &'a Facts,
    docker: &BTreeSet<String>,
    held: &[Held],
    pools: &[AddressPool],
) -> Vec<Needed<'a>> {
    if facts.configured.is_empty() {
        return Vec::new();
    }
    let mut known = Known::of(facts, docker, held);
    known.own.extend(bridge_to_come(facts, pools));
    let counts = facts.configured.iter().filter(|one| known.counts(one));
    counts
        .map(|one| Needed {
            net: one.net,
            evidence: Evidence::Configured(one),
        })
        .collect()
}

/// What is known apart from the files.
struct Known<'a> {
    facts: &'a Facts,
    docker: &'a BTreeSet<String>,
    /// Networks that a route or an address has now.
    up: HashSet<IpNet>,
    /// Pieces of the Internet, each with what brings it.
    pieces: HashSet<(Way<'a>, IpNet)>,
    /// Addresses of Docker and of this host.
    own: HashSet<IpAddr>,
    /// Docker's ranges, each with the last address that a container may have had.
    low: Vec<(IpNet, IpAddr)>,
}

/// The networks of one file and interface are one way.
type Way<'a> = (&'a str, Option<&'a str>, Family);

fn way(one: &Configured) -> Way<'_> {
    (&one.file, one.dev.as_deref(), Family::of(&one.net.addr()))
}

impl<'a> Known<'a> {
    fn of(facts: &'a Facts, docker: &'a BTreeSet<String>, held: &[Held]) -> Known<'a> {
        let named: HashSet<IpNet> = facts.configured.iter().map(|one| one.net).collect();
        let others = |dev: &str| !docker.contains(dev);
        let routes = facts.kernel.routes.iter();
        let routes = routes.filter(|route| route.dev.as_deref().is_none_or(others));
        let links = facts.kernel.links.iter().filter(|link| others(&link.name));
        let addresses = links.flat_map(|link| &link.addresses);
        let up = routes
            .map(|route| route.dst)
            .chain(addresses.clone().map(IpNet::trunc));
        let low = held.iter().map(|held| (held.subnet, last_low(held, facts)));
        let mut own = facts.docker_addresses();
        own.extend(addresses.map(IpNet::addr));
        Known {
            facts,
            docker,
            up: up.filter(|net| named.contains(net)).collect(),
            pieces: pieces(&facts.configured),
            own,
            low: low.collect(),
        }
    }

    fn counts(&self, one: &Configured) -> bool {
        match one.role {
            Role::Network => {
                let dockers = one.dev.as_deref().is_some_and(|dev| self.is_dockers(dev));
                let piece = self.pieces.contains(&(way(one), one.net));
                !dockers && !piece && !self.up.contains(&one.net)
            }
            Role::Server => !self.own.contains(&one.net.addr()),
            // People give names to containers, also to those that are gone.
            Role::Named => !self.own.contains(&one.net.addr()) && !self.may_be_a_containers(one),
        }
    }

    /// A bridge that you prepare for Docker is Docker's, though it may not be there yet.
    fn is_dockers(&self, dev: &str) -> bool {
        let named = self.facts.docker.config.keys.get("bridge");
        self.docker.contains(dev)
            || is_a_docker_name(dev)
            || named.and_then(|name| name.as_str()) == Some(dev)
    }

    fn may_be_a_containers(&self, one: &Configured) -> bool {
        let address = one.net.addr();
        let mut low = self.low.iter();
        low.any(|(subnet, last)| subnet.contains(&one.net) && address <= *last)
    }
}

/// docker0's own address at Docker's next start. Where there is no docker0 yet, it gets the first
/// subnet of the pools if nothing else is set.
fn bridge_to_come(facts: &Facts, pools: &[AddressPool]) -> Option<IpAddr> {
    let bip = facts.docker.config.keys.get("bip");
    let bip = bip.and_then(|bip| bip.as_str()?.parse::<Ipv4Net>().ok());
    let first = || pools.first()?.subnets().next();
    let set = engine_model::docker0_to_come(facts, facts.version());
    let to_come = set.or_else(|| first().filter(|_| facts.docker0().is_none()));
    let address = bip.or_else(|| first_host(to_come?))?;
    Some(IpAddr::V4(address.addr()))
}

fn pieces(configured: &[Configured]) -> HashSet<(Way<'_>, IpNet)> {
    let mut ways: HashMap<Way, Vec<IpNet>> = HashMap::new();
    for one in configured.iter().filter(|one| one.role == Role::Network) {
        ways.entry(way(one)).or_default().push(one.net);
    }
    let mut pieces = HashSet::new();
    for (way, nets) in ways {
        pieces.extend(pieces_of(&nets).into_iter().map(|net| (way, net)));
    }
    pieces
}
