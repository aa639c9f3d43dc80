//! OpenVPN: the directives of openvpn(8) that add addresses and routes, and the servers it calls.

use super::File;
use super::entry::{Entry, network, server, with_mask};
use super::walk::Place;

pub const PLACES: &[Place] = &[Place::Tree("/etc/openvpn", ".conf")];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let directives = directives(file.text);
    let dev = directives
        .iter()
        .rev()
        .find(|(_, words)| words.first() == Some(&"dev"))
        .and_then(|(_, words)| words.get(1).copied())
        // `tun` alone lets OpenVPN choose the number.
        .filter(|dev| dev.ends_with(|last: char| last.is_ascii_digit()));
    let entries = directives.iter().filter_map(|(line, words)| {
        let (name, rest) = words.split_first()?;
        entry(name, rest, *line)
    });
    Ok(entries.map(|entry| entry.on(dev)).collect())
}

fn entry(name: &str, rest: &[&str], line: usize) -> Option<Entry> {
    let what = format!("{name} of OpenVPN");
    let (first, second) = (*rest.first()?, rest.get(1).copied());
    let net = match name {
        "route" => match second.filter(|mask| *mask != "default") {
            Some(mask) => with_mask(first, mask)?,
            None => network(first)?,
        },
        "server" => with_mask(first, second?)?,
        // A mask, or the address at the other end.
        "ifconfig" => with_mask(first, second?).or_else(|| network(second?))?,
        "route-ipv6" | "server-ipv6" | "ifconfig-ipv6" => network(first)?,
        "remote" => return Some(Entry::server(server(first)?, line, what)),
        _ => return None,
    };
    Some(Entry {
        by_gateway: name.starts_with("route"),
        ..Entry::network(net, line, what)
    })
}

/// The words of each directive, with its line. Blocks such as `<key>` hold keys and certificates;
/// those of `<connection>` hold directives.
fn directives(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    for (line, number) in text.lines().zip(1..) {
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        let tag = line.strip_prefix('<').and_then(|tag| tag.strip_suffix('>'));
        match (block, tag) {
            (Some(open), Some(tag)) if tag.strip_prefix('/') == Some(open) => block = None,
            (Some(_), _) => {}
            (None, Some(tag)) if tag == "connection" || tag.starts_with('/') => {}
            (None, Some(tag)) => block = Some(tag),
            (None, None) => found.push((number, line.split_whitespace().collect())),
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn routes_servers_and_remotes_have_their_line() {
        let text = "\
client
dev tun3
# route 10.9.0.0 255.255.0.0
remote vpn.example.com 1194
<connection>
remote 192.168.9.9 443
</connection>
route 172.19.0.0 255.255.0.0 vpn_gateway 50 ; the site
route 10.1.2.3
route intranet.corp 255.255.255.255
route-ipv6 fd00:19::/64
redirect-gateway def1
push \"route 10.66.0.0 255.255.0.0\"
ifconfig 10.8.0.2 10.8.0.1
<key>
route 10.77.0.0 255.255.0.0
</key>
";
        assert_eq!(
            shown(read, "/etc/openvpn/client.conf", text),
            [
                "6 server 192.168.9.9/32 tun3 remote of OpenVPN",
                "8 routed 172.19.0.0/16 tun3 route of OpenVPN",
                "9 routed 10.1.2.3/32 tun3 route of OpenVPN",
                "11 routed fd00:19::/64 tun3 route-ipv6 of OpenVPN",
                "14 network 10.8.0.1/32 tun3 ifconfig of OpenVPN",
            ]
        );
    }

    #[test]
    fn a_server_has_its_own_network() {
        let text = "dev tun\nserver 10.8.0.0 255.255.255.0\nserver-ipv6 fd00:8::/64\n\
                    ifconfig-pool-persist ipp.txt\n";
        assert_eq!(
            shown(read, "/etc/openvpn/server/server.conf", text),
            [
                "2 network 10.8.0.0/24 server of OpenVPN",
                "3 network fd00:8::/64 server-ipv6 of OpenVPN",
            ]
        );
    }
}
