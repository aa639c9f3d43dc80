//! The sockets of this host that wait on given addresses, with the processes that hold them.

use crate::facts::Listener;
use crate::host::Host;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// The kernel's tables. An IPv6 socket can be bound to an IPv4 address too.
const TABLES: [(&str, &str); 4] = [
    ("tcp", "/proc/net/tcp"),
    ("tcp", "/proc/net/tcp6"),
    ("udp", "/proc/net/udp"),
    ("udp", "/proc/net/udp6"),
];

/// TCP's state LISTEN, and the state of a UDP socket that is connected to nobody.
const LISTEN: &str = "0A";
const UNCONNECTED: &str = "07";

/// Those that wait on one of these addresses itself. One that waits on all addresses loses nothing,
/// nor does one that takes each address the host has, `others` among them, as time servers and
/// nameservers do: it follows the interfaces.
pub fn read(
    host: &Host,
    addresses: &BTreeSet<Ipv4Addr>,
    others: &BTreeSet<Ipv4Addr>,
) -> Vec<Listener> {
    let mut sockets = waiting_sockets(host);
    let named = |listener: &Listener| addresses.contains(&v4_of(listener));
    let ports: HashSet<(String, u16)> = sockets
        .values()
        .filter(|one| named(one))
        .map(|one| (one.protocol.clone(), one.port))
        .collect();
    sockets.retain(|_, one| ports.contains(&(one.protocol.clone(), one.port)));
    if !sockets.is_empty() {
        name_processes(host, &mut sockets);
    }
    let mut listeners: Vec<Listener> = sockets.values().cloned().collect();
    listeners.sort();
    listeners.dedup();
    let everywhere = |one: &Listener| {
        let same = |other: &&Listener| {
            one.pid.is_some()
                && (&other.protocol, other.port, other.pid) == (&one.protocol, one.port, one.pid)
        };
        let waits: BTreeSet<Ipv4Addr> = listeners.iter().filter(same).map(v4_of).collect();
        waits.contains(&Ipv4Addr::UNSPECIFIED) || !others.is_empty() && others.is_subset(&waits)
    };
    let theirs = listeners
        .iter()
        .filter(|one| named(one) && !everywhere(one));
    theirs.cloned().collect()
}

/// All sockets that wait, by inode.
fn waiting_sockets(host: &Host) -> BTreeMap<String, Listener> {
    let mut sockets = BTreeMap::new();
    for (protocol, table) in TABLES {
        let text = text_of(host, Path::new(table));
        for (address, port, inode) in text.lines().skip(1).filter_map(waiting) {
            let listener = Listener {
                protocol: protocol.to_owned(),
                address: IpAddr::V4(address),
                port,
                process: None,
                pid: None,
            };
            sockets.insert(inode.to_owned(), listener);
        }
    }
    sockets
}

fn v4_of(listener: &Listener) -> Ipv4Addr {
    match listener.address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}

/// The address, the port and the inode of a socket that waits.
fn waiting(line: &str) -> Option<(Ipv4Addr, u16, &str)> {
    let mut fields = line.split_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?;
    let waits = state == LISTEN || state == UNCONNECTED;
    let address = ipv4(address).filter(|_| waits)?;
    Some((address, u16::from_str_radix(port, 16).ok()?, inode))
}

/// An address as the kernel writes it: each word in the order of the machine.
fn ipv4(hex: &str) -> Option<Ipv4Addr> {
    let word = match hex.len() {
        8 => hex,
        // An IPv4 address in an IPv6 socket: ::ffff:0:0/96.
        32 => hex
            .strip_prefix("0000000000000000")
            .and_then(|rest| rest.strip_prefix(&format!("{:08X}", u32::from_be(0xffff))))?,
        _ => return None,
    };
    let word = u32::from_str_radix(word, 16).ok()?;
    Some(Ipv4Addr::from(word.to_ne_bytes()))
}

/// Finds a process for each socket, by its inode.
fn name_processes(host: &Host, sockets: &mut BTreeMap<String, Listener>) {
    let wanted: HashMap<PathBuf, String> = sockets
        .keys()
        .map(|inode| (PathBuf::from(format!("socket:[{inode}]")), inode.clone()))
        .collect();
    let names = host.list(Path::new("/proc"));
    let pids = names.iter().filter_map(|name| name.parse::<u32>().ok());
    for pid in pids {
        let folder = format!("/proc/{pid}/fd");
        for (_, target) in host.entries(Path::new(&folder)) {
            let inode = target.and_then(|target| wanted.get(&target));
            let Some(listener) = inode.and_then(|inode| sockets.get_mut(inode)) else {
                continue;
            };
            if listener.pid.is_none() {
                let name = text_of(host, Path::new(&format!("/proc/{pid}/comm")));
                listener.process = Some(name.trim_end().to_owned());
                listener.pid = Some(pid);
            }
        }
    }
}

fn text_of(host: &Host, path: &Path) -> String {
    let bytes = host.read(path).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn finds_what_waits_on_an_address_and_who_holds_it() {
        // Two addresses of the loopback network, which every namespace has.
        let ours: Ipv4Addr = "127.83.1.7".parse().unwrap();
        let tcp = TcpListener::bind((ours, 0)).unwrap();
        let udp = UdpSocket::bind((ours, 0)).unwrap();
        let _elsewhere = TcpListener::bind("127.83.1.8:0").unwrap();
        let _everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
        let _connected = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let others = BTreeSet::from(["127.83.1.8".parse().unwrap()]);
        let found = read(&Host::live(), &BTreeSet::from([ours]), &others);
        let ports: Vec<(&str, u16, Option<u32>)> = found
            .iter()
            .map(|one| (one.protocol.as_str(), one.port, one.pid))
            .collect();
        let pid = Some(std::process::id());
        assert_eq!(
            ports,
            [
                ("tcp", tcp.local_addr().unwrap().port(), pid),
                ("udp", udp.local_addr().unwrap().port(), pid)
            ]
        );
    }

    #[test]
    fn who_takes_each_address_is_left_out() {
        let [ours, other]: [Ipv4Addr; 2] = ["127.83.2.7", "127.83.2.8"].map(|a| a.parse().unwrap());
        let first = UdpSocket::bind((ours, 0)).unwrap();
        let _second = UdpSocket::bind((other, first.local_addr().unwrap().port())).unwrap();
        let named = BTreeSet::from([ours]);
        let found = |others: &[Ipv4Addr]| {
            let others = others.iter().copied().collect();
            read(&Host::live(), &named, &others).len()
        };
        assert_eq!(found(&[other]), 0);
        assert_eq!(found(&[other, "127.83.2.9".parse().unwrap()]), 1);
    }

    #[test]
    fn an_ipv6_socket_may_have_an_ipv4_address() {
        let word = format!("{:08X}", u32::from_ne_bytes([172, 17, 0, 1]));
        let mapped = format!("0000000000000000{:08X}{word}", u32::from_be(0xffff));
        let address = Some("172.17.0.1".parse().unwrap());
        assert_eq!((ipv4(&word), ipv4(&mapped)), (address, address));
        assert_eq!(ipv4(&"0".repeat(32)), None);
    }
}
