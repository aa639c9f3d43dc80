//! Who loses packets where Docker's range and a needed network share addresses: the kernel model,
//! asked with Docker and without it.

use super::needed::{Evidence, Needed, leading_rules};
use super::sides::Loser;
use crate::facts::{Conditions, Facts, Family, Masked, RT_TABLE_MAIN, Role, Route, Rule};
use crate::kernel_model::{Change, Fate, KernelModel, Packet, Verdict, connected};
use crate::subnet::overlap;
use ipnet::IpNet;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Where narrower routes share a range, at most so many of them are looked at.
const MOST_BOUNDARIES: usize = 64;

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

/// The kernel of these facts. Its model is built when it is first asked: most hosts have nothing to
/// ask.
#[derive(Debug)]
pub struct Kernel<'a> {
    pub(super) facts: &'a Facts,
    pub(super) docker: Vec<&'a str>,
    model: OnceCell<KernelModel<'a>>,
    /// The routes in the order of their networks, so that those inside one are neighbours.
    in_order: OnceCell<Vec<&'a Route>>,
}

/// A range of Docker's, on its bridge; none where the bridge is still to come.
#[derive(Debug, Clone, Copy)]
pub struct Range<'r> {
    pub subnet: IpNet,
    pub bridge: Option<&'r str>,
}

impl<'a> Kernel<'a> {
    pub fn of(facts: &'a Facts, docker: &BTreeSet<String>) -> Kernel<'a> {
        let links = facts.kernel.links.iter().map(|link| link.name.as_str());
        Kernel {
            facts,
            docker: links.filter(|name| docker.contains(*name)).collect(),
            model: OnceCell::new(),
            in_order: OnceCell::new(),
        }
    }

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
        if rule.drops_packets() && has_conditions(rule) {
            return None;
        }
        let asked = Asked::of(self, range);
        let decides = asked.samples(net).into_iter().any(|to| {
            let packet = meeting(rule, to);
            let now = asked.now(&packet);
            now.rule == Some(rule) && !asked.leaves_by_docker(&now)
        });
        decides.then(|| Loss {
            condition: has_conditions(rule).then_some(rule),
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
            is_unusual && to.is_some_and(|to| asked.is_taken_past(rule, &meeting(rule, to)))
        })
    }

    fn is_from_containers(&self, rule: &Rule) -> bool {
        let iif = rule.conditions.iif.as_deref();
        iif.is_some_and(|iif| self.docker.contains(&iif))
    }

    /// Whether anything but Docker's own route could decide about packets into this range.
    fn is_contested(&self, range: &Range) -> bool {
        let mut inside = self.routes_inside(&range.subnet);
        !self.rules_are_usual()
            || inside.any(|route| range.bridge.is_none() || route.dev.as_deref() != range.bridge)
    }

    /// The routes to a network and to parts of it.
    pub(super) fn routes_inside<'s>(
        &'s self,
        net: &IpNet,
    ) -> impl Iterator<Item = &'a Route> + use<'a, 's> {
        let net = *net;
        let all = self.in_order.get_or_init(|| {
            let mut all: Vec<&Route> = self.facts.kernel.routes.iter().collect();
            all.sort_by_key(|route| route.dst);
            all
        });
        let first = all.partition_point(|route| route.dst < net);
        let rest = all.get(first..).unwrap_or_default().iter();
        rest.copied()
            .take_while(move |route| net.contains(&route.dst))
    }

    fn rules_are_usual(&self) -> bool {
        self.model().rules_are_usual()
    }

    fn is_vrf(&self, name: &str) -> bool {
        let mut links = self.facts.kernel.links.iter();
        links.any(|link| link.name == name && link.table.is_some())
    }

    fn is_port_of(&self, vrf: &str, bridge: Option<&str>) -> bool {
        let mut links = self.facts.kernel.links.iter();
        links.any(|link| Some(link.name.as_str()) == bridge && link.master.as_deref() == Some(vrf))
    }

    pub(super) fn model(&self) -> &KernelModel<'a> {
        self.model
            .get_or_init(|| KernelModel::new(&self.facts.kernel))
    }

    /// The ways by which packets may get to a route.
    fn ways_to(&self, route: &Route) -> Vec<Way<'a>> {
        let vrf = self.facts.kernel.links.iter();
        let vrf = vrf
            .filter(|link| link.table == Some(route.table))
            .map(|link| link.name.as_str())
            .next();
        let rules = leading_rules(self.facts, route).map(|rule| Way {
            condition: has_conditions(rule).then_some(rule),
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
                ..meeting(rule, to)
            },
            None => Packet::to(to),
        }
    }
}

/// One range of Docker's, and what would be without it.
struct Asked<'k, 'a> {
    kernel: &'k Kernel<'a>,
    subnet: IpNet,
    bridge: &'k str,
    /// Docker's route, where the kernel does not have it, or not yet.
    to_come: Vec<Route>,
    /// The bridges whose routes do not count: where the range is still to come, what Docker holds now
    /// may be gone by then.
    gone: &'k [&'a str],
}

/// The name of a bridge that is still to come; no interface can have it.
const TO_COME: &str = "/";

impl<'k, 'a> Asked<'k, 'a> {
    fn of(kernel: &'k Kernel<'a>, range: &Range<'k>) -> Asked<'k, 'a> {
        let bridge = range.bridge.unwrap_or(TO_COME);
        let is_there = kernel.routes_inside(&range.subnet).any(|route| {
            route.dev.as_deref() == Some(bridge) && route.dst == range.subnet && !route.dead
        });
        Asked {
            kernel,
            subnet: range.subnet,
            bridge,
            gone: match range.bridge {
                Some(_) => &[],
                None => &kernel.docker,
            },
            to_come: match is_there {
                true => Vec::new(),
                false => vec![connected(range.subnet, bridge)],
            },
        }
    }

    fn now<'v>(&'v self, packet: &Packet<'v>) -> Verdict<'v> {
        let with = Change {
            with: &self.to_come,
            without: self.gone,
        };
        self.kernel.model().route_after(with, packet)
    }

    fn is_taken_past(&self, rule: &Rule, packet: &Packet) -> bool {
        let now = self.now(packet);
        let mut routes = now.routes.iter();
        now.fate == Fate::Sent
            && now.rule == Some(rule)
            && !self.leaves_by_docker(&now)
            && routes.all(|route| route.dst.prefix_len() == 0)
    }

    fn leaves_by_docker(&self, verdict: &Verdict) -> bool {
        verdict.devices().any(|dev| dev == self.bridge)
    }

    fn reaches_docker(&self, packet: &Packet) -> bool {
        self.leaves_by_docker(&self.now(packet))
    }

    /// The same; none for an address of this host and for broadcasts.
    fn goes_into_docker(&self, packet: &Packet) -> Option<bool> {
        let now = self.now(packet);
        let is_sent = !matches!(now.fate, Fate::Local | Fate::Broadcast);
        is_sent.then(|| self.leaves_by_docker(&now))
    }

    /// Whether a packet would go by this route if Docker were not there.
    fn is_used(&self, packet: &Packet, route: &Route) -> bool {
        let without = Change {
            with: &[],
            without: &self.kernel.docker,
        };
        let verdict = self.kernel.model().route_after(without, packet);
        verdict
            .all()
            .any(|verdict| verdict.routes.iter().any(|used| std::ptr::eq(*used, route)))
    }

    /// Whether a packet would go into Docker's bridge if it were not for this route.
    fn hides_docker(&self, packet: &Packet, route: &Route) -> bool {
        let Some(dev) = route.dev.as_deref() else {
            return true;
        };
        let without = Change {
            with: &self.to_come,
            without: &[self.gone, &[dev]].concat(),
        };
        self.leaves_by_docker(&self.kernel.model().route_after(without, packet))
    }

    /// Addresses that Docker's range and a network share, one at least for each part that a narrower
    /// route may decide about.
    fn samples(&self, net: &IpNet) -> Vec<IpAddr> {
        let shared = match self.subnet.contains(net) {
            true => *net,
            false => self.subnet,
        };
        let narrower = self
            .kernel
            .routes_inside(&shared)
            .map(|route| route.dst)
            .filter(|dst| *dst != shared)
            .take(MOST_BOUNDARIES);
        let mut samples = inside(&shared);
        for narrow in narrower {
            samples.extend(inside(&narrow).into_iter().take(1));
            samples.extend(behind(&narrow).filter(|next| shared.contains(next)));
        }
        samples
    }
}

/// A few addresses of a network, its own and its broadcast address last.
fn inside(net: &IpNet) -> Vec<IpAddr> {
    let hosts = net.hosts();
    let mut few: Vec<IpAddr> = hosts.take(3).collect();
    few.extend(before_last(net));
    few.sort();
    few.dedup();
    few
}

/// The last address but one.
fn before_last(net: &IpNet) -> Option<IpAddr> {
    match net {
        IpNet::V4(net) => u32::from(net.broadcast())
            .checked_sub(1)
            .map(|last| IpAddr::V4(last.into())),
        IpNet::V6(net) => u128::from(net.broadcast())
            .checked_sub(1)
            .map(|last| IpAddr::V6(last.into())),
    }
    .filter(|last| net.contains(last))
}

/// The address behind a network.
fn behind(net: &IpNet) -> impl Iterator<Item = IpAddr> {
    let next = match net {
        IpNet::V4(net) => u32::from(net.broadcast())
            .checked_add(2)
            .map(|next| IpAddr::V4(next.into())),
        IpNet::V6(net) => u128::from(net.broadcast())
            .checked_add(2)
            .map(|next| IpAddr::V6(next.into())),
    };
    next.into_iter()
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

/// Whether only some packets meet a rule, whatever their destination.
fn has_conditions(rule: &Rule) -> bool {
    rule.inverted
        || rule.l3mdev
        || rule.from.is_some_and(|from| from.prefix_len() > 0)
        || rule.conditions != Conditions::default()
}

/// A packet that meets the conditions of a rule. An ordinary one meets the opposite of a condition.
pub(super) fn meeting<'a>(rule: &'a Rule, to: IpAddr) -> Packet<'a> {
    if rule.inverted {
        return Packet::to(to);
    }
    let conditions = &rule.conditions;
    Packet {
        from: rule
            .from
            .map(|from| from.addr())
            .filter(|from| !from.is_unspecified()),
        iif: conditions.iif.as_deref().filter(|iif| *iif != "lo"),
        oif: conditions.oif.as_deref(),
        mark: conditions.mark.map_or(0, |mark| mark.value),
        tos: conditions.tos.or(conditions.dscp.map(tos_of)).unwrap_or(0),
        flow_label: conditions.flow_label.map_or(0, |label| label.value),
        protocol: conditions.protocol.unwrap_or(0),
        source_port: conditions.source_port.map_or(0, |ports| ports.first),
        port: conditions.port.map_or(0, |ports| ports.first),
        user: conditions.users.map_or(0, |(first, _)| first),
        tunnel: conditions.tunnel.unwrap_or(0),
        ..Packet::to(to)
    }
}

/// DSCP is the upper six bits of the type of service.
fn tos_of(dscp: Masked) -> u8 {
    u8::try_from(dscp.value << 2).unwrap_or(0)
}
