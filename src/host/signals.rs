//! Shields the stretch between "written" and "verified" from Ctrl-C, a hang-up and a polite kill.
//!
//! A handler that only takes a note, not SIG_IGN and not a mask: children inherit those two, and a
//! dockerd started below us could then not be stopped. `exec` resets handlers. SIGKILL and a power
//! cut remain; for them there is the journal.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Between two looks whether somebody wants us to stop.
const PAUSE: Duration = Duration::from_millis(50);

/// While it lives, INT, TERM and HUP are noted instead of ending the process.
#[derive(Debug)]
pub struct Shield {
    lowered: Arc<AtomicBool>,
    handlers: Vec<signal_hook::SigId>,
}

impl Shield {
    /// Raises the shield; the first blow is answered with this. A signal that cannot be caught
    /// leaves that signal as it was.
    pub fn raise(answer: impl FnOnce() + Send + 'static) -> Shield {
        let (noted, lowered) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let handlers = [SIGINT, SIGTERM, SIGHUP]
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
