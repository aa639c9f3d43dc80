//! The record of a change, on disk before the first byte of it: what a killed run leaves for the
//! next one.
//!
//! One file while a change is under way (`journal.json`), one after it has been verified
//! (`last.json`, for `rebridge rollback`), one after it has been undone (`undone.json`). They hold
//! daemon.json whole, so only root may read them.
//!
//! A promise: this version reads what every earlier one wrote. Fields of schema 1 are never renamed,
//! and a new one has a default.

use super::containers::ContainerStates;
use super::networks::moves::Moves;
use super::restart_method::RestartMethod;
use crate::facts::{Facts, ReliefRoute};
use crate::host::{Host, STATE_FOLDER};
use crate::plan::Plan;
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Where the records lie.
pub const FOLDER: &str = STATE_FOLDER;
const UNDER_WAY: &str = "journal.json";
const LAST: &str = "last.json";
const UNDONE: &str = "undone.json";

/// The shape of records that this version writes and reads.
pub const SCHEMA: u32 = 1;

/// What a restart got, in seconds, before records said how long it may take.
const PATIENCE: u64 = 120;

/// What is needed to undo a change, or to see that it was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub schema: u32,
    /// In UTC.
    pub began: String,
    /// daemon.json as Docker names it.
    pub path: String,
    /// Its text before; null where there was none.
    pub before: Option<String>,
    /// Its text after; null where there is none.
    pub after: Option<String>,
    /// Whether Docker was to be restarted.
    pub restart: bool,
    /// Whether that has been ordered; containers may have to be stopped first.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub restart_ordered: bool,
    /// How many seconds a restart may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// When the dockerd of before began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerd_began: Option<String>,
    /// When the dockerd began that this change started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerd_restarted: Option<String>,
    /// When the way back began, after which Docker may have been restarted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went_back: Option<String>,
    /// Whether this is the way back from an apply that was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub going_back: bool,
    /// On a way back: what leads forward again, where the way back cuts you off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forth: Option<Box<Record>>,
    /// Where a way back that failed has left the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// What restarts this Docker.
    #[serde(default)]
    pub way: Option<RestartMethod>,
    /// The unit that dockerd ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether every container was to be stopped first: live-restore is on, or they are many.
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
    /// The units that stop with Docker and ran before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// The relief that stood before, which a cure takes away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relief: Vec<ReliefRoute>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// What a way back that failed has left: while all of it stands, another try would do no better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The text of daemon.json.
    pub text: Option<String>,
    pub docker0: Option<Ipv4Net>,
    pub dockerd_began: Option<String>,
}

impl Left {
    pub fn by(facts: &Facts) -> Left {
        Left {
            text: facts.docker.config.text.clone(),
            docker0: facts.docker0(),
            dockerd_began: facts.docker.started.clone(),
        }
    }
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Another version wrote it, in a shape this one does not know.
    UnknownSchema { schema: u32 },
    /// The file system refused, or the file holds no record.
    Damaged { why: String },
}

impl Record {
    /// The record of a plan for these facts.
    pub fn of(facts: &Facts, plan: &Plan, now: SystemTime) -> Record {
        let unchanged = facts.docker.config.text.clone();
        let (before, after) = match &plan.write {
            Some(change) => (change.before.clone(), Some(change.after.clone())),
            None => (unchanged.clone(), unchanged),
        };
        let containers = ContainerStates::of(facts);
        let stop_first = plan.stop_first || plan.restart && containers.are_many();
        Record {
            schema: SCHEMA,
            began: humantime::format_rfc3339_seconds(now).to_string(),
            path: facts.docker.config.path.clone(),
            before,
            after,
            restart: plan.restart,
            restart_ordered: !stop_first && plan.moves.is_empty(),
            patience: None,
            dockerd_began: facts.docker.started.clone(),
            dockerd_restarted: None,
            went_back: None,
            going_back: false,
            forth: None,
            left: None,
            way: None,
            unit: None,
            stop_first,
            docker0_before: facts.docker0(),
            docker0_after: plan.docker0,
            networks: networks(facts),
            containers,
            moves: Moves::default(),
            units: facts.docker.dependents.clone(),
            relief: facts.kernel.relief.clone(),
        }
    }

    /// Whether anything but the file is touched.
    pub fn touches_docker(&self) -> bool {
        self.restart || !self.moves.networks.is_empty()
    }

    /// How long a restart may take.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience.unwrap_or(PATIENCE))
    }

    /// When the change began, to the second.
    pub fn began(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(&self.began).ok()
    }

    /// Whether there was a docker0 with an address before.
    pub fn had_docker0(&self) -> bool {
        self.docker0_before.is_some()
    }

    /// docker0's range before.
    pub fn old_range(&self) -> Option<IpNet> {
        self.docker0_before
            .map(|address| IpNet::V4(address.trunc()))
    }
}

/// The engine's networks by name, each with its subnets in order: the engine has none of its own.
pub fn networks(facts: &Facts) -> BTreeMap<String, Vec<IpNet>> {
    facts
        .engine_networks()
        .map(|network| {
            let mut subnets = network.subnets.clone();
            subnets.sort();
            (network.name.clone(), subnets)
        })
        .collect()
}

/// Puts the record on disk: from here on the change is under way.
pub fn begin(host: &Host, record: &Record) -> io::Result<()> {
    write(host, UNDER_WAY, record)
}

/// The record of a change that did not come to its end.
pub fn read(host: &Host) -> Result<Option<Record>, Unreadable> {
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
pub fn last(host: &Host) -> Result<Option<Record>, Unreadable> {
    read_record(host, LAST)
}

/// The last change has been undone: nothing is under way, and nothing is left to undo.
pub fn forget_last(host: &Host) -> io::Result<()> {
    if let Some(bytes) = host.read(&at(LAST))? {
        write_bytes(host, UNDONE, &bytes)?;
    }
    host.remove(&at(LAST))?;
    clear(host)
}

/// Whether the last change there was has been undone.
pub fn was_undone(host: &Host) -> bool {
    host.exists(&at(UNDONE))
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
    write_bytes(host, name, &serde_json::to_vec_pretty(record)?)
}

fn write_bytes(host: &Host, name: &str, bytes: &[u8]) -> io::Result<()> {
    host.make_folder(Path::new(FOLDER), 0o700)?;
    host.replace(&at(name), bytes, 0o600)
}

fn read_record(host: &Host, name: &str) -> Result<Option<Record>, Unreadable> {
    let bytes = host.read(&at(name)).map_err(Unreadable::because)?;
    bytes.map(|bytes| Record::read(&bytes)).transpose()
}

impl Record {
    fn read(bytes: &[u8]) -> Result<Record, Unreadable> {
        /// What every shape has.
        #[derive(Deserialize)]
        struct Shape {
            schema: u32,
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(Unreadable::because)?;
        if shape.schema != SCHEMA {
            return Err(Unreadable::UnknownSchema {
                schema: shape.schema,
            });
        }
        serde_json::from_slice(bytes).map_err(Unreadable::because)
    }
}

impl Unreadable {
    fn because(error: impl ToString) -> Unreadable {
        Unreadable::Damaged {
            why: error.to_string(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::apply::networks::moves::Side;
    use serde_json::Value;

    /// Written by the first build that had a journal.
    const OLDEST: &str = include_str!("../../tests/fixtures/records/oldest.json");

    /// Written on Docker 26.1 by the first build that moved networks.
    const NETWORKS: &str = include_str!("../../tests/fixtures/records/networks.json");

    #[test]
    fn the_oldest_record_is_read() {
        let record = Record::read(OLDEST.as_bytes()).unwrap();
        assert_eq!(record.docker0_before, "172.17.0.1/16".parse().ok());
        assert_eq!((record.before, record.way), (None, None));
        assert_eq!(record.moves, Moves::default());
    }

    #[test]
    fn a_record_of_moved_networks_is_read_whole() {
        let record = Record::read(NETWORKS.as_bytes()).unwrap();
        assert_eq!(record.way, Some(RestartMethod::Systemd));
        assert_eq!(record.containers.living.len(), 4);
        let by_hand = &record.moves.members[1];
        assert_eq!(by_hand.name, "by-hand");
        assert_eq!(
            by_hand.attachments[0].settings(Side::New)["IPAMConfig"]["IPv4Address"],
            "10.200.254.10"
        );
        // Nothing was dropped or renamed: written again it is the same.
        let file: Value = serde_json::from_str(NETWORKS).unwrap();
        assert_eq!(serde_json::to_value(&record).unwrap(), file);
    }

    #[test]
    fn a_record_of_an_unknown_schema_is_named_as_such() {
        let newer = NETWORKS.replacen("\"schema\": 1", "\"schema\": 2, \"new\": {}", 1);
        assert_eq!(
            Record::read(newer.as_bytes()),
            Err(Unreadable::UnknownSchema { schema: 2 })
        );
        let broken = Record::read(b"{\"schema\": 1}");
        assert!(
            matches!(broken, Err(Unreadable::Damaged { .. })),
            "{broken:?}"
        );
    }
}
