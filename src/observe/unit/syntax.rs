//! The syntax of unit files: lines, words, specifiers, variables.

use std::ops::RangeInclusive;

/// `Key=value` in a section, with the lines it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub section: String,
    pub key: String,
    pub value: String,
    pub lines: RangeInclusive<usize>,
}

/// The assignments of a file, in order. A backslash at the end of a line goes on with the next;
/// comments in between do not end it.
pub fn assignments(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut begun: Option<(String, usize)> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut last = 0;
    for (line, number) in text.lines().zip(1..) {
        last = number;
        let line = line.trim_start();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let (mut whole, first) = begun.take().unwrap_or((String::new(), number));
        whole.push_str(line);
        if ends_in_a_backslash(&whole) {
            whole.pop();
            whole.push(' ');
            begun = Some((whole, first));
        } else {
            found.extend(assignment(&whole, &mut section, first..=number));
        }
    }
    if let Some((whole, first)) = begun {
        found.extend(assignment(&whole, &mut section, first..=last));
    }
    found
}

/// Whether the last backslash of a text is one that no other takes the meaning from.
fn ends_in_a_backslash(text: &str) -> bool {
    let backslashes = text.chars().rev().take_while(|char| *char == '\\').count();
    backslashes % 2 == 1
}

/// A whole line; a section's head is noted.
fn assignment(
    line: &str,
    section: &mut String,
    lines: RangeInclusive<usize>,
) -> Option<Assignment> {
    let line = line.trim();
    if let Some(head) = line.strip_prefix('[') {
        *section = head.strip_suffix(']')?.to_owned();
        return None;
    }
    let (key, value) = line.split_once('=')?;
    Some(Assignment {
        section: section.clone(),
        key: key.trim().to_owned(),
        value: value.trim().to_owned(),
        lines,
    })
}

/// What a backslash does in a text that is split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// It begins an escape as in C, and a wrong one spoils the text: in unit files.
    Escapes,
    /// It takes the meaning from the next character: in the values of variables.
    Quotes,
}

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Whether it was written without quotes and backslashes.
    pub bare: bool,
}

/// The words of a text, in which quotes hold spaces together; none where it cannot be read.
pub fn words(text: &str, backslash: Backslash) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if quote.is_none() && char.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert(Word {
            text: String::new(),
            bare: true,
        });
        match char {
            '\\' => {
                current.bare = false;
                match backslash {
                    Backslash::Escapes => current.text.push(escape(&mut chars)?),
                    Backslash::Quotes => current.text.extend(chars.next()),
                }
            }
            '"' | '\'' if quote.is_none() => {
                current.bare = false;
                quote = Some(char);
            }
            _ if quote == Some(char) => quote = None,
            _ => current.text.push(char),
        }
    }
    // In variables a quote that is not closed is closed by the end.
    if quote.is_some() && backslash == Backslash::Escapes {
        return None;
    }
    words.extend(word);
    Some(words)
}

/// The character that an escape stands for.
fn escape(chars: &mut std::str::Chars) -> Option<char> {
    let number = |chars: &mut std::str::Chars, digits: usize, radix: u32, begun: u32| {
        let mut value = begun;
        for _ in 0..digits {
            value = value
                .checked_mul(radix)?
                .checked_add(chars.next()?.to_digit(radix)?)?;
        }
        char::from_u32(value).filter(|char| *char != '\0')
    };
    match chars.next()? {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        's' => Some(' '),
        // `\;` is how a command line has a semicolon for a word.
        same @ ('\\' | '"' | '\'' | ';') => Some(same),
        'x' => number(chars, 2, 16, 0),
        'u' => number(chars, 4, 16, 0),
        'U' => number(chars, 8, 16, 0),
        octal @ '0'..='7' => number(chars, 2, 8, octal.to_digit(8)?),
        _ => None,
    }
}

/// Puts in what `%x` stands for. One that `meaning` does not know stays as it is.
pub fn specified(text: &str, meaning: impl Fn(char) -> Option<String>) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, chars.clone().next()) {
            ('%', Some('%')) => {
                chars.next();
                out.push('%');
            }
            ('%', Some(letter)) if letter.is_ascii_alphabetic() => {
                chars.next();
                match meaning(letter) {
                    Some(words) => out.push_str(&words),
                    None => out.extend(['%', letter]),
                }
            }
            _ => out.push(char),
        }
    }
    out
}

/// Puts the values of `${NAME}` into a word; `$$` is a dollar.
pub fn substituted<'a>(word: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let variable = after
            .strip_prefix('{')
            .and_then(|name| name.split_once('}'));
        if let Some((name, behind)) = variable {
            out.push_str(value(name).unwrap_or_default());
            rest = behind;
        } else {
            out.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn split(text: &str, backslash: Backslash) -> Option<Vec<String>> {
        let words = words(text, backslash)?;
        Some(words.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn lines_go_on_behind_a_backslash_and_comments_do_not_count() {
        let text = "\u{feff}# head\n[Unit]\nAfter=x\n[Service]\n ExecStart = /usr/bin/dockerd \\\n# not this\n\
                    ;nor this\n   -H fd:// \\\n--bip=1.2.3.4/24\nEnvironment=A=1\\\\\nno assignment\n[Broken\nX=\n\
                    Last=a \\";
        let found: Vec<String> = assignments(text)
            .into_iter()
            .map(|one| format!("{}.{}={} {:?}", one.section, one.key, one.value, one.lines))
            .collect();
        assert_eq!(
            found,
            [
                "Unit.After=x 3..=3",
                "Service.ExecStart=/usr/bin/dockerd  -H fd://  --bip=1.2.3.4/24 5..=9",
                "Service.Environment=A=1\\\\ 10..=10",
                "Service.X= 13..=13",
                "Service.Last=a 14..=14",
            ]
        );
    }

    #[test]
    fn words_are_held_together_by_quotes_and_escapes() {
        for (text, expected) in [
            ("a  b\tc ", Some(&["a", "b", "c"][..])),
            (
                "A=\"b c\" 'd \"e\"' x\"y z\"w",
                Some(&["A=b c", "d \"e\"", "xy zw"]),
            ),
            (
                r#"a\sb \x41\102\t "\"" \;"#,
                Some(&["a b", "AB\t", "\"", ";"]),
            ),
            ("'' \"\"", Some(&["", ""])),
            ("", Some(&[])),
            ("\"open", None),
            (r"\q", None),
            (r"\x4", None),
            (r"\x00", None),
        ] {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(split(text, Backslash::Escapes), expected, "{text}");
        }
        for (text, expected) in [
            (r"a\nb \ c", &["anb", " c"][..]),
            ("--label 'a b", &["--label", "a b"]),
        ] {
            assert_eq!(split(text, Backslash::Quotes).unwrap(), expected, "{text}");
        }
        let bare: Vec<bool> = words(r"; \; ';' a", Backslash::Escapes)
            .unwrap()
            .iter()
            .map(|word| word.bare)
            .collect();
        assert_eq!(bare, [true, false, false, true]);
    }

    #[test]
    fn specifiers_and_variables_are_put_in() {
        let meaning = |letter| (letter == 'n').then(|| "docker.service".to_owned());
        assert_eq!(
            specified("%n 100%% %q 5% %", meaning),
            "docker.service 100% %q 5% %"
        );
        let value = |name: &str| (name == "BIP").then_some("1.2.3.4/24");
        for (word, expected) in [
            ("--bip=${BIP}", "--bip=1.2.3.4/24"),
            ("${NONE}x${BIP}y", "x1.2.3.4/24y"),
            ("$BIP", "$BIP"),
            ("a$$b$${BIP}", "a$b${BIP}"),
            ("${open", "${open"),
            ("$", "$"),
        ] {
            assert_eq!(substituted(word, value), expected, "{word}");
        }
    }
}
