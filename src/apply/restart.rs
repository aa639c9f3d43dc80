//! Restarts Docker by whatever runs it, with a deadline of our own.

use super::cause::Cause;
use super::daemon_log;
use super::phases::{Phase, PhaseName};
use super::progress::Phases;
use crate::docker;
use crate::facts::ServiceManager;
use crate::host::Host;
use serde::{Deserialize, Serialize};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// For the calls of systemctl that only keep books.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Between two looks at an engine that is starting.
const PAUSE: Duration = Duration::from_millis(100);

/// What restarts this Docker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartMethod {
    /// docker.service of systemd.
    #[default]
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
    /// The method for what runs this Docker; the operator's own comes first.
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
    pub fn units(&self) -> &'static [&'static str] {
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

/// Restarts Docker, waits until the engine answers, and notes how long each step of that took.
pub fn restart_in(
    phases: &mut Phases,
    name: PhaseName,
    host: &Host,
    method: &RestartMethod,
    deadline: Instant,
) -> Result<(), Cause> {
    phases.time_steps(
        name,
        || restart(host, method, deadline),
        |restarted, took| match (restarted, method) {
            (Ok(()), RestartMethod::Systemd) => steps(host, took).unwrap_or_default(),
            (Ok(()) | Err(_), _) => Vec::new(),
        },
    )
}

/// Restarts Docker and waits until the engine answers.
fn restart(host: &Host, method: &RestartMethod, deadline: Instant) -> Result<(), Cause> {
    let began = SystemTime::now();
    // Always, because systemd allows three starts in 60 s, good ones included; then it refuses the
    // fourth and takes docker.socket down with it. Not every unit has a socket, and then this exits
    // 1; a real failure shows in the restart.
    if !method.units().is_empty() {
        let words = [&["systemctl", "reset-failed"], method.units()].concat();
        host.run(&words, BOOKKEEPING);
    }
    // The unit itself has no start timeout, so ours is the only one.
    let left = deadline.saturating_duration_since(Instant::now());
    let done = host.run(&method.command(), left);
    if !done.ok() {
        let says = method
            .units()
            .first()
            .and_then(|unit| daemon_log::why_it_failed(host, unit, began))
            .unwrap_or_else(|| done.describe());
        return Err(Cause::DockerNotStarted { says });
    }
    wait_for_answer(host, deadline)
}

/// Waits until the engine answers.
pub fn wait_for_answer(host: &Host, deadline: Instant) -> Result<(), Cause> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match docker::ping(host, left.clamp(PAUSE, Duration::from_secs(5))) {
            Ok(()) => return Ok(()),
            Err(why) if left.is_zero() => return Err(Cause::DockerNotAnswering(why)),
            Err(_) => sleep(PAUSE),
        }
    }
}

/// How long Docker took to stop, to start and to answer, in a restart that took this long
/// altogether. By the clock of systemd, which notes when a unit changes its state; none where the
/// notes are not those of this restart.
fn steps(host: &Host, took: Duration) -> Option<Vec<Phase>> {
    let property = "--property=ActiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic,\
                    InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";
    let words = ["systemctl", "show", "docker.service", property];
    let shown = host.run(&words, BOOKKEEPING).stdout;
    let [left, stopped, starting, started] =
        ["ActiveExit", "InactiveEnter", "InactiveExit", "ActiveEnter"]
            .map(|change| moment(&shown, change));
    let (left, started) = (left?, started?);
    let stop = stopped?.checked_sub(left)?;
    let start = started.checked_sub(starting?)?;
    let answer = took.checked_sub(started.checked_sub(left)?)?;
    Some(vec![
        Phase::new(PhaseName::Stop, stop),
        Phase::new(PhaseName::Start, start),
        Phase::new(PhaseName::Answer, answer),
    ])
}

/// When a unit made a change of state, since the boot.
fn moment(shown: &str, change: &str) -> Option<Duration> {
    let micros = shown.lines().find_map(|line| {
        line.strip_prefix(change)?
            .strip_prefix("TimestampMonotonic=")
    })?;
    Some(Duration::from_micros(micros.parse().ok()?))
}
