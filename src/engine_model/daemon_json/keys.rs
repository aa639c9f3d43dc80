//! The keys of daemon.json on Linux, with their types and the versions that know them. Read from the
//! flags, the named options and the structs of moby/moby at every tag from 20.10.0 to 29.7.2. For one
//! version 25 and 28 still had a key that they only complained of; such keys count as gone there.

use super::kind::Kind;
use crate::facts::Version;

#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// The first version that knows it; none if 20.10 does.
    pub since: Option<Version>,
    /// The first version that no longer does.
    pub until: Option<Version>,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        kind,
        since: None,
        until: None,
    }
}

impl Key {
    const fn since(mut self, major: u32, minor: u32, patch: u32) -> Key {
        self.since = Some(Version::of(major, minor, patch));
        self
    }

    const fn until(mut self, major: u32, minor: u32, patch: u32) -> Key {
        self.until = Some(Version::of(major, minor, patch));
        self
    }

    fn is_of(&self, version: Option<Version>) -> bool {
        let Some(version) = version else {
            return true;
        };
        self.since.is_none_or(|since| version >= since)
            && self.until.is_none_or(|until| version < until)
    }
}

const KEYS: &[Key] = &[
    key("allow-direct-routing", Kind::Switch).since(28, 2, 0),
    key("allow-nondistributable-artifacts", Kind::Texts),
    key("api-cors-header", Kind::Text).until(28, 0, 0),
    key("authorization-plugins", Kind::Texts),
    key("bip", Kind::Network),
    key("bip6", Kind::Network).since(28, 0, 0),
    key("bridge", Kind::Text),
    key("bridge-accept-fwmark", Kind::Text).since(29, 0, 0),
    key("builder", Kind::Object),
    key("cdi-spec-dirs", Kind::Texts).since(25, 0, 0),
    key("cgroup-parent", Kind::Text),
    key("cluster-advertise", Kind::Text).until(24, 0, 0),
    key("cluster-store", Kind::Text).until(24, 0, 0),
    key("cluster-store-opts", Kind::TextMap).until(24, 0, 0),
    key("containerd", Kind::Text),
    key("containerd-namespace", Kind::Text),
    key("cpu-rt-period", Kind::Number),
    key("cpu-rt-runtime", Kind::Number),
    key("cri-containerd", Kind::Switch),
    key("data-root", Kind::Text),
    key("debug", Kind::Switch),
    key("default-address-pools", Kind::Pools),
    key("default-cgroupns-mode", Kind::Text),
    key("default-gateway", Kind::Address),
    key("default-gateway-v6", Kind::Address),
    key("default-ipc-mode", Kind::Text),
    key("default-network-opts", Kind::TextMaps).since(24, 0, 0),
    key("default-runtime", Kind::Text),
    key("default-shm-size", Kind::Size),
    key("default-stop-timeout", Kind::Number).since(29, 7, 0),
    key("default-ulimits", Kind::ObjectMap),
    key("dns", Kind::Addresses),
    key("dns-opts", Kind::Texts),
    key("dns-search", Kind::Texts),
    key("exec-opts", Kind::Texts),
    key("exec-root", Kind::Text),
    key("experimental", Kind::Switch),
    key("features", Kind::SwitchMap),
    key("firewall-backend", Kind::Text).since(29, 0, 0),
    key("fixed-cidr", Kind::Network),
    key("fixed-cidr-v6", Kind::Network),
    key("graph", Kind::Text).until(24, 0, 0),
    key("group", Kind::Text),
    key("host-gateway-ip", Kind::Address),
    key("host-gateway-ips", Kind::Addresses).since(28, 0, 0),
    key("hosts", Kind::Texts),
    key("icc", Kind::Switch),
    key("init", Kind::Switch),
    key("init-path", Kind::Text),
    key("insecure-registries", Kind::Texts),
    key("ip", Kind::Address),
    key("ip-forward", Kind::Switch),
    key("ip-forward-no-drop", Kind::Switch).since(28, 0, 0),
    key("ip-masq", Kind::Switch),
    key("ip6tables", Kind::Switch),
    key("iptables", Kind::Switch),
    key("ipv6", Kind::Switch),
    key("labels", Kind::Texts),
    key("live-restore", Kind::Switch),
    key("log-driver", Kind::Text),
    key("log-format", Kind::Text).since(25, 0, 0),
    key("log-level", Kind::Level),
    key("log-opts", Kind::TextMap),
    key("max-concurrent-downloads", Kind::Count),
    key("max-concurrent-uploads", Kind::Count),
    key("max-download-attempts", Kind::Count),
    key("metrics-addr", Kind::Text),
    key("min-api-version", Kind::Text).since(29, 0, 0),
    key("mtu", Kind::Number),
    key("network-control-plane-mtu", Kind::Number),
    key("network-diagnostic-port", Kind::Number),
    key("no-new-privileges", Kind::Switch),
    key("node-generic-resources", Kind::Texts),
    key("nri-opts", Kind::Object).since(29, 2, 0),
    key("oom-score-adjust", Kind::Number).until(25, 0, 0),
    key("pidfile", Kind::Text),
    key("proxies", Kind::Object).since(23, 0, 0),
    key("raw-logs", Kind::Switch),
    key("registry-mirrors", Kind::Texts),
    key("rootless", Kind::Switch),
    key("runtimes", Kind::ObjectMap),
    key("seccomp-profile", Kind::Text),
    key("selinux-enabled", Kind::Switch),
    key("shutdown-timeout", Kind::Number),
    key("storage-driver", Kind::Text),
    key("storage-opts", Kind::Texts),
    key("swarm-default-advertise-addr", Kind::Text),
    key("tls", Kind::Switch),
    key("tlscacert", Kind::Text),
    key("tlscert", Kind::Text),
    key("tlskey", Kind::Text),
    key("tlsverify", Kind::Switch),
    key("userland-proxy", Kind::Switch),
    key("userland-proxy-path", Kind::Text),
    key("userns-remap", Kind::Text),
];

/// Flags of dockerd whose key has another name. As a key the flag's own name is taken and never read.
const FLAGS_OF_KEYS: [(&str, &str); 17] = [
    ("add-runtime", "runtimes"),
    ("authorization-plugin", "authorization-plugins"),
    ("cdi-spec-dir", "cdi-spec-dirs"),
    ("cluster-store-opt", "cluster-store-opts"),
    ("default-address-pool", "default-address-pools"),
    ("default-network-opt", "default-network-opts"),
    ("default-ulimit", "default-ulimits"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("feature", "features"),
    ("host", "hosts"),
    ("insecure-registry", "insecure-registries"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("node-generic-resource", "node-generic-resources"),
    ("registry-mirror", "registry-mirrors"),
    ("storage-opt", "storage-opts"),
];

/// Flags that came later than their keys.
const LATE_FLAGS: [(&str, Version); 1] = [("feature", Version::of(27, 3, 0))];

/// Names of flags that say nothing in a file, and keys that were taken away and are still let pass.
const LET_PASS: [&str; 5] = [
    "config-file",
    "containerd-plugins-namespace",
    "deprecated-key-path",
    "restart",
    "version",
];

/// The same, from 23.0 on. The proxies are read inside `proxies`.
const LET_PASS_SINCE_23: [&str; 4] = ["http-proxy", "https-proxy", "no-proxy", "validate"];

/// The keys whose objects are not taken apart.
const KEPT_WHOLE: [(&str, Version); 8] = [
    ("builder", Version::of(0, 0, 0)),
    ("cluster-store-opts", Version::of(0, 0, 0)),
    ("default-network-opts", Version::of(24, 0, 0)),
    ("default-ulimits", Version::of(0, 0, 0)),
    ("features", Version::of(0, 0, 0)),
    ("log-opts", Version::of(0, 0, 0)),
    ("nri-opts", Version::of(29, 2, 0)),
    ("runtimes", Version::of(0, 0, 0)),
];

/// Whether the version is newer than the newest one read.
pub fn are_others_in(version: Option<Version>) -> bool {
    let newest = (Version::NEWEST.major, Version::NEWEST.minor);
    version.is_some_and(|version| (version.major, version.minor) > newest)
}

/// What no version calls unknown, whatever it is read for.
pub fn is_known(name: &str, version: Option<Version>) -> bool {
    let by_flag = FLAGS_OF_KEYS.iter().find(|(flag, _)| *flag == name);
    let known_flag = by_flag.is_some_and(|(flag, key)| {
        let mut late = LATE_FLAGS.iter();
        let late = late.find(|(name, _)| name == flag);
        let in_time = late
            .zip(version)
            .is_none_or(|((_, since), version)| version >= *since);
        in_time && find(key).is_some_and(|key| key.is_of(version))
    });
    let since_23 = version.is_none_or(|version| version >= Version::of(23, 0, 0));
    field(name, version).is_some()
        || known_flag
        || LET_PASS.contains(&name)
        || since_23 && LET_PASS_SINCE_23.contains(&name)
}

/// The key that this version reads by this name. An object under `proxies` is taken apart like any
/// other, so that no version calls the key itself unknown.
pub fn field(name: &str, version: Option<Version>) -> Option<&'static Key> {
    find(name).filter(|key| key.is_of(version))
}

/// The key, in whatever version.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether an object under this key stands for itself, not for the keys inside it.
pub fn is_kept_whole(name: &str, version: Option<Version>) -> bool {
    let mut kept = KEPT_WHOLE.iter();
    kept.any(|(key, since)| *key == name && version.is_none_or(|version| version >= *since))
}

/// Whether what it holds may be an object of other keys, by what is known of it.
pub fn may_be_taken_apart(name: &str) -> bool {
    find(name).is_some_and(|key| key.kind == Kind::Object || key.kind == Kind::TextMaps)
}

pub fn read_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// The key that dockerd reads, where this is only the name of its flag.
pub fn read_instead_of(name: &str) -> Option<&'static str> {
    let mut flags = FLAGS_OF_KEYS.iter();
    flags.find(|(flag, _)| *flag == name).map(|(_, key)| *key)
}
