//! One file per verb. Each takes its request, puts the stages together and gives what it found.
//! `main` prints it and turns it into an exit code.

pub mod apply;
pub mod check;
pub mod consent;
pub mod explain;
pub mod facts;
pub mod fleet;
pub mod forecast;
pub mod map;
pub mod networks;
pub mod options;
pub mod output_file;
pub mod relieve;
pub mod request;
pub mod rollback;
pub mod watch;

use crate::facts::Facts;
use crate::host::{Host, Lock, LockError, operator_files};
use crate::observe::observe_quickly;
use crate::policy::option::{BadValue, Opt};
use crate::report::error::Error;
use request::{Look, Target};
use std::path::Path;
use std::time::{Duration, Instant};

/// Saved facts have no host: they can be judged, but not changed.
fn host_of(target: &Target) -> Result<Host, BadValue> {
    let Target::Image(root) = target else {
        return Ok(Host::live());
    };
    let why = match operator_files::folder(root) {
        Ok(root) if root == Path::new("/") => {
            "this host is never an image; leave the option out to look at this host".to_owned()
        }
        Ok(root) => return Ok(Host::image(&root)),
        Err(error) => error.to_string(),
    };
    Err(BadValue::at(Opt::Root, root.display(), why))
}

/// The facts of the target, from a file or observed now.
fn facts_of(look: &Look) -> Result<Facts, BadValue> {
    match &look.target {
        Target::SavedFacts(path) => saved_facts(path),
        target => Ok(observe_quickly(&host_of(target)?)),
    }
}

fn saved_facts(path: &Path) -> Result<Facts, BadValue> {
    let bytes = operator_files::read(path).map_err(|error| bad_facts(path, error))?;
    let facts: Facts = serde_json::from_slice(&bytes).map_err(|error| bad_facts(path, error))?;
    match facts.schema {
        1 => Ok(facts),
        other => Err(bad_facts(
            path,
            format!("schema {other} is not known to this version, which knows 1"),
        )),
    }
}

fn bad_facts(path: &Path, why: impl std::fmt::Display) -> BadValue {
    BadValue::plain(format!("--facts {}: {why}", path.display()))
}

/// Between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// For a verb that changes the host: checks that it may, and takes the lock, for which it waits as
/// long as `wait`.
fn take_charge(host: &Host, deed: &'static str, wait: Duration) -> Result<Lock, Error> {
    if !host.may_change() {
        return Err(Error::OnlyRoot { deed });
    }
    let end = Instant::now() + wait;
    loop {
        match host.lock() {
            Ok(lock) => return Ok(lock),
            Err(LockError::Busy) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(LockError::Busy) => return Err(Error::Busy { deed }),
            Err(LockError::Io(path, error)) => {
                return Err(Error::NoLock {
                    deed,
                    path: path.display().to_string(),
                    why: error.to_string(),
                });
            }
        }
    }
}
