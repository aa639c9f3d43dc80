//! The dead man's switch: a timer of systemd that rolls back unless the verified apply takes it away.
//! For people who work over the very network they are changing, and for a rebridge that is killed.

use crate::host::child::this_program;
use crate::host::{Host, STATE_FOLDER};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The transient timer and its service.
const UNIT: &str = "rebridge-dead-man";

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the roll-back waits for an apply that is still at work.
const WAIT: &str = "--wait=3600";

/// While this is there, relief is not verified.
const RELIEF_IS_UNVERIFIED: &str = "relief-unverified";

/// Sets the timer for an apply.
pub fn arm(host: &Host, seconds: u64, timeout: Duration) -> Result<(), String> {
    let timeout = format!("--timeout={}", timeout.as_secs());
    set(host, seconds, &["rollback", "--dead-man", &timeout])
}

/// Sets the timer for relief, and notes that it is to be undone until it is verified.
pub fn arm_for_relief(host: &Host, seconds: u64) -> Result<(), String> {
    let noted = host
        .make_folder(Path::new(STATE_FOLDER), 0o700)
        .and_then(|()| host.replace(&note(), b"", 0o600));
    let set = noted
        .map_err(|error| error.to_string())
        .and_then(|()| set(host, seconds, &["relieve", "--undo", "--unless-verified"]));
    if set.is_err() {
        let _ = host.remove(&note());
    }
    set
}

pub fn relief_is_unverified(host: &Host) -> bool {
    host.exists(&note())
}

/// Relief is verified, or taken away: a timer that has gone off already finds nothing to do.
pub fn disarm_for_relief(host: &Host) {
    let _ = host.remove(&note());
    disarm(host);
}

fn note() -> PathBuf {
    Path::new(STATE_FOLDER).join(RELIEF_IS_UNVERIFIED)
}

/// Sets the timer. It runs a copy of this program: Ansible removes its own when it is done, and a
/// program may lie where systemd must not run it.
fn set(host: &Host, seconds: u64, verb: &[&str]) -> Result<(), String> {
    disarm(host);
    let program = keep_program(host)?;
    let program = program.to_string_lossy();
    runs_under_systemd(host, &program)?;
    let unit = format!("--unit={UNIT}");
    let after = format!("--on-active={seconds}");
    let command = [
        "systemd-run",
        "--quiet",
        "--collect",
        &unit,
        &after,
        "--timer-property=AccuracySec=100ms",
        "--",
        &program,
    ];
    let words = [&command[..], verb, &["--yes", "--json", WAIT]].concat();
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
    // Left behind it is only litter, and the next one replaces it.
    let _ = host.remove(&copy());
}

fn copy() -> PathBuf {
    Path::new(STATE_FOLDER).join("dead-man")
}

fn keep_program(host: &Host) -> Result<PathBuf, String> {
    let copy = copy();
    let kept = this_program().and_then(|program| {
        let bytes = host.read(&program)?.unwrap_or_default();
        host.make_folder(Path::new(STATE_FOLDER), 0o700)?;
        host.replace(&copy, &bytes, 0o700)
    });
    match kept {
        Ok(()) => Ok(copy),
        Err(error) => Err(format!(
            "this program cannot be copied to {}: {error}",
            copy.display()
        )),
    }
}

/// Tried before anything is touched: a mount or a security module may forbid it.
fn runs_under_systemd(host: &Host, program: &str) -> Result<(), String> {
    let words = [
        "systemd-run",
        "--quiet",
        "--collect",
        "--wait",
        "--",
        program,
        "--version",
    ];
    let done = host.run(&words, DEADLINE);
    match done.ok() {
        true => Ok(()),
        false => Err(format!("systemd cannot run {program}: {}", done.describe())),
    }
}
