//! Options that last: `/etc/rebridge/options`, one a line as on the command line, `#` begins a
//! comment. What `--remember` keeps is written here, and every run reads it.

mod kept;

pub use kept::{Kept, KeptNetwork};

use super::option::BadValue;
use super::read::{read_avoid, read_avoid_file, read_ignore, read_pools};
use super::{Origin, Policy};
use crate::phrases::nearest;
use ipnet::IpNet;
use std::collections::HashSet;
use std::io;
use std::path::Path;

pub const PATH: &str = "/etc/rebridge/options";

const HEAD: &str =
    "# Options of every rebridge on this host, one a line, as on its command line.\n";

/// The options that may stand in the file: those that say what to judge by. How to act is decided
/// run by run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Avoid,
    AvoidFile,
    Ignore,
    Pool,
}

const NAMES: [(&str, Name); 4] = [
    ("--avoid", Name::Avoid),
    ("--avoid-file", Name::AvoidFile),
    ("--ignore", Name::Ignore),
    ("--pool", Name::Pool),
];

/// An option as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u32,
    pub name: Name,
    pub value: String,
}

impl Name {
    fn spelled(self) -> &'static str {
        let found = NAMES.iter().find(|(_, name)| *name == self);
        found.map(|(spelled, _)| *spelled).unwrap_or_default()
    }
}

/// "--pool 10.200.0.0/16, /etc/rebridge/options line 4".
impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, value) = (self.name.spelled(), &self.value);
        write!(f, "{name} {value}, {PATH} line {}", self.number)
    }
}

/// Reads the text of the file. The values are read when they are added to a policy.
pub fn parse(text: &str) -> Result<Vec<Line>, BadValue> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().zip(1..);
    lines
        .filter_map(|(line, number)| Some((without_comment(line)?, number)))
        .map(|(words, number)| option(words, number))
        .collect()
}

/// A `#` inside a word is a part of the word.
fn without_comment(line: &str) -> Option<&str> {
    let comment = line
        .char_indices()
        .find(|(at, letter)| *letter == '#' && begins_a_word(line, *at));
    let words = match comment {
        Some((at, _)) => line.get(..at).unwrap_or_default(),
        None => line,
    };
    Some(words.trim()).filter(|words| !words.is_empty())
}

fn begins_a_word(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    before.chars().next_back().is_none_or(char::is_whitespace)
}

fn option(words: &str, number: u32) -> Result<Line, BadValue> {
    let spelled = words
        .split(|letter: char| letter == '=' || letter.is_whitespace())
        .next()
        .unwrap_or_default();
    let rest = words.get(spelled.len()..).unwrap_or_default();
    let value = unquoted(rest.strip_prefix('=').unwrap_or(rest).trim());
    let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == spelled) else {
        return Err(bad_line(number, unknown(spelled)));
    };
    if value.is_empty() {
        return Err(bad_line(number, format!("{spelled} has no value")));
    }
    if value.split_whitespace().any(|word| word.starts_with("--")) {
        let why = "put each option on a line of its own";
        return Err(bad_line(number, why.to_owned()));
    }
    Ok(Line {
        number,
        name: *name,
        value: value.to_owned(),
    })
}

/// Values that a shell would want quoted may be quoted here too.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inside = value
            .strip_prefix(quote)
            .and_then(|value| value.strip_suffix(quote));
        if let Some(inside) = inside {
            return inside;
        }
    }
    value
}

fn quoted(value: &str) -> String {
    match value.contains(char::is_whitespace) {
        true => format!("\"{value}\""),
        false => value.to_owned(),
    }
}

fn unknown(spelled: &str) -> String {
    let names = NAMES.map(|(name, _)| name);
    let near = nearest(spelled, &names)
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    format!(
        "\"{spelled}\" cannot stand there, only {}{near}",
        names.join(", ")
    )
}

fn bad_line(number: u32, why: String) -> BadValue {
    BadValue {
        option: None,
        value: Some(format!("{PATH} line {number}")),
        why,
    }
}

impl Policy {
    /// Adds the options of the file. Networks to avoid and to ignore come on top of those given
    /// for this run; pools given for this run replace the file's.
    pub fn add_options(
        &mut self,
        lines: Vec<Line>,
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<(), BadValue> {
        let mut declared: HashSet<IpNet> = self.avoid.iter().map(|one| one.net).collect();
        let mut pools = Vec::new();
        let given_pools = !self.pools.is_empty();
        for line in lines {
            let at = |bad: BadValue| with_place(&line, &bad);
            let values = std::slice::from_ref(&line.value);
            match line.name {
                Name::Avoid => {
                    let mut found = read_avoid(values, "").map_err(at)?;
                    for one in &mut found {
                        one.origin = place_of(&line);
                    }
                    found.retain(|one| declared.insert(one.net));
                    self.avoid.extend(found);
                }
                Name::AvoidFile => {
                    let text = networks_of(&line, &read_file)?;
                    let mut found = read_avoid_file(&line.value, &text).map_err(at)?;
                    found.retain(|one| declared.insert(one.net));
                    self.avoid.extend(found);
                }
                Name::Ignore => {
                    let mut found = read_ignore(values).map_err(at)?;
                    found.retain(|one| !self.ignore.contains(one));
                    self.ignore.extend(found);
                }
                Name::Pool => {
                    pools.push(line.value.clone());
                    // All of them together, so that this line is the one at fault.
                    let read = read_pools(&pools).map_err(at);
                    if given_pools {
                        read?;
                        continue;
                    }
                    self.pools = read?;
                }
            }
            self.options.push(line);
        }
        Ok(())
    }
}

fn networks_of(
    line: &Line,
    read_file: &impl Fn(&Path) -> io::Result<String>,
) -> Result<String, BadValue> {
    let path = Path::new(&line.value);
    if !path.is_absolute() {
        let why = format!("--avoid-file {}: give an absolute path", line.value);
        return Err(bad_line(line.number, why));
    }
    read_file(path).map_err(|error| {
        let why = format!("--avoid-file {}: {error}", line.value);
        bad_line(line.number, why)
    })
}

fn place_of(line: &Line) -> Origin {
    Origin::File {
        name: format!("{}, {PATH}", line.name.spelled()).into(),
        line: line.number,
    }
}

/// The same fault, with the line of the file at which it stands.
fn with_place(line: &Line, bad: &BadValue) -> BadValue {
    let value = bad.value.as_ref().map(|value| format!(" {value}"));
    let (name, value) = (line.name.spelled(), value.unwrap_or_default());
    bad_line(line.number, format!("{name}{value}: {}", bad.why))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n--avoid 172.17.0.0/16   # on-prem\n\n--avoid=10.1.0.0/16, fd00::/8\r\n\
                        --avoid-file '/etc/my nets#1'\n  --ignore neighbour\n--pool 10.200.0.0/16\n";

    fn policy_of(text: &str) -> Result<Policy, BadValue> {
        let mut policy = Policy::default();
        policy.add_options(parse(text)?, |_| Ok("10.9.0.0/16\n".to_owned()))?;
        Ok(policy)
    }

    #[test]
    fn every_option_is_named_with_its_line() {
        let policy = policy_of(FILE).unwrap();
        let avoid: Vec<String> = policy
            .avoid
            .iter()
            .map(|one| format!("{} {}", one.net, one.origin))
            .collect();
        assert_eq!(
            avoid,
            [
                "172.17.0.0/16 --avoid, /etc/rebridge/options line 2",
                "10.1.0.0/16 --avoid, /etc/rebridge/options line 4",
                "fd00::/8 --avoid, /etc/rebridge/options line 4",
                "10.9.0.0/16 /etc/my nets#1 line 1",
            ]
        );
        assert_eq!(policy.pools[0].base.to_string(), "10.200.0.0/16");
        assert_eq!(
            policy.options[4].to_string(),
            "--pool 10.200.0.0/16, /etc/rebridge/options line 7"
        );
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line, why) in [
            ("--avoid 172.17.0.0/33", 1, "--avoid: \"172.17.0.0/33\""),
            ("\n--avoid", 2, "no value"),
            ("--avoid 10.0.0.0/8 --pool 10.200.0.0/16", 1, "of its own"),
            ("--yes", 1, "only --avoid, --avoid-file, --ignore, --pool"),
            ("--pools 10.200.0.0/16", 1, "did you mean --pool?"),
            ("avoid 10.0.0.0/8", 1, "did you mean --avoid?"),
            ("--avoid-file nets", 1, "absolute"),
            ("--pool 10.200.0.0/16\n--pool 10.200.0.0/17", 2, "overlap"),
        ] {
            let bad = policy_of(text).unwrap_err();
            let place = format!("/etc/rebridge/options line {line}");
            assert_eq!(bad.value.as_deref(), Some(place.as_str()), "{text}");
            assert!(bad.why.contains(why), "{text}: {}", bad.why);
        }
    }

    #[test]
    fn what_is_given_now_comes_first() {
        let mut policy = Policy {
            pools: read_pools(&["10.50.0.0/16".to_owned()]).unwrap(),
            avoid: read_avoid(&["172.17.0.0/16".to_owned()], "--avoid").unwrap(),
            ..Policy::default()
        };
        policy
            .add_options(parse(FILE).unwrap(), |_| Ok(String::new()))
            .unwrap();
        assert_eq!(policy.pools[0].base.to_string(), "10.50.0.0/16");
        assert_eq!(policy.avoid[0].origin.to_string(), "--avoid");
        let same = policy.avoid.iter().filter(|one| one.net.prefix_len() == 16);
        assert_eq!(same.count(), 2);
        assert!(policy.options.iter().all(|line| line.name != Name::Pool));
    }

    #[test]
    fn remembering_keeps_the_operators_lines_and_is_done_once() {
        let kept = Kept {
            avoid: vec![
                KeptNetwork {
                    net: "172.17.0.0/16".parse().unwrap(),
                    from: None,
                },
                KeptNetwork {
                    net: "10.7.0.0/16".parse().unwrap(),
                    from: Some("nets.txt line 3".to_owned()),
                },
            ],
            avoid_files: vec!["/etc/my nets#1".to_owned(), "/etc/more nets".to_owned()],
            ignore: read_ignore(&["neighbour,ssh".to_owned()]).unwrap(),
            pools: read_pools(&["10.50.0.0/16".to_owned()]).unwrap(),
        };
        let (text, added) = kept.written_into(Some(FILE)).unwrap();
        let expected = FILE.replace("--pool", "# --pool")
            + "--avoid 10.7.0.0/16   # nets.txt line 3\r\n--avoid-file \"/etc/more nets\"\r\n\
               --ignore ssh\r\n--pool base=10.50.0.0/16,size=24\r\n";
        assert_eq!(text, expected);
        assert_eq!(added.len(), 4);
        let (again, added) = kept.written_into(Some(&text)).unwrap();
        assert!(again == text && added.is_empty(), "{added:?}");
        let (new, _) = kept.written_into(None).unwrap();
        assert_eq!(kept.written_into(Some(&new)).unwrap().0, new);
        assert!(policy_of(&new).unwrap().pools == kept.pools);
    }
}
