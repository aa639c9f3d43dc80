//! Progress on a terminal, for a person: the step that runs now, and how long each took. Elsewhere
//! nothing. Ctrl-C half-way gets an answer.

use crate::apply::phases::{Phase, PhaseName};
use crate::apply::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Phases with fewer seconds than this get no line.
pub const WORTH_A_LINE: f64 = 0.05;

/// The answer to Ctrl-C once the host has been touched.
const CALM: &str = "\
Docker is half-way through the change, and stopping now would leave it there.
This run continues until the change is verified or rolled back. Afterwards,
`rebridge rollback` undoes it.";

/// One line that changes. It appears with the first step, so not below a question, and goes when
/// this is dropped.
#[derive(Debug)]
pub struct ProgressLine(Arc<Live>);

#[derive(Debug)]
struct Live {
    for_a_person: bool,
    shown: bool,
    moves: bool,
    line: OnceLock<ProgressBar>,
}

pub fn can_be_live() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether the terminal can write over a line.
fn can_move() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

impl ProgressLine {
    /// Shows nothing to programs, nor where standard error is not a terminal.
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
    fn step(&self, name: PhaseName) {
        if self.0.moves {
            let line = self.0.line.get_or_init(spinner);
            line.set_message(name.words());
        }
    }

    fn done(&self, phase: &Phase) {
        if !self.0.shown || phase.seconds < WORTH_A_LINE {
            return;
        }
        match self.0.line.get() {
            Some(line) => line.println(phase.to_string()),
            // This also keeps the operator's session talking, which shows whether it still works.
            None => drop(writeln!(std::io::stderr(), "{phase}")),
        }
    }

    /// The answer to Ctrl-C, which another thread gives.
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
