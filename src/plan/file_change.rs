//! The change of daemon.json that brings a goal about: every byte of it.

use super::blocker::Blocker;
use super::goal::Goal;
use super::{edit, pool_list};
use crate::facts::{BYTE_ORDER_MARK, ConfigState, Facts, Version};
use serde_json::{Map, Value};

/// A change of daemon.json: the whole text before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct FileChange {
    pub path: String,
    /// None if there was no file.
    pub before: Option<String>,
    pub after: String,
    /// The keys that change, as they were.
    pub keys_before: Map<String, Value>,
    /// The keys that change, as they will be.
    pub keys_after: Map<String, Value>,
}

pub(super) fn change_file(
    facts: &Facts,
    goal: &Goal,
    tied: Vec<(String, Value)>,
) -> Result<FileChange, Blocker> {
    let config = &facts.docker.config;
    let mut set = Vec::new();
    if let Some(bip) = goal.bip {
        set.push(("bip".to_owned(), Value::String(bip.to_string())));
    }
    if let Some(entries) = &goal.entries {
        let value = edit::pools_value(config.keys.get(pool_list::KEY), entries);
        set.push((pool_list::KEY.to_owned(), value));
    }
    set.extend(tied);
    set.retain(|(key, value)| config.keys.get(key) != Some(value));
    let before = match config.state {
        ConfigState::Object => config.text.clone(),
        ConfigState::Missing | ConfigState::Broken(_) | ConfigState::Unreadable(_) => None,
    };
    if before.is_none() && config.state == ConfigState::Object {
        // Saved facts have no text. The plan then has no bytes, and cannot be applied.
        return Ok(by_keys(config.path.clone(), &config.keys, set));
    }
    let after =
        edited(for_engine(before.as_deref(), facts.version()), goal, &set).map_err(|why| {
            Blocker::FileNotEdited {
                path: config.path.clone(),
                why,
            }
        })?;
    let mut change = by_keys(config.path.clone(), &config.keys, set);
    change.before = before;
    change.after = after;
    Ok(change)
}

fn edited(text: Option<&str>, goal: &Goal, set: &[(String, Value)]) -> Result<String, String> {
    let with_pools = match (text, &goal.entries) {
        (Some(text), Some(entries)) => Some(edit::set_pools(text, entries)?),
        (text, _) => text.map(str::to_owned),
    };
    edit::set_keys(with_pools.as_deref(), set)
}

/// Only from 23.0 on dockerd takes a byte-order mark.
fn for_engine(text: Option<&str>, version: Option<Version>) -> Option<&str> {
    let takes_a_mark = version.is_some_and(Version::reads_marked_and_empty_files);
    match takes_a_mark {
        true => text,
        false => text.map(|text| text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)),
    }
}

fn by_keys(path: String, keys: &Map<String, Value>, set: Vec<(String, Value)>) -> FileChange {
    let old = set
        .iter()
        .filter_map(|(key, _)| Some((key.clone(), keys.get(key)?.clone())))
        .collect();
    FileChange {
        path,
        before: None,
        after: String::new(),
        keys_before: old,
        keys_after: set.into_iter().collect(),
    }
}
