//! A command of the operator's that runs beside us, with a text on its standard input. While it
//! runs, the next text waits; of several that wait only the last counts.

use super::child::shell;
use duct::Handle;
use rustix::process::{Pid, Signal, kill_process_group};
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

    /// What hangs is most often a child of the shell: all of its group ends.
    fn kill(&self) {
        let pids = self.handle.pids().into_iter();
        let groups = pids.filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        for group in groups {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn result(self) -> Option<String> {
        if !self.has_ended() {
            self.kill();
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// Polls until there is something to say.
    fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(began.elapsed() < LONGEST, "nothing came of it");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A zombie has ended.
    fn has_ended(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    }

    #[test]
    fn what_hangs_is_killed_with_its_children_and_the_next_text_gets_its_turn() {
        let folder = std::env::temp_dir().join(format!("rebridge-hook-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let read = |path: &str| fs::read_to_string(Path::new(path)).ok();
        // The first run hangs in a child of the shell, with its output still open.
        let command = format!(
            "cat > {got}; [ -e {child} ] || {{ sleep 1000 & echo $! > {child}.new; mv {child}.new \
             {child}; wait; }}",
            got = path("got"),
            child = path("child")
        );
        let (now, mut hook) = (Instant::now(), Hook::new(&command));
        assert_eq!(hook.run("one".to_owned(), now), None);
        let child = until(|| read(&path("child"))).trim().to_owned();
        assert_eq!(hook.run("two".to_owned(), now), None, "it waits");
        assert_eq!(hook.run("three".to_owned(), now + LONGEST / 2), None);
        assert!(!has_ended(&child));

        let late = now + LONGEST;
        assert_eq!(hook.until(), Some(late));
        let wrong = hook.go_on(late).unwrap();
        assert!(wrong.ends_with("ran for 60 s and was killed"), "{wrong}");
        until(|| has_ended(&child).then_some(()));
        until(|| hook.running.as_ref()?.has_ended().then_some(()));
        assert_eq!(read(&path("got")).unwrap(), "three", "the last one counts");
        fs::remove_dir_all(&folder).unwrap();
    }
}
