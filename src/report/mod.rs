//! The result: its data, which is the JSON; the sentences in it; metrics and the map.

pub mod advice;
mod as_advice;
mod build;
mod cures;
pub mod error;
pub mod explanation;
pub mod kept_options;
pub mod map;
pub mod metrics;
pub mod news;
pub mod relieved;
pub mod sentences;
mod undone;
pub mod vocabulary;

use crate::apply::check::Check;
use crate::apply::phases::Phase;
use crate::assess::clash::Clash;
use crate::facts::{DockerState, Facts, ServiceManager};
use crate::plan::Plan;
use crate::plan::blocker::Blocker;
use crate::plan::relocate::Move;
use advice::Advice;
use kept_options::KeptOptions;
use relieved::ReliefReport;
use sentences::blockers;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocabulary::Vocabulary;

/// The result, version 1. A promise: fields are added, never renamed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// Version of this shape; 1.
    pub schema: u32,
    /// Whether anything on the host is different now (or, in check mode, would be).
    pub changed: bool,
    /// Whether rebridge could not do what was asked.
    pub failed: bool,
    /// One sentence that says what happened and what to do.
    pub msg: String,
    /// How the run ended.
    pub outcome: Outcome,
    /// What clashed before the change.
    pub clashes: Vec<Clash>,
    /// What clashes after the change (in check mode: what would).
    pub remaining: Vec<Clash>,
    /// What would count as a clash without `--ignore`.
    #[serde(default)]
    pub ignored: Vec<Clash>,
    /// What is in the way of the change, all of it, without what was accepted.
    #[serde(default)]
    pub blockers: Vec<InTheWay>,
    /// What rebridge decided to do.
    pub plan: PlanReport,
    /// What ought to stand in daemon.json, whether it does or not.
    #[serde(default)]
    pub wanted: Wanted,
    /// The change of daemon.json; only the keys that rebridge sets.
    pub diff: Diff,
    /// Docker before and after; null if rebridge refused before it looked.
    pub docker: Option<DockerReport>,
    /// Whether Docker was restarted, for the change or for its rollback.
    pub restarted: bool,
    /// What rebridge verified after the change.
    pub verified: Vec<Check>,
    /// Whether rebridge put the old state back.
    pub rolled_back: bool,
    /// Path of the copy of the old daemon.json.
    pub backup_file: Option<String>,
    /// How long each phase of the change took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// What else you should know, one sentence each.
    pub warnings: Vec<String>,
    /// What is worth knowing but is no clash, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The lines of the options file that count, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// What `--remember` keeps; null without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptOptions>,
    /// What `relieve` leads past Docker's bridges; null for every other verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief: Option<ReliefReport>,
    /// What to do by hand on a stranded host, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<String>,
    /// What only the text for people has.
    #[serde(skip)]
    pub advice: Advice,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing clashes.
    #[default]
    Clean,
    /// Something clashes: what `check` found, or what `apply` does not change.
    Clashing,
    /// Changed and verified.
    Changed,
    /// Check mode: there is something to change.
    WouldChange,
    /// Nothing was touched.
    Refused,
    /// The change failed; the old state is back and verified.
    RolledBack,
    /// The change failed, and so did its rollback.
    Stranded,
}

/// What rebridge decided to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanReport {
    /// The keys of daemon.json to set, with their values.
    pub daemon_json: Map<String, Value>,
    /// Whether Docker restarts.
    pub restart: bool,
    /// The existing networks to re-create on other subnets.
    pub networks: Vec<Move>,
    /// docker0's new address, such as `10.200.255.1/24`; null if it stays.
    pub docker0: Option<String>,
}

/// A reason not to carry out the change as things are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InTheWay {
    /// The word of `--accept` that accepts it; null if nothing but settling it helps.
    pub accept: Option<String>,
    /// What is in the way, and what it would lose.
    pub what: String,
    /// The file and line, the process, the container, the rule; null where none is known.
    #[serde(rename = "where")]
    pub place: Option<String>,
    /// What to do.
    pub next: String,
}

/// What ought to be, for roles and tools that own the file. It is the same from run to run, also
/// when nothing clashes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Wanted {
    /// The keys that say where docker0 and new networks lie, with their values; empty if Docker's
    /// own choice will do.
    pub daemon_json: Map<String, Value>,
    /// The same as flags of dockerd, for tools that give it flags. Docker does not start with a
    /// setting in both places.
    #[serde(default)]
    pub flags: Vec<String>,
}

/// A change as Ansible shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diff {
    /// Title of `before`.
    pub before_header: String,
    /// Title of `after`.
    pub after_header: String,
    /// The keys as they were, as JSON text.
    pub before: String,
    /// The keys as they will be, as JSON text.
    pub after: String,
}

/// Docker, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DockerReport {
    /// `absent`, `stopped` or `running`.
    pub state: DockerState,
    /// Such as `26.1.5`; null if Docker does not answer.
    pub version: Option<String>,
    /// What starts and stops it, or null.
    pub service: Option<ServiceManager>,
    /// Path of the configuration file that Docker reads.
    pub config_file: String,
    /// docker0's address before the change.
    pub docker0_before: Option<String>,
    /// docker0's address after the change.
    pub docker0_after: Option<String>,
}

impl Report {
    /// A verb that only looks exits 1 for a clash.
    pub fn exit_code(&self, only_looks: bool) -> u8 {
        match self.outcome {
            Outcome::Clean | Outcome::Changed | Outcome::WouldChange => 0,
            Outcome::Clashing => u8::from(only_looks),
            Outcome::Refused => 3,
            Outcome::RolledBack => 4,
            Outcome::Stranded => 5,
        }
    }

    pub fn json(&self) -> String {
        // Strings, numbers and lists always become JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub fn docker0_before(&self) -> Option<&str> {
        self.docker.as_ref()?.docker0_before.as_deref()
    }

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

impl InTheWay {
    fn of(blocker: &Blocker, words: Vocabulary) -> InTheWay {
        InTheWay {
            accept: blocker.accept().map(|accept| accept.word().to_owned()),
            what: blockers::what(blocker, words),
            place: blockers::place(blocker),
            next: blockers::next(blocker, words),
        }
    }

    pub fn list(of: &[Blocker], words: Vocabulary) -> Vec<InTheWay> {
        of.iter().map(|one| InTheWay::of(one, words)).collect()
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
