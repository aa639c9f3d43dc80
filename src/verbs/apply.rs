//! `rebridge apply`: check, and where needed fix and verify.

use super::{Ended, Usage, facts_of, host_of, take_charge};
use crate::apply::recover::{Recovered, recover};
use crate::apply::{self, Applied, End, Request};
use crate::assess;
use crate::assess::clash::Clash;
use crate::cli::Apply;
use crate::host::Host;
use crate::observe::facts::{DockerState, Facts};
use crate::observe::observe_closely;
use crate::plan::project::project;
use crate::plan::{Decision, Permits, Plan, plan};
use crate::policy::Policy;
use crate::report::progress::Progress;
use crate::report::{Outcome, Report};

/// Whether to go on, asked with the report of what would be done.
pub type Ask<'a> = &'a dyn Fn(&Report) -> bool;

/// Runs the verb.
pub fn run(arguments: &Apply, ask: Ask) -> Ended {
    let policy = arguments.look.policy(arguments.pin)?;
    let request = Request {
        timeout: arguments.deadline(),
        probes: arguments.probes()?,
        restart_command: arguments.restart_command.clone(),
        dead_man: arguments.dead_man,
    };
    let host = host_of(&arguments.look.observe)?;
    if arguments.check {
        let facts = match arguments.look.facts {
            Some(_) => facts_of(&arguments.look, &host)?,
            None => observe_closely(&host),
        };
        return Ok(preview(&facts, &policy, arguments.permits()));
    }
    if arguments.look.facts.is_some() {
        return Err(Usage("--facts: apply changes this host and looks at it itself; add --check".to_owned()));
    }
    let _lock = match take_charge(&host, "apply", arguments.wait) {
        Ok(lock) => lock,
        Err(report) => return Ok(*report),
    };
    let progress = Progress::new(!arguments.look.json);
    let mut notes = Vec::new();
    if !host.is_image() {
        match recover(&host, request.timeout, &progress) {
            Ok(Recovered::Nothing) => {}
            Ok(Recovered::Closed(note) | Recovered::Undone(note)) => notes.push(note),
            Ok(Recovered::Stuck(problem)) => return Ok(stuck(&host, &policy, &problem)),
            Err(refusal) => return Ok(Report::without_facts(refusal.to_string())),
        }
    }
    let facts = observe_closely(&host);
    let decision = plan(&facts, &policy, arguments.permits());
    let mut report = match &decision {
        Decision::Nothing | Decision::Refuse(_) => preview(&facts, &policy, arguments.permits()),
        Decision::Change(plan) => {
            if !ask(&preview(&facts, &policy, arguments.permits())) {
                let mut report = Report::of(&facts, &policy).with_decision(&decision);
                refuse(&mut report, "not confirmed; nothing was touched".to_owned());
                return Ok(report);
            }
            let applied = apply::apply(&host, &facts, plan, &policy, &request, &progress);
            conclude(&facts, &policy, plan, applied)
        }
    };
    report.warnings.splice(0..0, notes);
    Ok(report)
}

/// The report of what would be done, nothing touched.
pub fn preview(facts: &Facts, policy: &Policy, permits: Permits) -> Report {
    let decision = plan(facts, policy, permits);
    let mut report = Report::of(facts, policy).with_decision(&decision);
    match &decision {
        Decision::Refuse(refusal) => refuse(&mut report, refusal.to_string()),
        Decision::Nothing => nothing_to_do(&mut report, facts),
        Decision::Change(plan) => {
            report.changed = true;
            report.outcome = Outcome::WouldChange;
            report.remaining = assess::assess(&project(facts, plan, plan.restart), policy);
            report.docker.docker0_after =
                if plan.restart { Some(plan.docker0.to_string()) } else { report.docker.docker0_before.clone() };
            report.msg = format!("would {}", deed(plan, facts, "set", "restart"));
        }
    }
    report
}

fn refuse(report: &mut Report, msg: String) {
    report.failed = true;
    report.outcome = Outcome::Refused;
    report.msg = msg;
}

fn nothing_to_do(report: &mut Report, facts: &Facts) {
    if report.clashes.is_empty() {
        report.msg = "nothing to do: Docker's networks are clear of everything this host is known to need".to_owned();
        return;
    }
    report.outcome = Outcome::Clashing;
    report.msg = match existing(&report.clashes) {
        Some(words) => format!("nothing to do for docker0 and the pools; {words}"),
        None => {
            let when = match facts.docker.state {
                DockerState::Running => "when Docker is restarted",
                DockerState::Stopped | DockerState::Absent => "when Docker starts",
            };
            format!(
                "nothing to write: {} already names clear ranges, which take effect {when}",
                facts.docker.config.path
            )
        }
    };
}

/// What to say of networks that another `bip` and other pools do not move; none where there are none.
fn existing(clashes: &[Clash]) -> Option<String> {
    let ipv6 = clashes.iter().find(|clash| clash.is_docker0() && !clash.is_movable());
    let ipv6 = ipv6.map(|clash| {
        format!(
            "docker0's IPv6 range {} still clashes, and rebridge moves IPv4 only: change fixed-cidr-v6 (and bip6) in \
             daemon.json",
            clash.docker.subnet
        )
    });
    let mut names = assess::unmovable(clashes);
    names.remove("bridge");
    let list = names.iter().cloned().collect::<Vec<_>>().join(", ");
    let (who, until) = match names.len() {
        0 => return ipv6,
        1 => ("1 existing network still clashes".to_owned(), "keeps its subnet until it is re-created"),
        more => (format!("{more} existing networks still clash"), "keep their subnets until they are re-created"),
    };
    let networks = format!(
        "{who} ({list}) and {until}: `docker compose down` and `up`, or `docker network rm` and `create`, takes a \
         subnet from the new pools"
    );
    Some(ipv6.map_or(networks.clone(), |ipv6| format!("{networks}; {ipv6}")))
}

/// "set bip and default-address-pools in …, restart Docker …", in the tense asked for.
fn deed(plan: &Plan, facts: &Facts, set: &str, restart: &str) -> String {
    let mut parts = Vec::new();
    if let Some(change) = &plan.write {
        let keys = change.keys_after.keys().cloned().collect::<Vec<_>>().join(", ");
        parts.push(format!("{set} {keys} in {}", change.path));
    }
    parts.push(if plan.restart {
        match facts.docker0() {
            Some(old) => format!("{restart} Docker to move docker0 from {old} to {}", plan.docker0),
            None => format!("{restart} Docker to put docker0 on {}", plan.docker0),
        }
    } else {
        let when = match facts.docker.state {
            DockerState::Running => "Docker is not restarted",
            DockerState::Stopped => "Docker is stopped",
            DockerState::Absent => "Docker is not installed",
        };
        format!("leave it at that ({when}); docker0 gets {} at its next start", plan.docker0)
    });
    parts.join(" and ")
}

/// The report of what was done.
fn conclude(before: &Facts, policy: &Policy, plan: &Plan, applied: Applied) -> Report {
    let mut report = Report::of(before, policy).with_decision(&Decision::Change(Box::new(plan.clone())));
    report.remaining = assess::assess(&applied.after, policy);
    report.docker.docker0_after = applied.after.docker0().map(|address| address.to_string());
    report.restarted = applied.restarted;
    report.verified = applied.verified;
    report.backup_file = applied.backup;
    report.warnings.extend(applied.missing.sentences());
    report.warnings.extend(applied.notes);
    match applied.end {
        End::Refused(refusal) => refuse(&mut report, refusal.to_string()),
        End::Changed => {
            report.changed = true;
            report.outcome = Outcome::Changed;
            report.msg = done(plan, before);
            report.warnings.extend(existing(&report.remaining));
        }
        End::RolledBack(why) => {
            report.failed = true;
            report.rolled_back = true;
            report.outcome = Outcome::RolledBack;
            let docker0 = report.docker.docker0_after.clone().unwrap_or_else(|| "without an address".to_owned());
            report.msg = format!(
                "cannot move docker0: {why}; the old {} is back, Docker runs and docker0 is {docker0} again",
                before.docker.config.path
            );
        }
        End::Stranded { why, then } => strand(&mut report, before, &why, &then),
    }
    report
}

/// "docker0 moved from … to …, verified".
fn done(plan: &Plan, before: &Facts) -> String {
    if !plan.restart {
        return deed(plan, before, "set", "restarted").replacen("leave it at that", "left it at that", 1);
    }
    match before.docker0() {
        Some(old) => format!("docker0 moved from {old} to {}; Docker runs and this was verified", plan.docker0),
        None => format!("docker0 is {}; Docker runs and this was verified", plan.docker0),
    }
}

fn strand(report: &mut Report, before: &Facts, why: &str, then: &str) {
    report.failed = true;
    report.outcome = Outcome::Stranded;
    report.changed = true;
    let path = &before.docker.config.path;
    let old = before.docker0().map_or("(none)".to_owned(), |address| address.to_string());
    report.msg = format!(
        "cannot move docker0: {why}; and the way back failed: {then}. Do this by hand: 1. see what Docker says: \
         journalctl -u docker.service -n 50; 2. mend {path} or the unit; 3. systemctl reset-failed docker.service \
         docker.socket && systemctl start docker.service; 4. docker0 was {old} before: see `ip -4 addr show docker0`; \
         5. run `rebridge apply` again, it will first undo what is half-done"
    );
}

/// An interrupted run could not be undone.
pub fn stuck(host: &Host, policy: &Policy, problem: &str) -> Report {
    let facts = crate::observe::observe(host);
    let mut report = Report::of(&facts, policy);
    strand(&mut report, &facts, "an earlier run was interrupted half-way", problem);
    report
}
