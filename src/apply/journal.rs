//! The record of a change, on disk before the first byte of it: what a killed run leaves for the
//! next one.
//!
//! One file while a change is under way (`journal.json`), one after it has been verified
//! (`last.json`, for
//! `rebridge rollback`), one after it has been undone (`undone.json`). They hold daemon.json whole, so they are for
//! root's eyes only.

use super::containers::ContainerStates;
use super::networks::moves::Moves;
use super::restart::RestartMethod;
use crate::facts::Facts;
use crate::host::{Host, STATE_FOLDER};
use crate::plan::Plan;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the records lie.
pub const FOLDER: &str = STATE_FOLDER;
const UNDER_WAY: &str = "journal.json";
const LAST: &str = "last.json";
const UNDONE: &str = "undone.json";

/// What is needed to undo a change, or to see that it was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this shape; 1.
    pub schema: u32,
    /// When the change began, in UTC.
    pub began: String,
    /// daemon.json as Docker names it.
    pub path: String,
    /// Its text before; null where there was none.
    pub before: Option<String>,
    /// Its text after; null where there is none.
    pub after: Option<String>,
    /// Whether Docker was to be restarted.
    pub restart: bool,
    /// What restarts this Docker.
    #[serde(default)]
    pub way: Option<RestartMethod>,
    /// Whether every container was to be stopped first, because live-restore is on.
    #[serde(default)]
    pub stop_first: bool,
    /// docker0's address before; null where it had none.
    pub docker0_before: Option<Ipv4Net>,
    /// docker0's address after; null where it was to stay as it is.
    pub docker0_after: Option<Ipv4Net>,
    /// The engine's networks before, with their subnets.
    pub networks: BTreeMap<String, Vec<IpNet>>,
    /// The containers before.
    #[serde(default)]
    pub containers: ContainerStates,
    /// The networks that move, and the containers on them.
    #[serde(default)]
    pub moves: Moves,
}

impl Record {
    /// The record of a plan for these facts.
    pub fn of(facts: &Facts, plan: &Plan, now: SystemTime) -> Record {
        let unchanged = facts.docker.config.text.clone();
        let (before, after) = match &plan.write {
            Some(change) => (change.before.clone(), Some(change.after.clone())),
            None => (unchanged.clone(), unchanged),
        };
        Record {
            schema: 1,
            began: humantime::format_rfc3339_seconds(now).to_string(),
            path: facts.docker.config.path.clone(),
            before,
            after,
            restart: plan.restart,
            way: None,
            stop_first: plan.stop_first,
            docker0_before: facts.docker0(),
            docker0_after: plan.docker0,
            networks: networks(facts),
            containers: ContainerStates::of(facts),
            moves: Moves::default(),
        }
    }
}

/// The engine's networks by name, each with its subnets in order: the engine has none of its own.
pub fn networks(facts: &Facts) -> BTreeMap<String, Vec<IpNet>> {
    let sorted = |subnets: &[IpNet]| {
        let mut subnets = subnets.to_vec();
        subnets.sort();
        subnets
    };
    facts
        .engine_networks()
        .map(|network| (network.name.clone(), sorted(&network.subnets)))
        .collect()
}

/// Puts the record on disk: from here on the change is under way.
pub fn begin(host: &Host, record: &Record) -> io::Result<()> {
    write(host, UNDER_WAY, record)
}

/// The record of a change that did not come to its end.
pub fn read(host: &Host) -> io::Result<Option<Record>> {
    read_record(host, UNDER_WAY)
}

/// The change is done and verified: the record becomes what `rollback` undoes.
pub fn commit(host: &Host, record: &Record) -> io::Result<()> {
    write(host, LAST, record)?;
    clear(host)
}

/// The change is undone, or never began.
pub fn clear(host: &Host) -> io::Result<()> {
    host.remove(&at(UNDER_WAY))
}

/// The record of the last change that was done and verified.
pub fn last(host: &Host) -> io::Result<Option<Record>> {
    read_record(host, LAST)
}

/// The last change has been undone: nothing is under way, and nothing is left to undo.
pub fn forget_last(host: &Host) -> io::Result<()> {
    if let Some(record) = last(host)? {
        write(host, UNDONE, &record)?;
    }
    host.remove(&at(LAST))?;
    clear(host)
}

/// Whether the last change there was has been undone.
pub fn undone(host: &Host) -> io::Result<bool> {
    Ok(read_record(host, UNDONE)?.is_some())
}

/// Removes what a killed run left of a record it was about to write.
pub fn sweep(host: &Host) -> io::Result<()> {
    [UNDER_WAY, LAST, UNDONE]
        .iter()
        .try_for_each(|name| host.sweep(&at(name)))
}

fn at(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn write(host: &Host, name: &str, record: &Record) -> io::Result<()> {
    host.make_folder(Path::new(FOLDER), 0o700)?;
    let bytes = serde_json::to_vec_pretty(record)?;
    host.replace(&at(name), &bytes, 0o600)
}

fn read_record(host: &Host, name: &str) -> io::Result<Option<Record>> {
    match host.read(&at(name))? {
        None => Ok(None),
        Some(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
    }
}
