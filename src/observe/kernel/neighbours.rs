//! The neighbours: addresses this host called on a link in vain, and those that are at home on a
//! bridge.

use super::links::Links;
use crate::facts::{Neighbour, NeighbourState, Resident};
use crate::host::netlink::{Request, address, attributes_after, dump, u16_at, u32_at};
use nix::libc::{
    NDA_CACHEINFO, NDA_DST, NUD_DELAY, NUD_FAILED, NUD_INCOMPLETE, NUD_PERMANENT, NUD_PROBE,
    NUD_REACHABLE, NUD_STALE, RTM_GETNEIGH,
};
use nix::sys::socket::SockProtocol;
use std::io;
use std::net::IpAddr;

/// The states of a neighbour that has a link-layer address. Broadcasts and multicasts are in none
/// of them.
const WITH_LINK_ADDRESS: u16 = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

/// The unit of times the kernel tells: its `USER_HZ`, 100 on every architecture but Alpha.
const TICKS_A_SECOND: u32 = 100;

/// The neighbours that matter.
#[derive(Default)]
pub struct Neighbours {
    /// Those that did not answer, on all links.
    pub silent: Vec<Neighbour>,
    /// Those that did, on all bridges. Which bridges are Docker's the kernel does not know.
    pub residents: Vec<Resident>,
}

/// Reads those of all links.
pub fn read(links: &Links) -> io::Result<Neighbours> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETNEIGH,
        body: &[0; 12],
    };
    dump(&request, |found: &mut Neighbours, payload| {
        found.silent.extend(neighbour(payload, links));
        found.residents.extend(resident(payload, links));
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
    // Of `struct nda_cacheinfo` the second field: ticks since a packet went there.
    let called = value(payload, NDA_CACHEINFO).and_then(|times| u32_at(times, 4));
    let called_seconds_ago = called.map(|ticks| u64::from(ticks / TICKS_A_SECOND));
    Some(Neighbour {
        address: address(value(payload, NDA_DST)?)?,
        dev,
        state,
        called_seconds_ago,
    })
}

/// A neighbour on a bridge that has a link-layer address.
pub fn resident(payload: &[u8], links: &Links) -> Option<Resident> {
    let link = links.get(&u32_at(payload, 4)?)?;
    if u16_at(payload, 8)? & WITH_LINK_ADDRESS == 0 || !link.is_bridge() {
        return None;
    }
    let address = address(value(payload, NDA_DST)?)?;
    // Every IPv6 neighbour has such an address besides; nobody calls it from elsewhere.
    if matches!(address, IpAddr::V6(address) if address.is_unicast_link_local()) {
        return None;
    }
    Some(Resident {
        address,
        dev: link.name.clone(),
    })
}

fn value(payload: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes_after(payload, 12)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, value)| value)
}
