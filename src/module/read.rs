//! The args object: values that arrive typed from a playbook, as words from `-a` or a template, or
//! as null.

use crate::phrases::{and_more, nearest};
use crate::policy::option::BadValue;
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// The most entries of a list that `invocation` repeats; an inventory may have 200,000.
const SHOWN: usize = 50;

/// The options that came, taken one by one.
#[derive(Debug)]
pub struct Args {
    given: Map<String, Value>,
    shown: Map<String, Value>,
}

impl Args {
    /// The options, if all have one of these names. Ansible adds options of its own, and the action
    /// plugin adds `internal`.
    pub fn new(
        given: Map<String, Value>,
        names: &[&str],
        internal: &[&str],
    ) -> Result<Args, BadValue> {
        for name in given.keys().map(String::as_str) {
            let is_ours = names.contains(&name) || internal.contains(&name);
            if !is_ours && !name.starts_with("_ansible_") {
                return Err(BadValue::plain(unknown(name, names)));
            }
        }
        Ok(Args {
            given,
            shown: Map::new(),
        })
    }

    /// Every option taken so far, with the value understood.
    pub fn shown(self) -> Map<String, Value> {
        self.shown
    }

    fn take(&mut self, name: &str) -> Value {
        self.given.remove(name).unwrap_or_default()
    }

    fn show(&mut self, name: &str, value: Value) {
        self.shown.insert(name.to_owned(), value);
    }

    pub fn flag(&mut self, name: &str, default: bool) -> Result<bool, BadValue> {
        let flag = match self.take(name) {
            Value::Null => default,
            value => {
                truth(&value).ok_or_else(|| bad(name, format!("{value} is neither yes nor no")))?
            }
        };
        self.show(name, json!(flag));
        Ok(flag)
    }

    /// A whole number of seconds.
    pub fn seconds(
        &mut self,
        name: &str,
        default: u64,
        within: RangeInclusive<u64>,
    ) -> Result<u64, BadValue> {
        let seconds = match self.take(name) {
            Value::Null => default,
            value => {
                let seconds = whole(&value).filter(|seconds| within.contains(seconds));
                let (least, most) = (within.start(), within.end());
                seconds.ok_or_else(|| {
                    let why = format!("{value} is not a whole number of seconds");
                    bad(name, format!("{why} from {least} to {most}"))
                })?
            }
        };
        self.show(name, json!(seconds));
        Ok(seconds)
    }

    /// One text; an empty one counts as absent.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, BadValue> {
        let text = match self.take(name) {
            Value::Null => None,
            value => Some(text_of(name, &value)?).filter(|text| !text.is_empty()),
        };
        self.show(name, json!(text));
        Ok(text)
    }

    /// One of a few words.
    pub fn choice<T: Clone>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        default: &str,
    ) -> Result<T, BadValue> {
        let text = self.text(name)?.unwrap_or_else(|| default.to_owned());
        self.show(name, json!(text));
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, choice)) => Ok(choice.clone()),
            None => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                Err(bad(name, no_choice(&text, &words)))
            }
        }
    }

    /// A list of words, or the words of a comma list.
    pub fn words(&mut self, name: &str) -> Result<Vec<String>, BadValue> {
        let words = match self.take(name) {
            Value::Null => Vec::new(),
            Value::Array(items) => {
                let words = items.iter().map(|item| text_of(name, item));
                words.collect::<Result<_, _>>()?
            }
            value => {
                let text = scalar(&value).ok_or_else(|| not_a_list(name, &value))?;
                let words = text.split(',').map(str::trim);
                words
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect()
            }
        };
        self.show_list(name, &words);
        Ok(words)
    }

    /// Pools: Docker's own spelling for its command line, or for daemon.json, or a bare network.
    pub fn pools(&mut self, name: &str) -> Result<Vec<String>, BadValue> {
        if let Some(Value::Array(items)) = self.given.get_mut(name) {
            for item in items.iter_mut().filter(|item| item.is_object()) {
                let pool = pool_of(item).ok_or_else(|| {
                    bad(name, format!("{item} is not a pool; give base and size"))
                })?;
                *item = json!(pool);
            }
        }
        // A comma list of `base=…,size=…` comes apart at every comma.
        let mut pools: Vec<String> = Vec::new();
        for word in self.words(name)? {
            match pools.last_mut() {
                Some(last) if word.starts_with("size=") => *last += &format!(",{word}"),
                _ => pools.push(word),
            }
        }
        self.show_list(name, &pools);
        Ok(pools)
    }

    /// A list of objects.
    pub fn records(&mut self, name: &str) -> Result<Vec<Map<String, Value>>, BadValue> {
        match self.take(name) {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::Object(record) => Ok(record),
                    other => Err(bad(name, format!("{other} is not an object"))),
                })
                .collect(),
            value => Err(not_a_list(name, &value)),
        }
    }

    fn show_list(&mut self, name: &str, items: &[String]) {
        let mut shown: Vec<Value> = items.iter().take(SHOWN).map(|item| json!(item)).collect();
        if items.len() > SHOWN {
            shown.push(json!(and_more(items.len() - SHOWN)));
        }
        self.show(name, Value::Array(shown));
    }
}

fn bad(name: &str, why: impl std::fmt::Display) -> BadValue {
    BadValue::plain(format!("{name}: {why}"))
}

fn not_a_list(name: &str, value: &Value) -> BadValue {
    bad(name, format!("{value} is not a list"))
}

fn text_of(name: &str, value: &Value) -> Result<String, BadValue> {
    scalar(value).ok_or_else(|| bad(name, format!("{value} is not a text")))
}

fn no_choice(text: &str, words: &[&str]) -> String {
    let near = nearest(text, words).map(|word| format!("did you mean {word}? "));
    format!(
        "{text:?} is not a choice; {}the choices are {}",
        near.unwrap_or_default(),
        words.join(", ")
    )
}

/// What the action plugin sends: a name, and its networks as a list or as the text of a file.
pub fn named(record: &Map<String, Value>) -> Option<(&str, Vec<&str>, Option<&str>)> {
    let name = record.get("name")?.as_str()?;
    let text = record.get("text").and_then(Value::as_str);
    let nets = match record.get("nets") {
        Some(nets) => nets
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()?,
        None => Vec::new(),
    };
    record
        .keys()
        .all(|key| ["name", "text", "nets"].contains(&key.as_str()))
        .then_some((name, nets, text))
}

fn pool_of(item: &Value) -> Option<String> {
    let pool = item
        .as_object()
        .filter(|pool| pool.keys().all(|key| key == "base" || key == "size"))?;
    let base = pool.get("base").and_then(scalar)?;
    Some(match pool.get("size") {
        Some(size) => format!("base={base},size={}", whole(size)?),
        None => base,
    })
}

/// Ansible's own words for yes and no.
fn truth(value: &Value) -> Option<bool> {
    match scalar(value)?.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            format!("{float}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn unknown(name: &str, names: &[&str]) -> String {
    match nearest(name, names) {
        Some(near) => format!("{name:?} is not an option; did you mean {near}?"),
        None => format!(
            "{name:?} is not an option; the options are {}",
            names.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
