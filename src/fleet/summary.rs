//! What is kept of a host once its facts are gone: enough to choose a range for all.

use crate::assess::Assessment;
use crate::assess::clash::Kind;
use crate::assess::needed::Needed;
use crate::facts::{AddressPool, DockerState, Facts, Link, RouteKind, Source};
use crate::plan::choose::stored;
use crate::plan::favoured::Marks;
use crate::plan::{free_space, wanted};
use crate::subnet::v4;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Where a host's facts come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub group: Option<String>,
    /// The file, and the line where it has many.
    pub source: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub name: String,
    pub group: Option<String>,
    pub source: String,
    pub taken_at: Option<String>,
    pub state: State,
    pub docker: DockerState,
    pub version: Option<String>,
    pub docker0: Option<Ipv4Net>,
    pub needs: Vec<Need>,
    /// What Docker's networks hold, docker0 aside.
    pub stored: Vec<Ipv4Net>,
    pub ranges: Vec<Range>,
    /// The pools in force, unless they are the built-in list.
    pub pools: Option<Vec<AddressPool>>,
    /// By which others reach this host, with its prefix.
    pub addresses: Vec<Ipv4Net>,
    pub marks: Marks,
    /// What ought to stand in daemon.json, if nothing clashes.
    pub wanted: Map<String, Value>,
    pub roams: bool,
}

/// What clashes on a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing.
    #[default]
    Clear,
    /// Nothing yet: Docker's pools could hand the range out.
    Latent,
    /// Something, now.
    Present,
}

/// An IPv4 network the host needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub net: Ipv4Net,
    pub source: Source,
    /// A route through a gateway.
    pub by_gateway: bool,
}

/// A range of Docker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// What Docker holds, or a pool it may hand out.
    pub net: Ipv4Net,
    /// The network; none for a pool.
    pub name: Option<String>,
    /// The parts of it whose packets go into Docker's bridge, or would. An address of another host in
    /// one of them is hidden.
    pub open: Vec<Ipv4Net>,
}

impl Summary {
    pub fn of(named: Named, assessment: &Assessment) -> Summary {
        let facts = assessment.facts;
        let needs: Vec<Need> = assessment.needed.iter().filter_map(need).collect();
        let state = state(assessment);
        let pools = (!assessment.pools_are_built_in()).then(|| assessment.pools.clone());
        Summary {
            name: named.name,
            group: named.group,
            source: named.source,
            taken_at: facts.taken.as_ref().map(|taken| taken.at.clone()),
            wanted: match state {
                State::Clear => wanted::keys(assessment),
                State::Latent | State::Present => Map::new(),
            },
            state,
            docker: facts.docker.state,
            version: facts.version_text().map(str::to_owned),
            docker0: facts.docker0(),
            stored: stored(assessment),
            ranges: ranges(assessment),
            pools,
            addresses: addresses(facts),
            marks: Marks::of(facts),
            roams: free_space::roams(facts),
            needs,
        }
    }

    /// The first need that shares an address with a range.
    pub fn need_in(&self, range: Ipv4Net) -> Option<&Need> {
        let mut needs = self.needs.iter();
        needs.find(|need| need.net.contains(&range) || range.contains(&need.net))
    }

    pub fn needed(&self) -> impl Iterator<Item = Ipv4Net> {
        self.needs.iter().map(|need| need.net)
    }
}

fn need(need: &Needed) -> Option<Need> {
    Some(Need {
        net: v4(&need.net)?,
        source: need.source(),
        by_gateway: need.source() == Source::Route && need.via().is_some(),
    })
}

fn state(assessment: &Assessment) -> State {
    let clashes = assessment.clashes.iter();
    let states = clashes.map(|clash| match clash.kind {
        Kind::Present => State::Present,
        Kind::Latent => State::Latent,
    });
    states.max().unwrap_or_default()
}

fn ranges(assessment: &Assessment) -> Vec<Range> {
    let kernel = &assessment.kernel;
    let held = assessment.held.iter().filter(|held| !held.is_isolated);
    let held = held.filter_map(|held| {
        let net = v4(&held.subnet)?.trunc();
        Some(Range {
            net,
            name: Some(held.label().to_owned()),
            open: kernel.parts_into_docker(Some(&held.bridge), net, net.prefix_len()),
        })
    });
    let taken = assessment.stored_v4();
    let pools = assessment.pools_as_seen().into_iter().map(|pool| {
        let blocked = assessment.blocked_in(&pool, &taken);
        let pieces = blocked.carve(pool.base, pool.size).into_iter();
        Range {
            net: pool.base,
            name: None,
            open: pieces
                .flat_map(|piece| kernel.parts_into_docker(None, piece, pool.size))
                .collect(),
        }
    });
    held.chain(pools).collect()
}

/// The addresses of links that lead to other hosts. libvirt's bridge has the same address on every
/// host, and nobody reaches a host by it.
fn addresses(facts: &Facts) -> Vec<Ipv4Net> {
    let dockers = facts.docker_devices();
    let routes = facts.kernel.routes.iter();
    let ways_out: BTreeSet<&str> = routes
        .filter(|route| route.gateway.is_some() && route.kind == RouteKind::Unicast)
        .filter_map(|route| route.dev.as_deref())
        .collect();
    let leads_out = |link: &&Link| {
        !dockers.contains(&link.name)
            && (ways_out.contains(link.name.as_str())
                || is_a_card(link)
                || facts.is_the_operators(&link.name))
    };
    let links = facts.kernel.links.iter().filter(leads_out);
    let addresses = links.flat_map(|link| link.addresses.iter().filter_map(v4));
    addresses
        .filter(|address| !address.addr().is_loopback() && !address.addr().is_link_local())
        .collect()
}

fn is_a_card(link: &Link) -> bool {
    let kind = link.kind.as_deref();
    kind.is_none_or(|kind| matches!(kind, "vlan" | "bond" | "team" | "macvlan" | "ipvlan"))
}
