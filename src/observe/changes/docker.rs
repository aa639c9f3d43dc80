//! Docker's coming and going, seen by its files and not by asking.
//!
//! Its announcements (`GET /events`) are not listened to: a client that holds that answer delays
//! every stop of Docker 26 and 28 by five seconds (measured; `docker events` does it too). A network
//! that could clash has a link, and the kernel announces that.

use crate::docker::endpoint::SOCKET;
use crate::host::Host;
use crate::observe::process::{PIDFILES, Process};
use crate::observe::unit;
use std::time::Duration;

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(5);

/// The files that tell.
pub fn files() -> Vec<&'static str> {
    let mut files = PIDFILES.to_vec();
    files.push(SOCKET);
    files
}

/// Whether a dockerd is on its way out. Where systemd listens on its socket, a question to it would
/// wait there, and start it again.
pub fn is_stopping(host: &Host) -> bool {
    let Some(process) = Process::of_pidfile(host) else {
        return false;
    };
    let unit = process.unit(host);
    let unit = unit.as_deref().unwrap_or(unit::NAME);
    let state = host.run(&["systemctl", "is-active", unit], DEADLINE);
    state.stdout.trim() == "deactivating"
}
