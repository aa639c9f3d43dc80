//! `rebridge check`: look, explain, change nothing.

use super::{Ended, count, facts_of, host_of};
use crate::apply::journal;
use crate::assess;
use crate::assess::clash::Kind;
use crate::cli::Look;
use crate::plan::{Decision, plan};
use crate::report::{Outcome, Report};

/// Looks; the report says what clashes and what `apply` would do about it.
pub fn run(look: &Look) -> Ended {
    let policy = look.policy(false)?;
    let host = host_of(&look.observe)?;
    let facts = facts_of(look, &host)?;
    let clashes = assess::assess(&facts, &policy);
    let decision = plan(&facts, &policy, true);
    let mut report = Report::about(&facts, clashes).with_decision(&decision);
    if let Decision::Refuse(refusal) = &decision {
        report.warnings.push(format!("apply would refuse: {refusal}"));
    }
    if look.facts.is_none() && journal::read(&host).is_ok_and(|pending| pending.is_some()) {
        report.warnings.push("an earlier apply was interrupted; `rebridge apply` will first put that right".to_owned());
    }
    let now = report.clashes.iter().filter(|clash| clash.kind == Kind::Present).count();
    let later = report.clashes.len() - now;
    report.outcome = if report.clashes.is_empty() { Outcome::Clean } else { Outcome::Clashing };
    let cure = match &decision {
        Decision::Change(plan) => format!("`rebridge apply` moves docker0 to {}", plan.docker0),
        Decision::Refuse(_) => "`rebridge apply` cannot fix it as things are".to_owned(),
        Decision::Nothing => "`rebridge apply` cannot move networks that exist already".to_owned(),
    };
    report.msg = match (now, later) {
        (0, 0) => "Docker's networks are clear of everything this host is known to need".to_owned(),
        (0, later) => format!("nothing clashes yet, but Docker could still take a range in {} ways; {cure}", later),
        (now, _) => format!(
            "{} with networks this host needs; {cure}",
            count(now, "Docker network clashes", "clashes of Docker networks")
        ),
    };
    Ok(report)
}
