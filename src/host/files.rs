//! Files of the host: reading, and replacing so that a reader sees either the old bytes or the new,
//! never half.

use super::Host;
use nix::libc;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs,
};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// As many symbolic links as Linux itself follows in one path.
const MOST_LINKS: usize = 40;

/// XFS; libc has no name for it where the C library is musl.
const XFS_SUPER_MAGIC: FsType = FsType(0x5846_5342);

/// File systems whose files are stamped by this kernel's clock.
const STAMPED_HERE: [FsType; 5] = [
    BTRFS_SUPER_MAGIC,
    EXT4_SUPER_MAGIC,
    OVERLAYFS_SUPER_MAGIC,
    TMPFS_MAGIC,
    XFS_SUPER_MAGIC,
];

/// New bytes beside the file they will replace, already on disk: only the rename is left.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    done: bool,
}

impl Host {
    /// Where a path of the host lies on this machine, every symbolic link followed *inside* the
    /// root: an image's
    /// `/etc/docker -> /opt/docker` must not lead to this machine's `/opt`. The last parts need not exist.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(self.follow(path)?.0)
    }

    /// The same, and the links that led there.
    fn follow(&self, path: &Path) -> io::Result<(PathBuf, Vec<PathBuf>)> {
        let mut todo: VecDeque<OsString> = parts(path);
        let mut at = self.root.clone();
        let mut links = Vec::new();
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                if at != self.root {
                    at.pop();
                }
                continue;
            }
            let next = at.join(&part);
            match fs::read_link(&next) {
                Ok(to) => {
                    links.push(next);
                    if links.len() > MOST_LINKS {
                        return Err(io::Error::other("too many levels of symbolic links"));
                    }
                    if to.is_absolute() {
                        at = self.root.clone();
                    }
                    for part in parts(&to).into_iter().rev() {
                        todo.push_front(part);
                    }
                }
                Err(_) => at = next,
            }
        }
        Ok((at, links))
    }

    /// The bytes of a file, `None` where there is none.
    pub fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.resolve(path)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A path by which the kernel gets there. Only in an image do links need our help.
    fn reach(&self, path: &Path) -> io::Result<PathBuf> {
        match self.is_image() {
            true => self.resolve(path),
            false => Ok(path.to_owned()),
        }
    }

    /// The bytes of a plain file that is no larger than this; `None` where there is none. Nothing is
    /// read from devices, pipes and sockets, and none of them is waited for.
    pub fn read_plain(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(self.reach(path)?);
        let file = match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("not a plain file"));
        }
        if meta.len() > most {
            return Err(io::Error::other(format!("larger than {} KiB", most / 1024)));
        }
        let mut bytes = Vec::new();
        // It may grow while it is read.
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// When a file was last written.
    pub fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        fs::metadata(self.resolve(path)?)?.modified()
    }

    /// When a file last came, went or changed, or a link on the way to it did: no later than this.
    /// No program can set this time, as it can that of the last writing. An error where the clock
    /// that stamps the file may be another machine's.
    pub fn changed(&self, path: &Path) -> io::Result<SystemTime> {
        let (target, links) = self.follow(path)?;
        let folder = target.parent().unwrap_or(&self.root);
        if !STAMPED_HERE.contains(&statfs(folder)?.filesystem_type()) {
            return Err(io::Error::other("its clock may be another's"));
        }
        let mut last = change_time(folder)?;
        for link in links {
            last = last.max(change_time(&link)?);
        }
        match change_time(&target) {
            Ok(time) => Ok(last.max(time)),
            // Then it went no later than its folder changed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(last),
            Err(error) => Err(error),
        }
    }

    /// The same of the file alone. One that was put in another's place has changed then.
    pub fn changed_itself(&self, path: &Path) -> io::Result<SystemTime> {
        change_time(&self.resolve(path)?)
    }

    /// What the symbolic link at a path points at; none where there is no link.
    pub fn link_target(&self, path: &Path) -> Option<PathBuf> {
        let folder = self.resolve(path.parent()?).ok()?;
        fs::read_link(folder.join(path.file_name()?)).ok()
    }

    /// Whether anything is at this path.
    pub fn exists(&self, path: &Path) -> bool {
        self.resolve(path).is_ok_and(|path| path.exists())
    }

    /// The names in a folder, sorted; none where there is no such folder or it may not be read.
    pub fn list(&self, path: &Path) -> Vec<String> {
        self.names(path).unwrap_or_default()
    }

    /// The same, with the reason why it may not be read.
    pub fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.reach(path)?) {
            Err(error) if is_not_there(&error) => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }

    /// The names in a folder, each with what it points at where it is a symbolic link.
    pub fn entries(&self, folder: &Path) -> Vec<(String, Option<PathBuf>)> {
        let entries = self.resolve(folder).and_then(fs::read_dir);
        let entries = entries.into_iter().flatten().flatten();
        entries
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                let target = link.then(|| fs::read_link(entry.path()).ok());
                (name, target.flatten())
            })
            .collect()
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

fn change_time(path: &Path) -> io::Result<SystemTime> {
    let file = fs::symlink_metadata(path)?;
    let before_1970 = || io::Error::other("its time makes no sense");
    let seconds = u64::try_from(file.ctime()).map_err(|_| before_1970())?;
    let nanoseconds = u32::try_from(file.ctime_nsec()).map_err(|_| before_1970())?;
    Ok(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
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

/// The parts of a path without its root and dots.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_os_string()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

fn is_not_there(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
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
    use std::os::unix::fs::symlink;

    fn image(name: &str) -> (PathBuf, Host) {
        let root =
            std::env::temp_dir().join(format!("rebridge-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc/docker")).unwrap();
        let host = Host::image(&root);
        (root, host)
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        let (root, host) = image("links");
        fs::create_dir_all(root.join("opt/conf")).unwrap();
        fs::write(root.join("opt/conf/d.json"), "{}").unwrap();
        symlink("/opt/conf/d.json", root.join("etc/docker/daemon.json")).unwrap();
        symlink("../../../../opt", root.join("etc/up")).unwrap();
        symlink("/etc/loop", root.join("etc/loop")).unwrap();
        let resolve = |p: &str| host.resolve(Path::new(p));
        assert_eq!(
            resolve("/etc/docker/daemon.json").unwrap(),
            root.join("opt/conf/d.json")
        );
        assert_eq!(resolve("/etc/up/conf").unwrap(), root.join("opt/conf"));
        assert!(resolve("/etc/loop").is_err());
        host.replace(Path::new("/etc/docker/daemon.json"), b"new", 0o644)
            .unwrap();
        assert!(
            fs::symlink_metadata(root.join("etc/docker/daemon.json"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(fs::read(root.join("opt/conf/d.json")).unwrap(), b"new");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn replacing_keeps_mode_and_leaves_no_crumbs() {
        let (root, host) = image("mode");
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
