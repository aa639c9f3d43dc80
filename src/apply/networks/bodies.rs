//! What the engine takes to create a network and to connect a container, made of what it says of
//! them now.

use super::moves::text;
use crate::plan::relocate::Move;
use ipnet::Ipv4Net;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

/// What `GET /networks` shows that `POST /networks/create` takes as it is.
const KEPT_OF_NETWORK: [&str; 8] = [
    "Name",
    "Driver",
    "EnableIPv4",
    "EnableIPv6",
    "Internal",
    "Attachable",
    "Options",
    "Labels",
];

/// The same for a subnet of a network.
const KEPT_OF_SUBNET: [&str; 4] = ["Subnet", "IPRange", "Gateway", "AuxiliaryAddresses"];

/// The same for a container's place on a network.
const KEPT_OF_PLACE: [&str; 3] = ["Links", "DriverOpts", "GwPriority"];

/// What creates a network like this one, its IPv4 configuration passed through `each`.
pub fn network_body(
    network: &Value,
    each: impl Fn(&Map<String, Value>) -> Option<Map<String, Value>>,
) -> Value {
    let mut body = kept(network, &KEPT_OF_NETWORK);
    let configs = network.pointer("/IPAM/Config").and_then(Value::as_array);
    let configs: Vec<Value> = configs
        .into_iter()
        .flatten()
        .filter(|config| config.is_object())
        .map(plain_config)
        .filter_map(|config| match is_v4(&config) {
            true => each(&config),
            false => Some(config),
        })
        .map(Value::Object)
        .collect();
    let driver = network.pointer("/IPAM/Driver").cloned().unwrap_or_default();
    let options = network
        .pointer("/IPAM/Options")
        .cloned()
        .unwrap_or_default();
    let ipam = json!({"Driver": driver, "Options": options, "Config": configs});
    body.insert("IPAM".to_owned(), ipam);
    // Up to 24 two networks may have one name unless this is set; later engines do not read it.
    body.insert("CheckDuplicate".to_owned(), Value::Bool(true));
    Value::Object(body)
}

fn kept(value: &Value, keys: &[&str]) -> Map<String, Value> {
    let kept = keys
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), value.get(*key)?.clone())));
    kept.collect()
}

/// A subnet's settings as an engine takes them: it shows some IPv6 gateways with a prefix, and does
/// not take those.
fn plain_config(config: &Value) -> Map<String, Value> {
    let mut plain = kept(config, &KEPT_OF_SUBNET);
    if let Some(Value::String(gateway)) = plain.get_mut("Gateway")
        && let Some(slash) = gateway.find('/')
    {
        gateway.truncate(slash);
    }
    plain
}

fn is_v4(config: &Map<String, Value>) -> bool {
    let subnet = config.get("Subnet").and_then(Value::as_str);
    subnet.is_some_and(|subnet| subnet.parse::<Ipv4Net>().is_ok())
}

/// A subnet's settings after the move; none where the engine is to choose.
pub fn moved_config(config: &Map<String, Value>, one: &Move) -> Option<Map<String, Value>> {
    if !one.explicit {
        return None;
    }
    let mut config = config.clone();
    config.insert("Subnet".to_owned(), Value::String(one.to.to_string()));
    if let Some(gateway) = config
        .get("Gateway")
        .and_then(|old| moved_address(old, one))
    {
        config.insert("Gateway".to_owned(), gateway);
    }
    if let Some(range) = config.get("IPRange").and_then(as_net) {
        let base = shift(range.network(), one.from, one.to)?;
        let range = format!("{base}/{}", range.prefix_len());
        config.insert("IPRange".to_owned(), Value::String(range));
    }
    if let Some(Value::Object(kept_free)) = config.get_mut("AuxiliaryAddresses") {
        for address in kept_free.values_mut() {
            *address = moved_address(address, one).unwrap_or_default();
        }
    }
    Some(config)
}

fn as_net(value: &Value) -> Option<Ipv4Net> {
    value.as_str()?.parse().ok()
}

fn moved_address(old: &Value, one: &Move) -> Option<Value> {
    let address = old.as_str()?.parse().ok()?;
    let moved = shift(address, one.from, one.to)?;
    Some(Value::String(moved.to_string()))
}

/// The address a container was given on a network by hand.
pub fn address_by_hand(place: &Value) -> Option<Ipv4Addr> {
    text(place, "/IPAMConfig/IPv4Address").parse().ok()
}

/// What puts a container back where it was on a network, with this address.
pub fn settings(place: &Value, container: &Value, address: Option<Ipv4Addr>) -> Value {
    let mut settings = kept(place, &KEPT_OF_PLACE);
    settings.retain(|_, value| !value.is_null());
    let aliases = aliases(place, &text(container, "/Id"));
    if !aliases.is_empty() {
        settings.insert("Aliases".to_owned(), Value::Array(aliases));
    }
    let ipam = place.get("IPAMConfig").and_then(Value::as_object);
    let mut ipam = ipam.cloned().unwrap_or_default();
    if let Some(address) = address {
        ipam.insert("IPv4Address".to_owned(), Value::String(address.to_string()));
    }
    if !ipam.is_empty() {
        settings.insert("IPAMConfig".to_owned(), Value::Object(ipam));
    }
    // Engines before 29.3 do not read it; 20.10 to 24 keep it by themselves.
    let mac = text(container, "/Config/MacAddress");
    if !mac.is_empty() {
        settings.insert("MacAddress".to_owned(), Value::String(mac));
    }
    Value::Object(settings)
}

/// A container's aliases without its short id, which the engine adds by itself up to 24.
fn aliases(place: &Value, id: &str) -> Vec<Value> {
    let is_short_id = |alias: &&Value| {
        let alias = alias.as_str().unwrap_or_default();
        alias.len() == 12 && id.starts_with(alias)
    };
    let aliases = place.get("Aliases").and_then(Value::as_array);
    let aliases = aliases.into_iter().flatten();
    aliases
        .filter(|alias| !is_short_id(alias))
        .cloned()
        .collect()
}

/// The same place in the other subnet.
pub fn shift(address: Ipv4Addr, from: Ipv4Net, to: Ipv4Net) -> Option<Ipv4Addr> {
    let host = u32::from(address).checked_sub(u32::from(from.network()))?;
    let moved = Ipv4Addr::from(u32::from(to.network()).checked_add(host)?);
    (from.contains(&address) && to.contains(&moved)).then_some(moved)
}
