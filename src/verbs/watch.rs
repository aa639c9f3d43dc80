//! `rebridge watch`: looks again whenever the host's network, Docker's or a file that configures one
//! changes, and says when the clashes do. It changes nothing.
//!
//! Idle, it sleeps without a time-out until a descriptor has something to say.

mod schedule;

use super::check::{Began, assessed, closer, judge};
use super::options::policy_of;
use super::request::WatchRequest;
use crate::assess::clash::Clash;
use crate::facts::{DockerState, Facts};
use crate::host::Host;
use crate::host::hook::Hook;
use crate::host::signals::Calls;
use crate::observe::changes::{Changes, is_stopping};
use crate::observe::observe_quickly;
use crate::policy::Policy;
use crate::policy::option::BadValue;
use crate::report::error::Error;
use crate::report::news::{News, is_news};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use schedule::{PAUSE, Schedule};
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// In so many looks an engine that answered before must not answer until that counts.
const PATIENCE: u32 = 3;

/// Between two questions whether Docker has stopped.
const STOPS: Duration = Duration::from_secs(1);

/// Whom the news is for.
pub trait Audience {
    fn news(&self, news: &News);
    fn warning(&self, warning: &str);
    /// Where the news goes: hung up when nobody reads it any more.
    fn reader(&self) -> BorrowedFd<'_>;
}

/// Ends on a signal, or when nobody reads the news any more.
pub fn run(request: &WatchRequest, audience: &dyn Audience) -> Result<(), Error> {
    policy_of(&request.look)?;
    let mut watch = Watch::begin(request, audience).map_err(|error| Error::CannotWatch {
        why: error.to_string(),
    })?;
    while !watch.calls.is_over() {
        if watch.next_look().is_some_and(|due| due <= Instant::now()) {
            watch.look();
        } else if watch.sleep() == Woken::NobodyReads {
            break;
        }
    }
    Ok(())
}

struct Watch<'a> {
    request: &'a WatchRequest,
    audience: &'a dyn Audience,
    host: Host,
    calls: Calls,
    changes: Changes,
    schedule: Schedule,
    /// Docker was stopping when a look was due.
    not_before: Option<Instant>,
    hook: Option<Hook>,
    /// What clashed at the last look. The facts are not kept.
    known: Option<Vec<Clash>>,
    /// Whether the engine answered then.
    answered: bool,
    /// Looks since then in which it did not.
    unanswered: u32,
}

#[derive(PartialEq)]
enum Woken {
    SomethingCame,
    NobodyReads,
}

impl<'a> Watch<'a> {
    fn begin(request: &'a WatchRequest, audience: &'a dyn Audience) -> io::Result<Watch<'a>> {
        let host = Host::live();
        let calls = Calls::catch()?;
        let mut schedule = Schedule::default();
        schedule.ask(Instant::now());
        Ok(Watch {
            request,
            audience,
            calls,
            changes: Changes::subscribe(&host)?,
            host,
            schedule,
            not_before: None,
            hook: request.on_change.as_deref().map(Hook::new),
            known: None,
            answered: false,
            unanswered: 0,
        })
    }

    fn next_look(&self) -> Option<Instant> {
        let due = self.schedule.due()?;
        Some(self.not_before.map_or(due, |obstacle| obstacle.max(due)))
    }

    /// Waits for what comes next, and takes note of it.
    fn sleep(&mut self) -> Woken {
        let now = Instant::now();
        let woken = self.wait(now);
        let now = Instant::now();
        if self.calls.take_again() {
            self.schedule.ask(now);
        }
        if self.changes.take_files() {
            self.schedule.changed(now, 1);
        }
        if !self.schedule.is_deaf(now) {
            self.schedule.changed(now, self.changes.take_kernel());
        }
        let wrong = self.hook.as_mut().and_then(|hook| hook.go_on(now));
        self.warn(wrong.as_deref());
        woken
    }

    /// Sleeps until something comes or is due.
    fn wait(&self, now: Instant) -> Woken {
        let until = [self.next_look(), self.hook.as_ref().and_then(Hook::until)];
        let timeout = match until.into_iter().flatten().min() {
            Some(until) => timeout(until.saturating_duration_since(now)),
            None => PollTimeout::NONE,
        };
        let mut waiting = self.calls.descriptors().to_vec();
        waiting.push(self.changes.of_files());
        waiting.extend(self.hook.as_ref().and_then(Hook::descriptor));
        // What else changes makes no difference: it may pile up, and be lost.
        waiting.extend((!self.schedule.is_deaf(now)).then(|| self.changes.of_kernel()));
        let reader = PollFd::new(self.audience.reader(), PollFlags::empty());
        let waiting = waiting.into_iter();
        let waiting = waiting.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
        let mut all: Vec<PollFd> = [reader].into_iter().chain(waiting).collect();
        // A signal that interrupts it is read afterwards.
        let _ = poll(&mut all, timeout);
        match all.first().and_then(PollFd::any) {
            Some(true) => Woken::NobodyReads,
            Some(false) | None => Woken::SomethingCame,
        }
    }

    fn look(&mut self) {
        if is_stopping(&self.host) {
            self.not_before = Some(Instant::now() + STOPS);
            return;
        }
        let began = Began::now();
        self.changes.forget_kernel();
        match self.calls.may_end_during(|| self.see()) {
            Ok((policy, facts)) => self.judge(&began, &policy, &facts),
            Err(bad) => {
                let why = self.request.look.vocabulary.bad_value(&bad);
                self.warn(Some(&format!("{why}; what clashes now is not known")));
            }
        }
        self.schedule.looked(Instant::now());
        if self.unanswered > 0 {
            self.schedule.ask(Instant::now() + PAUSE);
        }
    }

    fn see(&self) -> Result<(Policy, Facts), BadValue> {
        let look = &self.request.look;
        let policy = policy_of(look)?;
        let facts = observe_quickly(&self.host);
        let clashes = assessed(&facts, &policy, &self.request.only).clashes;
        match is_news(self.clashes(), &clashes) {
            true => {
                let facts = closer(facts, look, &policy);
                Ok((policy, facts))
            }
            false => Ok((policy, facts)),
        }
    }

    fn judge(&mut self, began: &Began, policy: &Policy, facts: &Facts) {
        let answers = facts.docker.engine.is_some();
        // Busy, it may be silent once; without it half of the clashes are not seen.
        let silent = self.answered && !answers && facts.docker.state == DockerState::Running;
        self.unanswered = if silent { self.unanswered + 1 } else { 0 };
        if (1..PATIENCE).contains(&self.unanswered) {
            return;
        }
        self.answered = answers;
        self.unanswered = 0;
        self.changes.has_seen(&self.host, facts);
        let assessment = assessed(facts, policy, &self.request.only);
        let report = judge(&assessment, self.request.look.vocabulary);
        if let Some(file) = &self.request.metrics {
            let written = file.write(&began.metrics(&assessment, &report));
            self.warn(written.err().as_deref());
        }
        let clashes = report.clashes.clone();
        if is_news(self.clashes(), &clashes) {
            self.tell(&News::of(self.clashes(), report, began.at));
        }
        self.known = Some(clashes);
    }

    /// The first look is always news; a command is only for those who have to do something.
    fn tell(&mut self, news: &News) {
        self.audience.news(news);
        if news.appeared.is_empty() && news.gone.is_empty() {
            return;
        }
        let hook = self.hook.as_mut();
        let wrong = hook.and_then(|hook| hook.run(news.json(), Instant::now()));
        self.warn(wrong.as_deref());
    }

    fn clashes(&self) -> Option<&[Clash]> {
        self.known.as_deref()
    }

    fn warn(&self, warning: Option<&str>) {
        if let Some(warning) = warning {
            self.audience.warning(warning);
        }
    }
}

fn timeout(left: Duration) -> PollTimeout {
    // One millisecond more, or it would wake too early and find nothing to do.
    let milliseconds = left.as_millis().saturating_add(1);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
