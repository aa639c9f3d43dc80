//! `rebridge check`: look, explain, change nothing.

use super::facts_of;
use super::request::{CheckRequest, Look, Target};
use crate::assess::Assessment;
use crate::assess::forecast::forecast;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::observe_before_a_change;
use crate::plan::{Decision, Permits, plan};
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::metrics::{Measured, render};
use crate::report::vocabulary::Vocabulary;
use std::time::{Instant, SystemTime};

/// The report says what clashes and what `apply` would do about it.
pub fn run(request: &CheckRequest) -> Result<Report, Error> {
    let (at, began) = (SystemTime::now(), Instant::now());
    let facts = look(&request.look)?;
    let mut assessment = Assessment::of(&facts, &request.look.policy);
    assessment.clashes.retain(|clash| request.only.lets(clash));
    let report = judge(&assessment, request.look.vocabulary);
    if let Some(file) = &request.metrics {
        let metrics = render(&Measured {
            facts: &facts,
            report: &report,
            forecast: &forecast(&assessment, 0, None),
            at,
            took: began.elapsed(),
        });
        file.write(&metrics).map_err(BadValue::plain)?;
    }
    Ok(report)
}

/// What is there; and where `apply` would change something, what could keep it from that.
fn look(look: &Look) -> Result<Facts, BadValue> {
    let facts = facts_of(look)?;
    let decision = plan(&Assessment::of(&facts, &look.policy), &Permits::plain());
    if look.target != Target::ThisHost || !facts.root || decision == Decision::Nothing {
        return Ok(facts);
    }
    Ok(observe_before_a_change(&Host::live()))
}

pub fn judge(assessment: &Assessment, words: Vocabulary) -> Report {
    let decision = plan(assessment, &Permits::plain());
    Report::checked(assessment, &decision, words)
}
