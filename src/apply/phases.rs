//! How long each phase of a change took: where the time went, for the report.

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
#[derive(Debug, Default)]
pub struct Phases(pub Vec<Phase>);

impl Phases {
    /// Does something and notes how long it took.
    pub fn time<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = work();
        let seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        self.0.push(Phase { what: what.to_owned(), seconds });
        result
    }
}
