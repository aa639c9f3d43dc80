//! Files that come and go (inotify): Docker's pidfile and socket, and what configures networks.

use super::docker;
use crate::host::Host;
use crate::host::folders::Folders;
use crate::observe::configured;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// What the kernel shows there changes without an event.
const SHOWN_BY_THE_KERNEL: &str = "/proc";

pub struct FileChanges {
    folders: Folders,
}

impl FileChanges {
    pub fn subscribe(host: &Host) -> io::Result<FileChanges> {
        let mut folders = Folders::none()?;
        for path in docker::files() {
            folders.add_file(host, Path::new(path));
        }
        let mut changes = FileChanges { folders };
        changes.follow_folders(host);
        Ok(changes)
    }

    /// Folders that have come since are watched too: that of a VPN comes with its package.
    pub fn follow_folders(&mut self, host: &Host) {
        for (folder, ending) in configured::folders(host) {
            if folder != SHOWN_BY_THE_KERNEL {
                self.folders.add_ending(host, Path::new(&folder), ending);
            }
        }
        self.folders.watch();
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.folders.as_fd()
    }

    /// Whether one came, changed or went.
    pub fn take(&mut self) -> bool {
        self.folders.told()
    }
}
