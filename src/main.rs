//! The program: reads the command line, runs a verb, prints what it found and exits with its code.

use clap::{CommandFactory, Parser};
use rebridge::cli::{Cli, Verb};
use rebridge::module;
use rebridge::policy::option::BadValue;
use rebridge::report::Report;
use rebridge::report::error::Error;
use rebridge::report::news::News;
use rebridge::report::vocabulary::Vocabulary;
use rebridge::terminal::layout::Layout;
use rebridge::terminal::progress::{ProgressLine, can_be_live};
use rebridge::terminal::report::{Verbosity, render};
use rebridge::terminal::screen::{can_ask, complain, confirmed, layout, print};
use rebridge::terminal::{self, explanation, fleet, forecast, map};
use rebridge::verbs;
use rebridge::verbs::consent::Consent;
use rebridge::verbs::output_file::OutputFile;
use rebridge::verbs::watch::Audience;
use serde::Serialize;
use std::io::{Stdout, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;

const WORDS: Vocabulary = Vocabulary::CommandLine;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(path) = module::args_file(&arguments) {
        let answered = module::run(&path);
        print(&answered.json);
        return ExitCode::from(answered.code);
    }
    if matches!(arguments.as_slice(), [only] if only == verbs::networks::NAME) {
        print(&verbs::networks::run());
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_of_clap(&error),
    };
    let output = match Output::of(&cli) {
        Ok(output) => output,
        Err(bad) => return usage_error(&bad.into(), cli.wants_json()),
    };
    match run(&cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(error) => output.failure(&error),
    }
}

/// Runs the verb and prints what it found; gives the exit code, or why it found nothing.
fn run(cli: &Cli, output: &Output) -> Result<u8, Error> {
    match &cli.verb {
        Verb::Facts(arguments) => {
            let text = verbs::facts::run(&arguments.target())? + "\n";
            print(&text);
            output.leave(&text);
            Ok(0)
        }
        Verb::Forecast(arguments) => {
            let found = verbs::forecast::run(&arguments.request()?)?;
            Ok(output.found(&found, forecast::render))
        }
        Verb::Map(arguments) => {
            let found = verbs::map::run(&arguments.request()?)?;
            Ok(output.found(&found, map::render))
        }
        Verb::Explain(arguments) => {
            let found = verbs::explain::run(&arguments.request()?)?;
            Ok(output.found(&found, explanation::render))
        }
        Verb::Fleet(arguments) => {
            let found = verbs::fleet::run(&arguments.request()?)?;
            output.found(&found, fleet::render);
            Ok(found.exit_code())
        }
        Verb::Check(arguments) => {
            let report = verbs::check::run(&arguments.request()?)?;
            Ok(output.report(&report, true))
        }
        Verb::Watch(arguments) => {
            verbs::watch::run(&arguments.request()?, output)?;
            Ok(0)
        }
        Verb::Apply(arguments) => {
            let request = arguments.request(output.is_attended(arguments.yes))?;
            let progress = output.progress();
            let ask = output.question();
            let consent = consent(arguments.yes, &ask);
            let report = verbs::apply::run(&request, &progress, consent);
            drop(progress);
            Ok(output.report(&report?, false))
        }
        Verb::Relieve(arguments) => {
            let request = arguments.request(output.is_attended(arguments.yes))?;
            let ask = output.question();
            let consent = consent(arguments.yes, &ask);
            Ok(output.report(&verbs::relieve::run(&request, consent)?, false))
        }
        Verb::Rollback(arguments) => {
            let request = arguments.request()?;
            let progress = output.progress();
            let ask = output.question();
            let consent = consent(arguments.yes, &ask);
            let report = verbs::rollback::run(&request, &progress, consent);
            drop(progress);
            Ok(output.report(&report?, false))
        }
    }
}

fn consent(yes: bool, ask: &dyn Fn(&Report) -> bool) -> Consent<'_> {
    match yes {
        true => Consent::Given,
        false if can_ask() => Consent::Asked(ask),
        false => Consent::Missing,
    }
}

/// Where results go, and how much the operator wants to read.
struct Output {
    json: bool,
    verbose: bool,
    quiet: bool,
    result: Option<OutputFile>,
    reader: Stdout,
}

impl Output {
    fn of(cli: &Cli) -> Result<Output, BadValue> {
        let result = cli.result.as_deref();
        let result = result.map(|path| OutputFile::at("--result", path));
        Ok(Output {
            json: cli.wants_json(),
            verbose: cli.verbose,
            quiet: cli.quiet,
            result: result.transpose()?,
            reader: stdout(),
        })
    }

    fn progress(&self) -> ProgressLine {
        ProgressLine::new(!self.json && !self.quiet)
    }

    /// Whether a person sees what would be done before it is.
    fn is_attended(&self, yes: bool) -> bool {
        !yes && !self.json && can_ask()
    }

    /// Asks whether to go on.
    fn question(&self) -> impl Fn(&Report) -> bool {
        let verbosity = Verbosity {
            preview: true,
            verbose: self.verbose,
            was_live: true,
        };
        let aside = self.json;
        move |preview| confirmed(&render(preview, &layout(), verbosity), aside)
    }

    /// Prints what a verb found, for a program or for a person.
    fn found<T: Serialize>(&self, found: &T, render: fn(&T, &Layout) -> String) -> u8 {
        let text = serde_json::to_string_pretty(found).unwrap_or_default() + "\n";
        match self.json {
            true => print(&text),
            false => print(&render(found, &layout())),
        }
        self.leave(&text);
        0
    }

    /// Prints the report; gives the exit code of its outcome.
    fn report(&self, report: &Report, only_looks: bool) -> u8 {
        let text = report.json() + "\n";
        if self.json {
            print(&text);
        } else if !self.quiet {
            let verbosity = Verbosity {
                preview: false,
                verbose: self.verbose,
                was_live: can_be_live(),
            };
            let gap = can_be_live() && !report.phases.is_empty();
            let gap = if gap { "\n" } else { "" };
            print(&format!("{gap}{}", render(report, &layout(), verbosity)));
        }
        self.leave(&text);
        report.exit_code(only_looks)
    }

    /// A verb that has no report. The file of `--result` gets one all the same, for its readers.
    fn failure(&self, error: &Error) -> ExitCode {
        if error.is_usage() {
            self.leave(&(Report::refused(error, WORDS).json() + "\n"));
            return usage_error(error, self.json);
        }
        self.report(&Report::refused(error, WORDS), false);
        ExitCode::from(error.exit_code())
    }

    /// Only warns about a file that cannot be written: the exit code must say what became of the
    /// host.
    fn leave(&self, text: &str) {
        if let Some(Err(why)) = self.result.as_ref().map(|file| file.write(text)) {
            complain(&format!("warning: {why}\n"));
        }
    }
}

impl Audience for Output {
    fn news(&self, news: &News) {
        if self.json {
            print(&news.json());
        } else if !self.quiet {
            print(&terminal::news::render(news, &layout()));
        }
        self.leave(&news.json());
    }

    fn warning(&self, warning: &str) {
        complain(&format!("warning: {warning}\n"));
    }

    fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

fn usage_error(error: &Error, json: bool) -> ExitCode {
    if json {
        print(&(Report::refused(error, WORDS).json() + "\n"));
    } else {
        let why = error.sentence(WORDS);
        let help = help_of_the_verb();
        let page = error.page().map(|page| format!(" More: {page}"));
        let page = page.unwrap_or_default();
        complain(&format!(
            "error: {why}\nNothing was touched. `{help}` shows the options.{page}\n"
        ));
    }
    ExitCode::from(error.exit_code())
}

/// "rebridge check --help", by the verb that was typed.
fn help_of_the_verb() -> String {
    let command = Cli::command();
    let verbs: Vec<&str> = command
        .get_subcommands()
        .map(|verb| verb.get_name())
        .collect();
    let typed = std::env::args()
        .skip(1)
        .find(|word| verbs.contains(&word.as_str()));
    match typed {
        Some(verb) => format!("rebridge {verb} --help"),
        None => "rebridge --help".to_owned(),
    }
}

/// clap prints help and version. An error becomes an object if `--json` asks for one.
fn usage_of_clap(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let sentence = text.lines().next().unwrap_or_default();
        let mut why = sentence.trim_start_matches("error: ").to_owned();
        // The nearest option or verb.
        let tips = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("tip: "));
        for tip in tips {
            why += &format!("; {tip}");
        }
        return usage_error(&BadValue::plain(why).into(), true);
    }
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
