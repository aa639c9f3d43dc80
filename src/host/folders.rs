//! Tells when a file of these names comes or goes in one of these folders.

use super::Host;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};
use std::collections::BTreeSet;
use std::ffi::OsString;
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
    folders: BTreeSet<PathBuf>,
    names: BTreeSet<OsString>,
}

impl Folders {
    /// For these paths. The folder of one need not exist as long as the one above it does.
    pub fn of(host: &Host, paths: &[&str]) -> io::Result<Folders> {
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        let mut folders = Folders {
            inotify: Inotify::init(flags)?,
            folders: BTreeSet::new(),
            names: BTreeSet::new(),
        };
        for path in paths.iter().map(Path::new) {
            let folder = path.parent().unwrap_or(path);
            folders.names.extend(path.file_name().map(OsString::from));
            folders.names.extend(folder.file_name().map(OsString::from));
            folders.folders.insert(host.resolve(folder)?);
        }
        folders.watch();
        Ok(folders)
    }

    /// Whether one came or went since the last time.
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
        let mut names = event.name.iter();
        event.name.is_none() || names.any(|name| self.names.contains(name))
    }

    /// One that is watched already stays so.
    fn watch(&self) {
        for folder in &self.folders {
            let _ = self.inotify.add_watch(folder, COMES_OR_GOES);
        }
    }
}

impl AsFd for Folders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
