//! Signals by which people and service managers stop a program.
//!
//! [`Shield`] keeps them from the stretch between "written" and "verified". [`Calls`] lets a program
//! that waits be woken by them.
//!
//! A handler that only takes a note, not SIG_IGN and not a mask: children inherit those two, and a
//! dockerd started below us could then not be stopped. `exec` resets handlers. SIGKILL and a power
//! cut remain; for them there is the journal.

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Ctrl-C, Ctrl-\ and Ctrl-Z, a polite kill, a terminal that hangs up, and what ends a program that
/// does not know it. Stopped by Ctrl-Z, a run would hold its lock with Docker half-way, and the dead
/// man's switch would wait for that lock.
const SHIELDED: [i32; 8] = [
    SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM,
];

/// Between two looks whether a signal has come.
const PAUSE: Duration = Duration::from_millis(50);

/// While it lives, these signals are noted instead of ending or stopping the process.
#[derive(Debug)]
pub struct Shield {
    lowered: Arc<AtomicBool>,
    handlers: Vec<signal_hook::SigId>,
}

impl Shield {
    /// `answer` runs once, at the first signal. A signal that cannot be caught stays as it was.
    pub fn raise(answer: impl FnOnce() + Send + 'static) -> Shield {
        let noted = Arc::new(AtomicBool::new(false));
        let lowered = Arc::new(AtomicBool::new(false));
        let handlers = SHIELDED
            .into_iter()
            .filter_map(|signal| signal_hook::flag::register(signal, Arc::clone(&noted)).ok())
            .collect();
        let shield = Shield {
            lowered: Arc::clone(&lowered),
            handlers,
        };
        // Without this thread the shield holds all the same, and is silent.
        let _ = thread::Builder::new().spawn(move || {
            while !lowered.load(Ordering::Relaxed) {
                if noted.load(Ordering::Relaxed) {
                    return answer();
                }
                thread::sleep(PAUSE);
            }
        });
        shield
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        self.lowered.store(true, Ordering::Relaxed);
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}

/// Catches the signals that end a program that waits, and the one that makes it look again.
#[derive(Debug)]
pub struct Calls {
    end: UnixStream,
    again: UnixStream,
    at_once: Arc<AtomicBool>,
}

impl Calls {
    pub fn catch() -> io::Result<Calls> {
        let (end, ends) = UnixStream::pair()?;
        let (again, looks) = UnixStream::pair()?;
        for stream in [&end, &again] {
            stream.set_nonblocking(true)?;
        }
        let at_once = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_shutdown(signal, 0, Arc::clone(&at_once))?;
            signal_hook::low_level::pipe::register(signal, ends.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(SIGHUP, looks)?;
        Ok(Calls {
            end,
            again,
            at_once,
        })
    }

    /// Does what takes long and leaves nothing behind: meanwhile the program ends at once, with 0.
    pub fn may_end_during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_once.store(true, Ordering::Relaxed);
        let done = work();
        self.at_once.store(false, Ordering::Relaxed);
        done
    }

    /// Readable when a signal has come.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.end.as_fd(), self.again.as_fd()]
    }

    pub fn is_over(&self) -> bool {
        came(&self.end)
    }

    /// Whether to look again.
    pub fn take_again(&self) -> bool {
        came(&self.again)
    }
}

fn came(mut stream: &UnixStream) -> bool {
    stream.read(&mut [0; 64]).is_ok_and(|length| length > 0)
}
