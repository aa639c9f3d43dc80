//! `rebridge relieve`: lead packets past Docker's bridge now, without a restart.

use super::consent::Consent;
use super::options::policy_of;
use super::request::{RelieveRequest, Target};
use super::{facts_of, take_charge};
use crate::apply::deadman;
use crate::apply::relief::{has_its_routes, is_in_place, relieve_watched, take_away};
use crate::assess::Assessment;
use crate::facts::Facts;
use crate::host::Host;
use crate::observe::{observe_before_relief, observe_closely, observe_quickly};
use crate::plan::relief::Relief;
use crate::policy::Policy;
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::relieved::Standing;
use crate::report::sentences::relief::VERIFIED;

pub fn run(request: &RelieveRequest, consent: Consent) -> Result<Report, Error> {
    let policy = policy_of(&request.look)?;
    let host = Host::live();
    match &request.look.target {
        Target::ThisHost => {}
        Target::SavedFacts(_) if request.check && !request.undo => {
            let facts = facts_of(&request.look)?;
            return Ok(planned(None, &facts, &policy, request).preview);
        }
        Target::SavedFacts(_) | Target::Image(_) => {
            let why = "relief is for this host; with saved facts, only --check is possible";
            return Err(BadValue::plain(why).into());
        }
    }
    if request.check {
        return Ok(match request.undo {
            true => {
                let facts = observe_closely(&host);
                Report::relief_undo_previewed(&facts, is_there(&host, &facts))
            }
            false => preview(&host, &observe_before_relief(&host), &policy, request),
        });
    }
    let _lock = take_charge(&host, "relieve", request.wait)?;
    match request.undo {
        true => undo(&host, request, consent),
        false => carry_out(&host, request, &policy, consent),
    }
}

/// What `relieve` would do, nothing touched.
pub fn preview(host: &Host, facts: &Facts, policy: &Policy, request: &RelieveRequest) -> Report {
    planned(Some(host), facts, policy, request).preview
}

/// What is to be done, and the report of it.
struct Planned {
    relief: Relief,
    standing: Standing,
    preview: Report,
}

/// Without a host the facts are all there is: they may be another's.
fn planned(
    host: Option<&Host>,
    facts: &Facts,
    policy: &Policy,
    request: &RelieveRequest,
) -> Planned {
    let assessment = Assessment::of(facts, policy);
    let relief = Relief::of(&assessment, request.act_on_suspected);
    let standing = match relief.ranges.is_empty() {
        true if !stands(host, facts, &Relief::default()) => Standing::ToChange,
        true if relief.out_of_reach.is_empty() => Standing::NotNeeded,
        true => Standing::NoHelp,
        false if stands(host, facts, &relief) => Standing::InPlace,
        false => Standing::ToChange,
    };
    let words = request.look.vocabulary;
    let preview = Report::relief_previewed(&assessment, &relief, standing, words);
    Planned {
        relief,
        standing,
        preview,
    }
}

/// The question may stand for an hour: relief is planned again after it, and asked about again where
/// it differs.
pub fn carry_out(
    host: &Host,
    request: &RelieveRequest,
    policy: &Policy,
    consent: Consent,
) -> Result<Report, Error> {
    let mut asked = None;
    loop {
        let facts = observe_before_relief(host);
        if facts.interrupted {
            return Err(Error::HalfWay);
        }
        let planned = planned(Some(host), &facts, policy, request);
        // What a killed run has left to its timer is there, but nobody has verified it.
        let is_unverified =
            planned.standing == Standing::InPlace && deadman::relief_is_unverified(host);
        if planned.standing != Standing::ToChange && !is_unverified {
            return Ok(planned.preview);
        }
        if consent.is_given() || asked.as_ref() == Some(&planned.relief) {
            let dead_man = request.dead_man;
            let done = relieve_watched(host, &facts, &planned.relief, &request.probes, dead_man)?;
            let seen = observe_quickly(host);
            let after = Assessment::of(&seen, policy);
            let words = request.look.vocabulary;
            let Planned {
                preview, relief, ..
            } = planned;
            return Ok(Report::relieved(preview, &relief, done, &after, words));
        }
        if let Err(report) = consent.to(planned.preview) {
            return Ok(*report);
        }
        asked = Some(planned.relief);
    }
}

fn undo(host: &Host, request: &RelieveRequest, consent: Consent) -> Result<Report, Error> {
    let facts = observe_closely(host);
    if request.unless_verified && !deadman::relief_is_unverified(host) {
        return Ok(Report::nothing_to_undo(&facts, VERIFIED));
    }
    let is_there = is_there(host, &facts);
    let preview = Report::relief_undo_previewed(&facts, is_there);
    if !is_there {
        // What a reboot left on record is over, too.
        let forgotten = take_away(host, &[]);
        if request.unless_verified {
            deadman::relief_is_undone(host);
        }
        return Ok(match forgotten {
            Ok(()) => preview,
            Err(_) => Report::relief_undone(preview, &facts, forgotten, request.look.vocabulary),
        });
    }
    if let Err(report) = consent.to(preview.clone()) {
        return Ok(*report);
    }
    let done = take_away(host, &facts.kernel.relief);
    match request.unless_verified {
        true if done.is_ok() => deadman::relief_is_undone(host),
        true => {}
        false => deadman::disarm_for_relief(host),
    }
    Ok(Report::relief_undone(
        preview,
        &facts,
        done,
        request.look.vocabulary,
    ))
}

fn stands(host: Option<&Host>, facts: &Facts, relief: &Relief) -> bool {
    match host {
        Some(host) => is_in_place(host, facts, relief),
        None => has_its_routes(facts, relief),
    }
}

fn is_there(host: &Host, facts: &Facts) -> bool {
    !is_in_place(host, facts, &Relief::default())
}
