//! The routing tables: all routes that cover an address, from the longest prefix to the shortest.

use crate::facts::{Family, Route};
use ipnet::IpNet;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::net::IpAddr;

/// All tables of both families, indexed once.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    routes: &'a [Route],
    tables: HashMap<(Family, u32), Table>,
}

/// One table. Networks are nested or disjoint, so those that cover an address are the last one that
/// begins at or before it, or one of its parents, and all parents of that.
#[derive(Debug, Default)]
struct Table {
    /// In order of address, wider before narrower.
    networks: Vec<Network>,
    /// The places of the routes, network by network.
    places: Vec<u32>,
}

#[derive(Debug)]
struct Network {
    first: u128,
    prefix: u8,
    /// The place of the narrowest network around it.
    parent: Option<u32>,
    /// Where its routes begin in `places`.
    begin: u32,
}

impl<'a> Tables<'a> {
    pub fn new(routes: &'a [Route]) -> Tables<'a> {
        let mut by_table: HashMap<(Family, u32), Vec<u32>> = HashMap::new();
        for (place, route) in (0..).zip(routes) {
            let key = (Family::of(&route.dst.addr()), route.table);
            by_table.entry(key).or_default().push(place);
        }
        let tables = by_table
            .into_iter()
            .map(|(key, places)| (key, Table::new(routes, places)))
            .collect();
        Tables { routes, tables }
    }

    /// The routes of a table that cover an address, in the order of [`precedence`].
    pub fn covering(&self, table: u32, to: IpAddr) -> impl Iterator<Item = &'a Route> {
        let table = self.tables.get(&(Family::of(&to), table));
        table
            .into_iter()
            .flat_map(move |table| table.covering(number(to), bits(to)))
            .filter_map(|place| self.routes.get(place as usize))
    }
}

impl Table {
    fn new(routes: &[Route], mut places: Vec<u32>) -> Table {
        let route_at = |place: &u32| routes.get(*place as usize);
        // Stable: of equal routes the one the kernel names first comes first.
        places.sort_by(|a, b| match (route_at(a), route_at(b)) {
            (Some(a), Some(b)) => network(a).cmp(&network(b)).then_with(|| precedence(a, b)),
            _ => Ordering::Equal,
        });
        let mut networks: Vec<Network> = Vec::new();
        for (begin, route) in (0..).zip(places.iter().filter_map(route_at)) {
            let (first, prefix) = network(route);
            let last = networks.last();
            if last.is_none_or(|last| (last.first, last.prefix) != (first, prefix)) {
                let parent = parent(&networks, first, bits(route.dst.addr()));
                networks.push(Network {
                    first,
                    prefix,
                    parent,
                    begin,
                });
            }
        }
        Table { networks, places }
    }

    fn covering(&self, address: u128, bits: u32) -> impl Iterator<Item = u32> {
        let after = self
            .networks
            .partition_point(|network| network.first <= address);
        let mut next = after
            .checked_sub(1)
            .and_then(|last| u32::try_from(last).ok());
        std::iter::from_fn(move || {
            loop {
                let at = next?;
                let network = self.networks.get(at as usize)?;
                next = network.parent;
                if network.covers(address, bits) {
                    return Some(self.routes_of(at as usize, network));
                }
            }
        })
        .flatten()
        .copied()
    }

    fn routes_of(&self, at: usize, network: &Network) -> &[u32] {
        let end = self.networks.get(at + 1).map(|next| next.begin as usize);
        let end = end.unwrap_or(self.places.len());
        self.places
            .get(network.begin as usize..end)
            .unwrap_or_default()
    }
}

/// The narrowest of the networks so far that holds this address; it is the last one or around it.
fn parent(networks: &[Network], first: u128, bits: u32) -> Option<u32> {
    let mut next = u32::try_from(networks.len()).ok()?.checked_sub(1);
    while let Some(at) = next {
        let network = networks.get(at as usize)?;
        if network.covers(first, bits) {
            return Some(at);
        }
        next = network.parent;
    }
    None
}

impl Network {
    fn covers(&self, address: u128, bits: u32) -> bool {
        let rest = bits.saturating_sub(u32::from(self.prefix));
        (address ^ self.first).checked_shr(rest).unwrap_or(0) == 0
    }
}

/// Which of two routes that cover an address the kernel looks at first: the longer prefix, the one
/// with a type of service, the one for fewer sources, the lower metric.
pub(super) fn precedence(a: &Route, b: &Route) -> Ordering {
    rank(a).cmp(&rank(b))
}

fn rank(route: &Route) -> impl Ord + use<> {
    let source = route.from.as_ref().map(IpNet::prefix_len);
    (
        Reverse(route.dst.prefix_len()),
        Reverse(route.tos),
        Reverse(source),
        route.metric,
    )
}

/// The first address and the prefix length.
fn network(route: &Route) -> (u128, u8) {
    (number(route.dst.addr()), route.dst.prefix_len())
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn bits(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => u32::BITS,
        IpAddr::V6(_) => u128::BITS,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::{RT_TABLE_MAIN, RouteKind};

    /// Every network of a corner of both families, and some around, in an order that is none.
    #[test]
    fn finds_what_a_plain_search_finds() {
        let mut nets: Vec<IpNet> = Vec::new();
        for prefix in 27..=32 {
            let corner: ipnet::Ipv4Net = "10.0.0.0/27".parse().unwrap();
            nets.extend(corner.subnets(prefix).unwrap().map(IpNet::V4));
        }
        for text in ["0.0.0.0/0", "10.0.0.0/8", "::/0", "fd00::/8", "fd00::/124"] {
            nets.push(text.parse().unwrap());
        }
        let route = |(place, net): (usize, &IpNet)| Route {
            table: RT_TABLE_MAIN + u32::from(place % 5 == 0),
            metric: (place % 3) as u32,
            ..Route::new(*net, RouteKind::Unicast)
        };
        let routes: Vec<Route> = nets
            .iter()
            .rev()
            .chain(&nets)
            .enumerate()
            .map(route)
            .collect();
        let tables = Tables::new(&routes);
        for net in &nets {
            for to in [net.network(), net.broadcast()] {
                let found: Vec<&Route> = tables.covering(RT_TABLE_MAIN, to).collect();
                let mut plain: Vec<&Route> = routes
                    .iter()
                    .filter(|route| route.table == RT_TABLE_MAIN && route.dst.contains(&to))
                    .collect();
                plain.sort_by(|a, b| precedence(a, b));
                assert_eq!(found, plain, "{to}");
            }
        }
        let nowhere = "192.0.2.1".parse().unwrap();
        assert_eq!(tables.covering(77, nowhere).count(), 0);
    }
}
