//! Files of variables, as systemd reads an `EnvironmentFile=`; a shell's are much the same.

use std::ops::RangeInclusive;

/// A variable, with the lines it is set on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    pub lines: RangeInclusive<usize>,
}

/// The variables of a file, in order; a name may be none (`export A`).
pub fn variables(text: &str) -> Vec<Variable> {
    let mut found = Vec::new();
    let mut reader = Reader {
        rest: text.chars(),
        line: 1,
    };
    while let Some(name) = reader.name() {
        let first = reader.line;
        let value = reader.value();
        found.push(Variable {
            name,
            value,
            lines: first..=reader.line,
        });
        reader.end_line();
    }
    found
}

struct Reader<'a> {
    rest: std::str::Chars<'a>,
    line: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.next();
        self.line += usize::from(char == Some('\n'));
        char
    }

    /// Passes over what is left of the line.
    fn end_line(&mut self) {
        while self.next().is_some_and(|char| char != '\n') {}
    }

    /// What stands before the next `=`; comments and lines without one are passed over.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.next()? {
                '\n' => name.clear(),
                '#' | ';' if name.trim().is_empty() => {
                    self.end_line();
                    name.clear();
                }
                '=' => return Some(name.trim().to_owned()),
                char => name.push(char),
            }
        }
    }

    /// The value up to the end of the line, which stays unread. It may be made of several pieces,
    /// quoted or not.
    fn value(&mut self) -> String {
        let mut value = String::new();
        // Spaces count only where something follows that is not quoted.
        let mut spaces = String::new();
        let mut unquoted = false;
        while let Some(char) = self.peek().filter(|char| *char != '\n') {
            self.next();
            match char {
                '\'' | '"' if !unquoted => {
                    spaces.clear();
                    self.quoted(char, &mut value);
                }
                char if char.is_ascii_whitespace() => spaces.push(char),
                char => {
                    if unquoted {
                        value.push_str(&spaces);
                    }
                    spaces.clear();
                    unquoted = true;
                    match char {
                        '\\' => value.extend(self.next().filter(|next| *next != '\n')),
                        _ => value.push(char),
                    }
                }
            }
        }
        value
    }

    /// What stands up to the closing quote, which may be lines away.
    fn quoted(&mut self, quote: char, value: &mut String) {
        while let Some(char) = self.next().filter(|char| *char != quote) {
            if char != '\\' || quote == '\'' {
                value.push(char);
                continue;
            }
            match self.next() {
                Some('\n') | None => {}
                Some(plain @ ('"' | '\\' | '`' | '$')) => value.push(plain),
                Some(other) => value.extend(['\\', other]),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_shell_would_or_nearly() {
        let text = "# A=no\n;B=no\nA=1\n  B = two words  \nC=\"a b\"'c d'e\nD=\"x\\\"y\\n\\$z\nnext\"\n\
                    E=go \\\non # not a comment\nexport F='--bip 1.2.3.4/24' # kept\nno line\nH=\nI=x\\ y\nJ=\"open";
        let found: Vec<String> = variables(text)
            .into_iter()
            .map(|one| format!("{}={} {:?}", one.name, one.value, one.lines))
            .collect();
        assert_eq!(
            found,
            [
                "A=1 3..=3",
                "B=two words 4..=4",
                "C=a bc de 5..=5",
                "D=x\"y\\n$z\nnext 6..=7",
                "E=go on # not a comment 8..=9",
                "export F=--bip 1.2.3.4/24# kept 10..=10",
                "H= 12..=12",
                "I=x y 13..=13",
                "J=open 14..=14",
            ]
        );
    }
}
