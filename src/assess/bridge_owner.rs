//! Whose bridge a bridge is that is not Docker's, by the names that others give to theirs.

use crate::facts::Link;

/// How a name begins, and whose bridges are called so; a number follows or nothing.
const NAMES: [(&str, &str); 9] = [
    ("podman", "a Podman bridge"),
    ("cni-podman", "a Podman bridge"),
    ("virbr", "a libvirt bridge"),
    ("lxdbr", "an LXD bridge"),
    ("incusbr", "an Incus bridge"),
    ("lxcbr", "an LXC bridge"),
    ("cni", "a Kubernetes bridge (CNI)"),
    ("nerdctl", "a nerdctl bridge"),
    ("vmbr", "a Proxmox bridge"),
];

/// "a libvirt bridge"; nothing where the name does not tell.
pub fn owner(link: &Link) -> Option<&'static str> {
    if !link.is_bridge() {
        return None;
    }
    // Only an engine that answers makes such a bridge another's.
    if link.has_a_docker_name() {
        return Some("another engine's bridge");
    }
    let numbered = |start: &str| {
        let rest = link.name.strip_prefix(start);
        rest.is_some_and(|rest| rest.chars().all(|letter| letter.is_ascii_digit()))
    };
    let known = NAMES.iter().find(|(start, _)| numbered(start));
    known.map(|(_, owner)| *owner)
}
