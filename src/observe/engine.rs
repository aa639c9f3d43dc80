//! The engine's own view, over its unix socket: version, pools, networks, live containers.

use super::facts::{Container, Engine, Network};
use super::http::Client;
use crate::engine_model::AddressPool;
use crate::host::Host;
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// The engine's socket on every Linux distribution (`/var/run` is a link to `/run`).
const SOCKET: &str = "/run/docker.sock";

/// A healthy engine answers in milliseconds; a busy one may need seconds for its networks.
const DEADLINE: Duration = Duration::from_secs(15);

/// The newest API version this was written for.
const NEWEST: ApiVersion = (1, 51);

/// Major and minor.
type ApiVersion = (u32, u32);

/// Asks the engine. It must run: a question to a stopped one could start it.
pub fn read(host: &Host) -> Result<Engine, String> {
    let asker = Asker::new(host, DEADLINE)?;
    let info: ApiInfo = asker.ask("/info")?;
    let networks: Vec<ApiNetwork> = asker.ask("/networks")?;
    let containers: Vec<ApiContainer> = asker.ask("/containers/json")?;
    let pools: Vec<AddressPool> = info.default_address_pools.into_iter().filter_map(ApiPool::read).collect();
    let mut containers: Vec<Container> = containers.into_iter().map(ApiContainer::read).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    let mut networks: Vec<Network> = networks.into_iter().map(ApiNetwork::read).collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    // Swarm puts its tasks there without listing them as containers; no other network keeps such secrets.
    if let Some(gateway) = networks.iter_mut().find(|network| network.name == "docker_gwbridge") {
        let inspected: ApiInspect = asker.ask("/networks/docker_gwbridge")?;
        gateway.endpoints = inspected.containers.values().filter_map(ApiEndpoint::address).collect();
        gateway.endpoints.sort();
    }
    Ok(Engine {
        version: info.server_version,
        live_restore: info.live_restore_enabled,
        containers,
        pools: (!pools.is_empty()).then_some(pools),
        networks,
    })
}

/// Whether the engine answers; for use only after a start has been asked for.
pub fn ping(host: &Host, deadline: Duration) -> Result<(), String> {
    Asker::new(host, deadline).map(|_| ())
}

/// A client that has agreed with the engine on an API version: the engine's newest, or ours where that is older.
struct Asker {
    client: Client,
    version: ApiVersion,
}

impl Asker {
    fn new(host: &Host, deadline: Duration) -> Result<Asker, String> {
        let socket = host.resolve(Path::new(SOCKET)).map_err(|error| format!("{SOCKET}: {error}"))?;
        let client = Client::new(&socket, deadline);
        let pong = client.get("/_ping").map_err(|error| format!("{SOCKET}: {}", explain(&error)))?;
        if !pong.ok {
            return Err(format!("{SOCKET}: {}", refusal("/_ping", &pong.body)));
        }
        let theirs = pong.api.as_deref().and_then(|text| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        // Without the header it is no engine of this century; it will say so itself.
        Ok(Asker { client, version: theirs.map_or(NEWEST, |theirs: ApiVersion| theirs.min(NEWEST)) })
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let (major, minor) = self.version;
        let answer = self.client.get(&format!("/v{major}.{minor}{path}"));
        let answer = answer.map_err(|error| format!("{SOCKET}: {}", explain(&error)))?;
        if !answer.ok {
            return Err(format!("{SOCKET}: {}", refusal(path, &answer.body)));
        }
        understand(&answer.body).map_err(|error| format!("{SOCKET}: the answer to {path} was not understood: {error}"))
    }
}

/// A name that is not UTF-8 must not hide all the others.
fn understand<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(&String::from_utf8_lossy(body))
}

/// The networks in an answer to `GET /networks`.
pub fn networks_of(body: &[u8]) -> serde_json::Result<Vec<Network>> {
    Ok(understand::<Vec<ApiNetwork>>(body)?.into_iter().map(ApiNetwork::read).collect())
}

/// The engine's own words, as far as they fit in a sentence.
fn refusal(path: &str, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let message = serde_json::from_str::<serde_json::Value>(&text).ok();
    let message = message.as_ref().and_then(|value| value.get("message")?.as_str()).unwrap_or(&text);
    let message: String = message.lines().next().unwrap_or_default().chars().take(200).collect();
    format!("the engine refused {path}: {message}")
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
struct ApiInfo {
    server_version: String,
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
        AddressPool::new(self.base.parse().ok()?, self.size)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiContainer {
    id: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    network_settings: ApiSettings,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ApiSettings {
    #[serde(default, deserialize_with = "null_is_empty")]
    networks: HashMap<String, ApiAttachment>,
}

#[derive(Deserialize)]
struct ApiAttachment {
    #[serde(rename = "IPAddress", default)]
    ipv4: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    ipv6: String,
}

impl ApiContainer {
    fn read(self) -> Container {
        let attached = self.network_settings.networks.values();
        let mut addresses: Vec<IpAddr> =
            attached.flat_map(|at| [&at.ipv4, &at.ipv6]).filter_map(|text| text.parse().ok()).collect();
        addresses.sort();
        let name = self.names.into_iter().find(|name| name.matches('/').count() == 1);
        let name = name.map_or(self.id, |name| name.trim_start_matches('/').to_owned());
        Container { name, addresses }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiInspect {
    #[serde(default, deserialize_with = "null_is_empty")]
    containers: HashMap<String, ApiEndpoint>,
}

#[derive(Deserialize)]
struct ApiEndpoint {
    #[serde(rename = "IPv4Address", default)]
    ipv4: String,
}

impl ApiEndpoint {
    fn address(&self) -> Option<IpAddr> {
        self.ipv4.parse::<IpNet>().ok().map(|net| net.addr())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiNetwork {
    id: String,
    name: String,
    driver: String,
    scope: String,
    #[serde(default)]
    created: String,
    #[serde(rename = "IPAM", default)]
    ipam: ApiIpam,
    #[serde(default, deserialize_with = "null_is_empty")]
    options: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    labels: HashMap<String, String>,
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
            created: in_utc(&self.created),
            project: self.labels.get("com.docker.compose.project").cloned(),
            endpoints: Vec::new(),
        }
    }
}

/// A moment as Go writes it, with the daemon's own offset from UTC.
fn in_utc(text: &str) -> Option<String> {
    let (local, offset) = match text.strip_suffix('Z') {
        Some(local) => (local, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
            (local, if offset.starts_with('-') { i64::try_from(seconds).ok()? } else { -i64::try_from(seconds).ok()? })
        }
    };
    let moment = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let shift = Duration::from_secs(offset.unsigned_abs());
    let moment = if offset < 0 { moment.checked_sub(shift)? } else { moment.checked_add(shift)? };
    Some(humantime::format_rfc3339_nanos(moment).to_string())
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
    fn moments_are_comparable_whatever_the_daemons_clock() {
        let utc = "2026-11-23T20:00:00.123456789Z";
        for text in [utc, "2026-11-23T21:00:00.123456789+01:00", "2026-11-23T15:30:00.123456789-04:30"] {
            assert_eq!(in_utc(text).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(in_utc("2026-11-23T20:00:00Z").as_deref(), Some("2026-11-23T20:00:00.000000000Z"));
        for bad in ["", "Z", "yesterday", "2026-11-23T20:00:00é:00", "0001-01-01T00:00:00Z"] {
            assert_eq!(in_utc(bad), None, "{bad}");
        }
    }

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
