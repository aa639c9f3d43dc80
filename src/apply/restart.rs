//! Restarts Docker by whatever runs it, with a deadline of our own.

use super::cause::Cause;
use super::journal::Record;
use super::phases::{Phase, PhaseName};
use super::progress::Phases;
use super::restart_method::RestartMethod;
use super::{daemon_log, under_way};
use crate::host::Host;
use crate::host::child::Ended;
use crate::observe::{endpoints, service};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// For the calls of systemctl that only keep books.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Between two looks at an engine that is starting.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two looks whether an init script's dockerd is there.
const LOOK: Duration = Duration::from_secs(1);

/// A dockerd writes its pidfile at once, but on a busy machine that too takes a while.
const GONE: Duration = Duration::from_secs(15);

/// When a restart counts as failed.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    pub at: Instant,
    /// Whether it counts even for a Docker that is still at work on its start.
    pub firm: bool,
}

/// One Docker, and how it is restarted.
pub struct Restarter<'a> {
    host: &'a Host,
    method: RestartMethod,
    /// Docker's own units, and the one its dockerd was found in.
    units: Vec<&'a str>,
}

impl<'a> Restarter<'a> {
    pub fn of(host: &'a Host, record: &'a Record) -> Restarter<'a> {
        let method = record.way.clone().unwrap_or_default();
        let mut units = method.units().to_vec();
        if let Some(unit) = record.unit.as_deref() {
            units.retain(|one| *one != unit);
            units.insert(0, unit);
        }
        Restarter {
            host,
            method,
            units,
        }
    }

    /// Restarts Docker, waits until the engine answers, and notes how long each step of that took.
    pub fn restart_in(
        &self,
        phases: &mut Phases,
        name: PhaseName,
        deadline: Deadline,
    ) -> Result<(), Cause> {
        phases.time_steps(
            name,
            || self.restart(deadline),
            |restarted, took| match (restarted, &self.method) {
                (Ok(()), RestartMethod::Systemd) => self.steps(took).unwrap_or_default(),
                (Ok(()) | Err(_), _) => Vec::new(),
            },
        )
    }

    /// Waits for a stop or a start that is under way, as long as Docker is at work on it: to
    /// restart it would only begin again.
    pub fn wait_while_under_way(&self) {
        if let Some(unit) = self.unit() {
            under_way::wait(self.host, unit);
        }
    }

    /// Restarts Docker and waits until the engine answers.
    fn restart(&self, deadline: Deadline) -> Result<(), Cause> {
        let (host, began) = (self.host, SystemTime::now());
        let end_of_log = daemon_log::end_of_file(host);
        // Always, because systemd allows three starts in 60 s, good ones included; then it refuses the
        // fourth and takes docker.socket down with it. Not every unit has a socket, and then this exits
        // 1; a real failure shows in the restart.
        if !self.units.is_empty() {
            let words = [&["systemctl", "reset-failed"], self.units.as_slice()].concat();
            host.run(&words, BOOKKEEPING);
        }
        let before = service::read(host).started;
        // The unit itself has no start timeout, so ours is the only one.
        let left = deadline.at.saturating_duration_since(Instant::now());
        let done = host.run(&self.method.command(self.unit()), left);
        let outlasts = done.ended == Ended::TimedOut && !deadline.firm;
        let restarted = done.ok() || outlasts && self.comes_up_later();
        if !restarted {
            let says = self
                .unit()
                .and_then(|unit| daemon_log::why_it_failed(host, unit, began))
                .unwrap_or_else(|| done.describe());
            return Err(Cause::DockerNotStarted { says });
        }
        if let RestartMethod::Command(_) = self.method {
            self.wait_for_another(before, deadline.at)?;
        }
        match self.method.status_command() {
            Some(status) => self.wait_for_init_script(&status, deadline.at, end_of_log),
            None => wait_for_answer(host, deadline.at),
        }
    }

    /// An init script returns before dockerd has done anything, and nothing reports that it ended at
    /// once: without this look, Docker would stay down until the deadline.
    fn wait_for_init_script(
        &self,
        status: &[&str],
        deadline: Instant,
        end_of_log: u64,
    ) -> Result<(), Cause> {
        let mut gone_since = None;
        loop {
            match wait_for_answer(self.host, deadline.min(Instant::now() + LOOK)) {
                Ok(()) => return Ok(()),
                Err(cause) if Instant::now() >= deadline => return Err(cause),
                Err(_) if !self.is_gone(status) => gone_since = None,
                Err(_) => {
                    let since = *gone_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= GONE {
                        let says = daemon_log::why_it_ended(self.host, end_of_log);
                        let says = says.unwrap_or_else(|| "no dockerd runs".to_owned());
                        return Err(Cause::DockerNotStarted { says });
                    }
                }
            }
        }
    }

    /// Whether there is no dockerd, and nothing that may become one. The codes are those of the Linux
    /// Standard Base for a program that does not run, and OpenRC's for one that crashed.
    fn is_gone(&self, status: &[&str]) -> bool {
        let runs = service::read(self.host).process.is_some();
        !runs
            && matches!(
                self.host.run(status, BOOKKEEPING).ended,
                Ended::Code(1..=3 | 32)
            )
    }

    /// The unit of systemd that runs dockerd.
    fn unit(&self) -> Option<&'a str> {
        self.units.first().copied()
    }

    fn comes_up_later(&self) -> bool {
        self.unit()
            .is_some_and(|unit| under_way::wait(self.host, unit))
    }

    /// A command may return before it has acted, and then the dockerd of before answers.
    fn wait_for_another(&self, before: Option<String>, deadline: Instant) -> Result<(), Cause> {
        while before.is_some() && service::read(self.host).started == before {
            if Instant::now() >= deadline {
                return Err(Cause::DockerNotRestarted);
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    /// How long Docker took to stop, to start and to answer, in a restart that took this long
    /// altogether. By the clock of systemd, which notes when a unit changes its state; none where the
    /// notes are not those of this restart.
    fn steps(&self, took: Duration) -> Option<Vec<Phase>> {
        let property = "--property=ActiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic,\
                        InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";
        let words = ["systemctl", "show", self.unit()?, property];
        let shown = self.host.run(&words, BOOKKEEPING).stdout;
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
}

/// Waits until the engine answers.
pub fn wait_for_answer(host: &Host, deadline: Instant) -> Result<(), Cause> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match endpoints::ping(host, left.clamp(PAUSE, Duration::from_secs(5))) {
            Ok(()) => return Ok(()),
            Err(why) if left.is_zero() => return Err(Cause::DockerNotAnswering(why)),
            Err(_) => sleep(PAUSE),
        }
    }
}

/// When a unit made a change of state, since the boot.
fn moment(shown: &str, change: &str) -> Option<Duration> {
    let micros = shown.lines().find_map(|line| {
        line.strip_prefix(change)?
            .strip_prefix("TimestampMonotonic=")
    })?;
    Some(Duration::from_micros(micros.parse().ok()?))
}
