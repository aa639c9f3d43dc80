//! What the engine tells of itself and of its networks: its answers as it writes them, and as facts
//! hold them.
#![allow(
    missing_docs,
    reason = "the engine's own names, in its own documentation"
)]

use crate::facts::{AddressPool, InForce, Network};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiInfo {
    pub server_version: String,
    #[serde(default)]
    pub operating_system: String,
    #[serde(default)]
    pub live_restore_enabled: bool,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub swarm: ApiSwarm,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub default_address_pools: Vec<ApiPool>,
    #[serde(default)]
    pub docker_root_dir: String,
    #[serde(default)]
    pub driver: String,
    #[serde(default)]
    pub cgroup_driver: String,
    #[serde(default)]
    pub default_runtime: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub security_options: Vec<String>,
}

impl ApiInfo {
    /// The settings in force, without those of docker0's network: `/networks` has them.
    pub fn in_force(&self) -> InForce {
        let mut options = self.security_options.iter();
        InForce {
            data_root: self.docker_root_dir.clone(),
            storage_driver: self.driver.clone(),
            cgroup_driver: self.cgroup_driver.clone(),
            default_runtime: self.default_runtime.clone(),
            userns: options.any(|option| option.contains("name=userns")),
            ..InForce::default()
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiSwarm {
    #[serde(default)]
    pub local_node_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiPool {
    pub base: String,
    pub size: u8,
}

impl ApiPool {
    /// As every engine reads it: host bits masked (20.10 echoes the raw text), IPv6 left to itself.
    pub fn read(self) -> Option<AddressPool> {
        AddressPool::new(self.base.parse().ok()?, self.size)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiInspect {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub containers: HashMap<String, ApiEndpoint>,
}

#[derive(Deserialize)]
pub struct ApiEndpoint {
    #[serde(rename = "IPv4Address", default)]
    pub ipv4: String,
    #[serde(rename = "IPv6Address", default)]
    pub ipv6: String,
}

impl ApiInspect {
    /// The addresses of all endpoints.
    pub fn endpoints(&self) -> Vec<IpAddr> {
        let texts = self.containers.values().flat_map(|at| [&at.ipv4, &at.ipv6]);
        let mut addresses: Vec<IpAddr> = texts
            .filter_map(|text| text.parse::<IpNet>().ok())
            .map(|net| net.addr())
            .collect();
        addresses.sort();
        addresses
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiNetwork {
    pub id: String,
    pub name: String,
    pub driver: String,
    pub scope: String,
    #[serde(default)]
    pub created: String,
    #[serde(rename = "IPAM", default)]
    pub ipam: ApiIpam,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub config_from: ApiConfigFrom,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub options: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub labels: HashMap<String, String>,
    #[serde(rename = "EnableIPv6", default)]
    pub ipv6: bool,
}

/// What docker0's network shows of the settings in force: whether it has IPv6, and its options.
#[derive(Debug, Clone, Default)]
pub struct BridgeShows {
    pub ipv6: bool,
    pub options: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiConfigFrom {
    #[serde(default)]
    pub network: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct ApiIpam {
    #[serde(default, deserialize_with = "null_is_empty")]
    pub config: Vec<ApiSubnet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApiSubnet {
    #[serde(default)]
    pub subnet: String,
    #[serde(default)]
    pub gateway: String,
    #[serde(rename = "IPRange", default)]
    pub range: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub auxiliary_addresses: HashMap<String, String>,
}

impl ApiNetwork {
    pub fn shows(&self) -> Option<BridgeShows> {
        let options = self.options.clone().into_iter();
        (self.name == "bridge").then(|| BridgeShows {
            ipv6: self.ipv6,
            options: options.collect(),
        })
    }

    pub fn read(self) -> Network {
        // Docker names the link after the network's id unless the option says otherwise.
        let bridge = (self.driver == "bridge").then(|| {
            let named = self.options.get("com.docker.network.bridge.name").cloned();
            named.unwrap_or_else(|| format!("br-{}", self.id.get(..12).unwrap_or(&self.id)))
        });
        let subnets = self
            .ipam
            .config
            .iter()
            .filter_map(|config| config.subnet.parse::<IpNet>().ok());
        let by_a_person =
            |config: &ApiSubnet| !config.range.is_empty() || !config.auxiliary_addresses.is_empty();
        let mut labels: Vec<String> = self.labels.keys().cloned().collect();
        labels.sort();
        Network {
            name: self.name,
            driver: self.driver,
            scope: self.scope,
            bridge,
            subnets: subnets.map(|subnet| subnet.trunc()).collect(),
            shaped: self.ipam.config.iter().any(by_a_person),
            config_from: Some(self.config_from.network).filter(|from| !from.is_empty()),
            id: self.id,
            gateways: self
                .ipam
                .config
                .iter()
                .filter_map(|config| config.gateway.parse().ok())
                .collect(),
            created: in_utc(&self.created),
            project: self.labels.get("com.docker.compose.project").cloned(),
            labels,
            by_hand: None,
            unused: false,
            endpoints: Vec::new(),
        }
    }
}

/// A moment as Go writes it, with the daemon's own offset from UTC.
pub fn in_utc(text: &str) -> Option<String> {
    let (local, offset) = match text.strip_suffix('Z') {
        Some(local) => (local, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60;
            (
                local,
                if offset.starts_with('-') {
                    i64::try_from(seconds).ok()?
                } else {
                    -i64::try_from(seconds).ok()?
                },
            )
        }
    };
    let moment = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let shift = Duration::from_secs(offset.unsigned_abs());
    let moment = if offset < 0 {
        moment.checked_sub(shift)?
    } else {
        moment.checked_add(shift)?
    };
    Some(humantime::format_rfc3339_nanos(moment).to_string())
}

/// The engine writes `null` for an empty list or map.
pub(super) fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_comparable_whatever_the_daemons_clock() {
        let utc = "2026-11-23T20:00:00.123456789Z";
        for text in [
            utc,
            "2026-11-23T21:00:00.123456789+01:00",
            "2026-11-23T15:30:00.123456789-04:30",
        ] {
            assert_eq!(in_utc(text).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(
            in_utc("2026-11-23T20:00:00Z").as_deref(),
            Some("2026-11-23T20:00:00.000000000Z")
        );
        for bad in [
            "",
            "Z",
            "yesterday",
            "2026-11-23T20:00:00é:00",
            "0001-01-01T00:00:00Z",
        ] {
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
