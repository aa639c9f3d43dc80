//! A command of the operator's that runs beside us, with a text on its standard input. While it
//! runs, the next text waits; of several that wait only the last counts.

use super::child::shell;
use duct::Handle;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What takes longer hangs, and the next text must not wait for ever.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Hook {
    command: String,
    running: Option<Running>,
    waiting: Option<String>,
}

#[derive(Debug)]
struct Running {
    handle: Arc<Handle>,
    /// Its other end is closed when the command has ended.
    ended: UnixStream,
    until: Instant,
}

impl Hook {
    pub fn new(command: &str) -> Hook {
        Hook {
            command: command.to_owned(),
            running: None,
            waiting: None,
        }
    }

    /// Hands the text to the command, now or when the run before has ended; gives what went wrong.
    pub fn run(&mut self, text: String, now: Instant) -> Option<String> {
        self.waiting = Some(text);
        self.go_on(now)
    }

    /// Goes on where a run has ended or takes too long; gives what went wrong with it.
    pub fn go_on(&mut self, now: Instant) -> Option<String> {
        let wrong = match self.running.take() {
            Some(running) if !running.has_ended() && now < running.until => {
                self.running = Some(running);
                return None;
            }
            Some(running) => running.result(),
            None => None,
        };
        let text = self.waiting.take();
        let started = text.map(|text| Running::start(&self.command, text, now));
        let started = started.transpose().map(|running| self.running = running);
        let wrong = wrong.or(started
            .err()
            .map(|error| format!("cannot be started: {error}")));
        wrong.map(|wrong| format!("`{}` {wrong}", self.command))
    }

    /// When to go on even if it has not ended.
    pub fn until(&self) -> Option<Instant> {
        self.running.as_ref().map(|running| running.until)
    }

    /// Readable when to go on.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.running.as_ref().map(|running| running.ended.as_fd())
    }
}

impl Running {
    fn start(command: &str, text: String, now: Instant) -> io::Result<Running> {
        let (ended, closes) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        let handle = Arc::new(shell(command).stdin_bytes(text).start()?);
        let waiter = Arc::clone(&handle);
        let spawned = thread::Builder::new().spawn(move || {
            let _ = waiter.wait();
            drop(closes);
        });
        spawned.inspect_err(|_| drop(handle.kill()))?;
        Ok(Running {
            handle,
            ended,
            until: now + LONGEST,
        })
    }

    fn has_ended(&self) -> bool {
        let mut ended = &self.ended;
        ended.read(&mut [0]).is_ok()
    }

    fn result(self) -> Option<String> {
        if !self.has_ended() {
            let _ = self.handle.kill();
            return Some(format!("ran for {} s and was killed", LONGEST.as_secs()));
        }
        match self.handle.try_wait() {
            Ok(Some(output)) if !output.status.success() => match output.status.code() {
                Some(code) => Some(format!("exited {code}")),
                None => Some("was killed by a signal".to_owned()),
            },
            Ok(_) => None,
            Err(error) => Some(format!("was lost: {error}")),
        }
    }
}
