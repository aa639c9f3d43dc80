//! `rebridge rollback`: undo the last apply, verified.

use super::{Ended, take_charge};
use crate::apply::rollback::roll_back;
use crate::apply::{journal, text_of};
use crate::cli::Rollback;
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::facts::DockerState;
use crate::observe::observe;
use crate::report::progress::Progress;
use crate::report::{Outcome, Report};
use crate::verbs::apply::Ask;
use std::time::Duration;

/// Runs the verb.
pub fn run(arguments: &Rollback, ask: Ask) -> Ended {
    let host = Host::live();
    let _lock = match take_charge(&host, "roll back") {
        Ok(lock) => lock,
        Err(report) => return Ok(*report),
    };
    let refuse = |msg: String| Ok(Report::without_facts(msg));
    let mut record = match journal::last(&host) {
        Ok(Some(record)) => record,
        Ok(None) => {
            return refuse("cannot roll back: no apply has been recorded on this host; nothing was touched".to_owned());
        }
        Err(error) => {
            return refuse(format!("cannot read the record of the last apply in {}: {error}", journal::FOLDER));
        }
    };
    if text_of(&host, &record.path) != record.after {
        return refuse(format!(
            "cannot roll back: {} was edited after the apply of {}; nothing was touched; undo by hand what you want undone",
            record.path, record.began
        ));
    }
    let facts = observe(&host);
    // Docker that is stopped now stays so; the bytes alone go back.
    record.restart = facts.docker.state == DockerState::Running && record.docker0_before != facts.docker0();
    let mut report = Report::about(&facts, Vec::new());
    let old = record.docker0_before.map_or("no docker0".to_owned(), |address| format!("docker0 on {address}"));
    report.plan.restart = record.restart;
    report.plan.docker0 = record.docker0_before.map(|address| address.to_string());
    report.msg = format!("would undo the apply of {}: {} as it was, {old}", record.began, record.path);
    if !ask(&report) {
        report.failed = true;
        report.outcome = Outcome::Refused;
        report.msg = "not confirmed; nothing was touched".to_owned();
        return Ok(report);
    }
    let _shield = Shield::raise();
    let progress = Progress::new(!arguments.json);
    progress.say("rolling back");
    let back = roll_back(&host, &record, Duration::from_secs(arguments.timeout));
    report.restarted = record.restart;
    report.verified = back.verified;
    report.docker.docker0_after = back.after.docker0().map(|address| address.to_string());
    report.changed = true;
    match back.problem {
        None => {
            let _ = journal::forget_last(&host);
            report.rolled_back = true;
            report.outcome = Outcome::Changed;
            report.msg = format!("the apply of {} is undone: {} as it was, {old}", record.began, record.path);
        }
        Some(problem) => {
            report.failed = true;
            report.outcome = Outcome::Stranded;
            report.msg = format!(
                "the apply of {} could not be undone: {problem}; see `journalctl -u docker.service -n 50`, then \
                 `systemctl reset-failed docker.service docker.socket && systemctl start docker.service`",
                record.began
            );
        }
    }
    Ok(report)
}
