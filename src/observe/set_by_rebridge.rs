//! What the last apply set in daemon.json: its record stays as long as it can be undone.

use super::config_file::parse;
use crate::facts::SetByRebridge;
use crate::host::{Host, LAST_APPLY};
use serde::Deserialize;
use std::path::Path;

/// The keys by which docker0 and the pools are set.
const KEYS: [&str; 2] = ["bip", "default-address-pools"];

/// The part of the record that counts here.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    began: String,
    path: String,
    before: Option<String>,
    after: Option<String>,
}

/// Reads the record. Only root may; where there is none, or none that makes sense, nothing is known.
pub fn read(host: &Host, path: &str) -> Option<SetByRebridge> {
    let bytes = host.read(Path::new(LAST_APPLY)).ok()??;
    let head: Head = serde_json::from_slice(&bytes).ok()?;
    if head.schema != 1 || head.path != path {
        return None;
    }
    let (_, mut keys) = parse(head.after?.as_bytes()).ok()?;
    let before = head.before.and_then(|text| parse(text.as_bytes()).ok());
    let before = before.map(|(_, keys)| keys).unwrap_or_default();
    keys.retain(|key, value| KEYS.contains(&key.as_str()) && before.get(key) != Some(value));
    (!keys.is_empty()).then_some(SetByRebridge {
        when: head.began,
        keys,
    })
}
