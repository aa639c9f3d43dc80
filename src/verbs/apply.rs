//! `rebridge apply`: check, and where needed fix and verify.

use super::{Ended, Usage, facts_of, host_of, take_charge};
use crate::apply::recover::{Recovered, recover};
use crate::apply::{self, Applied, End, Request};
use crate::assess::{self, clash::Clash};
use crate::cli::Apply;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::observe_closely;
use crate::plan::project::project;
use crate::plan::{Decision, Permits, Plan, plan};
use crate::policy::Policy;
use crate::report::advice::{self, Step};
use crate::report::sentences::{
    self, existing, movable, nothing_to_do, stranded, was_done, would_do,
};
use crate::report::{Outcome, Report};
use crate::terminal::progress::Progress;

/// Whether to go on, asked with the report of what would be done.
pub type Ask<'a> = &'a dyn Fn(&Report) -> bool;

/// Runs the verb.
pub fn run(arguments: &Apply, live: bool, ask: Ask) -> Ended {
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
        return Ok(preview(&facts, &policy, &arguments.permits()));
    }
    if arguments.look.facts.is_some() {
        return Err(Usage(
            "--facts: apply changes this host and looks at it itself; add --check".to_owned(),
        ));
    }
    let _lock = match take_charge(&host, "apply", arguments.wait) {
        Ok(lock) => lock,
        Err(report) => return Ok(*report),
    };
    let progress = Progress::new(live);
    let mut notes = Vec::new();
    if !host.is_image() {
        match recover(&host, request.timeout, !arguments.no_restart, &progress) {
            Ok(Recovered::Nothing) => {}
            Ok(Recovered::Closed(note) | Recovered::Undone(note)) => notes.push(note),
            Ok(Recovered::Stuck(problem)) => return Ok(stuck(&host, &policy, &problem)),
            Err(refusal) => return Ok(Report::without_facts(refusal.to_string())),
        }
    }
    let facts = observe_closely(&host);
    let decision = plan(&facts, &policy, &arguments.permits());
    let mut report = match &decision {
        Decision::Nothing | Decision::Refuse(_) => preview(&facts, &policy, &arguments.permits()),
        Decision::Change(plan) => {
            if !ask(&preview(&facts, &policy, &arguments.permits())) {
                let mut report = Report::of(&facts, &policy).with_decision(&decision);
                refuse(&mut report, "not confirmed; nothing was touched".to_owned());
                report.advice.declined = true;
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
pub fn preview(facts: &Facts, policy: &Policy, permits: &Permits) -> Report {
    let decision = plan(facts, policy, permits);
    let mut report = Report::of(facts, policy).with_decision(&decision);
    report.advice.reasons = advice::reasons(facts, policy, &report.clashes, &decision);
    match &decision {
        Decision::Refuse(refusal) => refuse(&mut report, refusal.to_string()),
        Decision::Nothing => {
            nothing_to_do(&mut report, facts);
            report
                .advice
                .next
                .extend(recreate(facts, policy, &report.clashes));
        }
        Decision::Change(plan) => {
            report.changed = true;
            report.outcome = Outcome::WouldChange;
            report.remaining = assess::assess(&project(facts, plan, plan.restart), policy);
            report.docker.docker0_after = plan
                .docker0
                .filter(|_| plan.restart)
                .map(|new| new.to_string())
                .or(report.docker.docker0_before.clone());
            report.msg = format!("would {}", would_do(plan, facts));
            report.advice.then = advice::then(facts, plan);
            let does = "the same command without --check does it".to_owned();
            report.advice.next = vec![Step {
                run: String::new(),
                does,
            }];
        }
    }
    report
}

fn refuse(report: &mut Report, msg: String) {
    report.failed = true;
    report.outcome = Outcome::Refused;
    report.msg = msg;
}

/// The report of what was done.
fn conclude(before: &Facts, policy: &Policy, plan: &Plan, applied: Applied) -> Report {
    let mut report =
        Report::of(before, policy).with_decision(&Decision::Change(Box::new(plan.clone())));
    report.remaining = assess::assess(&applied.after, policy);
    report.docker.docker0_after = applied.after.docker0().map(|address| address.to_string());
    report.restarted = applied.restarted;
    report.verified = applied.verified;
    report.phases = applied.phases;
    for (one, made) in report.plan.networks.iter_mut().zip(&applied.moved) {
        one.to = made.to;
    }
    report.backup_file = applied.backup;
    report.warnings.extend(applied.missing.sentences());
    report.warnings.extend(applied.notes);
    match applied.end {
        End::Refused(refusal) => refuse(&mut report, refusal.to_string()),
        End::Changed => {
            report.changed = true;
            report.outcome = Outcome::Changed;
            report.msg = was_done(plan, &report.plan.networks, before);
            report.warnings.extend(existing(before, &report.remaining));
            report.advice.next = next(before, policy, plan, &report);
        }
        End::RolledBack(why) => {
            report.failed = true;
            report.rolled_back = true;
            report.outcome = Outcome::RolledBack;
            report.msg =
                sentences::rolled_back(plan, before, report.docker.docker0_after.as_deref(), &why);
        }
        End::Stranded { why, then } => stranded(&mut report, before, &why, &then),
    }
    report
}

/// What moves the networks that exist already, where some clash.
fn recreate(facts: &Facts, policy: &Policy, clashes: &[Clash]) -> Option<Step> {
    let names = movable(facts, clashes);
    let does = format!(
        "moves what exists already, with its containers: {}",
        names.join(", ")
    );
    (!names.is_empty()).then(|| Step::again(facts, policy, "apply --networks recreate", does))
}

/// What is left to do, and the way back.
fn next(before: &Facts, policy: &Policy, plan: &Plan, report: &Report) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(recreate(before, policy, &report.remaining).filter(|_| plan.restart));
    if !policy.given.iter().any(|word| word == "--root") {
        steps.push(Step::rollback());
    }
    steps
}

/// An interrupted run could not be undone.
pub fn stuck(host: &Host, policy: &Policy, problem: &str) -> Report {
    let facts = crate::observe::observe(host);
    let mut report = Report::of(&facts, policy);
    stranded(
        &mut report,
        &facts,
        "an earlier run was interrupted half-way",
        problem,
    );
    report
}
