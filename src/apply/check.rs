//! What is checked after a change, and how it should be.

use crate::policy::option::{BadValue, Opt};
use serde::{Deserialize, Serialize};
use std::net::{SocketAddr, ToSocketAddrs};

/// One thing that was checked.
// The texts are for readers; nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// What it should be.
    pub wanted: String,
    /// What it is.
    pub found: String,
    /// Whether these agree.
    pub ok: bool,
    #[serde(skip)]
    pub kind: Found,
}

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Found {
    /// Something, right or wrong. It stays as it is.
    #[default]
    Something,
    /// Nothing is there, perhaps not yet.
    Nothing,
    /// There was no answer, perhaps not yet.
    NoAnswer,
}

impl Check {
    /// Two texts that should be equal.
    pub fn equal(what: &str, wanted: impl ToString, found: impl ToString) -> Check {
        let (wanted, found) = (wanted.to_string(), found.to_string());
        Check {
            what: what.to_owned(),
            ok: wanted == found,
            wanted,
            found,
            kind: Found::Something,
        }
    }

    /// Two values that should be equal, and either of which may be none.
    pub fn value<T: ToString, U: ToString>(
        what: &str,
        wanted: Option<T>,
        found: Option<U>,
    ) -> Check {
        let kind = match found {
            Some(_) => Found::Something,
            None => Found::Nothing,
        };
        Check {
            kind,
            ..Check::equal(what, or_none(wanted), or_none(found))
        }
    }

    /// Something that is as it should be unless a fault was found.
    pub fn faultless(what: &str, wanted: &str, fault: Option<String>) -> Check {
        Check {
            what: what.to_owned(),
            ok: fault.is_none(),
            wanted: wanted.to_owned(),
            found: fault.unwrap_or_else(|| wanted.to_owned()),
            kind: Found::Something,
        }
    }

    /// Something that could not be judged, and says so.
    pub fn untested(what: &str, wanted: &str, found: &str) -> Check {
        Check {
            found: found.to_owned(),
            ..Check::faultless(what, wanted, None)
        }
    }

    /// Whether the engine can be asked.
    pub fn engine(fault: Option<String>) -> Check {
        let kind = match fault {
            Some(_) => Found::Nothing,
            None => Found::Something,
        };
        Check {
            kind,
            ..Check::faultless("the engine", "up", fault)
        }
    }

    /// Whether an address answers; if not, why.
    pub fn answered(what: &str, answer: Result<(), String>) -> Check {
        match answer {
            Ok(()) => Check::faultless(what, "answered", None),
            Err(why) => Check {
                kind: Found::NoAnswer,
                ..Check::faultless(what, "answered", Some(format!("unanswered ({why})")))
            },
        }
    }

    /// Whether what is missing may still be on its way.
    pub fn may_still_come(&self) -> bool {
        !self.ok && self.kind != Found::Something
    }
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or("none".to_owned(), |value| value.to_string())
}

/// An address that must be reachable after the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// As the operator wrote it.
    pub name: String,
    /// Looked up before anything was touched: later there may be no nameserver to ask.
    pub addresses: Vec<SocketAddr>,
    /// The container from which it must be reachable; none for this host itself.
    pub container: Option<String>,
}

impl Probe {
    pub fn look_up_all(names: &[String]) -> Result<Vec<Probe>, BadValue> {
        names.iter().map(|name| Probe::look_up(name)).collect()
    }

    /// "web=172.17.50.10:8080": from inside the container web.
    pub fn from_a_container(text: &str) -> Result<Probe, BadValue> {
        let usage = || {
            let example = "write NAME=HOST:PORT, for example web=172.17.50.10:8080";
            BadValue::plain(format!("--probe-container {text}: {example}"))
        };
        let (container, address) = text.split_once('=').ok_or_else(usage)?;
        let addresses = address.to_socket_addrs().map_err(|_| usage())?;
        Ok(Probe {
            name: address.to_owned(),
            addresses: addresses.collect(),
            container: Some(container.to_owned()),
        })
    }

    fn look_up(name: &str) -> Result<Probe, BadValue> {
        match name.to_socket_addrs() {
            Ok(addresses) => Ok(Probe {
                name: name.to_owned(),
                addresses: addresses.collect(),
                container: None,
            }),
            Err(error) => {
                let why = format!("{error}; write HOST:PORT, for example 172.17.50.10:8080");
                Err(BadValue::at(Opt::Probe, name, why))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_may_still_come() {
        let none: Option<&str> = None;
        let awaited = [
            Check::value("docker0's address", Some("10.0.0.1/24"), none),
            Check::engine(Some("down".to_owned())),
            Check::answered("probe web:80", Err("connection refused".to_owned())),
        ];
        assert!(awaited.iter().all(Check::may_still_come), "{awaited:?}");
        let settled = [
            Check::value(
                "docker0's address",
                Some("10.0.0.1/24"),
                Some("10.9.0.1/24"),
            ),
            Check::value("a route of the old range", none, Some("172.17.0.0/16")),
            Check::value("docker0's address", none, none),
            Check::engine(None),
        ];
        assert!(!settled.iter().any(Check::may_still_come), "{settled:?}");
    }
}
