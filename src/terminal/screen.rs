//! Standard output, and the person in front of it: what the screen can show, printing, asking.

use super::layout::{ENDLESS, Layout};
use std::io::{IsTerminal, Write};

/// What standard output can show: colours if it is a terminal that has them and `NO_COLOR` is not
/// set, and more than ASCII if the locale has it.
pub fn layout() -> Layout {
    let terminal = std::io::stdout().is_terminal();
    let has_colours = variable("TERM").is_some_and(|term| term != "dumb");
    let journal = variable("JOURNAL_STREAM").is_some() && !terminal;
    let fallback = if journal {
        ENDLESS
    } else {
        Layout::PLAIN.width
    };
    Layout {
        colour: terminal && has_colours && variable("NO_COLOR").is_none(),
        width: given_width().or_else(terminal_width).unwrap_or(fallback),
        unicode: locale_has_unicode(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn given_width() -> Option<usize> {
    let columns = variable("COLUMNS")?.parse().ok()?;
    (columns > 0).then_some(columns)
}

fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(width.0.into())
}

fn locale_has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(variable);
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Whether there is a person to answer. Standard output may go elsewhere.
pub fn can_ask() -> bool {
    let shown = std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
    std::io::stdin().is_terminal() && shown
}

/// Anything but a clear yes is no. Aside, where standard output is for a program, or is no terminal.
pub fn confirmed(question: &str, aside: bool) -> bool {
    let question = format!("{question}\nGo on? [y/N] ");
    match aside || !std::io::stdout().is_terminal() {
        true => complain(&question),
        false => print(&question),
    }
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    let answer = answer.trim().to_ascii_lowercase();
    read.is_ok() && matches!(answer.as_str(), "y" | "yes")
}

/// A reader that has gone away is no error: the work is done, and the exit code says how it ended.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints on standard error.
pub fn complain(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
