//! What only the text for people has; none of it is in the JSON.

use crate::assess::Assessment;
use crate::assess::clash::{Clash, Kind};
use crate::assess::sides::DockerSide;
use crate::facts::{Facts, Source};
use crate::phrases::{count, first_few, shell_word};
use crate::plan::choose::{Chosen, WhyPassed};
use crate::plan::pool_list::KEY;
use crate::plan::{Decision, Plan};
use crate::subnet::short;
use std::collections::BTreeSet;

/// More containers than these are only counted.
const NAMED: usize = 6;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// The verdict in one line, if `msg` is longer.
    pub verdict: Option<String>,
    pub next: Vec<Step>,
    /// What will happen after a yes.
    pub then: Vec<String>,
    /// The reader has seen everything else above the question, and said no.
    pub declined: bool,
    /// For `-v`: why each kind of evidence counts, and why this range.
    pub reasons: Vec<String>,
}

/// A command, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As it can be copied; may be empty.
    pub run: String,
    pub does: String,
}

impl Step {
    /// A run of rebridge on this host that repeats the operator's options.
    pub fn again(assessment: &Assessment, verb: &str, does: impl Into<String>) -> Step {
        let sudo = if assessment.facts.root { "" } else { "sudo " };
        let mut run = format!("{sudo}rebridge {verb}");
        for word in &assessment.policy.given {
            run += &format!(" {}", shell_word(word));
        }
        Step {
            run,
            does: does.into(),
        }
    }

    /// The two ways back from a run that relieved this host and wrote the file.
    pub fn back_from_relief_and_file() -> Vec<Step> {
        let ways = [
            (
                "rebridge rollback",
                "puts the file back, and leaves the routes",
            ),
            (
                "rebridge relieve --undo",
                "takes the routes past Docker away",
            ),
        ];
        let ways = ways.map(|(run, does)| Step {
            run: run.to_owned(),
            does: does.to_owned(),
        });
        ways.to_vec()
    }

    pub fn rollback() -> Step {
        Step {
            run: "rebridge rollback".to_owned(),
            does: "puts all of this back, and verifies that".to_owned(),
        }
    }
}

/// The verdict of `check`. The evidence comes below it.
pub fn verdict(clashes: &[Clash]) -> Option<String> {
    let first = clashes.first()?;
    let net = short(&first.with.net);
    let what = match first.kind {
        Kind::Present => format!("{} lies over {net}", holder(&first.docker)),
        Kind::Latent if first.is_over_a_file() => {
            let file = first.with.file.as_deref().unwrap_or_default();
            let holder = holder(&first.docker);
            format!("nothing yet, but {holder} lies over {net}, which {file} brings")
        }
        Kind::Latent => format!(
            "nothing yet, but Docker may take {}, over {net}",
            first.docker.subnet
        ),
    };
    // Several pools over one network are one problem, as in the table below.
    let now = clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Present)
        .count();
    let later = clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Latent)
        .map(|clash| clash.with.describe());
    Some(match now + later.collect::<BTreeSet<_>>().len() - 1 {
        0 => what,
        rest => format!("{what}; {}", count(rest, "more clash", "more clashes")),
    })
}

fn holder(docker: &DockerSide) -> String {
    let name = docker.name();
    match (&docker.network, &docker.bridge) {
        _ if docker.is_docker0() => name.to_owned(),
        (Some(_), _) => format!("network {name}"),
        (None, Some(_)) => format!("bridge {name}"),
        (None, None) => name.to_owned(),
    }
}

/// What will happen after a yes.
pub fn then(facts: &Facts, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    match plan.docker0 {
        Some(docker0) if !plan.restart => {
            return vec![format!(
                "Docker does not restart; docker0 gets {docker0} when it next starts"
            )];
        }
        None if !plan.restart && plan.write.is_some() => {
            return vec!["Docker does not restart; the pools count when it next starts".to_owned()];
        }
        Some(docker0) => {
            lines.push(restart(facts));
            lines.push(format!(
                "docker0 moves to {docker0}; rebridge verifies that, or puts everything back"
            ));
        }
        None if plan.restart => {
            lines.push(restart(facts));
            let docker0 = facts.docker0();
            let docker0 = docker0.map(|old| format!("docker0 stays on {old}, and "));
            lines.push(format!(
                "{}new networks come from the new pools; rebridge verifies that, or puts \
                 everything back",
                docker0.unwrap_or_default()
            ));
        }
        None => {}
    }
    if !plan.moves.is_empty() {
        lines.push(
            "the networks above are re-created, and their containers stopped, connected again and \
             started; rebridge verifies that, or puts everything back"
                .to_owned(),
        );
    }
    lines
}

/// The same for a rollback. `docker0` is where it will be, if Docker restarts.
pub fn then_back(path: &str, docker0: Option<String>) -> Vec<String> {
    let mut lines = vec![format!("{path} gets its old bytes back")];
    if let Some(docker0) = docker0 {
        lines.push(
            "Docker restarts: every container stops, and each that ran starts again".to_owned(),
        );
        lines.push(format!("{docker0} again; rebridge verifies that"));
    }
    lines
}

/// What a restart of Docker stops, and for how long. On the three engines of the lab it took 1 to 3 s
/// without containers, and 3 to 5 s with one. By default Docker gives a container 10 s to end on
/// SIGTERM.
fn restart(facts: &Facts) -> String {
    let Some(engine) = &facts.docker.engine else {
        return "Docker restarts: every container stops, and each that ran starts again".to_owned();
    };
    let containers = &engine.containers;
    if containers.is_empty() {
        return "Docker restarts, which takes 1 to 3 seconds; no container runs now".to_owned();
    }
    format!(
        "Docker restarts and stops {} ({}), then starts them again; expect about 5 seconds of downtime, 10 more if \
         a container ignores SIGTERM",
        count(containers.len(), "container", "containers"),
        first_few(containers, NAMED, |one| one.name.clone())
    )
}

pub fn reasons(assessment: &Assessment, decision: &Decision) -> Vec<String> {
    let seen: BTreeSet<usize> = assessment
        .clashes
        .iter()
        .filter_map(|clash| place_of(clash.with.source))
        .collect();
    let mut reasons: Vec<String> = seen
        .into_iter()
        .filter_map(|at| Source::NAMES.get(at))
        .map(|(name, source)| format!("{name} counts: {}", why_it_counts(*source)))
        .collect();
    if let Decision::Change(plan) = decision
        && (plan.write.is_some() || plan.restart)
    {
        reasons.extend(why_this_range(assessment, plan));
    }
    let engine = assessment.facts.docker.engine.as_ref();
    let version = engine.map_or("not known", |engine| engine.version.as_str());
    reasons.push(format!(
        "Docker (version {version}) itself avoids only the nameservers and the on-link routes of \
         the main table that it sees; `rebridge explain` says more"
    ));
    reasons
}

/// Why the plan has these pools and this docker0, and which ranges were passed over.
pub fn why_this_range(assessment: &Assessment, plan: &Plan) -> Vec<String> {
    let pools = why_these_pools(assessment, plan);
    let passed = plan.chosen.as_ref().and_then(passed_over);
    let docker0 = why_docker0(assessment, plan);
    [Some(pools), passed, docker0]
        .into_iter()
        .flatten()
        .collect()
}

/// Why docker0 moves there, or how it is made to stay.
fn why_docker0(assessment: &Assessment, plan: &Plan) -> Option<String> {
    let sets_bip = plan
        .write
        .as_ref()
        .is_some_and(|change| change.keys_after.contains_key("bip"));
    match (plan.docker0, assessment.facts.docker0()) {
        (Some(docker0), _) => Some(format!(
            "docker0 on {docker0}: inside the pools, or Docker 20.10 would not start once they are \
             used up, and in the last subnet that is free, so that no network takes it before the \
             restart"
        )),
        (None, Some(docker0)) if sets_bip => Some(format!(
            "docker0 clashes with nothing and stays: with pools set, Docker would make it again in \
             another subnet, so bip names its address {docker0}"
        )),
        (None, _) => None,
    }
}

fn place_of(source: Source) -> Option<usize> {
    Source::NAMES.iter().position(|(_, one)| *one == source)
}

fn why_these_pools(assessment: &Assessment, plan: &Plan) -> String {
    let pools: Vec<String> = plan.pools.iter().map(ToString::to_string).collect();
    let writes_pools = plan
        .write
        .as_ref()
        .is_some_and(|change| change.keys_after.contains_key(KEY));
    let chosen = match (&plan.chosen, assessment.policy.pools.is_empty()) {
        _ if !writes_pools && plan.write.is_some() => {
            "as they are: they clash with nothing".to_owned()
        }
        _ if !writes_pools => "daemon.json names them already, and they are clear".to_owned(),
        (_, false) => "the part of the pools you gave that is clear".to_owned(),
        (None, true) => "what was there, without what clashes".to_owned(),
        (Some(chosen), true) => format!(
            "{} is the first clear range of a fixed order: what nobody is known to favour comes \
             first, then 10/8, 172.16/12, 192.168/16, each from 200/256 of its width upwards{}",
            chosen.pool.base,
            match chosen.favoured {
                Some(row) => format!("; {} may use it too", row.user),
                None => String::new(),
            }
        ),
    };
    format!("pools {}: {chosen}", pools.join(", "))
}

/// "passed over: 10.200.0.0/16 (…), …"
fn passed_over(chosen: &Chosen) -> Option<String> {
    let passed: Vec<String> = chosen
        .passed
        .iter()
        .map(|passed| format!("{} ({})", passed.range, why_passed(&passed.why)))
        .collect();
    (!passed.is_empty()).then(|| format!("passed over: {}", passed.join(", ")))
}

fn why_passed(why: &WhyPassed) -> String {
    match why {
        WhyPassed::Needed(side) => side.describe(),
        WhyPassed::Stored => "a Docker network has too much of it".to_owned(),
        WhyPassed::Pooled => "docker0 leaves it, or another pool has it".to_owned(),
        WhyPassed::Favoured(row) => format!("{}: {}", row.user, row.source),
        WhyPassed::OnTheRoad => "this machine roams, and home routers use it".to_owned(),
    }
}

fn why_it_counts(source: Source) -> &'static str {
    match source {
        Source::OnLink => "this host has an address there, or sends there without a gateway",
        Source::Route => {
            "this host was given a route there; where Docker's subnet is narrower, Docker's wins"
        }
        Source::Nameserver => "without it names do not resolve",
        Source::Configured => "a file of this host names it, and it may come up at any time",
        Source::Declared => "you said so",
        Source::Neighbour => {
            "the kernel remembers calls without an answer; a call into Docker's range that no \
             container answers was meant for a server outside"
        }
        Source::Connection => {
            "the far end of a connection into Docker's range is not one of Docker's containers"
        }
        Source::Ssh => "anyone who works on this host from there would be locked out",
    }
}
