//! Links and their addresses.

use super::netlink::{Request, address, attributes, attributes_after, dump, text, u8_at, u32_at};
use crate::facts::Link;
use ipnet::IpNet;
use nix::libc::{
    IFA_ADDRESS, IFA_LOCAL, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO,
    RTM_GETADDR, RTM_GETLINK,
};
use nix::sys::socket::SockProtocol;
use std::collections::BTreeMap;
use std::io;

/// From linux/if_link.h; libc lacks it.
const IFLA_VRF_TABLE: u16 = 1;

/// Links by their index, with their addresses of both families.
pub type Links = BTreeMap<u32, Link>;

/// Reads them.
pub fn read() -> io::Result<Links> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETLINK,
        body: &[0; 16],
    };
    let mut links = dump(&request, |links: &mut Links, payload| {
        links.extend(link(payload))
    })?;
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETADDR,
        body: &[0; 8],
    };
    let addresses = dump(&request, |found: &mut Vec<_>, payload| {
        found.extend(address_of_link(payload))
    })?;
    for (index, address) in addresses {
        if let Some(link) = links.get_mut(&index) {
            link.addresses.push(address);
        }
    }
    Ok(links)
}

/// `struct ifinfomsg`, 16 bytes, and attributes.
pub fn link(payload: &[u8]) -> Option<(u32, Link)> {
    let index = u32_at(payload, 4)?;
    let mut link = Link {
        name: String::new(),
        kind: None,
        table: None,
        addresses: Vec::new(),
    };
    for (kind, value) in attributes_after(payload, 16) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_LINKINFO => {
                for (kind, value) in attributes(value) {
                    match kind {
                        IFLA_INFO_KIND => link.kind = Some(text(value)),
                        IFLA_INFO_DATA if link.kind.as_deref() == Some("vrf") => {
                            let table = attributes(value).find(|(kind, _)| *kind == IFLA_VRF_TABLE);
                            link.table = table.and_then(|(_, value)| u32_at(value, 0));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some((index, link))
}

/// `struct ifaddrmsg`, 8 bytes, and attributes. On a point-to-point link IFA_ADDRESS is the peer, which has a route of
/// its own.
pub fn address_of_link(payload: &[u8]) -> Option<(u32, IpNet)> {
    let (prefix, index) = (u8_at(payload, 1)?, u32_at(payload, 4)?);
    let find = |wanted| attributes_after(payload, 8).find(|(kind, _)| *kind == wanted);
    let (_, value) = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    Some((index, IpNet::new(address(value)?, prefix).ok()?))
}
