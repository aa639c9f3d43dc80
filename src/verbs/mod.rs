//! One file a verb: each takes its arguments and gives a [`Report`]. Printing and the exit code are
//! `main`'s.

pub mod apply;
pub mod check;
pub mod explain;
pub mod facts;
pub mod forecast;
pub mod map;
pub mod networks;
pub mod output_file;
pub mod rollback;

use crate::cli::{Look, Observe};
use crate::facts::Facts;
use crate::host::{Host, Lock, LockError};
use crate::observe::observe_quickly;
use crate::report::Report;
use std::path::Path;
use std::time::{Duration, Instant};

/// A verb's end: its report, or a usage error (exit 2) that only showed when the arguments were
/// understood.
pub type Ended = Result<Report, Usage>;

/// A usage error.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage(pub String);

impl From<String> for Usage {
    fn from(why: String) -> Usage {
        Usage(why)
    }
}

/// The host the arguments mean.
fn host_of(arguments: &Observe) -> Result<Host, Usage> {
    match &arguments.root {
        None => Ok(Host::live()),
        Some(root) => match root.canonicalize() {
            Ok(root) if root == Path::new("/") => Ok(Host::live()),
            Ok(root) if root.is_dir() => Ok(Host::image(&root)),
            Ok(root) => Err(Usage(format!("--root {}: not a folder", root.display()))),
            Err(error) => Err(Usage(format!("--root {}: {error}", root.display()))),
        },
    }
}

/// The facts the arguments mean: of a file, or observed now.
fn facts_of(look: &Look, host: &Host) -> Result<Facts, Usage> {
    let Some(path) = &look.facts else {
        return Ok(observe_quickly(host));
    };
    let cannot = |why: String| Usage(format!("--facts {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    let facts: Facts = serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))?;
    if facts.schema != 1 {
        return Err(cannot(format!(
            "schema {} is not known to this version, which knows 1",
            facts.schema
        )));
    }
    Ok(facts)
}

/// Between two tries for the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// Rights and lock for a verb that changes the host; a refusal otherwise. A lock that is taken is
/// waited for, so many seconds.
fn take_charge(host: &Host, verb: &str, wait: u64) -> Result<Lock, Box<Report>> {
    let refuse = |msg: String| Box::new(Report::without_facts(msg));
    if !host.may_change() {
        return Err(refuse(format!(
            "cannot {verb}: only root may change Docker; nothing was touched; run it with sudo"
        )));
    }
    let end = Instant::now() + Duration::from_secs(wait);
    let lock = loop {
        match host.lock() {
            Err(LockError::Busy) if Instant::now() < end => std::thread::sleep(PAUSE),
            lock => break lock,
        }
    };
    lock.map_err(|error| match error {
        LockError::Busy => refuse(format!(
            "cannot {verb}: another rebridge is at work on this host; nothing was touched; try \
             again when it is done, or with --wait SECONDS"
        )),
        LockError::Io(path, error) => refuse(format!(
            "cannot {verb}: the lock {} cannot be taken: {error}; nothing was \
                            touched",
            path.display()
        )),
    })
}
