//! Engine versions, and where the behaviour of engines changes. Each boundary stands here once, with
//! its source: "run" was tried on engines on both sides of it, "read" is the source of moby/moby at
//! the tags named.

/// An engine version as far as behaviour depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 20, 26, 28 …
    pub major: u32,
    /// 10, 1, 5 …
    pub minor: u32,
    /// 24, 5, 2 …
    pub patch: u32,
    /// Debian's own build, which links other versions of some libraries than Docker's does.
    pub debian: bool,
}

/// The patch level of a version given without one, such as `20.10`: that line as it ended.
const LAST_PATCH: u32 = u32::MAX;

impl Version {
    /// Stands for an engine whose version is not known: the newest that was measured.
    pub const NEWEST: Version = Version::of(29, 7, 2);

    /// A version as Docker itself builds it.
    pub const fn of(major: u32, minor: u32, patch: u32) -> Version {
        Version {
            major,
            minor,
            patch,
            debian: false,
        }
    }

    /// Reads `28.5.2`, `27.0.0-rc.1`, Debian's `20.10.24+dfsg1` and the like.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.splitn(3, '.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch = parts.next().and_then(leading_number).unwrap_or(LAST_PATCH);
        let version = Version {
            major,
            minor,
            patch,
            debian: text.contains("+dfsg"),
        };
        // `0.0.0-dev` is a build without a version.
        (major > 0).then_some(version)
    }

    fn since(self, major: u32, minor: u32, patch: u32) -> bool {
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }

    /// The pools are sorted, one inside another is dropped, and the lowest free subnet is next. Before:
    /// the list as written, each search from where the last one ended. Run: 20.10.24, 23.0.18,
    /// 24.0.9, 25.0.17 and 26.1.5 against 27.5.1, 28.5.2, 29.0.0 and 29.7.2. Read: 27.0.1.
    pub fn first_fit(self) -> bool {
        self.since(27, 0, 0)
    }

    /// An address for docker0 is chosen from the pools even where `bip` names one, by routes and
    /// nameservers alone, and then asked for by name. Run: 20.10.24 and 23.0.3 against 23.0.18.
    /// Read: the code is there in 23.0.3 and gone in 23.0.4.
    pub fn elects_before_bip(self) -> bool {
        !self.since(23, 0, 4)
    }

    /// An empty daemon.json counts as `{}`, and a byte-order mark in front of it is skipped. Run:
    /// 20.10.24 against 26.1.5. Read: 23.0.0.
    pub fn reads_marked_and_empty_files(self) -> bool {
        self.since(23, 0, 0)
    }

    /// `fixed-cidr` alone says where docker0 lies, where it has no address yet. Run: 23.0.3 does not
    /// heed it, 23.0.18 does. Read: 23.0.4 does not start with it (moby issue 45356), 23.0.5 is the
    /// first to heed it.
    pub fn heeds_fixed_cidr_alone(self) -> bool {
        self.since(23, 0, 5)
    }

    /// An address on docker0 whose network does not hold `fixed-cidr` is dropped for it. Run: 28.5.2
    /// and 29.7.2 against 20.10.24, 23.0.18, 25.0.17, 26.1.5 and 27.5.1. Read: 28.0.0.
    pub fn prefers_fixed_cidr_to_docker0(self) -> bool {
        self.since(28, 0, 0)
    }

    /// An on-link route that begins at 0.0.0.0, half of a default route in two, counts as a network
    /// in use. Read: the test for it came with 27.5.0. Run: 20.10.24 counts 0.0.0.0/1, /2 and /4, and
    /// 28.5.2 does not. Debian's 26.1.5 does not either: its netlink library is another.
    pub fn counts_on_link_half(self) -> bool {
        let debian_26_1 = self.debian && (self.major, self.minor) == (26, 1);
        !self.since(27, 5, 0) && !debian_26_1
    }

    /// Every route of the main table counts as a network in use, through a gateway or not. Read:
    /// 20.10.14 against 20.10.15 (moby pull request 43360). Run: 20.10.24 does not count them.
    pub fn steps_round_gateway_routes(self) -> bool {
        !self.since(20, 10, 15)
    }

    /// A container connected to a network again keeps the MAC address it asks for; from 29.3 on only
    /// over API 1.54 or later. Run: 20.10.24, 23.0.18, 24.0.9 and 29.7.2 keep it; 25.0.17, 26.1.5,
    /// 27.5.1 and 28.5.2 do not, nor does 29.7.2 over API 1.51.
    pub fn keeps_mac_on_connect(self) -> bool {
        !self.since(25, 0, 0) || self.since(29, 3, 0)
    }

    /// A container created for a network by its id starts again when that network is gone and the
    /// container is on another of the same name. Run: 20.10.24 starts it, 26.1.5 and 28.5.2 do not.
    /// Read: 24.0.6 against 24.0.7.
    pub fn starts_after_network_id_is_gone(self) -> bool {
        !self.since(24, 0, 7)
    }
}

/// The number a text begins with.
fn leading_number(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    text.get(..digits.unwrap_or(text.len()))?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
