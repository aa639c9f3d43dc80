//! What the files of a unit say of the command, and the command line that comes of it.

use super::environment::{Variable, variables};
use super::syntax::{self, Assignment, Backslash, substituted, words};
use crate::host::Host;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub lines: RangeInclusive<usize>,
}

impl Place {
    /// The line that shows an argument: the last that spells its flag. Its value may have come from
    /// elsewhere.
    pub fn line_of(&self, host: &Host, argument: &str) -> usize {
        let flag = argument.split('=').next().unwrap_or_default();
        let text = text_of(host, &self.file).unwrap_or_default();
        let lines = text.lines().zip(1..).filter(|(line, number)| {
            let mut words = line.split([' ', '\t', '=', '"', '\'']);
            self.lines.contains(number) && words.any(|word| word == flag)
        });
        lines
            .last()
            .map_or(*self.lines.start(), |(_, number)| number)
    }
}

/// A word of a command line, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    pub text: String,
    pub place: Place,
}

/// What the files of a unit say, as far as it decides over dockerd's command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The last `ExecStart=`.
    pub command: Option<Command>,
    /// Each `Environment=`, in order.
    pub environment: Vec<(String, String, Place)>,
    /// Each `EnvironmentFile=`, in order, and whether it may be missing.
    pub environment_files: Vec<(String, bool)>,
    /// `Slice=`.
    pub slice: Option<String>,
}

/// A command before variables are put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub program: String,
    pub arguments: Vec<Argument>,
    /// Whether variables are put in at all.
    pub expands: bool,
}

impl Settings {
    /// Takes in one more file of the unit. What it sets is added or replaces, an empty value takes
    /// away what was set before.
    pub fn add(&mut self, file: &str, text: &str, meaning: impl Fn(char) -> Option<String>) {
        for assignment in syntax::assignments(text) {
            if assignment.section == "Service" {
                self.assign(file, assignment, &meaning);
            }
        }
    }

    fn assign(
        &mut self,
        file: &str,
        assignment: Assignment,
        meaning: &impl Fn(char) -> Option<String>,
    ) {
        let Assignment {
            key, value, lines, ..
        } = assignment;
        let specified = |text: &str| syntax::specified(text, meaning);
        let place = Place {
            file: file.to_owned(),
            lines,
        };
        match key.as_str() {
            "ExecStart" if value.is_empty() => self.command = None,
            "ExecStart" => {
                self.command = command(&value, &place, specified).or(self.command.take())
            }
            "Environment" if value.is_empty() => self.environment.clear(),
            "Environment" => {
                let words = words(&value, Backslash::Escapes).unwrap_or_default();
                self.environment.extend(words.iter().filter_map(|word| {
                    let word = specified(&word.text);
                    let (name, value) = word.split_once('=')?;
                    Some((name.to_owned(), value.to_owned(), place.clone()))
                }));
            }
            "EnvironmentFile" if value.is_empty() => self.environment_files.clear(),
            "EnvironmentFile" => {
                let path = value.strip_prefix('-').unwrap_or(&value);
                let may_be_missing = path.len() < value.len();
                self.environment_files
                    .push((specified(path), may_be_missing));
            }
            "Slice" => self.slice = Some(specified(&value)).filter(|slice| !slice.is_empty()),
            _ => {}
        }
    }

    /// The variables of the command line: what comes later wins, and files come last.
    pub(super) fn environment_of_command(
        &self,
        read: impl Fn(&str) -> Option<String>,
    ) -> HashMap<String, (String, Place)> {
        let own = self.environment.iter().cloned();
        let mut all: HashMap<String, (String, Place)> = own
            .map(|(name, value, place)| (name, (value, place)))
            .collect();
        for (file, _) in &self.environment_files {
            for Variable { name, value, lines } in variables(&read(file).unwrap_or_default()) {
                let file = file.clone();
                all.insert(name, (value, Place { file, lines }));
            }
        }
        all
    }
}

/// The command of an `ExecStart=`; none where systemd would not take it.
fn command(value: &str, place: &Place, specified: impl Fn(&str) -> String) -> Option<Command> {
    // Marks before the path change who runs it and whether it may fail; two change the words.
    let path_at = value.find(|char| !"@-:+!|".contains(char))?;
    let (marks, line) = value.split_at(path_at);
    let words = words(line, Backslash::Escapes)?;
    // A semicolon ends the first command of several.
    let mut words = words
        .into_iter()
        .take_while(|word| !(word.bare && word.text == ";"));
    let program = specified(&words.next()?.text);
    let arguments = words
        // The name the program is to see itself under is no argument.
        .skip(usize::from(marks.contains('@')))
        .map(|word| Argument {
            text: specified(&word.text),
            place: place.clone(),
        });
    Some(Command {
        program,
        arguments: arguments.collect(),
        expands: !marks.contains(':'),
    })
}

/// `$NAME` alone becomes the variable's words, `${NAME}` its value in place.
pub(super) fn expand(
    argument: &Argument,
    variables: &HashMap<String, (String, Place)>,
) -> Vec<Argument> {
    let alone = argument
        .text
        .strip_prefix('$')
        .filter(|name| !name.starts_with(['{', '$']));
    let Some(name) = alone else {
        let value = |name: &str| variables.get(name).map(|(value, _)| value.as_str());
        return vec![Argument {
            text: substituted(&argument.text, value),
            place: argument.place.clone(),
        }];
    };
    let Some((value, place)) = variables.get(name) else {
        return Vec::new();
    };
    let words = words(value, Backslash::Quotes).unwrap_or_default();
    words
        .into_iter()
        .map(|word| Argument {
            text: word.text,
            place: place.clone(),
        })
        .collect()
}

pub(super) fn text_of(host: &Host, path: &str) -> Option<String> {
    let bytes = host.read(Path::new(path)).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
