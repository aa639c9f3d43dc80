//! What the operator asks for and allows beyond the plan.

use super::check::Probe;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Request {
    /// How long Docker may take from the order to restart until it answers, and a probe after that;
    /// none for what suits the host.
    pub timeout: Option<Duration>,
    /// What must be reachable afterwards.
    pub probes: Vec<Probe>,
    /// What restarts Docker, in the operator's own words.
    pub restart_command: Option<String>,
    /// Roll back after this many seconds, whatever becomes of this process, unless it has verified
    /// the change by then.
    pub dead_man: Option<u64>,
}
