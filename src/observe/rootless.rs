//! The rootless Dockers of users: each runs in a network namespace that rootlesskit made for it.

use super::process::{command_line, dockerd, proc, text_of};
use crate::facts::RootlessNetwork;
use crate::host::Host;
use ipnet::Ipv4Net;
use std::path::Path;

/// rootlesskit starts itself again inside, that starts a script, and that becomes dockerd.
const ANCESTORS: usize = 4;

/// The users whose own Docker runs. Its bridges lie in a network namespace of its own.
pub fn users(host: &Host) -> Vec<u32> {
    let dockers = dockers(host).into_iter();
    dockers.map(|(user, _)| user).collect()
}

/// The networks that those namespaces are in.
pub fn networks(host: &Host) -> Vec<RootlessNetwork> {
    let dockers = dockers(host).into_iter();
    let networks = dockers.filter_map(|(user, pid)| {
        let net = network_of(&rootlesskit_of(host, pid)?)?;
        Some(RootlessNetwork { user, net })
    });
    networks.collect()
}

fn dockers(host: &Host) -> Vec<(u32, u32)> {
    if host.is_image() {
        return Vec::new();
    }
    let users = host.list(Path::new("/run/user")).into_iter();
    users
        .filter_map(|user| {
            let pid = dockerd(host, &format!("/run/user/{user}/docker.pid"))?;
            Some((user.parse().ok()?, pid))
        })
        .collect()
}

/// The command line of the rootlesskit that a process descends from: of the outer one, as the inner
/// one calls itself by another name.
fn rootlesskit_of(host: &Host, pid: u32) -> Option<Vec<String>> {
    let mut pid = pid;
    for _ in 0..ANCESTORS {
        let status = text_of(host, &proc(pid, "status"))?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        pid = parent.trim().parse().ok()?;
        if text_of(host, &proc(pid, "comm"))?.trim_end() == "rootlesskit" {
            return Some(command_line(host, pid));
        }
    }
    None
}

/// `--net` has a default range, and `--cidr` sets another. pasta copies this host's addresses.
fn network_of(command_line: &[String]) -> Option<Ipv4Net> {
    let value = |flag: &str| {
        let at = command_line
            .iter()
            .position(|word| word.starts_with(flag))?;
        match command_line.get(at)?.strip_prefix(flag)?.strip_prefix('=') {
            Some(value) => Some(value),
            None => command_line.get(at + 1).map(String::as_str),
        }
    };
    let net = match (value("--cidr"), value("--net")?) {
        (Some(net), _) => net,
        (None, "slirp4netns" | "gvisor-tap-vsock") => "10.0.2.0/24",
        (None, "vpnkit") => "192.168.65.0/24",
        (None, _) => return None,
    };
    net.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_that_of_the_flag_or_of_the_driver() {
        for (words, expected) in [
            ("--net=slirp4netns --mtu=65520", Some("10.0.2.0/24")),
            (
                "--net=slirp4netns --cidr=10.41.0.0/24",
                Some("10.41.0.0/24"),
            ),
            (
                "--net slirp4netns --cidr 10.41.0.0/24",
                Some("10.41.0.0/24"),
            ),
            ("--net=vpnkit", Some("192.168.65.0/24")),
            ("--net=pasta", None),
            ("--net=host", None),
            ("--cidr", None),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let net = network_of(&words).map(|net| net.to_string());
            assert_eq!(net.as_deref(), expected, "{words:?}");
        }
    }
}
