//! Relief: the fewest routes by which this host and its containers get past Docker's bridge to what
//! they need, without a restart. Longer prefixes win, so Docker's own route stays as it is.

mod kept;
pub mod obstacles;
mod routes;

use crate::assess::Assessment;
use crate::assess::clash::{Clash, Kind};
use crate::assess::detour::Lost;
use crate::assess::held::Held;
use crate::assess::sides::{DockerSide, Loser};
use crate::facts::{Certainty, Facts, ReliefRoute};
use crate::subnet::{RangeSet, v4};
use ipnet::{IpNet, Ipv4Net};
use obstacles::Obstacle;
use routes::Past;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// More routes than these are a routing table of their own, and no first aid.
const MOST_ROUTES: usize = 128;

/// What can be done without a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relief {
    pub ranges: Vec<RelievedRange>,
    pub out_of_reach: Vec<OutOfReach>,
    pub obstacles: BTreeSet<Obstacle>,
}

/// A range of Docker's that packets get past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelievedRange {
    /// The network's name.
    pub network: Option<String>,
    /// Its interface.
    pub bridge: String,
    /// Its subnet.
    pub subnet: Ipv4Net,
    /// What stays Docker's: where containers live, and where the next ones come.
    pub kept: Vec<Ipv4Net>,
    /// The routes past the bridge.
    pub routes: Vec<ReliefRoute>,
    /// Whether containers get past it too. Then this host answers ARP on the bridge for what lies
    /// past it.
    pub for_containers: bool,
    #[serde(skip)]
    pub proofs: Vec<Proof>,
}

/// An address, and where packets for it leave by once relief is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub to: Ipv4Addr,
    pub devices: Vec<String>,
}

/// A need that only the cure helps.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfReach {
    pub docker: DockerSide,
    pub need: IpNet,
    pub why: Why,
}

/// Why routes do not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Ipv6,
    /// Its own route wins already; containers at the same addresses are what is lost.
    ContainersLose,
    /// It lies where containers live.
    WhereContainersLive(Vec<Ipv4Net>),
    /// Containers take up the subnet.
    SubnetIsFull,
    /// The subnet has a range for containers, or addresses kept free, of the operator's.
    SubnetIsPlanned,
    /// Without Docker nothing leads there.
    NoOtherWay,
    TooManyRoutes,
}

impl Relief {
    /// Relief from the clashes that bite now. Evidence that comes and goes counts only if asked for.
    pub fn of(assessment: &Assessment, act_on_suspected: bool) -> Relief {
        let mut relief = Relief::default();
        let lost = assessment.lost_now();
        let lost: Vec<&Lost> = lost
            .iter()
            .filter(|lost| act_on_suspected || lost.need.source().certainty() == Certainty::Known)
            .collect();
        for held in &assessment.held {
            let here = lost.iter().copied();
            let here: Vec<&Lost> = here.filter(|lost| std::ptr::eq(lost.held, held)).collect();
            if !here.is_empty() {
                relief.add(assessment, held, &here);
            }
        }
        relief
    }

    /// Relief that stood once: each route past the network that holds its range now.
    pub fn again(facts: &Facts, routes: &[ReliefRoute]) -> Relief {
        let mut relief = Relief::default();
        for network in facts.networks() {
            let Some(bridge) = &network.bridge else {
                continue;
            };
            for subnet in network.subnets.iter().filter_map(v4) {
                let here = routes.iter().filter(|route| subnet.contains(&route.dst));
                let routes: Vec<ReliefRoute> = here.cloned().collect();
                if !routes.is_empty() {
                    relief.ranges.push(RelievedRange {
                        network: Some(network.name.clone()),
                        bridge: bridge.clone(),
                        subnet,
                        kept: Vec::new(),
                        routes,
                        for_containers: true,
                        proofs: Vec::new(),
                    });
                }
            }
        }
        relief
    }

    /// Whether it would end something that bites now.
    pub fn would_help(assessment: &Assessment) -> bool {
        let bites = |clash: &Clash| {
            clash.kind == Kind::Present && (!clash.relieved || !clash.led_astray.is_empty())
        };
        assessment.clashes.iter().any(bites) && !Relief::of(assessment, true).ranges.is_empty()
    }

    pub fn routes(&self) -> impl Iterator<Item = &ReliefRoute> {
        self.ranges.iter().flat_map(|range| &range.routes)
    }

    fn add(&mut self, assessment: &Assessment, held: &Held, lost: &[&Lost]) {
        let Some(subnet) = v4(&held.subnet) else {
            return self.leave(held, lost, Why::Ipv6);
        };
        let kept = match kept::of(assessment.facts, held, subnet) {
            Ok(kept) => kept,
            Err(why) => return self.leave(held, lost, why),
        };
        let (mut lost, hopeless): (Vec<&Lost>, Vec<&Lost>) =
            lost.iter().partition(|lost| lost.loss.loser == Loser::Host);
        lost.sort_by_key(|lost| lost.need.net.prefix_len());
        self.leave(held, &hopeless, Why::ContainersLose);
        let kept_set = RangeSet::new(kept.iter().copied());
        let mut all: Vec<Past> = Vec::new();
        // One wide need says what many narrow ones inside it would.
        let mut led_past = RangeSet::default();
        for one in &lost {
            let Some(net) = v4(&one.need.net).and_then(|net| shared(subnet, net)) else {
                continue;
            };
            if kept_set.covers(net) {
                self.leave(held, &[one], Why::WhereContainersLive(kept.clone()));
                continue;
            }
            let is_plain = one.loss.condition.is_none();
            if is_plain && led_past.covers(net) {
                continue;
            }
            match past(assessment, one, net, &kept_set) {
                Ok(found) => all.extend(found),
                Err(why) => self.leave(held, &[one], why),
            }
            if all.len() > MOST_ROUTES {
                return self.leave(held, &lost, Why::TooManyRoutes);
            }
            if is_plain {
                led_past.insert(net);
            }
        }
        let proofs = all.iter().filter_map(Past::proof).collect();
        let routes = routes::without_repeated(all.into_iter().map(|past| past.route).collect());
        if routes.is_empty() {
            return;
        }
        let mut range = RelievedRange {
            network: held.network.clone(),
            bridge: held.bridge.clone(),
            subnet,
            kept,
            routes,
            for_containers: true,
            proofs,
        };
        let (obstacles, gets_through) = obstacles::of(assessment.facts, &range);
        range.for_containers = gets_through;
        self.obstacles.extend(obstacles);
        self.ranges.push(range);
    }

    fn leave(&mut self, held: &Held, lost: &[&Lost], why: Why) {
        self.out_of_reach.extend(lost.iter().map(|lost| OutOfReach {
            docker: DockerSide::of(held),
            need: lost.need.net,
            why: why.clone(),
        }));
    }
}

/// The routes for one need, past the part that stays Docker's.
fn past(
    assessment: &Assessment,
    lost: &Lost,
    net: Ipv4Net,
    kept: &RangeSet,
) -> Result<Vec<Past>, Why> {
    let mut all = Vec::new();
    for piece in kept.carve(net, kept::SINGLE) {
        let bridge = &lost.held.bridge;
        all.extend(routes::past(
            assessment,
            bridge,
            lost.loss.condition,
            piece,
        )?);
    }
    Ok(all)
}

/// What two networks share: the narrower one, or nothing.
fn shared(a: Ipv4Net, b: Ipv4Net) -> Option<Ipv4Net> {
    match (a.contains(&b), b.contains(&a)) {
        (true, _) => Some(b),
        (false, true) => Some(a),
        (false, false) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
