//! Nexthop objects: what a route goes by where it names only a number. The kernel says the gateway
//! with the route as well, unless `net.ipv4.nexthop_compat_mode` is off.

use super::links::Links;
use crate::facts::{Route, RouteKind};
use crate::host::netlink::{Request, address, attributes_after, dump, u32_at};
use nix::sys::socket::SockProtocol;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

/// From linux/rtnetlink.h; libc lacks it.
const RTM_GETNEXTHOP: u16 = 106;
/// The length of `struct nhmsg`; from linux/nexthop.h, as all that follows.
const FIXED: usize = 8;
/// The length of `struct nexthop_grp`, which begins with the number of a member.
const MEMBER: usize = 8;
const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;

/// By their numbers.
pub type Nexthops = HashMap<u32, Nexthop>;

/// A nexthop object: a group has members, any other a link.
#[derive(Debug, Default)]
pub struct Nexthop {
    /// The numbers of a group's members.
    pub members: Vec<u32>,
    /// Where the packets go.
    pub gateway: Option<IpAddr>,
    /// The link.
    pub dev: Option<String>,
}

/// Whether a route says less than it takes to know where it leads.
pub fn is_only_a_number(route: &Route) -> bool {
    route.nexthop.is_some() && route.dev.is_none() && route.kind != RouteKind::Blackhole
}

/// Reads all of them.
pub fn read(links: &Links) -> io::Result<Nexthops> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETNEXTHOP,
        body: &[0; FIXED],
    };
    dump(&request, |found: &mut Nexthops, payload| {
        found.extend(nexthop(payload, links))
    })
}

/// `struct nhmsg` and attributes.
pub fn nexthop(payload: &[u8], links: &Links) -> Option<(u32, Nexthop)> {
    let mut id = None;
    let mut found = Nexthop::default();
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            NHA_ID => id = u32_at(value, 0),
            NHA_GROUP => {
                let members = value.chunks_exact(MEMBER);
                found.members = members.filter_map(|member| u32_at(member, 0)).collect();
            }
            NHA_GATEWAY => found.gateway = address(value),
            NHA_OIF => {
                let link = u32_at(value, 0).and_then(|index| links.get(&index));
                found.dev = link.map(|link| link.name.clone());
            }
            _ => {}
        }
    }
    Some((id?, found))
}

/// The routes with what their nexthop objects say; one for each member of a group.
pub fn resolved(routes: Vec<Route>, nexthops: &Nexthops) -> Vec<Route> {
    let mut all = Vec::with_capacity(routes.len());
    for route in routes {
        match route.nexthop.and_then(|id| nexthops.get(&id)) {
            Some(nexthop) if is_only_a_number(&route) => {
                all.extend(by_nexthop(route, nexthop, nexthops));
            }
            _ => all.push(route),
        }
    }
    all
}

fn by_nexthop(route: Route, nexthop: &Nexthop, nexthops: &Nexthops) -> Vec<Route> {
    if nexthop.members.is_empty() {
        return vec![through(route, nexthop)];
    }
    let members = nexthop.members.iter().filter_map(|id| nexthops.get(id));
    (0..)
        .zip(members)
        .map(|(number, member)| Route {
            hop: Some(number),
            ..through(route.clone(), member)
        })
        .collect()
}

fn through(route: Route, nexthop: &Nexthop) -> Route {
    Route {
        gateway: nexthop.gateway,
        dev: nexthop.dev.clone(),
        ..route
    }
}
