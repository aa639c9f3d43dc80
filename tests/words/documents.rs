//! README and docs are read in a hurry: no sentence of theirs is long, and README is a page.

use std::fs;
use std::path::Path;

const MOST_WORDS: usize = 30;
const MOST_LINES_OF_README: usize = 90;

/// The files by name, with their text.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    let named = paths.iter().map(|path| {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

/// Text without a break in it: a paragraph, an item of a list, a cell of a table. With the number of
/// its first line.
#[derive(Debug, PartialEq)]
struct Passage {
    line: usize,
    text: String,
}

#[derive(Default)]
struct Passages {
    done: Vec<Passage>,
    open: Option<Passage>,
}

impl Passages {
    /// Blocks of code and headings are no passages.
    fn of(text: &str) -> Vec<Passage> {
        let mut passages = Passages::default();
        let mut in_code = false;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.starts_with("```") {
                in_code = !in_code;
                passages.close();
            } else if line.is_empty() || line.starts_with('#') {
                passages.close();
            } else if !in_code {
                passages.read(number, line);
            }
        }
        passages.close();
        passages.done
    }

    fn read(&mut self, number: usize, line: &str) {
        if let Some(row) = line.strip_prefix('|') {
            self.close();
            for cell in row.split(" | ") {
                self.go_on(number, cell.trim_end_matches('|'));
                self.close();
            }
        } else if let Some(item) = item(line) {
            self.close();
            self.go_on(number, item);
        } else {
            self.go_on(number, line);
        }
    }

    fn go_on(&mut self, line: usize, text: &str) {
        let open = self.open.get_or_insert(Passage {
            line,
            text: String::new(),
        });
        open.text += text.trim();
        open.text.push(' ');
    }

    fn close(&mut self) {
        self.done.extend(self.open.take());
    }
}

/// What follows the mark of an item: `-`, `*` or a number.
fn item(line: &str) -> Option<&str> {
    let (mark, rest) = line.split_once(' ')?;
    let digits = mark.strip_suffix('.').unwrap_or_default();
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    (mark == "-" || mark == "*" || is_number).then_some(rest)
}

/// The text with each span of code as one word, and each link as what is read of it.
fn readable(text: &str) -> String {
    let spans = text.split('`').enumerate();
    let plain: String = spans
        .map(|(number, span)| if number % 2 == 1 { "CODE" } else { span })
        .collect();
    let mut links = plain.split("](");
    let mut read = links.next().unwrap_or_default().to_owned();
    for link in links {
        read += link.split_once(')').map_or(link, |(_, rest)| rest);
    }
    read
}

/// The words of each sentence of a passage.
fn sentences(passage: &str) -> Vec<Vec<String>> {
    let mut sentences = vec![Vec::new()];
    for word in readable(passage).split_whitespace() {
        if word.contains(char::is_alphanumeric) {
            sentences.last_mut().unwrap().push(word.to_owned());
        }
        let bare = word.trim_end_matches([')', '*', '"', ']']);
        if bare.ends_with(['.', '!', '?']) {
            sentences.push(Vec::new());
        }
    }
    sentences
}

#[test]
fn no_sentence_of_a_document_is_long() {
    let (mut read, mut long) = (0, Vec::new());
    for (name, text) in documents() {
        for passage in Passages::of(&text) {
            for words in sentences(&passage.text) {
                read += 1;
                if words.len() > MOST_WORDS {
                    let count = words.len();
                    let place = format!("{name}:{}", passage.line);
                    long.push(format!("{place}: {count} words: {}", words.join(" ")));
                }
            }
        }
    }
    assert!(read > 500, "only {read} sentences were found");
    assert!(
        long.is_empty(),
        "more than {MOST_WORDS} words:\n{}",
        long.join("\n")
    );
}

#[test]
fn readme_is_a_page() {
    let (_, readme) = documents()
        .into_iter()
        .find(|(name, _)| name == "README.md")
        .unwrap();
    let lines = readme.lines().count();
    assert!(lines <= MOST_LINES_OF_README, "{lines} lines");
}

#[test]
fn passages_and_sentences_are_told_apart() {
    let text = "# A title\n\nOne. Two of\n`a b. c`, [this](to/x.md) one.\n- three\n  goes on\n1. four\n\
                ```sh\nno text\n```\n| five (5.) six | seven |\n|---|---|\n";
    let passages = Passages::of(text);
    let read: Vec<(usize, &str)> = passages
        .iter()
        .map(|passage| (passage.line, passage.text.trim()))
        .collect();
    let expected = [
        (3, "One. Two of `a b. c`, [this](to/x.md) one."),
        (5, "three goes on"),
        (7, "four"),
        (11, "five (5.) six"),
        (11, "seven"),
        (12, "---|---"),
    ];
    assert_eq!(read, expected);
    let counts: Vec<usize> = sentences(&passages[0].text).iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 5, 0]);
    assert_eq!(sentences("five (5.) six")[0].len(), 2);
}
