//! Shields the stretch between "written" and "verified" from Ctrl-C, a hang-up and a polite kill.
//!
//! A handler that only takes a note, not SIG_IGN and not a mask: children inherit those two, and a dockerd started
//! below us could then not be stopped. `exec` resets handlers. SIGKILL and a power cut remain; for them there is
//! the journal.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// While it lives, INT, TERM and HUP are noted instead of ending the process.
#[derive(Debug)]
pub struct Shield {
    noted: Arc<AtomicBool>,
    handlers: Vec<signal_hook::SigId>,
}

impl Shield {
    /// Raises the shield. A signal that cannot be caught leaves that signal as it was.
    pub fn raise() -> Shield {
        let noted = Arc::new(AtomicBool::new(false));
        let handlers = [SIGINT, SIGTERM, SIGHUP]
            .into_iter()
            .filter_map(|signal| signal_hook::flag::register(signal, Arc::clone(&noted)).ok())
            .collect();
        Shield { noted, handlers }
    }

    /// Whether somebody asked us to stop meanwhile.
    pub fn was_hit(&self) -> bool {
        self.noted.load(Ordering::Relaxed)
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}
