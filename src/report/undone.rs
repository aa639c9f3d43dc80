//! The reports of a rollback.

use super::advice;
use super::sentences::{afterwards, causes, outcome, undo};
use super::vocabulary::Vocabulary;
use super::{Diff, Outcome, Report};
use crate::apply::go_back::WentBack;
use crate::apply::undo::WayBack;
use crate::facts::Facts;

impl Report {
    /// `rollback --check`, and the question: what would be undone, nothing touched.
    pub fn undo_previewed(facts: &Facts, way: &WayBack) -> Report {
        let mut report = Report {
            changed: true,
            outcome: Outcome::WouldChange,
            msg: undo::would_undo(way),
            ..Report::of_facts(facts)
        };
        report.warnings.extend(undo::pools_come_back(way));
        let clashes = way.clashes_then(facts);
        report
            .warnings
            .extend(clashes.iter().map(undo::clashes_then));
        report.plan.restart = way.restart;
        report.plan.docker0 = way.docker0().map(|address| address.to_string());
        report.plan.networks = way.moves();
        let (now, then) = way.keys();
        report.diff = Diff::between(way.path(), &now, &then);
        let docker0 = way.restart.then(|| undo::docker0(way));
        report.advice.then = advice::then_back(way.path(), docker0);
        if way.restart {
            report.set_docker0(way.docker0());
        }
        report
    }

    /// `rollback --check` where an apply was interrupted half-way.
    pub fn undo_of_interrupted_previewed(facts: &Facts) -> Report {
        Report {
            changed: true,
            outcome: Outcome::WouldChange,
            msg: undo::WOULD_UNDO_INTERRUPTED.to_owned(),
            ..Report::of_facts(facts)
        }
    }

    /// `rollback`: what was undone, after a preview of it.
    pub fn undone(preview: Report, way: &WayBack, went: WentBack, words: Vocabulary) -> Report {
        let WentBack {
            result,
            note,
            silent,
        } = went;
        let mut report = Report {
            restarted: result.restarted,
            verified: result.verified,
            phases: result.phases,
            ..preview
        };
        report.set_docker0(result.after.docker0());
        let missing = result
            .missing
            .iter()
            .map(|one| afterwards::missing(&one.container, &one.why));
        report.warnings.extend(missing);
        report
            .warnings
            .extend(result.notes.iter().chain(&note).map(afterwards::note));
        match (result.problem, silent) {
            (None, None) => {
                report.rolled_back = true;
                report.outcome = Outcome::Changed;
                report.msg = undo::undone(way);
            }
            (None, Some(session)) => {
                report.changed = false;
                report.failed = true;
                report.rolled_back = true;
                report.outcome = Outcome::RolledBack;
                report.msg = undo::cut_off(way, &session);
            }
            (Some(problem), silent) => {
                let problem = causes::not_restored(&problem, None);
                let what = undo::not_undone(way, silent.as_ref(), &problem);
                report.leave_to_a_person(what, outcome::steps_after_rollback(way.unit(), words));
            }
        }
        report
    }

    /// `rollback` where there was nothing to undo, or only what an interrupted run had left.
    pub fn nothing_to_undo(facts: &Facts, msg: &str) -> Report {
        Report {
            msg: msg.to_owned(),
            ..Report::of_facts(facts)
        }
    }

    /// An apply or a rollback that was interrupted half-way is undone.
    pub fn interrupted_undone(facts: &Facts) -> Report {
        Report {
            changed: true,
            rolled_back: true,
            outcome: Outcome::Changed,
            ..Report::nothing_to_undo(facts, undo::INTERRUPTED_UNDONE)
        }
    }
}
