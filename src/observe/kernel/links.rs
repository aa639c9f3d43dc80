//! Links and their addresses.

use super::netlink::{Request, address, attributes, attributes_after, dump, text, u8_at, u32_at};
use crate::facts::Link;
use ipnet::IpNet;
use netlink_sys::protocols::NETLINK_ROUTE;
use std::collections::BTreeMap;
use std::io;

const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Links by their index, with their addresses of both families.
pub type Links = BTreeMap<u32, Link>;

/// Reads them.
pub fn read() -> io::Result<Links> {
    let request = Request {
        protocol: NETLINK_ROUTE,
        kind: RTM_GETLINK,
        body: &[0; 16],
    };
    let mut links = named(dump(&request, |found: &mut Vec<LinkMessage>, payload| {
        found.extend(link(payload))
    })?);
    let request = Request {
        protocol: NETLINK_ROUTE,
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

/// What one message says: a link that names its master by number.
#[derive(Debug, Default)]
pub struct LinkMessage {
    /// Its number.
    pub index: u32,
    /// The number of the bridge or VRF device it is a port of.
    pub master: Option<u32>,
    /// The rest.
    pub link: Link,
}

/// The links, with the names of their masters.
fn named(messages: Vec<LinkMessage>) -> Links {
    let ports: Vec<(u32, u32)> = messages
        .iter()
        .filter_map(|one| Some((one.index, one.master?)))
        .collect();
    let mut links: Links = messages
        .into_iter()
        .map(|one| (one.index, one.link))
        .collect();
    for (port, master) in ports {
        let name = links.get(&master).map(|link| link.name.clone());
        if let Some(link) = links.get_mut(&port) {
            link.master = name;
        }
    }
    links
}

/// `struct ifinfomsg`, 16 bytes, and attributes.
pub fn link(payload: &[u8]) -> Option<LinkMessage> {
    let mut message = LinkMessage {
        index: u32_at(payload, 4)?,
        ..LinkMessage::default()
    };
    let link = &mut message.link;
    for (kind, value) in attributes_after(payload, 16) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_MASTER => message.master = u32_at(value, 0),
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
    Some(message)
}

/// `struct ifaddrmsg`, 8 bytes, and attributes. On a point-to-point link IFA_ADDRESS is the peer, which has a route of
/// its own.
pub fn address_of_link(payload: &[u8]) -> Option<(u32, IpNet)> {
    let (prefix, index) = (u8_at(payload, 1)?, u32_at(payload, 4)?);
    let find = |wanted| attributes_after(payload, 8).find(|(kind, _)| *kind == wanted);
    let (_, value) = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    Some((index, IpNet::new(address(value)?, prefix).ok()?))
}
