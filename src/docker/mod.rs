//! The client of the engine: its API over its unix socket, spoken in a version both sides know.

pub mod containers;
pub mod http;
pub mod networks;

use crate::facts::Network;
use crate::host::Host;
use http::{Answer, Client};
use networks::ApiNetwork;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// The engine's socket on every Linux distribution (`/var/run` is a link to `/run`).
const SOCKET: &str = "/run/docker.sock";

/// The newest API version this was written for.
const NEWEST: ApiVersion = (1, 51);

/// Major and minor.
type ApiVersion = (u32, u32);

/// Whether the engine answers; for use only after a start has been asked for.
pub fn ping(host: &Host, deadline: Duration) -> Result<(), String> {
    Api::new(host, deadline).map(|_| ())
}

/// A client that has agreed with the engine on an API version: the engine's newest, or ours where
/// that is older.
pub struct Api {
    client: Client,
    version: ApiVersion,
}

impl Api {
    /// Asks which version the engine speaks. Every later call ends within the deadline too.
    pub fn new(host: &Host, deadline: Duration) -> Result<Api, String> {
        let socket = host
            .resolve(Path::new(SOCKET))
            .map_err(|error| format!("{SOCKET}: {error}"))?;
        let client = Client::new(&socket, deadline);
        let pong = client
            .get("/_ping")
            .map_err(|error| format!("{SOCKET}: {}", explain(&error)))?;
        if !pong.ok {
            return Err(format!("{SOCKET}: {}", refusal("/_ping", &pong.body)));
        }
        let theirs = pong.api.as_deref().and_then(|text| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        });
        // Without the header it is no engine of this century; it will say so itself.
        Ok(Api {
            client,
            version: theirs.map_or(NEWEST, |theirs: ApiVersion| theirs.min(NEWEST)),
        })
    }

    /// What a GET answers.
    pub fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let answer = self.client.get(&self.versioned(path));
        let answer = answer.map_err(|error| format!("{SOCKET}: {}", explain(&error)))?;
        if !answer.ok {
            return Err(format!("{SOCKET}: {}", refusal(path, &answer.body)));
        }
        understand(&answer.body)
            .map_err(|error| format!("{SOCKET}: the answer to {path} was not understood: {error}"))
    }

    /// Orders something with a POST that has no body; the engine's own words if it will not.
    pub fn order(&self, path: &str) -> Result<(), String> {
        obeyed(self.client.post(&self.versioned(path)))
    }

    /// Orders something with a POST of these words.
    pub fn order_with(&self, path: &str, body: &Value) -> Result<(), String> {
        obeyed(self.client.post_json(&self.versioned(path), body))
    }

    /// Orders the removal of something.
    pub fn remove(&self, path: &str) -> Result<(), String> {
        obeyed(self.client.delete(&self.versioned(path)))
    }

    fn versioned(&self, path: &str) -> String {
        let (major, minor) = self.version;
        format!("/v{major}.{minor}{path}")
    }
}

/// The engine's own words if it did not do as it was told.
fn obeyed(answer: Result<Answer, ureq::Error>) -> Result<(), String> {
    let answer = answer.map_err(|error| explain(&error))?;
    if answer.ok || answer.unchanged {
        Ok(())
    } else {
        Err(words_of(&answer.body))
    }
}

/// A name that is not UTF-8 must not hide all the others.
fn understand<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(&String::from_utf8_lossy(body))
}

/// The networks in an answer to `GET /networks`.
pub fn networks_of(body: &[u8]) -> serde_json::Result<Vec<Network>> {
    Ok(understand::<Vec<ApiNetwork>>(body)?
        .into_iter()
        .map(ApiNetwork::read)
        .collect())
}

fn refusal(path: &str, body: &[u8]) -> String {
    format!("the engine refused {path}: {}", words_of(body))
}

/// The engine's own words, as far as they fit in a sentence.
fn words_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let message = serde_json::from_str::<serde_json::Value>(&text).ok();
    let message = message
        .as_ref()
        .and_then(|value| value.get("message")?.as_str())
        .unwrap_or(&text);
    message
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect()
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
