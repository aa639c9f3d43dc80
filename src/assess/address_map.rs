//! Who uses what of the address space: what this host needs, what Docker holds, takes next and may
//! take later, and where the two meet. Of facts as they are, or as they will be after a plan.

use super::Assessment;
use super::clash::{Clash, Kind};
use super::forecast::{Next, forecast};
use super::held::Held;
use super::needed::Needed;
use super::sides::NeededSide;
use crate::facts::{AddressPool, Source};
use crate::subnet::{RangeSet, overlap, v4};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// So many of the next subnets are worth a place on a map.
const NEXT: usize = 3;

/// Everything that has a place on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressMap {
    /// What this host needs, by address.
    pub needed: Vec<NeededNetwork>,
    /// What Docker holds and may take: what it holds first.
    pub docker: Vec<DockerRange>,
}

/// A network this host needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeededNetwork {
    /// The network.
    pub net: IpNet,
    /// How we know of it.
    pub source: Source,
    /// The same in words.
    pub what: String,
    /// Whether it is configured and not up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_come: bool,
}

/// A range of Docker's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DockerRange {
    /// The range.
    pub net: IpNet,
    /// Since when, or when.
    pub when: When,
    /// The network's name, or `docker0`; null for what has none yet.
    pub name: Option<String>,
    /// What it clashes with, by address.
    pub clashes: Vec<IpNet>,
    /// The addresses that both claim.
    pub shared: Vec<IpNet>,
    /// Whether relief leads packets past it, for a part of it at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relieved: bool,
}

/// When Docker has a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// A network holds it.
    Now,
    /// One of the next networks gets it.
    Next,
    /// It is a pool that networks to come get their subnets from.
    Later,
}

/// Draws up the map.
pub fn address_map(assessment: &Assessment) -> AddressMap {
    let mut docker: Vec<DockerRange> = assessment
        .held
        .iter()
        .map(|held| held_range(held, &assessment.clashes))
        .collect();
    let docker0 = assessment.docker0_to_come.map(IpNet::V4);
    docker.extend(docker0.map(|subnet| docker0_later(subnet, &assessment.clashes)));
    let coming = forecast(assessment, NEXT, None);
    docker.extend(coming.subnets.into_iter().map(next_range));
    let taken = assessment.taken();
    docker.extend(
        assessment
            .pools_as_seen()
            .into_iter()
            .map(|pool| pool_range(assessment, &pool, &taken)),
    );
    AddressMap {
        needed: needed_networks(assessment),
        docker,
    }
}

fn needed_networks(assessment: &Assessment) -> Vec<NeededNetwork> {
    let mut needed: Vec<NeededNetwork> = assessment
        .needed
        .iter()
        .map(|need| needed_network(need, assessment))
        .collect();
    needed.sort_by_cached_key(|need| (need.net.network(), need.net.prefix_len()));
    // One call leaves several traces; the first of them, which is the clearest, says it all.
    needed.dedup_by(|one, earlier| {
        let same = (one.source, &one.what) == (earlier.source, &earlier.what);
        one.net == earlier.net && (same || one.source.is_a_trace() && earlier.source.is_a_trace())
    });
    needed
}

fn needed_network(need: &Needed, assessment: &Assessment) -> NeededNetwork {
    NeededNetwork {
        net: need.net.trunc(),
        source: need.source(),
        what: NeededSide::of(need, None, assessment.facts).about(),
        to_come: need.is_to_come(),
    }
}

fn held_range(held: &Held, clashes: &[Clash]) -> DockerRange {
    let over = clashes.iter().filter(|clash| {
        let is_there = clash.kind == Kind::Present || clash.is_over_a_file();
        is_there && clash.docker.subnet == held.subnet
    });
    let over: Vec<&Clash> = over.collect();
    let mut present = over.iter().filter(|clash| clash.kind == Kind::Present);
    let relieved = over.iter().any(|clash| clash.relieved)
        && present.all(|clash| clash.relieved && clash.led_astray.is_empty());
    let clashes = nets(over.iter().map(|clash| clash.with.net));
    DockerRange {
        relieved,
        net: held.subnet,
        when: When::Now,
        name: Some(held.label().to_owned()),
        shared: shared_with(&held.subnet, &clashes),
        clashes,
    }
}

/// docker0 as it will be once Docker starts again.
fn docker0_later(subnet: IpNet, clashes: &[Clash]) -> DockerRange {
    let over = clashes.iter().filter(|clash| {
        clash.kind == Kind::Latent && clash.is_docker0() && clash.docker.subnet == subnet
    });
    let clashes = nets(over.map(|clash| clash.with.net));
    DockerRange {
        relieved: false,
        net: subnet,
        when: When::Next,
        name: Some("docker0".to_owned()),
        shared: shared_with(&subnet, &clashes),
        clashes,
    }
}

fn next_range(next: Next) -> DockerRange {
    let clashes = nets(next.clash.iter().map(|clash| clash.with.net));
    DockerRange {
        relieved: false,
        net: next.subnet,
        when: When::Next,
        name: next.network.map(|_| "docker0".to_owned()),
        shared: shared_with(&next.subnet, &clashes),
        clashes,
    }
}

/// A pool, with what of it the engine could really assign over something needed: not what it steps
/// round, and not what its networks hold, which is a matter of today.
fn pool_range(assessment: &Assessment, pool: &AddressPool, taken: &RangeSet) -> DockerRange {
    let net = IpNet::V4(pool.base);
    let blocked = assessment.blocked_in(pool, taken);
    let over: Vec<&Clash> = assessment
        .clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Latent && !clash.is_docker0())
        .filter(|clash| !clash.is_over_a_file())
        .filter(|clash| net.contains(&clash.docker.subnet))
        .collect();
    DockerRange {
        relieved: false,
        net,
        when: When::Later,
        name: None,
        clashes: nets(over.iter().map(|clash| clash.with.net)),
        shared: nets(over.iter().flat_map(|clash| {
            // Of a nameserver the engine knows only what it sees at the moment it picks.
            let blocked = match clash.with.source {
                Source::Nameserver => taken,
                _ => &blocked,
            };
            shared_in_pool(pool, &clash.with.net, blocked)
        })),
    }
}

fn shared_in_pool(pool: &AddressPool, needed: &IpNet, blocked: &RangeSet) -> Vec<IpNet> {
    let part = v4(needed).and_then(|needed| pool.part_within(needed));
    let pieces = part.map(|part| blocked.carve(part, pool.size));
    pieces
        .into_iter()
        .flatten()
        .filter_map(|piece| common(needed, &IpNet::V4(piece)))
        .collect()
}

fn shared_with(subnet: &IpNet, clashes: &[IpNet]) -> Vec<IpNet> {
    clashes
        .iter()
        .filter_map(|net| common(net, subnet))
        .collect()
}

/// What two networks share: the narrower of them, or nothing.
fn common(a: &IpNet, b: &IpNet) -> Option<IpNet> {
    overlap(a, b).then(|| {
        if a.prefix_len() >= b.prefix_len() {
            a.trunc()
        } else {
            b.trunc()
        }
    })
}

fn nets(nets: impl Iterator<Item = IpNet>) -> Vec<IpNet> {
    let nets: BTreeSet<IpNet> = nets.collect();
    nets.into_iter().collect()
}
