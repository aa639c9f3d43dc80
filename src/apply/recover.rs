//! What a run that was killed left behind is put right before anything new is planned.

use super::cause::NotRestored;
use super::journal::{self, Record};
use super::networks::{self, moves::Side};
use super::phases::PhaseName;
use super::progress::Progress;
use super::refusal::Refusal;
use super::rollback::roll_back;
use crate::facts::Facts;
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::{observe, service};
use std::path::Path;
use std::time::Duration;

/// What an interrupted run left behind, and what became of it.
#[derive(Debug, PartialEq)]
pub enum Recovered {
    Nothing,
    /// It had done its work, or had changed nothing yet; its journal is closed.
    Closed(Closed),
    /// It was half-way; the old state is back.
    Undone,
    /// It was half-way, and the way back failed.
    Stuck(NotRestored),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Done,
    NotBegun,
}

/// Settles an interrupted run before anything new is planned: closes its journal where it had done
/// its work or none of it, undoes what is half-done. Where Docker must not be restarted, what is
/// half-done stays: at boot, an order to start Docker would wait for the very unit that gives it.
pub fn recover(
    host: &Host,
    timeout: Duration,
    may_restart: bool,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    sweep(host);
    let Some(record) = pending(host)? else {
        return Ok(Recovered::Nothing);
    };
    let now = observe(host);
    if has_arrived(host, &now, &record) {
        close(host, record, Closed::Done)
    } else if has_not_begun(host, &now, &record) {
        close(host, record, Closed::NotBegun)
    } else if record.touches_docker() && !may_restart {
        Err(Refusal::HalfWayNeedsRestart)
    } else {
        Ok(undo(host, &record, timeout, progress))
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

/// Removes files that were not put in their place yet: litter of a run that was killed before
/// anything happened. Where they cannot be removed, nothing can be written either, and the run will
/// say that.
fn sweep(host: &Host) {
    let _ = host.sweep(Path::new(&service::read(host).config_path()));
    let _ = journal::sweep(host);
}

fn pending(host: &Host) -> Result<Option<Record>, Refusal> {
    journal::read(host).map_err(Refusal::JournalUnreadable)
}

/// Whether the host is where the run wanted to bring it.
fn has_arrived(host: &Host, now: &Facts, record: &Record) -> bool {
    let docker0 = record.docker0_after.or(record.docker0_before);
    now.docker.config.text == record.after
        && (!record.restart || now.docker0() == docker0)
        && can_tell(now, record)
        && networks::is_at(host, &record.moves, Side::New)
}

/// Whether the host is where the run found it.
fn has_not_begun(host: &Host, now: &Facts, record: &Record) -> bool {
    now.docker.config.text == record.before
        && now.docker0() == record.docker0_before
        && can_tell(now, record)
        && networks::is_at(host, &record.moves, Side::Old)
}

/// A restart that was cut short leaves an engine that does not answer.
fn can_tell(now: &Facts, record: &Record) -> bool {
    now.docker.engine.is_some() || !record.restart
}

fn close(host: &Host, mut record: Record, closed: Closed) -> Result<Recovered, Refusal> {
    let closing = match closed {
        Closed::Done => {
            if !record.moves.networks.is_empty() {
                // A rollback has to know which subnets the engine chose.
                record.moves = networks::verify_moved(host, &record.moves).1;
            }
            journal::commit(host, &record)
        }
        Closed::NotBegun => journal::clear(host),
    };
    if record.restart {
        record.containers.restore(host);
    }
    match closing {
        Ok(()) => Ok(Recovered::Closed(closed)),
        Err(error) => Err(Refusal::JournalNotClosed {
            why: error.to_string(),
        }),
    }
}

fn undo(host: &Host, record: &Record, timeout: Duration, progress: &dyn Progress) -> Recovered {
    progress.step(PhaseName::UndoInterruptedRun);
    let _shield = Shield::raise(progress.calm());
    match roll_back(host, record, timeout, progress).problem {
        Some(problem) => Recovered::Stuck(problem),
        None => {
            let _ = journal::clear(host);
            Recovered::Undone
        }
    }
}
