//! The kernel's announcements: links, addresses, routes, rules and next hops, of both families.

use crate::host::netlink::{AF_INET6, Header, Socket, messages, u8_at};
use crate::observe::kernel::routes::{destination, matters};
use crate::observe::relevant::RelevantSpace;
use nix::libc::{
    RT_SCOPE_LINK, RTM_DELADDR, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWROUTE, RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV6_RULE, RTNLGRP_LINK, RTNLGRP_NEXTHOP,
};
use nix::sys::socket::SockProtocol;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Links too: the kernel announces no IPv4 route that goes because its link went down.
const GROUPS: [u32; 8] = [
    RTNLGRP_LINK,
    RTNLGRP_IPV4_IFADDR,
    RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV6_ROUTE,
    RTNLGRP_IPV6_RULE,
    RTNLGRP_NEXTHOP,
];

/// Who announces faster than we read must not keep us here.
const AT_ONCE: usize = 10_000;

pub struct KernelChanges {
    socket: Socket,
}

impl KernelChanges {
    pub fn subscribe() -> io::Result<KernelChanges> {
        let socket = Socket::subscribed(SockProtocol::NetlinkRoute, &GROUPS)?;
        Ok(KernelChanges { socket })
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads what was announced; how much of it could concern Docker.
    pub fn take(&mut self, space: &RelevantSpace) -> usize {
        let mut changes = 0;
        for _ in 0..AT_ONCE {
            match self.socket.announcement() {
                Ok(Some(datagram)) => changes += usize::from(counts(datagram, space)),
                Ok(None) => return changes,
                // Some were lost, and nobody knows which. A new socket begins with an empty queue.
                Err(_) => {
                    if let Ok(again) = KernelChanges::subscribe() {
                        *self = again;
                    }
                    return AT_ONCE;
                }
            }
        }
        AT_ONCE
    }
}

fn counts(datagram: &[u8], space: &RelevantSpace) -> bool {
    let mut any = false;
    let read = messages(datagram, &mut |header: Header, payload| {
        any |= match header.kind {
            RTM_NEWROUTE | RTM_DELROUTE => {
                destination(payload).is_none_or(|dst| matters(&dst, space))
            }
            // Each link gets one of its own, a second after it came up; it never clashes.
            RTM_NEWADDR | RTM_DELADDR => !is_link_local(payload),
            _ => true,
        };
    });
    any || read.is_err()
}

/// `struct ifaddrmsg`: family, prefix, flags, scope.
fn is_link_local(payload: &[u8]) -> bool {
    u8_at(payload, 0) == Some(AF_INET6) && u8_at(payload, 3) == Some(RT_SCOPE_LINK)
}
