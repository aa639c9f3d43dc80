//! What Docker will take next, and which of it would clash.

use super::Assessment;
use super::clash::Clash;
use crate::engine_model::state::allocator_state;
use crate::facts::{DockerState, Facts, Version};
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// The next subnets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Next {
    /// The subnet.
    pub subnet: IpNet,
    /// `bridge` where it is docker0's own; null for a network to come.
    pub network: Option<String>,
    /// What it would clash with.
    pub clash: Option<Clash>,
}

/// The next `count` subnets of the engine that runs, else of the one that starts next, or of this
/// one.
pub fn forecast(assessment: &Assessment, count: usize, engine: Option<&str>) -> Forecast {
    let facts = assessment.facts;
    let named = engine.or(facts.version_text()).map(str::to_owned);
    let version = named.as_deref().and_then(Version::parse);
    let bridges: Vec<Ipv4Net> = assessment
        .held
        .iter()
        .filter(|held| !held.is_docker0())
        .filter_map(|held| v4(&held.subnet))
        .collect();
    let state = allocator_state(
        facts,
        version.unwrap_or(Version::NEWEST),
        &assessment.pools,
        &bridges,
    );
    let mut allocator = state.allocator;
    let (capacity, free) = (allocator.capacity(), allocator.free());
    let docker0 = if state.docker0_first && count > 0 {
        allocator.docker0()
    } else {
        None
    };
    let after = count - usize::from(docker0.is_some());
    let coming: Vec<Ipv4Net> = docker0.into_iter().chain(allocator.take(after)).collect();
    let subnets: Vec<Next> = coming
        .iter()
        .zip(assessment.clashes_of(&coming))
        .enumerate()
        .map(|(at, (subnet, clash))| Next {
            subnet: IpNet::V4(*subnet),
            network: (at == 0 && docker0.is_some()).then(|| "bridge".to_owned()),
            clash,
        })
        .collect();
    Forecast {
        schema: 1,
        engine: named,
        capacity,
        free,
        first_clash: subnets
            .iter()
            .find(|next| next.clash.is_some())
            .map(|next| next.subnet),
        subnets,
        warnings: warnings(facts, version, state.certain),
    }
}

fn warnings(facts: &Facts, version: Option<Version>, certain: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if version.is_none() {
        warnings.push(
            "no engine version is known; this is the order of 27 and later (`forecast --engine \
             26.1` tells that of an older one)"
                .to_owned(),
        );
    }
    if facts.docker.state == DockerState::Running && facts.docker.engine.is_none() {
        warnings.push(
            "the engine could not be asked: networks without a bridge of their own are \
                   missing here"
                .to_owned(),
        );
    }
    if !certain {
        warnings.push(
            "which networks this engine has made and removed since it started is not known, and its place in the pools \
             with it; the order may be another"
                .to_owned(),
        );
    }
    warnings
}
