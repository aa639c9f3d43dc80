//! Where a dockerd can be asked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The engine's socket on every Linux distribution (`/var/run` is a link to `/run`).
pub const SOCKET: &str = "/run/docker.sock";

/// The port of a `tcp://` that names none.
const PORT: u16 = 2375;

/// One place where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Unix(String),
    /// Without TLS.
    Tcp(SocketAddr),
}

/// Where an engine listens, in the order in which it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    pub plain: Vec<Endpoint>,
    /// Where nothing else listens: a port that wants a certificate.
    pub tls_only: Option<String>,
}

impl Endpoints {
    /// Those of a dockerd that is not told where to listen.
    pub fn usual() -> Endpoints {
        Endpoints {
            plain: vec![Endpoint::usual()],
            tls_only: None,
        }
    }

    /// Those of a dockerd with these values of `-H` or `hosts`. A socket is asked before a port.
    pub fn of<'a>(hosts: impl Iterator<Item = &'a str> + Clone, tls: bool) -> Endpoints {
        let mut plain: Vec<Endpoint> = Vec::new();
        for host in hosts.clone() {
            plain.extend(socket(host));
        }
        let mut tls_only = None;
        for host in hosts {
            match port(host) {
                Some(address) if !tls => plain.push(Endpoint::Tcp(address)),
                Some(_) if plain.is_empty() => tls_only = Some(host.to_owned()),
                Some(_) | None => {}
            }
        }
        Endpoints { plain, tls_only }
    }

    pub fn is_usual_first(&self) -> bool {
        self.plain.first() == Some(&Endpoint::usual())
    }
}

impl Endpoint {
    pub fn usual() -> Endpoint {
        Endpoint::Unix(SOCKET.to_owned())
    }

    /// As `-H` spells it.
    pub fn url(&self) -> String {
        match self {
            Endpoint::Unix(path) => format!("unix://{path}"),
            Endpoint::Tcp(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => f.write_str(path),
            Endpoint::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// `unix://PATH`, and `fd://`, which is what systemd hands over: its docker.socket.
fn socket(host: &str) -> Option<Endpoint> {
    if host.starts_with("fd://") {
        return Some(Endpoint::usual());
    }
    let path = host.strip_prefix("unix://")?;
    Some(match path.strip_prefix("/var/run/") {
        _ if path.is_empty() => Endpoint::usual(),
        Some("docker.sock") => Endpoint::usual(),
        Some(_) | None => Endpoint::Unix(path.to_owned()),
    })
}

/// `tcp://ADDRESS:PORT`, each part of which may be missing. Names are not looked up.
fn port(host: &str) -> Option<SocketAddr> {
    let rest = match host.split_once("://") {
        Some(("tcp", rest)) => rest,
        Some(_) => return None,
        None => host,
    };
    let (address, port) = match rest.rsplit_once(':') {
        Some((address, port)) if !port.contains(']') => (address, port.parse().ok()?),
        Some(_) | None => (rest, PORT),
    };
    let address: IpAddr = match address.trim_matches(['[', ']']) {
        "" | "localhost" => Ipv4Addr::LOCALHOST.into(),
        number => number.parse().ok()?,
    };
    // One that listens everywhere is at home here, too.
    let address = match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(hosts: &[&str], tls: bool) -> (Vec<String>, Option<String>) {
        let found = Endpoints::of(hosts.iter().copied(), tls);
        let urls = found.plain.iter().map(Endpoint::url).collect();
        (urls, found.tls_only)
    }

    #[test]
    fn sockets_come_before_plain_ports() {
        for (hosts, urls) in [
            (&["fd://"][..], &["unix:///run/docker.sock"][..]),
            (&["unix://"], &["unix:///run/docker.sock"]),
            (
                &["unix:///var/run/docker.sock"],
                &["unix:///run/docker.sock"],
            ),
            (&["unix:///srv/d.sock"], &["unix:///srv/d.sock"]),
            (
                &["tcp://0.0.0.0:2375", "unix:///srv/d.sock"],
                &["unix:///srv/d.sock", "tcp://127.0.0.1:2375"],
            ),
            (&["tcp://"], &["tcp://127.0.0.1:2375"]),
            (&["tcp://:4243"], &["tcp://127.0.0.1:4243"]),
            (&["localhost:4243"], &["tcp://127.0.0.1:4243"]),
            (&["tcp://[::]:2375"], &["tcp://[::1]:2375"]),
            (&["tcp://[fd00::1]"], &["tcp://[fd00::1]:2375"]),
            (&["tcp://docker.example:2375", "npipe://x"], &[]),
        ] {
            let urls = urls.iter().map(|url| (*url).to_owned()).collect();
            assert_eq!(asked(hosts, false), (urls, None), "{hosts:?}");
        }
    }

    #[test]
    fn a_port_that_wants_a_certificate_is_not_asked() {
        let tls = "tcp://0.0.0.0:2376";
        assert_eq!(asked(&[tls], true), (Vec::new(), Some(tls.to_owned())));
        let beside = vec!["unix:///run/docker.sock".to_owned()];
        assert_eq!(asked(&[tls, "fd://"], true), (beside, None));
    }
}
