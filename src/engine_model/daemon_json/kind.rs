//! The types of values, as Go decodes them. `null` fits every type but a size.

use crate::facts::pools::PoolList;
use serde_json::Value;
use std::net::IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Switch,
    /// A whole number.
    Number,
    /// The same, not below zero.
    Count,
    Text,
    Texts,
    /// An object of texts.
    TextMap,
    /// An object of switches.
    SwitchMap,
    /// An object of objects.
    ObjectMap,
    /// An object of objects of texts.
    TextMaps,
    Object,
    Address,
    Addresses,
    /// A network, spelled as a text.
    Network,
    /// A number of bytes, spelled as a text such as "64M".
    Size,
    Pools,
    /// How much dockerd writes into its log.
    Level,
}

impl Kind {
    /// What is wanted instead of this value, if it does not fit.
    pub fn objection(self, value: &Value) -> Option<&'static str> {
        (!self.fits(value)).then(|| self.wanted())
    }

    fn fits(self, value: &Value) -> bool {
        if value.is_null() {
            return self != Kind::Size;
        }
        match self {
            Kind::Switch => value.is_boolean(),
            Kind::Number => is_whole(value),
            Kind::Count => value.is_u64(),
            Kind::Text => value.is_string(),
            Kind::Texts => is_list(value, is_text),
            Kind::TextMap => is_map(value, is_text),
            Kind::SwitchMap => is_map(value, |one| one.is_boolean() || one.is_null()),
            Kind::ObjectMap => is_map(value, |one| one.is_object() || one.is_null()),
            Kind::TextMaps => is_map(value, |one| one.is_null() || is_map(one, is_text)),
            Kind::Object => value.is_object(),
            Kind::Address => is_address(value),
            Kind::Addresses => is_list(value, is_address),
            Kind::Network => value.as_str().is_some_and(is_network),
            Kind::Size => value.as_str().is_some_and(is_size),
            Kind::Pools => are_pools(value),
            Kind::Level => value.as_str().is_some_and(is_level),
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Kind::Switch => "true or false without quotes",
            Kind::Number => "a whole number without quotes",
            Kind::Count => "a whole number from 0 on without quotes",
            Kind::Text => "a text in quotes",
            Kind::Texts => "a list of texts",
            Kind::TextMap => "an object whose values are texts in quotes",
            Kind::SwitchMap => "an object whose values are true or false",
            Kind::ObjectMap => "an object of objects",
            Kind::TextMaps => "an object of objects whose values are texts in quotes",
            Kind::Object => "an object",
            Kind::Address => "an IP address in quotes",
            Kind::Addresses => "a list of IP addresses",
            Kind::Network => "an address with a prefix length, such as \"10.0.0.1/24\"",
            Kind::Size => "a size in quotes, such as \"64M\"",
            Kind::Pools => "a list of pools, such as {\"base\": \"10.0.0.0/16\", \"size\": 24}",
            Kind::Level => "one of \"debug\", \"info\", \"warn\", \"error\", \"fatal\"",
        }
    }
}

fn is_text(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

/// `1.0` and `1e3` are no whole numbers to Go.
fn is_whole(value: &Value) -> bool {
    value.is_i64()
}

fn is_list(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(fits))
}

fn is_map(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_object().is_some_and(|map| map.values().all(fits))
}

fn is_address(value: &Value) -> bool {
    let is_one = |text: &str| text.is_empty() || text.trim().parse::<IpAddr>().is_ok();
    value.is_null() || value.as_str().is_some_and(is_one)
}

fn is_network(text: &str) -> bool {
    text.is_empty() || text.parse::<ipnet::IpNet>().is_ok()
}

/// Digits, a unit, an optional "b" or "ib".
fn is_size(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = text.get(digits.len()..).unwrap_or_default().trim_start();
    let units = ["", "b", "k", "m", "g", "t", "p"];
    let unit = unit
        .strip_suffix("ib")
        .or(unit.strip_suffix('b'))
        .unwrap_or(unit);
    units.contains(&unit) && digits.parse::<f64>().is_ok_and(|size| size >= 0.0)
}

/// As every engine reads them; with an entry that is none, no engine starts.
fn are_pools(value: &Value) -> bool {
    PoolList::of_key(value).is_none_or(|list| list.faults.is_empty())
}

fn is_level(text: &str) -> bool {
    let levels = [
        "", "panic", "fatal", "error", "warn", "warning", "info", "debug", "trace",
    ];
    levels.contains(&text.to_ascii_lowercase().as_str())
}
