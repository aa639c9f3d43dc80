//! Routes of all tables, of both families.

use super::links::Links;
use super::nexthops;
use crate::facts::{Preference, RELIEF_PROTOCOL, ReliefRoute, Route, RouteKind, Scope};
use crate::host::netlink::{
    AF_INET, AF_INET6, Request, address, attributes, attributes_after, dump, u8_at, u16_at, u32_at,
};
use crate::observe::relevant::RelevantSpace;
use crate::subnet::v4;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use nix::libc::{
    RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_NOWHERE, RTA_DST, RTA_GATEWAY, RTA_MULTIPATH, RTA_OIF,
    RTA_PREFSRC, RTA_PRIORITY, RTA_SRC, RTA_TABLE, RTM_GETROUTE, RTN_ANYCAST, RTN_BLACKHOLE,
    RTN_BROADCAST, RTN_LOCAL, RTN_PROHIBIT, RTN_THROW, RTN_UNICAST, RTN_UNREACHABLE,
};
use nix::sys::socket::SockProtocol;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of `struct rtmsg`.
const FIXED: usize = 12;
/// From linux/rtnetlink.h; libc has the first two for glibc only and lacks the others.
const RTA_VIA: u16 = 18;
const RTA_PREF: u16 = 20;
const RTA_NH_ID: u16 = 30;
const RTNH_F_DEAD: u32 = 1;
const RTNH_F_ONLINK: u32 = 4;
const RTNH_F_LINKDOWN: u32 = 16;
/// How RFC 4191 writes a preference.
const PREFERENCE_HIGH: u8 = 1;
const PREFERENCE_LOW: u8 = 3;

/// What was kept of the routes, and how many there were.
#[derive(Debug, Default)]
pub struct Routes {
    /// Those that matter.
    pub kept: Vec<Route>,
    /// Those that lie where Docker never will.
    pub elsewhere: u64,
    /// Relief of an earlier run.
    pub relief: Vec<ReliefRoute>,
}

/// Reads the routes that could ever matter: those into the space Docker's networks may lie in, and
/// those that cover everything. A full Internet table has none of the former; it is counted, not
/// kept.
pub fn read(links: &Links, space: &RelevantSpace) -> io::Result<Routes> {
    let mut all = Routes::default();
    for family in [AF_INET, AF_INET6] {
        let mut body = [0; FIXED];
        body[0] = family;
        let request = Request {
            protocol: SockProtocol::NetlinkRoute,
            kind: RTM_GETROUTE,
            body: &body,
        };
        let found = dump(&request, |routes: &mut Routes, payload| {
            match destination(payload) {
                Some(dst) if u8_at(payload, 5) == Some(RELIEF_PROTOCOL) => {
                    routes.relief.extend(relief(&route(payload, dst, links)));
                }
                Some(dst) if !matters(&dst, space) => routes.elsewhere += 1,
                Some(dst) => routes.kept.extend(route(payload, dst, links)),
                None => {}
            }
        })?;
        all.kept.extend(found.kept);
        all.elsewhere += found.elsewhere;
        all.relief.extend(found.relief);
    }
    if all.kept.iter().any(nexthops::is_only_a_number) {
        all.kept = nexthops::resolved(all.kept, &nexthops::read(links)?);
    }
    Ok(all)
}

/// A route that rebridge made, from its next hops.
fn relief(hops: &[Route]) -> Option<ReliefRoute> {
    let first = hops.first()?;
    Some(ReliefRoute {
        dst: v4(&first.dst)?,
        table: first.table,
        source: match first.source {
            Some(IpAddr::V4(source)) => Some(source),
            Some(IpAddr::V6(_)) | None => None,
        },
        hops: hops.iter().filter_map(Route::next_hop).collect(),
    })
}

/// Where a route leads, without looking at anything else of it.
pub fn destination(payload: &[u8]) -> Option<IpNet> {
    let (family, prefix) = (u8_at(payload, 0)?, u8_at(payload, 1)?);
    let found = attributes_after(payload, FIXED).find(|(kind, _)| *kind == RTA_DST);
    network(family, prefix, found.map(|(_, value)| value))
}

fn network(family: u8, prefix: u8, address_bytes: Option<&[u8]>) -> Option<IpNet> {
    match (family, address_bytes.map(address)) {
        (AF_INET, None) => Ipv4Net::new(Ipv4Addr::UNSPECIFIED, prefix)
            .ok()
            .map(IpNet::V4),
        (AF_INET6, None) => Ipv6Net::new(Ipv6Addr::UNSPECIFIED, prefix)
            .ok()
            .map(IpNet::V6),
        (_, Some(Some(address))) => IpNet::new(address, prefix).ok(),
        _ => None,
    }
}

/// `struct rtmsg` and attributes; one route for every next hop.
pub fn route(payload: &[u8], dst: IpNet, links: &Links) -> Vec<Route> {
    let Some(mut route) = without_attributes(payload, dst) else {
        return Vec::new();
    };
    let mut hops = Vec::new();
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            RTA_TABLE => route.table = u32_at(value, 0).unwrap_or(route.table),
            RTA_PREFSRC => route.source = address(value),
            RTA_PRIORITY => route.metric = u32_at(value, 0).unwrap_or(0),
            RTA_SRC => {
                let prefix = u8_at(payload, 2).unwrap_or(0);
                route.from = address(value).and_then(|source| IpNet::new(source, prefix).ok());
            }
            RTA_PREF => route.preference = preference(value),
            RTA_NH_ID => route.nexthop = u32_at(value, 0),
            RTA_OIF => route.dev = u32_at(value, 0).and_then(|index| name(links, index)),
            RTA_MULTIPATH => hops = next_hops(value, links),
            _ => route.gateway = route.gateway.or(gateway(kind, value)),
        }
    }
    if hops.is_empty() {
        return vec![route];
    }
    (0..)
        .zip(hops)
        .map(|(number, hop)| {
            let mut route = Route {
                gateway: hop.gateway,
                dev: hop.dev,
                hop: Some(number),
                ..route.clone()
            };
            flag(&mut route, hop.flags);
            route
        })
        .collect()
}

/// What the fixed part says. Multicast is nobody's network.
fn without_attributes(payload: &[u8], dst: IpNet) -> Option<Route> {
    let kind = match u8_at(payload, 7)? {
        RTN_UNICAST => RouteKind::Unicast,
        RTN_LOCAL => RouteKind::Local,
        RTN_BROADCAST => RouteKind::Broadcast,
        RTN_ANYCAST => RouteKind::Anycast,
        RTN_BLACKHOLE => RouteKind::Blackhole,
        RTN_UNREACHABLE => RouteKind::Unreachable,
        RTN_PROHIBIT => RouteKind::Prohibit,
        RTN_THROW => RouteKind::Throw,
        _ => return None,
    };
    let scope = match u8_at(payload, 6)? {
        RT_SCOPE_LINK => Scope::Link,
        RT_SCOPE_HOST | RT_SCOPE_NOWHERE => Scope::Host,
        _ => Scope::Global,
    };
    let mut route = Route {
        table: u32::from(u8_at(payload, 4)?),
        scope,
        tos: u8_at(payload, 3)?,
        ..Route::new(dst, kind)
    };
    flag(&mut route, u32_at(payload, 8)?);
    Some(route)
}

fn flag(route: &mut Route, flags: u32) {
    route.dead = flags & RTNH_F_DEAD != 0;
    route.linkdown = flags & RTNH_F_LINKDOWN != 0;
    route.onlink = flags & RTNH_F_ONLINK != 0;
}

fn preference(value: &[u8]) -> Preference {
    match u8_at(value, 0) {
        Some(PREFERENCE_HIGH) => Preference::High,
        Some(PREFERENCE_LOW) => Preference::Low,
        _ => Preference::Medium,
    }
}

/// One of several next hops.
struct NextHop {
    gateway: Option<IpAddr>,
    dev: Option<String>,
    flags: u32,
}

/// A list of `struct rtnexthop`, 8 bytes and attributes each.
fn next_hops(bytes: &[u8], links: &Links) -> Vec<NextHop> {
    let mut rest = bytes;
    std::iter::from_fn(|| {
        let length = usize::from(u16_at(rest, 0)?);
        let flags = u32::from(u8_at(rest, 2)?);
        let dev = u32_at(rest, 4).and_then(|index| name(links, index));
        let inside = rest.get(8..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(NextHop {
            gateway: attributes(inside).find_map(|(kind, value)| gateway(kind, value)),
            dev,
            flags,
        })
    })
    .collect()
}

fn gateway(kind: u16, value: &[u8]) -> Option<IpAddr> {
    match kind {
        RTA_GATEWAY => address(value),
        // The family first: an IPv4 route through an IPv6 neighbour.
        RTA_VIA => address(value.get(2..)?),
        _ => None,
    }
}

fn name(links: &Links, index: u32) -> Option<String> {
    links.get(&index).map(|link| link.name.clone())
}

/// Whether a route there could concern Docker.
pub fn matters(dst: &IpNet, space: &RelevantSpace) -> bool {
    space.concerns(dst) || is_wide(dst)
}

/// Whether a route may be a piece of the default route, which only the whole of them shows.
fn is_wide(dst: &IpNet) -> bool {
    dst.prefix_len() < 8
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::Link;
    use crate::host::netlink::attribute;

    fn links() -> Links {
        let eth = Link {
            name: "eth0".into(),
            ..Link::default()
        };
        Links::from([(2, eth)])
    }

    fn read(payload: &[u8]) -> Vec<Route> {
        route(payload, destination(payload).unwrap(), &links())
    }

    fn hop(last: u8, flags: u8) -> Vec<u8> {
        let inside = attribute(RTA_GATEWAY, &[10, 0, 0, last]);
        let length = u16::try_from(8 + inside.len()).unwrap().to_ne_bytes();
        [&length[..], &[flags, 0], &2u32.to_ne_bytes(), &inside].concat()
    }

    #[test]
    fn reads_a_route_with_two_next_hops() {
        let payload = [
            vec![AF_INET, 16, 0, 0x10, 254, 3, 0, RTN_UNICAST, 0, 0, 0, 0],
            attribute(RTA_DST, &[172, 17, 0, 0]),
            attribute(RTA_TABLE, &51820u32.to_ne_bytes()),
            attribute(RTA_PRIORITY, &100u32.to_ne_bytes()),
            attribute(
                RTA_MULTIPATH,
                &[hop(1, (RTNH_F_DEAD | RTNH_F_LINKDOWN) as u8), hop(2, 0)].concat(),
            ),
        ]
        .concat();
        let routes = read(&payload);
        let first = Route {
            table: 51820,
            tos: 0x10,
            metric: 100,
            gateway: Some([10, 0, 0, 1].into()),
            dev: Some("eth0".to_owned()),
            dead: true,
            linkdown: true,
            hop: Some(0),
            ..Route::new("172.17.0.0/16".parse().unwrap(), RouteKind::Unicast)
        };
        let second = Route {
            gateway: Some([10, 0, 0, 2].into()),
            dead: false,
            linkdown: false,
            hop: Some(1),
            ..first.clone()
        };
        assert_eq!(routes, [first, second]);
        for end in 0..payload.len() {
            let _ = destination(&payload[..end]).map(|dst| route(&payload[..end], dst, &links()));
        }
    }

    #[test]
    fn reads_an_ipv6_route_for_packets_from_a_network() {
        let ours: Ipv6Addr = "fd00:8::".parse().unwrap();
        let payload = [
            vec![AF_INET6, 0, 64, 0, 254, 4, 0, RTN_UNICAST, 4, 0, 0, 0],
            attribute(RTA_SRC, &ours.octets()),
            attribute(RTA_OIF, &2u32.to_ne_bytes()),
            attribute(RTA_PREF, &[PREFERENCE_LOW]),
        ]
        .concat();
        let want = Route {
            from: Some("fd00:8::/64".parse().unwrap()),
            dev: Some("eth0".to_owned()),
            preference: Preference::Low,
            onlink: false,
            ..Route::new("::/0".parse().unwrap(), RouteKind::Unicast)
        };
        let onlink = Route {
            onlink: true,
            ..want
        };
        assert_eq!(read(&payload), [onlink]);
    }

    /// As a kernel with `nexthop_compat_mode=0` tells it: the number, and nothing else.
    #[test]
    fn a_nexthop_object_says_where_a_route_leads() {
        let by_number = |id: u32, kind| {
            let header = vec![AF_INET, 16, 0, 0, 254, 4, 0, kind, 0, 0, 0, 0];
            let dst = attribute(RTA_DST, &[172, 17, 0, 0]);
            let number = attribute(RTA_NH_ID, &id.to_ne_bytes());
            read(&[header, dst, number].concat())
        };
        let object = |id: u32, inside: &[u8]| {
            let payload = [&[AF_INET; 8], &attribute(1, &id.to_ne_bytes())[..], inside].concat();
            nexthops::nexthop(&payload, &links()).unwrap()
        };
        let dev = attribute(5, &2u32.to_ne_bytes());
        let single =
            |id, last| object(id, &[dev.clone(), attribute(6, &[10, 0, 0, last])].concat());
        let members = [5u32, 6].map(|id| [&id.to_ne_bytes()[..], &[0; 4]].concat());
        let group = object(7, &attribute(2, &members.concat()));
        let all = nexthops::Nexthops::from([single(5, 1), single(6, 2), group]);
        let resolved = |id, kind| {
            nexthops::resolved(by_number(id, kind), &all)
                .into_iter()
                .map(|route| (route.dev, route.gateway, route.hop, route.nexthop))
                .collect::<Vec<_>>()
        };
        let eth = Some("eth0".to_owned());
        let (first, second) = (Some([10, 0, 0, 1].into()), Some([10, 0, 0, 2].into()));
        assert_eq!(
            resolved(5, RTN_UNICAST),
            [(eth.clone(), first, None, Some(5))]
        );
        assert_eq!(
            resolved(7, RTN_UNICAST),
            [
                (eth.clone(), first, Some(0), Some(7)),
                (eth, second, Some(1), Some(7))
            ]
        );
        assert_eq!(
            resolved(9, RTN_UNICAST),
            [(None, None, None, Some(9))],
            "gone meanwhile"
        );
        assert_eq!(resolved(8, RTN_BLACKHOLE), [(None, None, None, Some(8))]);
    }
}
