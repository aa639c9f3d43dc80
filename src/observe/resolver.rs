//! The nameservers of this host: `/etc/resolv.conf`, and what systemd-resolved uses behind its stub.

use super::facts::Nameserver;
use crate::host::Host;
use std::net::IpAddr;
use std::path::Path;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const BEHIND_THE_STUB: &str = "/run/systemd/resolve/resolv.conf";

/// Reads both files; a loopback server is this host itself and is left out.
pub fn read(host: &Host, unseen: &mut Vec<String>) -> Vec<Nameserver> {
    let mut servers: Vec<Nameserver> = Vec::new();
    for file in [RESOLV_CONF, BEHIND_THE_STUB] {
        match host.read(Path::new(file)) {
            Ok(bytes) => {
                for address in nameservers(&String::from_utf8_lossy(&bytes.unwrap_or_default())) {
                    if !servers.iter().any(|server| server.address == address) {
                        servers.push(Nameserver { address, file: file.to_owned() });
                    }
                }
            }
            Err(error) => unseen.push(format!("{file}: {error}")),
        }
    }
    servers
}

/// The addresses of the `nameserver` lines; comments, scopes (`%eth0`) and loopback set aside.
fn nameservers(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        let address = address.split('%').next()?.parse::<IpAddr>().ok()?;
        (!address.is_loopback()).then_some(address)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    #[test]
    fn reads_nameserver_lines_and_nothing_else() {
        let text = "# nameserver 9.9.9.9\nsearch corp\nnameserver 10.0.0.53\n nameserver\t172.17.0.2 \n\
                    nameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserverX 1.1.1.1\nnameserver\n";
        let found: Vec<String> = super::nameservers(text).map(|a| a.to_string()).collect();
        assert_eq!(found, ["10.0.0.53", "172.17.0.2", "fe80::1"]);
    }
}
