//! Incus and LXD: what the dnsmasq of a bridge was started with, and preseeds. The networks
//! themselves are in a database.

use super::File;
use super::entry::{Entry, network};
use super::walk::Place;
use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;

pub const STATES: &[Place] = &[
    Place::Tree("/var/lib/incus/networks", ".pid"),
    Place::Tree("/var/lib/lxd/networks", ".pid"),
    Place::Tree("/var/snap/lxd/common/lxd/networks", ".pid"),
];

pub const PRESEEDS: &[Place] = &[
    Place::File("/etc/incus/preseed.yaml"),
    Place::File("/etc/lxd/preseed.yaml"),
    // cloud-init hands `lxd: preseed:` to LXD.
    Place::Folder("/etc/cloud/cloud.cfg.d", ".cfg"),
];

/// dnsmasq.pid holds the arguments: `--listen-address=10.1.0.1`, and `--dhcp-range` with
/// `10.1.0.2,10.1.0.254,1h`. No argument has the length of the prefix; the range says it.
pub fn read_state(file: &File) -> Result<Vec<Entry>, String> {
    let mut listening = Vec::new();
    let mut ranges = Vec::new();
    for (line, number) in file.text.lines().zip(1..) {
        for word in line.split(['\'', '"', '[', ']', ' ']) {
            let address = word.trim_end_matches(',').strip_prefix("--listen-address=");
            listening.extend(address.and_then(|address| Some((number, address.parse().ok()?))));
            ranges.extend(dhcp_range(word));
        }
    }
    let what = "network of Incus or LXD";
    let entries = listening.into_iter().map(|(line, address): (usize, _)| {
        let net = ranges.iter().find_map(|range| around(address, range));
        let net = net.map_or(IpNet::from(std::net::IpAddr::V4(address)), IpNet::V4);
        Entry::network(net, line, what).on(Some(file.folder()))
    });
    Ok(entries.collect())
}

fn dhcp_range(word: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let mut parts = word.split(',');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The smallest network that has the address and the range in it. It has an address of its own
/// before them, and one behind.
fn around(address: Ipv4Addr, (first, last): &(Ipv4Addr, Ipv4Addr)) -> Option<Ipv4Net> {
    let low = u32::from(address.min(*first)).checked_sub(1)?;
    let high = u32::from(address.max(*last)).checked_add(1)?;
    let length = u8::try_from((low ^ high).leading_zeros()).ok()?;
    Some(Ipv4Net::new(address, length).ok()?.trunc())
}

/// `ipv4.address: 10.1.0.1/24` in the configuration of a network; also `auto` and `none`.
pub fn read_preseed(file: &File) -> Result<Vec<Entry>, String> {
    let lines = file.text.lines().zip(1..);
    let entries = lines.filter_map(|(line, number)| {
        let (key, value) = line.split_once(':')?;
        let is_address = matches!(key.trim(), "ipv4.address" | "ipv6.address");
        // An instance has an address alone; a network has it with its length.
        let value = value.trim().trim_matches(['"', '\'']);
        let net = network(value).filter(|_| is_address && value.contains('/'))?;
        Some(Entry::network(net, number, "preseed of Incus or LXD"))
    });
    Ok(entries.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    /// In the form of Incus 6.0.
    const STATE: &str = "\
name: dnsmasq
args: [--keep-in-foreground, --except-interface=lo,
  --interface=lxdbr0, --listen-address=172.18.4.1, --dhcp-no-override,
  --dhcp-hostsfile=/var/lib/incus/networks/lxdbr0/dnsmasq.hosts, --dhcp-range, '172.18.4.2,172.18.7.254,1h',
  -s, incus, -S, /incus/, -u, nobody, -g, incus]
pid: 468
";

    #[test]
    fn the_arguments_of_dnsmasq_say_which_network() {
        let path = "/var/lib/incus/networks/lxdbr0/dnsmasq.pid";
        assert_eq!(
            shown(read_state, path, STATE),
            ["3 network 172.18.4.0/22 lxdbr0 network of Incus or LXD"]
        );
        let without = STATE.replace("--listen-address=172.18.4.1, ", "");
        assert!(shown(read_state, path, &without).is_empty());
        for (address, first, last, expected) in [
            ("10.1.0.1", "10.1.0.2", "10.1.0.254", "10.1.0.0/24"),
            ("10.1.0.1", "10.1.0.2", "10.1.255.254", "10.1.0.0/16"),
            ("10.1.0.129", "10.1.0.130", "10.1.0.254", "10.1.0.128/25"),
            ("10.1.0.254", "10.1.0.10", "10.1.0.20", "10.1.0.0/24"),
        ] {
            let parsed = |word: &str| word.parse().unwrap();
            let net = around(parsed(address), &(parsed(first), parsed(last)));
            assert_eq!(net.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_preseed_names_its_networks() {
        let text = "networks:\n- name: lxdbr0\n  config:\n    ipv4.address: 172.18.0.1/24\n    \
                    ipv6.address: auto\nprofiles:\n- devices:\n    eth0:\n      ipv4.address: \
                    172.18.0.9\n";
        assert_eq!(
            shown(read_preseed, "/etc/incus/preseed.yaml", text),
            ["4 network 172.18.0.0/24 preseed of Incus or LXD"]
        );
    }
}
