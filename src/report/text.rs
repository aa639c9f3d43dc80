//! The report for a person: the sentence first, then what clashes and how we know, what changes, what was verified.

use super::{Outcome, Report};
use crate::assess::clash::{Clash, Kind};
use crate::plan::relocate::Move;
use ipnet::IpNet;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt::Write;

/// More lines than this are counted, not listed.
const LISTED: usize = 12;

/// ANSI colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Whether to colour at all.
    pub on: bool,
}

impl Paint {
    pub(super) fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
}

/// The whole text. `preview` is for the question before an apply: what would be done, without an outcome.
pub fn render(report: &Report, paint: Paint, preview: bool) -> String {
    let mut out = String::new();
    if !preview {
        let _ = writeln!(out, "{}", headline(report, paint));
    }
    let title = if report.outcome == Outcome::Changed { "Clashed before" } else { "Clashes" };
    section(&mut out, paint, title, &clash_lines(&report.clashes, paint));
    section(&mut out, paint, "Ignored, as you said", &clash_lines(&report.ignored, paint));
    if !report.diff.after.is_empty() {
        let title = match report.outcome {
            Outcome::Changed => "Changed in",
            Outcome::Clashing => "apply would change",
            Outcome::RolledBack | Outcome::Stranded => "Tried in",
            Outcome::Clean | Outcome::WouldChange | Outcome::Refused => "To be changed in",
        };
        section(&mut out, paint, &format!("{title} {}", report.docker.config_file), &diff_lines(report, paint));
    }
    let title = if report.outcome == Outcome::Changed { "Networks made anew" } else { "Networks to be made anew" };
    section(&mut out, paint, title, &network_lines(report));
    if preview {
        section(&mut out, paint, "Then", &then_lines(report));
    }
    let verified: Vec<String> = report
        .verified
        .iter()
        .map(|check| match check.ok {
            true => format!("{} {}: {}", paint.green("ok"), check.what, check.found),
            false => format!("{} {}: {} (wanted: {})", paint.red("NO"), check.what, check.found, check.wanted),
        })
        .collect();
    section(&mut out, paint, "Verified", &verified);
    let left_over = report.changed || report.outcome == Outcome::WouldChange;
    if left_over && !report.remaining.is_empty() {
        section(&mut out, paint, "Still clashing", &clash_lines(&report.remaining, paint));
    }
    if let Some(backup) = &report.backup_file {
        section(&mut out, paint, "The old file", std::slice::from_ref(backup));
    }
    // What is over at once is of no interest.
    let long = report.phases.iter().filter(|phase| phase.seconds >= 0.05);
    let took: Vec<String> = long.map(|phase| format!("{:>7.1} s  {}", phase.seconds, phase.what)).collect();
    section(&mut out, paint, "Took", &took);
    section(&mut out, paint, "Please note", &report.warnings);
    out
}

fn headline(report: &Report, paint: Paint) -> String {
    let word = match report.outcome {
        Outcome::Clean => paint.green("clean"),
        Outcome::Changed => paint.green("changed"),
        // "would …" begins the sentence itself.
        Outcome::WouldChange => return paint.bold(&report.msg),
        Outcome::Clashing => paint.red("clashing"),
        Outcome::Refused => paint.red("refused"),
        Outcome::RolledBack => paint.red("rolled back"),
        Outcome::Stranded => paint.red("STRANDED"),
    };
    format!("{word}: {}", report.msg)
}

fn section(out: &mut String, paint: Paint, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.bold(title));
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

/// Present clashes one by one, latent ones grouped by the network that is wanted.
fn clash_lines(clashes: &[Clash], paint: Paint) -> Vec<String> {
    let of = |kind| clashes.iter().filter(move |clash: &&Clash| clash.kind == kind);
    let mut lines: Vec<String> =
        of(Kind::Present).map(|clash| format!("{}    {}", paint.red("now"), clash.explain)).collect();
    let mut over: Vec<String> = Vec::new();
    let mut subnets_over: HashMap<String, Vec<IpNet>> = HashMap::new();
    for clash in of(Kind::Latent) {
        let subnets = subnets_over.entry(clash.with.describe()).or_insert_with_key(|wanted| {
            over.push(wanted.clone());
            Vec::new()
        });
        subnets.push(clash.docker.subnet);
    }
    lines.extend(over.iter().map(|over| {
        let subnets = subnets_over.get(over).map(Vec::as_slice).unwrap_or_default();
        let first: Vec<String> = subnets.iter().take(3).map(ToString::to_string).collect();
        let more = if subnets.len() > first.len() { " and more" } else { "" };
        format!("later  Docker's address pools could hand out {}{more}, over {over}", first.join(", "))
    }));
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(format!("       and {more} more; --json lists all"));
    }
    lines
}

/// The keys that change, a line each, as they were and as they will be.
fn diff_lines(report: &Report, paint: Paint) -> Vec<String> {
    let side = |text: &str, sign: &str| -> Vec<String> {
        let keys: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        keys.iter().map(|(key, value)| format!("{sign} \"{key}\": {value}")).collect()
    };
    let before = side(&report.diff.before, "-").into_iter().map(|line| paint.red(&line));
    let after = side(&report.diff.after, "+").into_iter().map(|line| paint.green(&line));
    before.chain(after).collect()
}

/// Every network that moves, and who is restarted for it.
fn network_lines(report: &Report) -> Vec<String> {
    let line = |one: &Move| {
        let restarts = match one.restarts.as_slice() {
            [] => "no container of it runs".to_owned(),
            names => format!("restarts {}", names.join(", ")),
        };
        format!("{}  {} -> {}  ({restarts})", one.network, one.from, one.to)
    };
    report.plan.networks.iter().map(line).collect()
}

fn then_lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(docker0) = report.plan.docker0.as_deref() {
        if !report.plan.restart {
            return vec![format!("Docker is not restarted; docker0 gets {docker0} when it starts next")];
        }
        lines.push("Docker is restarted: every container stops, and each that ran is started again".to_owned());
        lines.push(format!("docker0 moves to {docker0}; this is verified, and undone if it does not hold"));
    }
    if !report.plan.networks.is_empty() {
        lines.push(
            "the networks above are removed and made anew, their containers stopped, connected again and started; \
             this is verified, and undone if it does not hold"
                .to_owned(),
        );
    }
    lines
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_on_request() {
        let report = Report::without_facts("no".to_owned());
        assert_eq!(render(&report, Paint { on: false }, false), "refused: no\n");
        assert!(render(&report, Paint { on: true }, false).contains("\u{1b}[31mrefused\u{1b}[0m"));
    }
}
