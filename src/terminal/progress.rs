//! What is being done now and how long each step took, on a terminal, for a person; nothing at all
//! elsewhere. A word of calm for whoever wants to stop it half-way.

use crate::apply::phases::Phase;
use crate::apply::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// In seconds; phases shorter than this are not worth a line.
pub const WORTH_A_LINE: f64 = 0.05;

/// What Ctrl-C is answered with once the host is touched.
const CALM: &str = "\
Docker is half-way, and stopping here would leave it so. This run goes on until
the change is verified or everything is put back; `rebridge rollback` undoes it
afterwards.";

/// The line and what was above it. The line is there from the first step on, not while a question
/// is asked, and gone when this is dropped.
#[derive(Debug)]
pub struct ProgressLine(Arc<Live>);

#[derive(Debug)]
struct Live {
    for_a_person: bool,
    shown: bool,
    moves: bool,
    line: OnceLock<ProgressBar>,
}

/// Whether steps can be shown while they go on.
pub fn can_be_live() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether a line can be written over.
fn can_move() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

impl ProgressLine {
    /// Lines on standard error, if that is a terminal and the reader is a person.
    pub fn new(for_a_person: bool) -> ProgressLine {
        let shown = for_a_person && can_be_live();
        ProgressLine(Arc::new(Live {
            for_a_person,
            shown,
            moves: shown && can_move(),
            line: OnceLock::new(),
        }))
    }
}

impl Progress for ProgressLine {
    /// Says what is being done now.
    fn step(&self, what: &str) {
        if self.0.moves {
            self.0
                .line
                .get_or_init(spinner)
                .set_message(what.to_owned());
        }
    }

    /// Says that it is done, and how long it took.
    fn done(&self, phase: &Phase) {
        if !self.0.shown || phase.seconds < WORTH_A_LINE {
            return;
        }
        match self.0.line.get() {
            Some(line) => line.println(phase.to_string()),
            // Also a sign of life, which shows whether an operator's session still takes any.
            None => drop(writeln!(std::io::stderr(), "{phase}")),
        }
    }

    /// What to tell whoever wants to stop this. To be called on another thread; programs are told
    /// nothing.
    fn calm(&self) -> Box<dyn FnOnce() + Send> {
        let live = Arc::downgrade(&self.0);
        Box::new(move || {
            let Some(live) = live.upgrade().filter(|live| live.for_a_person) else {
                return;
            };
            match live.line.get() {
                Some(line) => line.println(CALM),
                None => drop(writeln!(std::io::stderr(), "{CALM}")),
            }
        })
    }
}

fn spinner() -> ProgressBar {
    let line = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("      {spinner}    {msg} ({elapsed})") {
        line.set_style(style.tick_chars("-\\|/ "));
    }
    line.enable_steady_tick(Duration::from_millis(120));
    line
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(line) = self.line.get() {
            line.finish_and_clear();
        }
    }
}
