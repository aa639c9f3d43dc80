//! The dead man's switch: a timer of systemd that rolls back unless the verified apply takes it away.
//! For people who work over the very network they are changing, and for a rebridge that is killed.

use crate::host::child::this_program;
use crate::host::{Host, JOURNAL, STATE_FOLDER};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The transient timer and its service.
const UNIT: &str = "rebridge-dead-man";

/// Where systemd finds units at boot, and the one that does the timer's work after a reboot.
const UNITS: &str = "/etc/systemd/system";
const AT_BOOT: &str = "rebridge-dead-man-at-boot.service";

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the roll-back waits for an apply that is still at work.
const WAIT: &str = "--wait=3600";

/// While this is there, relief is not verified.
const RELIEF_IS_UNVERIFIED: &str = "relief-unverified";

/// Sets the timer for an apply.
pub fn arm(host: &Host, seconds: u64, timeout: Duration) -> Result<(), String> {
    let timeout = format!("--timeout={}", timeout.as_secs());
    let program = set(host, seconds, &["rollback", "--settle", &timeout])?;
    // Where these files cannot be written the timer holds all the same, but for a reboot.
    let _ = arm_for_the_boot(
        host,
        &[&program, "rollback", "--settle", "--yes", &timeout, WAIT],
    );
    Ok(())
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
    set.map(drop)
}

pub fn relief_is_unverified(host: &Host) -> bool {
    host.exists(&note())
}

/// Relief is verified, or taken away: a timer that has gone off already finds nothing to do.
pub fn disarm_for_relief(host: &Host) {
    if relief_is_unverified(host) {
        let _ = host.remove(&note());
        disarm(host);
    }
}

/// The same for the dead man himself, who must not stop his own unit.
pub fn relief_is_undone(host: &Host) {
    let _ = host.remove(&note());
    remove_files(host);
}

fn note() -> PathBuf {
    Path::new(STATE_FOLDER).join(RELIEF_IS_UNVERIFIED)
}

/// Sets the timer. It runs a copy of this program: Ansible removes its own when it is done, and a
/// program may lie where systemd must not run it. Gives the path of the copy.
fn set(host: &Host, seconds: u64, verb: &[&str]) -> Result<String, String> {
    disarm(host);
    let program = keep_program(host)?;
    let program = program.to_string_lossy().into_owned();
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
        true => Ok(program),
        false => Err(done.describe()),
    }
}

/// A timer of systemd-run ends with the machine. After a power cut this unit does its work. systemd
/// finds it at the next boot; nothing is loaded again now.
fn arm_for_the_boot(host: &Host, command: &[&str]) -> io::Result<()> {
    let command = command.join(" ");
    let unit = format!(
        "[Unit]\nDescription=Undo the run of rebridge that a reboot interrupted\n\
         After=docker.service network.target\nConditionPathExists={JOURNAL}\n\n\
         [Service]\nExecStart={command}\n"
    );
    let wanted = format!("[Unit]\nWants={AT_BOOT}\n");
    for (path, text) in boot_files().iter().zip([unit, wanted]) {
        if let Some(folder) = path.parent() {
            host.make_folder(folder, 0o755)?;
        }
        host.replace(path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// The unit, and what makes the boot want it.
fn boot_files() -> [PathBuf; 2] {
    [
        Path::new(UNITS).join(AT_BOOT),
        Path::new(UNITS).join("multi-user.target.d/rebridge-dead-man.conf"),
    ]
}

/// Takes away what a run that is settled had set. Not for the dead man himself: it stops his unit.
pub fn disarm_left(host: &Host) {
    if host.exists(&copy()) {
        disarm(host);
    }
}

/// Takes the timer away, if it is there, and the service that it has started: that one waits for the
/// lock we hold. It would undo what you do by hand on a stranded host, and keep the next timer from
/// being set.
pub fn disarm(host: &Host) {
    let timer = format!("{UNIT}.timer");
    let service = format!("{UNIT}.service");
    host.run(&["systemctl", "stop", &timer, &service], DEADLINE);
    host.run(&["systemctl", "reset-failed", &timer, &service], DEADLINE);
    remove_files(host);
}

/// Left behind they are only litter: without a journal the unit does nothing.
pub fn remove_files(host: &Host) {
    for file in boot_files().iter().chain([&copy()]) {
        let _ = host.remove(file);
    }
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
