//! How daemon.json differs from the text that an apply left there, as far as rebridge may show it.

use crate::observe::config_file::{KEYS, keys_of};
use serde_json::{Map, Value};

/// How a file was edited.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// It is gone, or no JSON object any more.
    NoObject,
    LayoutOnly,
    Keys(Vec<KeyEdit>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct KeyEdit {
    pub key: String,
    pub then: Setting,
    pub now: Setting,
}

/// A key's value, as far as rebridge may show it.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    Absent,
    Hidden,
    Shown(Value),
}

/// The keys of one side that the other side has otherwise or not at all.
pub fn differing(of: &Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    of.iter()
        .filter(|(key, value)| KEYS.contains(&key.as_str()) && other.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// How a file was edited since it had the first text.
pub fn edit(then: Option<&str>, now: Option<&str>) -> Edit {
    let (Some(then), Some(now)) = (keys_of(then), keys_of(now)) else {
        return Edit::NoObject;
    };
    let added = now.keys().filter(|key| !then.contains_key(*key));
    let edits: Vec<KeyEdit> = then
        .keys()
        .chain(added)
        .filter(|key| then.get(*key) != now.get(*key))
        .map(|key| KeyEdit {
            key: key.clone(),
            then: Setting::of(key, then.get(key)),
            now: Setting::of(key, now.get(key)),
        })
        .collect();
    match edits.is_empty() {
        true => Edit::LayoutOnly,
        false => Edit::Keys(edits),
    }
}

impl Setting {
    fn of(key: &str, value: Option<&Value>) -> Setting {
        match value {
            None => Setting::Absent,
            Some(value) if KEYS.contains(&key) => Setting::Shown(value.clone()),
            Some(_) => Setting::Hidden,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_shows_only_the_values_of_keys_that_are_ours() {
        let then = r#"{"bip": "10.0.0.1/24", "log-opts": {"token": "secret"}, "debug": true}"#;
        let now = r#"{"bip": "10.9.0.1/24", "log-opts": {"token": "other"}, "debug": true}"#;
        let Edit::Keys(edits) = edit(Some(then), Some(now)) else {
            panic!("keys differ");
        };
        assert_eq!(
            edits,
            [
                KeyEdit {
                    key: "bip".to_owned(),
                    then: Setting::Shown("10.0.0.1/24".into()),
                    now: Setting::Shown("10.9.0.1/24".into()),
                },
                KeyEdit {
                    key: "log-opts".to_owned(),
                    then: Setting::Hidden,
                    now: Setting::Hidden,
                },
            ]
        );
    }

    #[test]
    fn the_layout_alone_and_the_whole_file_are_edits_of_their_own() {
        let then = Some("{\"debug\": true}");
        assert_eq!(edit(then, Some("{ \"debug\":true }\n")), Edit::LayoutOnly);
        for broken in [None, Some("[]"), Some("{")] {
            assert_eq!(edit(then, broken), Edit::NoObject, "{broken:?}");
        }
    }
}
