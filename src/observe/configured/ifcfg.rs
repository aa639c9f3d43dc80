//! The ifcfg- and route- files of Red Hat's network-scripts, and the ifcfg- and ifroute- files of
//! SUSE's wicked.

use super::File;
use super::entry::{Entry, network, with_mask};
use super::ifupdown::route;
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::Folder("/etc/sysconfig/network-scripts", ""),
    Place::Folder("/etc/sysconfig/network", ""),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if let Some(dev) = name.strip_prefix("ifcfg-") {
        Ok(addresses(&variables(file.text), dev))
    } else if let Some(dev) = name
        .strip_prefix("route-")
        .or(name.strip_prefix("route6-"))
        .or(name.strip_prefix("ifroute-"))
    {
        Ok(routes(file.text, dev))
    } else {
        Ok(Vec::new())
    }
}

/// `NAME=value` with its line.
type Variable<'a> = (&'a str, &'a str, usize);

fn variables(text: &str) -> Vec<Variable<'_>> {
    let lines = text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim_start().starts_with('#'));
    lines
        .filter_map(|(line, number)| {
            let (name, value) = line.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            Some((name.trim(), value, number))
        })
        .collect()
}

fn value_of<'a>(variables: &[Variable<'a>], name: &str) -> Option<&'a str> {
    let mut variables = variables.iter().rev();
    variables
        .find(|(known, value, _)| *known == name && !value.is_empty())
        .map(|(_, value, _)| *value)
}

/// `IPADDR`, `IPADDR0` … with the `PREFIX` or `NETMASK` of the same number.
fn addresses(variables: &[Variable], dev: &str) -> Vec<Entry> {
    let dev = value_of(variables, "DEVICE").unwrap_or(dev);
    let entries = variables.iter().filter_map(|(name, value, line)| {
        let number = name.strip_prefix("IPADDR")?;
        let of_number = |name: &str| value_of(variables, &format!("{name}{number}"));
        let net = match (of_number("PREFIX"), of_number("NETMASK")) {
            (Some(prefix), _) => network(&format!("{value}/{prefix}")),
            (None, Some(mask)) => with_mask(value, mask),
            (None, None) => network(value),
        };
        Some(Entry::network(net?, *line, "IPADDR of an ifcfg file").on(Some(dev)))
    });
    entries.collect()
}

/// Lines as behind `ip route add`, or `ADDRESS0`, `NETMASK0`, `GATEWAY0`; wicked's lines are a
/// destination, a gateway and more.
fn routes(text: &str, dev: &str) -> Vec<Entry> {
    const WHAT: &str = "route of a route file";
    let variables = variables(text);
    let numbered = variables.iter().filter_map(|(name, value, line)| {
        let number = name.strip_prefix("ADDRESS")?;
        let mask = value_of(&variables, &format!("NETMASK{number}"))?;
        let gateway = value_of(&variables, &format!("GATEWAY{number}"));
        Some(Entry {
            by_gateway: gateway.is_some(),
            ..Entry::network(with_mask(value, mask)?, *line, WHAT).on(Some(dev))
        })
    });
    let lines = text.lines().zip(1..);
    let plain = lines.filter_map(|(line, number)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let entry = route(&words, number, Some(dev), WHAT)?;
        let gateway = words.get(1).and_then(|word| network(word)).is_some();
        Some(Entry {
            by_gateway: entry.by_gateway || gateway,
            ..entry
        })
    });
    numbered.chain(plain).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    const FOLDER: &str = "/etc/sysconfig/network-scripts";

    #[test]
    fn addresses_go_with_the_mask_of_their_number() {
        let text = "# IPADDR=10.9.0.1\nDEVICE=\"eth1\"\nBOOTPROTO=none\nIPADDR=172.18.5.9\n\
                    PREFIX=24\nIPADDR1=172.19.5.9\nNETMASK1=255.255.0.0\nKEY=SECRET\n";
        assert_eq!(
            shown(read, &format!("{FOLDER}/ifcfg-office"), text),
            [
                "4 network 172.18.5.0/24 eth1 IPADDR of an ifcfg file",
                "6 network 172.19.0.0/16 eth1 IPADDR of an ifcfg file",
            ]
        );
        assert!(shown(read, &format!("{FOLDER}/ifup-eth"), text).is_empty());
    }

    #[test]
    fn routes_are_read_in_all_three_forms() {
        for (name, text, expected) in [
            (
                "route-eth1",
                "# x\n172.17.0.0/16 via 172.18.5.1 dev tun9\ndefault via 10.0.0.1\n",
                "2 routed 172.17.0.0/16 tun9 route of a route file",
            ),
            (
                "route-eth1",
                "ADDRESS0=172.17.0.0\nNETMASK0=255.255.0.0\nGATEWAY0=172.18.5.1\n",
                "1 routed 172.17.0.0/16 eth1 route of a route file",
            ),
            (
                "ifroute-eth1",
                "172.17.0.0/16 172.18.5.1 - eth1\n",
                "1 routed 172.17.0.0/16 eth1 route of a route file",
            ),
        ] {
            let found = shown(read, &format!("{FOLDER}/{name}"), text);
            assert_eq!(found, [expected], "{name}: {text}");
        }
    }
}
