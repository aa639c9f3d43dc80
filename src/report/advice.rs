//! What only people are told, besides what the report says itself; none of it is in the JSON.

use crate::assess::clash::{Clash, Kind};
use crate::facts::Facts;
use crate::facts::Source;
use crate::phrases::{count, shell_word};
use crate::plan::{Decision, Plan};
use crate::policy::Policy;
use crate::subnet::short;
use std::collections::BTreeSet;

/// More containers than this are counted, not named.
const NAMED: usize = 6;

/// For people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// The verdict in a line, where `msg` is longer.
    pub verdict: Option<String>,
    /// What to run next.
    pub next: Vec<Step>,
    /// What will happen, before the question.
    pub then: Vec<String>,
    /// Whether the reader has just said no to all the rest.
    pub declined: bool,
    /// Why each kind of evidence counts, and why this was chosen; for `-v`.
    pub reasons: Vec<String>,
}

/// A command, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// To be copied as it is.
    pub run: String,
    /// What comes of it.
    pub does: String,
}

impl Step {
    /// A run of rebridge on this host, with the operator's own options repeated.
    pub fn again(facts: &Facts, policy: &Policy, verb: &str, does: impl Into<String>) -> Step {
        let sudo = if facts.root { "" } else { "sudo " };
        let options = policy
            .given
            .iter()
            .map(|word| format!(" {}", shell_word(word)));
        Step {
            run: format!("{sudo}rebridge {verb}{}", options.collect::<String>()),
            does: does.into(),
        }
    }

    /// The way back.
    pub fn rollback() -> Step {
        Step {
            run: "rebridge rollback".to_owned(),
            does: "puts all of this back, and verifies that".to_owned(),
        }
    }
}

/// The verdict of `check`, without the evidence: that comes below it.
pub fn verdict(clashes: &[Clash]) -> Option<String> {
    let first = clashes.first()?;
    let net = short(&first.with.net);
    let what = match first.kind {
        Kind::Present => format!("{} lies over {net}", holder(first)),
        Kind::Latent => format!(
            "nothing yet, but Docker may take {}, over {net}",
            first.docker.subnet
        ),
    };
    // Several pools over one and the same network are one matter, as in the table below.
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

/// Docker's side, in a word or two.
pub fn holder(clash: &Clash) -> String {
    match (&clash.docker.network, &clash.docker.bridge) {
        (_, Some(bridge)) if bridge == "docker0" => "docker0".to_owned(),
        (Some(network), _) => format!("network {network}"),
        (None, Some(bridge)) => format!("bridge {bridge}"),
        (None, None) => "pools".to_owned(),
    }
}

/// What will happen once the question is answered with yes.
pub fn then(facts: &Facts, plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(docker0) = plan.docker0 {
        if !plan.restart {
            return vec![format!(
                "Docker is not restarted; docker0 gets {docker0} when it starts next"
            )];
        }
        lines.push(restart(facts));
        lines.push(format!(
            "docker0 moves to {docker0}; this is verified, and undone if it does not hold"
        ));
    }
    if !plan.moves.is_empty() {
        lines.push(
            "the networks above are removed and made anew, their containers stopped, connected \
             again and started; this is verified, and undone if it does not hold"
                .to_owned(),
        );
    }
    lines
}

/// The same of a rollback; docker0 as it will be, where Docker is restarted.
pub fn then_back(path: &str, docker0: Option<String>) -> Vec<String> {
    let mut lines = vec![format!("{path} gets its old bytes back")];
    if let Some(docker0) = docker0 {
        lines.push(
            "Docker is restarted: every container stops, and each that ran is started again"
                .to_owned(),
        );
        lines.push(format!("{docker0} again; this is verified"));
    }
    lines
}

/// What a restart of Docker stops, and for how long: 1 to 3 s without containers and 3 to 5 s with
/// one on the three engines of the lab. Docker waits 10 s for a container that does not end on
/// SIGTERM, unless told otherwise.
fn restart(facts: &Facts) -> String {
    let Some(engine) = &facts.docker.engine else {
        return "Docker is restarted: every container stops, and each that ran is started again"
            .to_owned();
    };
    let names: Vec<&str> = engine
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    if names.is_empty() {
        return "Docker is restarted, which takes 1 to 3 seconds; no container runs now".to_owned();
    }
    let mut named = names
        .iter()
        .take(NAMED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMED {
        named = format!("{named} and {} more", names.len() - NAMED);
    }
    let (stop, them) = match names.len() {
        1 => ("stops and is started again", "it"),
        _ => ("stop and are started again", "them"),
    };
    format!(
        "Docker is restarted: {} {stop} ({named}); expect some 5 seconds without {them}, and 10 \
         more where one does not end when told to",
        count(names.len(), "container", "containers"),
    )
}

/// Why the evidence counts, and why this was chosen.
pub fn reasons(
    facts: &Facts,
    policy: &Policy,
    clashes: &[Clash],
    decision: &Decision,
) -> Vec<String> {
    let seen: BTreeSet<usize> = clashes
        .iter()
        .filter_map(|clash| {
            Source::NAMES
                .iter()
                .position(|(_, source)| *source == clash.with.source)
        })
        .collect();
    let mut reasons: Vec<String> = seen
        .into_iter()
        .filter_map(|at| Source::NAMES.get(at))
        .map(|(name, source)| format!("{name} counts: {}", why(*source)))
        .collect();
    if let Decision::Change(plan) = decision
        && let Some(docker0) = plan.docker0
    {
        let pools = plan
            .pools
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let chosen = match (plan.write.is_some(), policy.pools.is_empty()) {
            (false, _) => "daemon.json names them already, and they are clear",
            (true, false) => "what is clear of the pools you gave",
            (true, true) => {
                "the first clear range in the fixed order 10/8, 172.16/12, 192.168/16, blocks \
                 without any sign of use first, each from 200/256 of its width upwards"
            }
        };
        reasons.push(format!("pools {pools}: {chosen}"));
        reasons.push(format!(
            "docker0 on {docker0}: inside the pools, or Docker 20.10 would not start once they are \
             used up, and in the last subnet that is free, so that no network takes it before the \
             restart"
        ));
    }
    let version = facts
        .docker
        .engine
        .as_ref()
        .map_or("that is not known", |engine| engine.version.as_str());
    reasons.push(format!(
        "Docker (version {version}) itself keeps off on-link routes of the main table and the \
         nameservers it sees, and off nothing else; `rebridge explain` says more"
    ));
    reasons
}

fn why(source: Source) -> &'static str {
    match source {
        Source::OnLink => "this host itself has an address there, or sends there without a gateway",
        Source::Route => {
            "somebody gave this host a route there; where Docker's subnet is narrower, Docker's \
             wins"
        }
        Source::Nameserver => "without it names do not resolve",
        Source::Declared => "you said so",
        Source::Neighbour => {
            "the kernel remembers whom this host called in vain; a call into Docker's range that \
             no container answers was meant for somebody outside"
        }
        Source::Connection => {
            "the far end of a connection into Docker's range is no container of Docker's"
        }
        Source::Ssh => "whoever works on this host from there would be locked out",
    }
}
