//! The one door to the outside: every change of the host goes through [`Host`], and every file that
//! is read, every lock, child process and signal.
//!
//! It is concrete on purpose. Tests do not replace it; they point its root at a folder, put
//! stand-in programs on PATH, or run the whole binary in a network namespace or on a real host.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where they are meant to be used"
)]

pub mod child;
pub mod files;
pub mod folders;
pub mod hook;
pub mod inside;
pub mod netlink;
pub mod operator_files;
mod proxy_arp;
pub mod relief_routes;
pub mod replace;
pub mod signals;

use nix::fcntl::{Flock, FlockArg};
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where rebridge keeps what the next run must know.
pub const STATE_FOLDER: &str = "/var/lib/rebridge";

/// The record of a change that is under way; it is there as long as the change is.
pub const JOURNAL: &str = "/var/lib/rebridge/journal.json";

/// The record of the last change that was done and verified.
pub const LAST_APPLY: &str = "/var/lib/rebridge/last.json";

/// What relief changed, for as long as it stands.
pub const RELIEF_RECORD: &str = "/var/lib/rebridge/relief.json";

/// A machine, or the unpacked image of one.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
}

/// Held while rebridge works; let go when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _held: Flock<fs::File>,
}

/// Why the lock could not be had.
#[derive(Debug)]
pub enum LockError {
    /// Another rebridge works on this host.
    Busy,
    /// The file system said no, at this path.
    Io(PathBuf, io::Error),
}

impl Host {
    /// The machine this runs on.
    pub fn live() -> Host {
        Host {
            root: PathBuf::from("/"),
        }
    }

    /// An unpacked image: files only.
    pub fn image(root: &Path) -> Host {
        Host {
            root: root.to_path_buf(),
        }
    }

    /// Whether this is an unpacked image, so that the kernel and the engine of this machine are
    /// none of its business.
    pub fn is_image(&self) -> bool {
        self.root != Path::new("/")
    }

    /// Whether this process may change the machine. Of an image the file system decides.
    pub fn may_change(&self) -> bool {
        self.is_image() || nix::unistd::geteuid().is_root()
    }

    /// Takes the lock without waiting. An image is locked by its own root folder, so that nothing
    /// is left in it.
    ///
    /// The lock file of a machine is never renamed or removed: two processes that open the same
    /// name must hold the same file.
    pub fn lock(&self) -> Result<Lock, LockError> {
        let path = if self.is_image() {
            self.root.clone()
        } else {
            PathBuf::from("/run/rebridge.lock")
        };
        let file = if self.is_image() {
            fs::File::open(&path)
        } else {
            // Who could read it could lock it, and keep every run away.
            fs::File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)
        };
        let file = file.map_err(|error| LockError::Io(path.clone(), error))?;
        if !self.is_image() {
            // Earlier versions made it readable.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Lock { _held: held }),
            Err((_, nix::errno::Errno::EAGAIN)) => Err(LockError::Busy),
            Err((_, errno)) => Err(LockError::Io(path, errno.into())),
        }
    }
}
