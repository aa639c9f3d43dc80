//! The client of the engine: its API, spoken in a version both sides know.

pub mod containers;
pub mod endpoint;
mod error;
pub mod http;
pub mod networks;

use crate::facts::Network;
use crate::host::Host;
use endpoint::{Endpoint, Endpoints};
pub use error::{Error, Kind};
use http::{Answer, Client};
use networks::ApiNetwork;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// The newest API version this was tried with, Docker 29.7's.
const NEWEST: ApiVersion = ApiVersion {
    major: 1,
    minor: 55,
};

/// A version of the engine's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ApiVersion {
    major: u32,
    minor: u32,
}

impl ApiVersion {
    fn parse(text: &str) -> Option<ApiVersion> {
        let (major, minor) = text.split_once('.')?;
        Some(ApiVersion {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

/// A client that has agreed with the engine on an API version. It may be used by several threads at
/// once.
pub struct Api {
    client: Client,
    endpoint: Endpoint,
    /// None until it is agreed upon: `/_ping` and `/version` go without.
    version: Option<ApiVersion>,
    engine: Option<PingedEngine>,
}

/// What the engine tells of itself by the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingedEngine {
    /// Such as `26.1.5`.
    pub version: String,
    /// Whether this node is part of a swarm.
    pub swarm: bool,
}

/// `GET /version`, as far as it matters here.
#[derive(Deserialize)]
struct Versions {
    #[serde(rename = "MinAPIVersion", default)]
    oldest: String,
}

impl Api {
    /// Asks at the first of the endpoints that is there which versions the engine speaks. Every
    /// later call ends within the deadline too.
    pub fn new(host: &Host, endpoints: &Endpoints, deadline: Duration) -> Result<Api, Error> {
        let mut first = None;
        for endpoint in &endpoints.plain {
            match Api::at(host, endpoint, deadline) {
                Err(error) if error.is_down() => drop(first.get_or_insert(error)),
                answer => return answer,
            }
        }
        Err(first.unwrap_or_else(|| match &endpoints.tls_only {
            Some(at) => Error {
                at: at.as_str().into(),
                kind: Kind::TlsOnly,
            },
            None => Kind::Down("dockerd does not listen there".to_owned()).at(&Endpoint::usual()),
        }))
    }

    fn at(host: &Host, endpoint: &Endpoint, deadline: Duration) -> Result<Api, Error> {
        let connected = match endpoint {
            Endpoint::Unix(path) => host
                .resolve(Path::new(path))
                .map(|path| Endpoint::Unix(path.to_string_lossy().into_owned()))
                .map_err(|error| Kind::Down(error.to_string()).at(endpoint))?,
            Endpoint::Tcp(_) => endpoint.clone(),
        };
        let mut api = Api {
            client: Client::new(&connected, deadline),
            endpoint: endpoint.clone(),
            version: None,
            engine: None,
        };
        let pong = api.get("/_ping")?;
        if pong.header("Libpod-Api-Version").is_some() {
            return Err(Kind::Podman.at(endpoint));
        }
        // Without the header it is no engine of this century; it will say so itself.
        let theirs = pong.header("Api-Version").and_then(ApiVersion::parse);
        api.version = Some(match theirs {
            Some(theirs) if theirs > NEWEST => NEWEST.max(api.oldest()),
            Some(theirs) => theirs,
            None => NEWEST,
        });
        api.engine = PingedEngine::of(&pong);
        Ok(api)
    }

    /// What the engine has told of itself, if it has: 20.10 is silent about its swarm.
    pub fn engine(&self) -> Option<&PingedEngine> {
        self.engine.as_ref()
    }

    /// The oldest version the engine still speaks: one day it will be newer than ours.
    fn oldest(&self) -> ApiVersion {
        let versions: Result<Versions, Error> = self.ask("/version");
        let oldest = versions.ok().and_then(|all| ApiVersion::parse(&all.oldest));
        oldest.unwrap_or(NEWEST)
    }

    /// What a GET answers.
    pub fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let answer = self.get(path)?;
        understand(&answer.body).map_err(|error| self.not_understood(path, &error.to_string()))
    }

    /// That an answer made no sense.
    pub fn not_understood(&self, question: &str, why: &str) -> Error {
        let kind = Kind::NotUnderstood {
            question: question.to_owned(),
            why: why.to_owned(),
        };
        kind.at(&self.endpoint)
    }

    /// Orders something with a POST that has no body; the engine's own words if it will not.
    pub fn order(&self, path: &str) -> Result<(), Error> {
        self.obeyed(path, self.client.post(&self.versioned(path)))
    }

    /// Orders something with a POST of these words.
    pub fn order_with(&self, path: &str, body: &Value) -> Result<(), Error> {
        self.obeyed(path, self.client.post_json(&self.versioned(path), body))
    }

    /// Orders the removal of something.
    pub fn remove(&self, path: &str) -> Result<(), Error> {
        self.obeyed(path, self.client.delete(&self.versioned(path)))
    }

    fn get(&self, path: &str) -> Result<Answer, Error> {
        let answer = self.client.get(&self.versioned(path));
        let answer = answer.map_err(|error| Kind::of_request(path, &error).at(&self.endpoint))?;
        if answer.ok() {
            Ok(answer)
        } else {
            Err(Kind::refused(Some(path), answer.status, &answer.body).at(&self.endpoint))
        }
    }

    /// The engine's own words if it did not do as it was told; what is so already is fine.
    fn obeyed(&self, path: &str, answer: Result<Answer, ureq::Error>) -> Result<(), Error> {
        let answer = answer.map_err(|error| Kind::of_request(path, &error).at(&self.endpoint))?;
        if answer.ok() || answer.unchanged() {
            Ok(())
        } else {
            Err(Kind::refused(None, answer.status, &answer.body).at(&self.endpoint))
        }
    }

    fn versioned(&self, path: &str) -> String {
        match self.version {
            Some(ApiVersion { major, minor }) => format!("/v{major}.{minor}{path}"),
            None => path.to_owned(),
        }
    }
}

impl PingedEngine {
    /// `Server: Docker/26.1.5 (linux)` and `Swarm: inactive`.
    fn of(pong: &Answer) -> Option<PingedEngine> {
        let product = pong.header("Server")?.split(' ').next()?;
        Some(PingedEngine {
            version: product.strip_prefix("Docker/")?.to_owned(),
            swarm: pong.header("Swarm")? != "inactive",
        })
    }
}

/// A name that is not UTF-8 must not hide all the others.
fn understand<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(&String::from_utf8_lossy(body))
}

/// The networks in an answer to `GET /networks`.
pub fn networks_of(body: &[u8]) -> serde_json::Result<Vec<Network>> {
    let networks: Vec<ApiNetwork> = understand(body)?;
    Ok(networks.into_iter().map(ApiNetwork::read).collect())
}
