//! Who this host talks to: the far ends of its TCP sockets (sock_diag), and of the flows it
//! forwards (conntrack).
//!
//! A busy proxy has a hundred thousand of them; an address is kept once, and only in the space
//! Docker may use.

use super::links::Links;
use crate::facts::{Contact, Link, Peer, Translation};
use crate::host::netlink::{
    AF_INET, AF_INET6, Request, address, attributes, attributes_after, dump, u8_at, u32_at,
};
use crate::observe::operator::Session;
use crate::observe::relevant::RelevantSpace;
use ipnet::IpNet;
use nix::libc;
use nix::sys::socket::SockProtocol;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

const IPPROTO_TCP: u8 = libc::IPPROTO_TCP as u8;
/// From linux/sock_diag.h; libc lacks it.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// From net/tcp_states.h, as the next one.
const TCP_ESTABLISHED: u8 = 1;
const TCP_SYN_SENT: u8 = 2;
/// Where `struct inet_diag_msg` has `idiag_wqueue`, and where it ends.
const AT_UNCONFIRMED: usize = 60;
const SIZE_OF_DIAG: usize = 72;
/// From linux/inet_diag.h.
const INET_DIAG_INFO: u16 = 2;
/// Where `struct tcp_info` has `tcpi_rtt`, in microseconds, and `tcpi_bytes_acked`.
const AT_ROUND_TRIP: usize = 68;
const AT_BYTES_ACKED: usize = 120;
/// From linux/netfilter/nfnetlink_conntrack.h, as what begins with `CTA_`.
const IPCTNL_MSG_CT_GET: u16 = 1;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_PROTOINFO: u16 = 4;
const CTA_PROTOINFO_TCP: u16 = 1;
const CTA_PROTOINFO_TCP_STATE: u16 = 1;
/// The called end has not answered.
const TCP_CONNTRACK_SYN_SENT: u8 = 1;
/// It has, and the caller has not confirmed that.
const TCP_CONNTRACK_SYN_RECV: u8 = 2;
const CTA_TUPLE_IP: u16 = 1;
const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;
/// From linux/netfilter/nf_conntrack_common.h.
const IPS_SEEN_REPLY: u32 = 2;

/// This host's own addresses.
#[derive(Debug, Default)]
pub struct OwnAddresses {
    all: HashSet<IpAddr>,
    on_bridges: HashSet<IpAddr>,
}

impl OwnAddresses {
    pub fn of(links: &Links) -> OwnAddresses {
        let addresses = |link: &Link| link.addresses.iter().map(IpNet::addr).collect::<Vec<_>>();
        let bridges = links.values().filter(|link| link.is_bridge());
        OwnAddresses {
            all: links.values().flat_map(addresses).collect(),
            on_bridges: bridges.flat_map(addresses).collect(),
        }
    }

    /// How much an address has in common with the far end. What this host says from its own place
    /// in a network does not stay on a bridge, whatever the two addresses have in common.
    fn shared_bits(&self, far: IpAddr, near: IpAddr) -> u8 {
        if self.all.contains(&near) && !self.on_bridges.contains(&near) {
            return 0;
        }
        let bits = match (far, near) {
            (IpAddr::V4(far), IpAddr::V4(near)) => (far.to_bits() ^ near.to_bits()).leading_zeros(),
            (IpAddr::V6(far), IpAddr::V6(near)) => (far.to_bits() ^ near.to_bits()).leading_zeros(),
            _ => 0,
        };
        u8::try_from(bits).unwrap_or(u8::MAX)
    }
}

/// What is known of addresses.
#[derive(Debug, Default)]
pub struct Met(BTreeMap<(IpAddr, Contact, Option<Translation>), Peer>);

impl Met {
    /// Adds what one socket or one flow says of an address to what others have said.
    fn note(&mut self, peer: Peer) {
        let Peer {
            address, contact, ..
        } = peer;
        match self.0.entry((address, contact, peer.translation)) {
            Entry::Vacant(place) => {
                place.insert(peer);
            }
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                known.times = known.times.saturating_add(peer.times);
                known.port = known.port.filter(|port| Some(*port) == peer.port);
                known.shared_bits = known.shared_bits.min(peer.shared_bits);
            }
        }
    }

    fn into_peers(self) -> impl Iterator<Item = Peer> {
        self.0.into_values()
    }
}

/// Reads the TCP sockets that are connected or try to be. A connection to one of `ssh_ports` of
/// this host is an operator's session.
pub fn read_sockets(
    space: &RelevantSpace,
    ours: &OwnAddresses,
    ssh_ports: &[u16],
) -> io::Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let met = sockets(
            family,
            1 << TCP_ESTABLISHED | 1 << TCP_SYN_SENT,
            0,
            |met: &mut Met, payload| {
                if let Some(peer) = socket(payload, ours, ssh_ports)
                    && space.concerns(&IpNet::from(peer.address))
                {
                    met.note(peer);
                }
            },
        )?;
        peers.extend(met.into_peers());
    }
    Ok(peers)
}

/// How far what a session was sent has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Bytes that the far end has confirmed, since the session began.
    pub confirmed: u64,
    /// Bytes sent after those.
    pub under_way: u64,
    pub round_trip: Duration,
}

/// How far what an operator's session was sent has come; none where the session is over.
pub fn delivery(session: &Session) -> io::Result<Option<Delivery>> {
    for family in [AF_INET, AF_INET6] {
        let found = sockets(
            family,
            1 << TCP_ESTABLISHED,
            1 << (INET_DIAG_INFO - 1),
            |found: &mut Option<Delivery>, payload| {
                if is_session(payload, session).unwrap_or_default() {
                    *found = of_socket(payload);
                }
            },
        )?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The kernel's `struct tcp_info` lies in an attribute behind `struct inet_diag_msg`.
fn of_socket(payload: &[u8]) -> Option<Delivery> {
    let mut attributes = attributes_after(payload, SIZE_OF_DIAG);
    let (_, info) = attributes.find(|(kind, _)| *kind == INET_DIAG_INFO)?;
    let confirmed = info.get(AT_BYTES_ACKED..AT_BYTES_ACKED + 8)?;
    Some(Delivery {
        confirmed: u64::from_ne_bytes(confirmed.try_into().ok()?),
        under_way: u32_at(payload, AT_UNCONFIRMED)?.into(),
        round_trip: Duration::from_micros(u32_at(info, AT_ROUND_TRIP)?.into()),
    })
}

fn is_session(payload: &[u8], session: &Session) -> Option<bool> {
    let ends = ends(payload)?;
    Some((ends.near, ends.far, ends.address) == (session.port, session.peer_port, session.peer))
}

/// Asks for the TCP sockets of a family in these states, with these attributes.
fn sockets<S: Default>(
    family: u8,
    states: u32,
    extensions: u8,
    each: impl FnMut(&mut S, &[u8]),
) -> io::Result<S> {
    let mut body = [0; 56];
    body[0] = family;
    body[1] = IPPROTO_TCP;
    body[2] = extensions;
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

/// The ends of a socket: its ports, the far address and this host's own.
struct Ends {
    near: u16,
    far: u16,
    address: IpAddr,
    own: IpAddr,
}

/// `struct inet_diag_msg` begins with family and state, then ports in network order and addresses
/// of 16 bytes each, the near ones first.
fn ends(payload: &[u8]) -> Option<Ends> {
    let port = |at| {
        Some(u16::from_be_bytes(
            payload.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let length = if u8_at(payload, 0)? == AF_INET { 4 } else { 16 };
    let address = |at| Some(address(payload.get(at..at + length)?)?.to_canonical());
    Some(Ends {
        near: port(4)?,
        far: port(6)?,
        address: address(24)?,
        own: address(8)?,
    })
}

/// The far end of a socket and how it was met. The port is the far end's where this host calls, and
/// nobody's where it was called.
pub fn socket(payload: &[u8], ours: &OwnAddresses, ssh_ports: &[u16]) -> Option<Peer> {
    let ends = ends(payload)?;
    let contact = match u8_at(payload, 1)? {
        TCP_SYN_SENT => Contact::Calling,
        TCP_ESTABLISHED if ssh_ports.contains(&ends.near) => Contact::Ssh,
        TCP_ESTABLISHED => Contact::Connected,
        _ => return None,
    };
    Some(Peer {
        address: ends.address,
        port: (contact != Contact::Ssh).then_some(ends.far),
        contact,
        times: 1,
        translation: None,
        shared_bits: ours.shared_bits(ends.address, ends.own),
    })
}

/// Reads the flows the kernel tracks, the forwarded ones among them. Where it tracks none, there
/// are none. A caller that got no answer counts only if it called this host, or a port published on
/// it: a flow outlives the address it began with, docker0's old one above all.
pub fn read_flows(space: &RelevantSpace, ours: &OwnAddresses) -> io::Result<Vec<Peer>> {
    let request = Request {
        protocol: SockProtocol::NetlinkNetFilter,
        kind: (libc::NFNL_SUBSYS_CTNETLINK as u16) << 8 | IPCTNL_MSG_CT_GET,
        body: &[0; 4],
    };
    let met = dump(&request, |met: &mut Met, payload| {
        let Some(flow) = flow(payload) else { return };
        let called_us = [flow.called, flow.dialled]
            .iter()
            .any(|one| ours.all.contains(one));
        let met_caller = flow.answered || called_us;
        let ends = [
            Some(flow.called_end(ours)),
            met_caller.then(|| flow.calling_end(ours)),
        ];
        for peer in ends.into_iter().flatten() {
            if space.concerns(&IpNet::from(peer.address)) {
                met.note(peer);
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
    /// The caller as the called end sees it: another address where the caller is masqueraded.
    pub seen_as: IpAddr,
    /// The address that was called: not the one reached where a port is published.
    pub dialled: IpAddr,
    /// Who was really called: the source of the replies.
    pub called: IpAddr,
    /// Whether there was any reply.
    pub answered: bool,
    /// Whether it is a connection that the caller has confirmed no answer to: perhaps it never gets
    /// one. A container whose bridge hides the caller looks for it there.
    pub half_open: bool,
}

impl Flow {
    fn called_end(&self, ours: &OwnAddresses) -> Peer {
        let published = self.answered && self.dialled != self.called;
        Peer {
            address: self.called,
            port: None,
            contact: match self.answered {
                true => Contact::Flow,
                false => Contact::Unanswered,
            },
            times: 1,
            translation: published.then_some(Translation::Published),
            shared_bits: ours.shared_bits(self.called, self.seen_as),
        }
    }

    fn calling_end(&self, ours: &OwnAddresses) -> Peer {
        let masqueraded = self.answered && self.caller != self.seen_as;
        Peer {
            address: self.caller,
            port: None,
            contact: match self.half_open {
                true => Contact::Unanswered,
                false => Contact::Flow,
            },
            times: 1,
            translation: masqueraded.then_some(Translation::Masqueraded),
            shared_bits: ours.shared_bits(self.caller, self.dialled),
        }
    }
}

/// Reads a flow, if it has two ends.
pub fn flow(payload: &[u8]) -> Option<Flow> {
    let (mut original, mut reply, mut status, mut half_open) = (None, None, 0, false);
    for (kind, value) in attributes_after(payload, 4) {
        match kind {
            CTA_TUPLE_ORIG => original = addresses(value),
            CTA_TUPLE_REPLY => reply = addresses(value),
            CTA_STATUS => status = u32_at(value, 0).map(u32::from_be).unwrap_or_default(),
            CTA_PROTOINFO => {
                half_open = matches!(
                    tcp_state(value),
                    Some(TCP_CONNTRACK_SYN_SENT | TCP_CONNTRACK_SYN_RECV)
                );
            }
            _ => {}
        }
    }
    let ((caller, dialled), (called, seen_as)) = (original?, reply?);
    // Every bridge greets the multicast routers, and such a flow outlives the bridge.
    (!called.is_multicast()).then_some(Flow {
        caller,
        seen_as,
        dialled,
        called,
        answered: status & IPS_SEEN_REPLY != 0,
        half_open,
    })
}

/// Source and destination of a tuple.
fn addresses(tuple: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let inside = part(tuple, &[CTA_TUPLE_IP])?;
    let source = part(inside, &[CTA_IP_V4_SRC, CTA_IP_V6_SRC])?;
    let destination = part(inside, &[CTA_IP_V4_DST, CTA_IP_V6_DST])?;
    Some((address(source)?, address(destination)?))
}

fn tcp_state(protocol: &[u8]) -> Option<u8> {
    let tcp = part(protocol, &[CTA_PROTOINFO_TCP])?;
    u8_at(part(tcp, &[CTA_PROTOINFO_TCP_STATE])?, 0)
}

/// The first attribute of one of these kinds.
fn part<'a>(bytes: &'a [u8], kinds: &[u16]) -> Option<&'a [u8]> {
    let (_, value) = attributes(bytes).find(|(kind, _)| kinds.contains(kind))?;
    Some(value)
}
