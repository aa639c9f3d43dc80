//! Fourth stage: carries out a plan, in a fixed order and without opinions:
//! write → restart → verify → commit, or roll back.
//!
//! Until the journal is on disk anything that goes wrong is a refusal and the host is untouched.
//! From then on there is no error any more, only an [`End`]: nothing can lose sight of the fact
//! that the host was touched.

pub mod check;
pub mod containers;
pub mod deadman;
pub mod firewall;
mod forward;
pub mod journal;
pub mod networks;
pub mod note;
pub mod parallel;
pub mod phases;
pub mod progress;
pub mod recover;
pub mod refusal;
pub mod restart;
pub mod rollback;
pub mod validate;
pub mod verify;

use crate::assess::Assessment;
use crate::facts::Facts;
use crate::host::Host;
use crate::host::files::Staged;
use crate::host::signals::Shield;
use crate::observe::{self, config_file};
use crate::plan::Plan;
use check::{Check, Probe};
use containers::Missing;
use forward::Forward;
use ipnet::IpNet;
use journal::Record;
use networks::moves::Relocation;
use note::Note;
use phases::{Phase, Phases};
use progress::Progress;
use refusal::{Refusal, Step};
use restart::RestartMethod;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Mode of a daemon.json that rebridge makes: the file holds no secret of ours, and Docker's
/// packages use this one.
const NEW_FILE_MODE: u32 = 0o644;

/// A backup is called `daemon.json.rebridge-TIME` and lies beside the file; so many that differ are
/// kept.
const BACKUP: &str = ".rebridge-";
const BACKUPS: usize = 3;

/// What the operator allows and asks for beyond the plan.
#[derive(Debug, Clone)]
pub struct Request {
    /// How long Docker may take from the order to restart until it answers.
    pub timeout: Duration,
    /// Who must be reachable afterwards.
    pub probes: Vec<Probe>,
    /// What restarts Docker, in the operator's own words.
    pub restart_command: Option<String>,
    /// Roll back after so many seconds, whatever becomes of this process, unless it has
    /// verified the change by then.
    pub dead_man: Option<u64>,
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
    /// What else was noticed.
    pub notes: Vec<Note>,
    /// Whether `rebridge rollback` could undo it.
    pub can_be_undone: bool,
    /// How long each phase took.
    pub phases: Vec<Phase>,
    /// The networks that were made anew, with the subnets they got.
    pub moved: Vec<Relocation>,
    /// The host as it was seen last.
    pub after: Facts,
}

/// Carries out a plan on a host whose lock is held.
pub fn apply(
    host: &Host,
    before: &Assessment,
    plan: &Plan,
    request: &Request,
    progress: &dyn Progress,
) -> Applied {
    let mut record = match record(host, before.facts, plan, request) {
        Ok(record) => record,
        Err(refusal) => return untouched(before.facts, refusal),
    };
    let _shield = Shield::raise(progress.calm());
    let (staged, backup) = match prepare(host, plan, &record, request) {
        Ok(prepared) => prepared,
        Err(refusal) => return untouched(before.facts, refusal),
    };
    if let Some(staged) = staged {
        progress.step("writing daemon.json");
        if let Err(error) = put_in_place(host, staged, &record) {
            let _ = journal::clear(host);
            drop_copy(host, backup);
            disarm(host, request);
            return untouched(before.facts, not_replaced(&record.path, &error));
        }
    }
    let mut applied = if plan.restart || !plan.moves.is_empty() {
        act_and_verify(host, &mut record, plan, before, request, progress)
    } else {
        let file = verify::file(host, &record.path, record.after.as_deref());
        Applied {
            verified: vec![file],
            ..Applied::ended(End::Changed, observe::observe(host))
        }
    };
    close(host, &record, plan, &mut applied, backup);
    if !matches!(applied.end, End::Stranded { .. }) {
        disarm(host, request);
    }
    applied
}

/// What is needed to undo the plan.
fn record(host: &Host, before: &Facts, plan: &Plan, request: &Request) -> Result<Record, Refusal> {
    let mut record = Record::of(before, plan, SystemTime::now());
    let service = before.docker.service;
    record.way = RestartMethod::of(service, request.restart_command.as_deref());
    if !plan.moves.is_empty() {
        record.moves = networks::client(host)
            .and_then(|api| networks::record::record(&api, &plan.moves))
            .map_err(|why| Refusal::NetworksNotRecorded { why })?;
    }
    Ok(record)
}

/// The rename. Only that counts: where the folder could not be synced after it, the new file is
/// there all the same.
fn put_in_place(host: &Host, staged: Staged, record: &Record) -> io::Result<()> {
    match staged.commit() {
        Err(error) if text_of(host, &record.path) != record.after => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Puts away what the end makes unnecessary: backups, the journal.
fn close(host: &Host, record: &Record, plan: &Plan, applied: &mut Applied, backup: Option<String>) {
    match applied.end {
        End::Changed | End::Stranded { .. } => {
            applied.backup = backup;
            // Old backups are only tidied up; that they stay is no fault of this run.
            let _ = host.prune_copies(Path::new(&record.path), BACKUP, BACKUPS);
        }
        End::Refused(_) | End::RolledBack(_) => drop_copy(host, backup),
    }
    if host.is_image() {
        return;
    }
    match applied.end {
        End::Changed => {
            applied.notes = leftovers(host, record, plan);
            match journal::commit(host, record) {
                Ok(()) => applied.can_be_undone = true,
                Err(error) => applied.notes.push(Note::RecordNotKept {
                    why: error.to_string(),
                }),
            }
        }
        End::Refused(_) | End::RolledBack(_) => {
            if let Err(error) = journal::clear(host) {
                applied.notes.push(Note::RecordNotKept {
                    why: error.to_string(),
                });
            }
        }
        // A stranded host keeps its journal: the next apply begins with it.
        End::Stranded { .. } => {}
    }
}

fn disarm(host: &Host, request: &Request) {
    if request.dead_man.is_some() {
        deadman::disarm(host);
    }
}

/// Firewall rules that name a range Docker has left.
fn leftovers(host: &Host, record: &Record, plan: &Plan) -> Vec<Note> {
    let docker0 = record
        .docker0_before
        .filter(|_| plan.restart && plan.docker0.is_some())
        .map(|old| ("docker0", IpNet::V4(old).trunc()));
    let networks = record
        .moves
        .networks
        .iter()
        .map(|one| (one.name.as_str(), IpNet::V4(one.from)));
    docker0
        .into_iter()
        .chain(networks)
        .flat_map(|(name, old)| firewall::leftovers(host, name, &old))
        .collect()
}

/// Why the last step did not happen; the old file is still the file.
fn not_replaced(path: &str, error: &io::Error) -> Refusal {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::ResourceBusy => Refusal::FileIsMounted { path },
        _ => Refusal::FileNotReplaced {
            path,
            why: error.to_string(),
        },
    }
}

/// Everything that can fail before the host is touched: new bytes on disk beside the old, backup,
/// journal.
fn prepare(
    host: &Host,
    plan: &Plan,
    record: &Record,
    request: &Request,
) -> Result<(Option<Staged>, Option<String>), Refusal> {
    let mut staged = None;
    let mut backup = None;
    let path = Path::new(&record.path);
    if let Some(change) = &plan.write {
        if let Some(folder) = path.parent() {
            host.make_folder(folder, 0o755)
                .map_err(|error| not_prepared(Step::MakeFolder(shown(folder)), &error))?;
        }
        let new = host
            .stage(path, change.after.as_bytes(), NEW_FILE_MODE)
            .map_err(|error| not_prepared(Step::Write(record.path.clone()), &error))?;
        validate::second_opinion(host, &record.path, new.path())?;
        staged = Some(new);
        if change.before.is_some() && !host.is_image() {
            let now = humantime::format_rfc3339_seconds(SystemTime::now());
            let copy = host
                .copy_beside(path, &format!("{BACKUP}{now}"))
                .map_err(|error| not_prepared(Step::BackUp(record.path.clone()), &error))?;
            backup = Some(shown(&copy));
        }
    }
    if !host.is_image()
        && let Err(error) = journal::begin(host, record)
    {
        drop_copy(host, backup);
        return Err(not_prepared(Step::WriteJournal, &error));
    }
    if let Some(seconds) = request.dead_man
        && let Err(why) = deadman::arm(host, seconds)
    {
        let _ = journal::clear(host);
        drop_copy(host, backup);
        return Err(Refusal::DeadManNotArmed { why });
    }
    Ok((staged, backup))
}

fn not_prepared(step: Step, error: &io::Error) -> Refusal {
    Refusal::NotPrepared {
        step,
        why: error.to_string(),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Where the old bytes are in their place, a copy of them beside it is only litter.
fn drop_copy(host: &Host, backup: Option<String>) {
    if let Some(path) = backup {
        let _ = host.remove(Path::new(&path));
    }
}

fn untouched(before: &Facts, refusal: Refusal) -> Applied {
    Applied::ended(End::Refused(refusal), before.clone())
}

impl Applied {
    /// An end, and how the host looks at it; nothing else is known yet.
    fn ended(end: End, after: Facts) -> Applied {
        Applied {
            end,
            after,
            verified: Vec::new(),
            backup: None,
            restarted: false,
            missing: Missing::default(),
            notes: Vec::new(),
            can_be_undone: false,
            phases: Vec::new(),
            moved: Vec::new(),
        }
    }
}

fn act_and_verify(
    host: &Host,
    record: &mut Record,
    plan: &Plan,
    before: &Assessment,
    request: &Request,
    progress: &dyn Progress,
) -> Applied {
    let mut phases = Phases::new(progress);
    let forward = Forward {
        host,
        plan,
        policy: before.policy,
        request,
    };
    let mut ended = forward.settle_docker0(record, &mut phases);
    if !plan.moves.is_empty() {
        ended = ended.and_then(|so_far| forward.settle_networks(record, so_far, &mut phases));
    }
    let why = match ended {
        Ok(applied) => {
            return Applied {
                phases: phases.list,
                ..applied
            };
        }
        Err(why) => why,
    };
    let back = phases.time("rolling back", || {
        rollback::roll_back(host, record, request.timeout, progress)
    });
    let end = match back.problem {
        None => End::RolledBack(why),
        Some(then) => End::Stranded { why, then },
    };
    Applied {
        verified: back.verified,
        restarted: plan.restart,
        missing: back.missing,
        phases: phases.list,
        ..Applied::ended(end, back.after)
    }
}

/// The text of daemon.json as it stands, if it is one rebridge could have written.
pub fn text_of(host: &Host, path: &str) -> Option<String> {
    config_file::read(host, path).text
}
