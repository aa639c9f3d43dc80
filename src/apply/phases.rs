//! How long each phase of a change took: where the time went.

use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::time::Duration;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    WriteFile,
    StopContainers,
    RestartDocker,
    RestartDockerOnceMore,
    RestoreContainers,
    Verify,
    RemoveNetworks,
    CreateNetworks,
    ConnectContainers,
    StartContainers,
    VerifyNetworks,
    RollBack,
    RestartDockerAsItWas,
    UndoInterruptedRun,
    // The steps of a restart.
    Stop,
    Start,
    Answer,
}

impl PhaseName {
    /// What is being done, for a reader.
    pub fn words(self) -> &'static str {
        match self {
            PhaseName::WriteFile => "writing daemon.json",
            PhaseName::StopContainers => "stopping containers",
            PhaseName::RestartDocker => "restarting Docker",
            PhaseName::RestartDockerOnceMore => "restarting Docker once more",
            PhaseName::RestoreContainers => "bringing containers back",
            PhaseName::Verify => "verifying",
            PhaseName::RemoveNetworks => "removing networks",
            PhaseName::CreateNetworks => "re-creating networks",
            PhaseName::ConnectContainers => "connecting containers",
            PhaseName::StartContainers => "starting containers",
            PhaseName::VerifyNetworks => "verifying networks",
            PhaseName::RollBack => "rolling back",
            PhaseName::RestartDockerAsItWas => "restarting Docker as it was",
            PhaseName::UndoInterruptedRun => "undoing an interrupted run",
            PhaseName::Stop => "stop",
            PhaseName::Start => "start",
            PhaseName::Answer => "answer",
        }
    }
}

/// One phase that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Phase {
    pub name: PhaseName,
    /// What was done, in words.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
    /// Its steps, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Phase>,
}

impl Phase {
    pub fn new(name: PhaseName, took: Duration) -> Phase {
        Phase {
            name,
            what: name.words().to_owned(),
            // To the millisecond.
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
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
        let (seconds, what, steps) = (self.seconds, &self.what, steps.join(", "));
        write!(out, "{seconds:>7.1} s  {what}{colon}{steps}")
    }
}
