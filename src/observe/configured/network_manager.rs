//! NetworkManager's profiles: nm-settings-keyfile(5).

use super::File;
use super::entry::{Entry, is_a_whole_block, network, server};
use super::ini::{Setting, settings, value, value_in};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::Folder("/etc/NetworkManager/system-connections", ""),
    Place::Folder("/run/NetworkManager/system-connections", ".nmconnection"),
    Place::Folder(
        "/usr/lib/NetworkManager/system-connections",
        ".nmconnection",
    ),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let settings = settings(file.text);
    let dev = value_in(&settings, "connection", "interface-name");
    let entries = settings.iter().flat_map(|one| of(one, &settings));
    Ok(entries.map(|entry| entry.on(dev)).collect())
}

fn of(one: &Setting, settings: &[Setting]) -> Vec<Entry> {
    let words = one
        .value
        .split([';', ',', ' '])
        .filter(|word| !word.is_empty());
    match one.section {
        "ipv4" | "ipv6" if value(settings, one.number, "method") == Some("disabled") => Vec::new(),
        "ipv4" | "ipv6" if is_numbered(one.key, "address") => {
            let net = words.take(1).filter_map(network);
            let what = "address of NetworkManager";
            net.map(|net| Entry::network(net, one.line, what)).collect()
        }
        "ipv4" | "ipv6" if is_numbered(one.key, "route") => {
            route(one, settings).into_iter().collect()
        }
        "ipv4" | "ipv6" if one.key == "dns" => {
            let what = "dns of NetworkManager";
            let servers = words.filter_map(server);
            servers
                .map(|to| Entry::server(to, one.line, what))
                .collect()
        }
        "vpn" if matches!(one.key, "remote" | "gateway" | "address") => {
            let what = "VPN server of NetworkManager";
            let servers = words.filter_map(server);
            servers
                .map(|to| Entry::server(to, one.line, what))
                .collect()
        }
        section if section.starts_with("wireguard-peer.") => of_peer(one, settings),
        _ => Vec::new(),
    }
}

/// The name of a peer's section is its key.
fn of_peer(one: &Setting, settings: &[Setting]) -> Vec<Entry> {
    let routes = value_in(settings, "wireguard", "peer-routes");
    let routes = !matches!(routes, Some("false" | "no" | "0"));
    match one.key {
        "allowed-ips" if routes => {
            let what = "AllowedIPs of a WireGuard peer";
            let nets = one.value.split([';', ',']).filter_map(network);
            nets.map(|net| Entry::network(net, one.line, what))
                .collect()
        }
        "endpoint" => {
            let what = "Endpoint of a WireGuard peer";
            let to = server(one.value);
            to.map(|to| Entry::server(to, one.line, what))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// `route1=172.17.0.0/16,10.0.0.1,50`; `route1_options` and `route-table` say in which table.
fn route(one: &Setting, settings: &[Setting]) -> Option<Entry> {
    let mut words = one.value.split(',').map(str::trim);
    let net = network(words.next()?)?;
    let gateway = words.next().and_then(|word| word.parse().ok());
    let gateway = gateway.filter(|to: &std::net::IpAddr| !to.is_unspecified());
    let options = value(settings, one.number, &format!("{}_options", one.key));
    let option = |name: &str| {
        let mut options = options.into_iter().flat_map(|all| all.split(','));
        options.find_map(|option| option.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let table = option("table").or(value(settings, one.number, "route-table"));
    let drops = option("type").is_some_and(|kind| !matches!(kind, "unicast" | "local"));
    let counts = table.is_none_or(|table| matches!(table, "0" | "254"));
    (counts && !(drops && is_a_whole_block(&net))).then(|| Entry {
        by_gateway: gateway.is_some(),
        ..Entry::network(net, one.line, "route of NetworkManager")
    })
}

/// `address1`, `addresses2`, `route`, but not `route1_options` or `route-table`.
fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| {
        let rest = rest.trim_start_matches("es").trim_start_matches('s');
        rest.chars().all(|char| char.is_ascii_digit())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    const PATH: &str = "/etc/NetworkManager/system-connections/office.nmconnection";

    #[test]
    fn addresses_routes_and_peers_have_their_line() {
        let text = "\
[connection]
id=office
type=wireguard
interface-name=wg0
autoconnect=false

[wireguard]
private-key=SECRET

[wireguard-peer.PUBLICKEY=]
endpoint=172.20.0.9:51820
allowed-ips=172.17.0.0/16;fd00:17::/64;

[ipv4]
address1=10.8.0.2/24,10.8.0.1
dns=172.17.0.53;
method=manual
route1=172.18.0.0/16,10.8.0.1,50
route2=172.19.0.0/16
route2_options=table=200
route3=10.0.0.0/8
route3_options=type=unreachable

[ipv6]
addr-gen-mode=default
method=auto
";
        assert_eq!(
            shown(read, PATH, text),
            [
                "11 server 172.20.0.9/32 wg0 Endpoint of a WireGuard peer",
                "12 network 172.17.0.0/16 wg0 AllowedIPs of a WireGuard peer",
                "12 network fd00:17::/64 wg0 AllowedIPs of a WireGuard peer",
                "15 network 10.8.0.0/24 wg0 address of NetworkManager",
                "16 server 172.17.0.53/32 wg0 dns of NetworkManager",
                "18 routed 172.18.0.0/16 wg0 route of NetworkManager",
            ]
        );
    }

    #[test]
    fn what_is_switched_off_brings_nothing() {
        let text = "[wireguard]\npeer-routes=false\n[wireguard-peer.K]\nallowed-ips=172.17.0.0/16;\n\
                    [ipv4]\nmethod=disabled\naddress1=172.18.0.2/24\n[ipv6]\nmethod=auto\n";
        assert!(shown(read, PATH, text).is_empty());
        let text = "[ipv4]\nmethod=auto\nroute-table=300\nroute1=172.18.0.0/16,10.0.0.1\n";
        assert!(shown(read, PATH, text).is_empty());
    }
}
