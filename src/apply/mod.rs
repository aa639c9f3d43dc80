//! Fourth stage: carries out a plan, in a fixed order and without opinions:
//! write → restart → verify → commit, or roll back.
//!
//! Until the journal is on disk anything that goes wrong is a refusal and the host is untouched. From then on there
//! is no error any more, only an [`End`]: nothing can lose sight of the fact that the host was touched.

pub mod containers;
pub mod journal;
pub mod restart;
pub mod rollback;
pub mod verify;

use crate::host::Host;
use crate::host::signals::Shield;
use crate::observe::facts::Facts;
use crate::observe::{self, config_file};
use crate::plan::{Plan, Refusal};
use crate::policy::Policy;
use crate::report::progress::Progress;
use containers::Missing;
use journal::Record;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use verify::{Check, Probe};

/// Mode of a daemon.json that rebridge makes: the file holds no secret of ours, and Docker's packages use this one.
const NEW_FILE_MODE: u32 = 0o644;

/// What the operator allows and asks for beyond the plan.
#[derive(Debug, Clone)]
pub struct Request {
    /// How long Docker may take from the order to restart until it answers.
    pub timeout: Duration,
    /// Who must be reachable afterwards.
    pub probes: Vec<Probe>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Done, and verified if Docker was restarted.
    Changed,
    /// Not begun.
    Refused(Refusal),
    /// It went wrong for this reason; the old state is back and verified.
    RolledBack(String),
    /// It went wrong, and so did the way back.
    Stranded {
        /// What went wrong first.
        why: String,
        /// What went wrong on the way back.
        then: String,
    },
}

/// What was done.
#[derive(Debug)]
pub struct Applied {
    /// How it ended.
    pub end: End,
    /// What was looked at afterwards.
    pub verified: Vec<Check>,
    /// The copy of the old file.
    pub backup: Option<String>,
    /// Whether Docker was restarted, be it forth or back.
    pub restarted: bool,
    /// Containers that are not as they were.
    pub missing: Missing,
    /// The host as it was seen last.
    pub after: Facts,
}

/// Carries out a plan on a host whose lock is held.
pub fn apply(
    host: &Host,
    before: &Facts,
    plan: &Plan,
    policy: &Policy,
    request: &Request,
    progress: &Progress,
) -> Applied {
    let record = Record::of(before, plan, SystemTime::now());
    let (staged, backup) = match prepare(host, plan, &record) {
        Ok(prepared) => prepared,
        Err(refusal) => return untouched(before, refusal),
    };
    let shield = Shield::raise();
    if let Some(staged) = staged {
        progress.say("writing daemon.json");
        if let Err(error) = staged.commit() {
            // The rename did not happen: the old file is still the file.
            let _ = journal::clear(host);
            drop_copy(host, backup);
            let refusal = Refusal::new(format!("cannot replace {}: {error}", record.path), "the old file is untouched");
            return untouched(before, refusal);
        }
    }
    let mut applied = if plan.restart {
        restart_and_verify(host, &record, plan, policy, request, progress)
    } else {
        let verified = vec![verify::file(host, &record.path, record.after.as_deref())];
        let end = End::Changed;
        Applied { end, verified, restarted: false, ..nothing(observe::observe(host)) }
    };
    match applied.end {
        End::Changed | End::Stranded { .. } => applied.backup = backup,
        End::Refused(_) | End::RolledBack(_) => drop_copy(host, backup),
    }
    if !matches!(applied.end, End::Stranded { .. }) && !host.is_image() {
        // A stranded host keeps its journal: the next apply begins with it.
        let kept = if applied.end == End::Changed { journal::commit(host, &record) } else { journal::clear(host) };
        if let Err(error) = kept {
            applied.after.unseen.push(format!("the journal in {}: {error}", journal::FOLDER));
        }
    }
    drop(shield);
    applied
}

/// Everything that can fail before the host is touched: new bytes on disk beside the old, backup, journal.
fn prepare(
    host: &Host,
    plan: &Plan,
    record: &Record,
) -> Result<(Option<crate::host::files::Staged>, Option<String>), Refusal> {
    let untouched = "nothing was changed; make the place writable and run again";
    let cannot = |what: &str, error: std::io::Error| Refusal::new(format!("cannot {what}: {error}"), untouched);
    let mut staged = None;
    let mut backup = None;
    let path = Path::new(&record.path);
    if let Some(change) = &plan.write {
        if let Some(folder) = path.parent() {
            host.make_folder(folder, 0o755).map_err(|error| cannot(&format!("make {}", folder.display()), error))?;
        }
        let bytes = change.after.as_bytes();
        staged =
            Some(host.stage(path, bytes, NEW_FILE_MODE).map_err(|e| cannot(&format!("write {}", record.path), e))?);
        if change.before.is_some() && !host.is_image() {
            let suffix = format!(".rebridge-{}", humantime::format_rfc3339_seconds(SystemTime::now()));
            let copy = host.copy_beside(path, &suffix).map_err(|e| cannot(&format!("back up {}", record.path), e))?;
            backup = Some(copy.to_string_lossy().into_owned());
        }
    }
    if !host.is_image()
        && let Err(error) = journal::begin(host, record)
    {
        drop_copy(host, backup);
        return Err(cannot(&format!("write the journal in {}", journal::FOLDER), error));
    }
    Ok((staged, backup))
}

/// Where the old bytes are in their place, a copy of them beside it is only litter.
fn drop_copy(host: &Host, backup: Option<String>) {
    if let Some(path) = backup {
        let _ = host.remove(Path::new(&path));
    }
}

fn untouched(before: &Facts, refusal: Refusal) -> Applied {
    Applied { end: End::Refused(refusal), ..nothing(before.clone()) }
}

/// Nothing done yet, and this is how the host looks.
fn nothing(after: Facts) -> Applied {
    let missing = Missing::default();
    Applied { end: End::Changed, verified: Vec::new(), backup: None, restarted: false, missing, after }
}

fn restart_and_verify(
    host: &Host,
    record: &Record,
    plan: &Plan,
    policy: &Policy,
    request: &Request,
    progress: &Progress,
) -> Applied {
    let why = match forward(host, record, plan, policy, request, progress) {
        Ok(applied) => return applied,
        Err(why) => why,
    };
    progress.say("rolling back");
    let back = rollback::roll_back(host, record, request.timeout);
    let end = match back.problem {
        None => End::RolledBack(why),
        Some(then) => End::Stranded { why, then },
    };
    Applied { end, verified: back.verified, restarted: true, missing: back.missing, ..nothing(back.after) }
}

/// Restart, bring the containers back, verify. The error is why it has to be undone.
fn forward(
    host: &Host,
    record: &Record,
    plan: &Plan,
    policy: &Policy,
    request: &Request,
    progress: &Progress,
) -> Result<Applied, String> {
    if plan.stop_first {
        progress.say("stopping containers");
        record.containers.stop(host)?;
    }
    let deadline = Instant::now() + request.timeout;
    progress.say("restarting Docker");
    restart::restart(host, deadline)?;
    progress.say("bringing containers back");
    let missing = record.containers.restore(host);
    progress.say("verifying docker0, the pools and the routes");
    let (verified, after) =
        verify::until(host, deadline, || verify::moved(host, plan, record, policy, &request.probes));
    match verified.iter().find(|check| !check.ok) {
        None => Ok(Applied { verified, restarted: true, missing, ..nothing(after) }),
        Some(check) => Err(format!("Docker restarted, but {}", check.complaint())),
    }
}

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

/// Finishes with the journal of an interrupted run, before anything new is planned.
pub fn recover(host: &Host, timeout: Duration, progress: &Progress) -> Result<Recovered, Refusal> {
    let record = match journal::read(host) {
        Ok(None) => return Ok(Recovered::Nothing),
        Ok(Some(record)) => record,
        Err(error) => {
            return Err(Refusal::new(
                format!("cannot read the journal of an interrupted run in {}: {error}", journal::FOLDER),
                "see whether Docker is as you want it, then remove the file",
            ));
        }
    };
    let now = observe::observe(host);
    let text = now.docker.config.text.clone();
    let answering = now.docker.engine.is_some() || !record.restart;
    let arrived = text == record.after && (!record.restart || now.docker0() == Some(record.docker0_after));
    let not_begun = text == record.before && now.docker0() == record.docker0_before;
    let closed = if arrived && answering {
        Some((journal::commit(host, &record), "an interrupted run had done its work; its journal is closed"))
    } else if not_begun && answering {
        Some((journal::clear(host), "an interrupted run had changed nothing yet; its journal is closed"))
    } else {
        None
    };
    if let Some((closing, words)) = closed {
        if record.restart {
            record.containers.restore(host);
        }
        return match closing {
            Ok(()) => Ok(Recovered::Closed(words.to_owned())),
            Err(error) => Err(Refusal::new(
                format!("cannot close the journal in {}: {error}", journal::FOLDER),
                "make it writable",
            )),
        };
    }
    progress.say("undoing an interrupted run");
    let _shield = Shield::raise();
    let back = rollback::roll_back(host, &record, timeout);
    match back.problem {
        Some(problem) => Ok(Recovered::Stuck(problem)),
        None => {
            let _ = journal::clear(host);
            Ok(Recovered::Undone(
                "an interrupted run was half-way; the state before it is back and verified".to_owned(),
            ))
        }
    }
}

/// The text of daemon.json as it stands, if it is one rebridge could have written.
pub fn text_of(host: &Host, path: &str) -> Option<String> {
    config_file::read(host, path).text
}
