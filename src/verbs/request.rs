//! What a verb has to do, as plain values. The command line and the Ansible module both build these,
//! so the rest of the program does not know who calls.

use super::output_file::OutputFile;
use crate::apply;
use crate::apply::check::Probe;
use crate::assess::clash::Only;
use crate::plan::Permits;
use crate::policy::Policy;
use crate::policy::accept::Accepted;
use crate::report::vocabulary::Vocabulary;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Target {
    #[default]
    ThisHost,
    /// An unpacked image: files only, never a restart.
    Image(PathBuf),
    /// What `rebridge facts` saved, here or elsewhere.
    SavedFacts(PathBuf),
}

#[derive(Debug, Clone, Default)]
pub struct Look {
    pub target: Target,
    /// What was given for this run.
    pub policy: Policy,
    /// Leave the host's options file out.
    pub no_options: bool,
    pub vocabulary: Vocabulary,
}

#[derive(Debug, Default)]
pub struct CheckRequest {
    pub look: Look,
    pub only: Only,
    pub metrics: Option<OutputFile>,
}

#[derive(Debug)]
pub struct WatchRequest {
    /// Of this host.
    pub look: Look,
    pub only: Only,
    pub metrics: Option<OutputFile>,
    /// A shell command that gets each report.
    pub on_change: Option<String>,
}

#[derive(Debug)]
pub struct ApplyRequest {
    pub look: Look,
    /// Only show what would be done.
    pub check: bool,
    /// Keep the policy of this run for later ones.
    pub remember: bool,
    /// Lead packets past Docker now, and leave the restart to the operator.
    pub relieve: bool,
    pub permits: Permits,
    pub order: apply::request::Request,
    /// How long to wait for another rebridge to finish.
    pub wait: Duration,
}

#[derive(Debug)]
pub struct RelieveRequest {
    pub look: Look,
    /// Only show what would be done.
    pub check: bool,
    /// Take relief away.
    pub undo: bool,
    /// Only if the run that relieved was killed before it had verified that.
    pub unless_verified: bool,
    pub act_on_suspected: bool,
    pub probes: Vec<Probe>,
    /// Seconds until a timer takes relief away that is not verified.
    pub dead_man: Option<u64>,
    /// How long to wait for another rebridge to finish.
    pub wait: Duration,
}

#[derive(Debug)]
pub struct RollbackRequest {
    /// Only show what would be undone.
    pub check: bool,
    /// If no apply is on record, there is nothing to undo, and that is no error.
    pub unless_none: bool,
    pub accepted: Accepted,
    /// Undo only a run that did not finish.
    pub settle: bool,
    pub order: apply::go_back::Order,
    pub wait: Duration,
    pub vocabulary: Vocabulary,
}

#[derive(Debug)]
pub struct ForecastRequest {
    pub look: Look,
    /// Of subnets.
    pub count: usize,
    /// The engine version to model instead of the one that runs.
    pub engine: Option<String>,
}

#[derive(Debug)]
pub struct MapRequest {
    pub look: Look,
    pub svg: Option<OutputFile>,
}

#[derive(Debug)]
pub struct ExplainRequest {
    pub look: Look,
    /// A Docker network, a bridge, a range or an address; docker0 if none.
    pub about: Option<String>,
}

#[derive(Debug)]
pub struct FleetRequest {
    /// Files and folders of facts; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// Facts that are here already, each with the name of its file.
    pub files: Vec<(String, String)>,
    pub policy: Policy,
    /// Older facts are named.
    pub max_age: Duration,
    pub html: Option<OutputFile>,
}
