//! How long each phase of a change took: where the time went, live and for the report.

use super::progress::Progress;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::time::{Duration, Instant};

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Phase {
    /// What was done.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
    /// Its steps, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Phase>,
}

impl Phase {
    /// Of so long a time, to the millisecond.
    pub fn new(what: &str, took: Duration) -> Phase {
        let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        Phase {
            what: what.to_owned(),
            seconds,
            steps: Vec::new(),
        }
    }
}

/// "    1.9 s  restarting Docker: stop 0.4 s, start 1.4 s"
impl Display for Phase {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {:.1} s", step.what, step.seconds))
            .collect();
        let colon = if steps.is_empty() { "" } else { ": " };
        write!(
            out,
            "{:>7.1} s  {}{colon}{}",
            self.seconds,
            self.what,
            steps.join(", ")
        )
    }
}

/// The phases so far, in their order.
pub struct Phases<'a> {
    /// Them.
    pub list: Vec<Phase>,
    progress: &'a dyn Progress,
}

impl Phases<'_> {
    /// None yet; each will be shown there.
    pub fn new(progress: &dyn Progress) -> Phases<'_> {
        Phases {
            list: Vec::new(),
            progress,
        }
    }

    /// Does something, says so, and notes how long it took.
    pub fn time<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> T {
        self.time_steps(what, work, |_, _| Vec::new())
    }

    /// The same of something whose steps are known once it is done, and how long it took
    /// altogether.
    pub fn time_steps<T>(
        &mut self,
        what: &str,
        work: impl FnOnce() -> T,
        steps: impl FnOnce(&T, Duration) -> Vec<Phase>,
    ) -> T {
        let began = Instant::now();
        self.progress.step(what);
        let result = work();
        let took = began.elapsed();
        let phase = Phase {
            steps: steps(&result, took),
            ..Phase::new(what, took)
        };
        self.progress.done(&phase);
        self.list.push(phase);
        result
    }
}
