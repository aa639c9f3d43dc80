//! Where packets would go that Docker's route takes now: the kernel model, asked without Docker.

use super::held::Held;
use super::kernel::Kernel;
use super::needed::Needed;
use super::who_loses::Loss;
use crate::facts::{Family, Hop, Rule};
use crate::kernel_model::{Change, Fate, Packet, Verdict};
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// What a range of Docker's keeps from this host now.
#[derive(Debug)]
pub struct Lost<'s, 'a> {
    pub held: &'s Held,
    pub need: &'s Needed<'a>,
    pub loss: Loss<'a>,
}

/// What decides about the packets to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// They do not go into this bridge.
    NotDockers,
    /// Without Docker nothing would carry them either.
    Nowhere,
    Past(Detour),
}

/// Where they would go if Docker had no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// The table in which Docker's route wins.
    pub table: u32,
    pub hops: Vec<Hop>,
    pub source: Option<Ipv4Addr>,
}

impl Kernel<'_> {
    /// The way of packets to an address that Docker has on this bridge; of those that meet the rule,
    /// if one is given.
    pub fn way_past(&self, bridge: &str, condition: Option<&Rule>, to: Ipv4Addr) -> Way {
        let to = IpAddr::V4(to);
        let packet = condition.map_or_else(|| Packet::to(to), |rule| Packet::meeting(rule, to));
        let model = self.model();
        let now = model.route_of(&packet);
        let goes_into_it = now.devices().any(|dev| dev == bridge);
        let Some(table) = now
            .table()
            .filter(|_| goes_into_it && now.fate == Fate::Sent)
        else {
            return Way::NotDockers;
        };
        let without = Change {
            with: &[],
            without: &self.docker,
        };
        past(table, &model.route_after(without, &packet))
    }

    /// The networks inside this one about which other routes or rules may decide.
    pub fn decided_apart(&self, within: Ipv4Net) -> BTreeSet<Ipv4Net> {
        let routes = self.routes_inside(&IpNet::V4(within));
        let routes = routes.map(|route| route.dst);
        let rules = self.facts.kernel.rules.iter();
        let rules = rules.filter(|rule| rule.family == Family::Ipv4);
        let named = routes.chain(rules.filter_map(|rule| rule.to));
        named
            .filter_map(|net| v4(&net))
            .filter(|net| within.contains(net) && *net != within)
            .collect()
    }
}

fn past(table: u32, without: &Verdict) -> Way {
    let hops: Vec<Hop> = without
        .routes
        .iter()
        .filter_map(|route| route.next_hop())
        .collect();
    if without.fate != Fate::Sent || hops.is_empty() {
        return Way::Nowhere;
    }
    let source = without.routes.first().and_then(|route| route.source);
    Way::Past(Detour {
        table,
        hops,
        source: match source {
            Some(IpAddr::V4(source)) => Some(source),
            Some(IpAddr::V6(_)) | None => None,
        },
    })
}
