//! flannel's plan: each node gets a slice of one wide network, and docker0 is given it. The tunnel's
//! own address is the slice's first one, which no host has otherwise, and its route covers all
//! slices. Docker's narrower route wins for this node's own, as it should.

use super::needed::{Evidence, Needed};
use crate::facts::{Facts, Link};
use ipnet::IpNet;

/// Whether this need is the tunnel of the overlay that this Docker range is a slice of.
pub fn is_of_its_tunnel(need: &Needed, subnet: &IpNet, facts: &Facts) -> bool {
    match need.evidence {
        Evidence::Address(link, _) => starts_at(link, subnet),
        Evidence::Route(route) => {
            let dev = route.dev.as_deref().filter(|_| route.gateway.is_none());
            let mut links = facts.kernel.links.iter();
            let link = links.find(|link| Some(link.name.as_str()) == dev);
            let is_wider = route.dst.contains(subnet) && route.dst != *subnet;
            is_wider && link.is_some_and(|link| starts_at(link, subnet))
        }
        _ => false,
    }
}

fn starts_at(link: &Link, subnet: &IpNet) -> bool {
    let mut addresses = link.addresses.iter();
    addresses.any(|address| address.addr() == subnet.network())
}
