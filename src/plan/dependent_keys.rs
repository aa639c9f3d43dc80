//! Keys of daemon.json that depend on docker0's range. They move with it, or the plan refuses.
//!
//! With an old `default-gateway` no engine starts. An old `fixed-cidr` pulls docker0 back.

use super::blocker::Blocker;
use super::docker0_range;
use crate::facts::Facts;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::net::Ipv4Addr;

/// The keys to set.
#[derive(Debug, Default, PartialEq)]
pub struct DependentKeys {
    /// Name and new value.
    pub keys: Vec<(String, Value)>,
}

pub fn follow(facts: &Facts, docker0: Ipv4Net) -> Result<DependentKeys, Blocker> {
    let mut dependent = DependentKeys::default();
    let keys = &facts.docker.config.keys;
    let old = docker0_range(facts);
    if let Some(text) = keys
        .get("fixed-cidr")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
    {
        let moved = text
            .parse()
            .ok()
            .zip(old)
            .and_then(|(fixed, old)| move_part(fixed, old, docker0.trunc()));
        let moved = moved.ok_or_else(|| cannot_follow("fixed-cidr", text, docker0))?;
        dependent
            .keys
            .push(("fixed-cidr".to_owned(), Value::String(moved.to_string())));
    }
    if let Some(text) = keys
        .get("default-gateway")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
    {
        let moved = text
            .parse()
            .ok()
            .zip(old)
            .and_then(|(gateway, old)| move_address(gateway, old, docker0));
        let moved = moved.ok_or_else(|| cannot_follow("default-gateway", text, docker0))?;
        dependent.keys.push((
            "default-gateway".to_owned(),
            Value::String(moved.to_string()),
        ));
    }
    let Some(address) = facts.docker0().map(|old| old.addr().to_string()) else {
        return Ok(dependent);
    };
    for key in ["host-gateway-ip", "host-gateway-ips", "ip"] {
        let moved = keys
            .get(key)
            .and_then(|value| follow_address(value, &address, docker0.addr()));
        dependent
            .keys
            .extend(moved.map(|value| (key.to_owned(), value)));
    }
    Ok(dependent)
}

/// A key that is docker0's address, or a list with it, on the new address.
fn follow_address(value: &Value, old: &str, new: Ipv4Addr) -> Option<Value> {
    match value {
        Value::String(text) if text == old => Some(Value::String(new.to_string())),
        Value::Array(items) if items.iter().any(|item| item.as_str() == Some(old)) => {
            let items = items.iter();
            let moved = items.map(|item| follow_address(item, old, new).unwrap_or(item.clone()));
            Some(Value::Array(moved.collect()))
        }
        _ => None,
    }
}

/// The same part of the new range. The upper half of a /16 becomes the upper half of a /24.
fn move_part(part: Ipv4Net, old: Ipv4Net, new: Ipv4Net) -> Option<Ipv4Net> {
    let part = part.trunc();
    if !old.contains(&part) {
        return None;
    }
    let prefix = new.prefix_len() + (part.prefix_len() - old.prefix_len());
    if prefix > 30 {
        return None;
    }
    let at =
        u64::from(u32::from(part.network()) - u32::from(old.network())) >> (32 - part.prefix_len());
    new.subnets(prefix).ok()?.nth(usize::try_from(at).ok()?)
}

/// The same distance from the nearer end of the range. In a /24 there is a place for .0.254 of a
/// /16, but none for .1.254.
fn move_address(address: Ipv4Addr, old: Ipv4Net, new: Ipv4Net) -> Option<Ipv4Addr> {
    if !old.contains(&address) {
        return None;
    }
    let from_start = u32::from(address) - u32::from(old.network());
    let from_end = u32::from(old.broadcast()) - u32::from(address);
    let room = u32::from(new.broadcast()) - u32::from(new.network());
    let moved = if from_start < room {
        u32::from(new.network()) + from_start
    } else if from_end < room {
        u32::from(new.broadcast()) - from_end
    } else {
        return None;
    };
    let moved = Ipv4Addr::from(moved);
    (moved != new.addr() && moved != new.network() && moved != new.broadcast()).then_some(moved)
}

fn cannot_follow(key: &'static str, value: &str, docker0: Ipv4Net) -> Blocker {
    Blocker::KeyCannotFollow {
        key,
        value: value.to_owned(),
        docker0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn n(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_part_keeps_its_place() {
        let part = |part, old, new| move_part(n(part), n(old), n(new)).map(|net| net.to_string());
        assert_eq!(
            part("172.17.128.0/17", "172.17.0.0/16", "10.200.255.0/24").unwrap(),
            "10.200.255.128/25"
        );
        assert_eq!(
            part("172.17.0.0/16", "172.17.0.0/16", "10.200.255.0/24").unwrap(),
            "10.200.255.0/24"
        );
        assert_eq!(
            part("172.17.192.0/18", "172.17.0.0/16", "10.1.0.0/16").unwrap(),
            "10.1.192.0/18"
        );
        assert!(
            part("172.17.5.0/24", "172.17.0.0/16", "10.200.255.0/24").is_none(),
            "too narrow"
        );
        assert!(
            part("172.18.0.0/17", "172.17.0.0/16", "10.200.255.0/24").is_none(),
            "outside"
        );
    }

    #[test]
    fn an_address_keeps_its_distance_to_an_end() {
        let go = |a: &str, new| {
            move_address(a.parse().unwrap(), n("172.17.0.0/16"), n(new)).map(|a| a.to_string())
        };
        assert_eq!(
            go("172.17.0.254", "10.200.255.1/24").unwrap(),
            "10.200.255.254"
        );
        assert_eq!(
            go("172.17.255.254", "10.200.255.1/24").unwrap(),
            "10.200.255.254"
        );
        assert!(
            go("172.17.0.1", "10.200.255.1/24").is_none(),
            "docker0's own"
        );
        assert!(go("172.17.9.9", "10.200.255.1/24").is_none(), "no twin");
        assert!(go("172.18.0.5", "10.200.255.1/24").is_none(), "outside");
    }
}
