//! Second stage: who wants which network, which Docker range lies over it, and how we know. Pure:
//! facts and policy in, clashes out. `check`, the planner and verify all ask here, so "fixed" means
//! the same to each.

pub mod address_map;
pub mod clash;
pub mod explanation;
pub mod forecast;
mod sentence;
pub mod sides;
pub mod swarm;
pub mod wanted;

use crate::engine_model;
use crate::facts::pools::PoolList;
use crate::facts::{AddressPool, BUILT_IN, Facts, Source};
use crate::policy::Policy;
use crate::subnet::{NetIndex, RangeSet, v4};
use clash::Clash;
use ipnet::{IpNet, Ipv4Net};
use sides::DockerSide;
use std::collections::{BTreeSet, HashMap, HashSet};
use wanted::{Wanted, ignored, wanted};

/// A range Docker holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The network's name; none for a bridge whose engine cannot be asked.
    pub network: Option<String>,
    /// Its interface.
    pub bridge: String,
    /// Its subnet.
    pub subnet: IpNet,
    /// The Compose project it was made for.
    pub project: Option<String>,
}

impl Held {
    /// Whether this is docker0, the one bridge that daemon.json moves.
    pub fn is_docker0(&self) -> bool {
        self.bridge == "docker0"
    }
}

/// The ranges Docker's bridges hold: what the kernel has on them, and what the engine says of them.
///
/// The kernel counts first (it is the kernel that swallows packets), the engine adds names and
/// networks whose bridge has no address. macvlan and ipvlan networks put no route on the host and
/// shadow nothing; overlays neither.
pub fn held(facts: &Facts) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    let mut known: HashSet<(String, IpNet)> = HashSet::new();
    for network in facts
        .engine_networks()
        .filter(|network| network.driver == "bridge")
    {
        let bridge = network.bridge.clone().unwrap_or_default();
        for subnet in &network.subnets {
            known.insert((bridge.clone(), *subnet));
            let (network, project) = (Some(network.name.clone()), network.project.clone());
            held.push(Held {
                network,
                bridge: bridge.clone(),
                subnet: *subnet,
                project,
            });
        }
    }
    let devices = facts.docker_devices();
    for link in facts
        .kernel
        .links
        .iter()
        .filter(|link| devices.contains(&link.name))
    {
        for subnet in link
            .addresses
            .iter()
            .map(IpNet::trunc)
            .filter(|subnet| !is_link_local(subnet))
        {
            if known.insert((link.name.clone(), subnet)) {
                let network = (link.name == "docker0").then(|| "bridge".to_owned());
                held.push(Held {
                    network,
                    bridge: link.name.clone(),
                    subnet,
                    project: None,
                });
            }
        }
    }
    held.sort_by(|a, b| {
        (!a.is_docker0(), &a.bridge, a.subnet).cmp(&(!b.is_docker0(), &b.bridge, b.subnet))
    });
    held
}

/// Every IPv6 bridge has such an address besides its own.
fn is_link_local(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local())
}

/// The pools new networks come from: of the running engine, else of its command line, of the file,
/// the built-in list.
pub fn pools_in_force(facts: &Facts) -> Vec<AddressPool> {
    if let Some(engine) = &facts.docker.engine {
        return engine.pools.clone().unwrap_or_else(|| BUILT_IN.to_vec());
    }
    match PoolList::of_options(facts.docker.flag("default-address-pool"))
        .or_else(|| list_of_file(facts))
    {
        Some(list) => list.ipv4(),
        None => BUILT_IN.to_vec(),
    }
}

/// The pools daemon.json names, if Docker starts with them.
pub fn pools_of_file(facts: &Facts) -> Option<Vec<AddressPool>> {
    list_of_file(facts)
        .filter(|list| list.faults.is_empty())
        .map(|list| list.ipv4())
}

/// The list of pools in daemon.json, whatever is in it.
pub fn list_of_file(facts: &Facts) -> Option<PoolList> {
    PoolList::of_key(facts.docker.config.keys.get("default-address-pools")?)
}

/// Every clash, the one to act on first.
pub fn assess(facts: &Facts, policy: &Policy) -> Vec<Clash> {
    clashes_with(facts, policy, &wanted(facts, policy))
}

/// The clashes there would be if the operator had not said what to ignore.
pub fn assess_ignored(facts: &Facts, policy: &Policy) -> Vec<Clash> {
    if policy.ignore.is_empty() {
        Vec::new()
    } else {
        clashes_with(facts, policy, &ignored(facts, policy))
    }
}

fn clashes_with(facts: &Facts, policy: &Policy, wanted: &[Wanted]) -> Vec<Clash> {
    let held = held(facts);
    let mut clashes = present(facts, policy, wanted, &held);
    // What a Docker network holds today is a present matter.
    let taken = RangeSet::new(held.iter().filter_map(|held| v4(&held.subnet)));
    clashes.extend(latent(
        facts,
        policy,
        wanted,
        &pools_in_force(facts),
        &taken,
    ));
    clashes.sort_by_cached_key(Clash::urgency);
    without_retold(clashes)
}

/// One call leaves up to three traces: a socket, a neighbour, a flow.
fn without_retold(clashes: Vec<Clash>) -> Vec<Clash> {
    let mut told: HashMap<(IpNet, IpNet), usize> = HashMap::new();
    let mut kept: Vec<Clash> = Vec::with_capacity(clashes.len());
    for clash in clashes {
        let sides = (clash.docker.subnet, clash.with.net);
        if told
            .get(&sides)
            .and_then(|at| kept.get(*at))
            .is_some_and(|earlier| clash.retells(earlier))
        {
            continue;
        }
        told.entry(sides).or_insert(kept.len());
        kept.push(clash);
    }
    kept
}

/// Clashes of the ranges Docker holds now.
fn present(facts: &Facts, policy: &Policy, wanted: &[Wanted], held: &[Held]) -> Vec<Clash> {
    let index = NetIndex::new(held.iter().map(|held| &held.subnet));
    let mut clashes = Vec::new();
    for want in wanted.iter().filter(|want| want.bites_now()) {
        for held in index
            .overlapping(&want.net)
            .filter_map(|place| held.get(place))
        {
            if !overruled_by_pool(policy, want, &held.subnet) {
                let docker = DockerSide {
                    network: held.network.clone(),
                    bridge: Some(held.bridge.clone()),
                    subnet: held.subnet,
                    project: held.project.clone(),
                };
                clashes.push(Clash::present(docker, want, facts));
            }
        }
    }
    clashes
}

/// Whether these pools could ever, also after networks are removed, hand out something wanted.
pub fn pools_clash(facts: &Facts, policy: &Policy, pools: &[AddressPool]) -> bool {
    !latent(
        facts,
        policy,
        &wanted(facts, policy),
        pools,
        &RangeSet::default(),
    )
    .is_empty()
}

/// Clashes of the subnets these pools could still hand out.
fn latent(
    facts: &Facts,
    policy: &Policy,
    wanted: &[Wanted],
    pools: &[AddressPool],
    taken: &RangeSet,
) -> Vec<Clash> {
    let reserved = engine_model::stepped_round(facts, facts.version());
    let pools = engine_model::pools_as_seen(pools, facts.version());
    let bases: Vec<IpNet> = pools.iter().map(|pool| IpNet::V4(pool.base)).collect();
    let index = NetIndex::new(&bases);
    let blocked: Vec<RangeSet> = pools
        .iter()
        .map(|pool| engine_model::reserved_in(pool, &reserved, facts.version()).union(taken))
        .collect();
    let mut clashes = Vec::new();
    for want in wanted {
        let Some(net) = v4(&want.net) else { continue };
        let mut places: Vec<usize> = index.overlapping(&want.net).collect();
        places.sort_unstable();
        let with_blocked = places
            .into_iter()
            .filter_map(|place| Some((pools.get(place)?, blocked.get(place)?)));
        for (pool, blocked) in with_blocked {
            // Of a nameserver the engine knows only what it sees at the moment it picks.
            let blocked = if want.source() == Source::Nameserver {
                taken
            } else {
                blocked
            };
            if overruled_by_pool(policy, want, &IpNet::V4(pool.base)) {
                continue;
            }
            if let Some((subnet, count)) = engine_model::could_hand_out(pool, net, blocked) {
                clashes.push(Clash::latent(IpNet::V4(subnet), count, want, facts));
            }
        }
    }
    clashes
}

/// Whether the operator's own pools overrule this wish: a pool given by hand is good against a
/// *broader* route through a gateway (10.0.0.0/8 via the office router), never against an equal or
/// narrower one, nor on-link ones.
pub fn overruled_by_pool(policy: &Policy, want: &Wanted, subnet: &IpNet) -> bool {
    want.source() == Source::Route
        && want.via().is_some()
        && policy.pools.iter().any(|pool| {
            let base = IpNet::V4(pool.base);
            base.contains(subnet) && want.net.contains(&base) && want.net != base
        })
}

/// The networks that rebridge cannot move with `bip` and pools, among these clashes.
pub fn unmovable(clashes: &[Clash]) -> BTreeSet<String> {
    let others = clashes.iter().filter(|clash| !clash.is_movable());
    others
        .filter_map(|clash| {
            clash
                .docker
                .network
                .clone()
                .or_else(|| clash.docker.bridge.clone())
        })
        .collect()
}

/// The clash to act on first if Docker took each of these subnets.
pub fn clashes_of(facts: &Facts, policy: &Policy, subnets: &[Ipv4Net]) -> Vec<Option<Clash>> {
    let nets: Vec<IpNet> = subnets.iter().copied().map(IpNet::V4).collect();
    let index = NetIndex::new(&nets);
    let mut first: Vec<Option<Clash>> = vec![None; nets.len()];
    for want in wanted(facts, policy) {
        for place in index.overlapping(&want.net) {
            let (Some(net), Some(first)) = (nets.get(place), first.get_mut(place)) else {
                continue;
            };
            if overruled_by_pool(policy, &want, net) {
                continue;
            }
            let clash = Clash::latent(*net, 1, &want, facts);
            if first
                .as_ref()
                .is_none_or(|known| clash.urgency() < known.urgency())
            {
                *first = Some(clash);
            }
        }
    }
    first
}
