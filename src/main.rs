//! The program: reads the command line, runs a verb, prints its report and exits with its code. The only place
//! that prints.

use clap::Parser;
use rebridge::cli::{Cli, Verb};
use rebridge::module;
use rebridge::report::text::{Paint, render};
use rebridge::report::{Report, forecast};
use rebridge::verbs::{self, Usage};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(path) = module::args_file(&arguments) {
        let answered = module::run(&path);
        print(&answered.json);
        return ExitCode::from(answered.code);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_of_clap(&error),
    };
    match &cli.verb {
        Verb::Facts(arguments) => match verbs::facts::run(arguments) {
            Ok(text) => {
                print(&(text + "\n"));
                ExitCode::SUCCESS
            }
            Err(usage) => usage_error(&usage, false),
        },
        Verb::Forecast(arguments) => match verbs::forecast::run(arguments) {
            Ok(forecast) if arguments.look.json => {
                print(&(serde_json::to_string_pretty(&forecast).unwrap_or_default() + "\n"));
                ExitCode::SUCCESS
            }
            Ok(forecast) => {
                print(&forecast::render(&forecast, paint()));
                ExitCode::SUCCESS
            }
            Err(usage) => usage_error(&usage, arguments.look.json),
        },
        Verb::Check(look) => finish(verbs::check::run(look), look.json, true),
        Verb::Apply(arguments) => {
            let asks = !arguments.yes && !arguments.look.json && on_a_terminal();
            finish(verbs::apply::run(arguments, &|preview| !asks || confirmed(preview)), arguments.look.json, false)
        }
        Verb::Rollback(arguments) => {
            let asks = !arguments.yes && !arguments.json && on_a_terminal();
            finish(verbs::rollback::run(arguments, &|preview| !asks || confirmed(preview)), arguments.json, false)
        }
    }
}

/// Prints the report; its outcome is the exit code.
fn finish(ended: verbs::Ended, json: bool, verb_is_check: bool) -> ExitCode {
    match ended {
        Ok(report) => {
            print(&if json { report.json() + "\n" } else { render(&report, paint(), false) });
            ExitCode::from(report.exit_code(verb_is_check))
        }
        Err(usage) => usage_error(&usage, json),
    }
}

fn usage_error(usage: &Usage, json: bool) -> ExitCode {
    if json {
        print(&(Report::without_facts(usage.0.clone()).json() + "\n"));
    } else {
        say(&format!("error: {}\nNothing was touched. `rebridge --help` shows the options.\n", usage.0));
    }
    ExitCode::from(2)
}

/// Help and version are clap's to print; of an error, `--json` makes one object all the same.
fn usage_of_clap(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return usage_error(&Usage(sentence.to_owned()), true);
    }
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Shows what would be done and asks. Anything but a clear yes is no.
fn confirmed(preview: &Report) -> bool {
    print(&format!("{}\n{}\n\nGo on? [y/N] ", preview.msg, render(preview, paint(), true)));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn on_a_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn paint() -> Paint {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Paint { on: !no_color && std::io::stdout().is_terminal() }
}

/// A reader that has gone away is not an error of ours: the work is done and the exit code tells.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
