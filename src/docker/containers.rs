//! What the engine tells of its containers: its answers as it writes them, and as facts hold them.
#![allow(
    missing_docs,
    reason = "the engine's own names, in its own documentation"
)]

use super::networks::null_is_empty;
use crate::facts::{Compose, Container, Detail, Manager, Mention};
use serde::Deserialize;
use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiContainer {
    pub id: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub names: Vec<String>,
    #[serde(default)]
    pub state: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub labels: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub network_settings: ApiSettings,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiSettings {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub networks: HashMap<String, ApiAttachment>,
}

#[derive(Deserialize)]
pub struct ApiAttachment {
    #[serde(rename = "NetworkID", default)]
    pub network_id: String,
    #[serde(rename = "IPAMConfig", default, deserialize_with = "null_is_empty")]
    pub given: ApiGiven,
    #[serde(rename = "IPAddress", default)]
    pub ipv4: String,
    #[serde(rename = "GlobalIPv6Address", default)]
    pub ipv6: String,
}

#[derive(Deserialize, Default)]
pub struct ApiGiven {
    #[serde(rename = "IPv4Address", default)]
    pub ipv4: String,
    #[serde(rename = "IPv6Address", default)]
    pub ipv6: String,
}

/// Whether a container in this state is alive: not created, exited or dead.
pub fn lives(state: &str) -> bool {
    matches!(state, "running" | "paused" | "restarting")
}

impl ApiContainer {
    /// Whether it is alive. Only such are listed without a state.
    pub fn lives(&self) -> bool {
        self.state.is_empty() || lives(&self.state)
    }

    /// The names of its networks.
    pub fn networks(&self) -> impl Iterator<Item = &str> {
        self.network_settings.networks.keys().map(String::as_str)
    }

    pub fn read(self) -> Container {
        let attached = self.network_settings.networks.values();
        let mut addresses: Vec<IpAddr> = attached
            .flat_map(|at| [&at.ipv4, &at.ipv6, &at.given.ipv4, &at.given.ipv6])
            .filter_map(|text| text.parse().ok())
            .collect();
        addresses.sort();
        addresses.dedup();
        let name = self
            .names
            .into_iter()
            .find(|name| name.matches('/').count() == 1);
        let name = name.map_or(self.id.clone(), |name| {
            name.trim_start_matches('/').to_owned()
        });
        let label = |name: &str| self.labels.get(&format!("com.docker.compose.{name}"));
        let compose = label("project").zip(label("project.config_files"));
        Container {
            compose: compose.map(|(project, files)| Compose {
                project: project.clone(),
                files: files.split(',').map(str::to_owned).collect(),
            }),
            manager: Manager::of(&name, self.labels.keys().map(String::as_str)),
            name,
            id: self.id,
            addresses,
            paused: self.state == "paused",
            detail: None,
        }
    }
}

/// `GET /containers/{id}/json`, as far as it matters for a restart and for moving networks.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiContainerDetail {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub config: ApiConfig,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub state: ApiState,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub network_settings: ApiSettings,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub host_config: ApiHostConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiConfig {
    #[serde(default)]
    pub mac_address: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub env: Vec<String>,
    #[serde(default)]
    pub stop_timeout: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiState {
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub pid: u32,
    #[serde(default)]
    pub exit_code: i64,
    #[serde(default)]
    pub started_at: String,
    /// What kept it from starting.
    #[serde(default)]
    pub error: String,
    #[serde(default)]
    pub finished_at: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiHostConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub restart_policy: ApiRestartPolicy,
    #[serde(default)]
    pub auto_remove: bool,
    #[serde(default)]
    pub network_mode: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub port_bindings: HashMap<String, Option<Vec<ApiPortBinding>>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub extra_hosts: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub dns: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiRestartPolicy {
    #[serde(default)]
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiPortBinding {
    #[serde(default)]
    pub host_ip: String,
}

impl ApiContainerDetail {
    pub fn read(self) -> Detail {
        let mentions = self.mentions();
        let host = self.host_config;
        let attached = self.network_settings.networks.into_iter();
        let bindings = host.port_bindings.into_values().flatten().flatten();
        let mut published_on: Vec<IpAddr> = bindings
            .filter_map(|binding| binding.host_ip.parse().ok())
            .collect();
        published_on.sort();
        published_on.dedup();
        Detail {
            restart: host.restart_policy.name,
            auto_remove: host.auto_remove,
            joins: host
                .network_mode
                .strip_prefix("container:")
                .map(str::to_owned),
            published_on,
            mode: host.network_mode,
            stop_timeout: self.config.stop_timeout,
            mac: Some(self.config.mac_address).filter(|mac| !mac.is_empty()),
            pid: self.state.pid,
            never_started: self.state.status == "created",
            networks: attached
                .map(|(name, at)| (name, at.given.ipv4.parse().ok()))
                .collect(),
            mentions,
        }
    }

    /// The IPv4 addresses its settings name, and where. Of variables only their names: their values
    /// may be secret.
    fn mentions(&self) -> Vec<Mention> {
        let host = &self.host_config;
        let hosts = host.extra_hosts.iter().filter_map(|entry| {
            let (name, address) = entry.split_once([':', '='])?;
            Some((format!("--add-host {name}"), address))
        });
        let dns = host.dns.iter();
        let dns = dns.map(|address| ("--dns".to_owned(), address.as_str()));
        let variables = self.config.env.iter().filter_map(|entry| {
            let (name, value) = entry.split_once('=')?;
            Some((format!("the variable {name}"), value))
        });
        let mut mentions: Vec<Mention> = hosts
            .chain(dns)
            .chain(variables)
            .flat_map(|(setting, value)| {
                ipv4_addresses(value).map(move |address| Mention {
                    address,
                    setting: setting.clone(),
                })
            })
            .collect();
        mentions.sort();
        mentions.dedup();
        mentions
    }
}

/// The IPv4 addresses in a text such as `postgres://db@172.17.0.1:5432/x`.
fn ipv4_addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    words.filter_map(|word| word.parse().ok().map(IpAddr::V4))
}
