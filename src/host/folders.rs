//! Tells when files of these names or endings come, change or go in these folders.

use super::Host;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// A file counts as there once it is written: what is read at its creation may be half.
const COMES_OR_GOES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_DELETE);

#[derive(Debug)]
pub struct Folders {
    inotify: Inotify,
    /// Which names count in a folder.
    folders: BTreeMap<PathBuf, Names>,
    watched: HashMap<WatchDescriptor, PathBuf>,
}

/// Names, and endings of names. The empty ending is that of a name without a dot.
#[derive(Debug, Default)]
struct Names {
    whole: BTreeSet<String>,
    endings: BTreeSet<String>,
}

impl Names {
    fn have(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        let mut endings = self.endings.iter();
        self.whole.contains(name.as_ref())
            || endings.any(|ending| match ending.as_str() {
                "" => !name.contains('.'),
                ending => name.ends_with(ending),
            })
    }
}

impl Folders {
    pub fn none() -> io::Result<Folders> {
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        Ok(Folders {
            inotify: Inotify::init(flags)?,
            folders: BTreeMap::new(),
            watched: HashMap::new(),
        })
    }

    /// Adds a file. Its folder need not exist yet.
    pub fn add_file(&mut self, host: &Host, path: &Path) {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name())
            && let Some(names) = self.names_in(host, folder)
        {
            names.whole.insert(name.to_string_lossy().into_owned());
        }
    }

    /// Adds the files of a folder that have this ending.
    pub fn add_ending(&mut self, host: &Host, folder: &Path, ending: &str) {
        if let Some(names) = self.names_in(host, folder) {
            names.endings.insert(ending.to_owned());
        }
    }

    /// Of a folder that is not there, it counts that it comes.
    fn names_in(&mut self, host: &Host, folder: &Path) -> Option<&mut Names> {
        let folder = host.resolve(folder).ok()?;
        let mut missing = folder.as_path();
        while let (Some(above), Some(name)) = (missing.parent(), missing.file_name())
            && !missing.exists()
        {
            let names = self.folders.entry(above.to_owned()).or_default();
            names.whole.insert(name.to_string_lossy().into_owned());
            missing = above;
        }
        Some(self.folders.entry(folder).or_default())
    }

    /// Watches what is there. A folder that is watched already stays so.
    pub fn watch(&mut self) {
        for folder in self.folders.keys() {
            if let Ok(watch) = self.inotify.add_watch(folder, COMES_OR_GOES) {
                self.watched.insert(watch, folder.clone());
            }
        }
    }

    /// Whether one came, changed or went since the last time.
    pub fn told(&mut self) -> bool {
        let mut told = false;
        loop {
            match self.inotify.read_events() {
                Ok(events) => told |= events.iter().any(|event| self.counts(event)),
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        if told {
            // A folder may be among what came.
            self.watch();
        }
        told
    }

    /// An event without a name says that some were lost, or that a folder went.
    fn counts(&self, event: &InotifyEvent) -> bool {
        let Some(name) = &event.name else {
            return true;
        };
        let folder = self.watched.get(&event.wd);
        let names = folder.and_then(|folder| self.folders.get(folder));
        names.is_some_and(|names| names.have(name))
    }
}

impl AsFd for Folders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
