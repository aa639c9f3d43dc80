//! One clash, as it stands in the report: the two sides, and which of many is the one to act on.

use super::needed::Needed;
use super::sentence;
use super::sides::{DockerSide, Loser, NeededSide};
use super::who_loses::Loss;
use crate::facts::{Certainty, Contact, Facts, Source};
use crate::subnet::overlap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A Docker range and a needed network that share addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Clash {
    /// Whether it bites now or only when the pools hand the subnet out.
    pub kind: Kind,
    /// Whether the evidence stays or comes and goes.
    pub certainty: Certainty,
    /// Who loses packets.
    pub loser: Loser,
    /// Docker's side.
    pub docker: DockerSide,
    /// The other side.
    pub with: NeededSide,
    /// Whether relief leads packets past Docker's bridge, for a part of the range at least.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relieved: bool,
    /// Containers that have an address in the part that relief leads past the bridge: packets for
    /// them go astray.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub led_astray: Vec<String>,
    /// One sentence.
    pub explain: String,
}

/// Now or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Docker bridge holds the range now.
    Present,
    /// The address pools in force could hand the range out.
    Latent,
}

impl Clash {
    /// A range Docker holds now.
    pub fn present(docker: DockerSide, need: &Needed, loss: Loss, facts: &Facts) -> Clash {
        let with = NeededSide::of(need, Some(&docker.subnet), facts);
        let relieved = loss.loser == Loser::Host && is_relieved(&docker, &with, facts);
        let led_astray = if relieved {
            led_astray(&docker, facts)
        } else {
            Vec::new()
        };
        let explain = match relieved {
            true => sentence::relieved(&docker, &with, &led_astray),
            false => sentence::present(&docker, &with, loss),
        };
        Clash {
            relieved,
            led_astray,
            ..Clash::of(Kind::Present, docker, with, loss, explain)
        }
    }

    /// A range Docker holds now, over what is not up yet.
    pub fn once_up(docker: DockerSide, need: &Needed, loss: Loss, facts: &Facts) -> Clash {
        let with = NeededSide::of(need, Some(&docker.subnet), facts);
        let explain = sentence::once_up(&docker, &with, loss);
        Clash::of(Kind::Latent, docker, with, loss, explain)
    }

    /// A range that docker0 or a stored network has once Docker starts again.
    pub fn later(docker: DockerSide, need: &Needed, loss: Loss, facts: &Facts) -> Clash {
        let with = NeededSide::of(need, Some(&docker.subnet), facts);
        let explain = sentence::later(&docker, &with);
        Clash::of(Kind::Latent, docker, with, loss, explain)
    }

    /// Subnets of the pools: the first of them, and how many.
    pub fn latent(subnet: IpNet, subnets: u64, need: &Needed, loss: Loss, facts: &Facts) -> Clash {
        let docker = DockerSide::to_come(subnet);
        let with = NeededSide::of(need, Some(&subnet), facts);
        let explain = sentence::latent(&docker, &with, need, subnets);
        Clash::of(Kind::Latent, docker, with, loss, explain)
    }

    fn of(kind: Kind, docker: DockerSide, with: NeededSide, loss: Loss, explain: String) -> Clash {
        Clash {
            kind,
            certainty: with.source.certainty(),
            loser: loss.loser,
            docker,
            with,
            relieved: false,
            led_astray: Vec::new(),
            explain,
        }
    }

    /// Whether Docker's side is docker0 itself.
    pub fn is_docker0(&self) -> bool {
        self.docker.is_docker0()
    }

    /// Whether another `bip` or other pools end it: docker0's IPv4 range, or the pools.
    pub fn is_movable(&self) -> bool {
        let ipv4 = matches!(self.docker.subnet, IpNet::V4(_));
        let of_pools = self.kind == Kind::Latent && self.docker.network.is_none();
        ipv4 && (self.is_docker0() || of_pools)
    }

    /// Whether the evidence comes and goes by itself.
    pub fn is_suspected(&self) -> bool {
        self.certainty == Certainty::Suspected
    }

    /// Whether a network that Docker has lies over something that is configured.
    pub fn is_over_a_file(&self) -> bool {
        self.docker.network.is_some() && self.with.source == Source::Configured
    }

    /// Of several traces of one caller the first, which is the clearest, says it all.
    pub fn retells(&self, earlier: &Clash) -> bool {
        self.with.source.is_a_trace()
            && earlier.with.source.is_a_trace()
            && self.with.net == earlier.with.net
            && self.docker == earlier.docker
    }

    /// The clash to act on comes first: what bites now, what loses packets already, what is at docker0.
    pub fn urgency(&self) -> impl Ord + use<> {
        let hurt = match self.with.source {
            Source::Ssh => 0,
            Source::Connection if self.with.contact == Some(Contact::Calling) => 1,
            Source::Neighbour => 2,
            Source::Declared => 3,
            Source::Nameserver => 4,
            Source::OnLink => 5,
            Source::Connection => 6,
            Source::Route => 7,
            Source::Configured => 8,
        };
        (
            self.kind,
            hurt,
            !self.is_docker0(),
            self.docker.bridge.clone(),
            self.docker.subnet,
            self.with.net,
        )
    }
}

/// Whether a relief route covers any of what both sides share.
fn is_relieved(docker: &DockerSide, with: &NeededSide, facts: &Facts) -> bool {
    let mut relief = facts.kernel.relief.iter();
    relief.any(|route| {
        let dst = IpNet::V4(route.dst);
        docker.subnet.contains(&dst) && overlap(&with.net, &dst)
    })
}

/// The containers on this bridge that a relief route leads past.
fn led_astray(docker: &DockerSide, facts: &Facts) -> Vec<String> {
    let leads_past = |address: &IpAddr| {
        let mut relief = facts.kernel.relief.iter();
        docker.subnet.contains(address)
            && relief.any(|route| IpNet::V4(route.dst).contains(address))
    };
    let engine = facts.docker.engine.iter();
    let containers = engine.flat_map(|engine| &engine.containers);
    let astray = containers.filter(|one| one.addresses.iter().any(leads_past));
    astray.map(|one| one.name.clone()).collect()
}

/// Which clashes to list and count; an empty list leaves nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    pub kinds: Vec<Kind>,
    pub certainties: Vec<Certainty>,
}

impl Only {
    pub fn lets(&self, clash: &Clash) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.contains(&clash.kind);
        kind && (self.certainties.is_empty() || self.certainties.contains(&clash.certainty))
    }
}
