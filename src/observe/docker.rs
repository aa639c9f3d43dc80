//! What is known of Docker: by its process and its file, by how it starts next, and by its own word.

use super::as_started::{self, AsStarted};
use super::engine::{self, Depth};
use super::next_start::NextStart;
use super::service::{self, Service};
use super::{config_file, package, set_by_rebridge, stored_networks, unit};
use crate::docker::endpoint::Endpoints;
use crate::docker::{Error, Kind};
use crate::facts::{ConfigFile, Docker, DockerState, Engine, NotAsked, ServiceManager};
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// It prints a line and exits; a cold disk may take its time.
const DOCKERD_DEADLINE: Duration = Duration::from_secs(10);

/// What its process and its file tell of Docker.
pub fn known_without_asking(host: &Host, service: &Service) -> Docker {
    Docker {
        state: service.state,
        service: service.manager,
        unit: service.unit.clone().filter(|unit| unit != unit::NAME),
        started: service.started.clone(),
        flags: service.flags.clone(),
        next_flags: None,
        next_data_root: None,
        dependents: Vec::new(),
        listens: Vec::new(),
        not_asked: None,
        flag_places: BTreeMap::new(),
        installed_version: installed_version(host, service.state),
        rootless: Vec::new(),
        rootless_networks: Vec::new(),
        engine: None,
        stored: None,
        set_by_rebridge: set_by_rebridge::read(host, &service.config_path()),
        config: config_file::read(host, &service.config_path()),
    }
}

/// Where the Docker that starts next keeps its data.
pub fn data_root(docker: &Docker) -> &str {
    let by_flag = docker.next_flag("data-root").last().map(String::as_str);
    let in_file = || {
        let keys = &docker.config.keys;
        keys.get("data-root").or(keys.get("graph"))?.as_str()
    };
    by_flag.or_else(in_file).unwrap_or(match docker.service {
        Some(ServiceManager::Snap) => stored_networks::SNAP_DATA_ROOT,
        _ => stored_networks::DATA_ROOT,
    })
}

/// The version of the dockerd that would start. Asked of the file itself, as Docker is stopped.
fn installed_version(host: &Host, state: DockerState) -> Option<String> {
    if state != DockerState::Stopped {
        return None;
    }
    if host.is_image() {
        return package::docker_version(host);
    }
    let done = host.run(
        &[service::dockerd_file(host)?, "--version"],
        DOCKERD_DEADLINE,
    );
    let said = done.stdout.strip_prefix("Docker version ")?;
    Some(said.split(',').next()?.trim().to_owned())
}

pub fn add_next_start(host: &Host, docker: &mut Docker, next: &NextStart) {
    if docker.state == DockerState::Running {
        docker.next_flags = next.other_flags(docker.service, &docker.flags);
        let root = Path::new(data_root(docker));
        let root = host.resolve(root).unwrap_or_else(|_| root.to_owned());
        docker.next_data_root = Some(root.to_string_lossy().into_owned());
    }
    docker.flag_places = next.places(host);
}

/// The engine's settings, where they are certain without asking it.
fn settings(host: &Host, service: &Service, config: &ConfigFile) -> Option<AsStarted> {
    let process = service.process.as_ref()?;
    let pidfile = Path::new(process.pidfile?);
    let by_flag = ["default-address-pool", "live-restore"];
    if by_flag.iter().any(|flag| service.flags.contains_key(*flag)) {
        return None;
    }
    as_started::read(host, process.pid, pidfile, config)
}

/// The engine's view; none where it does not run. Docker's socket may be socket-activated: a
/// question would start what the operator stopped.
pub fn ask_engine(
    host: &Host,
    endpoints: &Endpoints,
    depth: Depth,
    service: &Service,
    config: &ConfigFile,
) -> Result<Option<Engine>, Error> {
    let settings = match depth {
        Depth::Check => settings(host, service, config),
        Depth::Verify | Depth::Act => None,
    };
    match service.state {
        DockerState::Running => engine::read(host, endpoints, depth, settings).map(Some),
        DockerState::Stopped | DockerState::Absent => Ok(None),
    }
}

/// What keeps an engine from being asked ever, not just now.
pub fn not_asked(error: &Error) -> Option<NotAsked> {
    match error.kind {
        Kind::TlsOnly => Some(NotAsked::TlsOnly(error.at.to_string())),
        Kind::Podman => Some(NotAsked::Podman(error.at.to_string())),
        _ => None,
    }
}
