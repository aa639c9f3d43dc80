//! `rebridge check`: look, explain, change nothing.

use super::facts_of;
use super::options::policy_of;
use super::request::{CheckRequest, Look, Target};
use crate::assess::Assessment;
use crate::assess::clash::Only;
use crate::assess::forecast::forecast;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::observe_before_a_change;
use crate::plan::relief::Relief;
use crate::plan::{Decision, Permits, plan};
use crate::policy::Policy;
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::metrics::{Measured, render};
use crate::report::vocabulary::Vocabulary;
use std::time::{Instant, SystemTime};

/// The report says what clashes and what `apply` would do about it.
pub fn run(request: &CheckRequest) -> Result<Report, Error> {
    let began = Began::now();
    let policy = policy_of(&request.look)?;
    let facts = closer(facts_of(&request.look)?, &request.look, &policy);
    let assessment = assessed(&facts, &policy, &request.only);
    let report = judge(&assessment, request.look.vocabulary);
    if let Some(file) = &request.metrics {
        file.write(&began.metrics(&assessment, &report))
            .map_err(BadValue::plain)?;
    }
    Ok(report)
}

/// When a check began.
pub struct Began {
    pub at: SystemTime,
    clock: Instant,
}

impl Began {
    pub fn now() -> Began {
        Began {
            at: SystemTime::now(),
            clock: Instant::now(),
        }
    }

    /// What it found, for `--metrics`.
    pub fn metrics(&self, assessment: &Assessment, report: &Report) -> String {
        render(&Measured {
            facts: assessment.facts,
            report,
            forecast: &forecast(assessment, 0, None),
            at: self.at,
            took: self.clock.elapsed(),
        })
    }
}

/// What is there; and where `apply` would change something, what could keep it from that.
pub fn closer(facts: Facts, look: &Look, policy: &Policy) -> Facts {
    let decision = plan(&Assessment::of(&facts, policy), &Permits::plain());
    if look.target != Target::ThisHost || !facts.root || decision == Decision::Nothing {
        return facts;
    }
    observe_before_a_change(&Host::live())
}

/// The clashes that count.
pub fn assessed<'a>(facts: &'a Facts, policy: &'a Policy, only: &Only) -> Assessment<'a> {
    let mut assessment = Assessment::of(facts, policy);
    assessment.clashes.retain(|clash| only.lets(clash));
    assessment
}

pub fn judge(assessment: &Assessment, words: Vocabulary) -> Report {
    let decision = plan(assessment, &Permits::plain());
    Report::checked(assessment, &decision, Relief::would_help(assessment), words)
}
