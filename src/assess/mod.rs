//! Second stage: who wants which network, which Docker range lies over it, and how we know. Pure: facts and
//! policy in, clashes out. `check`, the planner and verify all ask here, so "fixed" means the same to each.

pub mod clash;
pub mod wanted;

use crate::engine_model::{self, AddressPool, BUILT_IN, pools};
use crate::observe::facts::Facts;
use crate::policy::Policy;
use crate::subnet::{RangeSet, overlap, v4};
use clash::{Clash, DockerSide, Kind};
use ipnet::IpNet;
use std::collections::BTreeSet;
use wanted::{Source, Wanted};

/// A range Docker holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The network's name; none for a bridge whose engine cannot be asked.
    pub network: Option<String>,
    /// Its interface.
    pub bridge: String,
    /// Its subnet.
    pub subnet: IpNet,
}

impl Held {
    /// Whether this is docker0, the one bridge that daemon.json moves.
    pub fn is_docker0(&self) -> bool {
        self.bridge == "docker0"
    }
}

/// The ranges Docker's bridges hold: what the kernel has on them, and what the engine says of them.
///
/// The kernel counts first (it is the kernel that swallows packets), the engine adds names and networks whose bridge
/// has no address. macvlan and ipvlan networks put no route on the host and shadow nothing; overlays neither.
pub fn held(facts: &Facts) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    for network in facts.engine_networks().filter(|network| network.driver == "bridge") {
        let bridge = network.bridge.clone().unwrap_or_default();
        held.extend(network.subnets.iter().map(|subnet| Held {
            network: Some(network.name.clone()),
            bridge: bridge.clone(),
            subnet: *subnet,
        }));
    }
    let devices = facts.docker_devices();
    for link in facts.kernel.links.iter().filter(|link| devices.contains(&link.name)) {
        for address in &link.addresses {
            let subnet = address.trunc();
            if !held.iter().any(|known| known.bridge == link.name && known.subnet == subnet) {
                let network = (link.name == "docker0").then(|| "bridge".to_owned());
                held.push(Held { network, bridge: link.name.clone(), subnet });
            }
        }
    }
    held.sort_by(|a, b| (!a.is_docker0(), &a.bridge, a.subnet).cmp(&(!b.is_docker0(), &b.bridge, b.subnet)));
    held
}

/// The pools new networks come from: of the running engine, else of the file, else the built-in list.
pub fn pools_in_force(facts: &Facts) -> Vec<AddressPool> {
    match &facts.docker.engine {
        Some(engine) => engine.pools.clone().unwrap_or_else(|| BUILT_IN.to_vec()),
        None => pools_of_file(facts).unwrap_or_else(|| BUILT_IN.to_vec()),
    }
}

/// The pools daemon.json names.
pub fn pools_of_file(facts: &Facts) -> Option<Vec<AddressPool>> {
    pools::pools_from_value(facts.docker.config.keys.get("default-address-pools")?)
}

/// Every clash, present ones first.
pub fn assess(facts: &Facts, policy: &Policy) -> Vec<Clash> {
    let wanted = wanted::wanted(facts, policy);
    let mut clashes = present(facts, policy, &wanted);
    clashes.extend(latent(facts, policy, &wanted, &pools_in_force(facts)));
    clashes
}

/// Clashes of the ranges Docker holds now.
fn present(facts: &Facts, policy: &Policy, wanted: &[Wanted]) -> Vec<Clash> {
    let mut clashes = Vec::new();
    for held in held(facts) {
        for want in wanted.iter().filter(|want| overlap(&want.net, &held.subnet)) {
            if !vouched(policy, want, &held.subnet) && !want.served_by(&held) {
                let docker = DockerSide {
                    network: held.network.clone(),
                    bridge: Some(held.bridge.clone()),
                    subnet: held.subnet,
                };
                clashes.push(Clash::new(Kind::Present, docker, want, 1));
            }
        }
    }
    clashes
}

/// Clashes of the subnets these pools could still hand out. What a Docker network holds today is a present matter.
fn latent(facts: &Facts, policy: &Policy, wanted: &[Wanted], pools: &[AddressPool]) -> Vec<Clash> {
    let taken = RangeSet::new(held(facts).iter().filter_map(|held| v4(&held.subnet)));
    future(facts, policy, wanted, pools, &taken)
}

/// Whether these pools could ever, also after networks are removed, hand out something wanted.
pub fn pools_clash(facts: &Facts, policy: &Policy, pools: &[AddressPool]) -> bool {
    let wanted = wanted::wanted(facts, policy);
    !future(facts, policy, &wanted, pools, &RangeSet::default()).is_empty()
}

fn future(facts: &Facts, policy: &Policy, wanted: &[Wanted], pools: &[AddressPool], taken: &RangeSet) -> Vec<Clash> {
    let reserved = engine_model::reserved_by_engine(facts, facts.version());
    let mut clashes = Vec::new();
    for want in wanted {
        let Some(net) = v4(&want.net) else { continue };
        for pool in pools.iter().filter(|pool| !vouched(policy, want, &IpNet::V4(pool.base))) {
            if let Some((subnet, more)) = engine_model::could_hand_out(pool, net, &reserved, taken) {
                let docker = DockerSide { network: None, bridge: None, subnet: IpNet::V4(subnet) };
                clashes.push(Clash::new(Kind::Latent, docker, want, more));
            }
        }
    }
    clashes
}

/// Whether the operator's own pools overrule this wish: a pool given by hand is good against a *broader* route
/// through a gateway (10.0.0.0/8 via the office router), never against an equal or narrower one, nor on-link ones.
pub fn vouched(policy: &Policy, want: &Wanted, subnet: &IpNet) -> bool {
    want.source == Source::Route
        && want.via.is_some()
        && policy.pools.iter().any(|pool| {
            let base = IpNet::V4(pool.base);
            base.contains(subnet) && want.net.contains(&base) && want.net != base
        })
}

/// The networks whose subnets rebridge cannot move with daemon.json, among these clashes.
pub fn unmovable(clashes: &[Clash]) -> BTreeSet<String> {
    let others = clashes.iter().filter(|clash| clash.kind == Kind::Present && !clash.is_docker0());
    others.filter_map(|clash| clash.docker.network.clone().or_else(|| clash.docker.bridge.clone())).collect()
}
