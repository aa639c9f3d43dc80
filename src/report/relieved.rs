//! The reports of relief.

use super::advice::Step;
use super::sentences::relief as sentences;
use super::vocabulary::Vocabulary;
use super::{Outcome, Report};
use crate::apply::relief::{Done, End, Fault};
use crate::assess::Assessment;
use crate::facts::Facts;
use crate::plan::relief::{Relief, RelievedRange};
use serde::{Deserialize, Serialize};

/// Relief: what leads past Docker's bridges, without a restart and until the next boot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReliefReport {
    /// The ranges of Docker's that packets get past.
    pub ranges: Vec<RelievedRange>,
    /// What only the cure helps, one sentence each.
    pub out_of_reach: Vec<String>,
    /// Why containers do not get past the bridge although this host does, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
}

impl ReliefReport {
    /// The routes, a line each.
    pub fn lines(&self) -> Vec<String> {
        let routes = self.ranges.iter().flat_map(|range| &range.routes);
        routes.map(sentences::route).collect()
    }
}

/// How the host stands beside the relief that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is lost now that relief may act on, and none is there.
    NotNeeded,
    /// Nothing of what is lost can be led past.
    NoHelp,
    InPlace,
    /// Routes are to be added, changed or removed.
    ToChange,
}

impl Report {
    /// `relieve --check`, the text above the question, and a run with nothing to do.
    pub fn relief_previewed(
        assessment: &Assessment,
        relief: &Relief,
        standing: Standing,
        words: Vocabulary,
    ) -> Report {
        let mut report = Report::judged(assessment, &[], words);
        let out_of_reach = relief.out_of_reach.iter().map(sentences::out_of_reach);
        let out_of_reach: Vec<String> = out_of_reach.collect();
        let obstacles: Vec<String> = relief.obstacles.iter().map(sentences::obstacle).collect();
        report.warnings.extend(obstacles.iter().cloned());
        report.warnings.extend(out_of_reach.iter().cloned());
        report.relief = Some(ReliefReport {
            ranges: relief.ranges.clone(),
            out_of_reach,
            obstacles,
        });
        let is_clean = assessment.clashes.is_empty();
        report.outcome = if is_clean {
            Outcome::Clean
        } else {
            Outcome::Clashing
        };
        match standing {
            Standing::NotNeeded => report.msg = sentences::not_needed(assessment, words),
            Standing::NoHelp => report.refuse(sentences::no_help(words)),
            Standing::InPlace => report.msg = sentences::in_place(relief, words),
            Standing::ToChange => {
                report.changed = true;
                report.outcome = Outcome::WouldChange;
                report.msg = sentences::would(relief);
                report.advice.then = sentences::then(relief);
            }
        }
        report
    }

    /// `relieve`: what was done, after a preview of it.
    pub fn relieved(
        preview: Report,
        relief: &Relief,
        done: Done,
        after: &Assessment,
        words: Vocabulary,
    ) -> Report {
        let mut report = Report {
            verified: done.verified,
            remaining: after.clashes.clone(),
            ..preview
        };
        report.advice.then.clear();
        match done.end {
            End::Relieved => {
                report.outcome = Outcome::Changed;
                report.msg = sentences::done(relief);
                report.advice.next = vec![Step {
                    run: "rebridge apply".to_owned(),
                    does: "is the cure, when the restart suits you; it takes the relief away"
                        .to_owned(),
                }];
            }
            End::TakenAway(fault) => {
                report.failed = true;
                report.changed = false;
                report.rolled_back = true;
                report.outcome = Outcome::RolledBack;
                report.msg = sentences::taken_away(fault.as_ref(), &report.verified);
            }
            End::Stranded(fault, then) => {
                let what = sentences::stranded(fault.as_ref(), &report.verified, &then);
                report.leave_to_a_person(what, sentences::steps(words));
            }
        }
        report
    }

    /// `apply --relieve`: relief comes first, then this run, which leaves the restart to the operator.
    pub fn follows_relief(&mut self, relief: Option<Report>) {
        let Some(relief) = relief else { return };
        self.msg = format!("{}; {}", relief.msg, self.msg);
        if relief.changed && !self.failed && !self.changed {
            self.changed = true;
            self.outcome = relief.outcome;
        }
        self.verified.splice(0..0, relief.verified);
        let limits = relief.relief.iter();
        let limits = limits.flat_map(|one| one.obstacles.iter().chain(&one.out_of_reach));
        self.warnings.extend(limits.cloned());
        if self.outcome == Outcome::Changed {
            self.advice.next = Step::back_from_relief_and_file();
        }
        self.relief = relief.relief;
    }

    /// What became of relief that a cure made useless.
    pub fn relief_ended(&mut self, ended: Option<Result<(), Fault>>) {
        match ended {
            None => {}
            Some(Ok(())) => self.notes.push(sentences::ENDED.to_owned()),
            Some(Err(fault)) => self.warnings.push(sentences::not_ended(&fault)),
        }
    }

    /// What became of relief that stood before an apply which is undone now.
    pub fn relief_restored(&mut self, restored: Option<Done>, words: Vocabulary) {
        let Some(done) = restored else { return };
        match done.end {
            End::Relieved => self.notes.push(sentences::RESTORED.to_owned()),
            End::TakenAway(fault) => {
                let why = sentences::taken_away(fault.as_ref(), &done.verified);
                self.warnings.push(sentences::not_restored(&why, words));
            }
            End::Stranded(fault, then) => {
                let why = sentences::stranded(fault.as_ref(), &done.verified, &then);
                self.warnings.push(sentences::not_restored(&why, words));
            }
        }
        self.verified.extend(done.verified);
    }

    /// `relieve --undo`: before it, or with nothing to undo.
    pub fn relief_undo_previewed(facts: &Facts, is_there: bool) -> Report {
        Report {
            changed: is_there,
            outcome: if is_there {
                Outcome::WouldChange
            } else {
                Outcome::Clean
            },
            msg: sentences::would_undo(facts, is_there),
            ..Report::of_facts(facts)
        }
    }

    /// `relieve --undo`: what became of it.
    pub fn relief_undone(
        preview: Report,
        facts: &Facts,
        done: Result<(), Fault>,
        words: Vocabulary,
    ) -> Report {
        let mut report = preview;
        match done {
            Ok(()) => {
                report.outcome = Outcome::Changed;
                report.msg = sentences::undone(facts);
            }
            Err(fault) => {
                let what = sentences::not_undone(&fault);
                report.leave_to_a_person(what, sentences::steps(words));
            }
        }
        report
    }
}
