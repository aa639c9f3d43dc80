//! `rebridge apply`: check, fix what clashes, and verify.

use super::consent::Consent;
use super::options::{self, Remembering, policy_of};
use super::relieve;
use super::request::{ApplyRequest, RelieveRequest, Target};
use super::{facts_of, host_of, take_charge};
use crate::apply;
use crate::apply::cause::NotRestored;
use crate::apply::progress::Progress;
use crate::apply::recover::{Recovered, recover};
use crate::apply::relief::{Fault, settle};
use crate::assess::Assessment;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::{add_forward_filter, observe, observe_before_a_change, observe_closely};
use crate::plan::project::project;
use crate::plan::relief::Relief;
use crate::plan::{Decision, Permits, plan};
use crate::policy::Policy;
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::sentences::undo;
use crate::report::vocabulary::Vocabulary;

pub fn run(
    request: &ApplyRequest,
    progress: &dyn Progress,
    consent: Consent,
) -> Result<Report, Error> {
    let words = request.look.vocabulary;
    let policy = policy_of(&request.look)?;
    if request.check {
        return would(request, &policy);
    }
    if let Target::SavedFacts(_) = request.look.target {
        let why = "--facts: apply looks at the host that it changes; with saved facts, add --check";
        return Err(BadValue::plain(why).into());
    }
    let host = host_of(&request.look.target)?;
    let _lock = take_charge(&host, "apply", request.wait)?;
    let mut notes: Vec<String> = Vec::new();
    if !host.is_image() {
        let may_restart = request.permits.restart;
        let accepted = request.permits.accepted;
        let timeout = request.order.timeout;
        let recovered = recover(&host, timeout, may_restart, accepted, progress)?;
        notes = undo::recovered(&recovered);
        if let Recovered::Stuck(problem) = recovered {
            return Ok(stuck(&host, &policy, &problem, words));
        }
    }
    let relief = relief_of(request);
    let relief = relief.map(|asked| relieve::carry_out(&host, &asked, &policy, consent));
    let relief = relief.transpose()?;
    if let Some(report) = relief.as_ref().filter(|report| report.failed) {
        return Ok(report.clone());
    }
    let mut report = fix(&host, request, &policy, progress, consent)?;
    report.warnings.splice(0..0, notes);
    report.follows_relief(relief);
    Ok(report)
}

/// The relief that comes before the file.
fn relief_of(request: &ApplyRequest) -> Option<RelieveRequest> {
    request.relieve.then(|| RelieveRequest {
        look: request.look.clone(),
        check: request.check,
        undo: false,
        unless_verified: false,
        act_on_suspected: request.permits.act_on_suspected,
        probes: request.order.probes.clone(),
        // The timer is the file's, which comes after.
        dead_man: None,
        wait: request.wait,
    })
}

/// `apply --check`.
fn would(request: &ApplyRequest, policy: &Policy) -> Result<Report, Error> {
    let mut facts = match &request.look.target {
        Target::SavedFacts(_) => facts_of(&request.look)?,
        target => look(&host_of(target)?, policy, &request.permits),
    };
    if request.relieve {
        add_forward_filter(&Host::live(), &mut facts);
    }
    let assessment = Assessment::of(&facts, policy);
    let mut report = preview(&assessment, &request.permits, request.look.vocabulary);
    let relief = relief_of(request);
    let host = Host::live();
    report.follows_relief(relief.map(|asked| relieve::preview(&host, &facts, policy, &asked)));
    match &request.look.target {
        Target::SavedFacts(_) => Ok(report),
        target => would_keep(&host_of(target)?, request, report),
    }
}

/// Looks, decides, asks, and carries out the decision. The question may stand for an hour: the plan
/// is made again after it, and asked about again where it differs.
fn fix(
    host: &Host,
    request: &ApplyRequest,
    policy: &Policy,
    progress: &dyn Progress,
    consent: Consent,
) -> Result<Report, Error> {
    let words = request.look.vocabulary;
    let mut asked = None;
    loop {
        let facts = look(host, policy, &request.permits);
        let before = Assessment::of(&facts, policy);
        let decision = plan(&before, &request.permits);
        let agreed = consent.is_given() || asked.as_ref() == Some(&decision);
        if let (Decision::Change(plan), true) = (&decision, agreed) {
            let keeping = remembering(host, request)?;
            let applied = apply::apply(host, &before, plan, &request.order, progress);
            let seen = applied.after.clone();
            let after = Assessment::of(&seen, policy);
            let mut report = Report::applied(&before, plan, applied, &after, words);
            report.relief_ended(end_relief(host, &after));
            return Ok(keep(keeping, report));
        }
        let preview = previewed(&before, &decision, words);
        if !matches!(decision, Decision::Change(_)) {
            return remembered(host, request, preview, consent);
        }
        if let Err(report) = consent.to(would_keep(host, request, preview)?) {
            return Ok(*report);
        }
        asked = Some(decision);
    }
}

/// Takes away the relief that the cure has made useless. None where there was none.
fn end_relief(host: &Host, after: &Assessment) -> Option<Result<(), Fault>> {
    let there = &after.facts.kernel.relief;
    if there.is_empty() && after.facts.relief_on_record.is_none() {
        return None;
    }
    let wanted = Relief::of(after, true);
    let stays = there
        .iter()
        .all(|route| wanted.routes().any(|one| one == route));
    if there.is_empty() && wanted.ranges.is_empty() {
        // Only a record is left, of routes that others or a reboot took away.
        return settle(host, there, &wanted).err().map(Err);
    }
    (!stays).then(|| settle(host, there, &wanted))
}

// What `--remember` adds.

fn would_keep(host: &Host, request: &ApplyRequest, mut report: Report) -> Result<Report, Error> {
    if request.remember && went_well(&report) {
        report.would_keep(options::preview(host, &request.look)?);
    }
    Ok(report)
}

fn remembering(host: &Host, request: &ApplyRequest) -> Result<Option<Remembering>, Error> {
    let wanted = request.remember.then_some(&request.look);
    wanted.map(|look| options::prepare(host, look)).transpose()
}

/// Nothing is to be done to Docker. The options are kept all the same, if you agree.
fn remembered(
    host: &Host,
    request: &ApplyRequest,
    report: Report,
    consent: Consent,
) -> Result<Report, Error> {
    if !request.remember || !went_well(&report) {
        return Ok(report);
    }
    let would = would_keep(host, request, report.clone())?;
    if would.changed
        && let Err(report) = consent.to(would)
    {
        return Ok(*report);
    }
    Ok(keep(remembering(host, request)?, report))
}

/// The options of a run that failed are not those to begin the next one with.
fn keep(keeping: Option<Remembering>, mut report: Report) -> Report {
    let Some(keeping) = keeping.filter(|_| went_well(&report)) else {
        return report;
    };
    match keeping.commit() {
        (kept, None) => report.has_kept(kept),
        (kept, Some(why)) => report.has_not_kept(&kept, &why),
    }
    report
}

fn went_well(report: &Report) -> bool {
    report.exit_code(false) == 0
}

/// What is there; and where something is to be changed, what that could take away. On a busy host a
/// network may come between two readers of one look, so that a reason to act must be there twice.
fn look(host: &Host, policy: &Policy, permits: &Permits) -> Facts {
    let facts = observe_closely(host);
    match plan(&Assessment::of(&facts, policy), permits) {
        Decision::Nothing => facts,
        Decision::Change(_) | Decision::Refuse(_) => observe_before_a_change(host),
    }
}

/// The report of what would be done, nothing touched.
pub fn preview(assessment: &Assessment, permits: &Permits, words: Vocabulary) -> Report {
    previewed(assessment, &plan(assessment, permits), words)
}

fn previewed(assessment: &Assessment, decision: &Decision, words: Vocabulary) -> Report {
    let Decision::Change(plan) = decision else {
        return Report::previewed(assessment, decision, None, words);
    };
    let facts = project(assessment.facts, plan, plan.restart);
    let after = Assessment::of(&facts, assessment.policy);
    Report::previewed(assessment, decision, Some(&after), words)
}

/// The report of an interrupted run that could not be undone.
pub fn stuck(host: &Host, policy: &Policy, problem: &NotRestored, words: Vocabulary) -> Report {
    let facts = observe(host);
    Report::stuck(&Assessment::of(&facts, policy), problem, words)
}
