//! A disk that is recorded, write by write, and the disks that a cut could have left.

use crate::dice::Dice;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const SECTOR: u64 = 512;
/// Bytes of the recorded disk.
const DISK: u64 = 768 << 20;
/// Bytes that the recording may have. It is sparse.
const LOG: u64 = 16 << 30;

/// Flags of an entry, as the log has them (that of dm-log-writes).
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// What becomes of writes that were not flushed when the plug was pulled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unflushed {
    AllLost,
    AllKept,
    /// Any of them, in any order: a disk has a cache.
    Some,
}

/// A write, or a flush.
#[derive(Debug)]
pub struct Entry {
    sector: u64,
    count: u64,
    flags: u64,
    /// Where its bytes are in the log.
    at: u64,
}

/// A disk that a daemon serves as a file, and the log of what happens to it.
pub struct Recorder {
    folder: PathBuf,
    daemon: Mutex<Option<Child>>,
}

impl Recorder {
    pub fn new() -> Recorder {
        let folder = std::env::temp_dir().join(format!("rebridge-cut-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, size: u64| {
            let file = File::create(folder.join(name)).unwrap();
            file.set_len(size).unwrap();
        };
        file("platter", DISK);
        file("log", LOG);
        file("disk", 0);
        let daemon = Command::new("qemu-storage-daemon")
            .args([
                "--blockdev",
                "driver=file,node-name=platter,filename=platter",
            ])
            .args(["--blockdev", "driver=file,node-name=log,filename=log"])
            .args([
                "--blockdev",
                "driver=blklogwrites,node-name=both,file=platter,log=log",
            ])
            .args([
                "--export",
                "type=fuse,id=disk,node-name=both,mountpoint=disk,writable=on",
            ])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .spawn()
            .expect("qemu-storage-daemon starts (lab tools)");
        let recorder = Recorder {
            folder,
            daemon: Mutex::new(Some(daemon)),
        };
        let end = Instant::now() + Duration::from_secs(60);
        while fs::metadata(recorder.disk()).unwrap().len() != DISK {
            assert!(Instant::now() < end, "the disk is not there");
            std::thread::sleep(Duration::from_millis(20));
        }
        run("mkfs.ext4", &["-q", recorder.disk().to_str().unwrap()]);
        recorder
    }

    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// How many entries the log has. The daemon says it at each flush.
    pub fn count(&self) -> usize {
        File::open(self.disk()).unwrap().sync_all().unwrap();
        let log = File::open(self.folder.join("log")).unwrap();
        number(&log, 16) as usize
    }

    /// Ends the recording.
    pub fn stop(&self) -> Vec<Entry> {
        let count = self.count();
        self.end();
        let log = File::open(self.folder.join("log")).unwrap();
        let mut at = SECTOR;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = Entry {
                sector: number(&log, at),
                count: number(&log, at + 8),
                flags: number(&log, at + 16),
                at: at + SECTOR,
            };
            at += SECTOR * (1 + entry.length());
            entries.push(entry);
        }
        entries
    }

    fn end(&self) {
        if let Some(mut daemon) = self.daemon.lock().unwrap().take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
            // A killed daemon leaves its mount behind.
            let _ = Command::new("umount").arg("-l").arg(self.disk()).status();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Entry {
    /// Sectors that follow it in the log.
    fn length(&self) -> u64 {
        if self.flags & DISCARD == 0 {
            self.count
        } else {
            0
        }
    }
}

/// A little-endian number of the log.
fn number(log: &File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    log.read_exact_at(&mut bytes, at).unwrap();
    u64::from_le_bytes(bytes)
}

/// The bytes of a disk at some moment; its file is removed when dropped.
pub struct Image<'r> {
    recorder: &'r Recorder,
    path: PathBuf,
    /// Entries that are on it, all up to a flush.
    flushed: usize,
}

impl<'r> Image<'r> {
    /// The disk before anything was written to it.
    pub fn new(recorder: &'r Recorder, name: &str) -> Image<'r> {
        let path = recorder.folder.join(format!("image-{name}"));
        File::create(&path).unwrap().set_len(DISK).unwrap();
        Image {
            recorder,
            path,
            flushed: 0,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts on it what had been flushed by a moment.
    pub fn advance(&mut self, entries: &[Entry], moment: usize) {
        let is_flush = |entry: &Entry| entry.flags & FLUSH != 0;
        let Some(last) = entries[..moment].iter().rposition(is_flush) else {
            return;
        };
        if last >= self.flushed {
            self.write(&entries[self.flushed..=last]);
            self.flushed = last + 1;
        }
    }

    /// A copy, with some of what had been written since.
    pub fn after_cut(
        &self,
        entries: &[Entry],
        moment: usize,
        kept: Unflushed,
        dice: &mut Dice,
        name: &str,
    ) -> Image<'r> {
        let path = self.path.with_extension(name);
        let paths = [&self.path, &path].map(|path| path.to_str().unwrap());
        run("cp", &["--sparse=always", paths[0], paths[1]]);
        let copy = Image {
            path,
            recorder: self.recorder,
            flushed: self.flushed,
        };
        for entry in &entries[self.flushed..moment] {
            let stays = match kept {
                Unflushed::AllLost => false,
                Unflushed::AllKept => true,
                Unflushed::Some => dice.percent(50),
            };
            if stays {
                copy.write(std::slice::from_ref(entry));
            }
        }
        copy
    }

    fn write(&self, entries: &[Entry]) {
        let log = File::open(self.recorder.folder.join("log")).unwrap();
        let mut file = File::options().write(true).open(&self.path).unwrap();
        for entry in entries.iter().filter(|entry| entry.length() > 0) {
            let mut bytes = vec![0; (entry.count * SECTOR) as usize];
            log.read_exact_at(&mut bytes, entry.at).unwrap();
            file.seek(SeekFrom::Start(entry.sector * SECTOR)).unwrap();
            file.write_all(&bytes).unwrap();
        }
    }

    /// Mounts it, which has ext4 repair itself as at a boot, and looks at what is there.
    pub fn mounted<T>(&self, look: impl FnOnce(&Path) -> T) -> T {
        let at = self.path.with_extension("mounted");
        fs::create_dir_all(&at).unwrap();
        let (image, folder) = (self.path.to_str().unwrap(), at.to_str().unwrap());
        run("mount", &["-o", "loop", image, folder]);
        let result = look(&at);
        run("umount", &[folder]);
        fs::remove_dir(&at).unwrap();
        result
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
