//! The mark that rebridge leaves when it puts a daemon.json back without a restart: the file is
//! younger than dockerd then, and yet dockerd was started with all that it says.

use crate::host::Host;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Gone after a reboot, as the dockerd it is about.
const MARK: &str = "/run/rebridge.loaded";

/// Marks the file at this path as read by the dockerd that runs.
pub fn mark(host: &Host, pid: u32, path: &str) -> io::Result<()> {
    let changed = host.changed_itself(Path::new(path))?;
    host.replace(Path::new(MARK), text(pid, path, changed).as_bytes(), 0o600)
}

/// Whether this very file was marked, for this dockerd.
pub fn is_marked(host: &Host, pid: u32, path: &str) -> bool {
    let Ok(changed) = host.changed_itself(Path::new(path)) else {
        return false;
    };
    let marked = host.read(Path::new(MARK)).ok().flatten();
    marked.is_some_and(|marked| marked == text(pid, path, changed).as_bytes())
}

fn text(pid: u32, path: &str, changed: SystemTime) -> String {
    let changed = humantime::format_rfc3339_nanos(changed);
    format!("{pid} {changed} {path}\n")
}
