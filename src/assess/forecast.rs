//! What Docker will take next, and which of it would clash.

use super::clash::Clash;
use super::{clashes_of, held, pools_in_force, pools_of_file};
use crate::engine_model::allocator::Allocator;
use crate::engine_model::{Version, reserved_by_engine};
use crate::observe::facts::{DockerState, Facts, Network};
use crate::plan::bip_of_file;
use crate::policy::Policy;
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// The next subnets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Version of this shape; 1.
    pub schema: u32,
    /// The engine whose order this is; null means the order of 27 and later.
    pub engine: Option<String>,
    /// Subnets in the pools in force.
    pub capacity: u64,
    /// How many of them it could hand out now.
    pub free: u64,
    /// The next ones, in order; fewer than were asked for means that the pools are used up then.
    pub subnets: Vec<Next>,
    /// The first of them that would clash.
    pub first_clash: Option<IpNet>,
    /// What makes this less than certain.
    pub warnings: Vec<String>,
}

/// One of the next subnets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// The subnet.
    pub subnet: IpNet,
    /// `bridge` where it is docker0's own; null for a network to come.
    pub network: Option<String>,
    /// What it would clash with.
    pub clash: Option<Clash>,
}

/// Foretells the next `count` subnets of the engine that runs, or of this one.
pub fn forecast(facts: &Facts, policy: &Policy, count: usize, engine: Option<&str>) -> Forecast {
    let named = engine.map(str::to_owned);
    let named = named.or_else(|| facts.docker.engine.as_ref().map(|engine| engine.version.clone()));
    let version = named.as_deref().and_then(Version::parse);
    let docker0 = docker0_at_start(facts);
    let mut allocator = Allocator::new(&pools_in_force(facts), version, reserved_by_engine(facts, version));
    for subnet in taken(facts, &docker0) {
        allocator.take(subnet);
    }
    if let Some(last) = last_handed_out(facts) {
        allocator.handed_out_last(last);
    }
    let (capacity, free) = (allocator.capacity(), allocator.free());
    let coming: Vec<Ipv4Net> = std::iter::from_fn(|| allocator.hand_out()).take(count).collect();
    let clashes = clashes_of(facts, policy, &coming).into_iter();
    let mut subnets: Vec<Next> = coming
        .into_iter()
        .zip(clashes)
        .map(|(subnet, clash)| Next { subnet: IpNet::V4(subnet), network: None, clash })
        .collect();
    if let Some(first) = subnets.first_mut().filter(|_| docker0 == AtStart::FromThePools) {
        first.network = Some("bridge".to_owned());
    }
    let first_clash = subnets.iter().find(|next| next.clash.is_some()).map(|next| next.subnet);
    let warnings = warnings(facts, version);
    Forecast { schema: 1, engine: named, capacity, free, subnets, first_clash, warnings }
}

/// What becomes of docker0 before any other network can be made.
#[derive(Debug, PartialEq)]
enum AtStart {
    /// It has its range, or needs none.
    Stays,
    /// It gets the range that `bip` names.
    Bip(Ipv4Net),
    /// It takes the first free subnet of the pools.
    FromThePools,
}

/// A running engine has settled that already. One that starts takes `bip`; where pools are set it makes docker0 anew
/// from them; else it keeps the range docker0 has.
fn docker0_at_start(facts: &Facts) -> AtStart {
    let keys = &facts.docker.config.keys;
    let by_flag = facts.docker.flag("bip").last().and_then(|text| text.parse().ok());
    let other_bridge = keys.contains_key("bridge") || !facts.docker.flag("bridge").is_empty();
    if facts.docker.state == DockerState::Running || other_bridge {
        return AtStart::Stays;
    }
    if let Some(bip) = by_flag.or_else(|| bip_of_file(facts)) {
        return AtStart::Bip(bip.trunc());
    }
    let live_restore = keys.get("live-restore").is_some_and(|value| value == true);
    let pools = pools_of_file(facts).is_some() || !facts.docker.flag("default-address-pool").is_empty();
    let stays = facts.docker0().is_some() && (live_restore || !pools);
    if stays { AtStart::Stays } else { AtStart::FromThePools }
}

/// What Docker's networks hold when the first new one is made.
fn taken(facts: &Facts, docker0: &AtStart) -> Vec<Ipv4Net> {
    let local = facts.engine_networks().filter(|network| network.scope != "swarm");
    let stored = local.flat_map(|network| network.subnets.iter().filter_map(v4));
    let bridges = held(facts).into_iter().filter(|held| *docker0 == AtStart::Stays || !held.is_docker0());
    let mut taken: Vec<Ipv4Net> = stored.chain(bridges.filter_map(|held| v4(&held.subnet))).collect();
    if let AtStart::Bip(subnet) = docker0 {
        taken.push(*subnet);
    }
    taken
}

/// The subnet of the newest network this daemon has made by itself. Networks that it found in its store when it started
/// do not count; the network `bridge` is made at every start and so dates it. Of networks that were made and removed
/// again nothing is known.
fn last_handed_out(facts: &Facts) -> Option<Ipv4Net> {
    let start = facts.engine_networks().find(|network| network.name == "bridge")?;
    let local = facts.engine_networks().filter(|network| network.scope != "swarm");
    // docker0 itself counts unless it was told its range.
    let told = facts.docker.config.keys.contains_key("bip") || !facts.docker.flag("bip").is_empty();
    let since = |network: &&Network| match network.name.as_str() {
        "bridge" => !told,
        _ => network.created.is_some() && network.created >= start.created,
    };
    let newest = local.filter(since).filter(|network| network.subnets.iter().any(|net| v4(net).is_some()));
    newest.max_by(|a, b| a.created.cmp(&b.created))?.subnets.iter().find_map(v4)
}

fn warnings(facts: &Facts, version: Option<Version>) -> Vec<String> {
    let mut warnings = Vec::new();
    if version.is_none() {
        warnings.push(
            "no engine version is known; this is the order of 27 and later (--engine 26.1 for an older one)".to_owned(),
        );
    }
    if facts.docker.state == DockerState::Running && facts.docker.engine.is_none() {
        warnings
            .push("the engine could not be asked: networks without a bridge of their own are missing here".to_owned());
    }
    let survived =
        facts.docker.engine.as_ref().is_some_and(|engine| engine.live_restore && !engine.containers.is_empty());
    if version.is_some_and(|version| version.major < 27) && survived {
        warnings.push(
            "containers survived restarts of this engine (live-restore), so its place in the pools is a guess"
                .to_owned(),
        );
    }
    warnings
}
