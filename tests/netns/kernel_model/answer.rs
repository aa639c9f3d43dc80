//! What the kernel says, and what the model expects it to say.

use super::question::Question;
use nix::libc;
use rebridge::facts::{Link, RT_TABLE_LOCAL, RT_TABLE_MAIN, Route, RouteKind};
use rebridge::kernel_model::{Fate, Verdict};
use std::net::IpAddr;

/// Where no route decided, there is no table.
pub const RT_TABLE_UNSPEC: u32 = libc::RT_TABLE_UNSPEC as u32;

/// What the kernel said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Error(i32),
    Route {
        kind: u8,
        table: u32,
        dev: String,
        gateway: Option<IpAddr>,
    },
}

/// All answers that agree with the model. Where IPv4 has no rules of its own, the kernel calls the
/// table local main: the two are one.
pub fn expected(
    verdict: &Verdict,
    question: &Question,
    local_is_main: bool,
    links: &[Link],
) -> Vec<Answer> {
    let answers = verdict.all().flat_map(|verdict| {
        let error = error_of(verdict).map(Answer::Error);
        let assumed = verdict.bound_to.map(|dev| Answer::Route {
            kind: libc::RTN_UNICAST,
            table: RT_TABLE_UNSPEC,
            dev: dev.to_owned(),
            gateway: None,
        });
        let passes = verdict.fate.passes();
        let routes = verdict.routes.iter().filter(move |_| passes);
        let routes =
            routes.map(move |route| by_route(route, verdict, question, local_is_main, links));
        error.into_iter().chain(assumed).chain(routes)
    });
    answers.collect()
}

fn error_of(verdict: &Verdict) -> Option<i32> {
    let by_rule = verdict.routes.is_empty();
    match verdict.fate {
        Fate::NoRoute => Some(libc::ENETUNREACH),
        Fate::Unreachable if by_rule => Some(libc::ENETUNREACH),
        Fate::Unreachable => Some(libc::EHOSTUNREACH),
        Fate::Prohibited => Some(libc::EACCES),
        Fate::Blackhole => Some(libc::EINVAL),
        Fate::Sent | Fate::Assumed | Fate::Local | Fate::Broadcast => None,
    }
}

fn by_route(
    route: &Route,
    verdict: &Verdict,
    question: &Question,
    local_is_main: bool,
    links: &[Link],
) -> Answer {
    let kind = match route.kind {
        RouteKind::Local => libc::RTN_LOCAL,
        RouteKind::Anycast => libc::RTN_ANYCAST,
        RouteKind::Broadcast => libc::RTN_BROADCAST,
        _ => libc::RTN_UNICAST,
    };
    let comes_in = question.packet.iif.is_some();
    let dev = match verdict.fate {
        Fate::Local => Some(loopback_of(route, links)),
        Fate::Broadcast if comes_in => Some(loopback_of(route, links)),
        _ => route.dev.as_deref(),
    };
    let is_local = question.packet.to.is_ipv4() && route.table == RT_TABLE_LOCAL;
    Answer::Route {
        kind,
        table: if local_is_main && is_local {
            RT_TABLE_MAIN
        } else {
            route.table
        },
        dev: dev.unwrap_or_default().to_owned(),
        gateway: route.gateway,
    }
}

/// A VRF device is the loopback of its ports.
fn loopback_of<'l>(route: &Route, links: &'l [Link]) -> &'l str {
    let named = |name: Option<&str>| links.iter().find(|link| Some(link.name.as_str()) == name);
    let port = named(route.dev.as_deref());
    let master = named(port.and_then(|port| port.master.as_deref()));
    let vrf = master.filter(|master| master.table.is_some());
    vrf.map_or("lo", |vrf| vrf.name.as_str())
}
