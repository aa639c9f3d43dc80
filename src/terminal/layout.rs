//! The layout a text is written on: how wide it is, whether it has colours, and which characters it
//! can show. Pure; what the terminal is like is found out elsewhere. Colour never says anything
//! that the words do not say too.

use crate::phrases::wrap::{width_of, wrap};
use unicode_width::UnicodeWidthChar;

/// Nothing is set narrower than this: a CIDR with two words beside it has to fit.
const NARROWEST: usize = 40;

/// Longer lines are hard to read, however wide the terminal.
const WIDEST: usize = 120;

/// The width of a log, where a sentence is one entry.
pub const ENDLESS: usize = usize::MAX;

/// Under this width for its last column a table is set as a list.
const COLUMN: usize = 24;

/// A layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Whether it has colours.
    pub colour: bool,
    /// Columns; [`ENDLESS`] where lines are not to be broken.
    pub width: usize,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

impl Layout {
    /// What a pipe gets, and a test: 80 columns, no colour, ASCII.
    pub const PLAIN: Layout = Layout {
        colour: false,
        width: 80,
        unicode: false,
    };

    /// The columns to fill.
    pub fn columns(&self) -> usize {
        if self.width == ENDLESS {
            ENDLESS
        } else {
            self.width.clamp(NARROWEST, WIDEST)
        }
    }

    pub(super) fn paint(&self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// What clashes or went wrong.
    pub fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is well.
    pub fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Titles, and what to type.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A paragraph: the first line begins with `first`, the others are set in as far as `first` is
    /// wide.
    pub fn paragraph(&self, first: &str, text: &str) -> String {
        let room = self.columns().saturating_sub(width_of(first)).max(COLUMN);
        let inset = " ".repeat(width_of(first));
        let mut out = String::new();
        for (number, line) in wrap(text, room).into_iter().enumerate() {
            let line = format!("{}{line}", if number == 0 { first } else { &inset });
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// A table under its titles, set in by two. Its last column takes what is left of the width and
    /// goes on below itself; where hardly anything is left each row becomes a line with the last
    /// column under it.
    pub fn table(&self, titles: &[&str], rows: &[Vec<String>]) -> String {
        let head: Vec<String> = titles.iter().map(|title| self.dim(title)).collect();
        let mut widths: Vec<usize> = head.iter().map(|title| width_of(title)).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = width_of(cell).max(*width);
            }
        }
        widths.pop();
        let before_last: usize = 2 + widths.iter().map(|width| width + 2).sum::<usize>();
        if before_last + COLUMN > self.columns() {
            return rows.iter().map(|row| self.row_as_list(row)).collect();
        }
        let all = std::iter::once(&head).chain(rows);
        all.map(|row| self.row(row, &widths)).collect()
    }

    fn row(&self, row: &[String], widths: &[usize]) -> String {
        let Some((last, cells)) = row.split_last() else {
            return String::new();
        };
        let mut first = "  ".to_owned();
        for (cell, width) in cells.iter().zip(widths) {
            first += &pad(cell, *width);
            first += "  ";
        }
        self.paragraph(&first, last)
    }

    fn row_as_list(&self, row: &[String]) -> String {
        let Some((last, cells)) = row.split_last() else {
            return String::new();
        };
        format!("  {}\n{}", cells.join("  "), self.paragraph("      ", last))
    }
}

/// A text with spaces up to a width; `{:<8}` counts characters, not columns.
fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(width_of(text));
    format!("{text}{}", " ".repeat(missing))
}

/// A text without what a terminal would obey: names come from files and engines.
pub fn without_control_chars(text: &str) -> String {
    text.chars()
        .map(|character| if is_obeyed(character) { '?' } else { character })
        .collect()
}

/// Controls, ends of lines, and what turns the direction of the words after it.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The same text in ASCII, for terminals that show no more.
pub fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '→' => plain.push_str("->"),
            '…' => plain.push_str("..."),
            '–' | '─' => plain.push('-'),
            '·' => plain.push('.'),
            '│' => plain.push('|'),
            '█' => plain.push('#'),
            '▒' => plain.push('+'),
            '×' => plain.push('x'),
            character if character.is_ascii() => plain.push(character),
            // As wide as before, or a table that was set already loses its columns.
            other => plain.push_str(&"?".repeat(other.width().unwrap_or(1))),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_as_wide_as_the_page_and_hangs() {
        let text = "docker0 holds 172.17.0.0/16, which shadows 172.17.50.10: it was called and did not answer";
        let layout = Layout {
            width: 50,
            ..Layout::PLAIN
        };
        let set = layout.paragraph("  * ", text);
        assert!(set.lines().all(|line| width_of(line) <= 50), "{set}");
        assert!(
            set.lines()
                .skip(1)
                .all(|line| line.starts_with("    ") && !line.starts_with("     ")),
            "{set}"
        );
        assert_eq!(
            set.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
            text
        );
        let path = "/a/path/that/is/longer/than/any/layout/is/wide/and/must/be/copied/whole";
        assert!(layout.paragraph("", path).contains(path));
    }

    #[test]
    fn colours_take_no_room() {
        let layout = Layout {
            colour: true,
            ..Layout::PLAIN
        };
        assert_eq!(width_of(&layout.red("12345")), 5);
        assert_eq!(Layout::PLAIN.red("12345"), "12345");
        assert_eq!(layout.red(""), "");
    }

    #[test]
    fn a_table_fits_and_becomes_a_list_where_it_cannot() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row([
            "now",
            "docker0 172.17.0.0/16",
            "172.17.50.10: it was called and did not answer",
        ])];
        let titles = ["When", "Docker's", "Needed"];
        let wide = Layout::PLAIN.table(&titles, &rows);
        assert!(
            wide.starts_with(
                "  When  Docker's               Needed\n  now   docker0 172.17.0.0/16  172"
            ),
            "{wide}"
        );
        let narrow = Layout {
            width: 40,
            ..Layout::PLAIN
        }
        .table(&titles, &rows);
        assert!(
            narrow.starts_with("  now  docker0 172.17.0.0/16\n      172.17.50.10: it was called"),
            "{narrow}"
        );
        assert!(narrow.lines().all(|line| width_of(line) <= 40), "{narrow}");
    }

    #[test]
    fn wide_names_keep_a_table_straight() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["网络", "172.18.0.0/16", "web"]),
            row(["shop_default", "172.19.0.0/16", "db"]),
            row(["e\u{301}te\u{301}", "172.20.0.0/16", "none runs"]),
        ];
        let table = Layout::PLAIN.table(&["Network", "From", "Restarts"], &rows);
        for table in [ascii(&table), table] {
            for (column, words) in [
                (16, ["From", "172.18", "172.19", "172.20"]),
                (31, ["Restarts", "web", "db", "none"]),
            ] {
                for word in words {
                    let (before, _) = table
                        .lines()
                        .find_map(|line| line.split_once(word))
                        .unwrap();
                    assert_eq!(width_of(before), column, "{word}: {table}");
                }
            }
        }
    }

    #[test]
    fn every_sign_of_ours_has_one_in_ascii() {
        assert_eq!(ascii("a → b … – · │ █ ▒ × ü"), "a -> b ... - . | # + x ?");
        assert_eq!(without_control_chars("br-\u{1b}[31m\nx"), "br-?[31m?x");
        assert_eq!(without_control_chars("web\u{202e}bd"), "web?bd");
    }
}
