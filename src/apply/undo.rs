//! The way back from the last apply, be it days later: whether it can be gone, and what it takes on
//! the host as it is now. `go_back` goes it.

use super::containers::ContainerStates;
use super::file_edit::{Edit, differing, edit};
use super::journal::{self, Record, Unreadable};
use super::networks;
use super::networks::moves::{Moves, Relocation};
use super::networks::record::{NotRecorded, record_back};
use super::restart_method::RestartMethod;
use super::unit_of;
use crate::assess::Assessment;
use crate::assess::clash::{Clash, Kind};
use crate::facts::{DockerState, Facts, Network, ReliefRoute};
use crate::host::Host;
use crate::observe::config_file::{self, keys_of};
use crate::observe::unit;
use crate::plan::blocker::Blocker;
use crate::plan::containers::session_stopped;
use crate::plan::leaving::{Leaving, docker0_leaves, network_leaves};
use crate::plan::pending_settings::pending;
use crate::plan::project::gone_back;
use crate::plan::relocate::Move;
use crate::plan::{Permits, old_address, old_range_rules, preflight};
use crate::policy::Policy;
use crate::policy::accept::Accepted;
use crate::subnet::{overlap, v4};
use ipnet::{IpNet, Ipv4Net};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Why the last apply cannot be undone.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// No apply was recorded on this host.
    NothingRecorded,
    RecordUnreadable(Unreadable),
    FileEdited {
        path: String,
        /// When the apply began.
        began: String,
        edit: Edit,
    },
    /// Docker reads another file than the one that the apply changed.
    PathMoved {
        changed: String,
        read: String,
    },
    /// docker0 or networks would have to move back, which takes a Docker that runs.
    DockerStopped,
    NetworksNotRecorded(NotRecorded),
    /// Another Docker network has taken a range that would be needed again.
    RangeTaken {
        network: String,
        subnet: IpNet,
        range: IpNet,
    },
    /// All that is in the way of a restart, and was not accepted.
    Blocked(Vec<Blocker>),
}

/// What undoes the last apply on the host as it is now.
#[derive(Debug, PartialEq)]
pub struct WayBack {
    /// The apply, as it was recorded.
    applied: Record,
    pub docker_runs: bool,
    /// Docker that is stopped now stays so; the bytes alone go back.
    pub restart: bool,
    method: Option<RestartMethod>,
    /// The unit that dockerd runs in.
    unit: Option<String>,
    stop_first: bool,
    containers: ContainerStates,
    /// The networks that are still where the apply put them, with the containers on them now.
    moves: Moves,
    /// The units that stop with Docker, as they run now.
    units: Vec<String>,
    /// The container that the operator's session comes out of, and that stops.
    pub session_in: Option<String>,
    /// docker0's address and the engine's networks now, for the way forward again.
    docker0_now: Option<Ipv4Net>,
    networks_now: BTreeMap<String, Vec<IpNet>>,
}

/// Finds the way back; none where the last apply was undone already.
pub fn way_back(
    host: &Host,
    facts: &Facts,
    accepted: Accepted,
) -> Result<Option<WayBack>, Obstacle> {
    let Some(applied) = journal::last(host).map_err(Obstacle::RecordUnreadable)? else {
        return match journal::was_undone(host) {
            true => Ok(None),
            false => Err(Obstacle::NothingRecorded),
        };
    };
    path_is_as_applied(facts, &applied)?;
    file_is_as_applied(host, &applied)?;
    docker_can_move_back(facts, &applied)?;
    let running = facts.docker.state == DockerState::Running;
    let restart = running && needs_a_restart(facts, &applied);
    let docker0_moves = applied.docker0_before != facts.docker0();
    let of_now = || RestartMethod::of(facts.docker.service, None);
    let method = applied.way.clone().or_else(of_now);
    let containers = ContainerStates::of(facts);
    let mut way = WayBack {
        docker_runs: running,
        restart,
        unit: unit_of(host, &facts.docker, method.as_ref()),
        method,
        stop_first: restart
            && (docker0_moves && preflight::survivors(facts) || containers.are_many()),
        containers,
        moves: moves_back(host, facts, &applied.moves)?,
        units: facts.docker.dependents.clone(),
        session_in: None,
        docker0_now: facts.docker0(),
        networks_now: journal::networks(facts),
        applied: Record {
            dockerd_began: facts.docker.started.clone(),
            ..applied
        },
    };
    let stopped = session_stopped(facts, way.restart, way.stop_first, &way.moves());
    way.session_in = stopped.map(str::to_owned);
    way.ranges_are_free(facts)?;
    way.is_not_blocked(facts, accepted)?;
    Ok(Some(way))
}

/// docker0 has moved, or the pools of the file came into force by a restart.
fn needs_a_restart(facts: &Facts, applied: &Record) -> bool {
    let pools_alone = applied.docker0_after.is_none() && applied.before != applied.after;
    // Nothing takes docker0 away again: where there was none before, only the file goes back.
    let moved = applied.had_docker0() && applied.docker0_before != facts.docker0();
    moved || applied.restart && pools_alone
}

impl WayBack {
    /// When the apply began.
    pub fn began(&self) -> &str {
        &self.applied.began
    }

    /// The file that gets its old bytes back.
    pub fn path(&self) -> &str {
        &self.applied.path
    }

    /// docker0's address of before.
    pub fn docker0(&self) -> Option<Ipv4Net> {
        self.applied.docker0_before
    }

    /// The keys of the file that differ, as they are and as they will be again. Only those that
    /// rebridge may show.
    pub fn keys(&self) -> (Map<String, Value>, Map<String, Value>) {
        let now = keys_of(self.applied.after.as_deref()).unwrap_or_default();
        let then = keys_of(self.applied.before.as_deref()).unwrap_or_default();
        (differing(&now, &then), differing(&then, &now))
    }

    /// The relief that this apply made useless, and that this host needs again.
    pub fn relief(&self) -> &[ReliefRoute] {
        match self.restart || !self.moves.networks.is_empty() {
            true => &self.applied.relief,
            false => &[],
        }
    }

    /// The networks that move back.
    pub fn moves(&self) -> Vec<Move> {
        let networks = self.moves.networks.iter();
        networks.map(|network| self.move_back(network)).collect()
    }

    /// What clashes on this host once it has gone back, and does not now.
    pub fn clashes_then(&self, facts: &Facts) -> Vec<Clash> {
        let docker0 = self.applied.docker0_before.filter(|_| self.restart);
        let networks = self.moves.networks.iter();
        let networks: Vec<(&str, Ipv4Net)> =
            networks.map(|one| (one.name.as_str(), one.from)).collect();
        let after = gone_back(facts, docker0, &networks);
        let policy = Policy::default();
        let mut clashes = Assessment::of(&after, &policy).clashes;
        let now = Assessment::of(facts, &policy).clashes;
        clashes.retain(|clash| clash.kind == Kind::Present && !now.contains(clash));
        clashes
    }

    fn move_back(&self, network: &Relocation) -> Move {
        let restarting = self.moves.members.iter().filter(|member| {
            let mut attachments = member.attachments.iter();
            member.ran && !member.stays_up && attachments.any(|one| one.network == network.name)
        });
        let mut restarts: Vec<String> = restarting.map(|member| member.name.clone()).collect();
        restarts.sort();
        Move {
            network: network.name.clone(),
            from: network.to,
            to: network.from,
            explicit: true,
            restarts,
        }
    }

    /// The unit of systemd that runs Docker.
    pub fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or(unit::NAME)
    }

    /// For the journal: from here a killed rollback can be gone on with.
    pub(super) fn record(&self) -> Record {
        Record {
            restart: self.restart,
            restart_ordered: true,
            way: self.method.clone(),
            unit: self.unit.clone(),
            stop_first: self.stop_first,
            containers: self.containers.clone(),
            moves: self.moves.clone(),
            dockerd_restarted: None,
            went_back: None,
            going_back: true,
            units: self.units.clone(),
            ..self.applied.clone()
        }
    }

    /// What leads forward again from where that record leads to.
    pub(super) fn forth(&self, host: &Host, record: &Record) -> Result<Record, NotRecorded> {
        Ok(Record {
            before: record.after.clone(),
            after: record.before.clone(),
            docker0_before: self.docker0_now,
            docker0_after: record.docker0_before,
            networks: self.networks_now.clone(),
            moves: networks::record::record(host, &self.moves())?,
            ..record.clone()
        })
    }

    /// Docker neither starts with docker0 on a range that another network holds, nor creates a
    /// network there.
    fn ranges_are_free(&self, facts: &Facts) -> Result<(), Obstacle> {
        let docker0 = self.applied.old_range().filter(|_| self.restart);
        let networks = self.moves.networks.iter();
        let needed: Vec<IpNet> = docker0
            .into_iter()
            .chain(networks.map(|network| IpNet::V4(network.from)))
            .collect();
        for network in facts.engine_networks().filter(|one| self.stays(one)) {
            for subnet in network.subnets.iter().filter(|net| v4(net).is_some()) {
                if let Some(range) = needed.iter().find(|range| overlap(subnet, range)) {
                    return Err(Obstacle::RangeTaken {
                        network: network.name.clone(),
                        subnet: *subnet,
                        range: *range,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether a network stays where it is.
    fn stays(&self, network: &Network) -> bool {
        let docker0_moves = network.name == "bridge" && self.restart;
        let mut networks = self.moves.networks.iter();
        !docker0_moves && !networks.any(|one| one.name == network.name)
    }

    /// As before an apply: docker0 and the networks leave the ranges they have now.
    fn is_not_blocked(&self, facts: &Facts, accepted: Accepted) -> Result<(), Obstacle> {
        let mut leaving: Vec<Leaving> = Vec::new();
        let mut blockers = Vec::new();
        if self.restart {
            let permits = Permits {
                own_command: self.method.is_some(),
                ..Permits::plain()
            };
            blockers.extend(preflight::may_restart(facts, &permits).err());
            let docker0_moves = self.applied.docker0_before != facts.docker0();
            blockers.extend(preflight::restart_blockers(facts, docker0_moves));
            blockers.extend(pending(facts, None).blockers);
            if docker0_moves {
                leaving.extend(docker0_leaves(facts, self.applied.docker0_before));
                blockers.extend(self.lockout(facts));
            }
            blockers.extend(self.flags_in_the_way(facts, docker0_moves));
        }
        let moves = self.moves();
        leaving.extend(
            moves
                .iter()
                .map(|one| network_leaves(facts, &one.network, one.from, one.to)),
        );
        let settings = keys_of(self.applied.before.as_deref()).unwrap_or_default();
        blockers.extend(old_address::blockers(facts, &settings, &leaving));
        blockers.extend(old_range_rules::blockers(facts, &leaving));
        blockers.retain(|blocker| !blocker.is_accepted(accepted));
        match blockers.is_empty() {
            true => Ok(()),
            false => Err(Obstacle::Blocked(blockers)),
        }
    }

    /// Docker does not start with a flag that says what the old file says, or `bip` on the way.
    fn flags_in_the_way(&self, facts: &Facts, docker0_moves: bool) -> Vec<Blocker> {
        let settings = keys_of(self.applied.before.as_deref()).unwrap_or_default();
        let bip = docker0_moves || settings.contains_key("bip");
        let pools = settings.contains_key("default-address-pools");
        [("bip", bip), ("default-address-pool", pools)]
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .filter_map(|(flag, _)| preflight::flag_in_the_way(facts, flag))
            .collect()
    }

    /// A session from the old range is cut off when docker0 lies over that range again.
    fn lockout(&self, facts: &Facts) -> Option<Blocker> {
        let range = self.applied.old_range()?;
        let peer = operator_in(facts, &range)?;
        Some(Blocker::Lockout { peer, range })
    }
}

/// Where the operator's session comes from, if from this range and not from a container.
pub(super) fn operator_in(facts: &Facts, range: &IpNet) -> Option<IpAddr> {
    let peer = facts.operator.filter(|peer| range.contains(peer))?;
    let is_a_container = facts.docker_addresses().contains(&peer);
    (!is_a_container).then_some(peer)
}

fn path_is_as_applied(facts: &Facts, applied: &Record) -> Result<(), Obstacle> {
    let read = &facts.docker.config.path;
    if applied.path == *read {
        return Ok(());
    }
    Err(Obstacle::PathMoved {
        changed: applied.path.clone(),
        read: read.clone(),
    })
}

fn file_is_as_applied(host: &Host, applied: &Record) -> Result<(), Obstacle> {
    let now = config_file::read(host, &applied.path).text;
    if now == applied.after {
        return Ok(());
    }
    Err(Obstacle::FileEdited {
        path: applied.path.clone(),
        began: applied.began.clone(),
        edit: edit(applied.after.as_deref(), now.as_deref()),
    })
}

/// A Docker that is stopped keeps docker0's address in its own store, whatever the file and the
/// kernel say, and cannot re-create networks: with the old file alone it would start on the new
/// range, and give the old one away.
fn docker_can_move_back(facts: &Facts, applied: &Record) -> Result<(), Obstacle> {
    let docker0 = facts.docker0();
    let differs = docker0.is_some() && docker0 != applied.docker0_before;
    let moves_back = applied.had_docker0() && (applied.restart || differs);
    match facts.docker.state {
        DockerState::Stopped if moves_back || !applied.moves.networks.is_empty() => {
            Err(Obstacle::DockerStopped)
        }
        DockerState::Stopped | DockerState::Running | DockerState::Absent => Ok(()),
    }
}

/// The networks that are still where the apply put them.
fn moves_back(host: &Host, facts: &Facts, applied: &Moves) -> Result<Moves, Obstacle> {
    let still_there = applied.networks.iter().filter(|one| {
        let network = facts
            .engine_networks()
            .find(|network| network.name == one.name);
        network.is_some_and(|network| network.subnets.contains(&IpNet::V4(one.to)))
    });
    record_back(host, still_there.cloned().collect()).map_err(Obstacle::NetworksNotRecorded)
}
