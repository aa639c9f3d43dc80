//! Whose address is it? Traffic shows addresses that may be a server's, which Docker's bridge hides,
//! or a container's, which is at home there. An address inside a Docker subnet is Docker's own
//! unless there is a sign that it is not.

use super::held::Held;
use super::needed::{Evidence, Needed};
use crate::facts::{AddressPool, BUILT_IN, Contact, Facts, Neighbour, Peer, Translation};
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net};
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr};

/// A call longer ago than this, in seconds, says nothing about today.
const FRESH: u64 = 3600;

/// So many addresses at the beginning of a Docker subnet may have been containers'. Every engine
/// assigns the lowest free address (measured on 20.10, 26.1 and 28.5), so a container that is gone
/// lay as low as there were ever containers at the same time.
const LOW: u32 = 64;

/// This host still calls an address of Docker's where no container runs.
#[derive(Debug, Clone, PartialEq)]
pub struct StaleCall {
    pub address: IpAddr,
    pub bridge: String,
}

/// What traffic says: addresses this host needs, and calls that no longer mean anything.
#[derive(Default)]
pub struct Traffic<'a> {
    pub needed: Vec<Needed<'a>>,
    pub stale: Vec<StaleCall>,
}

impl<'a> Traffic<'a> {
    /// Without the engine's word a container looks like any server: then only the operator's own
    /// session counts.
    pub fn of(facts: &'a Facts, docker: &BTreeSet<String>, held: &[Held]) -> Traffic<'a> {
        let mut traffic = Traffic::default();
        let addresses = Addresses::of(facts, held);
        if let Some(address) = facts.operator
            && !addresses.are_dockers(&address)
        {
            traffic.needs(address, Evidence::Operator);
        }
        if facts.docker.engine.is_none() {
            return traffic;
        }
        let neighbours = facts.kernel.neighbours.iter();
        for neighbour in neighbours.filter(|neighbour| docker.contains(&neighbour.dev)) {
            let fresh = is_fresh(neighbour);
            let evidence = Evidence::Neighbour(neighbour);
            traffic.weigh(neighbour.address, evidence, fresh, &addresses);
        }
        let peers = facts.kernel.peers.iter();
        for peer in peers.filter(|peer| !addresses.are_at_home(peer)) {
            if peer.contact == Contact::Ssh && !addresses.are_dockers(&peer.address) {
                traffic.needs(peer.address, Evidence::Peer(peer));
            } else if peer.contact != Contact::Ssh {
                traffic.weigh(peer.address, Evidence::Peer(peer), true, &addresses);
            }
        }
        traffic
    }

    fn weigh(
        &mut self,
        address: IpAddr,
        evidence: Evidence<'a>,
        fresh: bool,
        addresses: &Addresses,
    ) {
        if addresses.are_dockers(&address) || addresses.are_no_hosts(&address) {
            return;
        }
        let low_on = addresses.bridge_of_a_former_container(&address);
        let bridge = match (low_on, evidence) {
            (Some(bridge), _) => bridge.to_owned(),
            (None, Evidence::Neighbour(neighbour)) if !fresh => neighbour.dev.clone(),
            (None, _) => return self.needs(address, evidence),
        };
        let stale = StaleCall { address, bridge };
        if !self.stale.contains(&stale) {
            self.stale.push(stale);
        }
    }

    fn needs(&mut self, address: IpAddr, evidence: Evidence<'a>) {
        self.needed.push(Needed {
            net: IpNet::from(address),
            evidence,
        });
    }
}

fn pools_in_force(facts: &Facts) -> Vec<AddressPool> {
    let engine = facts.docker.engine.as_ref();
    let pools = engine.and_then(|engine| engine.pools.clone());
    pools.unwrap_or_else(|| BUILT_IN.to_vec())
}

fn is_fresh(neighbour: &Neighbour) -> bool {
    neighbour
        .called_seconds_ago
        .is_none_or(|seconds| seconds <= FRESH)
}

/// What is known of addresses on Docker's bridges.
struct Addresses {
    /// Containers, what else Docker has put on its bridges, the bridges, and whatever answers there.
    dockers: HashSet<IpAddr>,
    /// Network and broadcast addresses: a broadcast gets no answer.
    no_hosts: HashSet<Ipv4Addr>,
    /// Docker's subnets, each with the last address that a container may have had.
    subnets: Vec<(String, Ipv4Net, Ipv4Addr)>,
    /// Docker's subnets of both families.
    held: Vec<IpNet>,
    /// Where its networks come from, and lay until a moment ago.
    pools: Vec<AddressPool>,
}

impl Addresses {
    fn of(facts: &Facts, held: &[Held]) -> Addresses {
        let dockers = facts.docker_addresses();
        let links = facts.kernel.links.iter().flat_map(|link| &link.addresses);
        let local = links.filter_map(v4).map(|address| address.trunc());
        let of_docker = held.iter().filter_map(|held| v4(&held.subnet));
        let no_hosts = local
            .chain(of_docker)
            .filter(|net| net.prefix_len() < 31)
            .flat_map(|net| [net.network(), net.broadcast()])
            .chain([Ipv4Addr::BROADCAST])
            .collect();
        let subnets = held
            .iter()
            .filter_map(|held| {
                let subnet = v4(&held.subnet)?;
                Some((held.bridge.clone(), subnet, last_low(held, subnet, facts)))
            })
            .collect();
        Addresses {
            dockers,
            no_hosts,
            subnets,
            held: held.iter().map(|held| held.subnet).collect(),
            pools: pools_in_force(facts),
        }
    }

    /// Whether the peer's flows or sockets are such as containers have, and containers that have
    /// ended: the kernel remembers a flow for two minutes. It never left its bridge, or was
    /// masqueraded, or was called at a published port.
    ///
    /// The flows of a network that was just removed are remembered too. Then the pools tell where it
    /// lay; at its published ports nothing is called any more, as Docker has these flows forgotten.
    fn are_at_home(&self, peer: &Peer) -> bool {
        let answered = !matches!(peer.contact, Contact::Calling | Contact::Unanswered);
        let called_out = peer.translation == Some(Translation::Masqueraded);
        let on_a_bridge = self.held.iter().any(|subnet| {
            let stayed = peer.shared_bits >= subnet.prefix_len();
            subnet.contains(&peer.address) && (stayed || peer.translation.is_some())
        });
        let on_a_former_one = self.pools.iter().any(|pool| {
            let stayed = peer.shared_bits >= pool.size;
            IpNet::V4(pool.base).contains(&peer.address) && (stayed || called_out)
        });
        answered && (on_a_bridge || on_a_former_one)
    }

    fn are_dockers(&self, address: &IpAddr) -> bool {
        self.dockers.contains(address)
    }

    fn are_no_hosts(&self, address: &IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.no_hosts.contains(address))
    }

    /// The bridge on which a container may once have had this address.
    fn bridge_of_a_former_container(&self, address: &IpAddr) -> Option<&str> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        self.subnets
            .iter()
            .find(|(_, subnet, last)| subnet.contains(address) && address <= last)
            .map(|(bridge, ..)| bridge.as_str())
    }
}

/// The last address of a subnet that a container may have had: twice as far as there are containers
/// now. Where a person said which addresses containers get, any of them.
pub fn last_low(held: &Held, subnet: Ipv4Net, facts: &Facts) -> Ipv4Addr {
    let mut networks = facts.networks();
    let shaped = networks
        .any(|network| network.shaped && network.bridge.as_deref() == Some(held.bridge.as_str()));
    let fixed = facts.docker.config.keys.contains_key("fixed-cidr");
    if shaped || held.is_docker0() && fixed {
        return subnet.broadcast();
    }
    let engine = facts.docker.engine.iter();
    let containers = engine.map(|engine| engine.containers.len() + engine.idle.len());
    let containers = u32::try_from(containers.sum::<usize>()).unwrap_or(u32::MAX);
    let low = LOW.max(containers.saturating_mul(2));
    let last = Ipv4Addr::from(u32::from(subnet.network()).saturating_add(low));
    last.min(subnet.broadcast())
}
