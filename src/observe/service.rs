//! The Docker service: installed, running, run by what, started with which flags.

use super::flags::{Flags, flags};
use super::init_script::SCRIPT;
use super::next_start::{NextStart, systemd_runs};
use super::process::{self, Process};
use super::unit;
use crate::facts::{DockerState, ServiceManager};
use crate::host::Host;
use std::path::Path;

/// Where dockerd looks for its configuration by itself, and where the snap's does.
const CONFIG: &str = "/etc/docker/daemon.json";
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

/// What is known of the service.
#[derive(Debug)]
pub struct Service {
    pub state: DockerState,
    /// None where rebridge knows no way to restart it.
    pub manager: Option<ServiceManager>,
    /// The unit of systemd that it runs in, or that starts it next.
    pub unit: Option<String>,
    /// The flags that matter here: of the process that runs, else of the next start.
    pub flags: Flags,
    /// When the dockerd that runs began.
    pub started: Option<String>,
    /// The dockerd that runs.
    pub process: Option<Process>,
    snap: bool,
}

impl Service {
    /// That of a dockerd outside its unit, or which its pidfile names. How it will be started next
    /// plays no part.
    pub fn of_process(host: &Host, process: Process) -> Service {
        let words = process.command_line.iter().skip(1).map(String::as_str);
        let (manager, unit) = manager(host, &process);
        Service {
            state: DockerState::Running,
            manager,
            unit,
            flags: flags(words),
            started: process.began(host),
            process: Some(process),
            snap: is_snap(host),
        }
    }

    /// That of a host whose pidfiles name no dockerd.
    pub fn of_next_start(host: &Host, next: &NextStart) -> Service {
        let by_systemd = next.unit.loaded() && systemd_runs(host);
        let process = if by_systemd {
            Process::of_unit(host, &next.unit)
        } else {
            None
        };
        if process.is_none()
            && let Some(process) = Process::of_this_host(host)
        {
            return Service::of_process(host, process);
        }
        let snap = is_snap(host);
        let state = if process.is_some() {
            DockerState::Running
        } else if next.unit.loaded() || snap || installed(host) {
            DockerState::Stopped
        } else {
            DockerState::Absent
        };
        let of_process = process
            .as_ref()
            .filter(|process| !process.command_line.is_empty());
        Service {
            state,
            manager: by_systemd.then_some(ServiceManager::Systemd),
            unit: next.unit.loaded().then(|| next.unit.name.clone()),
            flags: match of_process {
                Some(process) => flags(process.command_line.iter().skip(1).map(String::as_str)),
                None => next.flags(),
            },
            started: None,
            process,
            snap,
        }
    }

    /// The configuration file this dockerd reads.
    pub fn config_path(&self) -> String {
        let default = if self.snap { SNAP_CONFIG } else { CONFIG };
        let given = self
            .flags
            .get("config-file")
            .and_then(|values| values.last());
        given.map_or(default, String::as_str).to_owned()
    }
}

/// Looks at the service.
pub fn read(host: &Host) -> Service {
    match Process::of_pidfile(host) {
        Some(process) => Service::of_process(host, process),
        None => Service::of_next_start(host, &NextStart::read(host, None)),
    }
}

/// The command line of the next start, for running, not for showing: it may hold secrets. Where it
/// cannot be told, that of the dockerd that runs.
pub fn next_command_line(host: &Host) -> Vec<String> {
    let process = Process::of_pidfile(host);
    let (manager, unit) = match &process {
        Some(process) => manager(host, process),
        None => (None, None),
    };
    let next = NextStart::read(host, unit.as_deref());
    let of_unit = next
        .dockerd()
        .filter(|_| manager == Some(ServiceManager::Systemd));
    match (of_unit, process) {
        (Some(program), _) => {
            let words = std::iter::once(program).chain(next.words());
            words.map(str::to_owned).collect()
        }
        (None, Some(process)) => process.command_line,
        (None, None) => Vec::new(),
    }
}

/// The snap's unit.
const SNAP_UNIT: &str = "snap.docker.dockerd.service";

/// What runs a process, and its unit: known by its cgroup, else by what is there to run it.
fn manager(host: &Host, process: &Process) -> (Option<ServiceManager>, Option<String>) {
    if systemd_runs(host)
        && let Some(unit) = process.unit(host)
    {
        if unit == SNAP_UNIT {
            return (Some(ServiceManager::Snap), Some(unit));
        }
        if is_dockers(host, &unit, process) {
            return (Some(ServiceManager::Systemd), Some(unit));
        }
    }
    (by_script(host), None)
}

/// Whether this unit exists to run dockerd. If dockerd was started by hand inside another unit, such
/// as a CI agent's, restarting that unit would end other work.
fn is_dockers(host: &Host, name: &str, process: &Process) -> bool {
    name == unit::NAME
        || unit::read_named(host, name).runs_dockerd()
        || process::main_pid(host, name) == Some(process.pid)
}

fn by_script(host: &Host) -> Option<ServiceManager> {
    let script = host.exists(Path::new(SCRIPT));
    if script && host.exists(Path::new("/run/openrc")) {
        Some(ServiceManager::OpenRc)
    } else if script && !systemd_runs(host) {
        Some(ServiceManager::SysV)
    } else {
        None
    }
}

fn is_snap(host: &Host) -> bool {
    host.exists(Path::new("/var/snap/docker/current")) && !installed(host)
}

fn installed(host: &Host) -> bool {
    dockerd_file(host).is_some()
}

/// The dockerd that is installed, but for the snap's.
pub fn dockerd_file(host: &Host) -> Option<&'static str> {
    [
        "/usr/bin/dockerd",
        "/usr/sbin/dockerd",
        "/usr/local/bin/dockerd",
    ]
    .into_iter()
    .find(|path| host.exists(Path::new(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_file_is_where_a_flag_says_else_where_the_package_has_it() {
        let path = |words: &str, snap| {
            let service = Service {
                state: DockerState::Stopped,
                manager: None,
                flags: flags(words.split_whitespace()),
                unit: None,
                started: None,
                process: None,
                snap,
            };
            service.config_path()
        };
        assert_eq!(
            path("--config-file /a --config-file=/x.json", true),
            "/x.json"
        );
        assert_eq!(path("", false), CONFIG);
        assert_eq!(path("", true), SNAP_CONFIG);
    }
}
