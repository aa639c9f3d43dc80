//! ifupdown: interfaces(5) of Debian, with the commands that add routes.

use super::File;
use super::entry::{Entry, is_a_whole_block, network, server, with_mask};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::File("/etc/network/interfaces"),
    Place::Folder("/etc/network/interfaces.d", ""),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut dev = None;
    // An address waits for the mask that may follow it.
    let mut address: Option<(usize, &str)> = None;
    for (line, number) in file.text.lines().zip(1..) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["iface" | "auto" | "mapping" | "source", rest @ ..] => {
                entries.extend(settle(address.take(), None, dev));
                dev = rest.first().copied();
            }
            ["address", word, ..] => {
                entries.extend(settle(address.take(), None, dev));
                address = Some((number, word));
            }
            ["netmask", mask, ..] => entries.extend(settle(address.take(), Some(mask), dev)),
            ["dns-nameservers", servers @ ..] => {
                let servers = servers.iter().filter_map(|word| server(word));
                let what = "dns-nameservers of ifupdown";
                entries.extend(servers.map(|to| Entry::server(to, number, what).on(dev)));
            }
            ["up" | "post-up" | "pre-up", command @ ..] => {
                entries.extend(route_of_command(command, number, dev));
            }
            _ => {}
        }
    }
    entries.extend(settle(address, None, dev));
    Ok(entries)
}

fn settle(address: Option<(usize, &str)>, mask: Option<&str>, dev: Option<&str>) -> Option<Entry> {
    let (line, word) = address?;
    let net = match mask {
        Some(mask) => with_mask(word, mask).or_else(|| network(&format!("{word}/{mask}")))?,
        None => network(word)?,
    };
    Some(Entry::network(net, line, "address of ifupdown").on(dev))
}

/// `ip route add 172.17.0.0/16 via 10.0.0.1 dev eth1`, `route add -net 172.17.0.0 netmask
/// 255.255.0.0 gw 10.0.0.1`.
pub fn route_of_command(command: &[&str], line: usize, dev: Option<&str>) -> Option<Entry> {
    let add = command.iter().position(|word| *word == "add")?;
    let (before, rest) = (command.get(..add)?, command.get(add + 1..)?);
    let is_route = |word: &&str| matches!(word.rsplit('/').next(), Some("route" | "r" | "ro"));
    if !before.iter().any(is_route) {
        return None;
    }
    route(rest, line, dev, "route of ifupdown")
}

/// What follows `ip route add`.
pub fn route(words: &[&str], line: usize, dev: Option<&str>, what: &str) -> Option<Entry> {
    let behind = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    const KINDS: [&str; 4] = ["blackhole", "unreachable", "prohibit", "throw"];
    let drops = words.iter().any(|word| KINDS.contains(word));
    let mut to = words
        .iter()
        .filter(|word| !KINDS.contains(word) && !matches!(**word, "-net" | "-host" | "to"));
    let to = *to.next()?;
    let net = match behind("netmask") {
        Some(mask) => with_mask(to, mask)?,
        None => network(to)?,
    };
    let is_main = behind("table").is_none_or(|table| matches!(table, "main" | "254"));
    let entry = Entry {
        by_gateway: behind("via").or(behind("gw")).is_some(),
        ..Entry::network(net, line, what)
    };
    (is_main && !(drops && is_a_whole_block(&net))).then(|| entry.on(behind("dev").or(dev)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn addresses_and_routes_have_their_line_and_interface() {
        let text = "\
source /etc/network/interfaces.d/*
auto eth1
iface eth1 inet static
    address 172.18.5.9
    netmask 255.255.255.0
    gateway 172.18.5.1
    dns-nameservers 172.18.5.53 10.0.0.53
    # up ip route add 10.9.0.0/16 via 172.18.5.2
    up ip route add 172.17.0.0/16 via 172.18.5.2 || true
    post-up /sbin/route add -net 172.19.0.0 netmask 255.255.0.0 gw 172.18.5.2
    up ip route add 172.20.0.0/16 via 172.18.5.2 table 100
    up ip route add unreachable 10.0.0.0/8
iface tun7 inet static
    address 10.8.0.2/24
iface eth2 inet dhcp
iface eth3 inet manual
    up ip link set eth3 up
";
        assert_eq!(
            shown(read, "/etc/network/interfaces", text),
            [
                "4 network 172.18.5.0/24 eth1 address of ifupdown",
                "7 server 172.18.5.53/32 eth1 dns-nameservers of ifupdown",
                "7 server 10.0.0.53/32 eth1 dns-nameservers of ifupdown",
                "9 routed 172.17.0.0/16 eth1 route of ifupdown",
                "10 routed 172.19.0.0/16 eth1 route of ifupdown",
                "14 network 10.8.0.0/24 tun7 address of ifupdown",
            ]
        );
    }
}
