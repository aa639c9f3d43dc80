//! Text that fills lines: how many columns it takes, and where a line breaks.

use std::iter::once;
use unicode_width::UnicodeWidthStr;

/// How many columns a text takes on a terminal: two for a wide character, none for a colour.
pub fn width_of(text: &str) -> usize {
    // A colour begins with an escape and ends with an `m`.
    let mut parts = text.split('\u{1b}');
    let before = parts.next().unwrap_or_default();
    let after = parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest));
    once(before).chain(after).map(UnicodeWidthStr::width).sum()
}

/// A text in lines of at most `room` columns. A longer word gets a line of its own.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        if !line.is_empty() && width_of(&line) + 1 + width_of(&word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

/// The words of a text. What stands between two backticks is one: a command or a path that is
/// broken cannot be copied.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for word in text.split_whitespace() {
        match words.last_mut().filter(|_| quoted) {
            Some(last) => *last = format!("{last} {word}"),
            None => words.push(word.to_owned()),
        }
        quoted ^= word.matches('`').count() % 2 == 1;
    }
    words
}

/// A text of at most `room` columns, which ends in dots where something was cut off.
pub fn cut(text: &str, room: usize) -> String {
    const DOTS: &str = " ...";
    if width_of(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(DOTS.len());
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if width_of(&short) > room {
            short.pop();
            break;
        }
    }
    // Not in the middle of a word, unless the first word is too long itself.
    let whole = short.rsplit_once(' ').map_or(&*short, |(whole, _)| whole);
    format!("{whole}{DOTS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_a_terminal_counts_them() {
        for (text, columns) in [
            ("", 0),
            ("docker0", 7),
            ("网络", 4),
            ("\u{1b}[1;31mネット\u{1b}[0m-1", 8),
            // A letter and its accent, one character after the other.
            ("re\u{301}seau", 6),
            ("🐳", 2),
        ] {
            assert_eq!(width_of(text), columns, "{text}");
        }
    }

    #[test]
    fn lines_break_between_words_but_not_in_a_command() {
        assert_eq!(
            wrap("run `rebridge check --json` on 网络 and 主机", 12),
            ["run", "`rebridge check --json`", "on 网络 and", "主机"]
        );
        assert_eq!(wrap("", 12), [""]);
    }

    #[test]
    fn what_is_cut_ends_after_a_word_and_fits() {
        assert_eq!(cut("declared by --avoid", 19), "declared by --avoid");
        assert_eq!(cut("declared by --avoid", 18), "declared by ...");
        assert_eq!(cut("网络网络网络网络", 12), "网络网络 ...");
        assert_eq!(cut("网络网络网络网络", 13), "网络网络 ...");
    }
}
