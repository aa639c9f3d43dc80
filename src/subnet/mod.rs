//! Arithmetic with networks that every stage shares: CIDRs as an operator types them, sets of
//! ranges, many networks against many.
//!
//! Nothing here knows Docker or the host. Sizes are prefix lengths in bits; a "range" is inclusive.

mod index;
mod ranges;

pub use index::NetIndex;
pub use ranges::RangeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 1918, in the order in which rebridge looks for a new range. 10/8 is the widest and, in its
/// upper half, the least crowded. Docker itself uses 172.16/12, and every home router 192.168/16.
pub const PRIVATE_BLOCKS: [Ipv4Net; 3] = [
    net(10, 0, 0, 0, 8),
    net(172, 16, 0, 0, 12),
    net(192, 168, 0, 0, 16),
];

/// Not routed on the Internet but not private either: carrier NAT (RFC 6598) and benchmarking (RFC
/// 2544). rebridge never proposes them; an operator may name them with `--pool`.
pub const SHARED_BLOCKS: [Ipv4Net; 2] = [net(100, 64, 0, 0, 10), net(198, 18, 0, 0, 15)];

/// A network from literals. Wrong ones fail the build if the result is a constant.
pub const fn net(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// IPv6's private block (RFC 4193).
pub const fn unique_local() -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
    ))
}

/// Whether two networks share an address. Those of two families never do.
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

pub fn overlap4(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}

pub fn v4(net: &IpNet) -> Option<Ipv4Net> {
    match net {
        IpNet::V4(net) => Some(*net),
        IpNet::V6(_) => None,
    }
}

/// A network as people write it: a single address has no prefix.
pub fn short(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

/// The first usable address, with the network's prefix: what Docker puts on a bridge. None if the
/// network is too small for a bridge and a container.
pub fn first_host(net: Ipv4Net) -> Option<Ipv4Net> {
    if net.prefix_len() > 30 {
        return None;
    }
    let address = Ipv4Addr::from(u32::from(net.network()).checked_add(1)?);
    Ipv4Net::new(address, net.prefix_len()).ok()
}

/// Reads a network as an operator writes it, IPv4 or IPv6. A bare address means that one address.
///
/// Host bits are refused, because both readings of `172.17.50.10/16` are plausible and one of them
/// is an outage.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(format!(
            "\"{text}\" is not a network; write ADDRESS/PREFIX, for example 172.17.0.0/16"
        ));
    };
    let single = IpNet::from(address);
    let longest = single.max_prefix_len();
    let prefix = match prefix {
        None => longest,
        Some(digits) => match digits.parse::<u8>() {
            Ok(prefix) if prefix <= longest => prefix,
            Ok(_) | Err(_) => {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                return Err(format!(
                    "\"{text}\" has the prefix length \"{digits}\"; {family} knows 0 to {longest}"
                ));
            }
        },
    };
    let typed = IpNet::new(address, prefix).map_err(|error| format!("\"{text}\": {error}"))?;
    if typed.trunc() != typed {
        return Err(format!(
            "\"{text}\" has host bits set; did you mean the network {} or the one address {single}?",
            typed.trunc()
        ));
    }
    Ok(typed)
}

/// The same for a range that Docker is to hold, which rebridge chooses in IPv4 only.
pub fn parse_ipv4_network(text: &str) -> Result<Ipv4Net, String> {
    match parse_network(text)? {
        IpNet::V4(net) => Ok(net),
        IpNet::V6(_) => Err(format!(
            "\"{text}\" is IPv6; rebridge moves IPv4 ranges only"
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn n(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn reads_networks_as_people_write_them() {
        for (text, want) in [
            ("172.17.0.0/16", Ok("172.17.0.0/16")),
            ("172.17.50.10", Ok("172.17.50.10/32")),
            ("172.17.0.0/33", Err("0 to 32")),
            ("172.17.0.0/", Err("prefix length \"\"")),
            ("172.17.0.0/-1", Err("0 to 32")),
            ("banana", Err("not a network")),
            ("", Err("not a network")),
            ("fd00::/8", Ok("fd00::/8")),
            ("fd00::1", Ok("fd00::1/128")),
            ("fd00::/129", Err("IPv6 knows 0 to 128")),
            ("fd00::1/64", Err("did you mean the network fd00::/64")),
            (
                "172.17.50.10/16",
                Err("did you mean the network 172.17.0.0/16 or the one address 172.17.50.10/32"),
            ),
            ("1.2.3/8", Err("not a network")),
        ] {
            match (parse_network(text), want) {
                (Ok(got), Ok(want)) => assert_eq!(got.to_string(), want, "{text}"),
                (Err(got), Err(want)) => assert!(got.contains(want), "{text}: {got}"),
                (got, want) => panic!("{text}: got {got:?}, want {want:?}"),
            }
        }
    }

    /// Every pair of networks in a 6-bit corner of the address space against the definition itself.
    #[test]
    fn overlap_means_a_shared_address() {
        let base = u32::from(Ipv4Addr::new(10, 0, 0, 0));
        let mut nets = Vec::new();
        for prefix in 26..=32u8 {
            for at in (0..64u32).step_by(1 << (32 - prefix)) {
                nets.push(Ipv4Net::new(Ipv4Addr::from(base + at), prefix).unwrap());
            }
        }
        for a in &nets {
            for b in &nets {
                let shared = (0..64).any(|i| {
                    let address = Ipv4Addr::from(base + i);
                    a.contains(&address) && b.contains(&address)
                });
                assert_eq!(overlap4(a, b), shared, "{a} {b}");
                assert_eq!(RangeSet::new([*a]).overlaps(*b), shared, "{a} {b}");
            }
        }
        assert_eq!(nets.len(), 127);
    }

    #[test]
    fn a_single_address_has_no_prefix() {
        for (net, words) in [
            ("172.17.50.10/32", "172.17.50.10"),
            ("172.17.0.0/16", "172.17.0.0/16"),
            ("fd00::1/128", "fd00::1"),
            ("fd00::/32", "fd00::/32"),
        ] {
            assert_eq!(short(&net.parse().unwrap()), words);
        }
    }

    #[test]
    fn a_bridge_needs_room_for_itself_and_a_container() {
        assert_eq!(
            first_host(n("10.200.255.0/24")).unwrap().to_string(),
            "10.200.255.1/24"
        );
        assert_eq!(
            first_host(n("10.0.0.4/30")).unwrap().to_string(),
            "10.0.0.5/30"
        );
        assert!(first_host(n("10.0.0.4/31")).is_none());
    }
}
