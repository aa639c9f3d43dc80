//! Docker's unit as systemd would start it, read from the same files in the same order: the unit,
//! its drop-ins, its environment files. No process is asked, so it works for an unpacked image too.
//!
//! What was changed without a `systemctl daemon-reload` counts here, though systemd does not know
//! of it yet: the next boot does.

mod environment;
mod find;
mod settings;
mod syntax;

use crate::host::Host;
use settings::{Settings, expand, text_of};

pub use environment::{Variable, variables};
pub use find::NAME;
pub use settings::{Argument, Place};

/// Whether a program is dockerd by its name: Red Hat's is `dockerd-current`, NixOS' is
/// `.dockerd-wrapped`. The kernel keeps 15 characters of a name.
pub fn is_dockerd(name: &str) -> bool {
    name.trim_start_matches('.').starts_with("dockerd")
}

/// The unit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Such as `docker.service`.
    pub name: String,
    /// Its own file; none where there is no such unit.
    pub fragment: Option<String>,
    /// Its drop-ins, in the order in which they count.
    pub drop_ins: Vec<String>,
    /// Whether it is masked: systemd refuses to start it.
    pub masked: bool,
    /// What its files say.
    pub settings: Settings,
}

impl Unit {
    /// Whether systemd can start it.
    pub fn loaded(&self) -> bool {
        self.fragment.is_some() && !self.masked
    }

    /// Whether its command is dockerd itself.
    pub fn runs_dockerd(&self) -> bool {
        let command = self.settings.command.as_ref();
        let program = command.and_then(|command| command.program.rsplit('/').next());
        program.is_some_and(is_dockerd)
    }

    /// Whether its own file has its name.
    fn is_no_alias(&self) -> bool {
        let file = self
            .fragment
            .as_ref()
            .and_then(|path| path.rsplit('/').next());
        file == Some(self.name.as_str())
    }

    /// The arguments dockerd would be started with, variables put in.
    pub fn arguments(&self, host: &Host) -> Vec<Argument> {
        let Some(command) = &self.settings.command else {
            return Vec::new();
        };
        if !command.expands {
            return command.arguments.clone();
        }
        let environment = self
            .settings
            .environment_of_command(|path| text_of(host, path));
        let expanded = command.arguments.iter();
        expanded
            .flat_map(|argument| expand(argument, &environment))
            .collect()
    }

    /// The folder of its processes below that of systemd's own, such as
    /// `system.slice/docker.service`.
    pub fn cgroup(&self) -> String {
        let slice = self.settings.slice.as_deref().unwrap_or("system.slice");
        let stem = slice.strip_suffix(".slice").unwrap_or(slice);
        // `a-b.slice` lies in `a.slice`.
        let folders = stem
            .match_indices('-')
            .filter_map(|(at, _)| Some(format!("{}.slice/", stem.get(..at)?)));
        format!("{}{stem}.slice/{}", folders.collect::<String>(), self.name)
    }
}

/// Reads docker.service. Where there is none to start, the one unit counts that has a name like
/// Docker's and runs dockerd.
pub fn read(host: &Host) -> Unit {
    let usual = read_named(host, NAME);
    if usual.loaded() {
        return usual;
    }
    let names = find::named_like_dockers(host);
    let mut units: Vec<Unit> = names.iter().map(|name| read_named(host, name)).collect();
    // A link to another of them is the same unit once more.
    units.retain(|unit| unit.loaded() && unit.runs_dockerd() && unit.is_no_alias());
    match units.pop() {
        Some(unit) if units.is_empty() => unit,
        Some(_) | None => usual,
    }
}

/// Reads the unit of this name.
pub fn read_named(host: &Host, name: &str) -> Unit {
    let files = find::find(host, name);
    let fragment = files.fragment.as_ref();
    let masked =
        fragment.is_some_and(|path| text_of(host, path).is_none_or(|text| text.is_empty()));
    let mut settings = Settings::default();
    for path in fragment.iter().copied().chain(&files.drop_ins) {
        let text = text_of(host, path).unwrap_or_default();
        settings.add(path, &text, |letter| specifier(host, name, letter));
    }
    Unit {
        name: name.to_owned(),
        masked,
        fragment: files.fragment,
        drop_ins: files.drop_ins,
        settings,
    }
}

/// What `%x` stands for in the unit of this name; the rarer ones are not known here.
fn specifier(host: &Host, name: &str, letter: char) -> Option<String> {
    let line_of = |path| Some(text_of(host, path)?.trim().to_owned());
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    let words = match letter {
        'n' => name,
        'N' => stem,
        'p' | 'P' => prefix,
        'j' | 'J' => prefix.rsplit('-').next()?,
        'i' | 'I' => instance,
        'f' if instance.is_empty() => return Some(format!("/{prefix}")),
        'f' => return Some(format!("/{instance}")),
        'u' | 'g' => "root",
        'U' | 'G' => "0",
        'h' => "/root",
        's' => "/bin/sh",
        't' => "/run",
        'S' => "/var/lib",
        'C' => "/var/cache",
        'L' => "/var/log",
        'E' => "/etc",
        'T' => "/tmp",
        'V' => "/var/tmp",
        'm' => return line_of("/etc/machine-id"),
        'H' if host.is_image() => return line_of("/etc/hostname"),
        'H' => return line_of("/proc/sys/kernel/hostname"),
        _ => return None,
    };
    Some(words.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::fs;

    /// The arguments that a unit with these files would give, joined, each behind a `|`.
    fn arguments(name: &str, files: &[(&str, &str)]) -> (Unit, String) {
        let root = std::env::temp_dir().join(format!("rebridge-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (path, text) in files {
            let path = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let host = Host::image(&root);
        let unit = read(&host);
        let words = unit.arguments(&host).into_iter();
        let places = words.map(|one| {
            let line = one.place.line_of(&host, &one.text);
            let file = one.place.file.rsplit('/').next().unwrap().to_owned();
            format!("{} {file}:{line}", one.text)
        });
        let text = places.collect::<Vec<_>>().join("|");
        fs::remove_dir_all(root).unwrap();
        (unit, text)
    }

    const UNIT: &str = "/usr/lib/systemd/system/docker.service";
    const DROP_IN: &str = "/etc/systemd/system/docker.service.d/o.conf";
    const OWN: &str = "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// \\\n  --debug $DOCKER_OPTS\n\
                       EnvironmentFile=-/etc/default/docker\n";

    #[test]
    fn the_command_is_that_of_the_last_file_with_the_variables_of_all() {
        for (name, files, expected) in [
            (
                "plain",
                &[(UNIT, OWN)][..],
                "-H docker.service:2|fd:// docker.service:2|--debug docker.service:3",
            ),
            (
                "variables",
                &[
                    (UNIT, OWN),
                    (
                        "/etc/default/docker",
                        "# x\nDOCKER_OPTS=\"--bip 10.0.0.1/24\"\n",
                    ),
                    (
                        DROP_IN,
                        "[Service]\nEnvironment=\"DOCKER_OPTS=--ip 1.1.1.1\" MTU=1400\n\
                               ExecStart=\nExecStart=-/usr/sbin/dockerd --mtu=${MTU} $DOCKER_OPTS x$MTU $NONE $$\n",
                    ),
                ],
                "--mtu=1400 o.conf:4|--bip docker:2|10.0.0.1/24 docker:2|x$MTU o.conf:4|$ o.conf:4",
            ),
            (
                "unset",
                &[
                    (UNIT, OWN),
                    ("/etc/default/docker", "DOCKER_OPTS=--bip=10.0.0.1/24"),
                    (
                        DROP_IN,
                        "[Service]\nEnvironmentFile=\nEnvironment=DOCKER_OPTS=--icc\nEnvironment=\n",
                    ),
                ],
                "-H docker.service:2|fd:// docker.service:2|--debug docker.service:3",
            ),
            (
                "marks",
                &[(
                    DROP_IN,
                    "[Service]\nEnvironment=A=b\nExecStart=@:/usr/bin/dockerd docker --label=%p $A '' ; /bin/x y\n",
                )],
                "--label=docker o.conf:3|$A o.conf:3| o.conf:3",
            ),
            (
                "reset",
                &[(UNIT, OWN), (DROP_IN, "[Service]\nExecStart=\n")],
                "",
            ),
            (
                "other-section",
                &[(
                    DROP_IN,
                    "[Unit]\nExecStart=/usr/bin/dockerd --bip=1.1.1.1/24\n",
                )],
                "",
            ),
            (
                "wrong",
                &[(DROP_IN, "[Service]\nExecStart=/usr/bin/dockerd \"--bip\n")],
                "",
            ),
        ] {
            assert_eq!(arguments(name, files).1, expected, "{name}");
        }
    }

    #[test]
    fn a_unit_counts_as_loaded_unless_it_is_missing_or_masked() {
        for (name, files, loaded) in [
            ("absent", &[(DROP_IN, OWN)][..], false),
            ("there", &[(UNIT, OWN)], true),
            (
                "empty",
                &[(UNIT, OWN), ("/etc/systemd/system/docker.service", "")],
                false,
            ),
        ] {
            assert_eq!(arguments(name, files).0.loaded(), loaded, "{name}");
        }
    }

    #[test]
    fn its_cgroup_follows_its_slice() {
        let mut unit = Unit {
            name: NAME.to_owned(),
            ..Unit::default()
        };
        assert_eq!(unit.cgroup(), "system.slice/docker.service");
        unit.settings
            .add("f", "[Service]\nSlice=a-b.slice\n", |_| None);
        assert_eq!(unit.cgroup(), "a.slice/a-b.slice/docker.service");
    }
}
