//! The dead man's switch: a timer of systemd that rolls back unless the verified apply takes it away.
//! For people who work over the very network they are changing, and for a rebridge that is killed.

use crate::host::Host;
use crate::host::child::this_program;
use std::time::Duration;

/// The transient timer and its service.
const UNIT: &str = "rebridge-dead-man";

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the roll-back waits for an apply that is still at work.
const WAIT: &str = "--wait=3600";

/// Sets the timer. It runs this very program.
pub fn arm(host: &Host, seconds: u64) -> Result<(), String> {
    disarm(host);
    let program = this_program();
    let program = program.map_err(|error| format!("this program cannot be found: {error}"))?;
    let program = program.to_string_lossy();
    let unit = format!("--unit={UNIT}");
    let after = format!("--on-active={seconds}");
    let words = [
        "systemd-run",
        "--quiet",
        "--collect",
        &unit,
        &after,
        "--timer-property=AccuracySec=100ms",
        "--",
        &program,
        "rollback",
        "--dead-man",
        "--yes",
        "--json",
        WAIT,
    ];
    let done = host.run(&words, DEADLINE);
    match done.ok() {
        true => Ok(()),
        false => Err(done.describe()),
    }
}

/// Takes the timer away, if it is there. A service that runs already is left alone: it waits for
/// our lock, and finds nothing to do.
pub fn disarm(host: &Host) {
    let timer = format!("{UNIT}.timer");
    let service = format!("{UNIT}.service");
    host.run(&["systemctl", "stop", &timer], DEADLINE);
    host.run(&["systemctl", "reset-failed", &timer, &service], DEADLINE);
}
