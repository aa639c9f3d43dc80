//! Goes the way back from the last apply, verified. Your own session is watched: where the old range
//! cuts it off, the state of the apply is put back, as an apply that cuts you off is rolled back.

use super::check::Check;
use super::journal::{self, Record};
use super::note::Note;
use super::progress::Progress;
use super::reachable;
use super::refusal::{Refusal, Step};
use super::rollback::{RollbackResult, put_back, roll_back};
use super::undo::WayBack;
use super::{deadman, seconds_for};
use crate::host::Host;
use crate::host::signals::Shield;
use std::time::Duration;

/// What the operator wants of a rollback.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// How long the restart of Docker may take; none for what suits the host.
    pub timeout: Option<Duration>,
    /// After so many seconds a timer goes forward again.
    pub dead_man: Option<u64>,
}

/// How it went.
#[derive(Debug)]
pub struct WentBack {
    pub result: RollbackResult,
    pub note: Option<Note>,
    /// Your session, if it fell silent. The result is that of the way forward again.
    pub silent: Option<Check>,
}

/// Goes the way back. The error is why it was not begun.
pub fn go_back(
    host: &Host,
    way: &WayBack,
    order: Order,
    progress: &dyn Progress,
) -> Result<WentBack, Refusal> {
    let record = record(host, way, order)?;
    let _shield = Shield::raise(progress.calm());
    journal::begin(host, &record).map_err(|error| Refusal::NotPrepared {
        step: Step::WriteJournal,
        why: error.to_string(),
    })?;
    if let Some(seconds) = order.dead_man
        && let Err(why) = deadman::arm(host, seconds, record.patience())
    {
        let _ = journal::clear(host);
        return Err(Refusal::DeadManNotArmed { why });
    }
    let went = watched(host, &record, way.session_in.as_deref(), progress);
    if order.dead_man.is_some() {
        deadman::disarm(host);
    }
    Ok(went)
}

fn record(host: &Host, way: &WayBack, order: Order) -> Result<Record, Refusal> {
    let mut record = way.record();
    if record.touches_docker() {
        record.patience = Some(seconds_for(host, &record, order.timeout));
        let forth = way.forth(host, &record);
        record.forth = Some(Box::new(forth.map_err(Refusal::NetworksNotRecorded)?));
    }
    Ok(record)
}

fn watched(
    host: &Host,
    record: &Record,
    session_in: Option<&str>,
    progress: &dyn Progress,
) -> WentBack {
    let mut result = roll_back(host, record, progress);
    if result.problem.is_some() {
        return WentBack {
            result,
            note: None,
            silent: None,
        };
    }
    // Where only the file goes back, no connection is touched.
    if let Some(forth) = &record.forth
        && let Some(session) = reachable::session(host, session_in)
    {
        if !session.ok {
            return forward_again(host, forth, session, result, progress);
        }
        result.verified.push(session);
    }
    let forgotten = journal::forget_last(host);
    WentBack {
        result,
        note: forgotten.err().map(Note::not_removed),
        silent: None,
    }
}

/// The journal stays that of the way back, which a run that follows a kill can settle from any point
/// of either way. The record of the apply stays: it can still be undone.
fn forward_again(
    host: &Host,
    forth: &Record,
    session: Check,
    back: RollbackResult,
    progress: &dyn Progress,
) -> WentBack {
    let mut result = put_back(host, forth, progress);
    result.phases.splice(0..0, back.phases);
    result.restarted |= back.restarted;
    let cleared = match result.problem {
        None => journal::clear(host),
        Some(_) => Ok(()),
    };
    WentBack {
        result,
        note: cleared.err().map(Note::not_removed),
        silent: Some(session),
    }
}
