//! What is looked at after a change, and how it should be.

use crate::policy::option::{BadValue, Opt};
use serde::{Deserialize, Serialize};
use std::net::{SocketAddr, ToSocketAddrs};

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// What it should be.
    pub wanted: String,
    /// What it is.
    pub found: String,
    /// Whether these agree.
    pub ok: bool,
}

impl Check {
    pub fn equal(what: &str, wanted: impl ToString, found: impl ToString) -> Check {
        let (wanted, found) = (wanted.to_string(), found.to_string());
        Check {
            what: what.to_owned(),
            ok: wanted == found,
            wanted,
            found,
        }
    }

    /// "docker0's address is X, not Y".
    pub fn complaint(&self) -> String {
        // "unanswered" says already that "answered" was wanted.
        let but = if self.found.starts_with(&format!("un{}", self.wanted)) {
            String::new()
        } else {
            format!(", not {}", self.wanted)
        };
        format!("{} is {}{but}", self.what, self.found)
    }
}

/// An address that must be reachable after the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// As the operator wrote it.
    pub name: String,
    /// Looked up before anything was touched: later there may be no nameserver to ask.
    pub addresses: Vec<SocketAddr>,
}

impl Probe {
    pub fn look_up_all(names: &[String]) -> Result<Vec<Probe>, BadValue> {
        names.iter().map(|name| Probe::look_up(name)).collect()
    }

    fn look_up(name: &str) -> Result<Probe, BadValue> {
        match name.to_socket_addrs() {
            Ok(addresses) => Ok(Probe {
                name: name.to_owned(),
                addresses: addresses.collect(),
            }),
            Err(error) => {
                let why = format!("{error}; write HOST:PORT, for example 172.17.50.10:8080");
                Err(BadValue::at(Opt::Probe, name, why))
            }
        }
    }
}
