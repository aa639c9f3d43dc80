//! Fourth stage: carries out a plan, in a fixed order and without opinions:
//! write → restart → verify → commit, or roll back.
//!
//! Until the journal is on disk anything that goes wrong is a refusal and the host is untouched.
//! From then on there is no error any more, only an [`End`]: nothing can lose sight of the fact
//! that the host was touched.

pub mod containers;
pub mod deadman;
pub mod firewall;
mod forward;
pub mod journal;
pub mod networks;
pub mod parallel;
pub mod phases;
pub mod recover;
pub mod restart;
pub mod rollback;
pub mod validate;
pub mod verify;

use crate::facts::Facts;
use crate::host::Host;
use crate::host::files::Staged;
use crate::host::signals::Shield;
use crate::observe::{self, config_file};
use crate::plan::{Plan, Refusal};
use crate::policy::Policy;
use crate::terminal::progress::Progress;
use containers::Missing;
use forward::Forward;
use ipnet::IpNet;
use journal::Record;
use networks::record::Relocation;
use phases::{Phase, Phases};
use restart::RestartMethod;
use std::path::Path;
use std::time::{Duration, SystemTime};
use verify::{Check, Probe};

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
    /// ContainerStates back after so many seconds, whatever becomes of this process, unless it has
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
    pub notes: Vec<String>,
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
    before: &Facts,
    plan: &Plan,
    policy: &Policy,
    request: &Request,
    progress: &Progress,
) -> Applied {
    let mut record = Record::of(before, plan, SystemTime::now());
    record.way = RestartMethod::of(before.docker.service, request.restart_command.as_deref());
    if !plan.moves.is_empty() {
        record.moves = match networks::client(host)
            .and_then(|api| networks::record::record(&api, &plan.moves))
        {
            Ok(moves) => moves,
            Err(why) => {
                let why = format!("cannot record the networks to move: {why}");
                return untouched(before, Refusal::new(why, "nothing was changed; run again"));
            }
        };
    }
    let shield = Shield::raise(progress.calm());
    let (staged, backup) = match prepare(host, plan, &record, request) {
        Ok(prepared) => prepared,
        Err(refusal) => return untouched(before, refusal),
    };
    if let Some(staged) = staged {
        progress.say("writing daemon.json");
        let committed = staged.commit();
        // Only the rename counts. Where the folder could not be synced after it, the new file is
        // there all the same.
        if let Err(error) = committed
            && text_of(host, &record.path) != record.after
        {
            let _ = journal::clear(host);
            drop_copy(host, backup);
            if request.dead_man.is_some() {
                deadman::disarm(host);
            }
            return untouched(before, cannot_replace(&record.path, &error));
        }
    }
    let mut applied = if plan.restart || !plan.moves.is_empty() {
        act_and_verify(host, &mut record, plan, policy, request, progress)
    } else {
        let verified = vec![verify::file(host, &record.path, record.after.as_deref())];
        let end = End::Changed;
        Applied {
            end,
            verified,
            restarted: false,
            ..nothing(observe::observe(host))
        }
    };
    match applied.end {
        End::Changed | End::Stranded { .. } => {
            applied.backup = backup;
            // Old backups are only tidied up; that they stay is no fault of this run.
            let _ = host.prune_copies(Path::new(&record.path), BACKUP, BACKUPS);
        }
        End::Refused(_) | End::RolledBack(_) => drop_copy(host, backup),
    }
    if !matches!(applied.end, End::Stranded { .. }) && !host.is_image() {
        // A stranded host keeps its journal: the next apply begins with it.
        let kept = if applied.end == End::Changed {
            journal::commit(host, &record)
        } else {
            journal::clear(host)
        };
        if let Err(error) = kept {
            applied
                .after
                .unseen
                .push(format!("the journal in {}: {error}", journal::FOLDER));
        }
    }
    if request.dead_man.is_some() && !matches!(applied.end, End::Stranded { .. }) {
        deadman::disarm(host);
    }
    if applied.end == End::Changed && !host.is_image() {
        applied.notes = leftovers(host, &record, plan);
    }
    drop(shield);
    applied
}

/// Firewall rules that name a range Docker has left.
fn leftovers(host: &Host, record: &Record, plan: &Plan) -> Vec<String> {
    let docker0 = record
        .docker0_before
        .filter(|_| plan.restart && plan.docker0.is_some());
    let docker0 = docker0.map(|old| ("docker0", IpNet::V4(old).trunc()));
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
fn cannot_replace(path: &str, error: &std::io::Error) -> Refusal {
    if error.kind() == std::io::ErrorKind::ResourceBusy {
        return Refusal::new(
            format!(
                "cannot replace {path}: it is mounted there by itself (a bind mount), so another \
                 file cannot take its place"
            ),
            "the old file is untouched; change the file it is mounted from, or mount its folder \
             instead",
        );
    }
    Refusal::new(
        format!("cannot replace {path}: {error}"),
        "the old file is untouched",
    )
}

/// Everything that can fail before the host is touched: new bytes on disk beside the old, backup,
/// journal.
fn prepare(
    host: &Host,
    plan: &Plan,
    record: &Record,
    request: &Request,
) -> Result<(Option<Staged>, Option<String>), Refusal> {
    let untouched = "nothing was changed; make the place writable and run again";
    let cannot = |what: &str, error: std::io::Error| {
        Refusal::new(format!("cannot {what}: {error}"), untouched)
    };
    let mut staged = None;
    let mut backup = None;
    let path = Path::new(&record.path);
    if let Some(change) = &plan.write {
        if let Some(folder) = path.parent() {
            host.make_folder(folder, 0o755)
                .map_err(|error| cannot(&format!("make {}", folder.display()), error))?;
        }
        let bytes = change.after.as_bytes();
        let new = host
            .stage(path, bytes, NEW_FILE_MODE)
            .map_err(|e| cannot(&format!("write {}", record.path), e))?;
        validate::second_opinion(host, &record.path, new.path())?;
        staged = Some(new);
        if change.before.is_some() && !host.is_image() {
            let suffix = format!(
                "{BACKUP}{}",
                humantime::format_rfc3339_seconds(SystemTime::now())
            );
            let copy = host
                .copy_beside(path, &suffix)
                .map_err(|e| cannot(&format!("back up {}", record.path), e))?;
            backup = Some(copy.to_string_lossy().into_owned());
        }
    }
    if !host.is_image()
        && let Err(error) = journal::begin(host, record)
    {
        drop_copy(host, backup);
        return Err(cannot(
            &format!("write the journal in {}", journal::FOLDER),
            error,
        ));
    }
    if let Some(seconds) = request.dead_man
        && let Err(why) = deadman::arm(host, seconds)
    {
        let _ = journal::clear(host);
        drop_copy(host, backup);
        return Err(Refusal::new(
            format!("cannot set the dead man's switch: {why}"),
            "nothing was changed; run again without --dead-man if you can do without",
        ));
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
    Applied {
        end: End::Refused(refusal),
        ..nothing(before.clone())
    }
}

/// Nothing done yet, and this is how the host looks.
fn nothing(after: Facts) -> Applied {
    let missing = Missing::default();
    Applied {
        end: End::Changed,
        verified: Vec::new(),
        backup: None,
        restarted: false,
        missing,
        notes: Vec::new(),
        phases: Vec::new(),
        moved: Vec::new(),
        after,
    }
}

fn act_and_verify(
    host: &Host,
    record: &mut Record,
    plan: &Plan,
    policy: &Policy,
    request: &Request,
    progress: &Progress,
) -> Applied {
    let mut phases = Phases::new(progress);
    let forward = Forward {
        host,
        plan,
        policy,
        request,
    };
    let mut ended = forward.settle_docker0(record, &mut phases);
    if ended.is_ok() && !plan.moves.is_empty() {
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
    let (verified, missing, phases) = (back.verified, back.missing, phases.list);
    Applied {
        end,
        verified,
        restarted: plan.restart,
        missing,
        phases,
        ..nothing(back.after)
    }
}

/// The text of daemon.json as it stands, if it is one rebridge could have written.
pub fn text_of(host: &Host, path: &str) -> Option<String> {
    config_file::read(host, path).text
}
