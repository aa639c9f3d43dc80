//! Adds and removes single IPv4 routes. Only what carries the given protocol number is removed, and
//! nothing that is there is ever replaced.

use super::Host;
use super::netlink::{AF_INET, Request, Socket, attribute};
use ipnet::Ipv4Net;
use nix::libc::{
    self, RT_SCOPE_LINK, RT_SCOPE_NOWHERE, RT_SCOPE_UNIVERSE, RTA_DST, RTA_GATEWAY, RTA_MULTIPATH,
    RTA_OIF, RTA_PREFSRC, RTA_TABLE, RTM_DELROUTE, RTM_NEWROUTE, RTN_UNICAST,
};
use nix::net::if_::if_nametoindex;
use nix::sys::socket::SockProtocol;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

const NLM_F_CREATE: u16 = libc::NLM_F_CREATE as u16;
const NLM_F_EXCL: u16 = libc::NLM_F_EXCL as u16;
/// From linux/rtnetlink.h; libc lacks them.
const RTA_VIA: u16 = 18;
const RTNH_F_ONLINK: u8 = 4;
/// Any kind of route will do where one is removed.
const RTN_UNSPEC: u8 = 0;

/// A route to make.
#[derive(Debug)]
pub struct Order<'o> {
    pub dst: Ipv4Net,
    pub table: u32,
    pub protocol: u8,
    pub source: Option<Ipv4Addr>,
    pub hops: Vec<HopOrder<'o>>,
}

/// One of its next hops.
#[derive(Debug)]
pub struct HopOrder<'o> {
    pub gateway: Option<IpAddr>,
    pub dev: &'o str,
    pub onlink: bool,
}

impl Host {
    pub fn add_route(&self, order: &Order) -> io::Result<()> {
        let [hop] = order.hops.as_slice() else {
            let hops = order.hops.iter().map(next_hop);
            let hops = hops.collect::<io::Result<Vec<_>>>()?.concat();
            let attributes = attribute(RTA_MULTIPATH, &hops);
            return send(RTM_NEWROUTE, order, RTN_UNICAST, 0, &attributes);
        };
        let mut attributes = attribute(RTA_OIF, &index(hop.dev)?.to_ne_bytes());
        attributes.extend(gateway(hop));
        let flags = if hop.onlink { RTNH_F_ONLINK } else { 0 };
        send(RTM_NEWROUTE, order, RTN_UNICAST, flags, &attributes)
    }

    /// One that is gone already is no error.
    pub fn remove_route(&self, order: &Order) -> io::Result<()> {
        match send(RTM_DELROUTE, order, RTN_UNSPEC, 0, &[]) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            done => done,
        }
    }
}

/// `struct rtmsg` and attributes.
fn send(kind: u16, order: &Order, route_kind: u8, flags: u8, more: &[u8]) -> io::Result<()> {
    let is_new = kind == RTM_NEWROUTE;
    let has_gateway = order.hops.iter().any(|hop| hop.gateway.is_some());
    let scope = match (is_new, has_gateway) {
        (false, _) => RT_SCOPE_NOWHERE,
        (true, true) => RT_SCOPE_UNIVERSE,
        (true, false) => RT_SCOPE_LINK,
    };
    // The number of the table is an attribute: the byte here holds none above 255.
    let (no_table, prefix) = (0, order.dst.prefix_len());
    let mut body = vec![
        AF_INET,
        prefix,
        0,
        0,
        no_table,
        order.protocol,
        scope,
        route_kind,
    ];
    body.extend([flags, 0, 0, 0]);
    body.extend(attribute(RTA_DST, &order.dst.network().octets()));
    body.extend(attribute(RTA_TABLE, &order.table.to_ne_bytes()));
    if let (true, Some(source)) = (is_new, order.source) {
        body.extend(attribute(RTA_PREFSRC, &source.octets()));
    }
    body.extend(more);
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind,
        body: &body,
    };
    let flags = if is_new { NLM_F_CREATE | NLM_F_EXCL } else { 0 };
    Socket::open(SockProtocol::NetlinkRoute)?.order(&request, flags)
}

/// `struct rtnexthop`, 8 bytes, and attributes.
fn next_hop(hop: &HopOrder) -> io::Result<Vec<u8>> {
    let gateway = gateway(hop);
    let length = u16::try_from(8 + gateway.len()).map_err(io::Error::other)?;
    let flags = if hop.onlink { RTNH_F_ONLINK } else { 0 };
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([flags, 0]);
    bytes.extend(index(hop.dev)?.to_ne_bytes());
    bytes.extend(gateway);
    Ok(bytes)
}

fn gateway(hop: &HopOrder) -> Vec<u8> {
    match hop.gateway {
        Some(IpAddr::V4(gateway)) => attribute(RTA_GATEWAY, &gateway.octets()),
        Some(IpAddr::V6(gateway)) => {
            // The family first: an IPv4 route through an IPv6 neighbour.
            let family = u16::from(super::netlink::AF_INET6).to_ne_bytes();
            attribute(RTA_VIA, &[&family[..], &gateway.octets()].concat())
        }
        None => Vec::new(),
    }
}

fn index(dev: &str) -> io::Result<u32> {
    if_nametoindex(dev).map_err(|errno| io::Error::other(format!("{dev}: {errno}")))
}
