//! Netplan's own files. Only as much of YAML as `netplan set`, cloud-init and people write there:
//! mappings and lists by indentation, and lists in brackets.

use super::File;
use super::entry::{Entry, network, server};
use super::networkd::dns_server;
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::Folder("/etc/netplan", ".yaml"),
    Place::Folder("/run/netplan", ".yaml"),
    Place::Folder("/usr/lib/netplan", ".yaml"),
];

/// A value, and the keys that lead to it.
struct Value<'a> {
    keys: Vec<&'a str>,
    /// Which item of a list it belongs to; 0 is none.
    item: usize,
    word: &'a str,
    line: usize,
}

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let values = values(file.text);
    Ok(values
        .iter()
        .filter_map(|one| entry(one, &values))
        .collect())
}

fn entry(one: &Value, all: &[Value]) -> Option<Entry> {
    // `network: ethernets: eth0: …`
    let (dev, path) = match one.keys.as_slice() {
        ["network", _, dev, path @ ..] => (*dev, path),
        _ => return None,
    };
    let of_item = |key: &str| {
        let mut same = all.iter().filter(|other| other.item == one.item);
        let found = same.find(|other| other.keys.last() == Some(&key));
        found.map(|other| other.word)
    };
    let entry = match path {
        ["addresses", ..] => Entry::network(network(one.word)?, one.line, "address of Netplan"),
        ["nameservers", "addresses"] => {
            Entry::server(dns_server(one.word)?, one.line, "nameserver of Netplan")
        }
        ["routes", "to"] if of_item("table").is_none_or(|table| table == "254") => Entry {
            by_gateway: of_item("via").is_some(),
            ..Entry::network(network(one.word)?, one.line, "route of Netplan")
        },
        ["peers", "endpoint"] => {
            Entry::server(server(one.word)?, one.line, "Endpoint of a WireGuard peer")
        }
        _ => return None,
    };
    Some(entry.on(Some(dev)))
}

/// The values of a file. A list in brackets must end on its line.
fn values(text: &str) -> Vec<Value<'_>> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut items: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    let mut count = 0;
    for (whole, line) in text.lines().zip(1..) {
        let whole = whole.split(" #").next().unwrap_or_default().trim_end();
        let mut rest = whole.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        let mut depth = whole.len() - rest.len();
        // A list may begin as far left as the key it belongs to.
        while let Some(item) = rest.strip_prefix("- ") {
            open.retain(|(at, _)| *at <= depth);
            items.retain(|(at, _)| *at < depth);
            count += 1;
            items.push((depth, count));
            let inner = item.trim_start();
            depth += rest.len() - inner.len();
            rest = inner;
        }
        items.retain(|(at, _)| *at < depth);
        let value = match key_and_value(rest) {
            Some((key, value)) => {
                open.retain(|(at, _)| *at < depth);
                open.push((depth, key));
                value
            }
            None => rest,
        };
        let keys: Vec<&str> = open.iter().map(|(_, key)| *key).collect();
        let words = value.trim_matches(['[', ']', '{', '}']).split(',');
        let words = words.map(|word| word.trim().trim_matches(['"', '\'']));
        found.extend(words.filter(|word| !word.is_empty()).map(|word| Value {
            keys: keys.clone(),
            item: items.last().map_or(0, |(_, item)| *item),
            word,
            line,
        }));
    }
    found
}

/// `to: 10.0.0.0/8`, `"addresses":`. An IPv6 address is no key.
fn key_and_value(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text
        .split_once(": ")
        .or(text.strip_suffix(':').map(|key| (key, "")))?;
    Some((key.trim().trim_matches(['"', '\'']), value.trim()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    const PATH: &str = "/etc/netplan/50-office.yaml";

    /// In the form in which `netplan set` writes it.
    #[test]
    fn addresses_routes_and_servers_have_line_and_interface() {
        let text = "\
network:
  version: 2
  ethernets:
    eth7:
      addresses:
      - \"10.8.0.2/24\"
      - fd00:8::2/64
      nameservers:
        addresses:
        - 172.18.0.53
      routes:
      - to: \"172.17.0.0/16\"
        via: \"10.8.0.1\"
      - to: 172.19.0.0/16
        table: 200
      - via: 10.8.0.9
        to: default
      - to: 172.20.0.0/16 # on-link
        scope: link
    eth8: {dhcp4: true}
  tunnels:
    wg7:
      key: \"SECRET\"
      addresses: [10.9.0.2/24, \"fd00:9::2/64\"]
      peers:
      - endpoint: \"10.3.3.3:51820\"
        keys:
          public: \"SECRET\"
        allowed-ips:
        - \"172.21.0.0/16\"
";
        assert_eq!(
            shown(read, PATH, text),
            [
                "6 network 10.8.0.0/24 eth7 address of Netplan",
                "7 network fd00:8::/64 eth7 address of Netplan",
                "10 server 172.18.0.53/32 eth7 nameserver of Netplan",
                "12 routed 172.17.0.0/16 eth7 route of Netplan",
                "18 network 172.20.0.0/16 eth7 route of Netplan",
                "24 network 10.9.0.0/24 wg7 address of Netplan",
                "24 network fd00:9::/64 wg7 address of Netplan",
                "26 server 10.3.3.3/32 wg7 Endpoint of a WireGuard peer",
            ]
        );
    }

    #[test]
    fn what_is_further_in_and_what_is_no_yaml_brings_nothing() {
        let text = "network:\n    ethernets:\n        eth7:\n            dhcp4: true\n            \
                    match: {macaddress: \"52:54:00:00:00:01\"}\n            link-local: [ ]\n";
        assert!(shown(read, PATH, text).is_empty());
        for text in ["", "- - -", ":", "network", "network:\n- a: [", "\t- x"] {
            assert!(shown(read, PATH, text).is_empty(), "{text}");
        }
    }
}
