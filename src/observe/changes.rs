//! Says when the host's network, Docker's, or what configures them may have changed. Nothing is read
//! out of what changed: the readers of this stage look at everything again.

mod docker;
mod files;
mod kernel;

use super::relevant::RelevantSpace;
use crate::facts::Facts;
use crate::host::Host;
pub use docker::is_stopping;
use files::FileChanges;
use kernel::KernelChanges;
use std::io;
use std::os::fd::BorrowedFd;

/// A subscription.
pub struct Changes {
    kernel: KernelChanges,
    files: FileChanges,
    /// Routes elsewhere are no change: a router's table changes all day.
    space: RelevantSpace,
}

impl Changes {
    pub fn subscribe(host: &Host) -> io::Result<Changes> {
        Ok(Changes {
            kernel: KernelChanges::subscribe()?,
            files: FileChanges::subscribe(host)?,
            space: RelevantSpace::default(),
        })
    }

    /// Readable when the kernel has announced something.
    pub fn of_kernel(&self) -> BorrowedFd<'_> {
        self.kernel.descriptor()
    }

    /// Readable when Docker may have come or gone, or a file that configures networks.
    pub fn of_files(&self) -> BorrowedFd<'_> {
        self.files.descriptor()
    }

    /// How many changes the kernel has announced.
    pub fn take_kernel(&mut self) -> usize {
        self.kernel.take(&self.space)
    }

    /// Whether Docker, or a file, came or went.
    pub fn take_files(&mut self) -> bool {
        self.files.take()
    }

    /// The kernel's announcements up to now are of no interest: a look is to come.
    pub fn forget_kernel(&mut self) {
        self.kernel.take(&self.space);
    }

    /// What a look has found decides what counts as a change from now on.
    pub fn has_seen(&mut self, host: &Host, facts: &Facts) {
        self.files.follow_folders(host);
        self.space = RelevantSpace::of_facts(facts);
    }
}
