//! `rebridge map`: who uses which private addresses, now and after `apply`.

use super::facts_of;
use super::request::MapRequest;
use crate::assess::Assessment;
use crate::assess::address_map::{DockerRange, When, address_map};
use crate::assess::forecast::forecast;
use crate::plan::project::project;
use crate::plan::{Decision, Permits, Plan, plan};
use crate::policy::option::BadValue;
use crate::report::error::Error;
use crate::report::map::{Map, svg};
use crate::report::sentences::blockers;
use crate::report::vocabulary::Vocabulary;

pub fn run(request: &MapRequest) -> Result<Map, Error> {
    let facts = facts_of(&request.look)?;
    let map = draw(&Assessment::of(&facts, &request.look.policy));
    if let Some(picture) = &request.svg {
        picture.write(&svg::render(&map)).map_err(BadValue::plain)?;
    }
    Ok(map)
}

pub fn draw(assessment: &Assessment) -> Map {
    let now = address_map(assessment);
    let mut warnings = forecast(assessment, 0, None).warnings;
    let after = match plan(assessment, &Permits::plain()) {
        Decision::Change(plan) => Some(after(assessment, &plan)),
        Decision::Nothing => None,
        Decision::Refuse(blockers) => {
            let why = blockers::all_refused(&blockers, Vocabulary::CommandLine);
            warnings.push(format!(
                "`rebridge apply` would refuse, so this map has no \"after\": {why}"
            ));
            None
        }
    };
    let engine = assessment.facts.docker.engine.as_ref();
    Map {
        schema: 1,
        engine: engine.map(|engine| engine.version.clone()),
        needed: now.needed,
        docker: now.docker,
        after,
        warnings,
    }
}

fn after(before: &Assessment, plan: &Plan) -> Vec<DockerRange> {
    let facts = project(before.facts, plan, true);
    let mut ranges = address_map(&Assessment::of(&facts, before.policy)).docker;
    // Where Docker has never started, docker0 comes with its first start.
    for range in &mut ranges {
        if range.when == When::Next && range.name.as_deref() == Some("docker0") {
            range.when = When::Now;
        }
    }
    ranges
}
