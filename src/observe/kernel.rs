//! Links, addresses and routes over netlink: the kernel's own words, not the text of a tool.
//!
//! IPv4 only for now, of the main table only.

use super::facts::{Kernel, Link, Route, RouteKind, Scope};
use ipnet::{IpNet, Ipv4Net};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteNextHop, RouteScope, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// Main table; the kernel calls it so in every namespace.
const MAIN_TABLE: u32 = 254;

/// Reads links with their addresses, and the routes of the main table.
pub fn read() -> io::Result<Kernel> {
    let mut links = BTreeMap::new();
    for message in dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))? {
        if let RouteNetlinkMessage::NewLink(link) = message {
            links.insert(link.header.index, read_link(&link));
        }
    }
    let mut request = AddressMessage::default();
    request.header.family = AddressFamily::Inet;
    for message in dump(RouteNetlinkMessage::GetAddress(request))? {
        if let RouteNetlinkMessage::NewAddress(message) = message
            && let (Some(link), Some(address)) = (links.get_mut(&message.header.index), read_address(&message))
        {
            link.addresses.push(address);
        }
    }
    let mut request = RouteMessage::default();
    request.header.address_family = AddressFamily::Inet;
    let mut routes = Vec::new();
    for message in dump(RouteNetlinkMessage::GetRoute(request))? {
        if let RouteNetlinkMessage::NewRoute(message) = message {
            routes.extend(read_route(&message, &links));
        }
    }
    Ok(Kernel { links: links.into_values().collect(), routes })
}

fn read_link(message: &LinkMessage) -> Link {
    let mut link = Link { name: String::new(), kind: None, addresses: Vec::new() };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::LinkInfo(infos) => link.kind = infos.iter().find_map(read_kind),
            _ => {}
        }
    }
    link
}

fn read_kind(info: &LinkInfo) -> Option<String> {
    match info {
        LinkInfo::Kind(InfoKind::Other(name)) => Some(name.clone()),
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    }
}

/// The local address; on a point-to-point link the peer is another attribute, and a route of its own.
fn read_address(message: &AddressMessage) -> Option<IpNet> {
    let find = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(wanted);
    let local = find(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = local.or_else(|| {
        find(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })?;
    IpNet::new(address, message.header.prefix_len).ok()
}

/// One route for every next hop; none for other tables.
fn read_route(message: &RouteMessage, links: &BTreeMap<u32, Link>) -> Vec<Route> {
    let mut dst = Ipv4Addr::UNSPECIFIED;
    let mut table = u32::from(message.header.table);
    let (mut gateway, mut dev, mut hops) = (None, None, Vec::new());
    let name = |index: &u32| links.get(index).map(|link| link.name.clone());
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => dst = *address,
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Oif(index) => dev = name(index),
            RouteAttribute::MultiPath(next_hops) => hops.clone_from(next_hops),
            other => gateway = gateway.or(read_gateway(other)),
        }
    }
    let Ok(dst) = Ipv4Net::new(dst, message.header.destination_prefix_length) else {
        return Vec::new();
    };
    if table != MAIN_TABLE {
        return Vec::new();
    }
    let route = Route {
        dst: IpNet::V4(dst),
        table,
        kind: match message.header.kind {
            RouteType::Unicast => RouteKind::Unicast,
            RouteType::BlackHole => RouteKind::Blackhole,
            RouteType::Unreachable => RouteKind::Unreachable,
            RouteType::Prohibit => RouteKind::Prohibit,
            _ => RouteKind::Other,
        },
        scope: match message.header.scope {
            RouteScope::Link => Scope::Link,
            RouteScope::Host | RouteScope::NoWhere => Scope::Host,
            _ => Scope::Global,
        },
        gateway,
        dev,
    };
    if hops.is_empty() {
        return vec![route];
    }
    let hop = |hop: &RouteNextHop| Route {
        gateway: hop.attributes.iter().find_map(read_gateway),
        dev: name(&hop.interface_index),
        ..route.clone()
    };
    hops.iter().map(hop).collect()
}

fn read_gateway(attribute: &RouteAttribute) -> Option<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
        RouteAttribute::Via(RouteVia::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// Asks for everything of a kind and collects the answers.
fn dump(request: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut packet = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(request));
    packet.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut answers = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        let mut rest = datagram.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(|error| io::Error::other(format!("netlink answer not understood: {error}")))?;
            // Messages are aligned to four bytes; the last one of a datagram need not be padded.
            let length = (message.header.length as usize).next_multiple_of(4);
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(answers),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                _ => {}
            }
            rest = rest.get(length.max(16)..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    /// Any namespace has a loopback; the network-namespace tests look at everything else.
    #[test]
    fn reads_this_namespace() {
        let kernel = super::read().unwrap();
        assert!(kernel.links.iter().any(|link| link.name == "lo"));
        assert!(kernel.routes.iter().all(super::Route::main_table));
    }
}
