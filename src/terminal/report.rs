//! The report for a person: the verdict, the clash that matters most with its evidence, the others
//! as a table, what changes, what was verified, and the next command.

use super::layout::{Layout, ascii, without_control_chars};
use super::progress::WORTH_A_LINE;
use crate::assess::clash::{Clash, Kind};
use crate::report::advice::Advice;
use crate::report::{InTheWay, Outcome, Report};
use serde_json::{Map, Value};

/// More rows than these are only counted.
const LISTED: usize = 12;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verbosity {
    /// Above the question: what would be done, without an outcome.
    pub preview: bool,
    /// `-v`: the reasoning too.
    pub verbose: bool,
    /// Whether the progress line has shown each phase and its time already.
    pub was_live: bool,
}

pub fn render(report: &Report, layout: &Layout, verbosity: Verbosity) -> String {
    let mut text = Text {
        layout,
        out: String::new(),
    };
    if verbosity.preview {
        text.out += &layout.paragraph("", &layout.bold(&without_control_chars(&report.msg)));
    } else {
        text.headline(report);
    }
    if report.advice.declined {
        return text.out;
    }
    text.clashes(report, verbosity);
    text.rows("Ignored, as you asked", &report.ignored, verbosity);
    // For `check`, the answer and the next command are enough.
    if report.outcome != Outcome::Clashing || verbosity.verbose {
        text.changes(report);
    }
    if let Some(relief) = &report.relief {
        text.items("Routes past Docker", &relief.lines());
    }
    if verbosity.preview {
        text.items("Then", &report.advice.then);
    }
    text.verified(report);
    // Relief cures nothing, and says so.
    let may_cure = report.relief.is_none();
    if may_cure && (report.changed || report.outcome == Outcome::WouldChange) {
        text.rows("Still clashing", &report.remaining, verbosity);
    }
    text.items("The old file", report.backup_file.as_slice());
    if !verbosity.was_live || verbosity.verbose {
        text.took(report);
    }
    if !verbosity.preview {
        text.next(&report.advice);
    }
    // One alone is the headline.
    if report.blockers.len() > 1 {
        text.blockers(&report.blockers);
    }
    text.items("Please note", &report.warnings);
    text.items("Worth knowing", &report.notes);
    if verbosity.verbose {
        text.items("Why", &report.advice.reasons);
    }
    if layout.unicode {
        text.out
    } else {
        ascii(&text.out)
    }
}

/// The text written so far.
struct Text<'a> {
    layout: &'a Layout,
    out: String,
}

impl Text<'_> {
    fn headline(&mut self, report: &Report) {
        let layout = self.layout;
        let word = match report.outcome {
            Outcome::Clean => layout.green("clean: "),
            Outcome::Changed => layout.green("changed: "),
            // "would …" begins the sentence itself.
            Outcome::WouldChange => String::new(),
            Outcome::Clashing => layout.red("clashing: "),
            Outcome::Refused => layout.red("refused: "),
            Outcome::RolledBack => layout.red("rolled back: "),
            Outcome::Stranded => layout.red("STRANDED: "),
        };
        let said = report.advice.verdict.as_ref().unwrap_or(&report.msg);
        let said = without_control_chars(said);
        self.out += &layout.paragraph("", &format!("{word}{said}"));
        if !report.by_hand.is_empty() {
            self.title("Do this by hand");
            for step in &report.by_hand {
                self.out += &layout.paragraph("  ", &without_control_chars(step));
            }
        }
    }

    fn title(&mut self, title: &str) {
        self.out += &format!("\n{}\n", self.layout.bold(title));
    }

    fn items<T: AsRef<str>>(&mut self, title: &str, items: &[T]) {
        if items.is_empty() {
            return;
        }
        self.title(title);
        for item in items {
            self.out += &self
                .layout
                .paragraph("  - ", &without_control_chars(item.as_ref()));
        }
    }

    /// What clashes. If that is the news, the first clash is a sentence; the others are a table.
    fn clashes(&mut self, report: &Report, verbosity: Verbosity) {
        match report.outcome {
            Outcome::Changed | Outcome::RolledBack | Outcome::Stranded => {
                self.rows("Clashed before", &report.clashes, verbosity);
            }
            Outcome::Clean | Outcome::Clashing | Outcome::WouldChange | Outcome::Refused => {
                let Some((first, others)) = report.clashes.split_first() else {
                    return;
                };
                self.out += "\n";
                self.out += &self
                    .layout
                    .paragraph("  ", &without_control_chars(&first.explain));
                self.rows("Other clashes", others, verbosity);
            }
        }
    }

    fn blockers(&mut self, blockers: &[InTheWay]) {
        let lines: Vec<String> = blockers
            .iter()
            .map(|one| format!("{}; {}", one.what, one.next))
            .collect();
        self.items("In the way", &lines);
    }

    /// Clashes as a table; with `-v` each in its sentence.
    fn rows(&mut self, title: &str, clashes: &[Clash], verbosity: Verbosity) {
        if verbosity.verbose {
            let said: Vec<&str> = clashes.iter().map(|clash| clash.explain.as_str()).collect();
            return self.items(title, &said);
        }
        if clashes.is_empty() {
            return;
        }
        self.title(title);
        let mut rows: Vec<Row> = Vec::new();
        for row in clashes.iter().map(Row::of) {
            match rows.iter_mut().find(|known| known.is_one_with(&row)) {
                Some(known) => known.more = true,
                None => rows.push(row),
            }
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .take(LISTED)
            .map(|row| row.cells(self.layout))
            .collect();
        self.out += &self
            .layout
            .table(&["When", "Docker", "Subnet", "Over"], &cells);
        if rows.len() > LISTED {
            self.out += &format!(
                "  and {} more; --json and -v list all\n",
                rows.len() - LISTED
            );
        }
    }

    /// The keys that change, a line each, and every network that moves.
    fn changes(&mut self, report: &Report) {
        let layout = self.layout;
        let tense = |done, tried, to_do| match report.outcome {
            Outcome::Changed => done,
            Outcome::RolledBack | Outcome::Stranded => tried,
            Outcome::Clean | Outcome::Clashing | Outcome::WouldChange | Outcome::Refused => to_do,
        };
        if !report.diff.after.is_empty() || !report.diff.before.is_empty() {
            let verb = tense("Changed in", "Tried in", "To be changed in");
            self.title(&format!(
                "{verb} {}",
                without_control_chars(report.config_file())
            ));
            for (side, sign) in [(&report.diff.before, "-"), (&report.diff.after, "+")] {
                let keys: Map<String, Value> = serde_json::from_str(side).unwrap_or_default();
                for (key, value) in keys {
                    let line = format!("{sign} \"{key}\": {value}");
                    let line = if sign == "-" {
                        layout.red(&line)
                    } else {
                        layout.green(&line)
                    };
                    self.out += &format!("  {line}\n");
                }
            }
        }
        if report.plan.networks.is_empty() {
            return;
        }
        self.title(tense(
            "Networks re-created",
            "Networks it tried to re-create",
            "Networks to be re-created",
        ));
        let row = |one: &crate::plan::relocate::Move| {
            let restarts = if one.restarts.is_empty() {
                "none runs".to_owned()
            } else {
                one.restarts.join(", ")
            };
            vec![
                without_control_chars(&one.network),
                one.from.to_string(),
                format!("-> {}", one.to),
                without_control_chars(&restarts),
            ]
        };
        let rows: Vec<Vec<String>> = report.plan.networks.iter().map(row).collect();
        self.out += &layout.table(&["Network", "From", "To", "Restarts"], &rows);
    }

    fn verified(&mut self, report: &Report) {
        if report.verified.is_empty() {
            return;
        }
        self.title("Verified");
        for check in &report.verified {
            let (word, wanted) = match check.ok {
                true => (self.layout.green("ok"), String::new()),
                false => (
                    self.layout.red("NO"),
                    format!(" (wanted: {})", check.wanted),
                ),
            };
            let said = without_control_chars(&format!("{}: {}{wanted}", check.what, check.found));
            self.out += &self.layout.paragraph(&format!("  {word} "), &said);
        }
    }

    fn took(&mut self, report: &Report) {
        // Nobody asks how long a short phase took.
        let long = report
            .phases
            .iter()
            .filter(|phase| phase.seconds >= WORTH_A_LINE);
        let lines: Vec<String> = long.map(|phase| format!("{phase}\n")).collect();
        if !lines.is_empty() {
            self.title("Took");
            self.out += &lines.concat();
        }
    }

    /// Commands are not wrapped, so that you can copy them.
    fn next(&mut self, advice: &Advice) {
        if advice.next.is_empty() {
            return;
        }
        self.title("Next");
        for step in &advice.next {
            if !step.run.is_empty() {
                self.out += &format!(
                    "  {}\n",
                    self.layout.bold(&without_control_chars(&step.run))
                );
            }
            let inset = if step.run.is_empty() { "  " } else { "      " };
            self.out += &self
                .layout
                .paragraph(inset, &without_control_chars(&step.does));
        }
    }
}

struct Row {
    kind: Kind,
    suspected: bool,
    docker: String,
    subnet: String,
    /// Whether there are more such subnets.
    more: bool,
    over: String,
}

impl Row {
    fn of(clash: &Clash) -> Row {
        Row {
            kind: clash.kind,
            suspected: clash.is_suspected(),
            docker: without_control_chars(clash.docker.name()),
            subnet: clash.docker.subnet.to_string(),
            more: false,
            over: without_control_chars(&clash.with.describe()),
        }
    }

    /// Several pools over one network are one matter.
    fn is_one_with(&self, other: &Row) -> bool {
        self.kind == Kind::Latent && other.kind == Kind::Latent && self.over == other.over
    }

    fn cells(&self, layout: &Layout) -> Vec<String> {
        let when = match (self.kind, self.suspected) {
            (Kind::Present, false) => layout.red("now"),
            (Kind::Present, true) => layout.red("now?"),
            (Kind::Latent, false) => "later".to_owned(),
            (Kind::Latent, true) => "later?".to_owned(),
        };
        let subnet = match self.more {
            true => format!("{} ...", self.subnet),
            false => self.subnet.clone(),
        };
        vec![when, self.docker.clone(), subnet, self.over.clone()]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::policy::option::BadValue;
    use crate::report::vocabulary::Vocabulary;

    fn refused(why: &str) -> Report {
        let error = BadValue::plain(why).into();
        Report::refused(&error, Vocabulary::CommandLine)
    }

    #[test]
    fn colours_only_on_request() {
        let report = refused("no");
        assert_eq!(
            render(&report, &Layout::PLAIN, Verbosity::default()),
            "refused: no\n"
        );
        let colour = Layout {
            colour: true,
            ..Layout::PLAIN
        };
        assert!(
            render(&report, &colour, Verbosity::default()).contains("\u{1b}[31mrefused: \u{1b}[0m")
        );
    }

    #[test]
    fn a_name_from_outside_cannot_command_the_terminal() {
        let report = refused("no network \u{1b}]0;owned\u{7}");
        assert_eq!(
            render(&report, &Layout::PLAIN, Verbosity::default()),
            "refused: no network ?]0;owned?\n"
        );
    }
}
