//! `rebridge check`: look, explain, change nothing.

use super::{Ended, Usage, facts_of, host_of};
use crate::assess::clash::{Clash, Kind};
use crate::assess::forecast::forecast;
use crate::cli::Look;
use crate::facts::Facts;
use crate::phrases::count;
use crate::plan::{Decision, Permits, plan};
use crate::policy::Policy;
use crate::report::advice::{self, Step};
use crate::report::metrics::{Measured, render};
use crate::report::sentences::{existing, movable};
use crate::report::{Outcome, Report};
use std::time::{Instant, SystemTime};

/// Looks; the report says what clashes and what `apply` would do about it.
pub fn run(look: &Look) -> Ended {
    let policy = look.policy(false)?;
    let host = host_of(&look.observe)?;
    let facts = facts_of(look, &host)?;
    Ok(judge(&facts, &policy))
}

/// The same, and the metrics of it.
pub fn run_measured(look: &Look) -> Result<(Report, String), Usage> {
    let (at, began) = (SystemTime::now(), Instant::now());
    let policy = look.policy(false)?;
    let host = host_of(&look.observe)?;
    let facts = facts_of(look, &host)?;
    let report = judge(&facts, &policy);
    let forecast = forecast(&facts, &policy, 0, None);
    let measured = Measured {
        facts: &facts,
        report: &report,
        forecast: &forecast,
        at,
        took: began.elapsed(),
    };
    let metrics = render(&measured);
    Ok((report, metrics))
}

/// The same, of facts.
pub fn judge(facts: &Facts, policy: &Policy) -> Report {
    let decision = plan(facts, policy, &Permits::plain());
    let mut report = Report::of(facts, policy).with_decision(&decision);
    if facts.interrupted {
        report.warnings.push(
            "an earlier apply was interrupted; `rebridge apply` will first put that right"
                .to_owned(),
        );
    }
    report.advice.reasons = advice::reasons(facts, policy, &report.clashes, &decision);
    if report.clashes.is_empty() {
        report.msg =
            "Docker's networks are clear of everything this host is known to need".to_owned();
        return report;
    }
    report.outcome = Outcome::Clashing;
    report.advice.verdict = advice::verdict(&report.clashes);
    report.advice.next = next(facts, policy, &report, &decision);
    let cure = match &decision {
        Decision::Change(plan) => {
            let docker0 = plan
                .docker0
                .map_or("its new address".to_owned(), |address| address.to_string());
            let does = if plan.restart {
                "moves docker0 to"
            } else {
                "makes Docker start with docker0 on"
            };
            let too = match movable(facts, &report.clashes).join(", ") {
                names if names.is_empty() => names,
                names => format!(", and with `--networks recreate` it moves {names} too"),
            };
            format!("`rebridge apply` {does} {docker0}{too}")
        }
        Decision::Refuse(_) if !facts.root => "run `rebridge apply` as root to fix it".to_owned(),
        Decision::Refuse(refusal) => {
            report
                .warnings
                .push(format!("apply would refuse: {refusal}"));
            "`rebridge apply` cannot fix it as things are (see the note)".to_owned()
        }
        Decision::Nothing => existing(facts, &report.clashes)
            .unwrap_or_else(|| "`rebridge apply` has nothing to write".to_owned()),
    };
    let now: Vec<&Clash> = report
        .clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Present)
        .collect();
    report.msg = match now.as_slice() {
        [] => format!(
            "nothing clashes yet, but Docker's address pools hold ranges that this host needs; \
             {cure}"
        ),
        [only] => format!("{}; {cure}", only.explain),
        [first, rest @ ..] => {
            format!(
                "{} (and {}); {cure}",
                first.explain,
                count(rest.len(), "more clash", "more clashes")
            )
        }
    };
    report
}

/// The command that fixes it, with the options that found it.
fn next(facts: &Facts, policy: &Policy, report: &Report, decision: &Decision) -> Vec<Step> {
    let again = |verb: &str, does: String| Step::again(facts, policy, verb, does);
    let mut steps = Vec::new();
    match decision {
        Decision::Change(plan) => {
            let docker0 = plan
                .docker0
                .map_or("elsewhere".to_owned(), |address| format!("to {address}"));
            let does = if plan.restart {
                "restarts Docker and verifies"
            } else {
                "which counts when Docker starts"
            };
            steps.push(again(
                "apply",
                format!("shows the plan and asks, then moves docker0 {docker0}, {does}"),
            ));
        }
        Decision::Refuse(_) if !facts.root => {
            steps.push(again(
                "apply",
                "as root: sees more, shows the plan and asks, then fixes it".to_owned(),
            ));
        }
        Decision::Refuse(_) | Decision::Nothing => {}
    }
    let names = movable(facts, &report.clashes);
    if !names.is_empty() && !matches!(decision, Decision::Refuse(_)) {
        let them = format!(
            "moves what exists already, too, with its containers: {}",
            names.join(", ")
        );
        steps.push(again("apply --networks recreate", them));
    }
    steps
}
