//! Work inside the network namespace of another process.

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::thread;

/// A namespace is a thread's own: this one enters it, works, and ends.
pub fn in_network_of<T: Send>(pid: u32, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    let enter_and_work = || -> io::Result<T> {
        setns(&namespace, CloneFlags::CLONE_NEWNET)?;
        Ok(work())
    };
    let done = thread::scope(|scope| scope.spawn(enter_and_work).join());
    done.unwrap_or_else(|_| Err(io::Error::other("the thread inside it ended")))
}
