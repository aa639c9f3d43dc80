//! What a reader finds, and the words addresses are written in.

use crate::facts::{Configured, Role};
use crate::subnet::PRIVATE_BLOCKS;
use ipnet::{IpNet, Ipv4Net};
use std::net::{IpAddr, Ipv4Addr};

/// A network or a server on a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub net: IpNet,
    pub role: Role,
    pub what: String,
    pub dev: Option<String>,
    pub by_gateway: bool,
    pub line: usize,
}

impl Entry {
    /// A network that comes up with something.
    pub fn network(net: IpNet, line: usize, what: impl Into<String>) -> Entry {
        Entry {
            net: net.trunc(),
            role: Role::Network,
            what: what.into(),
            dev: None,
            by_gateway: false,
            line,
        }
    }

    /// A server this host sends to.
    pub fn server(address: IpAddr, line: usize, what: impl Into<String>) -> Entry {
        Entry {
            role: Role::Server,
            ..Entry::network(IpNet::from(address), line, what)
        }
    }

    pub fn on(self, dev: Option<&str>) -> Entry {
        Entry {
            dev: dev.map(str::to_owned),
            ..self
        }
    }

    pub fn in_file(self, file: &str) -> Configured {
        Configured {
            net: self.net,
            role: self.role,
            what: self.what,
            dev: self.dev,
            by_gateway: self.by_gateway,
            file: file.to_owned(),
            line: self.line,
        }
    }

    /// Whether every host has it for itself: loopback, link-local, multicast, no address at all.
    pub fn is_ours(&self) -> bool {
        match self.net.addr() {
            IpAddr::V4(address) => {
                let nowhere = address.is_unspecified() && self.net.prefix_len() == 32;
                nowhere
                    || address.is_loopback()
                    || address.is_link_local()
                    || address.is_multicast()
                    || address.is_broadcast()
            }
            IpAddr::V6(address) => {
                let nowhere = address.is_unspecified() && self.net.prefix_len() == 128;
                nowhere
                    || address.is_loopback()
                    || address.is_unicast_link_local()
                    || address.is_multicast()
            }
        }
    }
}

/// `10.1.0.0/16`, `10.1.0.0/255.255.0.0`, or a single address. The address stays as it is written.
pub fn network(word: &str) -> Option<IpNet> {
    let Some((address, mask)) = word.split_once('/') else {
        return word.parse::<IpAddr>().ok().map(IpNet::from);
    };
    word.parse().ok().or_else(|| with_mask(address, mask))
}

/// An IPv4 address and its mask, such as 255.255.0.0.
pub fn with_mask(address: &str, mask: &str) -> Option<IpNet> {
    let mask: Ipv4Addr = mask.parse().ok()?;
    let net = Ipv4Net::with_netmask(address.parse().ok()?, mask).ok()?;
    Some(IpNet::V4(net))
}

/// The address in `10.1.2.3`, `10.1.2.3:53`, `[fd00::1]:53`, `http://user:word@10.1.2.3:3128/x`;
/// none where a name stands.
pub fn server(word: &str) -> Option<IpAddr> {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = word.split(['/', '?']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let (address, port) = host.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse().ok()
}

/// The first line that holds these words; files that are parsed whole do not keep them.
pub fn line_of(text: &str, words: &str) -> usize {
    let mut lines = text.lines().zip(1..);
    lines
        .find(|(line, _)| line.contains(words))
        .map_or(1, |(_, number)| number)
}

/// Whether a route that drops packets drops a whole private block: it says that no such network is
/// needed.
pub fn is_a_whole_block(net: &IpNet) -> bool {
    let mut blocks = PRIVATE_BLOCKS.iter();
    blocks.any(|block| net.contains(&IpNet::V4(*block)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_spelling_and_names_are_none() {
        for (word, expected) in [
            ("10.1.2.3", Some("10.1.2.3")),
            ("10.1.2.3:53", Some("10.1.2.3")),
            ("[fd00::1]:53", Some("fd00::1")),
            ("fd00::1", Some("fd00::1")),
            ("http://user:p@ss@10.1.2.3:3128/x?y", Some("10.1.2.3")),
            ("https://10.1.2.3", Some("10.1.2.3")),
            ("proxy.corp:3128", None),
            ("10.1.2", None),
            ("", None),
        ] {
            let found = server(word).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{word}");
        }
        for (word, expected) in [
            ("10.1.2.3/16", Some("10.1.2.3/16")),
            ("10.1.0.0/255.255.0.0", Some("10.1.0.0/16")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("fd00::/64", Some("fd00::/64")),
            ("10.1.0.0/255.0.255.0", None),
            ("vpn.corp/24", None),
        ] {
            let found = network(word).map(|net| net.to_string());
            assert_eq!(found.as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn what_every_host_has_is_its_own() {
        let is_ours = |word: &str| Entry::network(network(word).unwrap(), 1, "x").is_ours();
        for word in [
            "127.0.1.1",
            "::1",
            "0.0.0.0",
            "169.254.1.1",
            "224.0.0.1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(is_ours(word), "{word}");
        }
        for word in ["0.0.0.0/1", "10.1.2.3", "::/0", "fd00::1"] {
            assert!(!is_ours(word), "{word}");
        }
    }
}
