//! How long each phase of a change took: where the time went, live and for the report.

use crate::report::progress::Progress;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Phase {
    /// What was done.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
}

/// The phases so far, in their order.
#[derive(Debug)]
pub struct Phases<'a> {
    /// Them.
    pub list: Vec<Phase>,
    progress: &'a Progress,
}

impl Phases<'_> {
    /// None yet; each will be shown there.
    pub fn new(progress: &Progress) -> Phases<'_> {
        Phases { list: Vec::new(), progress }
    }

    /// Does something, says so, and notes how long it took.
    pub fn time<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        self.progress.say(what);
        let result = work();
        let seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        self.progress.done(what, seconds);
        self.list.push(Phase { what: what.to_owned(), seconds });
        result
    }
}
