//! Who this host talks to: the far ends of its TCP sockets (sock_diag), and of the flows it
//! forwards (conntrack).
//!
//! A busy proxy has a hundred thousand of them; an address is kept once, and only in the space
//! Docker may use.

use super::netlink::{
    AF_INET, AF_INET6, Request, address, attributes, attributes_after, dump, u8_at, u32_at,
};
use crate::facts::{Contact, Peer};
use crate::observe::operator::Session;
use crate::observe::relevant::RelevantSpace;
use ipnet::IpNet;
use nix::libc;
use nix::sys::socket::SockProtocol;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::IpAddr;

const IPPROTO_TCP: u8 = libc::IPPROTO_TCP as u8;
/// From linux/sock_diag.h; libc lacks it.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// From net/tcp_states.h, as the next one.
const TCP_ESTABLISHED: u8 = 1;
const TCP_SYN_SENT: u8 = 2;
/// Where `struct inet_diag_msg` has `idiag_wqueue`.
const AT_UNCONFIRMED: usize = 60;
/// From linux/netfilter/nfnetlink_conntrack.h, as what begins with `CTA_`.
const IPCTNL_MSG_CT_GET: u16 = 1;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_TUPLE_IP: u16 = 1;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V6_SRC: u16 = 3;
/// From linux/netfilter/nf_conntrack_common.h.
const IPS_SEEN_REPLY: u32 = 2;

/// What is known of an address, by how it was met: its port, where one port is meant, and how
/// often.
#[derive(Debug, Default)]
pub struct Met(BTreeMap<(IpAddr, Contact), (Option<u16>, u32)>);

impl Met {
    fn note(&mut self, address: IpAddr, port: Option<u16>, contact: Contact) {
        let (known, times) = self.0.entry((address, contact)).or_insert((port, 0));
        *times = times.saturating_add(1);
        if *known != port {
            *known = None;
        }
    }

    fn into_peers(self) -> impl Iterator<Item = Peer> {
        self.0
            .into_iter()
            .map(|((address, contact), (port, times))| Peer {
                address,
                port,
                contact,
                times,
            })
    }
}

/// Reads the TCP sockets that are connected or try to be. A connection to one of `ssh_ports` of
/// this host is an operator's session.
pub fn read_sockets(space: &RelevantSpace, ssh_ports: &[u16]) -> io::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let met = sockets(
            family,
            1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT,
            |met: &mut Met, payload| {
                if let Some((address, port, contact)) = socket(payload, ssh_ports)
                    && space.concerns(&IpNet::from(address))
                {
                    met.note(address, port, contact);
                }
            },
        )?;
        peers.extend(met.into_peers());
    }
    Ok(peers)
}

/// How many bytes an operator's session has been sent that its far end has not confirmed; none
/// where the session is over.
pub fn unconfirmed(session: &Session) -> io::Result<Option<u32>> {
    for family in [AF_INET, AF_INET6] {
        let found = sockets(
            family,
            1 << TCP_ESTABLISHED,
            |found: &mut Option<u32>, payload| {
                if is_session(payload, session).unwrap_or_default() {
                    *found = u32_at(payload, AT_UNCONFIRMED);
                }
            },
        )?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn is_session(payload: &[u8], session: &Session) -> Option<bool> {
    let (near, far, address) = ends(payload)?;
    Some((near, far, address) == (session.port, session.peer_port, session.peer))
}

/// Asks for the TCP sockets of a family in these states.
fn sockets<S: Default>(family: u8, states: u32, each: impl FnMut(&mut S, &[u8])) -> io::Result<S> {
    let mut body = [0; 56];
    body[0] = family;
    body[1] = IPPROTO_TCP;
    body[4..8].copy_from_slice(&states.to_ne_bytes());
    dump(
        &Request {
            protocol: SockProtocol::NetlinkSockDiag,
            kind: SOCK_DIAG_BY_FAMILY,
            body: &body,
        },
        each,
    )
}

/// The near port, the far port and the far address of a socket: `struct inet_diag_msg` begins with
/// family and state, then ports in network order and addresses of 16 bytes each.
fn ends(payload: &[u8]) -> Option<(u16, u16, IpAddr)> {
    let port = |at| {
        Some(u16::from_be_bytes(
            payload.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let length = if u8_at(payload, 0)? == AF_INET { 4 } else { 16 };
    Some((
        port(4)?,
        port(6)?,
        address(payload.get(24..24 + length)?)?.to_canonical(),
    ))
}

/// The far end of a socket and how it was met. The port is the far end's where this host calls, and
/// nobody's where it was called.
pub fn socket(payload: &[u8], ssh_ports: &[u16]) -> Option<(IpAddr, Option<u16>, Contact)> {
    let (near, far, address) = ends(payload)?;
    let contact = match u8_at(payload, 1)? {
        TCP_SYN_SENT => Contact::Calling,
        TCP_ESTABLISHED if ssh_ports.contains(&near) => return Some((address, None, Contact::Ssh)),
        TCP_ESTABLISHED => Contact::Connected,
        _ => return None,
    };
    Some((address, Some(far), contact))
}

/// Reads the flows the kernel tracks, the forwarded ones among them. Where it tracks none, there
/// are none. Whoever calls in vain is only known to be there when it is this host that is called: a
/// flow outlives the address it began with, docker0's old one above all.
pub fn read_flows(space: &RelevantSpace, ours: &HashSet<IpAddr>) -> io::Result<Vec<Peer>> {
    let request = Request {
        protocol: SockProtocol::NetlinkNetFilter,
        kind: (libc::NFNL_SUBSYS_CTNETLINK as u16) << 8 | IPCTNL_MSG_CT_GET,
        body: &[0; 4],
    };
    let met = dump(&request, |met: &mut Met, payload| {
        let Some(flow) = flow(payload) else { return };
        let met_caller = flow.answered || ours.contains(&flow.called);
        let contact = if flow.answered {
            Contact::Flow
        } else {
            Contact::Unanswered
        };
        let ends = [
            Some((flow.called, contact)),
            met_caller.then_some((flow.caller, Contact::Flow)),
        ];
        for (address, contact) in ends.into_iter().flatten() {
            if space.concerns(&IpNet::from(address)) {
                met.note(address, None, contact);
            }
        }
    })?;
    Ok(met.into_peers().collect())
}

/// A flow, behind any address translation.
#[derive(Debug)]
pub struct Flow {
    /// Who began it.
    pub caller: IpAddr,
    /// Who was really called: the source of the replies.
    pub called: IpAddr,
    /// Whether there was any reply.
    pub answered: bool,
}

/// Reads a flow, if it has two ends.
pub fn flow(payload: &[u8]) -> Option<Flow> {
    let (mut caller, mut called, mut status) = (None, None, 0);
    for (kind, value) in attributes_after(payload, 4) {
        match kind {
            CTA_TUPLE_ORIG => caller = source(value),
            CTA_TUPLE_REPLY => called = source(value),
            CTA_STATUS => status = u32_at(value, 0).map(u32::from_be).unwrap_or_default(),
            _ => {}
        }
    }
    // Every bridge greets the multicast routers, and such a flow outlives the bridge.
    let called = called.filter(|address| !address.is_multicast())?;
    Some(Flow {
        caller: caller?,
        called,
        answered: status & IPS_SEEN_REPLY != 0,
    })
}

fn source(tuple: &[u8]) -> Option<IpAddr> {
    let (_, inside) = attributes(tuple).find(|(kind, _)| *kind == CTA_TUPLE_IP)?;
    let (_, value) =
        attributes(inside).find(|(kind, _)| matches!(*kind, CTA_IP_V4_SRC | CTA_IP_V6_SRC))?;
    address(value)
}
