//! Any daemon.json: refused, or edited so that every other key keeps its value and place, and
//! nothing else is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::engine_model::daemon_json;
use rebridge::observe::config_file::parse;
use rebridge::plan::edit::set_keys;
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    let Ok((text, before)) = parse(bytes) else { return };
    let _ = daemon_json::faults(&text, None);
    let _ = daemon_json::unread(&text);
    let set = [
        ("bip".to_owned(), json!("10.200.255.1/24")),
        ("default-address-pools".to_owned(), json!([{"base": "10.200.0.0/16", "size": 24}])),
    ];
    let edited = set_keys(Some(&text), &set).expect("what parse takes can be edited");
    let (again, after) = parse(edited.as_bytes()).expect("the result is as good as what came in");
    for (key, value) in &set {
        assert_eq!(after.get(key), Some(value));
    }
    let others = |map: &serde_json::Map<String, Value>| -> Vec<(String, Value)> {
        let ours = |key: &str| set.iter().any(|(set, _)| set == key);
        map.iter().filter(|(key, _)| !ours(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    assert_eq!(others(&before), others(&after));
    assert_eq!(set_keys(Some(&again), &set).as_deref(), Ok(again.as_str()), "a second edit changes \
        nothing");
});
