//! The args object: values that arrive typed from a playbook, as words from `-a` or a template, or
//! as null.

use crate::phrases::{and_more, nearest};
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
    /// The options, all of them known by name; Ansible's own are let pass, and one of ours.
    pub fn new(given: Map<String, Value>, names: &[&str], internal: &str) -> Result<Args, String> {
        for name in given
            .keys()
            .filter(|name| !name.starts_with("_ansible_") && *name != internal)
        {
            if !names.contains(&name.as_str()) {
                return Err(unknown(name, names));
            }
        }
        Ok(Args {
            given,
            shown: Map::new(),
        })
    }

    /// Every option that was asked for, with the value understood.
    pub fn shown(self) -> Map<String, Value> {
        self.shown
    }

    fn take(&mut self, name: &str) -> Value {
        self.given.remove(name).unwrap_or_default()
    }

    fn show(&mut self, name: &str, value: Value) {
        self.shown.insert(name.to_owned(), value);
    }

    /// A yes or no.
    pub fn flag(&mut self, name: &str, default: bool) -> Result<bool, String> {
        let value = self.take(name);
        let flag = if value.is_null() {
            Some(default)
        } else {
            truth(&value)
        };
        let flag = flag.ok_or_else(|| format!("{name}: {value} is neither yes nor no"))?;
        self.show(name, json!(flag));
        Ok(flag)
    }

    /// A whole number within limits.
    pub fn number(
        &mut self,
        name: &str,
        default: u64,
        within: RangeInclusive<u64>,
    ) -> Result<u64, String> {
        let value = self.take(name);
        let number = match &value {
            Value::Null => default,
            value => whole(value)
                .filter(|number| within.contains(number))
                .ok_or_else(|| {
                    format!(
                        "{name}: {value} is not a whole number of seconds from {} to {}",
                        within.start(),
                        within.end()
                    )
                })?,
        };
        self.show(name, json!(number));
        Ok(number)
    }

    /// One text; empty is as good as absent.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let text = match self.take(name) {
            Value::Null => None,
            value => Some(scalar(&value).ok_or_else(|| format!("{name}: {value} is not a text"))?),
        };
        let text = text.filter(|text| !text.is_empty());
        self.show(name, json!(text));
        Ok(text)
    }

    /// One of a few words.
    pub fn choice<T: Clone>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        default: &str,
    ) -> Result<T, String> {
        let text = self.text(name)?.unwrap_or_else(|| default.to_owned());
        self.show(name, json!(text));
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| choice.clone()).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let near = nearest(&text, &words)
                .map(|word| format!("did you mean {word}? "))
                .unwrap_or_default();
            format!(
                "{name}: {text:?} is not a choice; {near}the choices are {}",
                words.join(", ")
            )
        })
    }

    /// A list of words, or the words of a comma list.
    pub fn words(&mut self, name: &str) -> Result<Vec<String>, String> {
        let words = match self.take(name) {
            Value::Null => Vec::new(),
            Value::Array(items) => {
                let mut words = Vec::with_capacity(items.len());
                for item in &items {
                    words
                        .push(scalar(item).ok_or_else(|| format!("{name}: {item} is not a text"))?);
                }
                words
            }
            value => {
                let text =
                    scalar(&value).ok_or_else(|| format!("{name}: {value} is not a list"))?;
                text.split(',')
                    .map(|word| word.trim().to_owned())
                    .filter(|word| !word.is_empty())
                    .collect()
            }
        };
        self.show_list(name, words.iter().map(|word| json!(word)).collect());
        Ok(words)
    }

    /// Pools: Docker's own spelling for its command line, or for daemon.json, or a bare network.
    pub fn pools(&mut self, name: &str) -> Result<Vec<String>, String> {
        if let Some(Value::Array(items)) = self.given.get_mut(name) {
            for item in items.iter_mut().filter(|item| item.is_object()) {
                *item =
                    json!(pool_of(item).ok_or_else(|| format!(
                        "{name}: {item} is not a pool; give base and size"
                    ))?);
            }
        }
        let words = self.words(name)?;
        // A comma list of `base=…,size=…` has come apart.
        let mut pools: Vec<String> = Vec::new();
        for word in words {
            match pools.last_mut() {
                Some(last) if word.starts_with("size=") => *last += &format!(",{word}"),
                _ => pools.push(word),
            }
        }
        self.show(name, json!(pools));
        Ok(pools)
    }

    /// A list of objects.
    pub fn records(&mut self, name: &str) -> Result<Vec<Map<String, Value>>, String> {
        let records = match self.take(name) {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            value => return Err(format!("{name}: {value} is not a list")),
        };
        let record = |item| match item {
            Value::Object(record) => Ok(record),
            other => Err(format!("{name}: {other} is not an object")),
        };
        records.into_iter().map(record).collect()
    }

    fn show_list(&mut self, name: &str, mut items: Vec<Value>) {
        let more = items.len().saturating_sub(SHOWN);
        if more > 0 {
            items.truncate(SHOWN);
            items.push(json!(and_more(more)));
        }
        self.show(name, Value::Array(items));
    }
}

/// A name with its networks, or with a text of them.
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

/// Ansible's words for yes and no.
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
