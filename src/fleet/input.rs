//! Saved facts as they come: one host a file, or many with a line each. A line, or a file, may be
//! the facts themselves or `{"host": NAME, "group": NAME, "facts": {…}}`, which tells the name under
//! which you know the host.

use super::summary::Named;
use crate::facts::Facts;
use serde::Deserialize;

/// The version of the facts this version reads.
const SCHEMA: u32 = 1;

/// Files that only say what is in them are named after their folder.
const NO_NAME: [&str; 2] = ["facts", "rebridge"];

#[derive(Deserialize)]
struct Envelope {
    host: Option<String>,
    group: Option<String>,
    facts: Facts,
}

/// Only what decides how the rest is to be read.
#[derive(Deserialize)]
struct Shape {
    schema: Option<u32>,
    facts: Option<Version>,
}

#[derive(Deserialize)]
struct Version {
    schema: Option<u32>,
}

/// The facts and whose they are, or why they cannot be read. `source` is the file, `line` counts
/// where it has many.
pub fn read(source: &str, line: Option<usize>, text: &[u8]) -> Result<(Named, Facts), String> {
    // Nearly every object is right, and is read once.
    let (given, group, facts) = match serde_json::from_slice::<Facts>(text) {
        Ok(facts) => (None, None, facts),
        Err(error) => match serde_json::from_slice::<Envelope>(text) {
            Ok(envelope) => (envelope.host, envelope.group, envelope.facts),
            Err(of_envelope) => return Err(why_not(text, error, of_envelope)),
        },
    };
    if facts.schema != SCHEMA {
        return Err(of_schema(facts.schema));
    }
    let place = match line {
        Some(line) => format!("{source} line {line}"),
        None => source.to_owned(),
    };
    let by_file = line.is_none().then(|| name_of_file(source)).flatten();
    let by_itself = facts.taken.as_ref().map(|taken| taken.host.clone());
    let names = [given, by_file, by_itself].into_iter().flatten();
    let name = names.into_iter().find(|name| !name.is_empty());
    let named = Named {
        name: name.unwrap_or_else(|| place.clone()),
        group,
        source: place,
    };
    Ok((named, facts))
}

fn why_not(text: &[u8], error: serde_json::Error, of_envelope: serde_json::Error) -> String {
    let shape = serde_json::from_slice::<Shape>(text).ok();
    let inner = shape.as_ref().and_then(|shape| shape.facts.as_ref());
    let is_envelope = inner.is_some();
    let schema = inner.map_or_else(
        || shape.as_ref().and_then(|shape| shape.schema),
        |inner| inner.schema,
    );
    match schema.filter(|schema| *schema != SCHEMA) {
        Some(other) => of_schema(other),
        None if is_envelope => format!("not facts of rebridge: {of_envelope}"),
        None => format!("not facts of rebridge: {error}"),
    }
}

fn of_schema(other: u32) -> String {
    format!("schema {other} is not known to this version, which knows {SCHEMA}")
}

/// The name of a file without its ending, or of its folder where the file has no name of its own.
fn name_of_file(source: &str) -> Option<String> {
    let mut parts = source.rsplit('/').filter(|part| !part.is_empty());
    let file = parts.next()?;
    let stem = file.strip_suffix(".json").unwrap_or(file);
    match NO_NAME.contains(&stem) {
        true => parts.next().map(str::to_owned),
        false => Some(stem.to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const FACTS: &str = include_str!("../../tests/golden/clean/facts.json");

    #[test]
    fn a_host_has_the_name_you_know_it_by() {
        let line = serde_json::from_str::<serde_json::Value>(FACTS).unwrap();
        let mut taken = line.clone();
        taken["taken"] = serde_json::json!({"host": "web", "at": "", "version": ""});
        let envelope = serde_json::json!({"host": "web-7", "group": "fra", "facts": taken});
        for (source, at, text, name) in [
            ("facts/web-1.json", None, FACTS.to_owned(), "web-1"),
            ("saved/web-2/facts.json", None, FACTS.to_owned(), "web-2"),
            ("all.jsonl", Some(3), line.to_string(), "all.jsonl line 3"),
            ("all.jsonl", Some(3), taken.to_string(), "web"),
            ("db.example.org", None, taken.to_string(), "db.example.org"),
            ("x.json", None, envelope.to_string(), "web-7"),
        ] {
            let (named, _) = read(source, at, text.as_bytes()).unwrap();
            assert_eq!(named.name, name, "{source}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let mut later = serde_json::from_str::<serde_json::Value>(FACTS).unwrap();
        later["schema"] = 2.into();
        let mut other = later.clone();
        other["kernel"] = "elsewhere".into();
        let inside = serde_json::json!({"host": "a", "facts": other});
        for text in [later.to_string(), other.to_string(), inside.to_string()] {
            let why = read("a.json", None, text.as_bytes()).unwrap_err();
            assert!(why.starts_with("schema 2 is not known"), "{why}");
        }
        for text in ["", "{}", "[1]", "{\"facts\": {\"schema\": 1}}"] {
            let why = read("a.json", None, text.as_bytes()).unwrap_err();
            assert!(why.starts_with("not facts of rebridge"), "{why}");
        }
    }
}
