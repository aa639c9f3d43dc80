//! The engine's own view, over its unix socket: version, pools, networks, live containers.

use super::facts::{Engine, Network};
use super::http::Client;
use crate::engine_model::AddressPool;
use crate::host::Host;
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// The engine's socket on every Linux distribution (`/var/run` is a link to `/run`).
const SOCKET: &str = "/run/docker.sock";

/// A healthy engine answers in milliseconds; a busy one may need seconds for its networks.
const DEADLINE: Duration = Duration::from_secs(15);

/// Asks the engine. It must run: a question to a stopped one could start it.
pub fn read(host: &Host) -> Result<Engine, String> {
    let client = client(host, DEADLINE)?;
    let version: ApiVersion = ask(&client, "/version")?;
    let info: ApiInfo = ask(&client, "/info")?;
    let networks: Vec<ApiNetwork> = ask(&client, "/networks")?;
    let containers: Vec<ApiContainer> = ask(&client, "/containers/json")?;
    let pools: Vec<AddressPool> = info.default_address_pools.into_iter().filter_map(ApiPool::read).collect();
    let mut containers: Vec<String> = containers.into_iter().map(ApiContainer::name).collect();
    containers.sort();
    let mut networks: Vec<Network> = networks.into_iter().map(ApiNetwork::read).collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Engine {
        version: version.version,
        live_restore: info.live_restore_enabled,
        containers,
        pools: (!pools.is_empty()).then_some(pools),
        networks,
    })
}

/// Whether the engine answers; for use only after a start has been asked for.
pub fn ping(host: &Host, deadline: Duration) -> Result<(), String> {
    let client = client(host, deadline)?;
    client.get("/_ping").map(|_| ()).map_err(|error| explain(&error))
}

fn client(host: &Host, deadline: Duration) -> Result<Client, String> {
    let socket = host.resolve(Path::new(SOCKET)).map_err(|error| format!("{SOCKET}: {error}"))?;
    Ok(Client::new(&socket, deadline))
}

fn ask<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, String> {
    let body = client.get(path).map_err(|error| format!("{SOCKET}: {}", explain(&error)))?;
    serde_json::from_str(&body).map_err(|error| format!("{SOCKET}: the answer to {path} was not understood: {error}"))
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::PermissionDenied => {
            "permission denied (be root, or in the group docker)".to_owned()
        }
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiVersion {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiInfo {
    #[serde(default)]
    live_restore_enabled: bool,
    #[serde(default, deserialize_with = "null_is_empty")]
    default_address_pools: Vec<ApiPool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiPool {
    base: String,
    size: u8,
}

impl ApiPool {
    /// As every engine reads it: host bits masked (20.10 echoes the raw text), IPv6 left to itself.
    fn read(self) -> Option<AddressPool> {
        let base: ipnet::Ipv4Net = self.base.parse().ok()?;
        Some(AddressPool { base: base.trunc(), size: self.size })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiContainer {
    id: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    names: Vec<String>,
}

impl ApiContainer {
    fn name(self) -> String {
        let name = self.names.into_iter().find(|name| name.matches('/').count() == 1);
        name.map_or(self.id, |name| name.trim_start_matches('/').to_owned())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiNetwork {
    id: String,
    name: String,
    driver: String,
    scope: String,
    #[serde(rename = "IPAM", default)]
    ipam: ApiIpam,
    #[serde(default, deserialize_with = "null_is_empty")]
    options: HashMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ApiIpam {
    #[serde(default, deserialize_with = "null_is_empty")]
    config: Vec<ApiSubnet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiSubnet {
    #[serde(default)]
    subnet: String,
}

impl ApiNetwork {
    fn read(self) -> Network {
        // Docker names the link after the network's id unless the option says otherwise.
        let bridge = (self.driver == "bridge").then(|| {
            let named = self.options.get("com.docker.network.bridge.name").cloned();
            named.unwrap_or_else(|| format!("br-{}", self.id.get(..12).unwrap_or(&self.id)))
        });
        let subnets = self.ipam.config.iter().filter_map(|config| config.subnet.parse::<IpNet>().ok());
        Network {
            name: self.name,
            driver: self.driver,
            scope: self.scope,
            bridge,
            subnets: subnets.map(|subnet| subnet.trunc()).collect(),
        }
    }
}

/// The engine writes `null` for an empty list or map.
fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn reads_networks_of_every_kind() {
        let text = r#"[
          {"Name":"bridge","Id":"aa","Scope":"local","Driver":"bridge",
           "IPAM":{"Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]},
           "Options":{"com.docker.network.bridge.name":"docker0"}},
          {"Name":"host","Id":"bb","Scope":"local","Driver":"host","IPAM":{"Config":null},"Options":null},
          {"Name":"web","Id":"0123456789abcdef","Scope":"local","Driver":"bridge",
           "IPAM":{"Config":[{"Subnet":"10.200.9.5/24"},{"Subnet":"fd00::/64"}]},"Options":{}}]"#;
        let networks: Vec<ApiNetwork> = serde_json::from_str(text).unwrap();
        let read: Vec<Network> = networks.into_iter().map(ApiNetwork::read).collect();
        assert_eq!(read[0].bridge.as_deref(), Some("docker0"));
        assert!(read[1].subnets.is_empty() && read[1].bridge.is_none());
        assert_eq!(read[2].bridge.as_deref(), Some("br-0123456789ab"));
        assert_eq!(read[2].subnets[0].to_string(), "10.200.9.0/24");
    }
}
