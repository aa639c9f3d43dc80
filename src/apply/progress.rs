//! What `apply` says while it works, to whoever has a screen to show it on.

use super::phases::Phase;

/// A listener. Applying a plan knows nothing of terminals; the caller hands one of these in.
pub trait Progress {
    /// A step begins.
    fn step(&self, what: &str);

    /// A phase has ended.
    fn done(&self, phase: &Phase);

    /// What to answer the first signal that would stop the run half-way. Called on another thread,
    /// which may outlive the listener.
    fn calm(&self) -> Box<dyn FnOnce() + Send>;
}

/// Nobody listens: programs read the report.
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str) {}

    fn done(&self, _: &Phase) {}

    fn calm(&self) -> Box<dyn FnOnce() + Send> {
        Box::new(|| {})
    }
}
