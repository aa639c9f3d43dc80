//! The neighbours that did not answer: addresses somebody on this host called on a link, in vain.

use super::links::Links;
use super::netlink::{Request, address, attributes_after, dump, u16_at, u32_at};
use crate::facts::{Neighbour, NeighbourState};
use nix::libc::{NDA_CACHEINFO, NDA_DST, NUD_FAILED, NUD_INCOMPLETE, RTM_GETNEIGH};
use nix::sys::socket::SockProtocol;
use std::io;

/// The unit of times the kernel tells: its `USER_HZ`, 100 on every architecture but Alpha.
const TICKS_A_SECOND: u32 = 100;

/// Reads the unanswered ones of all links.
pub fn read(links: &Links) -> io::Result<Vec<Neighbour>> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETNEIGH,
        body: &[0; 12],
    };
    dump(&request, |found: &mut Vec<Neighbour>, payload| {
        found.extend(neighbour(payload, links))
    })
}

/// `struct ndmsg`, 12 bytes, and attributes.
pub fn neighbour(payload: &[u8], links: &Links) -> Option<Neighbour> {
    let state = match u16_at(payload, 8)? {
        NUD_INCOMPLETE => NeighbourState::Incomplete,
        NUD_FAILED => NeighbourState::Failed,
        _ => return None,
    };
    let dev = links.get(&u32_at(payload, 4)?)?.name.clone();
    let value = |wanted| {
        attributes_after(payload, 12)
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, value)| value)
    };
    // Of `struct nda_cacheinfo` the second field: ticks since a packet went there.
    let called = value(NDA_CACHEINFO).and_then(|times| u32_at(times, 4));
    let called_seconds_ago = called.map(|ticks| u64::from(ticks / TICKS_A_SECOND));
    Some(Neighbour {
        address: address(value(NDA_DST)?)?,
        dev,
        state,
        called_seconds_ago,
    })
}
