//! Where the kernel itself would send a packet now.

use crate::host::netlink::{
    AF_INET, Request, Socket, address, attribute, attributes_after, u32_at,
};
use nix::libc::{RTA_DST, RTA_GATEWAY, RTA_IIF, RTA_OIF, RTA_SRC, RTM_GETROUTE};
use nix::net::if_::{if_indextoname, if_nametoindex};
use nix::sys::socket::SockProtocol;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// The length of `struct rtmsg`.
const FIXED: usize = 12;
/// The prefix length of a single address.
const SINGLE: u8 = 32;

/// The next hop of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    pub gateway: Option<IpAddr>,
    pub dev: Option<String>,
}

/// Asks the kernel about a packet of this host.
pub fn route_of(to: Ipv4Addr) -> io::Result<NextHop> {
    ask(&attribute(RTA_DST, &to.octets()))
}

/// Asks the kernel about a packet that comes in by an interface. The kernel answers as it would act:
/// with an error where it does not forward, or where its filter of reverse paths drops it.
pub fn forwarded_route_of(from: Ipv4Addr, dev: &str, to: Ipv4Addr) -> io::Result<NextHop> {
    let index = if_nametoindex(dev)?;
    let attributes = [
        attribute(RTA_DST, &to.octets()),
        attribute(RTA_SRC, &from.octets()),
        attribute(RTA_IIF, &index.to_ne_bytes()),
    ];
    ask(&attributes.concat())
}

fn ask(attributes: &[u8]) -> io::Result<NextHop> {
    let mut body = vec![0; FIXED];
    if let Some(fixed) = body.first_chunk_mut::<2>() {
        *fixed = [AF_INET, SINGLE];
    }
    body.extend(attributes);
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETROUTE,
        body: &body,
    };
    Socket::open(SockProtocol::NetlinkRoute)?.ask(&request, |payload| Some(next_hop(payload)))
}

fn next_hop(payload: &[u8]) -> NextHop {
    let mut hop = NextHop {
        gateway: None,
        dev: None,
    };
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            RTA_GATEWAY => hop.gateway = address(value),
            RTA_OIF => hop.dev = u32_at(value, 0).and_then(name),
            _ => {}
        }
    }
    hop
}

fn name(index: u32) -> Option<String> {
    let name = if_indextoname(index).ok()?;
    name.into_string().ok()
}
