//! One function for each kind of report.

use super::advice::{self, Step};
use super::cures::{checked_in_words, cure_in_words, cures, recreate};
use super::error::Error;
use super::sentences::findings::finding;
use super::sentences::networks::{existing, left_alone};
use super::sentences::outcome::{self, CLEAR};
use super::sentences::{afterwards, blockers, notices, refusals, relief, swarm};
use super::vocabulary::Vocabulary;
use super::{Diff, DockerReport, InTheWay, Outcome, PlanReport, Report};
use crate::apply::applied::{Applied, End};
use crate::apply::cause::NotRestored;
use crate::assess::Assessment;
use crate::assess::finding::{Finding, findings};
use crate::engine_model::daemon_json;
use crate::facts::Facts;
use crate::plan::blocker::Blocker;
use crate::plan::relocate::Move;
use crate::plan::{Decision, Plan, lost_keys, wanted, wanted_flags};
use crate::policy::option::Opt;
use crate::policy::options_file::Name;
use ipnet::Ipv4Net;

impl Report {
    /// `check`: what clashes, what `apply` would do about it, and whether `relieve` would help first.
    pub fn checked(
        assessment: &Assessment,
        decision: &Decision,
        relief_helps: bool,
        words: Vocabulary,
    ) -> Report {
        let mut report = Report::decided(assessment, decision, words);
        let facts = assessment.facts;
        if facts.interrupted {
            report.warnings.push(format!(
                "an earlier apply was interrupted; {} settles it first",
                words.apply()
            ));
        }
        report.warnings.extend(relief::on_record(assessment, words));
        report.advice.reasons = advice::reasons(assessment, decision);
        if report.clashes.is_empty() {
            report.msg = CLEAR.to_owned();
            if let Decision::Refuse(blockers) = decision
                && blockers.iter().any(Blocker::keeps_docker_down)
            {
                let why = blockers::all_refused(blockers, words);
                report.refuse(format!("nothing clashes, but {why}"));
            }
            return report;
        }
        if let Decision::Refuse(blockers) = decision
            && facts.root
        {
            let why = blockers::headline(blockers, words);
            let why = why.unwrap_or_else(|| blockers::all_refused(blockers, words));
            let apply = words.apply();
            report.warnings.push(format!("{apply} would refuse: {why}"));
        }
        if *decision != Decision::Nothing {
            report.warnings.extend(left_alone(facts, &report.clashes));
        }
        report.outcome = Outcome::Clashing;
        report.advice.verdict = advice::verdict(&report.clashes);
        report.advice.next = cures(assessment, decision, relief_helps);
        report.msg = checked_in_words(assessment, &cure_in_words(assessment, decision, words));
        report
    }

    /// `apply --check`, and the text above the question: what would be done. `after` is the host
    /// once the plan is carried out.
    pub fn previewed(
        assessment: &Assessment,
        decision: &Decision,
        after: Option<&Assessment>,
        words: Vocabulary,
    ) -> Report {
        let mut report = Report::decided(assessment, decision, words);
        report.advice.reasons = advice::reasons(assessment, decision);
        match decision {
            Decision::Refuse(blockers) => {
                report.refuse(blockers::all_refused(blockers, words));
                report.advice.verdict = blockers::headline(blockers, words);
            }
            Decision::Nothing if report.clashes.is_empty() => {
                report.msg = format!("nothing to do: {CLEAR}");
            }
            Decision::Nothing => {
                report.outcome = Outcome::Clashing;
                report.msg = outcome::nothing_to_do(assessment, words);
                report
                    .advice
                    .next
                    .extend(recreate(assessment, &report.clashes));
            }
            Decision::Change(plan) => {
                report.changed = true;
                report.outcome = Outcome::WouldChange;
                if let Some(after) = after {
                    report.remaining = after.clashes.clone();
                }
                let left = left_alone(assessment.facts, &report.remaining);
                report.warnings.extend(left);
                if let (true, Some(new)) = (plan.restart, plan.docker0) {
                    report.set_docker0(Some(new));
                }
                let deed = outcome::would_do(plan, assessment.facts);
                report.msg = format!("would {deed}");
                report.advice.then = advice::then(assessment.facts, plan);
                report.advice.next = vec![Step {
                    run: String::new(),
                    does: "run the same command without --check to do it".to_owned(),
                }];
            }
        }
        report
    }

    /// The answer to the question was no.
    pub fn declined(self) -> Report {
        self.not_begun("not confirmed; nothing was touched")
    }

    /// There was nobody to ask for a yes.
    pub fn without_a_yes(self) -> Report {
        self.not_begun(
            "a change needs your yes, and nobody can be asked here; nothing was touched; add --yes",
        )
    }

    fn not_begun(mut self, why: &str) -> Report {
        self.changed = false;
        self.kept = None;
        self.remaining = self.clashes.clone();
        if let Some(docker) = &mut self.docker {
            docker.docker0_after = docker.docker0_before.clone();
        }
        self.refuse(why.to_owned());
        self.advice.declined = true;
        self
    }

    /// `apply`: what was done.
    pub fn applied(
        before: &Assessment,
        plan: &Plan,
        applied: Applied,
        after: &Assessment,
        words: Vocabulary,
    ) -> Report {
        let decision = Decision::Change(Box::new(plan.clone()));
        let mut report = Report::decided(before, &decision, words);
        report.remaining = after.clashes.clone();
        report.set_docker0(after.facts.docker0());
        report.restarted = applied.restarted;
        report.verified = applied.verified;
        report.phases = applied.phases;
        for (one, made) in report.plan.networks.iter_mut().zip(&applied.moved) {
            one.to = made.to;
        }
        report.backup_file = applied.backup;
        let missing = applied
            .missing
            .iter()
            .map(|one| afterwards::missing(&one.container, &one.why));
        report.warnings.extend(missing);
        report
            .warnings
            .extend(applied.notes.iter().map(afterwards::note));
        match applied.end {
            End::Refused(refusal) => report.refuse(refusals::refused(&refusal, words)),
            End::Changed => {
                report.changed = true;
                report.outcome = Outcome::Changed;
                report.msg = outcome::was_done(plan, &report.plan.networks, before.facts);
                let left = existing(before.facts, &report.remaining, words);
                report.warnings.extend(left);
                if plan.restart {
                    let next = recreate(before, &report.remaining);
                    report.advice.next.extend(next);
                }
                if applied.can_be_undone {
                    report.advice.next.push(Step::rollback());
                }
            }
            End::RolledBack(why) => {
                report.failed = true;
                report.rolled_back = true;
                report.outcome = Outcome::RolledBack;
                let docker0 = after.facts.docker0().map(|address| address.to_string());
                report.msg = outcome::rolled_back(plan, before.facts, docker0.as_deref(), &why);
            }
            End::Stranded { why, then } => {
                report.strand(before.facts, outcome::stranded(&why, &then), words);
            }
        }
        report
    }

    /// An interrupted run could not be undone.
    pub fn stuck(assessment: &Assessment, problem: &NotRestored, words: Vocabulary) -> Report {
        let mut report = Report::judged(assessment, &[], words);
        report.strand(assessment.facts, outcome::stuck(problem), words);
        report
    }

    /// A verb that refused before it looked.
    pub fn refused(error: &Error, words: Vocabulary) -> Report {
        let mut report = Report {
            schema: 1,
            ..Report::default()
        };
        report.refuse(error.sentence(words));
        report.blockers = InTheWay::list(error.blockers(), words);
        report
    }

    /// What rebridge saw, not judged.
    pub fn of_facts(facts: &Facts) -> Report {
        Report {
            schema: 1,
            docker: Some(DockerReport::of(facts)),
            warnings: unseen(facts),
            ..Report::default()
        }
    }

    /// `moves` are the networks that need no removing.
    pub(super) fn judged(assessment: &Assessment, moves: &[Move], words: Vocabulary) -> Report {
        let mut findings = findings(assessment);
        let moves = |name: &String| moves.iter().any(|one| one.network == *name);
        findings
            .retain(|one| !matches!(one, Finding::EmptyNetwork { network, .. } if moves(network)));
        let mut report = Report {
            clashes: assessment.clashes.clone(),
            remaining: assessment.clashes.clone(),
            ignored: assessment.ignored.clone(),
            notes: findings.iter().map(|one| finding(one, words)).collect(),
            options: assessment
                .policy
                .options
                .iter()
                .map(ToString::to_string)
                .collect(),
            ..Report::of_facts(assessment.facts)
        };
        report.notes.extend(ignored_by_the_file(assessment));
        report.notes.extend(unread_files(assessment.facts));
        report.notes.extend(unread_keys(assessment.facts));
        report.wanted.daemon_json = wanted::keys(assessment);
        report.wanted.flags = wanted_flags::flags(assessment);
        let lost = lost_keys(assessment.facts);
        report.warnings.extend(lost.as_ref().map(notices::notice));
        report.warnings.extend(swarm::notes(assessment, words));
        report.warnings.extend(name_the_network(assessment, words));
        report
    }

    fn decided(assessment: &Assessment, decision: &Decision, words: Vocabulary) -> Report {
        let moves = match decision {
            Decision::Change(plan) => plan.moves.as_slice(),
            Decision::Nothing | Decision::Refuse(_) => &[],
        };
        let mut report = Report::judged(assessment, moves, words);
        if let Decision::Change(plan) = decision {
            report.plan = PlanReport::of(plan);
            report.diff = Diff::of(plan);
            let notices = plan.notices.iter().map(notices::notice);
            report.warnings.extend(notices);
            report
                .warnings
                .extend(blockers::accepted(&plan.accepted, words));
        }
        if let Decision::Refuse(blockers) = decision
            && assessment.facts.root
        {
            report.blockers = InTheWay::list(blockers, words);
        }
        if *decision != Decision::Nothing {
            report.notes.extend(pools_of_the_file(assessment));
        }
        report
    }

    pub(super) fn refuse(&mut self, msg: String) {
        self.failed = true;
        self.outcome = Outcome::Refused;
        self.msg = msg;
    }

    fn strand(&mut self, before: &Facts, what: String, words: Vocabulary) {
        let steps = outcome::steps_by_hand(before, words);
        self.leave_to_a_person(what, steps);
    }

    /// What went wrong, and what you have to do by hand.
    pub fn leave_to_a_person(&mut self, what: String, steps: Vec<String>) {
        self.failed = true;
        self.changed = true;
        self.outcome = Outcome::Stranded;
        self.by_hand = outcome::numbered(&steps);
        self.msg = format!("{what}. Do this by hand: {}", self.by_hand.join("; "));
        self.advice.verdict = Some(what);
    }

    pub fn set_docker0(&mut self, address: Option<Ipv4Net>) {
        if let Some(docker) = &mut self.docker {
            docker.docker0_after = address.map(|address| address.to_string());
        }
    }
}

/// What rebridge could not see, and what it did not look at because it does no harm.
fn unseen(facts: &Facts) -> Vec<String> {
    let unseen = facts.unseen.iter().map(|what| format!("not seen: {what}"));
    let rootless = facts.docker.rootless.iter().map(|user| {
        format!(
            "user {user} also runs a rootless Docker: its bridges hide nothing from this host and \
             are not looked at"
        )
    });
    unseen.chain(rootless).collect()
}

/// Keys that look as if they did something.
fn unread_keys(facts: &Facts) -> Vec<String> {
    let config = &facts.docker.config;
    let found = daemon_json::unread(config.text.as_deref().unwrap_or_default());
    let found = found.iter();
    found
        .map(|one| {
            format!(
                "{} line {}: Docker ignores the key \"{}\"; it reads \"{}\"",
                config.path, one.line, one.key, one.reads
            )
        })
        .collect()
}

fn unread_files(facts: &Facts) -> impl Iterator<Item = String> {
    let unread = facts.unread.iter();
    unread.map(|one| format!("{} is not read: {}", one.file, one.why))
}

/// The line that hides something, so that you need not look for it.
fn ignored_by_the_file(assessment: &Assessment) -> Option<String> {
    let lines = lines_of(assessment, Name::Ignore)?;
    let hides = !assessment.ignored.is_empty();
    hides.then(|| format!("evidence is ignored as set by {lines}"))
}

/// The lines that decide from which pools the new ranges come.
fn pools_of_the_file(assessment: &Assessment) -> Option<String> {
    let lines = lines_of(assessment, Name::Pool)?;
    Some(format!("new ranges come from the pools set by {lines}"))
}

fn lines_of(assessment: &Assessment, name: Name) -> Option<String> {
    let options = assessment.policy.options.iter();
    let lines: Vec<String> = options
        .filter(|line| line.name == name)
        .map(ToString::to_string)
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Traffic shows single addresses. Which network they belong to, only the operator knows.
fn name_the_network(assessment: &Assessment, words: Vocabulary) -> Option<String> {
    if !assessment.policy.avoid.is_empty() {
        return None;
    }
    let traced = assessment
        .clashes
        .iter()
        .find(|clash| clash.is_suspected())?;
    Some(format!(
        "{} is one address; if it belongs to a network that this host needs, name the network with \
         {}, so that Docker keeps off all of it",
        traced.with.net.addr(),
        words.option(Opt::Avoid)
    ))
}
