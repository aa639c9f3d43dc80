//! The default route, whole or in pieces. VPNs overrule it by routes that together cover the
//! Internet: halves, quarters, or "everything but my LAN". Such a piece says where the way out is,
//! not that this host needs the private addresses that happen to lie in it.

use crate::facts::Route;
use crate::subnet::{PRIVATE_BLOCKS, overlap, unique_local};
use ipnet::{IpNet, Ipv6Net};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

/// No private block is wider than 8 bits (fc00::/7 is of IPv6), so what is wider is a piece of the
/// way out.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 7;

/// The IPv6 Internet: Docker may have a part of it.
const GLOBAL_UNICAST: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Routes of one table over one link and gateway are one way.
type Way<'a> = (u32, Option<&'a str>, Option<IpAddr>, bool);

/// The pieces of the ways out of a host.
pub struct WaysOut<'a> {
    pieces: HashSet<(Way<'a>, IpNet)>,
}

impl<'a> WaysOut<'a> {
    pub fn of(routes: &'a [Route]) -> WaysOut<'a> {
        let mut ways: HashMap<Way, Vec<IpNet>> = HashMap::new();
        for route in routes {
            ways.entry(way(route)).or_default().push(route.dst);
        }
        let mut pieces = HashSet::new();
        for (way, nets) in ways {
            pieces.extend(pieces_of(&nets).into_iter().map(|net| (way, net)));
        }
        WaysOut { pieces }
    }

    /// Whether a route is a way out, or a piece of one.
    pub fn has(&self, route: &'a Route) -> bool {
        is_wide(&route.dst) || self.pieces.contains(&(way(route), route.dst))
    }
}

fn way(route: &Route) -> Way<'_> {
    let is_ipv4 = matches!(route.dst, IpNet::V4(_));
    (route.table, route.dev.as_deref(), route.gateway, is_ipv4)
}

fn is_wide(net: &IpNet) -> bool {
    let widest = match net {
        IpNet::V4(_) => WIDEST_V4,
        IpNet::V6(_) => WIDEST_V6,
    };
    net.prefix_len() < widest
}

/// Of the networks of one way those that are pieces of the Internet, if the way leads there.
pub fn pieces_of(nets: &[IpNet]) -> Vec<IpNet> {
    if !nets.iter().any(is_wide) {
        return Vec::new();
    }
    let all = Outermost::of(nets);
    let pieces = all.0.iter().filter(|net| is_a_fragment(net, &all));
    pieces.copied().collect()
}

/// The networks of a list that lie in no other of it, in order.
struct Outermost(Vec<IpNet>);

impl Outermost {
    fn of(nets: &[IpNet]) -> Outermost {
        let mut sorted = nets.to_vec();
        sorted.sort_by_key(|net| (net.network(), net.prefix_len()));
        let mut outermost: Vec<IpNet> = Vec::new();
        for net in sorted {
            if !outermost.last().is_some_and(|last| last.contains(&net)) {
                outermost.push(net);
            }
        }
        Outermost(outermost)
    }

    /// Those that share addresses with a network.
    fn over(&self, net: IpNet) -> impl Iterator<Item = &IpNet> {
        let first = self.0.partition_point(|one| one.network() < net.network());
        let before = first.checked_sub(1).and_then(|last| self.0.get(last));
        let rest = self.0.get(first..).unwrap_or_default().iter();
        let around = before.filter(|one| one.contains(&net));
        around
            .into_iter()
            .chain(rest.take_while(move |one| overlap(one, &net)))
    }

    fn covers(&self, net: IpNet) -> bool {
        self.over(net).map(addresses).sum::<u128>() >= addresses(&net)
    }
}

/// How many a network has; of all of IPv6, half.
fn addresses(net: &IpNet) -> u128 {
    let bits = u32::from(net.max_prefix_len() - net.prefix_len());
    1u128 << bits.min(u128::BITS - 1)
}

/// Whether a network is what was left of a block when a calculator took a hole out of it. Such a
/// calculator never writes both halves of a block, and the hole is small. Where the other half is
/// there too, or most of the block is not, this network was listed on purpose.
fn is_a_fragment(net: &IpNet, all: &Outermost) -> bool {
    let private = PRIVATE_BLOCKS.map(IpNet::V4).into_iter();
    let mut blocks = private.chain([unique_local(), IpNet::V6(GLOBAL_UNICAST)]);
    let Some(block) = blocks.find(|block| block.contains(net)) else {
        return true;
    };
    let quarters = block.subnets(block.prefix_len() + 2).into_iter().flatten();
    let touched = quarters.filter(|quarter| all.over(*quarter).next().is_some());
    touched.count() == 4 && !other_half(net).is_some_and(|half| all.covers(half))
}

/// Of the network around it.
fn other_half(net: &IpNet) -> Option<IpNet> {
    let both = net.supernet()?.subnets(net.prefix_len()).ok()?;
    both.into_iter().find(|half| half != net)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::{RouteKind, Scope};

    fn routes(nets: &[&str]) -> Vec<Route> {
        let route = |net: &&str| Route {
            scope: Scope::Link,
            dev: Some("wg0".to_owned()),
            ..Route::new(net.parse().unwrap(), RouteKind::Unicast)
        };
        nets.iter().map(route).collect()
    }

    fn needed(nets: &[&str]) -> Vec<String> {
        let routes = routes(nets);
        let out = WaysOut::of(&routes);
        let left = routes.iter().filter(|route| !out.has(route));
        left.map(|route| route.dst.to_string()).collect()
    }

    /// Everything without these networks, as calculators write it.
    fn everything_but(holes: &[&str]) -> Vec<String> {
        let all = match holes[0].contains(':') {
            true => "::/0",
            false => "0.0.0.0/0",
        };
        let mut pieces: Vec<IpNet> = vec![all.parse().unwrap()];
        for hole in holes {
            let hole: IpNet = hole.parse().unwrap();
            while let Some(at) = pieces
                .iter()
                .position(|piece| piece.contains(&hole) && *piece != hole)
            {
                let piece = pieces.swap_remove(at);
                pieces.extend(piece.subnets(piece.prefix_len() + 1).unwrap());
            }
            pieces.retain(|piece| *piece != hole);
        }
        pieces.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn halves_and_quarters_are_the_way_out() {
        assert!(needed(&["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "128.0.0.0/2"]).is_empty());
        assert_eq!(needed(&["128.0.0.0/2", "172.16.0.0/12"]), ["172.16.0.0/12"]);
    }

    #[test]
    fn everything_but_the_lan_is_the_way_out() {
        for holes in [
            &["192.168.1.0/24"][..],
            &["192.168.1.0/24", "203.0.113.5/32"],
            &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
            &["172.17.0.0/16", "10.9.9.0/24"],
            &["fd00:1::/64"],
            &["fc00::/7"],
            &["2001:db8:5::/48", "fd00:1:2::/48"],
        ] {
            let pieces = everything_but(holes);
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            assert!(
                needed(&pieces).is_empty(),
                "{holes:?}: {:?}",
                needed(&pieces)
            );
        }
    }

    /// The twin: what is named beside the way out is meant.
    #[test]
    fn a_private_block_beside_the_way_out_is_needed() {
        let mut pieces = everything_but(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]);
        pieces.push("172.16.0.0/12".to_owned());
        let all: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert_eq!(needed(&all), ["172.16.0.0/12"]);
        assert_eq!(
            needed(&["0.0.0.0/1", "128.0.0.0/1", "172.17.0.0/16"]),
            ["172.17.0.0/16"]
        );
        assert_eq!(needed(&["10.0.0.0/8", "172.16.0.0/12"]).len(), 2);
        let mut pieces = everything_but(&["fd00:1::/64"]);
        pieces.push("fd00:1::/64".to_owned());
        let all: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert!(needed(&all).contains(&"fd00:1::/64".to_owned()));
        assert_eq!(
            needed(&["4000::/2", "2001:db8:12::/56"]),
            ["2001:db8:12::/56"]
        );
    }
}
