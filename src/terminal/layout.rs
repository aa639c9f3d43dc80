//! The layout a text is written on: how wide it is, whether it has colours, and which characters it
//! can show. Pure; what the terminal is like is found out elsewhere. Colour never says anything
//! that the words do not say too.

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
        for (number, line) in lines(text, room).into_iter().enumerate() {
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
        let Some(last) = titles.len().checked_sub(1) else {
            return String::new();
        };
        let width = |at: usize, title: &str| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| width_of(cell));
            cells.chain([width_of(title)]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = titles
            .iter()
            .take(last)
            .enumerate()
            .map(|(at, title)| width(at, title))
            .collect();
        let before_last = 2 + widths.iter().map(|width| width + 2).sum::<usize>();
        let fits = before_last + COLUMN <= self.columns();
        let set = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| {
                format!(
                    "{cell}{}",
                    " ".repeat(if fits {
                        width.saturating_sub(width_of(cell))
                    } else {
                        0
                    })
                )
            });
            padded.collect::<Vec<_>>().join("  ")
        };
        let line = |cells: &[String]| {
            let tail = cells.get(last).map(String::as_str).unwrap_or_default();
            match fits {
                true => self.paragraph(&format!("  {}  ", set(cells)), tail),
                false => format!("  {}\n{}", set(cells), self.paragraph("      ", tail)),
            }
        };
        let titles: Vec<String> = titles.iter().map(|title| self.dim(title)).collect();
        let head = if fits { line(&titles) } else { String::new() };
        head + &rows.iter().map(|row| line(row)).collect::<String>()
    }
}

/// How many columns a text takes; colours take none.
pub fn width_of(text: &str) -> usize {
    let (mut width, mut in_colour) = (0, false);
    for character in text.chars() {
        match (in_colour, character) {
            (false, '\u{1b}') => in_colour = true,
            (false, _) => width += 1,
            (true, 'm') => in_colour = false,
            (true, _) => {}
        }
    }
    width
}

/// A text in lines of so many columns. A word that is longer has a line of its own, and what is
/// quoted stays together: a command or a path that is broken cannot be copied.
fn lines(text: &str, room: usize) -> Vec<String> {
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

/// The words of a text; what stands between two backticks is one.
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

/// A text without what a terminal would obey: names come from files and engines.
pub fn without_control_chars(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '?'
            } else {
                character
            }
        })
        .collect()
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
            _ => plain.push('?'),
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
    fn every_sign_of_ours_has_one_in_ascii() {
        assert_eq!(ascii("a → b … – · │ █ ▒ × ü"), "a -> b ... - . | # + x ?");
        assert_eq!(without_control_chars("br-\u{1b}[31m\nx"), "br-?[31m?x");
    }
}
