//! Everything needed to make a network anew and to put its containers back on it, on either side of
//! a move: what the engine says of them now, and the same with every address moved along.

use super::moves::{Attachment, Member, Moves, Relocation, Side, text};
use super::order;
use crate::docker::Api;
use crate::plan::relocate::Move;
use ipnet::Ipv4Net;
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;

/// Records what these moves need, from the engine as it is now.
pub fn record(api: &Api, moves: &[Move]) -> Result<Moves, String> {
    let known: Vec<Value> = api.ask("/networks")?;
    let mut networks = Vec::with_capacity(moves.len());
    for one in moves {
        let network = known
            .iter()
            .find(|network| text(network, "/Name") == one.network);
        let network = network.ok_or_else(|| format!("the network {} is gone", one.network))?;
        let (old, new) = (
            create(network, |config| Some(config.clone())),
            create(network, |config| moved(config, one)),
        );
        networks.push(Relocation {
            name: one.network.clone(),
            from: one.from,
            to: one.to,
            old,
            new,
        });
    }
    let members = members(api, &networks, Side::Old)?;
    Ok(Moves { networks, members })
}

/// The same networks with the containers that are on them now, on the side named.
pub fn members(api: &Api, networks: &[Relocation], now: Side) -> Result<Vec<Member>, String> {
    let listed: Vec<Value> = api.ask("/containers/json?all=1")?;
    let mut all = Vec::with_capacity(listed.len());
    for container in listed {
        // One that has gone since it was listed is no business of ours.
        if let Ok(inspected) =
            api.ask::<Value>(&format!("/containers/{}/json", text(&container, "/Id")))
        {
            all.push(inspected);
        }
    }
    let mut members: Vec<Member> = all
        .iter()
        .map(|container| member(container, networks, now))
        .collect();
    // What shares the network of one that stops has to stop and start with it; what would be
    // removed by a stop keeps both of them up.
    let fragile: Vec<String> = all
        .iter()
        .filter(|one| removed_when_stopped(one))
        .filter_map(joined)
        .collect();
    for member in &mut members {
        member.stays_up |= fragile.contains(&member.id);
    }
    let stopped: Vec<String> = members
        .iter()
        .filter(|one| !one.attachments.is_empty() && !one.stays_up)
        .map(|one| one.id.clone())
        .collect();
    members.retain(|one| {
        !one.attachments.is_empty()
            || one
                .joins
                .as_ref()
                .is_some_and(|joined| stopped.contains(joined))
    });
    order::take_turns(&mut members, &all);
    Ok(members)
}

fn member(container: &Value, networks: &[Relocation], now: Side) -> Member {
    let status = text(container, "/State/Status");
    let id = text(container, "/Id");
    let tie = |network: &Relocation| {
        let place = container
            .pointer("/NetworkSettings/Networks")?
            .get(&network.name)?;
        let given = text(place, "/IPAMConfig/IPv4Address")
            .parse::<Ipv4Addr>()
            .ok();
        if status == "created" && given.is_none() {
            // Never started: it will look for its network by name.
            return None;
        }
        let same = settings(place, &id, container, given);
        let (from, to) = if now == Side::Old {
            (network.from, network.to)
        } else {
            (network.to, network.from)
        };
        let other = settings(
            place,
            &id,
            container,
            given.and_then(|address| shift(address, from, to)),
        );
        let (old, new) = if now == Side::Old {
            (same, other)
        } else {
            (other, same)
        };
        Some(Attachment {
            network: network.name.clone(),
            old,
            new,
        })
    };
    Member {
        ran: matches!(status.as_str(), "running" | "paused" | "restarting"),
        paused: status == "paused",
        stays_up: removed_when_stopped(container),
        joins: joined(container),
        turn: 0,
        attachments: networks.iter().filter_map(tie).collect(),
        name: text(container, "/Name").trim_start_matches('/').to_owned(),
        id,
    }
}

fn removed_when_stopped(container: &Value) -> bool {
    container
        .pointer("/HostConfig/AutoRemove")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn joined(container: &Value) -> Option<String> {
    text(container, "/HostConfig/NetworkMode")
        .strip_prefix("container:")
        .map(str::to_owned)
}

/// What makes a network like this one, its IPv4 configuration passed through `each`.
fn create(
    network: &Value,
    each: impl Fn(&Map<String, Value>) -> Option<Map<String, Value>>,
) -> Value {
    const KEPT: [&str; 8] = [
        "Name",
        "Driver",
        "EnableIPv4",
        "EnableIPv6",
        "Internal",
        "Attachable",
        "Options",
        "Labels",
    ];
    let mut body: Map<String, Value> = KEPT
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), network.get(*key)?.clone())))
        .collect();
    let configs = network.pointer("/IPAM/Config").and_then(Value::as_array);
    let configs: Vec<Value> = configs
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(plain)
        .filter_map(|config| {
            if is_v4(&config) {
                each(&config)
            } else {
                Some(config)
            }
        })
        .map(Value::Object)
        .collect();
    let of_ipam = |key: &str| {
        network
            .pointer("/IPAM")
            .and_then(|ipam| ipam.get(key))
            .cloned()
            .unwrap_or_default()
    };
    let ipam =
        json!({"Driver": of_ipam("Driver"), "Options": of_ipam("Options"), "Config": configs});
    body.insert("IPAM".to_owned(), ipam);
    // Up to 24 two networks may have one name unless this is said; later engines do not read it.
    body.insert("CheckDuplicate".to_owned(), Value::Bool(true));
    Value::Object(body)
}

/// A subnet's settings as an engine takes them: it shows some IPv6 gateways with a prefix, and does
/// not take those.
fn plain(config: &Map<String, Value>) -> Map<String, Value> {
    let kept = ["Subnet", "IPRange", "Gateway", "AuxiliaryAddresses"];
    let mut plain: Map<String, Value> = kept
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), config.get(*key)?.clone())))
        .collect();
    if let Some(gateway) = plain
        .get("Gateway")
        .and_then(Value::as_str)
        .and_then(|text| text.split('/').next())
    {
        let gateway = Value::String(gateway.to_owned());
        plain.insert("Gateway".to_owned(), gateway);
    }
    plain
}

fn is_v4(config: &Map<String, Value>) -> bool {
    config
        .get("Subnet")
        .and_then(Value::as_str)
        .is_some_and(|subnet| subnet.parse::<Ipv4Net>().is_ok())
}

/// A subnet's settings after the move; none where the engine is to choose.
fn moved(config: &Map<String, Value>, one: &Move) -> Option<Map<String, Value>> {
    if !one.explicit {
        return None;
    }
    let mut config = config.clone();
    let address = |value: &Value| {
        let moved = value
            .as_str()?
            .parse()
            .ok()
            .and_then(|address| shift(address, one.from, one.to))?;
        Some(Value::String(moved.to_string()))
    };
    config.insert("Subnet".to_owned(), Value::String(one.to.to_string()));
    if let Some(gateway) = config.get("Gateway").and_then(address) {
        config.insert("Gateway".to_owned(), gateway);
    }
    if let Some(range) = config
        .get("IPRange")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Ipv4Net>().ok())
    {
        let base = shift(range.network(), one.from, one.to)?;
        config.insert(
            "IPRange".to_owned(),
            Value::String(format!("{base}/{}", range.prefix_len())),
        );
    }
    if let Some(Value::Object(kept_free)) = config.get_mut("AuxiliaryAddresses") {
        kept_free
            .values_mut()
            .for_each(|value| *value = address(value).unwrap_or_default());
    }
    Some(config)
}

/// What puts a container back where it was on a network.
fn settings(place: &Value, id: &str, container: &Value, address: Option<Ipv4Addr>) -> Value {
    let mut settings = Map::new();
    for key in ["Links", "DriverOpts", "GwPriority"] {
        if let Some(value) = place.get(key).filter(|value| !value.is_null()) {
            settings.insert(key.to_owned(), value.clone());
        }
    }
    // Up to 24 the engine adds the short id to the aliases by itself.
    let aliases = place
        .get("Aliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let own = |alias: &&Value| {
        alias
            .as_str()
            .is_some_and(|alias| alias.len() == 12 && id.starts_with(alias))
    };
    let aliases: Vec<Value> = aliases.filter(|alias| !own(alias)).cloned().collect();
    if !aliases.is_empty() {
        settings.insert("Aliases".to_owned(), Value::Array(aliases));
    }
    let mut ipam = place
        .get("IPAMConfig")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
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

/// The same place in the other subnet.
fn shift(address: Ipv4Addr, from: Ipv4Net, to: Ipv4Net) -> Option<Ipv4Addr> {
    let host = u32::from(address).checked_sub(u32::from(from.network()))?;
    let moved = Ipv4Addr::from(u32::from(to.network()).checked_add(host)?);
    (from.contains(&address) && to.contains(&moved)).then_some(moved)
}
