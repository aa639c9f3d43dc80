//! Docker's announcements, and its coming and going.
//!
//! Where systemd listens on Docker's socket, a connection to a stopped Docker starts it. So the
//! socket is only opened while a dockerd lives, and never again to one that has hung up: it is going
//! down. That a dockerd came or went is seen by its pidfile (inotify), not by asking.

use crate::docker::SOCKET;
use crate::docker::events::{Events, Heard};
use crate::host::Host;
use crate::host::folders::Folders;
use crate::observe::process::{PIDFILES, Process};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// dockerd answers when it has started its containers.
const START: Duration = Duration::from_secs(30);

/// As long as systemd waits before it kills.
const STOP: Duration = Duration::from_secs(90);

/// A dockerd that was killed leaves its pidfile; one that starts opens its socket later. The first
/// pause before looking again; each is twice the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

pub struct DockerChanges {
    folders: Folders,
    state: State,
}

enum State {
    /// There is no dockerd, or none that lets us in.
    Away,
    /// There is one, and its socket is not open yet.
    Starting(Wait),
    /// It has not answered yet.
    Asked {
        events: Events,
        pid: u32,
        until: Instant,
    },
    Announcing {
        events: Events,
        pid: u32,
    },
    /// It has hung up and still lives.
    Stopping {
        pid: u32,
        wait: Wait,
    },
}

/// Looking again, ever less often.
#[derive(Clone, Copy)]
struct Wait {
    next: Instant,
    pause: Duration,
    end: Instant,
}

impl Wait {
    fn of(longest: Duration, now: Instant) -> Wait {
        Wait {
            next: now + FIRST_PAUSE,
            pause: FIRST_PAUSE,
            end: now + longest,
        }
    }

    fn again(self, now: Instant) -> Wait {
        let pause = self.pause * 2;
        Wait {
            next: (now + pause).min(self.end),
            pause,
            ..self
        }
    }
}

impl DockerChanges {
    pub fn subscribe(host: &Host, now: Instant) -> io::Result<DockerChanges> {
        let mut paths = PIDFILES.to_vec();
        paths.push(SOCKET);
        Ok(DockerChanges {
            folders: Folders::of(host, &paths)?,
            state: arrival(host, now, None),
        })
    }

    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let events = match &self.state {
            State::Asked { events, .. } | State::Announcing { events, .. } => Some(events.as_fd()),
            State::Away | State::Starting(_) | State::Stopping { .. } => None,
        };
        events.into_iter().chain([self.folders.as_fd()])
    }

    pub fn next_try(&self) -> Option<Instant> {
        match &self.state {
            State::Starting(wait) | State::Stopping { wait, .. } => Some(wait.next),
            State::Away | State::Asked { .. } | State::Announcing { .. } => None,
        }
    }

    pub fn no_look_before(&self) -> Option<Instant> {
        match &self.state {
            State::Starting(wait) | State::Stopping { wait, .. } => Some(wait.end),
            State::Asked { until, .. } => Some(*until),
            State::Away | State::Announcing { .. } => None,
        }
    }

    /// Whether anything has changed.
    pub fn take(&mut self, host: &Host, now: Instant) -> bool {
        let told = self.folders.told();
        let due = told || self.next_try().is_some_and(|next| next <= now);
        let state = std::mem::replace(&mut self.state, State::Away);
        let (state, changed) = match state {
            State::Announcing { events, pid } => heard(host, now, events, pid, None),
            State::Asked { events, pid, until } => heard(host, now, events, pid, Some(until)),
            State::Stopping { pid, wait } if due => gone(host, now, pid, wait),
            State::Starting(wait) if due => (arrival(host, now, Some(wait)), false),
            State::Away if due => (arrival(host, now, None), false),
            state => (state, false),
        };
        self.state = state;
        changed || told
    }
}

/// What becomes of a connection.
fn heard(
    host: &Host,
    now: Instant,
    mut events: Events,
    pid: u32,
    until: Option<Instant>,
) -> (State, bool) {
    match (events.hear(host), until) {
        (Heard::Nothing, Some(until)) => (State::Asked { events, pid, until }, false),
        (Heard::Nothing, None) => (State::Announcing { events, pid }, false),
        (Heard::Ready | Heard::Change, _) => (State::Announcing { events, pid }, true),
        (Heard::End, _) => gone(host, now, pid, Wait::of(STOP, now)),
    }
}

/// One that has hung up: it still lives, or has ended, or another has come. One that lives on all
/// the same has only hung up.
fn gone(host: &Host, now: Instant, pid: u32, wait: Wait) -> (State, bool) {
    let lives = Process::of_pidfile(host).is_some_and(|process| process.pid == pid);
    match lives && now < wait.end {
        true => {
            let wait = if wait.next <= now {
                wait.again(now)
            } else {
                wait
            };
            (State::Stopping { pid, wait }, false)
        }
        false => (arrival(host, now, None), true),
    }
}

/// Asks the dockerd that lives, if one does.
fn arrival(host: &Host, now: Instant, wait: Option<Wait>) -> State {
    let Some(process) = Process::of_pidfile(host) else {
        return State::Away;
    };
    match Events::ask(host) {
        Ok(events) => State::Asked {
            events,
            pid: process.pid,
            until: now + START,
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => State::Away,
        Err(_) => match wait {
            None => State::Starting(Wait::of(START, now)),
            Some(wait) if now < wait.end => State::Starting(wait.again(now)),
            Some(_) => State::Away,
        },
    }
}
