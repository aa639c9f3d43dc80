//! The part of a subnet that relief leaves to Docker: where containers live and where the next ones
//! come. Docker takes the lowest free address (measured on 20.10, 26.1 and 28.5).

use super::Why;
use crate::assess::held::Held;
use crate::facts::{Container, Facts};
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Room for containers that come and go: at least so many addresses, or a sixteenth of a subnet that
/// is not that large.
const LEAST: u32 = 256;
const SHARE: u32 = 16;

/// Addresses that Docker does not hand out by itself: the network's, the gateway's, the broadcast
/// address.
const NOT_FOR_CONTAINERS: u32 = 3;

/// More addresses outside the low block than these are a plan of the operator's.
const MOST_OUTSIDE: usize = 16;

/// The prefix length of a single address.
pub(super) const SINGLE: u8 = 32;

/// The low block and the single addresses outside it.
pub(super) fn of(facts: &Facts, held: &Held, subnet: Ipv4Net) -> Result<Vec<Ipv4Net>, Why> {
    let mut networks = facts.networks();
    let network = networks.find(|network| network.bridge.as_deref() == Some(&held.bridge));
    if network.is_some_and(|network| network.shaped) && !held.is_docker0() {
        return Err(Why::SubnetIsPlanned);
    }
    let (count, addresses) = residents(facts, held, subnet);
    let wanted = (2 * count + NOT_FOR_CONTAINERS).max(LEAST.min(size(subnet) / SHARE));
    let block = low_block(subnet, wanted).ok_or(Why::SubnetIsFull)?;
    let mut kept = vec![block];
    kept.extend(fixed_cidr(facts, held, subnet).filter(|range| !block.contains(range)));
    for address in addresses {
        if kept.iter().all(|range| !range.contains(&address)) {
            kept.push(Ipv4Net::from(address));
        }
    }
    match kept.len() > MOST_OUTSIDE {
        true => Err(Why::SubnetIsPlanned),
        false => Ok(kept),
    }
}

/// How many containers are on this network, running or not, and all addresses in use there.
fn residents(facts: &Facts, held: &Held, subnet: Ipv4Net) -> (u32, BTreeSet<Ipv4Addr>) {
    let inside = |address: &IpAddr| match address {
        IpAddr::V4(address) => Some(*address).filter(|address| subnet.contains(address)),
        IpAddr::V6(_) => None,
    };
    let engine = facts.docker.engine.iter();
    let containers = engine.flat_map(|engine| engine.containers.iter().chain(&engine.idle));
    let is_here = |container: &&Container| {
        let detail = container.detail.as_ref();
        let networks = detail.map(|detail| &detail.networks);
        let network = held.network.as_deref().unwrap_or_default();
        container.addresses.iter().any(|one| inside(one).is_some())
            || networks.is_some_and(|networks| networks.contains_key(network))
    };
    let here = containers.filter(is_here).count();
    let addresses = facts.docker_addresses();
    let addresses: BTreeSet<Ipv4Addr> = addresses.iter().filter_map(inside).collect();
    // What is no container, such as a step of a build, has an address all the same.
    let count = here.max(addresses.len());
    (u32::try_from(count).unwrap_or(u32::MAX / 4), addresses)
}

/// The first block that holds so many addresses and leaves something of the subnet.
fn low_block(subnet: Ipv4Net, wanted: u32) -> Option<Ipv4Net> {
    (subnet.prefix_len() + 1..=SINGLE)
        .rev()
        .filter_map(|prefix| Ipv4Net::new(subnet.network(), prefix).ok())
        .find(|block| size(*block) >= wanted)
}

fn size(net: Ipv4Net) -> u32 {
    u32::from(net.broadcast())
        .saturating_sub(u32::from(net.network()))
        .saturating_add(1)
}

/// Where docker0's containers get their addresses, if not from all of its subnet.
fn fixed_cidr(facts: &Facts, held: &Held, subnet: Ipv4Net) -> impl Iterator<Item = Ipv4Net> {
    let docker = &facts.docker;
    let in_file = docker.config.keys.get("fixed-cidr");
    let in_file = in_file.and_then(|value| value.as_str()).into_iter();
    let by_flag = docker.flag("fixed-cidr").iter().map(String::as_str);
    let is_docker0 = held.is_docker0();
    in_file
        .chain(by_flag)
        .filter_map(|text| text.parse::<IpNet>().ok())
        .filter_map(|net| crate::subnet::v4(&net))
        .map(|net| net.trunc())
        .filter(move |net| is_docker0 && subnet.contains(net))
}
