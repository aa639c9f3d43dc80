//! The version of Docker that an image has, from its package database: nothing of an image is run.

use crate::host::Host;
use std::path::Path;

/// A database of paragraphs, and how the package and its version are spelled in them.
struct Database {
    path: &'static str,
    name: &'static str,
    version: &'static str,
    packages: &'static [&'static str],
}

const DATABASES: [Database; 2] = [
    Database {
        path: "/var/lib/dpkg/status",
        name: "Package: ",
        version: "Version: ",
        packages: &["docker-ce", "docker.io", "moby-engine"],
    },
    Database {
        path: "/lib/apk/db/installed",
        name: "P:",
        version: "V:",
        packages: &["docker-engine"],
    },
];

/// Such as `26.1.5+dfsg1`; none where no package is known to have brought dockerd.
pub fn docker_version(host: &Host) -> Option<String> {
    DATABASES.iter().find_map(|database| {
        let bytes = host.read(Path::new(database.path)).ok()??;
        database.version_in(&String::from_utf8_lossy(&bytes))
    })
}

impl Database {
    fn version_in(&self, text: &str) -> Option<String> {
        let mut paragraphs = text.split("\n\n");
        let found = paragraphs.find(|paragraph| {
            let removed = paragraph.contains("\nStatus: deinstall");
            let name = self.field(paragraph, self.name);
            !removed && name.is_some_and(|name| self.packages.contains(&name))
        })?;
        Some(upstream(self.field(found, self.version)?).to_owned())
    }

    fn field<'a>(&self, paragraph: &'a str, field: &str) -> Option<&'a str> {
        let mut lines = paragraph.lines();
        Some(lines.find_map(|line| line.strip_prefix(field))?.trim())
    }
}

/// `5:28.5.2-1~debian.13~trixie` without what the distribution adds.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.split(['-', '~']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_package_that_brings_dockerd() {
        let [dpkg, apk] = &DATABASES;
        let status = "Package: docker-ce-cli\nStatus: install ok installed\nVersion: 5:1.0.0-1\n\n\
                      Package: docker.io\nStatus: deinstall ok config-files\nVersion: 20.10.24+dfsg1-1\n\n\
                      Package: docker-ce\nStatus: install ok installed\n\
                      Version: 5:28.5.2-1~debian.13~trixie\n";
        assert_eq!(dpkg.version_in(status).as_deref(), Some("28.5.2"));
        let debian = "Package: docker.io\nVersion: 26.1.5+dfsg1-9+b7\n";
        assert_eq!(dpkg.version_in(debian).as_deref(), Some("26.1.5+dfsg1"));
        let alpine = "C:Q1\nP:docker-engine\nV:28.3.3-r1\n\nP:docker\nV:1\n";
        assert_eq!(apk.version_in(alpine).as_deref(), Some("28.3.3"));
        assert_eq!(dpkg.version_in("Package: bash\nVersion: 5.2\n"), None);
    }
}
