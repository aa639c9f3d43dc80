//! Where systemd finds a service: its unit file, its other names, its drop-ins.

use crate::host::Host;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Docker's unit almost everywhere.
pub const NAME: &str = "docker.service";

/// Drop-ins for every service lie in folders of this name.
const ALL_SERVICES: &str = "service";

/// Where systemd looks for units and drop-ins; what comes first here hides what comes later.
const FOLDERS: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    // The same folder once more, except where /lib is none of /usr.
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// What the names of units that run dockerd have in them: docker-ce, docker-latest, moby,
/// pkg-ContainerManager-dockerd, container-engine.
const NAMED_LIKE_DOCKERS: [&str; 3] = ["docker", "moby", "container-engine"];

/// As many aliases of aliases as systemd follows.
const MOST_ALIASES: usize = 8;

/// The files a unit is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UnitFiles {
    /// The unit's own file; none where there is no such unit.
    pub fragment: Option<String>,
    /// Its drop-ins, in the order in which systemd reads them.
    pub drop_ins: Vec<String>,
}

/// Finds them. Drop-ins are found without a unit too: an image may be given them before Docker.
pub fn find(host: &Host, name: &str) -> UnitFiles {
    let folders = folders(host);
    let mut names = vec![name.to_owned()];
    names.extend(template(name));
    let fragment = fragment(&folders, name, &mut names);
    if fragment.is_some() {
        add_aliases(&folders, &mut names);
    }
    UnitFiles {
        fragment,
        drop_ins: drop_ins(host, &folders, &names),
    }
}

/// The services that could be Docker's by their names, without docker.service.
pub fn named_like_dockers(host: &Host) -> BTreeSet<String> {
    let folders = folders(host);
    let names = folders.iter().flat_map(|folder| folder.entries.keys());
    names
        .filter(|name| name.ends_with(".service") && *name != NAME)
        .filter(|name| !name.ends_with("@.service"))
        .filter(|name| NAMED_LIKE_DOCKERS.iter().any(|like| name.contains(like)))
        .cloned()
        .collect()
}

/// `docker@.service` of `docker@ci.service`.
fn template(name: &str) -> Option<String> {
    let (prefix, instance) = name.strip_suffix(".service")?.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.service"))
}

/// A folder of units with the names in it; for a link also what it points at.
struct Folder {
    path: &'static str,
    entries: BTreeMap<String, Option<PathBuf>>,
}

/// Those that exist, each once: `/lib` is a link to `/usr/lib` almost everywhere.
fn folders(host: &Host) -> Vec<Folder> {
    let mut known = Vec::new();
    let mut folders = Vec::new();
    for path in FOLDERS {
        let resolved = host.resolve(Path::new(path)).ok();
        if !known.contains(&resolved) {
            let entries = host.entries(Path::new(path)).into_iter().collect();
            folders.push(Folder { path, entries });
            known.push(resolved);
        }
    }
    folders.retain(|folder| !folder.entries.is_empty());
    folders
}

/// The unit's own file. Where its name is a link to another unit, that unit's name is added.
fn fragment(folders: &[Folder], name: &str, names: &mut Vec<String>) -> Option<String> {
    let mut name = name.to_owned();
    for _ in 0..MOST_ALIASES {
        let found = |name: &str| folders.iter().find_map(|folder| folder.unit(name));
        match found(&name).or_else(|| found(&template(&name)?))? {
            UnitFile::Own(path) => return Some(path),
            UnitFile::Alias(other) => {
                names.push(other.clone());
                name = other;
            }
        }
    }
    None
}

/// What a folder of units has under a name.
enum UnitFile {
    /// A file, or a link to one outside of systemd's folders, `/dev/null` above all.
    Own(String),
    /// A link to a unit of another name.
    Alias(String),
}

impl Folder {
    fn unit(&self, name: &str) -> Option<UnitFile> {
        let other = match self.entries.get(name)? {
            Some(target) => self.unit_of_link(target),
            None => None,
        };
        match other {
            // A link to its own name says no more than that other file does.
            Some(other) if other == name => None,
            Some(other) => Some(UnitFile::Alias(other)),
            None => Some(UnitFile::Own(format!("{}/{name}", self.path))),
        }
    }

    /// The name of the unit that a link in this folder points at; none where it points elsewhere.
    fn unit_of_link(&self, target: &Path) -> Option<String> {
        let mut path = PathBuf::new();
        for part in Path::new(self.path).join(target).components() {
            match part {
                Component::ParentDir => drop(path.pop()),
                Component::CurDir => {}
                Component::RootDir | Component::Normal(_) | Component::Prefix(_) => path.push(part),
            }
        }
        let parent = path.parent()?.to_str()?;
        let name = path.file_name()?.to_str()?;
        (FOLDERS.contains(&parent) && name.ends_with(".service")).then(|| name.to_owned())
    }

    /// The units of other names in this folder, each with the name it points at.
    fn aliases(&self) -> impl Iterator<Item = (&String, String)> {
        self.entries
            .iter()
            .filter(|(name, _)| name.ends_with(".service"))
            .filter_map(|(name, target)| Some((name, self.unit_of_link(target.as_deref()?)?)))
    }
}

/// Adds the names of links to the unit: their drop-ins count as its own.
fn add_aliases(folders: &[Folder], names: &mut Vec<String>) {
    let aliases: Vec<(&String, String)> = folders.iter().flat_map(Folder::aliases).collect();
    // As long as that finds another: a link may point at a link.
    while let Some((name, _)) = aliases
        .iter()
        .find(|(name, to)| names.contains(to) && !names.contains(name))
    {
        names.push((*name).clone());
    }
}

/// Of drop-ins of one file name only the first counts; all are read in the order of their names.
fn drop_ins(host: &Host, folders: &[Folder], names: &[String]) -> Vec<String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let names = names.iter().flat_map(|name| with_prefixes(name));
    for name in names.chain([ALL_SERVICES.to_owned()]) {
        let name = format!("{name}.d");
        for folder in folders
            .iter()
            .filter(|folder| folder.entries.contains_key(&name))
        {
            let path = format!("{}/{name}", folder.path);
            for file in host.list(Path::new(&path)) {
                if file.ends_with(".conf") && !file.starts_with('.') {
                    let path = format!("{path}/{file}");
                    found.entry(file).or_insert(path);
                }
            }
        }
    }
    found.into_values().collect()
}

/// `a-b.service` also has the drop-ins of `a-.service`.
fn with_prefixes(name: &str) -> Vec<String> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let prefixes = dashes
        .filter(|at| *at > 0 && at + 1 < stem.len())
        .filter_map(|at| Some(format!("{}.service", stem.get(..=at)?)));
    let mut names: Vec<String> = prefixes.chain([name.to_owned()]).collect();
    // The whole name counts most.
    names.reverse();
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// An image with these files; `a -> b` makes a link.
    fn found(name: &str, files: &[&str]) -> UnitFiles {
        found_of(name, files, NAME)
    }

    fn found_of(name: &str, files: &[&str], unit: &str) -> UnitFiles {
        let root =
            std::env::temp_dir().join(format!("rebridge-unit-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for file in files {
            let (path, target) = file
                .split_once(" -> ")
                .map_or((*file, None), |(a, b)| (a, Some(b)));
            let path = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match target {
                Some(target) => symlink(target, path).unwrap(),
                None => fs::write(path, "[Service]\n").unwrap(),
            }
        }
        let found = find(&Host::image(&root), unit);
        fs::remove_dir_all(root).unwrap();
        found
    }

    #[test]
    fn the_first_folder_wins_and_links_are_other_names() {
        for (name, files, fragment) in [
            ("none", &["/usr/lib/systemd/system/ssh.service"][..], None),
            (
                "order",
                &[
                    "/usr/lib/systemd/system/docker.service",
                    "/run/systemd/system/docker.service",
                ],
                Some("/run/systemd/system/docker.service"),
            ),
            (
                "lib",
                &["/lib -> usr/lib", "/usr/lib/systemd/system/docker.service"],
                Some("/usr/lib/systemd/system/docker.service"),
            ),
            (
                "mask",
                &[
                    "/usr/lib/systemd/system/docker.service",
                    "/etc/systemd/system/docker.service -> /dev/null",
                ],
                Some("/etc/systemd/system/docker.service"),
            ),
            (
                "alias",
                &[
                    "/usr/lib/systemd/system/moby.service",
                    "/etc/systemd/system/docker.service -> ../../../usr/lib/systemd/system/moby.service",
                ],
                Some("/usr/lib/systemd/system/moby.service"),
            ),
            (
                "own",
                &[
                    "/lib/systemd/system/docker.service",
                    "/etc/systemd/system/docker.service -> /lib/systemd/system/docker.service",
                ],
                Some("/lib/systemd/system/docker.service"),
            ),
            (
                "linked",
                &[
                    "/opt/docker.service",
                    "/etc/systemd/system/docker.service -> /opt/docker.service",
                ],
                Some("/etc/systemd/system/docker.service"),
            ),
            (
                "loop",
                &[
                    "/etc/systemd/system/docker.service -> moby.service",
                    "/etc/systemd/system/moby.service -> docker.service",
                ],
                None,
            ),
        ] {
            assert_eq!(found(name, files).fragment.as_deref(), fragment, "{name}");
        }
    }

    #[test]
    fn drop_ins_come_from_every_folder_and_name_and_hide_each_other() {
        let files = [
            "/usr/lib/systemd/system/docker.service",
            "/etc/systemd/system/container-engine.service -> /usr/lib/systemd/system/docker.service",
            "/usr/lib/systemd/system/docker.service.d/50-proxy.conf",
            "/etc/systemd/system/docker.service.d/50-proxy.conf",
            "/etc/systemd/system/docker.service.d/note.txt",
            "/etc/systemd/system/docker.service.d/.swap.conf",
            "/run/systemd/system/docker.service.d/10-first.conf",
            "/etc/systemd/system/container-engine.service.d/60-alias.conf",
            "/etc/systemd/system/container-.service.d/70-prefix.conf",
            "/etc/systemd/system/service.d/20-all.conf",
            "/etc/systemd/system.control/docker.service.d/99-last.conf",
            "/etc/systemd/system/ssh.service.d/55-other.conf",
        ];
        let drop_ins = [
            "/run/systemd/system/docker.service.d/10-first.conf",
            "/etc/systemd/system/service.d/20-all.conf",
            "/etc/systemd/system/docker.service.d/50-proxy.conf",
            "/etc/systemd/system/container-engine.service.d/60-alias.conf",
            "/etc/systemd/system/container-.service.d/70-prefix.conf",
            "/etc/systemd/system.control/docker.service.d/99-last.conf",
        ];
        assert_eq!(found("drop-ins", &files).drop_ins, drop_ins);
        let early = "/etc/systemd/system/docker.service.d/a.conf";
        let before_docker = found("before-docker", &[early]);
        assert_eq!(before_docker.fragment, None);
        assert_eq!(before_docker.drop_ins, [early]);
    }

    #[test]
    fn an_instance_has_the_file_of_its_template_and_the_drop_ins_of_both() {
        assert_eq!(
            template("docker@ci.service").as_deref(),
            Some("docker@.service")
        );
        assert_eq!(template("docker@.service"), None);
        assert_eq!(template("docker.service"), None);
        let files = [
            "/lib/systemd/system/docker@.service",
            "/etc/systemd/system/docker@.service.d/a.conf",
            "/etc/systemd/system/docker@ci.service.d/b.conf",
        ];
        let found = found_of("template", &files, "docker@ci.service");
        assert_eq!(
            found.fragment.as_deref(),
            Some("/lib/systemd/system/docker@.service")
        );
        assert_eq!(found.drop_ins, files[1..]);
    }
}
