//! daemon.json: its bytes, and whether they are something rebridge may edit.
//!
//! Docker's own parsers differ: 20.10 takes trailing rubbish, newer ones take UTF-16. rebridge edits
//! only what every version reads in the same way. What one of them turns down and rebridge can
//! read, such as an empty file, is for `engine_model/daemon_json` to say.

use crate::facts::{BYTE_ORDER_MARK, ConfigFile, ConfigState};
use crate::host::Host;
use serde_json::{Map, Value};
use std::path::Path;

/// The keys of daemon.json that facts may show: those that say where bridges lie, refer to docker0's
/// address, or would take something away if they came into force.
pub const KEYS: [&str; 31] = [
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
    "tls",
    "tlsverify",
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
        read_only: None,
        keepers: Vec::new(),
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

/// The keys of a text; none where it is no object.
pub fn keys_of(text: Option<&str>) -> Option<Map<String, Value>> {
    let (_, keys) = parse(text?.as_bytes()).ok()?;
    Some(keys)
}

/// One object of JSON. Of a key that stands there twice the last counts, as with Docker. A text
/// without anything in it, or `null`, says as little as `{}`; a byte-order mark may go before it.
pub fn parse(bytes: &[u8]) -> Result<(String, Map<String, Value>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if bare.trim().is_empty() {
        return Ok((text.to_owned(), Map::new()));
    }
    match serde_json::from_str::<Value>(bare) {
        Ok(Value::Object(object)) => Ok((text.to_owned(), object)),
        Ok(Value::Null) => Ok((text.to_owned(), Map::new())),
        Ok(Value::Array(_)) => Err("it is a JSON array, not an object".to_owned()),
        Ok(Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Err("it is not a JSON object".to_owned())
        }
        Err(error) => Err(format!("it is not plain JSON: {error}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_engines_read_differently() {
        for (text, why) in [
            ("[]", "array"),
            ("\"x\"", "not a JSON object"),
            ("{\"a\": 1", "plain JSON: EOF"),
            ("{\"a\": 1,}", "plain JSON: trailing comma"),
            ("{} x", "plain JSON: trailing characters"),
            ("{ // no\n}", "plain JSON"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
        assert!(parse(b"{\"a\": \"\xff\"}").unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn reads_what_engines_read() {
        for (text, bip) in [
            ("", None),
            (" \n", None),
            ("null", None),
            ("\u{feff}{\"bip\": \"1\"}", Some("1")),
            ("{\"bip\": \"1\", \"bip\": \"2\"}", Some("2")),
        ] {
            let (kept, object) = parse(text.as_bytes()).unwrap();
            assert_eq!(kept, text);
            let found = object.get("bip").and_then(Value::as_str);
            assert_eq!(found, bip, "{text}");
        }
    }

    #[test]
    fn keeps_the_text_and_the_order() {
        let text = "{\"z\": 1.0e3, \"a\": {\"k\": null}}\n";
        let (kept, object) = parse(text.as_bytes()).unwrap();
        assert_eq!(kept, text);
        assert_eq!(object.keys().collect::<Vec<_>>(), ["z", "a"]);
    }
}
