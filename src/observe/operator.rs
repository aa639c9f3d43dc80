//! The person at the other end: where the ssh session comes from that rebridge was started in, and
//! on which ports this host's ssh server listens.

use crate::host::Host;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// sshd's own settings.
const SSHD_CONFIG: &str = "/etc/ssh/sshd_config";
const SSHD_CONFIG_FOLDER: &str = "/etc/ssh/sshd_config.d";

/// From a shell through sudo, a script or two and Ansible to sshd it is never further than this.
const ANCESTORS: usize = 16;

/// An ssh session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Where it comes from.
    pub peer: IpAddr,
    /// The port it comes from.
    pub peer_port: u16,
    /// The port of this host it came to.
    pub port: u16,
}

/// The session this process runs in. sudo takes the variable away, so the ancestors' are read too.
pub fn session(host: &Host) -> Option<Session> {
    if host.is_image() {
        return None;
    }
    let mut process = "self".to_owned();
    for _ in 0..ANCESTORS {
        let file = |name: &str| {
            host.read(&PathBuf::from(format!("/proc/{process}/{name}")))
                .ok()
                .flatten()
        };
        if let Some(session) = file("environ").and_then(|bytes| of_environment(&bytes)) {
            return Some(session);
        }
        // The name in the second field may hold anything, parentheses too; the parent comes two
        // fields behind it.
        let stat = String::from_utf8_lossy(&file("stat")?).into_owned();
        process = stat
            .rsplit(')')
            .next()?
            .split_whitespace()
            .nth(1)?
            .to_owned();
    }
    None
}

/// `SSH_CONNECTION=client-address client-port server-address server-port`
pub fn of_environment(bytes: &[u8]) -> Option<Session> {
    let entry = bytes
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(b"SSH_CONNECTION="))?;
    let text = String::from_utf8_lossy(entry);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [peer, peer_port, _, port] = words.as_slice() else {
        return None;
    };
    let peer: IpAddr = peer.split('%').next()?.parse().ok()?;
    Some(Session {
        peer: peer.to_canonical(),
        peer_port: peer_port.parse().ok()?,
        port: port.parse().ok()?,
    })
}

/// The ports ssh sessions come in by: the usual one, those of sshd's settings, and this session's.
pub fn ssh_ports(host: &Host, session: Option<Session>) -> Vec<u16> {
    let folder = Path::new(SSHD_CONFIG_FOLDER);
    let files = host.list(folder).into_iter().map(|name| folder.join(name));
    let mut ports = vec![22];
    for file in std::iter::once(PathBuf::from(SSHD_CONFIG)).chain(files) {
        let bytes = host.read(&file).ok().flatten().unwrap_or_default();
        ports.extend(
            String::from_utf8_lossy(&bytes)
                .lines()
                .filter_map(port_of_line),
        );
    }
    ports.extend(session.map(|session| session.port));
    ports
}

fn port_of_line(line: &str) -> Option<u16> {
    let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
    words
        .next()
        .filter(|word| word.eq_ignore_ascii_case("port"))
        .and(words.next())?
        .parse()
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn reads_sessions_and_ports() {
        let environment = b"HOME=/root\0SSH_CONNECTION=::ffff:10.9.8.7 50412 10.0.0.5 2222\0";
        let session = of_environment(environment).unwrap();
        assert_eq!(
            (
                session.peer.to_string().as_str(),
                session.peer_port,
                session.port
            ),
            ("10.9.8.7", 50412, 2222)
        );
        assert_eq!(
            of_environment(b"SSH_CONNECTION=fe80::1%eth0 1 fe80::2 22")
                .unwrap()
                .port,
            22
        );
        for bad in [&b"SSH_CONNECTION=x"[..], b"SSH_CONNECTION=", b"", b"\0\0"] {
            assert_eq!(of_environment(bad), None);
        }
        let ports: Vec<u16> = "#Port 1\nPort 2200\n port=2201\nPortX 3\nPort x"
            .lines()
            .filter_map(port_of_line)
            .collect();
        assert_eq!(ports, [2200, 2201]);
    }
}
