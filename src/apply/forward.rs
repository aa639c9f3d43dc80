//! The way forward once the new file is in its place: restart, containers, verify; then the
//! networks that move.

use super::journal::Record;
use super::networks::{self, moves::Side};
use super::phases::Phases;
use super::restart::{RestartMethod, restart_in};
use super::{Applied, End, Request, verify};
use crate::host::Host;
use crate::observe;
use crate::plan::Plan;
use crate::policy::Policy;
use std::time::Instant;

/// The way forward; an error is why it has to be undone.
pub(super) struct Forward<'a> {
    pub host: &'a Host,
    pub plan: &'a Plan,
    pub policy: &'a Policy,
    pub request: &'a Request,
}

impl Forward<'_> {
    /// Restart, bring the containers back, verify.
    pub fn settle_docker0(&self, record: &Record, phases: &mut Phases) -> Result<Applied, String> {
        let Forward { host, plan, .. } = self;
        if !plan.restart {
            return Ok(Applied {
                ..Applied::ended(End::Changed, observe::observe(host))
            });
        }
        if plan.stop_first || !plan.moves.is_empty() {
            phases.time("stopping containers", || match plan.stop_first {
                true => record.containers.stop(host),
                false => networks::stop_members(host, &record.moves),
            })?;
        }
        let deadline = Instant::now() + self.request.timeout;
        let way = record.way.clone().unwrap_or(RestartMethod::Systemd);
        restart_in(phases, "restarting Docker", host, &way, deadline)?;
        if !verify::docker0_has_an_address(host, deadline) {
            // Rare, and known: something on the host takes the address of a bridge that has just
            // been made.
            restart_in(phases, "restarting Docker once more", host, &way, deadline)?;
        }
        let started = verify::Started::now(host);
        // Those on networks that move would only be stopped again.
        let roll = record.containers.without(&record.moves.members);
        let missing = phases.time("bringing containers back", || roll.restore(host));
        let (verified, after) = phases.time("verifying", || {
            let (mut checks, after) = verify::until(host, deadline, || {
                verify::moved(host, plan, record, self.policy, &self.request.probes)
            });
            checks.push(started.stays(host));
            (checks, after)
        });
        match verified.iter().find(|check| !check.ok) {
            None => Ok(Applied {
                verified,
                restarted: true,
                missing,
                ..Applied::ended(End::Changed, after)
            }),
            Some(check) => Err(format!("Docker restarted, but {}", check.complaint())),
        }
    }

    /// Moves the networks, verifies.
    pub fn settle_networks(
        &self,
        record: &mut Record,
        so_far: Applied,
        phases: &mut Phases,
    ) -> Result<Applied, String> {
        let Forward { host, .. } = self;
        if let Some(problem) = networks::settle(host, &record.moves, Side::New, phases)
            .into_iter()
            .next()
        {
            return Err(problem);
        }
        let (checks, after) = phases.time("verifying networks", || {
            let mut checks = networks::verify(host, &mut record.moves, Side::New);
            let after = observe::observe(host);
            checks.push(verify::networks_clear(&after, self.policy, &record.moves));
            checks.extend(verify::reachable(host, &self.request.probes));
            (checks, after)
        });
        if let Some(check) = checks.iter().find(|check| !check.ok) {
            return Err(format!("networks were moved, but {}", check.complaint()));
        }
        let mut verified = so_far.verified;
        verified.retain(|check| !checks.iter().any(|again| again.what == check.what));
        verified.extend(checks);
        let moved = record.moves.networks.clone();
        Ok(Applied {
            verified,
            after,
            moved,
            ..so_far
        })
    }
}
