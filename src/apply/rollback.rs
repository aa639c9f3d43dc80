//! The way back, as it was proven on 20.10, 26.1 and 28.5.
//!
//! docker0 is sticky: with the old file alone it stays on the new range, and the old range goes to
//! the next network. So: one start with the old address as an explicit `bip`, and then the original
//! bytes *without* a further restart. Never through `"bridge": "none"`, which takes the network
//! from containers for good.

use super::cause::{Cause, NotRestored};
use super::check::Check;
use super::containers::{Loss, Missing};
use super::journal::{self, Record};
use super::networks::{self, moves::Side};
use super::note::Note;
use super::phases::{Phase, PhaseName};
use super::progress::{Phases, Progress};
use super::restart::{Deadline, Restarter, wait_for_answer};
use super::units;
use super::verify::{self, Patience};
use crate::facts::{BYTE_ORDER_MARK, Facts};
use crate::host::Host;
use crate::observe::process::Process;
use crate::observe::{loaded, observe, service};
use crate::plan::edit::set_keys;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Mode of a daemon.json that has to be created again.
const FILE_MODE: u32 = 0o644;

/// For a dockerd that died under a move and is started again by systemd.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the way back went.
#[derive(Debug)]
pub struct RollbackResult {
    /// None when the old state is back and verified.
    pub problem: Option<NotRestored>,
    /// What was checked.
    pub verified: Vec<Check>,
    pub missing: Vec<Missing>,
    pub notes: Vec<Note>,
    /// Whether Docker was restarted.
    pub restarted: bool,
    pub phases: Vec<Phase>,
    /// The host as it is now.
    pub after: Facts,
}

/// Puts the state of before back and verifies it.
pub fn roll_back(host: &Host, record: &Record, progress: &dyn Progress) -> RollbackResult {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let record = &Record {
        went_back: Some(now.to_string()),
        ..record.clone()
    };
    // Only a run that follows a kill would miss it, and take our restart for another's.
    let _ = journal::begin(host, record);
    put_back(host, record, progress)
}

/// The same without a word in the journal. Goes on after a fault as long as the next step can still
/// help.
pub fn put_back(host: &Host, record: &Record, progress: &dyn Progress) -> RollbackResult {
    let mut back = Rollback {
        host,
        record,
        phases: Phases::new(progress),
        causes: Vec::new(),
        restarted: false,
    };
    back.put_file_back();
    if record.restart && (record.restart_ordered || back.dockerd_died()) {
        back.bring_docker0_back();
    }
    back.move_networks_back();
    let missing = back.bring_containers_back();
    back.verified(missing)
}

/// The old text with docker0's old address spelled out, as it stands in the file for one start.
pub fn text_with_bip(record: &Record) -> Option<String> {
    with_bip(record.before.as_deref(), record.docker0_before?).ok()
}

/// A byte-order mark would keep Docker 20.10 from starting; the old bytes have it again afterwards.
fn with_bip(text: Option<&str>, address: Ipv4Net) -> Result<String, String> {
    let text = text.map(|text| text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
    let bip = [("bip".to_owned(), Value::String(address.to_string()))];
    set_keys(text, &bip)
}

/// What is not as it was, if anything; nothing is touched.
pub fn not_restored(host: &Host, record: &Record) -> Option<NotRestored> {
    let (mut checks, _) = verify::restored(host, record);
    if !record.moves.networks.is_empty() {
        checks.extend(networks::verify_back(host, &record.moves));
    }
    let wrong = checks.into_iter().find(|check| !check.ok)?;
    Some(NotRestored {
        wrong,
        causes: Vec::new(),
    })
}

struct Rollback<'a> {
    host: &'a Host,
    record: &'a Record,
    phases: Phases<'a>,
    /// What failed so far, each cause once.
    causes: Vec<Cause>,
    restarted: bool,
}

impl Rollback<'_> {
    /// Remembers what failed; whether nothing did.
    fn went_well(&mut self, step: Result<(), Cause>) -> bool {
        match step {
            Ok(()) => true,
            Err(cause) => {
                if !self.causes.contains(&cause) {
                    self.causes.push(cause);
                }
                false
            }
        }
    }

    /// The original bytes, or no file where there was none.
    fn put_file_back(&mut self) -> bool {
        let path = Path::new(&self.record.path);
        let done = match &self.record.before {
            Some(text) => self.host.replace(path, text.as_bytes(), FILE_MODE),
            None => self.host.remove(path),
        };
        let done = done.map_err(|error| Cause::FileNotPutBack {
            path: self.record.path.clone(),
            why: error.to_string(),
        });
        self.went_well(done)
    }

    fn bring_docker0_back(&mut self) {
        // Where docker0 never left its old address the old file is enough, and asks least of a host
        // in trouble.
        if self.docker0_is_back() && self.restart() && self.docker0_is_back() {
            return;
        }
        match self.record.docker0_before {
            Some(address) => self.restart_with_bip(address),
            None => {
                self.restart();
            }
        }
    }

    fn docker0_is_back(&self) -> bool {
        observe(self.host).docker0() == self.record.docker0_before
    }

    fn restart(&mut self) -> bool {
        // Those that started again meanwhile may keep docker0 where it is.
        if self.record.stop_first && observe(self.host).docker.engine.is_some() {
            let stopped = self.phases.time(PhaseName::StopContainers, || {
                self.record.containers.stop(self.host)
            });
            self.went_well(stopped);
        }
        let name = PhaseName::RestartDockerAsItWas;
        // There is nothing better to do than to wait for a Docker that is at work on its start.
        let deadline = Deadline {
            at: Instant::now() + self.record.patience(),
            firm: false,
        };
        self.restarted = true;
        let restarter = Restarter::of(self.host, self.record);
        let restarted = restarter.restart_in(&mut self.phases, name, deadline);
        self.went_well(restarted)
    }

    /// One start with docker0's old address spelled out, then the original bytes under the running
    /// engine.
    fn restart_with_bip(&mut self, address: Ipv4Net) {
        let written = self.write_bip(address);
        let started = self.went_well(written) && self.restart();
        if !self.put_file_back() {
            return;
        }
        if started {
            self.mark_as_loaded();
        } else {
            // Better a running Docker on the wrong range than none.
            self.restart();
        }
    }

    /// The file is younger than dockerd now, and all it says is in force. Without the mark the next
    /// run only asks more than it needs to.
    fn mark_as_loaded(&self) {
        if let Some(process) = Process::of_pidfile(self.host) {
            let _ = loaded::mark(self.host, process.pid, &self.record.path);
        }
    }

    fn write_bip(&self, address: Ipv4Net) -> Result<(), Cause> {
        let path = &self.record.path;
        let text = with_bip(self.record.before.as_deref(), address).map_err(|why| {
            Cause::FileNotEdited {
                path: path.clone(),
                why,
            }
        })?;
        self.host
            .replace(Path::new(path), text.as_bytes(), FILE_MODE)
            .map_err(|error| Cause::FileNotWritten {
                path: path.clone(),
                why: error.to_string(),
            })
    }

    fn move_networks_back(&mut self) {
        let moves = &self.record.moves;
        if moves.networks.is_empty() {
            return;
        }
        if !self.docker_answers() {
            self.restart();
        }
        let mut causes = networks::settle(self.host, moves, Side::Old, &mut self.phases);
        // The dockerd that follows one that was killed holds the ports of its containers (run: 20.10.24
        // and 26.1.5) or restarts one without end (28.5.2), until it is itself restarted.
        if self.dockerd_died() && !networks::down(self.host, moves).is_empty() && self.restart() {
            causes = networks::settle(self.host, moves, Side::Old, &mut self.phases);
        }
        for cause in causes {
            self.went_well(Err(cause));
        }
    }

    /// A dockerd that died may be on its way up again; not every host starts it by itself.
    fn docker_answers(&self) -> bool {
        wait_for_answer(self.host, Instant::now() + PATIENCE).is_ok()
    }

    /// Whether another dockerd runs than before, or none, and it was not this change that restarted
    /// it.
    fn dockerd_died(&self) -> bool {
        let Record {
            restart,
            restart_ordered,
            dockerd_began,
            ..
        } = self.record;
        let by_us = *restart && *restart_ordered;
        !by_us && dockerd_began.is_some() && service::read(self.host).started != *dockerd_began
    }

    fn bring_containers_back(&mut self) -> Vec<Missing> {
        let record = self.record;
        self.phases.time(PhaseName::RestoreContainers, || {
            if !record.touches_docker() {
                return Vec::new();
            }
            let mut missing = record.containers.restore(self.host, record.began());
            for container in networks::down(self.host, &record.moves) {
                if !missing.iter().any(|one| one.container == container) {
                    let why = Loss::DoesNotStay;
                    missing.push(Missing { container, why });
                }
            }
            missing
        })
    }

    fn verified(mut self, missing: Vec<Missing>) -> RollbackResult {
        let (host, record) = (self.host, self.record);
        let patience = Patience {
            probes: Duration::ZERO,
            engine: record.patience(),
        };
        let (mut verified, after) = self.phases.time(PhaseName::Verify, || {
            verify::until(host, patience, || verify::restored(host, record))
        });
        if !record.moves.networks.is_empty() {
            verified.extend(networks::verify_back(host, &record.moves));
        }
        let (up, notes) = match record.restart || self.restarted {
            true => units::bring_back(host, &record.units),
            false => (Vec::new(), Vec::new()),
        };
        verified.extend(up);
        // What failed on the way does not matter once everything is found as it was.
        let wrong = verified.iter().find(|check| !check.ok).cloned();
        // A container that does not start is reported, and no reason to call the rest lost.
        if record.touches_docker() && !record.containers.living.is_empty() {
            let others = record.containers.without(&record.moves.member_ids());
            verified.push(others.check(host, record.began(), &[]));
        }
        RollbackResult {
            problem: wrong.map(|wrong| NotRestored {
                wrong,
                causes: self.causes,
            }),
            verified,
            missing,
            notes,
            restarted: self.restarted,
            phases: self.phases.list,
            after,
        }
    }
}
