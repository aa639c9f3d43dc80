//! The default route, whole or in pieces. VPNs overrule it by routes that together cover the
//! Internet: halves, quarters, or "everything but my LAN". Such a piece says where the way out is,
//! not that this host needs the private addresses that happen to lie in it.

use crate::facts::Route;
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, v4};
use ipnet::{IpNet, Ipv4Net};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// No private block is wider than 8 bits (fc00::/7 is of IPv6), so what is wider is a piece of the
/// way out.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 7;

/// Routes of one table over one link and gateway are one way.
type Way<'a> = (u32, Option<&'a str>, Option<IpAddr>);

/// The pieces of the ways out of a host.
pub struct WaysOut<'a> {
    pieces: HashSet<(Way<'a>, Ipv4Net)>,
}

impl<'a> WaysOut<'a> {
    pub fn of(routes: &'a [Route]) -> WaysOut<'a> {
        let mut ways: HashMap<Way, Vec<Ipv4Net>> = HashMap::new();
        for route in routes {
            if let Some(dst) = v4(&route.dst) {
                ways.entry(way(route)).or_default().push(dst);
            }
        }
        let mut pieces = HashSet::new();
        for (way, nets) in ways {
            pieces.extend(pieces_of(&nets).into_iter().map(|net| (way, net)));
        }
        WaysOut { pieces }
    }

    /// Whether a route is a way out, or a piece of one.
    pub fn has(&self, route: &'a Route) -> bool {
        match route.dst {
            IpNet::V4(dst) => {
                dst.prefix_len() < WIDEST_V4 || self.pieces.contains(&(way(route), dst))
            }
            IpNet::V6(dst) => dst.prefix_len() < WIDEST_V6,
        }
    }
}

fn way(route: &Route) -> Way<'_> {
    (route.table, route.dev.as_deref(), route.gateway)
}

/// Of the networks of one way those that are pieces of the Internet, if the way leads there.
pub fn pieces_of(nets: &[Ipv4Net]) -> Vec<Ipv4Net> {
    if !nets.iter().any(|net| net.prefix_len() < WIDEST_V4) {
        return Vec::new();
    }
    let all = RangeSet::new(nets.iter().copied());
    let mut pieces = outermost(nets);
    pieces.retain(|net| is_a_fragment(net, &all));
    pieces
}

/// The networks that lie in no other of the list.
fn outermost(nets: &[Ipv4Net]) -> Vec<Ipv4Net> {
    let mut sorted = nets.to_vec();
    sorted.sort_by_key(|net| (net.network(), net.prefix_len()));
    let mut outermost: Vec<Ipv4Net> = Vec::new();
    for net in sorted {
        if !outermost.last().is_some_and(|last| last.contains(&net)) {
            outermost.push(net);
        }
    }
    outermost
}

/// Whether a network is what was left of a block when a calculator took a hole out of it. Such a
/// calculator never writes both halves of a block, and the hole is small. Where the other half is
/// there too, or most of the block is not, this network was listed on purpose.
fn is_a_fragment(net: &Ipv4Net, all: &RangeSet) -> bool {
    let Some(block) = PRIVATE_BLOCKS.iter().find(|block| block.contains(net)) else {
        return true;
    };
    let quarters = block.subnets(block.prefix_len() + 2).into_iter().flatten();
    let touched = quarters.filter(|quarter| all.overlaps(*quarter)).count();
    touched == 4 && !other_half(net).is_some_and(|half| all.covers(half))
}

fn other_half(net: &Ipv4Net) -> Option<Ipv4Net> {
    let bit = 1u32.checked_shl(32 - u32::from(net.prefix_len()))?;
    let other = u32::from(net.network()) ^ bit;
    Ipv4Net::new(other.into(), net.prefix_len()).ok()
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

    /// 0.0.0.0/0 without these networks, as calculators write it.
    fn everything_but(holes: &[&str]) -> Vec<String> {
        let mut pieces: Vec<Ipv4Net> = vec!["0.0.0.0/0".parse().unwrap()];
        for hole in holes {
            let hole: Ipv4Net = hole.parse().unwrap();
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
    }
}
