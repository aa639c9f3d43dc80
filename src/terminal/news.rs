//! News for a person: a line for each sentence, on a terminal and in a log.

use super::layout::{ENDLESS, Layout, ascii, without_control_chars};
use crate::phrases::count;
use crate::report::news::News;
use crate::report::sentences::outcome::CLEAR;

/// More clashes than these are only counted.
const LISTED: usize = 10;

pub fn render(news: &News, layout: &Layout) -> String {
    let appeared = news.appeared.iter().map(|clash| clash.explain.clone());
    let gone = news.gone.iter().map(|clash| {
        let subnet = clash.docker.subnet;
        let docker = clash.docker.name();
        format!("{docker} on {subnet} over {}", clash.with.describe())
    });
    let mut out = String::new();
    for sentence in first_few(appeared) {
        out += &line(news, layout, &layout.red("clash: "), &sentence, "<4>");
    }
    for sentence in first_few(gone) {
        out += &line(news, layout, &layout.green("gone: "), &sentence, "");
    }
    for sentence in summary(news) {
        out += &line(news, layout, "", &sentence, "");
    }
    out
}

/// What follows from it.
fn summary(news: &News) -> Vec<String> {
    let mut sentences = Vec::new();
    match (news.report.clashes.is_empty(), news.is_first) {
        (true, true) => sentences.push(CLEAR.to_owned()),
        (true, false) => sentences.push("nothing clashes any more".to_owned()),
        (false, _) => {}
    }
    let next = news.report.advice.next.first();
    if let Some(step) = next.filter(|_| !news.appeared.is_empty()) {
        sentences.push(format!("to fix it: `{}` {}", step.run, step.does));
    }
    // They are the same each time.
    if news.is_first {
        sentences.extend(news.report.warnings.iter().cloned());
    }
    sentences
}

fn first_few(mut sentences: impl Iterator<Item = String>) -> Vec<String> {
    let mut few: Vec<String> = sentences.by_ref().take(LISTED).collect();
    match sentences.count() {
        0 => {}
        more => few.push(format!("and {}", count(more, "more", "more"))),
    }
    few
}

/// A sentence is never broken: it is one entry of a log. The journal knows the time, and shows what
/// begins with `priority` to those who ask for warnings.
fn line(news: &News, layout: &Layout, word: &str, sentence: &str, priority: &str) -> String {
    let begin = match layout.width {
        ENDLESS => priority.to_owned(),
        _ => layout.dim(&news.at) + "  ",
    };
    let line = format!("{begin}{word}{}\n", without_control_chars(sentence));
    if layout.unicode { line } else { ascii(&line) }
}
