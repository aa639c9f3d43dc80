//! The way forward once the new file is in its place: restart, containers, verify; then the
//! networks that move.

use super::applied::{Applied, End};
use super::cause::Cause;
use super::check::Check;
use super::firewall;
use super::journal::{self, Record};
use super::networks::{self, moves::Moves, moves::Side};
use super::phases::PhaseName;
use super::progress::Phases;
use super::reachable::reachable;
use super::request::Request;
use super::restart::{Deadline, Restarter};
use super::verify::{self, Patience, Started};
use crate::facts::Facts;
use crate::host::{Host, JOURNAL};
use crate::observe::observe;
use crate::plan::Plan;
use crate::plan::blocker::Blocker;
use crate::policy::Policy;
use std::time::{Duration, Instant};

/// A service in a container may take this long to answer once the container runs.
const PROBES: Duration = Duration::from_secs(60);

pub struct Forward<'a> {
    pub host: &'a Host,
    pub plan: &'a Plan,
    pub policy: &'a Policy,
    pub request: &'a Request,
}

impl Forward<'_> {
    /// All of the way; an error is why it has to be undone.
    pub fn go(&self, record: &mut Record, phases: &mut Phases) -> Result<Applied, Cause> {
        let applied = match self.plan.restart {
            true => self.settle_docker0(record, phases)?,
            false => Applied::ended(End::Changed, observe(self.host)),
        };
        if self.plan.moves.is_empty() {
            return Ok(applied);
        }
        let applied = self.settle_networks(&record.moves, applied, phases)?;
        // For the way back days later, with the subnets that the engine chose itself.
        record.moves.networks.clone_from(&applied.moved);
        Ok(applied)
    }

    /// Restart, bring the containers back, verify.
    fn settle_docker0(&self, record: &mut Record, phases: &mut Phases) -> Result<Applied, Cause> {
        let old = record.old_range();
        let masqueraded = old.is_some_and(|old| firewall::is_masqueraded(self.host, &old));
        self.stop_containers(record, phases)?;
        self.note_the_order(record)?;
        self.restart(record, phases)?;
        let started = Started::now(self.host);
        record.dockerd_restarted.clone_from(&started.began);
        // Only a run that follows a kill would miss it.
        let _ = journal::begin(self.host, record);
        // Those on networks that move would only be stopped again.
        let containers = record.containers.without(&record.moves.member_ids());
        let missing = phases.time(PhaseName::RestoreContainers, || {
            containers.restore(self.host, record.began())
        });
        let (mut verified, after) = phases.time(PhaseName::Verify, || {
            self.verify_docker0(record, &started, masqueraded)
        });
        if !containers.living.is_empty() {
            verified.push(containers.check(self.host, record.began(), &self.given_up()));
        }
        match verified.iter().find(|check| !check.ok) {
            None => Ok(Applied {
                verified,
                restarted: true,
                missing,
                ..Applied::ended(End::Changed, after)
            }),
            Some(wrong) => Err(Cause::WrongAfterRestart(wrong.clone())),
        }
    }

    /// The containers that you accepted to lose.
    fn given_up(&self) -> Vec<&str> {
        let accepted = self.plan.accepted.iter();
        let containers = accepted.filter_map(|blocker| match blocker {
            Blocker::PublishesOnOldAddress { container, .. }
            | Blocker::ContainerNamesOldAddress { container, .. } => Some(container.as_str()),
            _ => None,
        });
        containers.collect()
    }

    fn stop_containers(&self, record: &Record, phases: &mut Phases) -> Result<(), Cause> {
        if record.stop_first {
            phases.time(PhaseName::StopContainers, || {
                record.containers.stop(self.host)
            })
        } else if !self.plan.moves.is_empty() {
            phases.time(PhaseName::StopContainers, || {
                networks::stop_members(self.host, &record.moves)
            })
        } else {
            Ok(())
        }
    }

    /// Until this is on disk a run that is killed has not restarted Docker.
    fn note_the_order(&self, record: &mut Record) -> Result<(), Cause> {
        if record.restart_ordered {
            return Ok(());
        }
        record.restart_ordered = true;
        journal::begin(self.host, record).map_err(|error| {
            record.restart_ordered = false;
            Cause::FileNotWritten {
                path: JOURNAL.to_owned(),
                why: error.to_string(),
            }
        })
    }

    fn restart(&self, record: &Record, phases: &mut Phases) -> Result<(), Cause> {
        let restarter = Restarter::of(self.host, record);
        let deadline = || Deadline {
            at: Instant::now() + record.patience(),
            firm: self.request.timeout.is_some(),
        };
        restarter.restart_in(phases, PhaseName::RestartDocker, deadline())?;
        let has_none = record.docker0_before.or(self.plan.docker0).is_none();
        if has_none || verify::docker0_has_an_address(self.host) {
            return Ok(());
        }
        // Rare, and known: something on the host takes the address of a bridge that has just been
        // created.
        let name = PhaseName::RestartDockerOnceMore;
        restarter.restart_in(phases, name, deadline())
    }

    fn verify_docker0(
        &self,
        record: &Record,
        started: &Started,
        masqueraded: bool,
    ) -> (Vec<Check>, Facts) {
        let patience = Patience {
            probes: self.request.timeout.unwrap_or(PROBES),
            engine: record.patience(),
        };
        let (mut checks, after) = verify::until(self.host, patience, || {
            let Forward {
                host,
                plan,
                policy,
                request,
            } = *self;
            verify::moved(host, plan, record, policy, request, masqueraded)
        });
        checks.push(started.stays(self.host));
        (checks, after)
    }

    /// Moves the networks, verifies.
    fn settle_networks(
        &self,
        moves: &Moves,
        so_far: Applied,
        phases: &mut Phases,
    ) -> Result<Applied, Cause> {
        let causes = networks::settle(self.host, moves, Side::New, phases);
        if let Some(first) = causes.into_iter().next() {
            return Err(first);
        }
        let (checks, moves, after) =
            phases.time(PhaseName::VerifyNetworks, || self.verify_networks(moves));
        if let Some(wrong) = checks.iter().find(|check| !check.ok) {
            return Err(Cause::WrongAfterMoves(wrong.clone()));
        }
        // What was checked twice is reported once.
        let mut verified = so_far.verified;
        verified.retain(|check| !checks.iter().any(|again| again.what == check.what));
        verified.extend(checks);
        Ok(Applied {
            verified,
            after,
            moved: moves.networks,
            ..so_far
        })
    }

    fn verify_networks(&self, moves: &Moves) -> (Vec<Check>, Moves, Facts) {
        let (mut checks, moves) = networks::verify_moved(self.host, moves);
        let after = observe(self.host);
        checks.push(verify::networks_are_clear(&after, self.policy, &moves));
        checks.extend(reachable(
            self.host,
            &self.request.probes,
            self.plan.session_ends(),
        ));
        (checks, moves, after)
    }
}
