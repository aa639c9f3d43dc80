//! What a run that was killed left behind is put right before anything new is planned.

use super::cause::NotRestored;
use super::containers::{ContainerStates, Missing};
use super::deadman;
use super::edited_meanwhile::keep_edits;
use super::journal::{self, Left, Record};
use super::networks::{self, moves::Side};
use super::phases::PhaseName;
use super::progress::Progress;
use super::refusal::Refusal;
use super::restart::Restarter;
use super::rollback::{self, put_back, roll_back};
use super::undo::operator_in;
use crate::facts::Facts;
use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::{observe, observe_closely, service};
use crate::policy::accept::{Accept, Accepted};
use std::path::Path;
use std::time::Duration;

/// What an interrupted run left behind, and what became of it.
#[derive(Debug, PartialEq)]
pub enum Recovered {
    Nothing,
    /// It had done its work, or had changed nothing yet; its journal is closed.
    Closed(Closed, Vec<Missing>),
    /// It was half-way; the old state is back.
    Undone {
        /// A copy of the file that was edited meanwhile.
        copy: Option<String>,
    },
    /// It was half-way, and the way back failed.
    Stuck(NotRestored),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Done,
    NotBegun,
    /// The same of a way back.
    WentBack,
    DidNotGoBack,
}

/// How long after its beginning a run may have restarted Docker without having noted it.
const OUR_RESTART: Duration = Duration::from_secs(300);

/// Settles an interrupted run before anything new is planned: closes its journal where it had done
/// its work or none of it, undoes what is half-done. Where Docker must not be restarted, what is
/// half-done stays: at boot, an order to start Docker would wait for the very unit that gives it.
pub fn recover(
    host: &Host,
    timeout: Option<Duration>,
    may_restart: bool,
    accepted: Accepted,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    sweep(host);
    let Some(record) = pending(host, timeout)? else {
        return Ok(Recovered::Nothing);
    };
    if record.touches_docker() {
        Restarter::of(host, &record).wait_while_under_way();
    }
    let now = observe(host);
    let settled = settle(host, &now, record, may_restart, accepted, progress)?;
    if !matches!(settled, Recovered::Stuck(_)) {
        deadman::disarm_left(host);
    }
    Ok(settled)
}

fn settle(
    host: &Host,
    now: &Facts,
    record: Record,
    may_restart: bool,
    accepted: Accepted,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    if has_arrived(host, now, &record) {
        let closed = match record.going_back {
            true => Closed::DidNotGoBack,
            false => Closed::Done,
        };
        close(host, now, record, closed)
    } else if has_not_begun(host, now, &record) {
        let closed = match record.going_back {
            true => Closed::WentBack,
            false => Closed::NotBegun,
        };
        close(host, now, record, closed)
    } else if record.touches_docker() && !may_restart {
        Err(Refusal::HalfWayNeedsRestart)
    } else {
        may_come_back(now, &record, accepted)?;
        undo(host, record, progress)
    }
}

/// Whether docker0's old range may be Docker's again, for all that is known of your session.
fn may_come_back(now: &Facts, record: &Record, accepted: Accepted) -> Result<(), Refusal> {
    let moves = record.restart && now.docker0() != record.docker0_before;
    let range = record.old_range().filter(|_| moves);
    let cut_off = range.and_then(|range| Some((operator_in(now, &range)?, range)));
    match cut_off {
        Some((peer, range)) if !accepted.holds(Accept::Lockout) => {
            Err(Refusal::HalfWayCutsOff { peer, range })
        }
        Some(_) | None => Ok(()),
    }
}

/// What the dead man's switch does: undoes an interrupted run, however far it came. A way back that
/// it was set for leads forward again.
pub fn undo_pending(
    host: &Host,
    timeout: Option<Duration>,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    let Some(mut record) = pending(host, timeout)? else {
        return Ok(Recovered::Nothing);
    };
    match record.forth.take() {
        Some(forth) => forward_again(host, record, *forth, progress),
        None => undo(host, record, progress),
    }
}

/// Removes files that were not put in their place yet: litter of a run that was killed before
/// anything happened. Where they cannot be removed, nothing can be written either, and the run will
/// say that.
fn sweep(host: &Host) {
    let _ = host.sweep(Path::new(&service::read(host).config_path()));
    let _ = journal::sweep(host);
}

/// The record of an interrupted run. A file that Docker does not read any more is not judged, let
/// alone written.
fn pending(host: &Host, timeout: Option<Duration>) -> Result<Option<Record>, Refusal> {
    let record = journal::read(host).map_err(Refusal::JournalUnreadable)?;
    let read = service::read(host).config_path();
    match record {
        Some(record) if record.path != read => Err(Refusal::PathMoved {
            changed: record.path,
            read,
        }),
        record => Ok(record.map(|record| Record {
            patience: timeout.map(|time| time.as_secs()).or(record.patience),
            ..record
        })),
    }
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
        && (!record.had_docker0() || now.docker0() == record.docker0_before)
        && can_tell(now, record)
        && networks::is_at(host, &record.moves, Side::Old)
}

/// A restart that was cut short leaves an engine that does not answer. One that is stopped is not
/// asked for its networks: its socket would start it.
fn can_tell(now: &Facts, record: &Record) -> bool {
    now.docker.engine.is_some() || !record.touches_docker()
}

fn close(
    host: &Host,
    now: &Facts,
    mut record: Record,
    closed: Closed,
) -> Result<Recovered, Refusal> {
    // The journal last: killed before it, the next run brings the containers back.
    let missing = match record.restart && is_of_the_run(now, &record) {
        true => record.containers.restore(host, record.began()),
        false => Vec::new(),
    };
    let closing = match closed {
        Closed::Done => {
            if !record.moves.networks.is_empty() {
                // A rollback has to know which subnets the engine chose.
                record.moves = networks::verify_moved(host, &record.moves).1;
            }
            journal::commit(host, &record)
        }
        Closed::WentBack => journal::forget_last(host),
        Closed::NotBegun | Closed::DidNotGoBack => journal::clear(host),
    };
    match closing {
        Ok(()) => Ok(Recovered::Closed(closed, missing)),
        Err(error) => Err(Refusal::JournalNotClosed {
            why: error.to_string(),
        }),
    }
}

/// Whether Docker has not been restarted since the run. If it has, the containers that ran then are
/// not those that should run now.
fn is_of_the_run(now: &Facts, record: &Record) -> bool {
    let began = &now.docker.started;
    if began.is_none() || *began == record.dockerd_began || *began == record.dockerd_restarted {
        return true;
    }
    let moment = |text: &str| humantime::parse_rfc3339(text).ok();
    let limit = OUR_RESTART.max(record.patience() * 2);
    let soon_after = |then: &str| {
        let both = began.as_deref().and_then(moment).zip(moment(then));
        both.and_then(|(began, then)| began.duration_since(then).ok())
            .is_some_and(|since| since < limit)
    };
    let went_back = record.went_back.as_deref().is_some_and(soon_after);
    went_back || record.dockerd_restarted.is_none() && soon_after(&record.began)
}

fn forward_again(
    host: &Host,
    record: Record,
    forth: Record,
    progress: &dyn Progress,
) -> Result<Recovered, Refusal> {
    let now = observe_closely(host);
    let mut forth = Record {
        patience: record.patience,
        ..forth
    };
    if now.docker.engine.is_some() && !is_of_the_run(&now, &record) {
        forth.containers = ContainerStates::of(&now);
    }
    progress.step(PhaseName::UndoInterruptedRun);
    let _shield = Shield::raise(progress.calm());
    let text = now.docker.config.text;
    let copy = match text == rollback::text_with_bip(&record) {
        true => None,
        false => keep_edits(host, text.as_deref(), &mut forth)?,
    };
    if let Some(problem) = put_back(host, &forth, progress).problem {
        return Ok(Recovered::Stuck(problem));
    }
    let _ = journal::clear(host);
    Ok(Recovered::Undone { copy })
}

fn undo(host: &Host, mut record: Record, progress: &dyn Progress) -> Result<Recovered, Refusal> {
    let now = observe_closely(host);
    if now.docker.engine.is_some()
        && record.left.as_ref() == Some(&Left::by(&now))
        && let Some(problem) = rollback::not_restored(host, &record)
    {
        return Ok(Recovered::Stuck(problem));
    }
    if now.docker.engine.is_some() && !is_of_the_run(&now, &record) {
        record.containers = ContainerStates::of(&now);
    }
    progress.step(PhaseName::UndoInterruptedRun);
    let _shield = Shield::raise(progress.calm());
    let copy = keep_edits(host, now.docker.config.text.as_deref(), &mut record)?;
    if let Some(problem) = roll_back(host, &record, progress).problem {
        record.left = Some(Left::by(&observe(host)));
        // Only a later run would miss it, and try once more.
        let _ = journal::begin(host, &record);
        return Ok(Recovered::Stuck(problem));
    }
    let _ = match record.going_back {
        true => journal::forget_last(host),
        false => journal::clear(host),
    };
    Ok(Recovered::Undone { copy })
}
