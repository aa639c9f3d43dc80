//! What is worth knowing about Docker's ranges and is no clash. Data; the sentences are made later.

use super::Assessment;
use super::clash::Kind;
use super::existing::Way;
use super::held::Held;
use super::kernel::Range;
use super::sides::{NeededSide, rule_in_words};
use super::traffic::StaleCall;
use crate::engine_model;
use crate::facts::pools::{Pool, PoolList};
use crate::facts::{AddressPool, ComposeSubnet, Engine, Network, RootlessNetwork};
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, net, overlap, overlap4, v4};
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    StaleCall(StaleCall),
    /// Docker uses addresses that belong to others on the Internet, or that no bridge can have.
    UnusableRange {
        holder: Holder,
        subnet: IpNet,
        why: Unusable,
    },
    /// Two of Docker's own networks, of different scopes, in one range.
    OwnNetworksOverlap {
        overlay: String,
        overlay_subnet: IpNet,
        bridge: String,
        bridge_subnet: IpNet,
    },
    /// A pool for IPv6 networks lies over a network that this host needs.
    Ipv6PoolOverNeeded {
        pool: IpNet,
        over: Box<NeededSide>,
    },
    /// Packets that meet a rule never get to Docker's own route, wherever docker0 lies.
    PastDocker {
        rule: String,
        table: u32,
        subnet: IpNet,
    },
    /// A Compose file gives a network a subnet over what this host needs, and the network does not
    /// have it, or not yet.
    ComposeOverNeeded {
        of: ComposeSubnet,
        over: Box<NeededSide>,
    },
    /// A rootless Docker lives in a range that this host needs elsewhere.
    RootlessOverNeeded {
        of: RootlessNetwork,
        over: Box<NeededSide>,
    },
    /// Two of Docker's pools share addresses.
    PoolsOverlap {
        first: AddressPool,
        second: AddressPool,
    },
    /// A network that clashes, with no container on it that runs.
    EmptyNetwork {
        network: String,
        subnet: IpNet,
    },
    /// The pools have no subnet left for one more network.
    PoolsFull {
        capacity: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Holder {
    Network(String),
    Pool(AddressPool),
}

/// Why a range is not Docker's to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    Public,
    Loopback,
    LinkLocal,
    Multicast,
    /// Linux takes such addresses; many routers and other systems do not.
    Reserved,
}

/// Everything worth knowing.
pub fn findings(assessment: &Assessment) -> Vec<Finding> {
    let stale = assessment.stale_calls.iter().cloned();
    let mut findings: Vec<Finding> = stale.map(Finding::StaleCall).collect();
    findings.extend(assessment.held.iter().filter_map(unusable_network));
    findings.extend(assessment.pools.iter().filter_map(unusable_pool));
    findings.extend(own_overlaps(assessment));
    findings.extend(ipv6_pools_over_needed(assessment));
    findings.extend(past_docker(assessment));
    findings.extend(compose_over_needed(assessment));
    findings.extend(rootless_over_needed(assessment));
    findings.extend(empty_networks(assessment));
    findings.extend(pools_overlap(&assessment.pools));
    findings.extend(full_pools(assessment));
    findings
}

/// Tables of uplinks and VPNs that have a default route, and not Docker's; each once.
fn past_docker(assessment: &Assessment) -> Vec<Finding> {
    let Some(held) = assessment.held.iter().find(|held| held.is_docker0()) else {
        return Vec::new();
    };
    let range = Range {
        subnet: held.subnet,
        bridge: Some(&held.bridge),
    };
    let rules = assessment.kernel.rules_past(&range);
    let mut tables = BTreeSet::new();
    rules
        .filter(|rule| tables.insert(rule.table))
        .map(|rule| Finding::PastDocker {
            rule: rule_in_words(rule),
            table: rule.table,
            subnet: held.subnet,
        })
        .collect()
}

/// Each with the first of its subnets that clashes.
fn empty_networks(assessment: &Assessment) -> Vec<Finding> {
    let facts = assessment.facts;
    let Some(engine) = &facts.docker.engine else {
        return Vec::new();
    };
    let mut names = BTreeSet::new();
    let present = assessment
        .clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Present);
    let of_a_network = present.filter_map(|clash| {
        let name = clash.docker.network.as_deref()?;
        let network = engine.networks.iter().find(|one| one.name == name)?;
        // What has no container at all is offered with the cures.
        let can_go = !clash.is_docker0() && Way::of(facts, network) == Way::Recreate;
        (can_go && is_empty(network, engine) && names.insert(name)).then(|| Finding::EmptyNetwork {
            network: name.to_owned(),
            subnet: clash.docker.subnet,
        })
    });
    of_a_network.collect()
}

fn is_empty(network: &Network, engine: &Engine) -> bool {
    let addresses = engine.containers.iter().flat_map(|one| &one.addresses);
    let mut all = addresses.chain(&network.endpoints);
    !all.any(|address| {
        network
            .subnets
            .iter()
            .any(|subnet| subnet.contains(address))
    })
}

/// What a network has now is a clash, and no matter of the file.
fn compose_over_needed(assessment: &Assessment) -> Vec<Finding> {
    let facts = assessment.facts;
    let has = |of: &ComposeSubnet| {
        let mut networks = facts.networks();
        networks.any(|network| network.name == of.network && network.subnets.contains(&of.subnet))
    };
    let to_come = facts.compose.iter().filter(|of| !has(of));
    to_come
        .filter_map(|of| {
            let mut needed = assessment.needed.iter();
            let over = needed.find(|need| {
                overlap(&need.net, &of.subnet) && assessment.lost_to(of.subnet, need).is_some()
            })?;
            let over = Box::new(NeededSide::of(over, Some(&of.subnet), facts));
            let of = of.clone();
            Some(Finding::ComposeOverNeeded { of, over })
        })
        .collect()
}

/// This host reaches what it needs; the containers of that Docker do not.
fn rootless_over_needed(assessment: &Assessment) -> Vec<Finding> {
    let networks = assessment.facts.docker.rootless_networks.iter();
    let over_needed = networks.filter_map(|of| {
        let net = IpNet::V4(of.net);
        let mut needed = assessment.needed.iter();
        let over = needed.find(|need| overlap(&need.net, &net))?;
        let over = Box::new(NeededSide::of(over, Some(&net), assessment.facts));
        let of = of.clone();
        Some(Finding::RootlessOverNeeded { of, over })
    });
    over_needed.collect()
}

fn pools_overlap(pools: &[AddressPool]) -> Option<Finding> {
    let mut sorted = pools.to_vec();
    sorted.sort_by_key(|pool| pool.base);
    sorted.windows(2).find_map(|two| {
        let [first, second] = two else { return None };
        overlap4(&first.base, &second.base).then_some(Finding::PoolsOverlap {
            first: *first,
            second: *second,
        })
    })
}

fn unusable_network(held: &Held) -> Option<Finding> {
    Some(Finding::UnusableRange {
        why: unusable(v4(&held.subnet)?)?,
        holder: Holder::Network(held.label().to_owned()),
        subnet: held.subnet,
    })
}

fn unusable_pool(pool: &AddressPool) -> Option<Finding> {
    Some(Finding::UnusableRange {
        why: unusable(pool.base)?,
        holder: Holder::Pool(*pool),
        subnet: IpNet::V4(pool.base),
    })
}

/// Ranges that no network of Docker should have, by the registry of special addresses (RFC 6890).
fn unusable(subnet: Ipv4Net) -> Option<Unusable> {
    const NOT_PUBLIC: [Ipv4Net; 5] = [
        net(0, 0, 0, 0, 8),
        net(192, 0, 0, 0, 24),
        net(192, 0, 2, 0, 24),
        net(198, 51, 100, 0, 24),
        net(203, 0, 113, 0, 24),
    ];
    let lies_in = |range: &Ipv4Net| range.contains(&subnet);
    if lies_in(&net(127, 0, 0, 0, 8)) {
        Some(Unusable::Loopback)
    } else if lies_in(&net(169, 254, 0, 0, 16)) {
        Some(Unusable::LinkLocal)
    } else if lies_in(&net(224, 0, 0, 0, 4)) {
        Some(Unusable::Multicast)
    } else if lies_in(&net(240, 0, 0, 0, 4)) {
        Some(Unusable::Reserved)
    } else if PRIVATE_BLOCKS
        .iter()
        .chain(&SHARED_BLOCKS)
        .chain(&NOT_PUBLIC)
        .any(lies_in)
    {
        None
    } else {
        Some(Unusable::Public)
    }
}

/// A swarm's manager does not know the bridges of this node: tasks on it cannot reach what lies in
/// both.
fn own_overlaps(assessment: &Assessment) -> Vec<Finding> {
    let networks = assessment.facts.networks();
    let overlays: Vec<(&Network, IpNet)> = networks
        .filter(|network| network.driver == "overlay")
        .flat_map(|network| network.subnets.iter().map(move |subnet| (network, *subnet)))
        .collect();
    let mut findings = Vec::new();
    for held in &assessment.held {
        for (network, subnet) in &overlays {
            if overlap(subnet, &held.subnet) {
                findings.push(Finding::OwnNetworksOverlap {
                    overlay: network.name.clone(),
                    overlay_subnet: *subnet,
                    bridge: held.label().to_owned(),
                    bridge_subnet: held.subnet,
                });
            }
        }
    }
    findings
}

/// Each with the first network it lies over.
fn ipv6_pools_over_needed(assessment: &Assessment) -> Vec<Finding> {
    let docker = &assessment.facts.docker;
    let by_flag = PoolList::of_options(docker.flag("default-address-pool"));
    let in_file = || PoolList::of_key(docker.config.keys.get("default-address-pools")?);
    let list = by_flag.or_else(in_file).unwrap_or_default();
    let pools = list.pools.iter().filter_map(|pool| match pool {
        Pool::V6(pool) => Some(IpNet::V6(pool.base)),
        Pool::V4(_) => None,
    });
    pools
        .filter_map(|pool| {
            let mut needed = assessment.needed.iter();
            let over = needed.find(|need| overlap(&need.net, &pool))?;
            let over = Box::new(NeededSide::of(over, None, assessment.facts));
            Some(Finding::Ipv6PoolOverNeeded { pool, over })
        })
        .collect()
}

fn full_pools(assessment: &Assessment) -> Option<Finding> {
    let taken = assessment.stored_v4();
    let pools = assessment.pools_as_seen();
    let has_room = pools.iter().any(|pool| {
        let blocked =
            engine_model::reserved_in(pool, &assessment.stepped_round, assessment.version);
        blocked
            .union(&taken)
            .first_clear(pool.base, pool.size)
            .is_some()
    });
    let runs = assessment.facts.docker.engine.is_some();
    (runs && !has_room).then(|| Finding::PoolsFull {
        capacity: pools.iter().map(AddressPool::capacity).sum(),
    })
}
