//! `rebridge rollback`: undo the last apply, verified, be it days later.

use super::apply::stuck;
use super::consent::Consent;
use super::request::RollbackRequest;
use super::take_charge;
use crate::apply::deadman;
use crate::apply::go_back::go_back;
use crate::apply::progress::Progress;
use crate::apply::recover::{Recovered, recover, undo_pending};
use crate::apply::relief::restore;
use crate::apply::undo::{Obstacle, WayBack, way_back};
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::{observe, observe_before_a_change, observe_closely};
use crate::policy::Policy;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::sentences::undo::{APPLY_ENDED, NOTHING, recovered as recovered_notes};

/// Runs the verb.
pub fn run(
    request: &RollbackRequest,
    progress: &dyn Progress,
    consent: Consent,
) -> Result<Report, Error> {
    let host = Host::live();
    let words = request.vocabulary;
    if request.check {
        return preview(&host, request);
    }
    let _lock = take_charge(&host, "roll back", request.wait)?;
    if request.settle {
        return settle(&host, request, progress);
    }
    let recovered = recover(
        &host,
        request.order.timeout,
        true,
        request.accepted,
        progress,
    )?;
    let mut report = match &recovered {
        Recovered::Nothing | Recovered::Closed(..) => {
            find_and_go(&host, request, progress, consent)?
        }
        Recovered::Undone { .. } => Report::interrupted_undone(&observe(&host)),
        Recovered::Stuck(problem) => stuck(&host, &Policy::default(), problem, words),
    };
    let notes = recovered_notes(&recovered);
    report
        .warnings
        .splice(0..0, notes.into_iter().filter(|note| *note != report.msg));
    Ok(report)
}

/// Looks for the way back, asks, and goes it. The host may change while the question stands.
fn find_and_go(
    host: &Host,
    request: &RollbackRequest,
    progress: &dyn Progress,
    consent: Consent,
) -> Result<Report, Error> {
    let mut asked = None;
    loop {
        let facts = observe_before_a_change(host);
        let Some(way) = wanted_way_back(host, &facts, request)? else {
            return Ok(Report::nothing_to_undo(&facts, NOTHING));
        };
        let preview = Report::undo_previewed(&facts, &way);
        if consent.is_given() || asked.as_ref() == Some(&way) {
            let went = go_back(host, &way, request.order, progress)?;
            let is_back = went.result.problem.is_none() && went.silent.is_none();
            let relief = match is_back && !way.relief().is_empty() {
                true => restore(host, &observe_closely(host), way.relief()),
                false => None,
            };
            let mut report = Report::undone(preview, &way, went, request.vocabulary);
            report.relief_restored(relief, request.vocabulary);
            return Ok(report);
        }
        if let Err(report) = consent.to(preview) {
            return Ok(*report);
        }
        asked = Some(way);
    }
}

/// What would be undone; nothing is touched.
fn preview(host: &Host, request: &RollbackRequest) -> Result<Report, Error> {
    if !host.may_change() {
        return Err(Error::RecordUnreadable);
    }
    let facts = observe_before_a_change(host);
    if facts.interrupted {
        return Ok(Report::undo_of_interrupted_previewed(&facts));
    }
    Ok(match wanted_way_back(host, &facts, request)? {
        Some(way) => Report::undo_previewed(&facts, &way),
        None => Report::nothing_to_undo(&facts, NOTHING),
    })
}

/// The way back; none where there is nothing to undo and the operator is content with that.
fn wanted_way_back(
    host: &Host,
    facts: &Facts,
    request: &RollbackRequest,
) -> Result<Option<WayBack>, Obstacle> {
    match way_back(host, facts, request.accepted) {
        Err(Obstacle::NothingRecorded) if request.unless_none => Ok(None),
        found => found,
    }
}

/// What the dead man's switch does: undo the apply that has left its journal, however far it came.
fn settle(
    host: &Host,
    request: &RollbackRequest,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let undone = undo_pending(host, request.order.timeout, progress)?;
    if !matches!(undone, Recovered::Stuck(_)) {
        deadman::remove_files(host);
    }
    Ok(match undone {
        Recovered::Stuck(problem) => stuck(host, &Policy::default(), &problem, request.vocabulary),
        Recovered::Undone { .. } => Report::interrupted_undone(&observe(host)),
        Recovered::Nothing | Recovered::Closed(..) => {
            Report::nothing_to_undo(&observe(host), APPLY_ENDED)
        }
    })
}
