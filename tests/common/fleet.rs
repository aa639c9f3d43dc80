//! A fleet that never was: saved facts of as many hosts as you like, each in a network of its own.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// As `page/drive.py` has it.
pub const HOSTILE: &str =
    "=<img src=x onerror=window.harmed=1></script><script>window.harmed=2</script>";

/// The facts of a golden case.
pub fn golden(case: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(case)
        .join("facts.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A host that others reach in this network. Every fifth has a range of its own.
fn facts(pattern: &Value, net: &str, has_pools: bool) -> Value {
    let mut facts = pattern.clone();
    let link = json!({"name": "lan0", "kind": null, "addresses": [format!("{net}.10/24")]});
    let route = json!({
        "dst": format!("{net}.0/24"), "table": 254, "kind": "unicast", "scope": "link",
        "gateway": null, "dev": "lan0"
    });
    facts["kernel"]["links"].as_array_mut().unwrap().push(link);
    facts["kernel"]["routes"]
        .as_array_mut()
        .unwrap()
        .push(route);
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    facts["taken"] = json!({"host": "", "at": now, "version": "0.1.0"});
    if has_pools {
        let text = facts.to_string().replace("172.17.0.", "10.214.0.");
        let text = text.replace("10.214.0.1/16", "10.214.0.1/24");
        facts = serde_json::from_str(&text.replace("10.214.0.0/16", "10.214.0.0/24")).unwrap();
        let engine = &mut facts["docker"]["engine"];
        engine["pools"] = json!([{"base": "10.214.0.0/16", "size": 24}]);
    }
    facts
}

/// Host number `at`: its name, its group and its facts. A sixth of the hosts live in 10.200.0.0/16, a
/// sixth in 172.17.0.0/16, where Docker is on most.
pub fn host(pattern: &Value, at: usize) -> (String, &'static str, Value) {
    let (net, group) = match at % 6 {
        0 => (format!("10.200.{}", at / 6 % 250), "sin"),
        1 => (format!("172.17.{}", at / 6 % 250), "fra"),
        _ => (format!("10.{}.{}", 20 + at / 200, at % 200), "ams"),
    };
    let facts = facts(pattern, &net, at.is_multiple_of(5));
    (format!("web-{at:04}"), group, facts)
}
