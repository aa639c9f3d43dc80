//! Edits daemon.json by inserting and replacing text. Every byte that need not change stays: the
//! order of keys, indentation, arrays on one line, the spelling of numbers, line ends, and the
//! newline at the end or its absence.
//!
//! The parser gives positions; the edits change the text itself. New text has the style of the file.

mod pools;
mod remove;

pub use pools::{pools_value, set_pools};
pub use remove::remove_keys;

use crate::engine_model::daemon_json::STRICT;
use crate::facts::BYTE_ORDER_MARK;
use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, parse_to_ast};
use serde_json::Value;

/// Sets keys of the top-level object: replaces the value of a key that is there, appends one that
/// is not. A text that says nothing becomes an object; a byte-order mark stays.
pub fn set_keys(text: Option<&str>, set: &[(String, Value)]) -> Result<String, String> {
    let text = text.unwrap_or_default();
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = text.strip_suffix(bare).unwrap_or_default();
    let bare = match bare.trim() {
        "" | "null" => "{\n}\n",
        _ => bare,
    };
    Ok(format!("{mark}{}", set_keys_of_object(bare, set)?))
}

fn set_keys_of_object(text: &str, set: &[(String, Value)]) -> Result<String, String> {
    let object = &parse_object(text)?;
    let style = Style::of(text, object);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut appended = Vec::new();
    for (key, value) in set {
        match object
            .properties
            .iter()
            // Of a key that stands there twice Docker takes the last.
            .rfind(|property| property.name.as_str() == key)
        {
            Some(property) => {
                let old = property.value.range();
                // A value that is right already keeps its spelling.
                if serde_json::from_str::<Value>(slice(text, old.start, old.end)?)
                    .is_ok_and(|old| old == *value)
                {
                    continue;
                }
                let inline = !slice(text, old.start, old.end)?.contains('\n') && old.width() > 2;
                edits.push((old.start, old.end, style.value(value, inline)));
            }
            None => appended.push(style.property(key, value)),
        }
    }
    if !appended.is_empty() {
        edits.push(style.append(text, object, &appended)?);
    }
    // From the back, so that earlier positions stay right.
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.0));
    let mut out = text.to_owned();
    for (start, end, new) in edits {
        slice(&out, start, end)?;
        out.replace_range(start..end, &new);
    }
    Ok(out)
}

fn parse_object(text: &str) -> Result<Object<'_>, String> {
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let parsed = parse_to_ast(text, &collect, &STRICT).map_err(|error| error.to_string())?;
    match parsed.value {
        Some(Node::Object(object)) => Ok(object),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

struct Style {
    /// Before a key: a space, or a line break and an indent.
    before_key: String,
    /// Between key and value, mostly `: `.
    colon: String,
    /// Whether the file has everything on one line.
    inline: bool,
}

impl Style {
    /// The style of the last property. An empty object gets two spaces.
    fn of(text: &str, object: &Object) -> Style {
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let Some(last) = object.properties.last() else {
            return Style {
                before_key: format!("{line_break}  "),
                colon: ": ".to_owned(),
                inline: false,
            };
        };
        let before = text.get(..last.range.start).unwrap_or_default();
        let blank = before.len() - before.trim_end().len();
        let before_key = before.get(before.len() - blank..).unwrap_or_default();
        // Only the last of several line breaks belongs to the style; the others are blank lines.
        let before_key = match before_key.rfind(line_break) {
            Some(at) => before_key.get(at..).unwrap_or_default(),
            None => before_key,
        };
        let colon = text
            .get(last.name.range().end..last.value.range().start)
            .unwrap_or(": ");
        let colon = if colon.trim() == ":" && !colon.contains('\n') {
            colon
        } else {
            ": "
        };
        // `{"a": 1}` has only one pair, so its colon must show whether a space separates pairs.
        let alone = object.properties.len() == 1 && before_key.is_empty() && colon.ends_with(' ');
        let before_key = if alone { " " } else { before_key };
        Style {
            before_key: before_key.to_owned(),
            colon: colon.to_owned(),
            inline: !before_key.contains('\n'),
        }
    }

    fn property(&self, key: &str, value: &Value) -> String {
        format!(
            "{}{}{}",
            Value::String(key.to_owned()),
            self.colon,
            self.value(value, self.inline)
        )
    }

    /// On one line, or as a list with one entry per line.
    fn value(&self, value: &Value, inline: bool) -> String {
        match value {
            Value::Array(entries) if !inline && !entries.is_empty() => {
                let unit = self.before_key.trim_start_matches(['\r', '\n']);
                let deeper = format!("{}{unit}", self.before_key);
                let lines: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{deeper}{}", self.on_one_line(entry)))
                    .collect();
                format!("[{}{}]", lines.join(","), self.before_key)
            }
            other => self.on_one_line(other),
        }
    }

    fn on_one_line(&self, value: &Value) -> String {
        let space = if self.colon.ends_with(' ') { " " } else { "" };
        match value {
            Value::Object(map) => {
                let pairs: Vec<String> = map
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "{}:{space}{}",
                            Value::String(key.clone()),
                            self.on_one_line(value)
                        )
                    })
                    .collect();
                format!("{{{}}}", pairs.join(&format!(",{space}")))
            }
            Value::Array(list) => {
                let entries: Vec<String> =
                    list.iter().map(|entry| self.on_one_line(entry)).collect();
                format!("[{}]", entries.join(&format!(",{space}")))
            }
            plain => plain.to_string(),
        }
    }

    /// One edit that adds the pairs after the last property, or to an empty object.
    fn append(
        &self,
        text: &str,
        object: &Object,
        pairs: &[String],
    ) -> Result<(usize, usize, String), String> {
        match object.properties.last() {
            Some(last) => {
                let end = last.range.end;
                let new = pairs
                    .iter()
                    .map(|pair| format!(",{}{pair}", self.before_key))
                    .collect();
                Ok((end, end, new))
            }
            None => {
                let (start, end) = (object.range.start + 1, object.range.end.saturating_sub(1));
                slice(text, start, end)?;
                let line_break = if self.before_key.starts_with('\r') {
                    "\r\n"
                } else {
                    "\n"
                };
                let body = pairs
                    .iter()
                    .map(|pair| format!("{}{pair}", self.before_key))
                    .collect::<Vec<_>>()
                    .join(",");
                Ok((start, end, format!("{body}{line_break}")))
            }
        }
    }
}

fn slice(text: &str, start: usize, end: usize) -> Result<&str, String> {
    text.get(start..end)
        .ok_or_else(|| "its parts could not be told apart".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pools() -> (String, Value) {
        (
            "default-address-pools".into(),
            json!([{"base": "10.200.0.0/16", "size": 24}]),
        )
    }

    fn bip() -> (String, Value) {
        ("bip".into(), json!("10.200.255.1/24"))
    }

    #[test]
    fn writes_in_the_hand_of_the_file() {
        for (before, after) in [
            ("{}", "{\n  \"bip\": \"10.200.255.1/24\"\n}"),
            ("{ \n}\n", "{\n  \"bip\": \"10.200.255.1/24\"\n}\n"),
            (
                "{\"log-level\":\"info\"}",
                "{\"log-level\":\"info\",\"bip\":\"10.200.255.1/24\"}",
            ),
            (
                "{\"log-level\": \"info\"}",
                "{\"log-level\": \"info\", \"bip\": \"10.200.255.1/24\"}",
            ),
            (
                "{ \"a\": 1 }\n",
                "{ \"a\": 1, \"bip\": \"10.200.255.1/24\" }\n",
            ),
            (
                "{\n\t\"a\": [1,2]\n\n}",
                "{\n\t\"a\": [1,2],\n\t\"bip\": \"10.200.255.1/24\"\n\n}",
            ),
            (
                "{\r\n  \"a\" : 1.0e3\r\n}\r\n",
                "{\r\n  \"a\" : 1.0e3,\r\n  \"bip\" : \"10.200.255.1/24\"\r\n}\r\n",
            ),
            (
                "{\n  \"a\": 1,\n\n  \"b\": 2\n}",
                "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"bip\": \"10.200.255.1/24\"\n}",
            ),
            (
                "{\"bip\" :  \"172.17.0.1/16\",\n\"x\": 1}",
                "{\"bip\" :  \"10.200.255.1/24\",\n\"x\": 1}",
            ),
        ] {
            assert_eq!(
                set_keys(Some(before), &[bip()]).unwrap(),
                after,
                "{before:?}"
            );
        }
    }

    #[test]
    fn lists_follow_the_layout_they_replace() {
        let made = set_keys(None, &[bip(), pools()]).unwrap();
        assert_eq!(
            made,
            "{\n  \"bip\": \"10.200.255.1/24\",\n  \"default-address-pools\": [\n    \
             {\"base\": \"10.200.0.0/16\", \"size\": 24}\n  ]\n}\n"
        );
        let inline = "{\n    \"default-address-pools\": \
                      [{\"base\":\"172.17.0.0/16\",\"size\":24}],\n    \"n\": 1\n}";
        let set = set_keys(Some(inline), &[pools()]).unwrap();
        assert_eq!(
            set,
            inline.replace(
                "{\"base\":\"172.17.0.0/16\",\"size\":24}",
                "{\"base\": \"10.200.0.0/16\", \"size\": 24}"
            )
        );
        let tall = "{\n    \"default-address-pools\": [\n        {}\n    ]\n}";
        let set = set_keys(Some(tall), &[pools()]).unwrap();
        assert_eq!(
            set,
            tall.replace("{}", "{\"base\": \"10.200.0.0/16\", \"size\": 24}")
        );
    }

    /// The law: strike out what was inserted and the old file is back, and what was set is there.
    #[test]
    fn appending_only_ever_inserts() {
        for before in [
            "{\"a\":{\"b\":[1, 2 ,3]},\"é\":\"ü\"}",
            "{\n \"k\":   -0.0E+2 ,\n \"l\":null}\n\n",
            "{\t\"a\"\n:\n1}",
        ] {
            let after = set_keys(Some(before), &[bip(), pools()]).unwrap();
            let shared = before
                .bytes()
                .zip(after.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let tail = &before[shared..];
            assert!(after.ends_with(tail), "{before:?} -> {after:?}");
            let value: Value = serde_json::from_str(&after).unwrap();
            assert_eq!(
                (&value["bip"], &value["default-address-pools"]),
                (&bip().1, &pools().1)
            );
        }
    }
}
