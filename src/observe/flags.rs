//! The flags of dockerd that facts may show, from a command line.

use std::collections::BTreeMap;

/// The flags of dockerd that facts may show, in all their spellings; the last is the one they are
/// known by. Others may hold secrets.
const FLAGS: [&[&str]; 28] = [
    &["config-file"],
    &["default-address-pools", "default-address-pool"],
    &["b", "bridge"],
    &["bip"],
    &["fixed-cidr"],
    &["default-gateway"],
    &["host-gateway-ip"],
    &["ip"],
    &["live-restore"],
    &["iptables"],
    &["ip-masq"],
    &["firewall-backend"],
    &["dns"],
    &["H", "host"],
    &["metrics-addr"],
    &["g", "graph", "data-root"],
    &["s", "storage-driver"],
    &["userns-remap"],
    &["exec-root"],
    &["exec-opt"],
    &["ipv6"],
    &["fixed-cidr-v6"],
    &["ip-forward"],
    &["ip6tables"],
    &["icc"],
    &["mtu"],
    &["tls"],
    &["tlsverify"],
];

/// Flags by name, each with the values it is given.
pub type Flags = BTreeMap<String, Vec<String>>;

/// A flag that matters, as it is given.
pub struct GivenFlag {
    pub name: &'static str,
    pub value: String,
    /// Which of the arguments it begins with.
    pub at: usize,
}

/// The flags that matter, in all their spellings: `--bip=X`, `--bip X`, `-b X`.
pub fn given_flags<'a>(arguments: impl Iterator<Item = &'a str>) -> Vec<GivenFlag> {
    let mut given = Vec::new();
    let mut words = arguments.enumerate().peekable();
    while let Some((at, word)) = words.next() {
        let spelled = word.trim_start_matches('-');
        if spelled.len() == word.len() {
            continue;
        }
        let (spelled, value) = match spelled.split_once('=') {
            Some((spelled, value)) => (spelled, Some(value.to_owned())),
            None => (spelled, None),
        };
        let names = FLAGS.iter().find(|names| names.contains(&spelled));
        let Some(name) = names.and_then(|names| names.last()) else {
            continue;
        };
        let value = value
            .or_else(|| {
                Some(
                    words
                        .next_if(|(_, next)| !next.starts_with('-'))?
                        .1
                        .to_owned(),
                )
            })
            .unwrap_or_default();
        given.push(GivenFlag { name, value, at });
    }
    given
}

/// The same by name.
pub fn flags<'a>(arguments: impl Iterator<Item = &'a str>) -> Flags {
    let mut flags = Flags::new();
    for GivenFlag { name, value, .. } in given_flags(arguments) {
        flags.entry(name.to_owned()).or_default().push(value);
    }
    flags
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn finds_flags_in_every_spelling_and_keeps_no_others() {
        let arguments = "-H fd:// --bip=10.0.0.1/24 -b br0 --default-address-pool \
                         base=10.0.0.0/8,size=24 --http-proxy http://user:secret@proxy \
                         --config-file /x.json --dns=10.0.0.2 --dns 10.0.0.3 --iptables=false \
                         --live-restore";
        let flags = flags(arguments.split_whitespace());
        assert_eq!(flags["host"], ["fd://"]);
        assert_eq!(flags["bip"], ["10.0.0.1/24"]);
        assert_eq!(flags["bridge"], ["br0"]);
        assert_eq!(flags["default-address-pool"], ["base=10.0.0.0/8,size=24"]);
        assert_eq!(flags["config-file"], ["/x.json"]);
        assert_eq!(flags["dns"], ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(flags["iptables"], ["false"]);
        assert_eq!(flags["live-restore"], [""]);
        assert!(!format!("{flags:?}").contains("secret"));
    }
}
