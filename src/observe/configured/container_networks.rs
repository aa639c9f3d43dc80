//! Networks of other container engines: CNI's lists, and Podman's networks. They come up with the
//! first container on them.

use super::File;
use super::entry::{Entry, line_of, network};
use super::walk::Place;
use serde_json::Value;

pub const PLACES: &[Place] = &[
    Place::Folder("/etc/cni/net.d", ".conflist"),
    Place::Folder("/etc/cni/net.d", ".conf"),
    Place::Folder("/etc/containers/networks", ".json"),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let json: Value = serde_json::from_str(file.text).map_err(|error| error.to_string())?;
    let what = match file.path.contains("/cni/") {
        true => "network of CNI",
        false => "network of Podman",
    };
    let mut found = Vec::new();
    collect(&json, None, &mut |subnet, dev| {
        let net = network(subnet);
        let line = line_of(file.text, subnet);
        found.extend(net.map(|net| Entry::network(net, line, what).on(dev)));
    });
    Ok(found)
}

/// Every `subnet`, with the bridge named beside or above it.
fn collect(json: &Value, dev: Option<&str>, found: &mut impl FnMut(&str, Option<&str>)) {
    match json {
        Value::Array(list) => list.iter().for_each(|one| collect(one, dev, found)),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            let dev = text("network_interface").or(text("bridge")).or(dev);
            if let Some(subnet) = text("subnet") {
                found(subnet, dev);
            }
            map.values().for_each(|one| collect(one, dev, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn cni_lists_name_their_subnets() {
        let text = r#"{
  "cniVersion": "1.0.0",
  "name": "crio",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "ipam": {
        "type": "host-local",
        "routes": [ { "dst": "0.0.0.0/0" } ],
        "ranges": [
          [{ "subnet": "172.19.0.0/16" }],
          [{ "subnet": "fd00:19::/64" }]
        ]
      }
    },
    { "type": "portmap", "capabilities": {"portMappings": true} }
  ]
}"#;
        assert_eq!(
            shown(read, "/etc/cni/net.d/10-crio.conflist", text),
            [
                "12 network 172.19.0.0/16 cni0 network of CNI",
                "13 network fd00:19::/64 cni0 network of CNI",
            ]
        );
    }

    #[test]
    fn podmans_networks_name_theirs_and_one_without_a_subnet_brings_none() {
        let text = r#"{
     "name": "shop",
     "id": "0a1b",
     "driver": "bridge",
     "network_interface": "podman1",
     "subnets": [
          {
               "subnet": "172.20.7.0/24",
               "gateway": "172.20.7.1"
          }
     ],
     "ipam_options": { "driver": "host-local" }
}"#;
        let path = "/etc/containers/networks/shop.json";
        assert_eq!(
            shown(read, path, text),
            ["8 network 172.20.7.0/24 podman1 network of Podman"]
        );
        let text = r#"{"name": "lan", "driver": "macvlan", "ipam_options": {"driver": "dhcp"}}"#;
        assert!(shown(read, path, text).is_empty());
        assert!(
            read(&File {
                path,
                text: "{",
                main: ""
            })
            .is_err()
        );
    }
}
