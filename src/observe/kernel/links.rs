//! Links and their addresses.

use crate::facts::Link;
use crate::host::netlink::{
    AF_INET, Request, address, attributes, attributes_after, dump, text, u8_at, u32_at,
};
use ipnet::IpNet;
use nix::libc::{
    IFA_ADDRESS, IFA_LOCAL, IFF_LOWER_UP, IFF_UP, IFLA_AF_SPEC, IFLA_GROUP, IFLA_IFNAME,
    IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO, IFLA_MASTER, RTM_GETADDR, RTM_GETLINK,
};
use nix::sys::socket::SockProtocol;
use std::collections::BTreeMap;
use std::io;

/// From linux/if_link.h; libc lacks it.
const IFLA_VRF_TABLE: u16 = 1;
const IFLA_INET_CONF: u16 = 1;
/// The place of `forwarding` among an interface's settings: linux/ip.h counts from 1.
const IPV4_DEVCONF_FORWARDING: usize = 0;

/// Links by their index, with their addresses of both families.
pub type Links = BTreeMap<u32, Link>;

/// Reads them.
pub fn read() -> io::Result<Links> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: RTM_GETLINK,
        body: &[0; 16],
    };
    let mut links = named(dump(&request, |found: &mut Vec<LinkMessage>, payload| {
        found.extend(link(payload))
    })?);
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
    let flags = u32_at(payload, 8)?;
    link.down = flags & IFF_UP as u32 == 0;
    link.no_carrier = flags & IFF_LOWER_UP as u32 == 0;
    for (kind, value) in attributes_after(payload, 16) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_MASTER => message.master = u32_at(value, 0),
            IFLA_GROUP => link.group = u32_at(value, 0)?,
            IFLA_AF_SPEC => link.no_forwarding = forwards(value) == Some(false),
            IFLA_LINKINFO => (link.kind, link.table) = kind_and_table(value),
            _ => {}
        }
    }
    Some(message)
}

/// Whether IPv4 packets that come in by a link are sent on; its settings are one list of numbers.
fn forwards(families: &[u8]) -> Option<bool> {
    let inet = u16::from(AF_INET);
    let (_, of_inet) = attributes(families).find(|(family, _)| *family == inet)?;
    let (_, settings) = attributes(of_inet).find(|(kind, _)| *kind == IFLA_INET_CONF)?;
    Some(u32_at(settings, 4 * IPV4_DEVCONF_FORWARDING)? != 0)
}

/// What a link is, and the routing table of a VRF device.
fn kind_and_table(info: &[u8]) -> (Option<String>, Option<u32>) {
    let (mut kind, mut table) = (None, None);
    for (number, value) in attributes(info) {
        match number {
            IFLA_INFO_KIND => kind = Some(text(value)),
            IFLA_INFO_DATA if kind.as_deref() == Some("vrf") => {
                table = attributes(value)
                    .find(|(number, _)| *number == IFLA_VRF_TABLE)
                    .and_then(|(_, value)| u32_at(value, 0));
            }
            _ => {}
        }
    }
    (kind, table)
}

/// `struct ifaddrmsg`, 8 bytes, and attributes. On a point-to-point link IFA_ADDRESS is the peer,
/// which has a route of its own.
pub fn address_of_link(payload: &[u8]) -> Option<(u32, IpNet)> {
    let (prefix, index) = (u8_at(payload, 1)?, u32_at(payload, 4)?);
    let find = |wanted| attributes_after(payload, 8).find(|(kind, _)| *kind == wanted);
    let (_, value) = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    Some((index, IpNet::new(address(value)?, prefix).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::host::netlink::attribute;

    /// What a kernel with VRF sends; not every kernel has it.
    #[test]
    fn reads_a_vrf_and_its_port() {
        let told = |index: u32, flags: u32, name: &[u8], rest: &[u8]| {
            let fixed = [
                [0, 0, 1, 0],
                index.to_ne_bytes(),
                flags.to_ne_bytes(),
                [0; 4],
            ]
            .concat();
            link(&[&fixed, &attribute(IFLA_IFNAME, name)[..], rest].concat()).unwrap()
        };
        let table = attribute(IFLA_VRF_TABLE, &10u32.to_ne_bytes());
        let info = [
            attribute(IFLA_INFO_KIND, b"vrf\0"),
            attribute(IFLA_INFO_DATA, &table),
        ];
        let info = attribute(IFLA_LINKINFO, &info.concat());
        let up = (IFF_UP | IFF_LOWER_UP) as u32;
        let master = attribute(IFLA_MASTER, &7u32.to_ne_bytes());
        let group = attribute(IFLA_GROUP, &3u32.to_ne_bytes());
        let links = named(vec![
            told(7, up, b"blue\0", &info),
            told(8, IFF_UP as u32, b"eth1\0", &[master, group].concat()),
        ]);
        let blue = Link {
            name: "blue".to_owned(),
            kind: Some("vrf".to_owned()),
            table: Some(10),
            ..Link::default()
        };
        let eth = Link {
            name: "eth1".to_owned(),
            master: Some("blue".to_owned()),
            no_carrier: true,
            group: 3,
            ..Link::default()
        };
        assert_eq!(links.into_values().collect::<Vec<_>>(), [blue, eth]);
    }
}
