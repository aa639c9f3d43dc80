//! Who uses what of the address space: what this host needs, what Docker holds, takes next and may
//! take later, and where the two meet. Of facts as they are, or as they will be after a plan.

use super::clash::{Clash, Kind};
use super::forecast::{Next, forecast};
use super::sides::WantedSide;
use super::wanted::{Wanted, wanted};
use super::{assess, held, pools_in_force};
use crate::engine_model::{pools_as_seen, reserved_in, stepped_round};
use crate::facts::{AddressPool, Facts, Source};
use crate::policy::Policy;
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
}

impl DockerRange {
    /// docker0 on a range that is clear.
    pub fn docker0(net: IpNet) -> DockerRange {
        DockerRange {
            net,
            when: When::Now,
            name: Some("docker0".to_owned()),
            clashes: Vec::new(),
            shared: Vec::new(),
        }
    }
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

/// Draws up the chart.
pub fn address_map(facts: &Facts, policy: &Policy) -> AddressMap {
    let all = wanted(facts, policy);
    let clashes = assess(facts, policy);
    let mut docker = held_now(facts, &clashes);
    docker.extend(next(facts, policy));
    docker.extend(pools(facts, &clashes));
    AddressMap {
        needed: needs(facts, &all),
        docker,
    }
}

fn needs(facts: &Facts, all: &[Wanted]) -> Vec<NeededNetwork> {
    let mut needed: Vec<NeededNetwork> = all
        .iter()
        .map(|want| {
            let side = WantedSide::of(want, None, facts);
            let words = side.describe();
            let what = words
                .split_once([',', ':'])
                .map_or("", |(_, what)| what.trim_start());
            let what = what.strip_prefix("the ").unwrap_or(what).to_owned();
            NeededNetwork {
                net: want.net.trunc(),
                source: want.source(),
                what,
            }
        })
        .collect();
    needed.sort_by_cached_key(|need| (need.net.network(), need.net.prefix_len()));
    // One call leaves several traces; the first of them, which is the clearest, says it all.
    let trace = |need: &NeededNetwork| {
        matches!(
            need.source,
            Source::Neighbour | Source::Connection | Source::Ssh
        )
    };
    needed.dedup_by(|one, earlier| {
        let same = (one.source, &one.what) == (earlier.source, &earlier.what);
        one.net == earlier.net && (same || trace(one) && trace(earlier))
    });
    needed
}

fn held_now(facts: &Facts, clashes: &[Clash]) -> Vec<DockerRange> {
    let take = |held: super::Held| {
        let its_own =
            |clash: &&Clash| clash.docker.subnet == held.subnet && clash.docker.bridge.is_some();
        let clashes = nets(clashes.iter().filter(its_own).map(|clash| clash.with.net));
        let name = if held.is_docker0() {
            Some(held.bridge)
        } else {
            held.network.or(Some(held.bridge))
        };
        let shared = clashes
            .iter()
            .filter_map(|net| common(net, &held.subnet))
            .collect();
        DockerRange {
            net: held.subnet,
            when: When::Now,
            name,
            clashes,
            shared,
        }
    };
    held(facts).into_iter().map(take).collect()
}

fn next(facts: &Facts, policy: &Policy) -> Vec<DockerRange> {
    let coming = forecast(facts, policy, NEXT, None).subnets.into_iter();
    let take = |next: Next| {
        let clashes = nets(next.clash.iter().map(|clash| clash.with.net));
        let shared = clashes
            .iter()
            .filter_map(|net| common(net, &next.subnet))
            .collect();
        DockerRange {
            net: next.subnet,
            when: When::Next,
            name: next.network.map(|_| "docker0".to_owned()),
            clashes,
            shared,
        }
    };
    coming.map(take).collect()
}

/// The pools, with what of them the engine could really hand out over something needed: not what it
/// steps round, and not what its networks hold, which is a matter of today.
fn pools(facts: &Facts, clashes: &[Clash]) -> Vec<DockerRange> {
    let taken = RangeSet::new(held(facts).iter().filter_map(|held| v4(&held.subnet)));
    let reserved = stepped_round(facts, facts.version());
    let take = |pool: AddressPool| {
        let net = IpNet::V4(pool.base);
        let latent =
            |clash: &&Clash| clash.kind == Kind::Latent && net.contains(&clash.docker.subnet);
        let blocked = reserved_in(&pool, &reserved, facts.version()).union(&taken);
        let shared = clashes.iter().filter(latent).flat_map(|clash| {
            // Of a nameserver the engine knows only what it sees at the moment it picks.
            let blocked = if clash.with.source == Source::Nameserver {
                &taken
            } else {
                &blocked
            };
            let part = v4(&clash.with.net).and_then(|wanted| pool.part_within(wanted));
            let pieces = part
                .map(|part| blocked.carve(part, pool.size))
                .unwrap_or_default()
                .into_iter();
            pieces.filter_map(|piece| common(&clash.with.net, &IpNet::V4(piece)))
        });
        let shared = nets(shared);
        let clashes = nets(clashes.iter().filter(latent).map(|clash| clash.with.net));
        DockerRange {
            net,
            when: When::Later,
            name: None,
            clashes,
            shared,
        }
    };
    pools_as_seen(&pools_in_force(facts), facts.version())
        .into_iter()
        .map(take)
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
