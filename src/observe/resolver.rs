//! The nameservers of this host: `/etc/resolv.conf`, and what stands behind a stub:
//! systemd-resolved's own list, its links' and systemd-networkd's links' servers, NetworkManager's
//! list.

use super::kernel::links::Links;
use crate::facts::{Named, Nameserver};
use crate::host::Host;
use std::net::IpAddr;
use std::path::Path;

/// Files in the format of resolv.conf.
const LISTS: [&str; 3] = [
    "/etc/resolv.conf",
    "/run/systemd/resolve/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
];

/// Folders with a file a link, named by its index, and the key under which a file names servers.
const PER_LINK: [(&str, &str); 2] = [
    ("/run/systemd/resolve/netif", "SERVERS="),
    ("/run/systemd/netif/links", "DNS="),
];

/// As much of a file as is read; no list of nameservers is longer.
const ENOUGH: usize = 1 << 20;

/// What Docker takes for the only server in resolv.conf that means: look behind it.
const STUB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 53));

/// Reads them all, each address once; a loopback server is this host itself and is left out. What a
/// link says comes first, because it names the link.
pub fn read(host: &Host, links: &Links, unseen: &mut Vec<String>) -> Vec<Nameserver> {
    let mut found: Vec<(IpAddr, String, Option<String>)> = Vec::new();
    for (folder, key) in PER_LINK {
        for name in host.list(Path::new(folder)) {
            let file = format!("{folder}/{name}");
            let dev = name
                .parse()
                .ok()
                .and_then(|index: u32| links.get(&index))
                .map(|link| link.name.clone());
            let bytes = host
                .read(Path::new(&file))
                .ok()
                .flatten()
                .unwrap_or_default();
            found.extend(
                of_link(&text(&bytes), key)
                    .into_iter()
                    .map(|address| (address, file.clone(), dev.clone())),
            );
        }
    }
    let lists = LISTS.map(|file| match host.read(Path::new(file)) {
        Ok(bytes) => nameservers(&text(&bytes.unwrap_or_default())).collect(),
        Err(error) => {
            unseen.push(format!("{file}: {error}"));
            Vec::new()
        }
    });
    for (file, list) in LISTS.iter().zip(&lists) {
        found.extend(
            list.iter()
                .map(|address| (*address, (*file).to_owned(), None)),
        );
    }
    let [own, behind, _] = &lists;
    let docker_reads = if own.as_slice() == [STUB] {
        behind
    } else {
        own
    };
    let mut servers: Vec<Nameserver> = Vec::new();
    for (address, file, dev) in found
        .into_iter()
        .filter(|(address, ..)| !address.is_loopback())
    {
        if servers.iter().all(|server| server.address != address) {
            servers.push(Nameserver {
                address,
                file,
                dev,
                seen_by_docker: docker_reads.contains(&address),
            });
        }
    }
    servers
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..bytes.len().min(ENOUGH)).unwrap_or_default()).into_owned()
}

/// The addresses of the `nameserver` lines; comments set aside.
pub fn nameservers(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words
            .next()
            .filter(|word| *word == "nameserver")
            .and(words.next())
            .and_then(server)
    })
}

/// The addresses behind a key, set apart by spaces.
pub fn of_link(text: &str, key: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(key));
    lines
        .flat_map(str::split_whitespace)
        .filter_map(server)
        .collect()
}

/// An address without scope (`%eth0`), port or name (`#dns.example`).
fn server(word: &str) -> Option<IpAddr> {
    let bare = word.split(['%', '#']).next()?;
    bare.parse::<IpAddr>()
        .ok()
        .or_else(|| bare.parse::<std::net::SocketAddr>().ok().map(|at| at.ip()))
}

/// Where systemd-resolved is configured; a folder's files count in the order of their names.
const RESOLVED: [&str; 4] = [
    "/etc/systemd/resolved.conf",
    "/run/systemd/resolved.conf.d",
    "/etc/systemd/resolved.conf.d",
    "/usr/lib/systemd/resolved.conf.d",
];

/// A further address systemd-resolved answers at, for containers most often.
const STUB_SETTING: &str = "DNSStubListenerExtra";

/// The extra addresses at which systemd-resolved answers.
pub fn stubs(host: &Host) -> Vec<Named> {
    let files = RESOLVED.iter().flat_map(|place| {
        let names = host.list(Path::new(place)).into_iter();
        let mut files: Vec<String> = names
            .filter(|name| name.ends_with(".conf"))
            .map(|name| format!("{place}/{name}"))
            .collect();
        if place.ends_with(".conf") {
            files.push((*place).to_owned());
        }
        files
    });
    files
        .flat_map(|file| {
            let bytes = host.read(Path::new(&file)).ok().flatten();
            stubs_of(&file, &text(&bytes.unwrap_or_default()))
        })
        .collect()
}

fn stubs_of(file: &str, text: &str) -> Vec<Named> {
    let lines = text.lines().zip(1..);
    lines
        .filter_map(|(line, number)| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().trim_start_matches("udp:");
            let value = value.trim_start_matches("tcp:");
            let address = value.split(':').next()?.parse().ok()?;
            (key.trim() == STUB_SETTING).then(|| Named {
                address,
                setting: STUB_SETTING.to_owned(),
                file: file.to_owned(),
                line: number,
            })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn reads_nameserver_lines_and_nothing_else() {
        let text = "# nameserver 9.9.9.9\nsearch corp\nnameserver 10.0.0.53\n nameserver\t172.17.0.2 \n\
                    nameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserverX 1.1.1.1\nnameserver\n";
        let found: Vec<String> = nameservers(text).map(|a| a.to_string()).collect();
        assert_eq!(found, ["10.0.0.53", "172.17.0.2", "127.0.0.53", "fe80::1"]);
    }

    #[test]
    fn reads_the_servers_of_a_link() {
        let text = "# This is private data.\nLLMNR=yes\nSERVERS=172.17.0.2 10.0.0.1:53#dns.corp \
                    [fd00::1]:53\nDNS=1.2.3.4\n";
        let found: Vec<String> = of_link(text, "SERVERS=")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["172.17.0.2", "10.0.0.1", "fd00::1"]);
    }

    #[test]
    fn stubs_have_their_line() {
        let text =
            "[Resolve]\n#DNSStubListenerExtra=10.0.0.1\nDNSStubListenerExtra = udp:172.17.0.1:53\n";
        let found = stubs_of("/x.conf", text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].address, found[0].line),
            ("172.17.0.1".parse().unwrap(), 3)
        );
    }
}
