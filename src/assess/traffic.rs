//! Whose address is it? Traffic and the list of nameservers show addresses that may be a server's,
//! which Docker's bridge hides, or a container's, which is at home there. An address inside a Docker subnet is Docker's own
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
        traffic.weigh_nameservers(facts, &addresses);
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

    fn weigh_nameservers(&mut self, facts: &'a Facts, addresses: &Addresses) {
        for server in &facts.nameservers {
            let address = server.address;
            match addresses.of_a_stopped_container(address, facts) {
                Some(stale) => self.is_stale(stale),
                None if addresses.are_dockers(&address) => {}
                None => self.needs(address, Evidence::Nameserver(server)),
            }
        }
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
        self.is_stale(StaleCall { address, bridge });
    }

    fn is_stale(&mut self, stale: StaleCall) {
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
    subnets: Vec<Low>,
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
        let subnets = held.iter().map(|held| Low {
            bridge: held.bridge.clone(),
            subnet: held.subnet,
            last: last_low(held, facts),
        });
        Addresses {
            dockers,
            no_hosts,
            subnets: subnets.collect(),
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
            answered && subnet.contains(&peer.address) && (stayed || peer.translation.is_some())
        });
        let on_a_former_one = || {
            self.pools.iter().any(|pool| {
                let stayed = peer.shared_bits >= pool.size;
                let called = stayed && is_low_or_no_host(pool, &peer.address);
                IpNet::V4(pool.base).contains(&peer.address)
                    && (called || answered && (stayed || called_out))
            })
        };
        let is_held = || {
            self.held
                .iter()
                .any(|subnet| subnet.contains(&peer.address))
        };
        on_a_bridge || (answered || !is_held()) && on_a_former_one()
    }

    fn are_dockers(&self, address: &IpAddr) -> bool {
        self.dockers.contains(address)
    }

    fn are_no_hosts(&self, address: &IpAddr) -> bool {
        matches!(address, IpAddr::V4(address) if self.no_hosts.contains(address))
    }

    /// The stopped container that a nameserver most likely is. Of all containers of a host none lies
    /// higher than they are many, and the gateway below them.
    fn of_a_stopped_container(&self, address: IpAddr, facts: &Facts) -> Option<StaleCall> {
        let engine = facts.docker.engine.as_ref()?;
        if engine.idle.is_empty() || self.are_dockers(&address) {
            return None;
        }
        let all = engine.containers.len() + engine.idle.len();
        let low = self.subnets.iter().find(|low| {
            let mut hosts = low.subnet.hosts().take(all + 1);
            hosts.any(|host| host == address)
        });
        low.map(|low| StaleCall {
            address,
            bridge: low.bridge.clone(),
        })
    }

    /// The bridge on which a container may once have had this address.
    fn bridge_of_a_former_container(&self, address: &IpAddr) -> Option<&str> {
        let low = self.subnets.iter().find(|low| low.holds(address));
        let low = low.or_else(|| {
            let derived_from = derived_from(address)?;
            let on = self
                .subnets
                .iter()
                .find(|low| low.subnet.contains(address))?;
            let mut of_ipv4 = self.subnets.iter().filter(|low| low.bridge == on.bridge);
            of_ipv4.find(|low| low.holds(&derived_from))
        });
        low.map(|low| low.bridge.as_str())
    }
}

/// The part of a Docker subnet where containers may have been.
struct Low {
    bridge: String,
    subnet: IpNet,
    last: IpAddr,
}

impl Low {
    fn holds(&self, address: &IpAddr) -> bool {
        self.subnet.contains(address) && *address <= self.last
    }
}

/// Whether an address may have been a container's, or was a broadcast, in a network of this pool.
fn is_low_or_no_host(pool: &AddressPool, address: &IpAddr) -> bool {
    let IpAddr::V4(address) = *address else {
        return false;
    };
    Ipv4Net::new(address, pool.size).is_ok_and(|subnet| {
        let last_low = u32::from(subnet.network()).saturating_add(LOW);
        u32::from(address) <= last_low || address == subnet.broadcast()
    })
}

/// The IPv4 address from which an engine up to 26 derives the IPv6 address of a container on
/// docker0: fd00:17::242:ac11:2 from 172.17.0.2 (measured on 20.10 and 26.1; 28.5 counts from ::2).
fn derived_from(address: &IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let [.., 0x0242, high, low] = address.segments() else {
        return None;
    };
    let address = u32::from(high) << 16 | u32::from(low);
    Some(IpAddr::V4(address.into()))
}

/// The last address of a subnet that a container may have had: twice as far as there are containers
/// now. Where a person said which addresses containers get, any of them.
pub fn last_low(held: &Held, facts: &Facts) -> IpAddr {
    let mut networks = facts.networks();
    let shaped = networks
        .any(|network| network.shaped && network.bridge.as_deref() == Some(held.bridge.as_str()));
    let fixed = facts.docker.config.keys.contains_key("fixed-cidr");
    if shaped || held.is_docker0() && fixed {
        return held.subnet.broadcast();
    }
    let engine = facts.docker.engine.iter();
    let containers = engine.map(|engine| engine.containers.len() + engine.idle.len());
    let containers = u32::try_from(containers.sum::<usize>()).unwrap_or(u32::MAX);
    let low = LOW.max(containers.saturating_mul(2));
    let last = match held.subnet.network() {
        IpAddr::V4(first) => IpAddr::V4(u32::from(first).saturating_add(low).into()),
        IpAddr::V6(first) => IpAddr::V6(u128::from(first).saturating_add(low.into()).into()),
    };
    last.min(held.subnet.broadcast())
}
