//! Routes of all tables and the policy rules that lead to them, of both families.

use super::links::Links;
use super::netlink::{
    AF_INET, AF_INET6, Request, address, attributes, attributes_after, dump, text, u8_at, u16_at,
    u32_at,
};
use crate::facts::{Family, Route, RouteKind, Rule, Scope};
use crate::observe::relevant::RelevantSpace;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netlink_sys::protocols::NETLINK_ROUTE;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const RTM_GETROUTE: u16 = 26;
const RTM_GETRULE: u16 = 34;
const FIXED: usize = 12;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_OIFNAME: u16 = 17;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FR_ACT_TO_TBL: u8 = 1;
const FIB_RULE_INVERT: u32 = 2;

/// What was kept of the routes, and how many there were.
#[derive(Debug, Default)]
pub struct Routes {
    /// Those that matter.
    pub kept: Vec<Route>,
    /// Those that lie where Docker never will.
    pub elsewhere: u64,
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
            protocol: NETLINK_ROUTE,
            kind: RTM_GETROUTE,
            body: &body,
        };
        let found = dump(&request, |routes: &mut Routes, payload| {
            match destination(payload) {
                Some(dst) if !space.concerns(&dst) => routes.elsewhere += 1,
                Some(dst) => routes.kept.extend(route(payload, dst, links)),
                None => {}
            }
        })?;
        all.kept.extend(found.kept);
        all.elsewhere += found.elsewhere;
    }
    Ok(all)
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

/// `struct rtmsg` and attributes; one route for every next hop. Broadcast, multicast and the like are nobody's network.
pub fn route(payload: &[u8], dst: IpNet, links: &Links) -> Vec<Route> {
    let read = || {
        let kind = match u8_at(payload, 7)? {
            1 => RouteKind::Unicast,
            2 => RouteKind::Local,
            6 => RouteKind::Blackhole,
            7 => RouteKind::Unreachable,
            8 => RouteKind::Prohibit,
            _ => return None,
        };
        let scope = match u8_at(payload, 6)? {
            253 => Scope::Link,
            254 | 255 => Scope::Host,
            _ => Scope::Global,
        };
        let table = u32::from(u8_at(payload, 4)?);
        Some(Route {
            dst,
            table,
            kind,
            scope,
            gateway: None,
            dev: None,
        })
    };
    let Some(mut route) = read() else {
        return Vec::new();
    };
    let mut hops = Vec::new();
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            RTA_TABLE => route.table = u32_at(value, 0).unwrap_or(route.table),
            RTA_OIF => route.dev = u32_at(value, 0).and_then(|index| name(links, index)),
            RTA_MULTIPATH => hops = next_hops(value, links),
            _ => route.gateway = route.gateway.or(gateway(kind, value)),
        }
    }
    if hops.is_empty() {
        return vec![route];
    }
    hops.into_iter()
        .map(|(gateway, dev)| Route {
            gateway,
            dev,
            ..route.clone()
        })
        .collect()
}

/// A list of `struct rtnexthop`, 8 bytes and attributes each.
fn next_hops(bytes: &[u8], links: &Links) -> Vec<(Option<IpAddr>, Option<String>)> {
    let mut rest = bytes;
    std::iter::from_fn(|| {
        let length = usize::from(u16_at(rest, 0)?);
        let dev = u32_at(rest, 4).and_then(|index| name(links, index));
        let inside = rest.get(8..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((
            attributes(inside).find_map(|(kind, value)| gateway(kind, value)),
            dev,
        ))
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

/// Reads the policy rules.
pub fn read_rules() -> io::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let mut body = [0; FIXED];
        body[0] = family;
        let request = Request {
            protocol: NETLINK_ROUTE,
            kind: RTM_GETRULE,
            body: &body,
        };
        rules.extend(dump(&request, |found: &mut Vec<Rule>, payload| {
            found.extend(rule(payload))
        })?);
    }
    Ok(rules)
}

/// `struct fib_rule_hdr` and attributes. Only rules that lead to a table are of interest.
pub fn rule(payload: &[u8]) -> Option<Rule> {
    let family = u8_at(payload, 0)?;
    if u8_at(payload, 7)? != FR_ACT_TO_TBL {
        return None;
    }
    let mut rule = Rule {
        family: if family == AF_INET {
            Family::Ipv4
        } else {
            Family::Ipv6
        },
        priority: 0,
        table: u32::from(u8_at(payload, 4)?),
        to: None,
        from: None,
        inverted: u32_at(payload, 8)? & FIB_RULE_INVERT != 0,
        l3mdev: false,
        only_if: Vec::new(),
    };
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            FRA_PRIORITY => rule.priority = u32_at(value, 0)?,
            FRA_TABLE => rule.table = u32_at(value, 0)?,
            FRA_DST => rule.to = network(family, u8_at(payload, 1)?, Some(value)),
            FRA_SRC => rule.from = network(family, u8_at(payload, 2)?, Some(value)),
            FRA_L3MDEV => rule.l3mdev = u8_at(value, 0)? != 0,
            FRA_IIFNAME => rule.only_if.push(format!("iif {}", text(value))),
            FRA_OIFNAME => rule.only_if.push(format!("oif {}", text(value))),
            FRA_FWMARK => rule
                .only_if
                .push(format!("fwmark {:#x}", u32_at(value, 0)?)),
            FRA_UID_RANGE => {
                rule.only_if.push(format!(
                    "uidrange {}-{}",
                    u32_at(value, 0)?,
                    u32_at(value, 4)?
                ));
            }
            FRA_SUPPRESS_PREFIXLEN if value != u32::MAX.to_ne_bytes() => {
                rule.only_if
                    .push(format!("suppress_prefixlength {}", u32_at(value, 0)?));
            }
            _ => {}
        }
    }
    Some(rule)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::Link;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// What a kernel with VRF sends; not every kernel has it.
    #[test]
    fn reads_a_vrf_and_the_rule_that_leads_to_it() {
        let data = attribute(1, &10u32.to_ne_bytes());
        let info = [attribute(1, b"vrf\0"), attribute(2, &data)].concat();
        let header = [&[0u8, 0, 1, 0][..], &7u32.to_ne_bytes(), &[0; 8]].concat();
        let payload = [header, attribute(3, b"blue\0"), attribute(18, &info)].concat();
        let found = super::super::links::link(&payload).unwrap();
        let (index, link) = (found.index, found.link);
        assert_eq!(
            (index, link.name.as_str(), link.kind.as_deref(), link.table),
            (7, "blue", Some("vrf"), Some(10))
        );
        let header = [AF_INET, 0, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0, 0, 0, 0];
        let payload = [
            header.to_vec(),
            attribute(FRA_PRIORITY, &1000u32.to_ne_bytes()),
            attribute(FRA_L3MDEV, &[1]),
        ];
        let rule = rule(&payload.concat()).unwrap();
        assert!(rule.l3mdev && rule.priority == 1000);
    }

    #[test]
    fn reads_a_route_with_two_next_hops() {
        let eth = Link {
            name: "eth0".into(),
            ..Link::default()
        };
        let links = Links::from([(2, eth)]);
        let hop = |last: u8| {
            let inside = attribute(RTA_GATEWAY, &[10, 0, 0, last]);
            let length = u16::try_from(8 + inside.len()).unwrap();
            [
                &length.to_ne_bytes()[..],
                &[0, 0],
                &2u32.to_ne_bytes(),
                &inside,
            ]
            .concat()
        };
        let payload = [
            vec![AF_INET, 16, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],
            attribute(RTA_DST, &[172, 17, 0, 0]),
            attribute(RTA_TABLE, &51820u32.to_ne_bytes()),
            attribute(RTA_MULTIPATH, &[hop(1), hop(2)].concat()),
        ]
        .concat();
        let dst = destination(&payload).unwrap();
        let routes = route(&payload, dst, &links);
        assert_eq!(dst.to_string(), "172.17.0.0/16");
        assert_eq!(
            (routes.len(), routes[1].table, routes[1].dev.as_deref()),
            (2, 51820, Some("eth0"))
        );
        assert_eq!(routes[1].gateway.unwrap().to_string(), "10.0.0.2");
        for end in 0..payload.len() {
            let _ = destination(&payload[..end]).map(|dst| route(&payload[..end], dst, &links));
            let _ = rule(&payload[..end]);
        }
    }
}
