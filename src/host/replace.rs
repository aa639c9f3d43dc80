//! Files of the host, replaced so that a reader sees either the old bytes or the new, never half; and
//! their copies.

use super::Host;
use nix::unistd::{AccessFlags, access};
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// New bytes beside the file they will replace, already on disk: only the rename is left.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    done: bool,
}

impl Host {
    /// Why no file can be made at this path, as far as that shows beforehand.
    pub fn cannot_replace(&self, path: &Path) -> Option<String> {
        let target = self.resolve(path).ok()?;
        let folder = target.ancestors().skip(1).find(|folder| folder.exists())?;
        let errno = access(folder, AccessFlags::W_OK).err()?;
        Some(errno.desc().to_owned())
    }

    /// Makes a folder and those above it.
    pub fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let path = self.resolve(path)?;
        if path.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))
    }

    /// Writes the bytes beside the file they shall replace and puts them on disk. Owner and mode
    /// are the old file's; a new file gets `mode`.
    pub fn stage(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<Staged> {
        stage_at(self.resolve(path)?, bytes, mode)
    }

    /// The same for a file that the operator named, which may lie where others can write: a link on
    /// the way counts only if it is root's or ours. The kernel refuses such links only in folders
    /// like /tmp, and not where we follow them ourselves.
    pub fn stage_for_operator(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<Staged> {
        let (target, links) = self.follow(path)?;
        for link in links {
            let owner = fs::symlink_metadata(&link)?.uid();
            if owner != 0 && owner != nix::unistd::geteuid().as_raw() {
                let link = link.display();
                return Err(io::Error::other(format!(
                    "{link} is a symbolic link of user {owner}, not followed"
                )));
            }
        }
        stage_at(target, bytes, mode)
    }

    /// Replaces a file in one step, or makes it.
    pub fn replace(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.stage(path, bytes, mode)?.commit()
    }

    /// Removes what a killed run left of a file it was about to replace.
    pub fn sweep(&self, path: &Path) -> io::Result<()> {
        remove_if_there(&temporary_beside(&self.resolve(path)?))
    }

    /// Copies a file beside itself, owner and mode included.
    pub fn copy_beside(&self, path: &Path, suffix: &str) -> io::Result<PathBuf> {
        let from = self.resolve(path)?;
        let mut name = from.file_name().unwrap_or_default().to_os_string();
        name.push(suffix);
        let to = from.with_file_name(name);
        copy_whole(&from, &to).inspect_err(|_| {
            let _ = fs::remove_file(&to);
        })?;
        Ok(to)
    }

    /// Keeps the newest few of a file's backups, and of equal ones only the newest. A backup is
    /// what `copy_beside` made with a suffix that begins like this and sorts by time.
    pub fn prune_copies(&self, path: &Path, suffix: &str, keep: usize) -> io::Result<()> {
        let target = self.resolve(path)?;
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Ok(());
        };
        let prefix = format!("{}{suffix}", name.to_string_lossy());
        let mut copies: Vec<PathBuf> = fs::read_dir(folder)?
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path())
            .collect();
        copies.sort();
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for copy in copies.iter().rev() {
            let bytes = fs::read(copy)?;
            if kept.len() >= keep || kept.contains(&bytes) {
                fs::remove_file(copy)?;
            } else {
                kept.push(bytes);
            }
        }
        Ok(())
    }

    /// Removes a file; fine where there is none.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.resolve(path)?;
        remove_if_there(&path)?;
        sync_folder_of(&path)
    }
}

impl Staged {
    /// Where the new bytes are now.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// The rename: from here on the new bytes are the file.
    pub fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.target)?;
        self.done = true;
        sync_folder_of(&self.target)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn stage_at(target: PathBuf, bytes: &[u8], mode: u32) -> io::Result<Staged> {
    let temporary = temporary_beside(&target);
    // Always the same name: the lock keeps others away, and what a killed run left goes with
    // the next.
    remove_if_there(&temporary)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let staged = Staged {
        temporary,
        target,
        done: false,
    };
    file.write_all(bytes)?;
    match fs::metadata(&staged.target) {
        Ok(old) => {
            let new = file.metadata()?;
            // A sandboxed unit may not even ask for the owner that the file has already.
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
            copy_attributes(&staged.target, &staged.temporary);
        }
        Err(_) => file.set_permissions(Permissions::from_mode(mode))?,
    }
    file.sync_all()?;
    Ok(staged)
}

/// Where new bytes wait to become the file.
fn temporary_beside(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".rebridge-new");
    target.with_file_name(name)
}

fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let old = fs::metadata(from)?;
    fs::copy(from, to)?;
    let copy = OpenOptions::new().write(true).open(to)?;
    std::os::unix::fs::fchown(&copy, Some(old.uid()), Some(old.gid()))?;
    copy_attributes(from, to);
    copy.sync_all()?;
    sync_folder_of(to)
}

/// Extended attributes, an SELinux label among them. Where the file system has none, or one is the
/// kernel's own to set, there is nothing to do.
fn copy_attributes(from: &Path, to: &Path) {
    for name in xattr::list(from).into_iter().flatten() {
        if let Ok(Some(value)) = xattr::get(from, &name) {
            let _ = xattr::set(to, &name, &value);
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A rename is on disk only when its folder is.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.is_dir() => fs::File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn replacing_keeps_mode_and_leaves_no_crumbs() {
        let root = std::env::temp_dir().join(format!("rebridge-replace-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc/docker")).unwrap();
        let host = Host::image(&root);
        let path = Path::new("/etc/docker/daemon.json");
        host.replace(path, b"one", 0o640).unwrap();
        host.replace(path, b"two", 0o644).unwrap();
        drop(host.stage(path, b"three", 0o644).unwrap());
        let file = root.join("etc/docker/daemon.json");
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(root.join("etc/docker")).unwrap().count(), 1);
        fs::remove_dir_all(root).unwrap();
    }
}
