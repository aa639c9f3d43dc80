//! A daemon.json that was edited after a run was interrupted: the edit stays, only the keys that the
//! run changed go back.

use super::journal::Record;
use super::prepare::back_up;
use super::refusal::Refusal;
use super::rollback;
use crate::host::Host;
use crate::observe::config_file::keys_of;
use crate::plan::edit::{remove_keys, set_keys};
use serde_json::Value;

/// Keeps a copy of a file with bytes that no step of the run wrote, and makes the way back lead to
/// that file with the old values of the run's keys. The copy's path.
pub fn keep_edits(
    host: &Host,
    now: Option<&str>,
    record: &mut Record,
) -> Result<Option<String>, Refusal> {
    let on_the_way_back = rollback::text_with_bip(record);
    let own = [&record.before, &record.after, &on_the_way_back];
    let Some(edited) = now else { return Ok(None) };
    if own.iter().any(|text| text.as_deref() == Some(edited)) {
        return Ok(None);
    }
    let copy = back_up(host, &record.path)?;
    // What is no JSON object cannot be edited; the copy has it.
    let merged = undone_in(edited, record.before.as_deref(), record.after.as_deref());
    if merged.is_some() {
        record.before = merged;
    }
    Ok(Some(copy))
}

/// The edited text with the keys that differ between these two as they are in the first.
fn undone_in(edited: &str, before: Option<&str>, after: Option<&str>) -> Option<String> {
    let then = keys_of(before).unwrap_or_default();
    let ours = keys_of(after).unwrap_or_default();
    let (set, gone): (Vec<&String>, Vec<&String>) = ours
        .keys()
        .filter(|key| then.get(*key) != ours.get(*key))
        .partition(|key| then.contains_key(*key));
    let set: Vec<(String, Value)> = set
        .into_iter()
        .filter_map(|key| Some((key.clone(), then.get(key)?.clone())))
        .collect();
    let text = set_keys(Some(edited), &set).ok()?;
    remove_keys(&text, &gone).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_the_run_go_back() {
        let ours = Some(r#"{"bip": "10.9.0.1/24", "debug": true}"#);
        let edited =
            "{\n  \"bip\": \"10.9.0.1/24\",\n  \"debug\": true,\n  \"ip\": \"10.0.0.1\"\n}\n";
        let then = Some(r#"{"bip": "172.17.0.1/16", "debug": true}"#);
        let back = undone_in(edited, then, ours).unwrap();
        assert_eq!(back, edited.replace("10.9.0.1/24", "172.17.0.1/16"));
        let back = undone_in(edited, Some(r#"{"debug": true}"#), ours).unwrap();
        assert_eq!(back, "{\n  \"debug\": true,\n  \"ip\": \"10.0.0.1\"\n}\n");
        assert_eq!(undone_in("no object", then, ours), None);
    }
}
