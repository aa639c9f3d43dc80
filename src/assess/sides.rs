//! The two sides of a clash: a range of Docker's, and a network this host needs, with the evidence
//! in words.

use super::bridge_owner::owner;
use super::held::Held;
use super::needed::{Evidence, Lead, Needed, leads_to};
use crate::facts::{
    Action, Contact, Facts, Link, NeighbourState, Network, Peer, RT_TABLE_DEFAULT, RT_TABLE_LOCAL,
    RT_TABLE_MAIN, Route, RouteKind, Rule, Source,
};
use crate::phrases::lately;
use crate::subnet::short;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Who loses packets in a clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Loser {
    /// This host: what it sends to the network goes into Docker's bridge.
    Host,
    /// Containers: what is sent to them goes to the network.
    Containers,
}

/// Docker's side of a clash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DockerSide {
    /// The network's name; null where the pools could hand the subnet out.
    pub network: Option<String>,
    /// Its interface; null where the pools could hand the subnet out.
    pub bridge: Option<String>,
    /// The subnet: held now, or the first one the pools would hand out.
    pub subnet: IpNet,
    /// The Compose project the network was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl DockerSide {
    pub fn of(held: &Held) -> DockerSide {
        DockerSide {
            network: held.network.clone(),
            bridge: Some(held.bridge.clone()),
            subnet: held.subnet,
            project: held.project.clone(),
        }
    }

    /// A network that Docker has stored, on one of its subnets.
    pub fn stored(network: &Network, subnet: IpNet) -> DockerSide {
        DockerSide {
            network: Some(network.name.clone()),
            bridge: network.bridge.clone(),
            subnet,
            project: network.project.clone(),
        }
    }

    /// docker0 on this range.
    pub fn docker0(subnet: IpNet) -> DockerSide {
        DockerSide {
            network: Some("bridge".to_owned()),
            bridge: Some("docker0".to_owned()),
            subnet,
            project: None,
        }
    }

    /// A subnet that no network holds yet.
    pub fn to_come(subnet: IpNet) -> DockerSide {
        DockerSide {
            network: None,
            bridge: None,
            subnet,
            project: None,
        }
    }

    /// The network's name, its bridge's, or that it comes from the pools.
    pub fn name(&self) -> &str {
        match (&self.network, &self.bridge) {
            (_, Some(bridge)) if self.is_docker0() => bridge,
            (Some(network), _) => network,
            (None, Some(bridge)) => bridge,
            (None, None) => "pools",
        }
    }

    pub fn is_docker0(&self) -> bool {
        self.bridge.as_deref() == Some("docker0")
    }
}

/// The side of the host that needs the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeededSide {
    /// The network.
    pub net: IpNet,
    /// How we know of it.
    pub source: Source,
    /// Its interface, where known.
    pub dev: Option<String>,
    /// Its gateway, where known.
    pub via: Option<IpAddr>,
    /// Its routing table, where known.
    pub table: Option<String>,
    /// The evidence in words.
    pub detail: String,
    /// The file that names it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The policy rule by which packets get to its table, where not every host has that rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The detail without the rule. This and the next are not a part of the result.
    #[serde(skip)]
    what: String,
    /// How an address was met, for what is urgent.
    #[serde(skip)]
    pub contact: Option<Contact>,
}

impl NeededSide {
    /// The other side of a clash with a Docker subnet.
    pub fn of(need: &Needed, docker: Option<&IpNet>, facts: &Facts) -> NeededSide {
        let (dev, table) = match need.evidence {
            Evidence::Route(route) => (route.dev.clone(), Some(table_name(route.table))),
            Evidence::Rule(rule) => (
                None,
                rule.leads_to_a_table().then(|| table_name(rule.table)),
            ),
            Evidence::Address(link, _) => (Some(link.name.clone()), None),
            Evidence::Nameserver(server) => (server.dev.clone(), None),
            Evidence::Neighbour(neighbour) => (Some(neighbour.dev.clone()), None),
            Evidence::Configured(one) => (one.dev.clone(), None),
            Evidence::Declared(_) | Evidence::Peer(_) | Evidence::Operator => (None, None),
        };
        let (file, line) = match need.evidence {
            Evidence::Configured(one) => {
                let line = Some(one.line).filter(|line| *line > 0);
                (Some(one.file.clone()), line)
            }
            _ => (None, None),
        };
        let what = what(need, docker, facts);
        let rule = match need.evidence {
            Evidence::Route(route) => led_by(route, facts),
            _ => None,
        };
        NeededSide {
            net: need.net,
            source: need.source(),
            dev,
            via: need.via(),
            table,
            detail: format!("{what}{}", reached_by(rule.as_deref())),
            what,
            file,
            line,
            rule,
            contact: match need.evidence {
                Evidence::Peer(peer) => Some(peer.contact),
                _ => None,
            },
        }
    }

    /// The other side in words: "172.17.0.0/16, declared by --avoid".
    pub fn describe(&self) -> String {
        let about = self.about();
        match self.source {
            Source::Declared => format!("{}, {about}", self.net),
            Source::Configured => format!("{}, {about}", short(&self.net)),
            Source::Nameserver => format!("{}, the {about}", self.net.addr()),
            Source::OnLink | Source::Route => format!("{}, the {about}", short(&self.net)),
            Source::Neighbour | Source::Connection | Source::Ssh => {
                format!("{}: {about}", self.net.addr())
            }
        }
    }

    /// Whether a route of this host leads to it.
    pub fn is_a_route(&self) -> bool {
        matches!(self.source, Source::OnLink | Source::Route)
    }

    /// The same without the network itself: "declared by --avoid", "route via 10.0.0.1 dev eth0".
    pub fn about(&self) -> String {
        match self.source {
            Source::Declared => format!("declared by {}", self.detail),
            Source::Nameserver => match &self.dev {
                Some(dev) => format!("{} of {dev}", self.detail),
                None => self.detail.clone(),
            },
            Source::OnLink | Source::Route => {
                let rule = reached_by(self.rule.as_deref());
                format!("{}{}{rule}", self.what, self.path())
            }
            Source::Configured | Source::Neighbour | Source::Connection | Source::Ssh => {
                self.detail.clone()
            }
        }
    }

    /// " via 10.0.0.1 dev eth0 in table 100"
    fn path(&self) -> String {
        let mut path = String::new();
        if let Some(via) = self.via {
            path += &format!(" via {via}");
        }
        if let Some(dev) = &self.dev {
            // An address is in no table.
            let word = if self.table.is_some() { "dev" } else { "of" };
            path += &format!(" {word} {dev}");
        }
        match self.table.as_deref() {
            None | Some("main" | "local") => {}
            Some(table) => path += &format!(" in table {table}"),
        }
        path
    }
}

fn reached_by(rule: Option<&str>) -> String {
    rule.map(|rule| format!(", reached by {rule}"))
        .unwrap_or_default()
}

/// The evidence in words, without the rule that leads to it.
fn what(need: &Needed, docker: Option<&IpNet>, facts: &Facts) -> String {
    match need.evidence {
        Evidence::Route(route) => route_in_words(route, docker, facts),
        Evidence::Rule(rule) => format!("policy {}", rule_in_words(rule)),
        Evidence::Address(_, address) if address.prefix_len() == address.max_prefix_len() => {
            "address".to_owned()
        }
        Evidence::Address(_, address) => format!("address {address}"),
        Evidence::Nameserver(server) => format!("nameserver in {}", server.file),
        Evidence::Configured(one) if one.line == 0 => format!("{} (`{}`)", one.what, one.file),
        Evidence::Configured(one) => format!("{} in {} line {}", one.what, one.file, one.line),
        Evidence::Declared(declared) => declared.origin.to_string(),
        Evidence::Neighbour(neighbour) => {
            let calls = |peer: &&Peer| {
                peer.address == neighbour.address
                    && matches!(peer.contact, Contact::Calling | Contact::Unanswered)
            };
            let times = facts
                .kernel
                .peers
                .iter()
                .filter(calls)
                .map(|peer| peer.times)
                .max();
            let open = still_open(times.unwrap_or_default());
            match neighbour.state {
                NeighbourState::Failed => {
                    let when = neighbour.called_seconds_ago.map(lately).unwrap_or_default();
                    format!("it was called from this host{when}{open} and did not answer")
                }
                NeighbourState::Incomplete => {
                    format!("it is being called from this host{open} and does not answer")
                }
            }
        }
        Evidence::Peer(peer) => {
            let port = peer
                .port
                .map(|port| format!(" (port {port})"))
                .unwrap_or_default();
            let open = still_open(peer.times);
            match peer.contact {
                Contact::Calling => {
                    format!("a program on this host connects to it{port} and has no answer{open}")
                }
                Contact::Unanswered => {
                    format!("packets of this host, or through it, have no answer{open}")
                }
                Contact::Connected => format!("this host has a TCP connection with it{port}"),
                Contact::Flow => "packets of this host, or through it, go to and fro".to_owned(),
                Contact::Ssh => "an ssh session to this host comes from there".to_owned(),
            }
        }
        Evidence::Operator => "your own ssh session comes from there".to_owned(),
    }
}

/// How many calls wait for an answer, sockets or flows, where they are more than the one that is
/// spoken of.
fn still_open(times: u32) -> String {
    if times > 1 {
        format!(" ({times} calls are open)")
    } else {
        String::new()
    }
}

fn route_in_words(route: &Route, docker: Option<&IpNet>, facts: &Facts) -> String {
    match (route.kind, route.gateway) {
        (RouteKind::Blackhole, _) => "blackhole route".to_owned(),
        (RouteKind::Unreachable, _) => "unreachable route".to_owned(),
        (RouteKind::Prohibit, _) => "prohibit route".to_owned(),
        (RouteKind::Local, _) => "local route".to_owned(),
        (RouteKind::Broadcast, _) => "broadcast route".to_owned(),
        (RouteKind::Anycast, _) => "anycast route".to_owned(),
        (RouteKind::Throw, _) => "throw route".to_owned(),
        (RouteKind::Unicast, Some(_)) => {
            let covering =
                docker.is_some_and(|docker| route.dst.contains(docker) && route.dst != *docker);
            if covering {
                "covering route".to_owned()
            } else {
                "route".to_owned()
            }
        }
        (RouteKind::Unicast, None) => {
            let of_dev = |link: &&Link| Some(&link.name) == route.dev.as_ref();
            let link = facts.kernel.links.iter().find(of_dev);
            if let Some(owner) = link.and_then(owner) {
                return format!("on-link route of {owner}");
            }
            match link.and_then(|link| link.kind.as_deref()) {
                Some(
                    tunnel @ ("tun" | "wireguard" | "ppp" | "gre" | "ipip" | "vti" | "xfrm"
                    | "vxlan"),
                ) => {
                    format!("on-link route of the {tunnel} device")
                }
                Some(_) | None => "on-link route".to_owned(),
            }
        }
    }
}

/// How packets get to a table that is not one of every host's.
fn led_by(route: &Route, facts: &Facts) -> Option<String> {
    match leads_to(facts, route) {
        Some(Lead::Rule(rule)) if !matches!(route.table, RT_TABLE_MAIN | RT_TABLE_LOCAL) => {
            Some(rule_in_words(rule))
        }
        Some(Lead::Rule(_) | Lead::Usual) | None => None,
    }
}

/// "rule 5270 (from all fwmark 0x80000)"
pub fn rule_in_words(rule: &Rule) -> String {
    let mut words = vec![format!(
        "from {}",
        rule.from.map_or("all".to_owned(), |net| net.to_string())
    )];
    words.extend(rule.to.map(|net| format!("to {net}")));
    words.extend(rule.only_if.iter().cloned());
    let drops = match rule.action {
        Action::Blackhole => Some("blackhole"),
        Action::Unreachable => Some("unreachable"),
        Action::Prohibit => Some("prohibit"),
        Action::Table | Action::Goto(_) | Action::Nop => None,
    };
    words.extend(drops.map(str::to_owned));
    let not = if rule.inverted { "not " } else { "" };
    let vrf = if rule.l3mdev {
        " lookup of the VRF"
    } else {
        ""
    };
    format!("rule {} ({not}{}{vrf})", rule.priority, words.join(" "))
}

/// The names iproute2 gives to the tables every kernel has.
fn table_name(table: u32) -> String {
    match table {
        RT_TABLE_DEFAULT => "default".to_owned(),
        RT_TABLE_MAIN => "main".to_owned(),
        RT_TABLE_LOCAL => "local".to_owned(),
        number => number.to_string(),
    }
}
