//! daemon.json: its bytes, and whether they are something rebridge may edit.
//!
//! Docker's own parsers differ: 20.10 takes trailing rubbish, newer ones take an empty file, all of
//! them take duplicate keys (the last wins). rebridge edits only what every version reads in the
//! same way.

use crate::facts::{ConfigFile, ConfigState};
use crate::host::Host;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::Path;

/// The keys of daemon.json that facts may show: those that say where bridges lie, refer to docker0's
/// address, or would take something away if they came into force.
pub const KEYS: [&str; 29] = [
    "bip",
    "bip6",
    "bridge",
    "data-root",
    "default-address-pools",
    "default-gateway",
    "default-runtime",
    "dns",
    "exec-opts",
    "exec-root",
    "firewall-backend",
    "fixed-cidr",
    "fixed-cidr-v6",
    "graph",
    "host-gateway-ip",
    "host-gateway-ips",
    "hosts",
    "icc",
    "ip",
    "ip-forward",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "live-restore",
    "metrics-addr",
    "mtu",
    "storage-driver",
    "userns-remap",
];

/// Reads the file.
pub fn read(host: &Host, path: &str) -> ConfigFile {
    let mut file = ConfigFile {
        path: path.to_owned(),
        target: None,
        state: ConfigState::Missing,
        keys: Map::new(),
        names: Vec::new(),
        loaded: None,
        text: None,
    };
    let as_path = Path::new(path);
    match host.resolve(as_path) {
        Ok(target) if !host.is_image() && target != as_path => {
            file.target = Some(target.to_string_lossy().into_owned());
        }
        Ok(_) => {}
        Err(error) => file.state = ConfigState::Unreadable(error.to_string()),
    }
    match host.read(as_path) {
        Ok(None) => {}
        Err(error) => file.state = ConfigState::Unreadable(error.to_string()),
        Ok(Some(bytes)) => match parse(&bytes) {
            Ok((text, object)) => {
                file.state = ConfigState::Object;
                file.names = object.keys().cloned().collect();
                file.keys = object
                    .into_iter()
                    .filter(|(key, _)| KEYS.contains(&key.as_str()))
                    .collect();
                file.text = Some(text);
            }
            Err(why) => file.state = ConfigState::Broken(why),
        },
    }
    file
}

/// What keeps its settings from being known, as one sentence.
pub fn problem(file: &ConfigFile) -> Option<String> {
    match &file.state {
        ConfigState::Broken(why) | ConfigState::Unreadable(why) => {
            Some(format!("{}: {why}", file.path))
        }
        ConfigState::Missing | ConfigState::Object => None,
    }
}

/// Strict JSON: one object, UTF-8 without a byte-order mark, no key twice at any depth.
pub fn parse(bytes: &[u8]) -> Result<(String, Map<String, Value>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.starts_with('\u{feff}') {
        return Err(
            "it begins with a byte-order mark, which Docker 20.10 does not accept".to_owned(),
        );
    }
    if text.trim().is_empty() {
        return Err(
            "it is empty; Docker 20.10 does not start with it (write {} or remove it)".to_owned(),
        );
    }
    serde_json::from_str::<UniqueKeys>(text)
        .map_err(|error| format!("it is not plain JSON: {error}"))?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok((text.to_owned(), object)),
        Ok(Value::Null) => Err("it is null, not a JSON object".to_owned()),
        Ok(Value::Array(_)) => Err("it is a JSON array, not an object".to_owned()),
        Ok(Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Err("it is not a JSON object".to_owned())
        }
        Err(error) => Err(format!("it is not plain JSON: {error}")),
    }
}

/// Parses any JSON value and fails on an object with a key twice; serde_json itself would keep the
/// last.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<UniqueKeys, D::Error> {
        from.deserialize_any(UniqueKeys)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<UniqueKeys>()?;
            if let Some(key) = seen.replace(key) {
                return Err(serde::de::Error::custom(format!(
                    "the key \"{key}\" stands there twice"
                )));
            }
        }
        Ok(UniqueKeys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<UniqueKeys, A::Error> {
        while list.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_engines_read_differently() {
        for (text, why) in [
            ("", "empty"),
            (" \n", "empty"),
            ("\u{feff}{}", "byte-order mark"),
            ("[]", "array"),
            ("null", "null"),
            ("\"x\"", "not a JSON object"),
            ("{\"a\": 1", "plain JSON: EOF"),
            ("{\"a\": 1,}", "plain JSON: trailing comma"),
            ("{} x", "plain JSON: trailing characters"),
            ("{ // no\n}", "plain JSON"),
            ("{\"bip\": 1, \"bip\": 2}", "\"bip\" stands there twice"),
            (
                "{\"a\": {\"b\": [{\"c\": 1, \"c\": 1}]}}",
                "\"c\" stands there twice",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
        assert!(parse(b"{\"a\": \"\xff\"}").unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn keeps_the_text_and_the_order() {
        let text = "{\"z\": 1.0e3, \"a\": {\"k\": null}}\n";
        let (kept, object) = parse(text.as_bytes()).unwrap();
        assert_eq!(kept, text);
        assert_eq!(object.keys().collect::<Vec<_>>(), ["z", "a"]);
    }
}
