//! Who loses packets where Docker's range and a needed network share addresses: the kernel model,
//! asked with Docker and without it.

use super::asked::Asked;
use super::kernel::{Kernel, Range};
use super::needed::{Evidence, Needed, leading_rules};
use super::sides::Loser;
use crate::facts::{Family, RT_TABLE_MAIN, Role, Route, Rule};
use crate::kernel_model::Packet;
use crate::subnet::overlap;
use ipnet::IpNet;
use std::net::IpAddr;

/// What is lost, and by whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss<'a> {
    pub loser: Loser,
    /// Only packets that meet this rule get to the needed network, or no longer to containers.
    pub condition: Option<&'a Rule>,
    /// Whether the host loses only a part, because narrower routes win in the rest.
    pub in_part: bool,
}

impl<'a> Loss<'a> {
    pub fn all_of(loser: Loser) -> Loss<'a> {
        Loss {
            loser,
            condition: None,
            in_part: false,
        }
    }
}

impl<'a> Kernel<'a> {
    /// Who loses when Docker has this range; none where nobody does, and then it is no clash.
    pub fn who_loses(&self, range: &Range, need: &Needed<'a>) -> Option<Loss<'a>> {
        match need.evidence {
            // Its call went into the bridge already.
            Evidence::Neighbour(_) => Some(Loss::all_of(Loser::Host)),
            Evidence::Route(route) => self
                .over_route(range, route)
                .filter(|loss| loss.loser == Loser::Containers || !drops_around(route, range)),
            Evidence::Rule(rule) => self.over_rule(range, rule, &need.net),
            Evidence::Address(link, _) => {
                let in_vrf = link.master.as_deref().is_some_and(|name| self.is_vrf(name));
                (!in_vrf)
                    .then(|| self.over_plain(range, &need.net))
                    .flatten()
            }
            Evidence::Declared(_) => self.over_plain(range, &need.net),
            Evidence::Configured(one) if one.role == Role::Network => {
                Some(Loss::all_of(by_prefix(range, &need.net)))
            }
            Evidence::Nameserver(_)
            | Evidence::Configured(_)
            | Evidence::Peer(_)
            | Evidence::Operator => self
                .over_plain(range, &need.net)
                .filter(|loss| loss.loser == Loser::Host),
        }
    }

    /// What has no route of its own: it is reached as any packet of this host is sent.
    fn over_plain(&self, range: &Range, net: &IpNet) -> Option<Loss<'a>> {
        if !self.is_contested(range) {
            return Some(Loss::all_of(Loser::Host));
        }
        let asked = Asked::of(self, range);
        let fates: Vec<bool> = asked
            .samples(net)
            .into_iter()
            .filter_map(|to| asked.goes_into_docker(&Packet::to(to)))
            .collect();
        Some(match fates.iter().any(|into| *into) {
            true => Loss {
                in_part: fates.iter().any(|into| !into),
                ..Loss::all_of(Loser::Host)
            },
            false => Loss::all_of(Loser::Containers),
        })
    }

    fn over_route(&self, range: &Range, route: &'a Route) -> Option<Loss<'a>> {
        let is_plain = self.rules_are_usual() && route.table == RT_TABLE_MAIN;
        if is_plain && (range.bridge.is_none() || route.dead) {
            return Some(Loss::all_of(by_prefix(range, &route.dst)));
        }
        let asked = Asked::of(self, range);
        let samples = asked.samples(&route.dst);
        let mut conditional = None;
        for way in self.ways_to(route) {
            let used: Vec<Packet> = samples
                .iter()
                .map(|to| way.packet(*to))
                .filter(|packet| route.dead || asked.is_used(packet, route))
                .collect();
            if used.is_empty() {
                continue;
            }
            let plain = used.iter().map(|packet| Packet::to(packet.to));
            let into_docker = match way.is_of_its_own {
                // docker0's own address is this host's in every VRF: no packet for it is sent.
                true => used
                    .iter()
                    .filter(|one| asked.goes_into_docker(one) == Some(true))
                    .count(),
                false => plain.filter(|one| asked.reaches_docker(one)).count(),
            };
            if into_docker > 0 {
                return Some(Loss {
                    loser: Loser::Host,
                    condition: way.condition,
                    in_part: into_docker < used.len(),
                });
            }
            // A VRF without a route of its own looks into main, but no container answers it, unless
            // Docker's bridge is a port of it.
            let may_hide = way.vrf.is_none_or(|vrf| self.is_port_of(vrf, range.bridge));
            if may_hide && used.iter().any(|packet| asked.hides_docker(packet, route)) {
                conditional.get_or_insert(Loss {
                    condition: way.condition,
                    ..Loss::all_of(Loser::Containers)
                });
            }
        }
        conditional
    }

    /// A rule that leads to Docker's own route was made for Docker.
    fn over_rule(&self, range: &Range, rule: &'a Rule, net: &IpNet) -> Option<Loss<'a>> {
        // Dropping the packets of some is a policy. Dropping all is no place to keep containers.
        if rule.drops_packets() && rule.has_conditions() {
            return None;
        }
        let asked = Asked::of(self, range);
        let decides = asked.samples(net).into_iter().any(|to| {
            let packet = Packet::meeting(rule, to);
            let now = asked.now(&packet);
            now.rule == Some(rule) && !asked.leaves_by_docker(&now)
        });
        decides.then(|| Loss {
            condition: rule.has_conditions().then_some(rule),
            ..Loss::all_of(Loser::Containers)
        })
    }

    /// The rules by which a default route takes packets for this range, which never get to Docker's
    /// own. Containers' own packets are for others, and stay.
    pub fn rules_past<'s>(&'s self, range: &Range<'s>) -> impl Iterator<Item = &'a Rule> + 's {
        let asked = Asked::of(self, range);
        let to = range.subnet.hosts().nth(1);
        let subnet = range.subnet;
        let rules = self.facts.kernel.rules.iter();
        let rules = rules.filter(move |rule| {
            rule.leads_to_a_table()
                && !rule.l3mdev
                && rule.to.is_none()
                && rule.family == Family::of(&subnet.addr())
                && !rule.from.is_some_and(|from| overlap(&from, &subnet))
                && !self.is_from_containers(rule)
        });
        let is_unusual = !self.rules_are_usual();
        rules.filter(move |rule| {
            is_unusual && to.is_some_and(|to| asked.is_taken_past(rule, &Packet::meeting(rule, to)))
        })
    }

    fn is_from_containers(&self, rule: &Rule) -> bool {
        let iif = rule.conditions.iif.as_deref();
        iif.is_some_and(|iif| self.docker.contains(&iif))
    }

    /// The ways by which packets may get to a route.
    fn ways_to(&self, route: &Route) -> Vec<Way<'a>> {
        let vrf = self.facts.kernel.links.iter();
        let vrf = vrf
            .filter(|link| link.table == Some(route.table))
            .map(|link| link.name.as_str())
            .next();
        let rules = leading_rules(self.facts, route).map(|rule| Way {
            condition: rule.has_conditions().then_some(rule),
            vrf: vrf.filter(|_| rule.l3mdev),
            is_of_its_own: rule.l3mdev
                || rule
                    .conditions
                    .iif
                    .as_deref()
                    .is_some_and(|iif| iif != "lo"),
        });
        let mut ways: Vec<Way> = rules.collect();
        if ways.is_empty() {
            ways.push(Way::default());
        }
        // What every packet of this host does comes first.
        ways.sort_by_key(|way| way.condition.is_some());
        ways
    }
}

/// A way by which packets get to a route.
#[derive(Debug, Clone, Copy, Default)]
struct Way<'a> {
    condition: Option<&'a Rule>,
    vrf: Option<&'a str>,
    /// Whether only packets of a kind of their own go this way, which no program of this host sends
    /// unawares: those of a VRF, and those that come in by an interface.
    is_of_its_own: bool,
}

impl<'a> Way<'a> {
    fn packet(&self, to: IpAddr) -> Packet<'a> {
        match self.condition {
            Some(rule) => Packet {
                oif: self.vrf.or(rule.conditions.oif.as_deref()),
                ..Packet::meeting(rule, to)
            },
            None => Packet::to(to),
        }
    }
}

/// Without rules of the operator's the longer prefix wins. Of two equal ones either may.
fn by_prefix(range: &Range, net: &IpNet) -> Loser {
    let narrower = range.subnet.contains(net) && range.subnet != *net;
    match narrower {
        true => Loser::Containers,
        false => Loser::Host,
    }
}

/// Whether a route drops packets to a wider network than Docker's range. Without Docker they would
/// not have arrived either.
fn drops_around(route: &Route, range: &Range) -> bool {
    route.drops_packets() && route.dst.contains(&range.subnet) && route.dst != range.subnet
}
