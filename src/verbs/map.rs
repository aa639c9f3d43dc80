//! `rebridge map`: who uses what of the private address space, and how it would be after `apply`.

use super::output_file::OutputFile;
use super::{Usage, facts_of, host_of};
use crate::assess::address_map::{DockerRange, address_map};
use crate::assess::forecast::forecast;
use crate::cli;
use crate::facts::Facts;
use crate::plan::project::project;
use crate::plan::{Decision, Permits, plan};
use crate::policy::Policy;
use crate::report::map::{Map, svg};
use ipnet::IpNet;

/// Looks, and draws; writes the picture where one is asked for.
pub fn run(arguments: &cli::Map) -> Result<Map, Usage> {
    let policy = arguments.look.policy(false)?;
    let host = host_of(&arguments.look.observe)?;
    let picture = arguments
        .svg
        .as_deref()
        .map(|path| OutputFile::at("--svg", path))
        .transpose()?;
    let map = draw(&facts_of(&arguments.look, &host)?, &policy);
    if let Some(picture) = picture {
        picture.write(&svg::render(&map))?;
    }
    Ok(map)
}

/// The same, of facts.
pub fn draw(facts: &Facts, policy: &Policy) -> Map {
    let now = address_map(facts, policy);
    let mut warnings = forecast(facts, policy, 0, None).warnings;
    let after = match plan(facts, policy, &Permits::plain()) {
        Decision::Change(plan) => {
            let mut after = address_map(&project(facts, &plan, true), policy).docker;
            // Where Docker has never started there is no docker0 to be moved yet.
            let docker0 = plan.docker0.filter(|_| facts.docker0().is_none());
            after.extend(docker0.map(|address| DockerRange::docker0(IpNet::V4(address.trunc()))));
            Some(after)
        }
        Decision::Nothing => None,
        Decision::Refuse(refusal) => {
            warnings.push(format!(
                "apply would refuse, so there is no \"after\" here: {refusal}"
            ));
            None
        }
    };
    let engine = facts
        .docker
        .engine
        .as_ref()
        .map(|engine| engine.version.clone());
    Map {
        schema: 1,
        engine,
        needed: now.needed,
        docker: now.docker,
        after,
        warnings,
    }
}
