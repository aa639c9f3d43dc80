//! The one judgement, made once per look at a host.

use super::clash::Clash;
use super::configured::configured;
use super::detour::Lost;
use super::held::{Held, held};
use super::kernel::{Kernel, Range};
use super::needed::{Needed, needed};
use super::overlay_slice;
use super::sides::DockerSide;
use super::traffic::{StaleCall, Traffic};
use super::who_loses::Loss;
use crate::engine_model::{self, state};
use crate::facts::pools::PoolList;
use crate::facts::{AddressPool, BUILT_IN, Facts, Network, Source, Version};
use crate::policy::Policy;
use crate::subnet::{NetIndex, RangeSet, overlap, v4};
use ipnet::{IpNet, Ipv4Net};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// What these facts mean under this policy. Everything later takes this and nothing else; "before"
/// and "after" are two of them.
#[derive(Debug)]
pub struct Assessment<'a> {
    pub facts: &'a Facts,
    pub policy: &'a Policy,
    /// The engine's version; none where it cannot be asked.
    pub version: Option<Version>,
    /// The networks this host needs, in a fixed order, without those to be ignored.
    pub needed: Vec<Needed<'a>>,
    /// The ranges Docker holds, docker0 first.
    pub held: Vec<Held>,
    /// The pools new networks come from.
    pub pools: Vec<AddressPool>,
    /// Whether daemon.json names pools, whatever they are.
    names_pools: bool,
    /// The IPv4 pools that daemon.json names, if Docker starts with them.
    pub pools_of_file: Option<Vec<AddressPool>>,
    /// What the engine steps round by itself when it picks a subnet.
    pub stepped_round: BTreeSet<Ipv4Net>,
    /// The routes among it.
    routes_in_use: BTreeSet<Ipv4Net>,
    /// Calls into Docker's own ranges that say nothing about servers outside.
    pub stale_calls: Vec<StaleCall>,
    /// The range docker0 gets at Docker's next start, where that is not the one it has.
    pub docker0_to_come: Option<Ipv4Net>,
    /// Who wins where ranges meet.
    pub kernel: Kernel<'a>,
    /// Every clash, the one to act on first.
    pub clashes: Vec<Clash>,
    /// The clashes there would be if the operator had not said what to ignore.
    pub ignored: Vec<Clash>,
}

impl<'a> Assessment<'a> {
    pub fn of(facts: &'a Facts, policy: &'a Policy) -> Assessment<'a> {
        let devices = facts.docker_devices();
        let version = facts.version();
        let held = held(facts, &devices);
        let traffic = Traffic::of(facts, &devices, &held);
        let list = list_of_file(facts);
        let pools = pools_in_force(facts, list.as_ref());
        let mut met = traffic.needed;
        met.extend(configured(facts, &devices, &held, &pools));
        let (needed, ignored) = needed(facts, policy, &devices, met);
        let mut assessment = Assessment {
            facts,
            policy,
            version,
            needed,
            held,
            pools,
            names_pools: list.is_some(),
            pools_of_file: list
                .filter(|list| list.faults.is_empty())
                .map(|list| list.ipv4()),
            stepped_round: engine_model::stepped_round(facts, version),
            routes_in_use: engine_model::routes_in_use(facts, version),
            stale_calls: traffic.stale,
            docker0_to_come: engine_model::docker0_to_come(facts, version),
            kernel: Kernel::of(facts, &devices),
            clashes: Vec::new(),
            ignored: Vec::new(),
        };
        assessment.clashes = assessment.clashes_with(&assessment.needed);
        assessment.ignored = assessment.clashes_with(&ignored);
        assessment
    }

    fn clashes_with(&self, needed: &[Needed<'a>]) -> Vec<Clash> {
        if needed.is_empty() {
            return Vec::new();
        }
        let mut clashes = self.present(needed);
        clashes.extend(self.docker0_later(needed));
        clashes.extend(self.stored_later(needed));
        // What a Docker network holds today is a present matter, or none.
        clashes.extend(self.latent(needed, &self.pools, &self.stored_v4()));
        clashes.sort_by_cached_key(Clash::urgency);
        let clashes = without_retold(clashes);
        // What you overrule by hand does not speak for a server inside it.
        match self.policy.pools.is_empty() {
            true => without_covered(clashes),
            false => clashes,
        }
    }

    /// What Docker's networks hold of IPv4.
    pub fn taken(&self) -> RangeSet {
        RangeSet::new(self.held.iter().filter_map(|held| v4(&held.subnet)))
    }

    /// The same, and what its networks without a bridge on this host hold: macvlan and the like.
    pub fn stored_v4(&self) -> RangeSet {
        let local = state::networks_in_the_pools(self.facts);
        let stored = local.flat_map(|network| network.subnets.iter().filter_map(v4));
        RangeSet::new(stored).union(&self.taken())
    }

    /// What the engine steps round, as one set.
    pub fn reserved(&self) -> RangeSet {
        RangeSet::new(self.stepped_round.iter().copied())
    }

    /// What the engine steps round in one pool, and what its networks hold there.
    pub fn blocked_in(&self, pool: &AddressPool, taken: &RangeSet) -> RangeSet {
        engine_model::reserved_in(pool, &self.stepped_round, self.version).union(taken)
    }

    /// The pools in force as this engine sees them.
    pub fn pools_as_seen(&self) -> Vec<AddressPool> {
        engine_model::pools_as_seen(&self.pools, self.version)
    }

    /// Whether the pools in force are the list built into Docker.
    pub fn pools_are_built_in(&self) -> bool {
        match &self.facts.docker.engine {
            Some(engine) => engine.pools.is_none(),
            None => !self.names_pools && self.facts.docker.flag("default-address-pool").is_empty(),
        }
    }

    /// Everything needed of IPv4, as one set.
    pub fn needed_v4(&self) -> RangeSet {
        RangeSet::new(self.needed.iter().filter_map(|need| v4(&need.net)))
    }

    /// Whether these pools could ever, also after networks are removed, assign a subnet over one of
    /// these needs.
    pub fn pools_clash(&self, pools: &[AddressPool], needed: &[Needed<'a>]) -> bool {
        !self.latent(needed, pools, &RangeSet::default()).is_empty()
    }

    /// The needs over which this pool could ever assign a subnet.
    pub fn in_the_way_of_pool(&self, pool: AddressPool, needed: &[Needed<'a>]) -> Vec<Ipv4Net> {
        let clashes = self.latent(needed, &[pool], &RangeSet::default());
        clashes
            .iter()
            .filter_map(|clash| v4(&clash.with.net))
            .collect()
    }

    /// Whether something is lost over one of these needs when Docker has this range.
    pub fn loses_with(&self, range: Ipv4Net, needed: &[Needed<'a>]) -> bool {
        let subnet = IpNet::V4(range);
        needed
            .iter()
            .filter(|need| overlap(&need.net, &subnet) && !self.overruled_by_pool(need, &subnet))
            .any(|need| self.lost_to(subnet, need).is_some())
    }

    /// Whether the operator's own pools overrule this need: a pool given by hand is good against a
    /// *broader* route through a gateway (10.0.0.0/8 via the office router), never against an equal
    /// or narrower one, nor on-link ones.
    pub fn overruled_by_pool(&self, need: &Needed, subnet: &IpNet) -> bool {
        need.is_behind_a_gateway()
            && self.policy.pools.iter().any(|pool| {
                let base = IpNet::V4(pool.base);
                base.contains(subnet) && need.net.contains(&base) && need.net != base
            })
    }

    /// Clashes of the ranges Docker holds now.
    fn present(&self, needed: &[Needed<'a>]) -> Vec<Clash> {
        let lost = self.lost_of(needed).into_iter();
        lost.map(|lost| {
            let side = DockerSide::of(lost.held);
            match lost.need.is_to_come() {
                true => Clash::once_up(side, lost.need, lost.loss, self.facts),
                false => Clash::present(side, lost.need, lost.loss, self.facts),
            }
        })
        .collect()
    }

    /// What is lost now to the ranges Docker holds, and who loses it.
    pub fn lost_now(&self) -> Vec<Lost<'_, 'a>> {
        let mut lost = self.lost_of(&self.needed);
        lost.retain(|lost| !lost.need.is_to_come());
        lost
    }

    fn lost_of<'s>(&'s self, needed: &'s [Needed<'a>]) -> Vec<Lost<'s, 'a>> {
        let index = NetIndex::new(self.held.iter().map(|held| &held.subnet));
        let mut all = Vec::new();
        for need in needed.iter().filter(|need| need.bites_now()) {
            let places = index.overlapping(&need.net);
            for held in places.filter_map(|place| self.held.get(place)) {
                if self.overruled_by_pool(need, &held.subnet)
                    || !held.can_hide(need)
                    || overlay_slice::is_of_its_tunnel(need, &held.subnet, self.facts)
                {
                    continue;
                }
                let range = Range {
                    subnet: held.subnet,
                    bridge: Some(&held.bridge),
                };
                if let Some(loss) = self.kernel.who_loses(&range, need) {
                    all.push(Lost { held, need, loss });
                }
            }
        }
        all
    }

    /// What is lost when Docker gets this range.
    pub(super) fn lost_to(&self, subnet: IpNet, need: &Needed<'a>) -> Option<Loss<'a>> {
        let range = Range {
            subnet,
            bridge: None,
        };
        self.kernel.who_loses(&range, need)
    }

    /// Clashes of the range that docker0 has only once Docker starts again.
    fn docker0_later(&self, needed: &[Needed<'a>]) -> Vec<Clash> {
        let Some(subnet) = self.docker0_to_come.map(IpNet::V4) else {
            return Vec::new();
        };
        needed
            .iter()
            .filter(|need| overlap(&need.net, &subnet))
            .filter(|need| !self.overruled_by_pool(need, &subnet))
            .filter(|need| !overlay_slice::is_of_its_tunnel(need, &subnet, self.facts))
            .filter_map(|need| {
                let loss = self.lost_to(subnet, need)?;
                let side = DockerSide::docker0(subnet);
                Some(Clash::later(side, need, loss, self.facts))
            })
            .collect()
    }

    /// Clashes of the other networks that Docker re-creates when it starts.
    fn stored_later(&self, needed: &[Needed<'a>]) -> Vec<Clash> {
        let to_come: Vec<DockerSide> = stored_bridges(self.facts)
            .filter(|side| self.held.iter().all(|held| held.subnet != side.subnet))
            .collect();
        let index = NetIndex::new(to_come.iter().map(|side| &side.subnet));
        let mut clashes = Vec::new();
        for need in needed {
            let over = index.overlapping(&need.net);
            for side in over.filter_map(|place| to_come.get(place)) {
                if self.overruled_by_pool(need, &side.subnet) {
                    continue;
                }
                if let Some(loss) = self.lost_to(side.subnet, need) {
                    clashes.push(Clash::later(side.clone(), need, loss, self.facts));
                }
            }
        }
        clashes
    }

    /// Clashes of the subnets these pools could still hand out.
    fn latent(&self, needed: &[Needed<'a>], pools: &[AddressPool], taken: &RangeSet) -> Vec<Clash> {
        let pools = engine_model::pools_as_seen(pools, self.version);
        let bases: Vec<IpNet> = pools.iter().map(|pool| IpNet::V4(pool.base)).collect();
        let index = NetIndex::new(&bases);
        let blocked: Vec<RangeSet> = pools
            .iter()
            .map(|pool| self.blocked_in(pool, taken))
            .collect();
        let all = OnceCell::new();
        let mut clashes = Vec::new();
        for need in needed {
            let Some(net) = v4(&need.net) else { continue };
            let mut places: Vec<usize> = index.overlapping(&need.net).collect();
            places.sort_unstable();
            for (pool, blocked) in places
                .into_iter()
                .filter_map(|place| Some((pools.get(place)?, blocked.get(place)?)))
            {
                // A nameserver counts for the engine only while it sees it; the link it is on stays.
                let without_nameservers;
                let blocked = match need.source() {
                    Source::Nameserver => {
                        let routes = &self.routes_in_use;
                        let reserved = engine_model::reserved_in(pool, routes, self.version);
                        without_nameservers = reserved.union(taken);
                        &without_nameservers
                    }
                    _ => blocked,
                };
                if self.overruled_by_pool(need, &IpNet::V4(pool.base)) {
                    continue;
                }
                let Some((subnet, count)) = engine_model::could_hand_out(pool, net, blocked) else {
                    continue;
                };
                // Where a narrower need decides over the first subnet, look behind it.
                let behind = || {
                    let all = all.get_or_init(|| NetIndex::new(needed.iter().map(|one| &one.net)));
                    let decided = blocked.union(&inside(needed, all, net));
                    let (subnet, count) = engine_model::could_hand_out(pool, net, &decided)?;
                    Some((subnet, count, self.lost_to(IpNet::V4(subnet), need)?))
                };
                let first = self.lost_to(IpNet::V4(subnet), need);
                let lost = first.map(|loss| (subnet, count, loss)).or_else(behind);
                if let Some((subnet, count, loss)) = lost {
                    let subnet = IpNet::V4(subnet);
                    clashes.push(Clash::latent(subnet, count, need, loss, self.facts));
                }
            }
        }
        clashes
    }

    /// The clash to act on first if Docker took each of these subnets.
    pub fn clashes_of(&self, subnets: &[Ipv4Net]) -> Vec<Option<Clash>> {
        let nets: Vec<IpNet> = subnets.iter().copied().map(IpNet::V4).collect();
        let index = NetIndex::new(&nets);
        let mut first: Vec<Option<Clash>> = vec![None; nets.len()];
        for need in &self.needed {
            for place in index.overlapping(&need.net) {
                let (Some(net), Some(first)) = (nets.get(place), first.get_mut(place)) else {
                    continue;
                };
                if self.overruled_by_pool(need, net) {
                    continue;
                }
                let Some(loss) = self.lost_to(*net, need) else {
                    continue;
                };
                let clash = Clash::latent(*net, 1, need, loss, self.facts);
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
}

/// The needs inside a network that are narrower than it.
fn inside(needed: &[Needed], all: &NetIndex, net: Ipv4Net) -> RangeSet {
    let about = IpNet::V4(net);
    let places = all.overlapping(&about);
    let others = places.filter_map(|place| v4(&needed.get(place)?.net));
    RangeSet::new(others.filter(|other| net.contains(other) && *other != net))
}

/// The stored networks with a bridge, without docker0's, which Docker makes by its settings.
fn stored_bridges(facts: &Facts) -> impl Iterator<Item = DockerSide> {
    let stored = facts.docker.stored.iter().flatten();
    let bridges = stored.filter(|network| network.driver == "bridge" && network.name != "bridge");
    let on_a_lan = |network: &&Network| {
        let bridge = network.bridge.as_deref();
        bridge.is_some_and(|bridge| facts.is_the_operators(bridge))
    };
    let bridges = bridges.filter(move |network| !on_a_lan(network));
    bridges.flat_map(|network| {
        network
            .subnets
            .iter()
            .map(|net| DockerSide::stored(network, *net))
    })
}

/// The pools new networks come from: of the running engine, else of its command line, of the file,
/// the built-in list.
fn pools_in_force(facts: &Facts, of_file: Option<&PoolList>) -> Vec<AddressPool> {
    if let Some(engine) = &facts.docker.engine {
        return engine.pools.clone().unwrap_or_else(|| BUILT_IN.to_vec());
    }
    let of_flags = PoolList::of_options(facts.docker.flag("default-address-pool"));
    match of_flags.as_ref().or(of_file) {
        Some(list) => list.ipv4(),
        None => BUILT_IN.to_vec(),
    }
}

fn list_of_file(facts: &Facts) -> Option<PoolList> {
    PoolList::of_key(facts.docker.config.keys.get("default-address-pools")?)
}

/// One call leaves up to three traces: a socket, a neighbour, a flow. The first says it all.
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

/// Without what files name inside something that clashes with the same range anyway: what is up and
/// what is configured, or what two files name, is one clash.
fn without_covered(clashes: Vec<Clash>) -> Vec<Clash> {
    type Side = (Option<String>, Option<String>);
    let mut told: HashMap<Side, Vec<IpNet>> = HashMap::new();
    let mut kept = Vec::with_capacity(clashes.len());
    for clash in clashes {
        let side = (clash.docker.network.clone(), clash.docker.bridge.clone());
        let told = told.entry(side).or_default();
        let configured = clash.with.source == Source::Configured;
        if configured && told.iter().any(|net| net.contains(&clash.with.net)) {
            continue;
        }
        if !clash.is_suspected() {
            told.push(clash.with.net);
        }
        kept.push(clash);
    }
    kept
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
