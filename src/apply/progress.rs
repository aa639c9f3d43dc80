//! What apply reports while it works: to a listener, and as a list of phases for the result.

use super::phases::{Phase, PhaseName};
use std::time::{Duration, Instant};

/// A listener. Apply knows nothing of terminals; its caller hands one of these in.
pub trait Progress {
    /// A phase begins.
    fn step(&self, name: PhaseName);

    /// A phase has ended.
    fn done(&self, phase: &Phase);

    /// What to answer the first signal that would stop the run half-way. Called on another thread,
    /// which may outlive the listener.
    fn calm(&self) -> Box<dyn FnOnce() + Send>;
}

/// For programs, which read the result.
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: PhaseName) {}

    fn done(&self, _: &Phase) {}

    fn calm(&self) -> Box<dyn FnOnce() + Send> {
        Box::new(|| {})
    }
}

/// The phases that have ended, in their order. Each is reported as it begins and ends.
pub struct Phases<'a> {
    pub list: Vec<Phase>,
    progress: &'a dyn Progress,
}

impl Phases<'_> {
    pub fn new(progress: &dyn Progress) -> Phases<'_> {
        Phases {
            list: Vec::new(),
            progress,
        }
    }

    /// Does some work and times it.
    pub fn time<T>(&mut self, name: PhaseName, work: impl FnOnce() -> T) -> T {
        self.time_steps(name, work, |_, _| Vec::new())
    }

    /// The same for work whose steps are known once it is done, from its result and the time it
    /// took.
    pub fn time_steps<T>(
        &mut self,
        name: PhaseName,
        work: impl FnOnce() -> T,
        steps: impl FnOnce(&T, Duration) -> Vec<Phase>,
    ) -> T {
        let began = Instant::now();
        self.progress.step(name);
        let result = work();
        let took = began.elapsed();
        let phase = Phase {
            steps: steps(&result, took),
            ..Phase::new(name, took)
        };
        self.progress.done(&phase);
        self.list.push(phase);
        result
    }
}
