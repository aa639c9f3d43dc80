//! What a run that was killed left behind is put right before anything new is planned.

use super::journal::{self, Record};
use super::networks::{self, moves::Side};
use super::progress::Progress;
use super::refusal::Refusal;
use super::rollback::roll_back;
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::{observe, service};
use std::path::Path;
use std::time::Duration;

/// What an interrupted run left behind, and what became of it.
#[derive(Debug, PartialEq)]
pub enum Recovered {
    /// There was nothing.
    Nothing,
    /// It had done its work, or none of it.
    Closed(String),
    /// It was half-way; the old state is back.
    Undone(String),
    /// It was half-way, and the way back failed.
    Stuck(String),
}

/// Finishes with the journal of an interrupted run, before anything new is planned: closes it where
/// the run had done its work or none of it, undoes what is half-done. Where Docker must not be
/// restarted, what is half-done stays: at boot, an order to start Docker would wait for the very
/// unit that gives it.
pub fn recover(
    host: &Host,
    timeout: Duration,
    may_restart: bool,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    // Not yet a file: litter of a run that was killed before anything happened. Where it cannot be
    // removed, nothing can be written either, and that will be said.
    let _ = host.sweep(Path::new(&service::read(host).config_path()));
    let _ = journal::sweep(host);
    let Some(mut record) = pending(host)? else {
        return Ok(Recovered::Nothing);
    };
    let now = observe(host);
    let text = now.docker.config.text.clone();
    let answering = now.docker.engine.is_some() || !record.restart;
    let at = |side| answering && networks::is_at(host, &record.moves, side);
    let docker0_moved =
        !record.restart || now.docker0() == record.docker0_after.or(record.docker0_before);
    let arrived = text == record.after && docker0_moved && at(Side::New);
    let not_begun =
        text == record.before && now.docker0() == record.docker0_before && at(Side::Old);
    if arrived && !record.moves.networks.is_empty() {
        // Which subnets the engine chose is to be known for a rollback.
        networks::verify(host, &mut record.moves, Side::New);
    }
    let closed = if arrived && answering {
        Some((
            journal::commit(host, &record),
            "an interrupted run had done its work; its journal is closed",
        ))
    } else if not_begun && answering {
        Some((
            journal::clear(host),
            "an interrupted run had changed nothing yet; its journal is closed",
        ))
    } else {
        None
    };
    let Some((closing, words)) = closed else {
        if !may_restart && (record.restart || !record.moves.networks.is_empty()) {
            return Err(Refusal::HalfWayNeedsRestart);
        }
        return Ok(undo(host, &record, timeout, progress));
    };
    if record.restart {
        record.containers.restore(host);
    }
    match closing {
        Ok(()) => Ok(Recovered::Closed(words.to_owned())),
        Err(error) => Err(Refusal::JournalNotClosed {
            why: error.to_string(),
        }),
    }
}

/// Undoes an interrupted run, however far it came.
pub fn undo_pending(
    host: &Host,
    timeout: Duration,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    Ok(pending(host)?.map_or(Recovered::Nothing, |record| {
        undo(host, &record, timeout, progress)
    }))
}

fn pending(host: &Host) -> Result<Option<Record>, Refusal> {
    journal::read(host).map_err(Refusal::JournalUnreadable)
}

fn undo(host: &Host, record: &Record, timeout: Duration, progress: &dyn Progress) -> Recovered {
    progress.step("undoing an interrupted run");
    let _shield = Shield::raise(progress.calm());
    let back = roll_back(host, record, timeout, progress);
    match back.problem {
        Some(problem) => Recovered::Stuck(problem),
        None => {
            let _ = journal::clear(host);
            Recovered::Undone(
                "an interrupted run was half-way; the state before it is back and verified"
                    .to_owned(),
            )
        }
    }
}
