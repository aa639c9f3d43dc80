//! Last stage: an outcome becomes JSON, a text for people and an exit code.

pub mod advice;
pub mod map;
pub mod metrics;
pub mod sentences;

use crate::apply::phases::Phase;
use crate::apply::verify::Check;
use crate::assess::{self, clash::Clash};
use crate::facts::{DockerState, Facts, ServiceManager};
use crate::plan::relocate::Move;
use crate::plan::{Decision, Plan};
use crate::policy::Policy;
use advice::Advice;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The result, version 1. A promise: fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Docker, before and after.
    pub docker: DockerReport,
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
    /// What only people are told.
    #[serde(skip)]
    pub advice: Advice,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing clashes.
    Clean,
    /// Something clashes. Of `check`; of `apply` where only what it does not change clashes.
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
    /// A report about a host judged by a policy.
    pub fn of(facts: &Facts, policy: &Policy) -> Report {
        let mut report = Report::about(facts, assess::assess(facts, policy));
        report.ignored = assess::assess_ignored(facts, policy);
        report
            .warnings
            .extend(assess::swarm::notes(facts, policy, &report.clashes));
        let traced = report.clashes.iter().find(|clash| clash.is_fleeting());
        report
            .warnings
            .extend(traced.filter(|_| policy.avoid.is_empty()).map(|clash| {
                format!(
                    "{} is one address; if it belongs to a network that this host needs, name the \
                 network with --avoid, so that Docker keeps off all of it",
                    clash.with.net.addr()
                )
            }));
        report
    }

    /// A report about a host that was only looked at.
    pub fn about(facts: &Facts, clashes: Vec<Clash>) -> Report {
        let docker0 = facts.docker0().map(|address| address.to_string());
        Report {
            schema: 1,
            changed: false,
            failed: false,
            msg: String::new(),
            outcome: Outcome::Clean,
            remaining: clashes.clone(),
            clashes,
            ignored: Vec::new(),
            plan: PlanReport::default(),
            diff: Diff::default(),
            docker: DockerReport {
                state: facts.docker.state,
                version: facts
                    .docker
                    .engine
                    .as_ref()
                    .map(|engine| engine.version.clone()),
                service: facts.docker.service,
                config_file: facts.docker.config.path.clone(),
                docker0_before: docker0.clone(),
                docker0_after: docker0,
            },
            restarted: false,
            verified: Vec::new(),
            rolled_back: false,
            backup_file: None,
            phases: Vec::new(),
            warnings: notes(facts),
            advice: Advice::default(),
        }
    }

    /// A report of a run that ended before it looked at anything: bad arguments, not root, busy.
    pub fn without_facts(msg: String) -> Report {
        Report {
            schema: 1,
            changed: false,
            failed: true,
            msg,
            outcome: Outcome::Refused,
            clashes: Vec::new(),
            remaining: Vec::new(),
            ignored: Vec::new(),
            plan: PlanReport::default(),
            diff: Diff::default(),
            docker: DockerReport {
                state: DockerState::Absent,
                version: None,
                service: None,
                config_file: String::new(),
                docker0_before: None,
                docker0_after: None,
            },
            restarted: false,
            verified: Vec::new(),
            rolled_back: false,
            backup_file: None,
            phases: Vec::new(),
            warnings: Vec::new(),
            advice: Advice::default(),
        }
    }

    /// Adds what was decided.
    pub fn with_decision(mut self, decision: &Decision) -> Report {
        if let Decision::Change(plan) = decision {
            self.plan = PlanReport::of(plan);
            self.diff = Diff::of(plan);
            self.warnings.extend(plan.warnings.clone());
        }
        self
    }

    /// The exit code of the outcome; `check` alone exits 1 for what it found.
    pub fn exit_code(&self, verb_is_check: bool) -> u8 {
        match self.outcome {
            Outcome::Clean | Outcome::Changed | Outcome::WouldChange => 0,
            Outcome::Clashing => u8::from(verb_is_check),
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
}

/// What was not seen, and what was seen and does not matter.
fn notes(facts: &Facts) -> Vec<String> {
    let unseen = facts.unseen.iter().map(|what| format!("not seen: {what}"));
    let rootless = facts.docker.rootless.iter().map(|user| {
        format!(
            "user {user} runs a rootless Docker besides: its bridges hide nothing from this host \
             and are not looked at"
        )
    });
    unseen.chain(rootless).collect()
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
        let keys = |keys: &Map<String, Value>| match keys.is_empty() {
            true => String::new(),
            false => serde_json::to_string_pretty(keys).unwrap_or_default() + "\n",
        };
        Diff {
            before_header: format!("{path} (keys rebridge changes, before)"),
            after_header: format!("{path} (keys rebridge changes, after)"),
            before: keys(before),
            after: keys(after),
        }
    }
}
