//! What docs/stability.md promises of the JSON: whatever a release had is there in every later one.
//! The schemas are written from the types, and every report of a test is held against them.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What 0.2.0 had. A release adds a file, and no line of a file goes.
const PROMISED: &str = "tests/fixtures/promises/0.2.0.txt";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn nothing_that_a_release_had_is_gone() {
    let today = today();
    if std::env::var_os("PROMISE").is_some() {
        let lines: Vec<&str> = today.iter().map(String::as_str).collect();
        fs::write(root(PROMISED), lines.join("\n") + "\n").unwrap();
    }
    let promised = fs::read_to_string(root(PROMISED)).unwrap();
    let gone: Vec<&str> = promised
        .lines()
        .filter(|line| !today.contains(*line))
        .collect();
    assert!(promised.lines().count() > 300, "{promised}");
    assert!(
        gone.is_empty(),
        "programs may rely on these lines of {PROMISED}; bring them back:\n{}",
        gone.join("\n")
    );
}

/// Every field with its types and its words.
fn today() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for entry in fs::read_dir(root("packaging/schema")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let name = name.trim_end_matches(".schema.json");
        // Of facts, only rebridge is a reader: later releases judge the facts of earlier ones.
        if name == "facts" {
            continue;
        }
        let schema: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let no_types = Map::new();
        let mut walk = Walk {
            types: schema["$defs"].as_object().unwrap_or(&no_types),
            open: Vec::new(),
            lines: &mut lines,
        };
        walk.schema(name, &schema);
    }
    lines
}

struct Walk<'a> {
    types: &'a Map<String, Value>,
    /// The types that the walk is in. One that has itself inside is written once.
    open: Vec<&'a str>,
    lines: &'a mut BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, at: &str, schema: &'a Value) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            if !self.open.contains(&name) {
                self.open.push(name);
                self.schema(at, &self.types[name]);
                self.open.pop();
            }
        }
        for either in ["anyOf", "oneOf", "allOf"] {
            for one in schema[either].as_array().into_iter().flatten() {
                self.schema(at, one);
            }
        }
        self.fields(at, schema);
        if schema["items"].is_object() {
            self.schema(&format!("{at}[]"), &schema["items"]);
        }
        if schema["additionalProperties"].is_object() {
            self.schema(&format!("{at}{{}}"), &schema["additionalProperties"]);
        }
        match &schema["type"] {
            Value::Array(types) => types.iter().for_each(|one| self.type_of(at, one)),
            one => self.type_of(at, one),
        }
        let words = schema["enum"].as_array().into_iter().flatten();
        for word in words.chain(schema.get("const")) {
            self.lines.insert(format!("{at} = {word}"));
        }
    }

    fn type_of(&mut self, at: &str, name: &Value) {
        // A field that is no longer null sometimes breaks no reader.
        if let Some(name) = name.as_str().filter(|name| *name != "null") {
            self.lines.insert(format!("{at}: {name}"));
        }
    }

    fn fields(&mut self, at: &str, schema: &'a Value) {
        let required: BTreeSet<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            if required.contains(name.as_str()) {
                self.lines.insert(format!("{at} is always there"));
            }
            self.schema(&at, field);
        }
    }
}
