//! Restarts Docker by whatever runs it, with our own deadline, and finds out why when it does not
//! come up.

use super::phases::{Phase, Phases};
use crate::docker;
use crate::facts::ServiceManager;
use crate::host::Host;
use crate::host::child::Done;
use serde::{Deserialize, Serialize};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// For the calls of systemctl that only keep books.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Between two looks at an engine that is starting.
const PAUSE: Duration = Duration::from_millis(100);

/// What restarts this Docker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartMethod {
    /// docker.service of systemd.
    Systemd,
    /// The snap, whose service systemd runs too.
    Snap,
    /// The init script, by OpenRC.
    OpenRc,
    /// The init script, by whatever `service` calls.
    SysV,
    /// The operator's own words, for a shell.
    Command(String),
}

impl RestartMethod {
    /// The way for what runs this Docker; the operator's own comes first.
    pub fn of(service: Option<ServiceManager>, own: Option<&str>) -> Option<RestartMethod> {
        if let Some(words) = own {
            return Some(RestartMethod::Command(words.to_owned()));
        }
        Some(match service? {
            ServiceManager::Systemd => RestartMethod::Systemd,
            ServiceManager::Snap => RestartMethod::Snap,
            ServiceManager::OpenRc => RestartMethod::OpenRc,
            ServiceManager::SysV => RestartMethod::SysV,
        })
    }

    /// The units whose failures systemd counts.
    fn units(&self) -> &'static [&'static str] {
        match self {
            RestartMethod::Systemd | RestartMethod::Command(_) => {
                &["docker.service", "docker.socket"]
            }
            RestartMethod::Snap => &["snap.docker.dockerd.service"],
            RestartMethod::OpenRc | RestartMethod::SysV => &[],
        }
    }

    fn command(&self) -> Vec<&str> {
        match self {
            RestartMethod::Systemd => vec!["systemctl", "restart", "docker.service"],
            RestartMethod::Snap => vec!["snap", "restart", "docker.dockerd"],
            RestartMethod::OpenRc => vec!["rc-service", "docker", "restart"],
            RestartMethod::SysV => vec!["service", "docker", "restart"],
            RestartMethod::Command(words) => vec!["sh", "-c", words],
        }
    }
}

/// Restarts Docker, waits until the engine answers, and notes how long each step of that took. The
/// error is the cause, one clause.
pub fn restart_in(
    phases: &mut Phases,
    what: &str,
    host: &Host,
    way: &RestartMethod,
    deadline: Instant,
) -> Result<(), String> {
    let known = |done: &Result<(), String>, took| {
        if done.is_ok() {
            steps(host, way, took)
        } else {
            Vec::new()
        }
    };
    phases.time_steps(what, || restart(host, way, deadline), known)
}

/// Restarts Docker and waits until the engine answers.
///
/// `reset-failed` first, always: systemd allows three starts in 60 s, good ones included, and then refuses the
/// fourth and takes docker.socket down with it. The unit itself has no start timeout, so ours is
/// the only one.
fn restart(host: &Host, way: &RestartMethod, deadline: Instant) -> Result<(), String> {
    let began = SystemTime::now();
    if !way.units().is_empty() {
        // Not every unit has a socket, and then this exits 1; a real failure shows in the restart.
        host.run(
            &[&["systemctl", "reset-failed"], way.units()].concat(),
            BOOKKEEPING,
        );
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let done = host.run(&way.command(), left);
    if !done.ok() {
        return Err(cause(host, way, began, &done));
    }
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match docker::ping(host, left.clamp(PAUSE, Duration::from_secs(5))) {
            Ok(()) => return Ok(()),
            Err(why) if left.is_zero() => {
                return Err(format!("Docker was restarted but does not answer: {why}"));
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

/// How long Docker took to stop, to start and to answer, after a restart that took so long
/// altogether; by the clock of systemd, which notes when the unit changed its state. Nothing where
/// the notes are not of this restart.
fn steps(host: &Host, way: &RestartMethod, took: Duration) -> Vec<Phase> {
    if *way != RestartMethod::Systemd {
        return Vec::new();
    }
    let property = "--property=ActiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic,\
                    InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";
    let shown = host
        .run(
            &["systemctl", "show", "docker.service", property],
            BOOKKEEPING,
        )
        .stdout;
    let at = |name: &str| {
        let value = shown
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("TimestampMonotonic="));
        value
            .and_then(|micros| micros.parse().ok())
            .map(Duration::from_micros)
    };
    let steps = || {
        let stop = at("InactiveEnter")?.checked_sub(at("ActiveExit")?)?;
        let start = at("ActiveEnter")?.checked_sub(at("InactiveExit")?)?;
        let answer = took.checked_sub(at("ActiveEnter")?.checked_sub(at("ActiveExit")?)?)?;
        Some(vec![
            Phase::new("stop", stop),
            Phase::new("start", start),
            Phase::new("answer", answer),
        ])
    };
    steps().unwrap_or_default()
}

/// Why a start failed, in the daemon's own words where it left some.
fn cause(host: &Host, way: &RestartMethod, began: SystemTime, done: &Done) -> String {
    let Some(unit) = way.units().first() else {
        return format!("Docker did not start: {}", done.describe());
    };
    let unit = format!("--unit={unit}");
    let since = began
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let since = format!("--since=@{since}");
    let log = host.run(
        &[
            "journalctl",
            &unit,
            "--output=cat",
            "--no-pager",
            "--lines=200",
            &since,
        ],
        BOOKKEEPING,
    );
    match pick_cause(&log.stdout) {
        Some(words) => format!("Docker did not start: {words}"),
        None => format!("Docker did not start: {}", done.describe()),
    }
}

/// The line of the log that names the cause: dockerd's last words, else the last line that is not
/// systemd's own bookkeeping or a log line of normal work.
fn pick_cause(log: &str) -> Option<String> {
    const LAST_WORDS: [&str; 2] = [
        "failed to start daemon: ",
        "unable to configure the Docker daemon",
    ];
    const BOOKKEEPING: [&str; 12] = [
        "docker.service: ",
        "Failed to start docker",
        "Stopped docker",
        "Stopping docker",
        "Starting docker",
        "Started docker",
        "Closed docker",
        "Listening on docker",
        "Dependency failed",
        "time=\"",
        "Processing ",
        "See '",
    ];
    let lines = || {
        log.lines()
            .rev()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let last_words = lines().find(|line| LAST_WORDS.iter().any(|words| line.starts_with(words)));
    let other = || lines().find(|line| !BOOKKEEPING.iter().any(|words| line.starts_with(words)));
    last_words
        .or_else(other)
        .map(|line| line.strip_prefix(LAST_WORDS[0]).unwrap_or(line).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::pick_cause;

    #[test]
    fn finds_the_daemons_last_words() {
        let log = "Starting docker.service - Docker Application Container Engine...\n\
                   time=\"2026\" level=info msg=\"Starting up\"\n\
                   failed to start daemon: Error initializing network controller: invalid CIDR address: 10.0.0.1\n\
                   docker.service: Main process exited, code=exited, status=1/FAILURE\n\
                   docker.service: Failed with result 'exit-code'.\n\
                   Failed to start docker.service - Docker Application Container Engine.\n";
        assert_eq!(
            pick_cause(log).as_deref(),
            Some("Error initializing network controller: invalid CIDR address: 10.0.0.1")
        );
        let refused = "Starting docker.service - Docker\nno pools allowed here\n\
                       docker.service: Control process exited, code=exited, status=1/FAILURE\n";
        assert_eq!(
            pick_cause(refused).as_deref(),
            Some("no pools allowed here")
        );
        assert_eq!(
            pick_cause("docker.service: Failed with result 'exit-code'.\n"),
            None
        );
    }
}
