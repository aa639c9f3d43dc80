//! Where the dockerd of this host listens, by its command line and its file.

use super::as_started;
use super::config_file;
use super::service::{self, Service};
use crate::docker::endpoint::{Endpoint, Endpoints, SOCKET};
use crate::docker::{Api, Error};
use crate::facts::ConfigFile;
use crate::host::Host;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// A client of the dockerd that runs now.
pub fn api(host: &Host, deadline: Duration) -> Result<Api, Error> {
    let service = service::read(host);
    let config = config_file::read(host, &service.config_path());
    Api::new(host, &of(host, &service, &config), deadline)
}

/// Whether the engine answers; for use only after a start has been asked for.
pub fn ping(host: &Host, deadline: Duration) -> Result<(), Error> {
    api(host, deadline).map(|_| ())
}

/// Where this dockerd listens.
pub fn of(host: &Host, service: &Service, config: &ConfigFile) -> Endpoints {
    let given = |name: &str| {
        service
            .flags
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let is_on = |name: &str| {
        let flag = given(name).last().is_some_and(|value| value != "false");
        flag || config.keys.get(name) == Some(&Value::Bool(true))
    };
    let tls = is_on("tls") || is_on("tlsverify");
    let by_flag = given("host");
    if !by_flag.is_empty() {
        let mut found = Endpoints::of(by_flag.iter().map(String::as_str), tls);
        if by_flag.iter().any(|one| one.starts_with("fd://")) {
            found.plain.extend(handed_over(host, service));
        }
        return found;
    }
    let Some(Value::Array(in_file)) = config.keys.get("hosts") else {
        return Endpoints::usual();
    };
    let mut found = Endpoints::of(in_file.iter().filter_map(Value::as_str), tls);
    // What has changed since dockerd began does not count yet, or so it seems.
    if !found.plain.contains(&Endpoint::usual()) {
        match is_pending(host, service, config) {
            Some(false) => {}
            Some(true) => found.plain.insert(0, Endpoint::usual()),
            None => found.plain.push(Endpoint::usual()),
        }
    }
    found
}

fn is_pending(host: &Host, service: &Service, config: &ConfigFile) -> Option<bool> {
    let process = service.process.as_ref()?;
    let pidfile = Path::new(process.pidfile?);
    as_started::is_loaded(host, process.pid, pidfile, config).map(|loaded| !loaded)
}

/// The sockets that systemd listens on for dockerd, where they are not the usual one.
fn handed_over(host: &Host, service: &Service) -> Vec<Endpoint> {
    if service.process.is_none() || host.exists(Path::new(SOCKET)) {
        return Vec::new();
    }
    let stem = service.unit.as_deref().unwrap_or_default();
    let own = format!("{}.socket", stem.trim_end_matches(".service"));
    let words = [
        "systemctl",
        "show",
        "--property=Listen",
        "docker.socket",
        &own,
    ];
    let shown = host.run(&words, DEADLINE).stdout;
    let paths = shown
        .lines()
        .filter_map(|line| line.strip_prefix("Listen=")?.strip_suffix(" (Stream)"));
    paths
        .filter(|path| path.starts_with('/'))
        .map(|path| Endpoint::Unix(path.to_owned()))
        .collect()
}
