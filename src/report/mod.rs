//! The result: its data, which is the JSON; the sentences in it; metrics and the map.

pub mod advice;
mod build;
pub mod error;
pub mod explanation;
pub mod map;
pub mod metrics;
pub mod sentences;
pub mod vocabulary;

use crate::apply::check::Check;
use crate::apply::phases::Phase;
use crate::assess::clash::Clash;
use crate::facts::{DockerState, Facts, ServiceManager};
use crate::plan::Plan;
use crate::plan::relocate::Move;
use advice::Advice;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The result, version 1. A promise: fields are added, never renamed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Whether anything on the host is different now (or, in check mode, would be).
    pub changed: bool,
    /// Whether what was asked for did not come about.
    pub failed: bool,
    /// One sentence a person can act on.
    pub msg: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What clashed when rebridge looked first.
    pub clashes: Vec<Clash>,
    /// What still clashes now (or, in check mode, would).
    pub remaining: Vec<Clash>,
    /// What would count as a clash if `--ignore` did not say otherwise.
    #[serde(default)]
    pub ignored: Vec<Clash>,
    /// What was to be done.
    pub plan: PlanReport,
    /// The change of daemon.json, only the keys it touches.
    pub diff: Diff,
    /// Docker, before and after; null where nothing was looked at.
    pub docker: Option<DockerReport>,
    /// Whether Docker was restarted, be it forth or back.
    pub restarted: bool,
    /// What was looked at after the restart.
    pub verified: Vec<Check>,
    /// Whether the old state was put back.
    pub rolled_back: bool,
    /// The copy of the old daemon.json.
    pub backup_file: Option<String>,
    /// How long each phase of the change took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// What a person should know besides.
    pub warnings: Vec<String>,
    /// What is worth knowing and no clash.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What to do by hand, step by step, on a host that was left stranded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<String>,
    /// What the text for people has besides.
    #[serde(skip)]
    pub advice: Advice,
}

/// How it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing clashes.
    #[default]
    Clean,
    /// Something clashes: for `check`, and for `apply` where only what it does not change clashes.
    Clashing,
    /// Changed, and verified.
    Changed,
    /// Would be changed; check mode.
    WouldChange,
    /// Not begun.
    Refused,
    /// Begun, failed, and the old state is back and verified.
    RolledBack,
    /// Begun, failed, and the way back failed too.
    Stranded,
}

/// What was to be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanReport {
    /// The keys of daemon.json to set.
    pub daemon_json: Map<String, Value>,
    /// Whether Docker is to be restarted.
    pub restart: bool,
    /// Networks to move.
    pub networks: Vec<Move>,
    /// docker0's address to be.
    pub docker0: Option<String>,
}

/// A change as Ansible shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diff {
    /// Title of the old side.
    pub before_header: String,
    /// Title of the new side.
    pub after_header: String,
    /// The touched keys as they were.
    pub before: String,
    /// The touched keys as they are to be.
    pub after: String,
}

/// Docker, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DockerReport {
    /// absent, stopped or running.
    pub state: DockerState,
    /// Such as `26.1.5`; null where it cannot be asked.
    pub version: Option<String>,
    /// What starts and stops it, or null.
    pub service: Option<ServiceManager>,
    /// The configuration file it reads.
    pub config_file: String,
    /// docker0's address at first.
    pub docker0_before: Option<String>,
    /// docker0's address now.
    pub docker0_after: Option<String>,
}

impl Report {
    /// The exit code of the outcome; a verb that only looks exits 1 for what it found.
    pub fn exit_code(&self, only_looks: bool) -> u8 {
        match self.outcome {
            Outcome::Clean | Outcome::Changed | Outcome::WouldChange => 0,
            Outcome::Clashing => u8::from(only_looks),
            Outcome::Refused => 3,
            Outcome::RolledBack => 4,
            Outcome::Stranded => 5,
        }
    }

    /// The one JSON object.
    pub fn json(&self) -> String {
        // A tree of plain strings, numbers and lists has no way to fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// docker0's address as it was found.
    pub fn docker0_before(&self) -> Option<&str> {
        self.docker.as_ref()?.docker0_before.as_deref()
    }

    /// The file Docker reads.
    pub fn config_file(&self) -> &str {
        self.docker
            .as_ref()
            .map_or("daemon.json", |docker| &docker.config_file)
    }
}

impl DockerReport {
    fn of(facts: &Facts) -> DockerReport {
        let docker0 = facts.docker0().map(|address| address.to_string());
        let engine = facts.docker.engine.as_ref();
        DockerReport {
            state: facts.docker.state,
            version: engine.map(|engine| engine.version.clone()),
            service: facts.docker.service,
            config_file: facts.docker.config.path.clone(),
            docker0_before: docker0.clone(),
            docker0_after: docker0,
        }
    }
}

impl PlanReport {
    fn of(plan: &Plan) -> PlanReport {
        PlanReport {
            daemon_json: plan
                .write
                .as_ref()
                .map(|change| change.keys_after.clone())
                .unwrap_or_default(),
            restart: plan.restart,
            networks: plan.moves.clone(),
            docker0: plan.docker0.map(|address| address.to_string()),
        }
    }
}

impl Diff {
    fn of(plan: &Plan) -> Diff {
        let change = plan.write.as_ref();
        change
            .map(|change| Diff::between(&change.path, &change.keys_before, &change.keys_after))
            .unwrap_or_default()
    }

    /// What the keys of a file were and are to be.
    pub fn between(path: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Diff {
        Diff {
            before_header: format!("{path} (keys rebridge changes, before)"),
            after_header: format!("{path} (keys rebridge changes, after)"),
            before: shown(before),
            after: shown(after),
        }
    }
}

fn shown(keys: &Map<String, Value>) -> String {
    match keys.is_empty() {
        true => String::new(),
        false => serde_json::to_string_pretty(keys).unwrap_or_default() + "\n",
    }
}
