//! A line on a terminal that says what takes so long; nothing at all elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// The line; gone when dropped.
#[derive(Debug)]
pub struct Progress {
    line: Option<ProgressBar>,
}

impl Progress {
    /// A line on standard error, if that is a terminal and the reader is a person.
    pub fn new(for_a_person: bool) -> Progress {
        let line = (for_a_person && std::io::stderr().is_terminal()).then(|| {
            let line = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                line.set_style(style);
            }
            line.enable_steady_tick(Duration::from_millis(120));
            line
        });
        Progress { line }
    }

    /// Says what is being done now.
    pub fn say(&self, what: &'static str) {
        if let Some(line) = &self.line {
            line.set_message(what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}
