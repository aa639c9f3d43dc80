//! Engine versions.

/// An engine version as far as behaviour depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 20, 26, 28 …
    pub major: u32,
    /// 10, 1, 5 …
    pub minor: u32,
}

impl Version {
    /// Stands for an engine whose version nobody knows: as those from 27 on behave.
    pub const NEWEST: Version = Version {
        major: 29,
        minor: 0,
    };

    /// From 27 on: sorted pools, none inside another, and always the lowest subnet that is free.
    /// Before: the list as given, and a search that goes on where the last one ended.
    pub fn first_fit(self) -> bool {
        self.major >= 27
    }

    /// Reads `20.10.24+dfsg1`, `28.5.2` and the like.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Version { major, minor })
    }

    /// 20.10 elects an address for docker0 from the pools even where `bip` names one, and with the
    /// code of that time it also takes an on-link 0.0.0.0/1 for a network. 26.1 and 28.5 do
    /// neither.
    pub fn elects_before_bip(self) -> bool {
        self.major < 23
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_engines_print_them() {
        assert_eq!(
            Version::parse("20.10.24+dfsg1"),
            Some(Version {
                major: 20,
                minor: 10
            })
        );
        assert_eq!(
            Version::parse("28.5.2"),
            Some(Version {
                major: 28,
                minor: 5
            })
        );
        assert_eq!(Version::parse("dev"), None);
    }
}
