//! Everything that can fail before the host is touched: the new bytes on disk beside the old, their
//! backup, the journal, the dead man's switch. All of it can be taken away again.

use super::journal::{self, Record};
use super::refusal::{Refusal, Step};
use super::request::Request;
use super::{deadman, validate};
use crate::host::Host;
use crate::host::replace::Staged;
use crate::observe::config_file;
use crate::plan::{FileChange, Plan};

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Mode of a daemon.json that rebridge creates: the file holds no secret of ours, and Docker's
/// packages use this one.
const NEW_FILE_MODE: u32 = 0o644;

/// A backup lies beside the file and is called `daemon.json.rebridge-TIME`.
const BACKUP: &str = ".rebridge-";

/// This many backups that differ are kept.
const BACKUPS: usize = 3;

/// What lies ready.
#[derive(Debug, Default)]
pub struct Prepared {
    staged: Option<Staged>,
    pub backup: Option<String>,
    in_journal: bool,
    armed: bool,
}

/// Prepares all of it, or nothing.
pub fn prepare(
    host: &Host,
    plan: &Plan,
    record: &Record,
    request: &Request,
) -> Result<Prepared, Refusal> {
    let mut prepared = Prepared::default();
    match prepared.fill(host, plan, record, request) {
        Ok(()) => Ok(prepared),
        Err(refusal) => {
            prepared.take_away(host);
            Err(refusal)
        }
    }
}

impl Prepared {
    fn fill(
        &mut self,
        host: &Host,
        plan: &Plan,
        record: &Record,
        request: &Request,
    ) -> Result<(), Refusal> {
        if let Some(change) = &plan.write {
            self.staged = Some(stage(host, &record.path, change)?);
            if change.before.is_some() && !host.is_image() {
                self.backup = Some(back_up(host, &record.path)?);
            }
        }
        if !host.is_image() {
            journal::begin(host, record).map_err(|error| failed(Step::WriteJournal, &error))?;
            self.in_journal = true;
        }
        if let Some(seconds) = request.dead_man {
            deadman::arm(host, seconds, record.patience())
                .map_err(|why| Refusal::DeadManNotArmed { why })?;
            self.armed = true;
        }
        Ok(())
    }

    /// Whether there are new bytes for the file.
    pub fn writes(&self) -> bool {
        self.staged.is_some()
    }

    /// Puts the new bytes in their place.
    pub fn write(&mut self, host: &Host, record: &Record) -> Result<(), Refusal> {
        if config_file::read(host, &record.path).text != record.before {
            let path = record.path.clone();
            return Err(Refusal::FileEditedMeanwhile { path });
        }
        let written = self.staged.take().map_or(Ok(()), Staged::commit);
        match written {
            // Only the rename counts. Where the folder could not be synced after it, the new file is
            // there all the same.
            Err(error) if config_file::read(host, &record.path).text != record.after => {
                Err(not_replaced(&record.path, &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Leaves the host as if nothing had been prepared. What cannot be removed is found by the next
    /// run.
    pub fn take_away(self, host: &Host) {
        if self.in_journal {
            let _ = journal::clear(host);
        }
        self.drop_backup(host);
        self.disarm(host);
    }

    /// Where the old bytes are in their place, a copy of them beside it is only litter.
    pub fn drop_backup(&self, host: &Host) {
        if let Some(path) = &self.backup {
            let _ = host.remove(Path::new(path));
        }
    }

    pub fn disarm(&self, host: &Host) {
        if self.armed {
            deadman::disarm(host);
        }
    }
}

/// Old backups are only tidied up; that they stay is no fault of this run.
pub fn prune_backups(host: &Host, path: &str) {
    let _ = host.prune_copies(Path::new(path), BACKUP, BACKUPS);
}

/// The new bytes beside the file, accepted by dockerd.
fn stage(host: &Host, path: &str, change: &FileChange) -> Result<Staged, Refusal> {
    let file = Path::new(path);
    if let Some(folder) = file.parent() {
        host.make_folder(folder, 0o755)
            .map_err(|error| failed(Step::MakeFolder(shown(folder)), &error))?;
    }
    let staged = host
        .stage(file, change.after.as_bytes(), NEW_FILE_MODE)
        .map_err(|error| failed(Step::Write(path.to_owned()), &error))?;
    validate::second_opinion(host, path, staged.path())?;
    Ok(staged)
}

/// A copy of the file as it is now, beside it.
pub fn back_up(host: &Host, path: &str) -> Result<String, Refusal> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let copy = host
        .copy_beside(Path::new(path), &format!("{BACKUP}{now}"))
        .map_err(|error| failed(Step::BackUp(path.to_owned()), &error))?;
    Ok(shown(&copy))
}

fn failed(step: Step, error: &io::Error) -> Refusal {
    Refusal::NotPrepared {
        step,
        why: error.to_string(),
    }
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

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
