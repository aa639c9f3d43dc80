//! The page: one file that a browser shows without the network. `page/` has the markup, the style
//! and the script; the answer goes in as one block of JSON. Whatever comes from a host is data to
//! the script, which never makes markup of it.

use super::map::map;
use super::result::Fleet;
use super::summary::Summary;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
const MAP_SCRIPT: &str = include_str!("page/map.js");

/// Per host; the page counts the others. `--json` has more.
const CLASHES: usize = 8;

/// What many hosts have in common.
const SHARED: [&str; 7] = [
    "pools", "clashes", "hides", "plan", "wanted", "unseen", "version",
];

pub fn render(fleet: &Fleet, hosts: &[Summary]) -> String {
    let data = data(fleet, hosts);
    let script = format!("{MAP_SCRIPT}\n{SCRIPT}");
    let parts = [
        ("{{verdict}}", escaped(&fleet.msg)),
        ("{{made}}", escaped(&fleet.made)),
        ("{{version}}", escaped(&fleet.version)),
        ("{{style}}", STYLE.to_owned()),
        ("{{script}}", script),
        ("{{data}}", data),
    ];
    filled(&parts)
}

/// The page with its parts. What a part says is not looked at again.
fn filled(parts: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out += before;
        let (name, behind) = after.split_once("}}").unwrap_or((after, ""));
        let part = parts
            .iter()
            .find(|(part, _)| part.trim_matches(['{', '}']) == name);
        out += part.map_or("", |(_, text)| text);
        rest = behind;
    }
    out + rest
}

/// The answer as a script takes it: what hosts have in common stands there once.
fn data(fleet: &Fleet, hosts: &[Summary]) -> String {
    let mut shared = Shared::default();
    let rows: Vec<String> = fleet
        .hosts
        .iter()
        .map(|host| {
            let mut host = host.clone();
            host.clashes_more += host.clashes.len().saturating_sub(CLASHES);
            host.clashes.truncate(CLASHES);
            shared.row(&host)
        })
        .collect();
    let parts = [
        ("fleet", json_of(&without_hosts(fleet))),
        ("hosts", format!("[{}]", rows.join(","))),
        ("shared", format!("[{}]", shared.texts.join(","))),
        ("map", json_of(&map(fleet, hosts))),
    ];
    let parts = parts.map(|(name, json)| format!("\"{name}\":{json}"));
    for_script(&format!("{{{}}}", parts.join(",")))
}

fn without_hosts(fleet: &Fleet) -> Fleet {
    Fleet {
        schema: fleet.schema,
        msg: fleet.msg.clone(),
        made: fleet.made.clone(),
        version: fleet.version.clone(),
        options: fleet.options.clone(),
        counts: fleet.counts,
        groups: fleet.groups.clone(),
        without: fleet.without.clone(),
        passed: fleet.passed.clone(),
        in_the_way: fleet.in_the_way.clone(),
        hosts: Vec::new(),
        unread: fleet.unread.clone(),
        warnings: fleet.warnings.clone(),
    }
}

#[derive(Default)]
struct Shared {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Shared {
    fn row(&mut self, host: &impl Serialize) -> String {
        let mut row = match serde_json::to_value(host) {
            Ok(Value::Object(row)) => row,
            Ok(_) | Err(_) => Map::new(),
        };
        for key in SHARED {
            if let Some(value) = row.get_mut(key) {
                *value = json!(self.number(value.to_string()));
            }
        }
        Value::Object(row).to_string()
    }

    fn number(&mut self, text: String) -> usize {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.texts.len();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }
}

fn json_of(value: &impl Serialize) -> String {
    // Strings, numbers and lists always become JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// JSON inside a script element: nothing in it may look like the end of that element, or like a
/// comment.
fn for_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::fleet::host::Host;

    #[test]
    fn a_hostile_name_is_data() {
        let name = "</script><script>alert(1)</script><!--{{data}}".to_owned();
        let fleet = Fleet {
            msg: name.clone(),
            hosts: vec![Host {
                name: name.clone(),
                ..Host::default()
            }],
            ..Fleet::default()
        };
        let page = render(&fleet, &[]);
        assert!(!page.contains("alert(1)</script>"), "{page}");
        assert_eq!(page.matches("</script>").count(), 2);
        let (_, data) = page.split_once("id=\"data\">").unwrap();
        let (data, _) = data.split_once("</script>").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["hosts"][0]["name"], *name);
    }

    #[test]
    fn every_place_is_filled() {
        let page = render(&Fleet::default(), &[]);
        assert!(!page.contains("{{"), "{page}");
        // Nothing is asked of the network.
        for word in ["http://", "https://", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
