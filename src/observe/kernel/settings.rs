//! Settings of the kernel that decide where packets go.

use crate::host::netlink::{AF_INET6, Request, Socket, attribute, attributes_after, u32_at};
use nix::libc::RTM_GETNETCONF;
use nix::sys::socket::SockProtocol;
use std::io;

/// The length of `struct netconfmsg` with what fills it up; from linux/netconf.h, as what follows.
const FIXED: usize = 4;
const NETCONFA_IFINDEX: u16 = 1;
const NETCONFA_FORWARDING: u16 = 2;
const NETCONFA_IFINDEX_ALL: i32 = -1;

/// Whether this host forwards IPv6. A kernel without IPv6 has no answer, and does not.
pub fn ipv6_forwarding() -> bool {
    ask().unwrap_or(false)
}

fn ask() -> io::Result<bool> {
    let mut body = vec![AF_INET6, 0, 0, 0];
    body.extend(attribute(
        NETCONFA_IFINDEX,
        &NETCONFA_IFINDEX_ALL.to_ne_bytes(),
    ));
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETNETCONF,
        body: &body,
    };
    Socket::open(request.protocol)?.ask(&request, |payload| {
        let (_, value) =
            attributes_after(payload, FIXED).find(|(kind, _)| *kind == NETCONFA_FORWARDING)?;
        Some(u32_at(value, 0)? != 0)
    })
}
