//! The way back, as it was proven on 20.10, 26.1 and 28.5.
//!
//! docker0 is sticky: with the old file alone it stays on the new range, and the old range goes to
//! the next network. So: one start with the old address as an explicit `bip`, and then the original
//! bytes *without* a further restart. Never through `"bridge": "none"`, which takes the network
//! from containers for good.

use super::check::Check;
use super::containers::Missing;
use super::journal::Record;
use super::networks::{self, moves::Side};
use super::phases::{Phase, Phases};
use super::progress::Progress;
use super::restart::{RestartMethod, restart_in};
use super::verify;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::observe;
use crate::plan::edit::set_keys;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How the way back went.
#[derive(Debug)]
pub struct RollbackResult {
    /// What stands in the way of calling it done; none when the old state is back and verified.
    pub problem: Option<String>,
    /// What was looked at.
    pub verified: Vec<Check>,
    /// Containers that are not as they were.
    pub missing: Missing,
    /// How long each part took.
    pub phases: Vec<Phase>,
    /// The host as it is now.
    pub after: Facts,
}

/// Puts the state of before back and verifies it. Goes on after a fault as long as the next step
/// can still help.
pub fn roll_back(
    host: &Host,
    record: &Record,
    timeout: Duration,
    progress: &dyn Progress,
) -> RollbackResult {
    let mut problems = Vec::new();
    let mut phases = Phases::new(progress);
    if let Err(error) = put_back(host, record) {
        problems.push(format!("cannot put {} back: {error}", record.path));
    }
    if record.restart {
        // Those that started again meanwhile would keep docker0 where it is.
        if record.stop_first && observe(host).docker.engine.is_some() {
            problems.extend(record.containers.stop(host).err());
        }
        // Where docker0 never left its old address the old file is enough, and asks least of a host
        // in trouble.
        let stayed = observe(host).docker0() == record.docker0_before;
        let plain = stayed.then(|| again(host, record, timeout, &mut phases));
        let there = || observe(host).docker0() == record.docker0_before;
        if !matches!(plain, Some(Ok(()))) || !there() {
            problems.extend(plain.and_then(Result::err));
            match with_explicit_bip(host, record, timeout, &mut phases) {
                Ok(()) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    if !record.moves.networks.is_empty() {
        problems.extend(networks::settle(
            host,
            &record.moves,
            Side::Old,
            &mut phases,
        ));
    }
    let touched = record.restart || !record.moves.networks.is_empty();
    let bring_back = || {
        if touched {
            record.containers.restore(host)
        } else {
            Missing::default()
        }
    };
    let missing = phases.time("bringing containers back", bring_back);
    let look = || {
        verify::until(host, Instant::now() + timeout, || {
            verify::restored(host, record)
        })
    };
    let (mut verified, after) = phases.time("verifying", look);
    if !record.moves.networks.is_empty() {
        verified.extend(networks::verify(host, &mut record.moves.clone(), Side::Old));
    }
    let wrong = verified
        .iter()
        .find(|check| !check.ok)
        .map(Check::complaint);
    // What went wrong on the way does not matter once everything is found as it was.
    let problem = wrong.map(|wrong| match problems.last() {
        Some(first) => format!("{wrong} ({first})"),
        None => wrong,
    });
    RollbackResult {
        problem,
        verified,
        missing,
        phases: phases.list,
        after,
    }
}

/// One start with docker0's old address spelled out, then the original bytes under the running
/// engine.
fn with_explicit_bip(
    host: &Host,
    record: &Record,
    timeout: Duration,
    phases: &mut Phases,
) -> Result<(), String> {
    let Some(address) = record.docker0_before else {
        return again(host, record, timeout, phases);
    };
    let bip = [(
        "bip".to_owned(),
        serde_json::Value::String(address.to_string()),
    )];
    let text = set_keys(record.before.as_deref(), &bip)?;
    let written = host.replace(Path::new(&record.path), text.as_bytes(), 0o644);
    let started = match written {
        Ok(()) => again(host, record, timeout, phases),
        Err(error) => Err(format!("cannot write {}: {error}", record.path)),
    };
    put_back(host, record).map_err(|error| format!("cannot put {} back: {error}", record.path))?;
    match started {
        Ok(()) => Ok(()),
        // Better a running Docker on the wrong range than none.
        Err(first) => again(host, record, timeout, phases).map_err(|then| {
            if first == then {
                first
            } else {
                format!("{first}; and with the old file: {then}")
            }
        }),
    }
}

fn again(
    host: &Host,
    record: &Record,
    timeout: Duration,
    phases: &mut Phases,
) -> Result<(), String> {
    let way = record.way.clone().unwrap_or(RestartMethod::Systemd);
    restart_in(
        phases,
        "restarting Docker as it was",
        host,
        &way,
        Instant::now() + timeout,
    )
}

/// The original bytes, or no file where there was none.
fn put_back(host: &Host, record: &Record) -> io::Result<()> {
    let path = Path::new(&record.path);
    match &record.before {
        Some(text) => host.replace(path, text.as_bytes(), 0o644),
        None => host.remove(path),
    }
}
