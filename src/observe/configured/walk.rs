//! Finds the files of a format under the root and reads them.

use super::{File, Format};
use crate::facts::{Configured, Unread};
use crate::host::Host;
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// No configuration of a network is longer; lists that block half the Internet are.
const LARGEST: u64 = 256 * 1024;

/// More files of one format than these are not read.
const MOST_FILES: usize = 256;

/// Folders in folders are followed this far.
const DEEPEST: usize = 3;

/// Where files of a format lie.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// One file.
    File(&'static str),
    /// The files of a folder with this ending; without one those that no tool takes for a backup.
    Folder(&'static str, &'static str),
    /// The same, and those of the folders in it.
    Tree(&'static str, &'static str),
    /// What adds to the files of a folder with this ending: `NAME.d/*.conf` beside `NAME`.
    DropIns(&'static str, &'static str),
}

impl Place {
    /// The folders that its files come in, each with an ending that they have.
    pub fn folders(&self, host: &Host) -> Vec<(String, &'static str)> {
        let below = |folder: &str| {
            let names = host.list(Path::new(folder)).into_iter();
            names
                .map(move |name| format!("{folder}/{name}"))
                .collect::<Vec<_>>()
        };
        match *self {
            Place::File(path) => {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
                vec![(folder.to_owned(), name)]
            }
            Place::Folder(folder, ending) => vec![(folder.to_owned(), ending)],
            Place::Tree(folder, ending) => {
                let inner = below(folder)
                    .into_iter()
                    .filter(|path| !path.ends_with(ending));
                let all = inner.chain([folder.to_owned()]);
                all.map(|folder| (folder, ending)).collect()
            }
            Place::DropIns(folder, _) => {
                let inner = below(folder).into_iter();
                let inner = inner.filter(|path| path.ends_with(".d"));
                inner.map(|folder| (folder, ".conf")).collect()
            }
        }
    }
}

/// What was found so far.
pub struct Walk<'a> {
    host: &'a Host,
    found: Vec<Configured>,
    unread: Vec<Unread>,
}

impl<'a> Walk<'a> {
    pub fn new(host: &'a Host) -> Walk<'a> {
        Walk {
            host,
            found: Vec::new(),
            unread: Vec::new(),
        }
    }

    pub fn finish(self) -> (Vec<Configured>, Vec<Unread>) {
        (self.found, self.unread)
    }

    /// Adds what is configured elsewhere than in a file.
    pub fn add(&mut self, shown_by: &str, read: io::Result<Vec<Configured>>) {
        match read {
            Ok(found) => self.found.extend(found),
            Err(error) => self.note(shown_by, error),
        }
    }

    /// Reads all files of a format.
    pub fn read(&mut self, format: &Format) {
        for path in self.files(format.places) {
            match self.host.read_plain(Path::new(&path), LARGEST) {
                Ok(Some(bytes)) => self.take(format, &path, &bytes),
                Ok(None) => {}
                Err(_) if self.is_masked(&path) => {}
                Err(error) => self.note(&path, error),
            }
        }
    }

    fn take(&mut self, format: &Format, path: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let main = self.main_of(path, format.places);
        let main = main.as_deref().unwrap_or_default();
        match (format.read)(&File { path, text, main }) {
            Ok(entries) => {
                let entries = entries.into_iter().filter(|entry| !entry.is_ours());
                self.found.extend(entries.map(|entry| entry.in_file(path)));
            }
            Err(why) => self.note(path, why),
        }
    }

    /// The text of the file that a drop-in adds to; it need not lie beside it.
    fn main_of(&self, path: &str, places: &[Place]) -> Option<String> {
        let (folder, _) = path.rsplit_once('/')?;
        let name = folder.rsplit('/').next()?.strip_suffix(".d")?;
        let mut folders = places.iter().filter_map(|place| match place {
            Place::DropIns(folder, ending) if name.ends_with(ending) => Some(*folder),
            _ => None,
        });
        folders.find_map(|folder| {
            let path = format!("{folder}/{name}");
            let bytes = self.host.read_plain(Path::new(&path), LARGEST).ok()??;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    /// A link to /dev/null takes the file away.
    fn is_masked(&self, path: &str) -> bool {
        let target = self.host.link_target(Path::new(path));
        target.is_some_and(|target| target == Path::new("/dev/null"))
    }

    fn note(&mut self, file: &str, why: impl ToString) {
        self.unread.push(Unread {
            file: file.to_owned(),
            why: why.to_string(),
        });
    }

    fn files(&mut self, places: &[Place]) -> Vec<String> {
        let mut files = Vec::new();
        for place in places {
            match place {
                Place::File(path) => files.push((*path).to_owned()),
                Place::Folder(folder, ending) => self.list(folder, ending, 0, &mut files),
                Place::Tree(folder, ending) => self.list(folder, ending, DEEPEST, &mut files),
                Place::DropIns(folder, ending) => self.list_drop_ins(folder, ending, &mut files),
            }
        }
        let mut names = HashSet::new();
        // A name that an earlier folder has stands for this one.
        files.retain(|path| names.insert(below(path, places).to_owned()));
        if let Some(first) = files.get(MOST_FILES).cloned() {
            self.note(&first, "one file too many of its kind");
            files.truncate(MOST_FILES);
        }
        files
    }

    fn list(&mut self, folder: &str, ending: &str, depth: usize, files: &mut Vec<String>) {
        let names = match self.host.names(Path::new(folder)) {
            Ok(names) => names,
            Err(error) => return self.note(folder, error),
        };
        for name in names {
            let path = format!("{folder}/{name}");
            if has_ending(&name, ending) {
                files.push(path);
            } else if depth > 0 && !name.contains('.') && name != "examples" {
                self.list(&path, ending, depth - 1, files);
            }
        }
    }

    fn list_drop_ins(&mut self, folder: &str, ending: &str, files: &mut Vec<String>) {
        let names = self.host.list(Path::new(folder)).into_iter();
        let folders = names.filter(|name| {
            let added_to = name.strip_suffix(".d");
            added_to.is_some_and(|name| has_ending(name, ending))
        });
        for name in folders {
            self.list(&format!("{folder}/{name}"), ".conf", 0, files);
        }
    }
}

/// What of a path tells files of one format apart.
fn below<'p>(path: &'p str, places: &[Place]) -> &'p str {
    let folders = places.iter().filter_map(|place| match place {
        Place::File(_) => None,
        Place::Folder(folder, _) | Place::Tree(folder, _) | Place::DropIns(folder, _) => {
            path.strip_prefix(folder)
        }
    });
    folders.min_by_key(|rest| rest.len()).unwrap_or(path)
}

/// Editors, package managers and people put such an ending behind the name of a file that is not to
/// count.
const SET_ASIDE: [&str; 13] = [
    "bak",
    "backup",
    "disabled",
    "dpkg-dist",
    "dpkg-new",
    "dpkg-old",
    "off",
    "old",
    "orig",
    "rpmnew",
    "rpmsave",
    "save",
    "swp",
];

fn has_ending(name: &str, ending: &str) -> bool {
    if name.starts_with('.') || name.ends_with('~') {
        return false;
    }
    match ending {
        "" => {
            let last = name.rsplit_once('.').map(|(_, last)| last);
            !last.is_some_and(|last| SET_ASIDE.contains(&last))
        }
        ending => name.len() > ending.len() && name.ends_with(ending),
    }
}
