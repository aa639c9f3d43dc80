//! What `check` found beside the cures: in a sentence, and as commands.

use super::advice::Step;
use super::sentences::networks::{Sorted, existing, remove};
use super::vocabulary::Vocabulary;
use crate::assess::Assessment;
use crate::assess::clash::{Clash, Kind};
use crate::facts::Facts;
use crate::phrases::count;
use crate::plan::Decision;

/// What `check` found, and the cure, in a sentence.
pub(super) fn checked_in_words(assessment: &Assessment, cure: &str) -> String {
    let mut present = assessment
        .clashes
        .iter()
        .filter(|clash| clash.kind == Kind::Present);
    let Some(first) = present.next() else {
        let first = assessment.clashes.first();
        if let Some(first) = first.filter(|clash| clash.is_over_a_file()) {
            return format!("nothing clashes yet, but {}; {cure}", first.explain);
        }
        return format!(
            "nothing clashes yet, but Docker's address pools hold ranges that this host needs; {cure}"
        );
    };
    match present.count() {
        0 => format!("{}; {cure}", first.explain),
        more => format!(
            "{} (and {}); {cure}",
            first.explain,
            count(more, "more clash", "more clashes")
        ),
    }
}

pub(super) fn cure_in_words(
    assessment: &Assessment,
    decision: &Decision,
    words: Vocabulary,
) -> String {
    let facts = assessment.facts;
    match decision {
        Decision::Change(plan) => {
            let does = match (plan.docker0, plan.restart) {
                (Some(address), true) => format!("moves docker0 to {address}"),
                (Some(address), false) => format!("makes Docker start with docker0 on {address}"),
                (None, true) => "gives Docker other pools, and docker0 stays".to_owned(),
                (None, false) => "makes Docker start with other pools".to_owned(),
            };
            let names = Sorted::of(facts, &assessment.clashes).to_recreate;
            let too = match names.is_empty() {
                true => String::new(),
                false => format!(
                    ", and with {} it moves {} too",
                    words.with_recreate(),
                    names.join(", ")
                ),
            };
            format!("{} {does}{too}", words.apply())
        }
        Decision::Refuse(_) if !facts.root => match words {
            Vocabulary::CommandLine => "run `rebridge apply` as root to fix it".to_owned(),
            Vocabulary::Ansible => "use `state: fixed` with become to fix it".to_owned(),
        },
        Decision::Refuse(_) => {
            format!(
                "{} cannot fix it as things are (see the note)",
                words.apply()
            )
        }
        Decision::Nothing => existing(facts, &assessment.clashes, words)
            .unwrap_or_else(|| format!("{} has nothing to write", words.apply())),
    }
}

/// The commands that fix what `check` found. They repeat the options of this run.
pub(super) fn cures(assessment: &Assessment, decision: &Decision, relief_helps: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    match decision {
        Decision::Change(plan) => {
            let deed = match plan.docker0 {
                Some(address) => format!("moves docker0 to {address}"),
                None => "gives Docker other pools".to_owned(),
            };
            let does = match plan.restart {
                true => "restarts Docker and verifies",
                false => "which counts when Docker starts",
            };
            let does = format!("shows the plan and asks, then {deed}, {does}");
            steps.push(Step::again(assessment, "apply", does));
        }
        Decision::Refuse(_) if !assessment.facts.root => {
            let does = "as root: sees more, shows the plan and asks, then fixes it";
            steps.push(Step::again(assessment, "apply", does));
        }
        Decision::Refuse(_) | Decision::Nothing => {}
    }
    if relief_helps {
        let does = "ends the outage now and restarts nothing; lasts until the next boot";
        steps.push(Step::again(assessment, "relieve", does));
    }
    let sorted = Sorted::of(assessment.facts, &assessment.clashes);
    if !sorted.to_recreate.is_empty() && !matches!(decision, Decision::Refuse(_)) {
        let does = format!(
            "also moves existing networks with their containers: {}",
            sorted.to_recreate.join(", ")
        );
        steps.push(Step::again(assessment, "apply --networks recreate", does));
    }
    steps.extend(removals(assessment.facts, &sorted));
    steps
}

fn removals(facts: &Facts, sorted: &Sorted) -> Vec<Step> {
    let sudo = if facts.root { "" } else { "sudo " };
    let removals = sorted.to_remove.iter().map(|name| Step {
        run: format!("{sudo}{}", remove(name)),
        does: "nothing uses this network; removes it without a restart".to_owned(),
    });
    removals.collect()
}

/// The commands that get existing networks out of the way, if any clash.
pub(super) fn recreate(assessment: &Assessment, clashes: &[Clash]) -> Vec<Step> {
    let sorted = Sorted::of(assessment.facts, clashes);
    let does = format!(
        "moves existing networks with their containers: {}",
        sorted.to_recreate.join(", ")
    );
    let mut steps = removals(assessment.facts, &sorted);
    if !sorted.to_recreate.is_empty() {
        steps.insert(
            0,
            Step::again(assessment, "apply --networks recreate", does),
        );
    }
    steps
}
