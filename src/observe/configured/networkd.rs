//! systemd-networkd: systemd.network(5) and systemd.netdev(5). Netplan writes such files into /run.

use super::File;
use super::entry::{Entry, is_a_whole_block, network, server};
use super::ini::{Setting, settings, value, value_in};
use super::walk::Place;

pub const NETWORKS: &[Place] = &[
    Place::Folder("/etc/systemd/network", ".network"),
    Place::Folder("/run/systemd/network", ".network"),
    Place::Folder("/usr/lib/systemd/network", ".network"),
    Place::DropIns("/etc/systemd/network", ".network"),
    Place::DropIns("/run/systemd/network", ".network"),
    Place::DropIns("/usr/lib/systemd/network", ".network"),
];

pub const NETDEVS: &[Place] = &[
    Place::Folder("/etc/systemd/network", ".netdev"),
    Place::Folder("/run/systemd/network", ".netdev"),
    Place::Folder("/usr/lib/systemd/network", ".netdev"),
    Place::DropIns("/etc/systemd/network", ".netdev"),
    Place::DropIns("/run/systemd/network", ".netdev"),
    Place::DropIns("/usr/lib/systemd/network", ".netdev"),
];

pub fn read_network(file: &File) -> Result<Vec<Entry>, String> {
    let main = settings(file.main);
    let settings = settings(file.text);
    let dev = value_in(&settings, "Match", "Name").or(value_in(&main, "Match", "Name"));
    let dev = dev.filter(|name| is_one_name(name));
    let entries = settings.iter().flat_map(|one| of_network(one, &settings));
    Ok(entries.map(|entry| entry.on(dev)).collect())
}

fn of_network(one: &Setting, settings: &[Setting]) -> Vec<Entry> {
    let all = |what: &str| {
        let servers = one.value.split_whitespace().filter_map(dns_server);
        let servers = servers.map(|server| Entry::server(server, one.line, what));
        servers.collect()
    };
    if one.is("Network", "Address") || one.is("Address", "Address") {
        let net = network(one.value);
        let entry = net.map(|net| Entry::network(net, one.line, "Address of systemd-networkd"));
        entry.into_iter().collect()
    } else if one.is("Route", "Destination") {
        route(one, settings).into_iter().collect()
    } else if one.is("Network", "DNS") {
        all("DNS of systemd-networkd")
    } else if one.is("Network", "NTP") {
        all("NTP of systemd-networkd")
    } else {
        Vec::new()
    }
}

fn route(one: &Setting, settings: &[Setting]) -> Option<Entry> {
    let net = network(one.value)?;
    let of_route = |key| value(settings, one.number, key);
    let drops = matches!(
        of_route("Type"),
        Some("blackhole" | "unreachable" | "prohibit" | "throw")
    );
    let counts = of_route("Table").is_none_or(is_main);
    (counts && !(drops && is_a_whole_block(&net))).then(|| Entry {
        by_gateway: of_route("Gateway").is_some(),
        ..Entry::network(net, one.line, "Route of systemd-networkd")
    })
}

pub fn read_netdev(file: &File) -> Result<Vec<Entry>, String> {
    let main = settings(file.main);
    let settings = settings(file.text);
    let of_either =
        |section, key| value_in(&settings, section, key).or(value_in(&main, section, key));
    let dev = of_either("NetDev", "Name");
    let everywhere = of_either("WireGuard", "RouteTable");
    let mut entries = Vec::new();
    for one in &settings {
        // Without a table, networkd adds no routes for them.
        let table = value(&settings, one.number, "RouteTable").or(everywhere);
        if one.is("WireGuardPeer", "AllowedIPs") && table.is_some_and(is_main) {
            let nets = one.value.split([',', ' ']).filter_map(network);
            let what = "AllowedIPs of a WireGuard peer";
            entries.extend(nets.map(|net| Entry::network(net, one.line, what)));
        } else if one.is("WireGuardPeer", "Endpoint") {
            let what = "Endpoint of a WireGuard peer";
            entries.extend(server(one.value).map(|to| Entry::server(to, one.line, what)));
        }
    }
    Ok(entries.into_iter().map(|entry| entry.on(dev)).collect())
}

/// A table of its own counts only with a rule.
fn is_main(table: &str) -> bool {
    matches!(table, "main" | "254")
}

fn is_one_name(name: &str) -> bool {
    !name.contains(['*', '?', '[', '!', ' '])
}

/// An address, perhaps with a port, an interface and a name: `10.0.0.1:53%eth0#dns.corp`.
pub fn dns_server(word: &str) -> Option<std::net::IpAddr> {
    server(word.split(['%', '#']).next()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::{shown, shown_of};

    /// As netplan 0.106 writes it for a tunnel.
    const NETWORK: &str = "\
[Match]
Name=wg0

[Network]
LinkLocalAddressing=ipv6
Address=10.8.0.2/24
DNS=172.17.0.53 10.0.0.1:53#dns.corp
ConfigureWithoutCarrier=yes

[Route]
Destination=172.17.0.0/16
Gateway=10.8.0.1

[Route]
Destination=172.18.0.0/16
Table=200

[Route]
Destination=10.0.0.0/8
Type=unreachable
";

    #[test]
    fn addresses_and_routes_of_the_main_table_have_their_line() {
        assert_eq!(
            shown(
                read_network,
                "/run/systemd/network/10-netplan-wg0.network",
                NETWORK
            ),
            [
                "6 network 10.8.0.0/24 wg0 Address of systemd-networkd",
                "7 server 172.17.0.53/32 wg0 DNS of systemd-networkd",
                "7 server 10.0.0.1/32 wg0 DNS of systemd-networkd",
                "11 routed 172.17.0.0/16 wg0 Route of systemd-networkd",
            ]
        );
    }

    #[test]
    fn a_drop_in_is_about_the_interface_of_its_file() {
        let file = File {
            path: "/etc/systemd/network/wg0.network.d/site.conf",
            text: "[Route]\nDestination=172.17.0.0/16\n",
            main: NETWORK,
        };
        assert_eq!(
            shown_of(read_network, &file),
            ["2 network 172.17.0.0/16 wg0 Route of systemd-networkd"]
        );
        let file = File {
            path: "/etc/systemd/network/wg0.netdev.d/site.conf",
            text: "[WireGuardPeer]\nAllowedIPs=172.17.0.0/16\n",
            main: "[NetDev]\nName=wg0\n[WireGuard]\nRouteTable=main\n",
        };
        assert_eq!(
            shown_of(read_netdev, &file),
            ["2 network 172.17.0.0/16 wg0 AllowedIPs of a WireGuard peer"]
        );
    }

    #[test]
    fn networkd_adds_routes_for_peers_only_with_a_table() {
        let text = "[NetDev]\nName=wg0\nKind=wireguard\n[WireGuard]\nPrivateKey=SECRET\n\
                    [WireGuardPeer]\nAllowedIPs=172.17.0.0/16,10.1.2.3/32\nRouteTable=main\n\
                    [WireGuardPeer]\nAllowedIPs=172.18.0.0/16\nEndpoint=172.20.0.9:51820\n";
        assert_eq!(
            shown(read_netdev, "/etc/systemd/network/wg0.netdev", text),
            [
                "7 network 172.17.0.0/16 wg0 AllowedIPs of a WireGuard peer",
                "7 network 10.1.2.3/32 wg0 AllowedIPs of a WireGuard peer",
                "11 server 172.20.0.9/32 wg0 Endpoint of a WireGuard peer",
            ]
        );
    }
}
