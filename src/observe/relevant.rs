//! The address space Docker's networks may ever lie in: where they lie now, what the pools in force
//! hold, and what rebridge could propose or an operator could name. Whatever lies elsewhere can
//! clash with nothing and is not kept; this is what keeps a router's 700 000 routes and a proxy's
//! 100 000 connections out of memory.

use crate::facts::pools::PoolList;
use crate::facts::{Docker, Facts, Link};
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, SHARED_BLOCKS, overlap, unique_local, v4};
use ipnet::IpNet;

/// The space.
#[derive(Debug)]
pub struct RelevantSpace {
    ipv4: RangeSet,
    ipv6: Vec<IpNet>,
}

impl Default for RelevantSpace {
    fn default() -> RelevantSpace {
        RelevantSpace::of(Vec::new())
    }
}

impl RelevantSpace {
    /// The space of a host: what anybody may use privately, and what this Docker and its bridges
    /// hold besides.
    pub fn new<'a>(links: impl IntoIterator<Item = &'a Link>, docker: &Docker) -> RelevantSpace {
        let links = links.into_iter();
        let bridges = links.filter(|link| link.has_a_docker_name());
        let held = bridges.flat_map(|link| link.addresses.iter().map(IpNet::trunc));
        RelevantSpace::of(held.chain(ranges(docker)).collect())
    }

    /// The space of a host that was looked at.
    pub fn of_facts(facts: &Facts) -> RelevantSpace {
        RelevantSpace::new(&facts.kernel.links, &facts.docker)
    }

    /// Whether what this Docker holds and may take is part of it.
    pub fn covers(&self, docker: &Docker) -> bool {
        ranges(docker).all(|net| match net {
            IpNet::V4(net) => self.ipv4.covers(net),
            IpNet::V6(_) => link_local(&net) || self.ipv6.iter().any(|ours| ours.contains(&net)),
        })
    }

    fn of(mut nets: Vec<IpNet>) -> RelevantSpace {
        let private = PRIVATE_BLOCKS.into_iter().chain(SHARED_BLOCKS);
        let ipv4 = RangeSet::new(private.chain(nets.iter().filter_map(v4)));
        nets.retain(|net| {
            matches!(net, IpNet::V6(_)) && !overlap(net, &unique_local()) && !link_local(net)
        });
        nets.push(unique_local());
        RelevantSpace { ipv4, ipv6: nets }
    }

    /// Whether any of it could concern Docker.
    pub fn concerns(&self, net: &IpNet) -> bool {
        match net {
            IpNet::V4(net) => self.ipv4.overlaps(*net),
            IpNet::V6(_) => self.ipv6.iter().any(|ours| overlap(ours, net)),
        }
    }
}

/// What Docker's settings and its engine name.
fn ranges(docker: &Docker) -> impl Iterator<Item = IpNet> {
    let in_file = docker
        .config
        .keys
        .get("default-address-pools")
        .and_then(PoolList::of_key);
    let by_flag = PoolList::of_options(docker.flag("default-address-pool"));
    let configured = in_file
        .into_iter()
        .chain(by_flag)
        .flat_map(|list| list.pools)
        .map(|pool| pool.base());
    let engine = docker.engine.iter();
    let in_force = engine
        .clone()
        .flat_map(|engine| engine.pools.iter().flatten())
        .map(|pool| IpNet::V4(pool.base));
    let networks = engine
        .flat_map(|engine| &engine.networks)
        .chain(docker.stored.iter().flatten())
        .flat_map(|network| network.subnets.iter().copied());
    configured.chain(in_force).chain(networks)
}

/// Every IPv6 link has a link-local network of its own, bridges too; they never clash.
fn link_local(net: &IpNet) -> bool {
    matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_internet_is_elsewhere() {
        let space = RelevantSpace::of(vec![
            "8.8.8.0/24".parse().unwrap(),
            "fe80::/64".parse().unwrap(),
        ]);
        for (net, concerns) in [
            ("10.1.0.0/16", true),
            ("0.0.0.0/0", true),
            ("128.0.0.0/1", true),
            ("100.100.1.1/32", true),
            ("8.0.0.0/8", true),
            ("9.0.0.0/8", false),
            ("172.32.0.0/16", false),
            ("fd12::/48", true),
            ("::/0", true),
            ("2001:db8::/32", false),
            ("fe80::1/128", false),
        ] {
            assert_eq!(space.concerns(&net.parse().unwrap()), concerns, "{net}");
        }
    }
}
