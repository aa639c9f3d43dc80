//! Files of the host: where they are, links followed inside its root, and what is in them.

use super::Host;
use nix::libc;
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs,
};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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

impl Host {
    /// Where a path of the host lies on this machine, every symbolic link followed *inside* the
    /// root: an image's
    /// `/etc/docker -> /opt/docker` must not lead to this machine's `/opt`. The last parts need not exist.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(self.follow(path)?.0)
    }

    /// The same, and the links that led there.
    pub(super) fn follow(&self, path: &Path) -> io::Result<(PathBuf, Vec<PathBuf>)> {
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

    /// How many bytes a file has now; none where there is no such file.
    pub fn size(&self, path: &Path) -> u64 {
        let meta = self.resolve(path).and_then(fs::metadata);
        meta.map_or(0, |meta| meta.len())
    }

    /// What was added to a file behind its first bytes, but for the end of what is longer than this.
    pub fn read_added(&self, path: &Path, behind: u64, most: u64) -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(self.resolve(path)?)?;
        file.seek(SeekFrom::Start(behind))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
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
}

fn change_time(path: &Path) -> io::Result<SystemTime> {
    let file = fs::symlink_metadata(path)?;
    let before_1970 = || io::Error::other("its time makes no sense");
    let seconds = u64::try_from(file.ctime()).map_err(|_| before_1970())?;
    let nanoseconds = u32::try_from(file.ctime_nsec()).map_err(|_| before_1970())?;
    Ok(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds))
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
}
