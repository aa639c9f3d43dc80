//! WireGuard and AmneziaWG: the files of wg-quick(8) and awg-quick, which add a route for each of
//! `AllowedIPs` unless `Table` says otherwise.

use super::File;
use super::entry::{Entry, network, server};
use super::ini::{settings, value_in};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::Folder("/etc/wireguard", ".conf"),
    Place::Folder("/etc/amnezia/amneziawg", ".conf"),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let settings = settings(file.text);
    // A table of its own counts only with a rule, which is made elsewhere.
    let table = value_in(&settings, "Interface", "Table").map(without_comment);
    let routes = table.is_none_or(|table| matches!(table, "auto" | "main" | "254"));
    let mut entries = Vec::new();
    for one in &settings {
        let value = without_comment(one.value);
        let words = value.split(',').map(str::trim);
        if one.is("Interface", "Address") {
            let nets = words.filter_map(network);
            entries.extend(nets.map(|net| Entry::network(net, one.line, "Address of WireGuard")));
        } else if one.is("Peer", "AllowedIPs") && routes {
            let nets = words.filter_map(network);
            let what = "AllowedIPs of a WireGuard peer";
            entries.extend(nets.map(|net| Entry::network(net, one.line, what)));
        } else if one.is("Peer", "Endpoint") {
            let what = "Endpoint of a WireGuard peer";
            entries.extend(server(value).map(|address| Entry::server(address, one.line, what)));
        }
    }
    Ok(entries
        .into_iter()
        .map(|entry| entry.on(Some(file.stem())))
        .collect())
}

fn without_comment(value: &str) -> &str {
    value.split('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    /// In the form of the examples of wg-quick(8).
    const OFFICE: &str = "\
[Interface]
Address = 10.200.100.8/24, fd00:9::8/64
PrivateKey = oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM=
DNS = 10.200.100.1

[Peer] # the office
PublicKey = GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=
PresharedKey = /UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=
AllowedIPs = 172.17.0.0/16, 10.1.2.3 # both sites
allowedips=fd00:17::/64
Endpoint = 203.0.113.2:51820
";

    #[test]
    fn routes_addresses_and_endpoints_have_their_line() {
        let found = shown(read, "/etc/wireguard/office.conf", OFFICE);
        assert_eq!(
            found,
            [
                "2 network 10.200.100.0/24 office Address of WireGuard",
                "2 network fd00:9::/64 office Address of WireGuard",
                "9 network 172.17.0.0/16 office AllowedIPs of a WireGuard peer",
                "9 network 10.1.2.3/32 office AllowedIPs of a WireGuard peer",
                "10 network fd00:17::/64 office AllowedIPs of a WireGuard peer",
                "11 server 203.0.113.2/32 office Endpoint of a WireGuard peer",
            ]
        );
    }

    #[test]
    fn without_a_route_in_the_main_table_allowed_ips_bring_nothing() {
        for table in ["off", "51820"] {
            let text = OFFICE.replace("DNS =", &format!("Table = {table} # ours\n#"));
            let found = shown(read, "/etc/wireguard/office.conf", &text);
            assert!(!found.concat().contains("AllowedIPs"), "{table}: {found:?}");
        }
    }
}
