//! The two sides of a clash: a range of Docker's, and a network this host needs, with the evidence
//! in words.

use super::wanted::{Evidence, Lead, Wanted, leads_to};
use crate::facts::{
    Contact, Facts, Link, NeighbourState, Peer, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN,
    Route, RouteKind, Rule, Source,
};
use crate::phrases::lately;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Docker's side of a clash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DockerSide {
    /// The network's name; null for a latent clash.
    pub network: Option<String>,
    /// Its interface; null for a latent clash.
    pub bridge: Option<String>,
    /// The subnet: held now, or the first one the pools would hand out.
    pub subnet: IpNet,
    /// The Compose project the network was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// The side of the host that needs the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WantedSide {
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
    /// Where it is said.
    pub detail: String,
}

impl WantedSide {
    /// The other side of a clash with a Docker subnet.
    pub fn of(want: &Wanted, docker: Option<&IpNet>, facts: &Facts) -> WantedSide {
        let (dev, table) = match want.evidence {
            Evidence::Route(route) => (route.dev.clone(), Some(table_name(route.table))),
            Evidence::Rule(rule) => (None, Some(table_name(rule.table))),
            Evidence::Address(link, _) => (Some(link.name.clone()), None),
            Evidence::Nameserver(server) => (server.dev.clone(), None),
            Evidence::Neighbour(neighbour) => (Some(neighbour.dev.clone()), None),
            Evidence::Declared(_) | Evidence::Peer(_) | Evidence::Operator => (None, None),
        };
        let detail = detail(want, docker, facts);
        WantedSide {
            net: want.net,
            source: want.source(),
            dev,
            via: want.via(),
            table,
            detail,
        }
    }

    /// The other side in words: "172.17.0.0/16, declared by --avoid".
    pub fn describe(&self) -> String {
        let dev = self
            .dev
            .as_ref()
            .map(|dev| format!(" dev {dev}"))
            .unwrap_or_default();
        let via = self
            .via
            .map(|via| format!(" via {via}"))
            .unwrap_or_default();
        let table = match self.table.as_deref() {
            None | Some("main" | "local") => String::new(),
            Some(table) => format!(" in table {table}"),
        };
        match self.source {
            Source::Declared => format!("{}, declared by {}", self.net, self.detail),
            Source::Nameserver => format!(
                "{}, the {}{}",
                self.net.addr(),
                self.detail,
                dev.replace(" dev ", " of ")
            ),
            Source::OnLink | Source::Route => {
                let (what, led_by) = self
                    .detail
                    .split_at(self.detail.find(LED_BY).unwrap_or(self.detail.len()));
                format!("{}, the {what}{via}{dev}{table}{led_by}", self.net)
            }
            Source::Neighbour | Source::Connection | Source::Ssh => {
                format!("{}: {}", self.net.addr(), self.detail)
            }
        }
    }
}

/// Between what a route is and the rule that leads to its table.
const LED_BY: &str = ", reached by ";

/// Where it is said, and what it is.
fn detail(want: &Wanted, docker: Option<&IpNet>, facts: &Facts) -> String {
    match want.evidence {
        Evidence::Route(route) => format!(
            "{}{}",
            route_in_words(route, docker, facts),
            led_by(route, facts)
        ),
        Evidence::Rule(rule) => format!("policy {}", rule_in_words(rule)),
        Evidence::Address(_, address) => format!("address {address}"),
        Evidence::Nameserver(server) => format!("nameserver in {}", server.file),
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
            let kind = facts
                .kernel
                .links
                .iter()
                .find(of_dev)
                .and_then(|link| link.kind.as_deref());
            match kind {
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
fn led_by(route: &Route, facts: &Facts) -> String {
    match leads_to(facts, route) {
        Some(Lead::Rule(rule)) if !matches!(route.table, RT_TABLE_MAIN | RT_TABLE_LOCAL) => {
            format!("{LED_BY}{}", rule_in_words(rule))
        }
        Some(Lead::Rule(_) | Lead::Usual) | None => String::new(),
    }
}

/// "rule 5270 (from all fwmark 0x80000)"
fn rule_in_words(rule: &Rule) -> String {
    let mut words = vec![format!(
        "from {}",
        rule.from.map_or("all".to_owned(), |net| net.to_string())
    )];
    words.extend(rule.to.map(|net| format!("to {net}")));
    words.extend(rule.only_if.iter().cloned());
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
