//! The program: reads the command line, runs a verb, prints its report and exits with its code. The
//! only place that prints.

use clap::Parser;
use rebridge::cli::{Check, Cli, Verb};
use rebridge::module;
use rebridge::report::Report;
use rebridge::terminal::layout::{ENDLESS, Layout};
use rebridge::terminal::progress::can_be_live;
use rebridge::terminal::report::{Telling, render};
use rebridge::terminal::{explanation, forecast, map};
use rebridge::verbs::output_file::OutputFile;
use rebridge::verbs::{self, Usage};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

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
    match run(&cli) {
        Ok(code) => code,
        Err(usage) => usage_error(&usage, wants_json(&cli.verb)),
    }
}

/// How much the operator wants to read.
#[derive(Clone, Copy)]
struct Voice {
    verbose: bool,
    quiet: bool,
}

/// Runs the verb and prints what it gives; a usage error is left to the caller.
fn run(cli: &Cli) -> Result<ExitCode, Usage> {
    let leave = cli
        .result
        .as_deref()
        .map(|path| OutputFile::at("--result", path))
        .transpose()?;
    let leave = leave.as_ref();
    let voice = Voice {
        verbose: cli.verbose,
        quiet: cli.quiet,
    };
    match &cli.verb {
        Verb::Facts(arguments) => {
            let text = verbs::facts::run(arguments)? + "\n";
            print(&text);
            leave_there(leave, &text);
            Ok(ExitCode::SUCCESS)
        }
        Verb::Forecast(arguments) => tell(
            &verbs::forecast::run(arguments)?,
            arguments.look.json,
            forecast::render,
            leave,
        ),
        Verb::Map(arguments) => tell(
            &verbs::map::run(arguments)?,
            arguments.look.json,
            map::render,
            leave,
        ),
        Verb::Explain(arguments) => tell(
            &verbs::explain::run(arguments)?,
            arguments.look.json,
            explanation::render,
            leave,
        ),
        Verb::Check(arguments) => check(arguments, leave, voice),
        Verb::Apply(arguments) => {
            let asks = !arguments.yes && !arguments.look.json && on_a_terminal();
            let live = !arguments.look.json && !voice.quiet;
            let ended = verbs::apply::run(arguments, live, &|preview| {
                !asks || confirmed(preview, voice)
            });
            finish(ended, arguments.look.json, false, leave, voice)
        }
        Verb::Rollback(arguments) => {
            let asks = !arguments.yes && !arguments.json && on_a_terminal();
            let live = !arguments.json && !voice.quiet;
            let ended = verbs::rollback::run(arguments, live, &|preview| {
                !asks || confirmed(preview, voice)
            });
            finish(ended, arguments.json, false, leave, voice)
        }
    }
}

/// Prints what was found out, for a program or for a person.
fn tell<T: Serialize>(
    found: &T,
    json: bool,
    render: fn(&T, &Layout) -> String,
    leave: Option<&OutputFile>,
) -> Result<ExitCode, Usage> {
    let text = serde_json::to_string_pretty(found).unwrap_or_default() + "\n";
    print(&if json {
        text.clone()
    } else {
        render(found, &layout())
    });
    leave_there(leave, &text);
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &Check, leave: Option<&OutputFile>, voice: Voice) -> Result<ExitCode, Usage> {
    let Some(path) = &arguments.metrics else {
        return finish(
            verbs::check::run(&arguments.look),
            arguments.look.json,
            true,
            leave,
            voice,
        );
    };
    let file = OutputFile::at("--metrics", path)?;
    let (report, metrics) = verbs::check::run_measured(&arguments.look)?;
    file.write(&metrics).map_err(Usage)?;
    finish(Ok(report), arguments.look.json, true, leave, voice)
}

/// Prints the report; its outcome is the exit code. Of a usage error the file gets the one object
/// too.
fn finish(
    ended: verbs::Ended,
    json: bool,
    verb_is_check: bool,
    leave: Option<&OutputFile>,
    voice: Voice,
) -> Result<ExitCode, Usage> {
    let report = ended.inspect_err(|usage| {
        leave_there(
            leave,
            &(Report::without_facts(usage.0.clone()).json() + "\n"),
        )
    })?;
    let text = report.json() + "\n";
    match (json, voice.quiet) {
        (true, _) => print(&text),
        (false, true) => {}
        (false, false) => {
            let telling = Telling {
                preview: false,
                verbose: voice.verbose,
                was_live: can_be_live(),
            };
            let gap = if can_be_live() && !report.phases.is_empty() {
                "\n"
            } else {
                ""
            };
            print(&format!("{gap}{}", render(&report, &layout(), telling)));
        }
    }
    leave_there(leave, &text);
    Ok(ExitCode::from(report.exit_code(verb_is_check)))
}

/// What was done is done: that the file could not be written after all is said and changes no exit
/// code.
fn leave_there(leave: Option<&OutputFile>, text: &str) {
    if let Some(Err(why)) = leave.map(|leave| leave.write(text)) {
        say(&format!("warning: {why}\n"));
    }
}

fn wants_json(verb: &Verb) -> bool {
    match verb {
        Verb::Check(check) => check.look.json,
        Verb::Apply(apply) => apply.look.json,
        Verb::Forecast(forecast) => forecast.look.json,
        Verb::Map(map) => map.look.json,
        Verb::Explain(explain) => explain.look.json,
        Verb::Rollback(rollback) => rollback.json,
        Verb::Facts(_) => false,
    }
}

fn usage_error(usage: &Usage, json: bool) -> ExitCode {
    if json {
        print(&(Report::without_facts(usage.0.clone()).json() + "\n"));
    } else {
        say(&format!(
            "error: {}\nNothing was touched. `rebridge --help` shows the options.\n",
            usage.0
        ));
    }
    ExitCode::from(2)
}

/// Help and version are clap's to print; of an error, `--json` makes one object all the same.
fn usage_of_clap(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let sentence = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        return usage_error(&Usage(sentence.to_owned()), true);
    }
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Shows what would be done and asks. Anything but a clear yes is no.
fn confirmed(preview: &Report, voice: Voice) -> bool {
    let telling = Telling {
        preview: true,
        verbose: voice.verbose,
        was_live: true,
    };
    print(&format!(
        "{}\nGo on? [y/N] ",
        render(preview, &layout(), telling)
    ));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn on_a_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What standard output can show: colours on a terminal that has them and whose owner has nothing
/// against them, and more than ASCII where the locale says so.
fn layout() -> Layout {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let colour = std::io::stdout().is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_some_and(|it| it != "dumb");
    let given = set("COLUMNS")
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns > 0);
    let width = given.or_else(|| {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0.into())
    });
    let log = set("JOURNAL_STREAM")
        .filter(|_| !std::io::stdout().is_terminal())
        .map(|_| ENDLESS);
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(set)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    Layout {
        colour,
        width: width.or(log).unwrap_or(Layout::PLAIN.width),
        unicode,
    }
}

/// A reader that has gone away is not an error of ours: the work is done and the exit code tells.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
