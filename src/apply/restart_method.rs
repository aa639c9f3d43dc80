//! What restarts this Docker: what runs it, or a command of the operator's.

use crate::facts::ServiceManager;
use crate::observe::unit::NAME;
use serde::{Deserialize, Serialize};

/// What restarts this Docker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartMethod {
    /// The unit of systemd that dockerd runs in.
    #[default]
    Systemd,
    /// The snap, whose service systemd runs too.
    Snap,
    /// The init script, by OpenRC.
    OpenRc,
    /// The init script, by whatever `service` calls.
    SysV,
    /// The operator's own words, for a shell.
    Command(String),
}

impl RestartMethod {
    /// The method for what runs this Docker; the operator's own comes first.
    pub fn of(service: Option<ServiceManager>, own: Option<&str>) -> Option<RestartMethod> {
        if let Some(words) = own {
            return Some(RestartMethod::Command(words.to_owned()));
        }
        Some(match service? {
            ServiceManager::Systemd => RestartMethod::Systemd,
            ServiceManager::Snap => RestartMethod::Snap,
            ServiceManager::OpenRc => RestartMethod::OpenRc,
            ServiceManager::SysV => RestartMethod::SysV,
        })
    }

    /// The units whose failures systemd counts, Docker's usual ones.
    pub fn units(&self) -> &'static [&'static str] {
        match self {
            RestartMethod::Systemd | RestartMethod::Command(_) => {
                &["docker.service", "docker.socket"]
            }
            RestartMethod::Snap => &["snap.docker.dockerd.service"],
            RestartMethod::OpenRc | RestartMethod::SysV => &[],
        }
    }

    /// Asks an init script whether what it started still runs.
    pub fn status_command(&self) -> Option<[&str; 3]> {
        match self {
            RestartMethod::OpenRc => Some(["rc-service", "docker", "status"]),
            RestartMethod::SysV => Some(["service", "docker", "status"]),
            RestartMethod::Systemd | RestartMethod::Snap | RestartMethod::Command(_) => None,
        }
    }

    /// What restarts Docker, whose unit is this where it has one.
    pub fn command<'a>(&'a self, unit: Option<&'a str>) -> Vec<&'a str> {
        match self {
            RestartMethod::Systemd => {
                vec!["systemctl", "restart", unit.unwrap_or(NAME)]
            }
            RestartMethod::Snap => vec!["snap", "restart", "docker.dockerd"],
            RestartMethod::OpenRc => vec!["rc-service", "docker", "restart"],
            RestartMethod::SysV => vec!["service", "docker", "restart"],
            RestartMethod::Command(words) => vec!["sh", "-c", words],
        }
    }
}
