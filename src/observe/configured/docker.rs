//! What Docker itself is to reach: proxies, registries, mirrors and nameservers in daemon.json, and
//! the proxies that the command line of root gives to containers.

use super::File;
use super::entry::{Entry, is_a_whole_block, line_of, network, server};
use super::walk::Place;
use crate::facts::Role;
use serde_json::Value;

pub const PLACES: &[Place] = &[
    Place::File("/etc/docker/daemon.json"),
    Place::File("/root/.docker/config.json"),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    // A daemon.json that is no JSON is reported elsewhere.
    let json: Value = serde_json::from_str(file.text).unwrap_or_default();
    let mut entries = Vec::new();
    let mut add = |key: &str, value: &Value| {
        let word = value.as_str().unwrap_or_default();
        let net = network(word).or_else(|| server(word).map(Into::into));
        // Whole blocks say "wherever a registry may be".
        if let Some(net) = net.filter(|net| !is_a_whole_block(net)) {
            entries.push(Entry {
                role: Role::Server,
                ..Entry::network(net, line_of(file.text, word), format!("{key} of Docker"))
            });
        }
    };
    for key in ["dns", "registry-mirrors", "insecure-registries"] {
        let list = json.get(key).and_then(Value::as_array);
        list.into_iter().flatten().for_each(|one| add(key, one));
    }
    let proxies = json.get("proxies").and_then(Value::as_object);
    for (key, value) in proxies.into_iter().flatten() {
        // config.json has them by daemon.
        let inner = value.as_object();
        let mut pairs: Vec<(&String, &Value)> = inner.into_iter().flatten().collect();
        pairs.push((key, value));
        for (key, value) in pairs {
            if !key.to_ascii_lowercase().starts_with("no") {
                add("proxies", value);
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn what_docker_is_to_reach_counts_and_blankets_do_not() {
        let text = r#"{
  "dns": ["172.18.0.10", "8.8.8.8"],
  "registry-mirrors": ["http://172.19.4.4:5000", "https://mirror.example"],
  "insecure-registries": ["172.30.0.0/16", "10.0.0.0/8", "127.0.0.0/8", "reg.corp:5000"],
  "proxies": {"http-proxy": "http://u:SECRET@172.17.7.11:3128", "no-proxy": "172.17.9.9"},
  "bip": "172.20.0.1/16"
}"#;
        assert_eq!(
            shown(read, "/etc/docker/daemon.json", text),
            [
                "2 server 172.18.0.10/32 dns of Docker",
                "2 server 8.8.8.8/32 dns of Docker",
                "3 server 172.19.4.4/32 registry-mirrors of Docker",
                "4 server 172.30.0.0/16 insecure-registries of Docker",
                "5 server 172.17.7.11/32 proxies of Docker",
            ]
        );
        let text = r#"{"auths": {"172.17.1.1": {"auth": "SECRET"}},
 "proxies": {"default": {"httpProxy": "http://172.17.7.11:3128", "noProxy": "172.17.9.9"}}}"#;
        assert_eq!(
            shown(read, "/root/.docker/config.json", text),
            ["2 server 172.17.7.11/32 proxies of Docker"]
        );
    }
}
