//! The Docker service: installed, running, by whom, with which flags.
//!
//! Asked of /proc and, where Docker does not run, of systemd; never of Docker's socket: a
//! connection could start what somebody stopped.

use super::unit;
use crate::facts::{DockerState, ServiceManager};
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where dockerd looks for its configuration unless told otherwise, and where the snap's does.
const CONFIG: &str = "/etc/docker/daemon.json";
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

/// Where dockerd leaves its process id (`/var/run` is a link to `/run`, but not everywhere).
const PIDFILES: [&str; 3] = [
    "/run/docker.pid",
    "/run/snap.docker/docker.pid",
    "/var/run/docker.pid",
];

/// The flags of dockerd that facts may show, in all their spellings; the last is the one they are
/// known by.
const FLAGS: [&[&str]; 9] = [
    &["config-file"],
    &["default-address-pools", "default-address-pool"],
    &["b", "bridge"],
    &["bip"],
    &["fixed-cidr"],
    &["default-gateway"],
    &["host-gateway-ip"],
    &["ip"],
    &["live-restore"],
];

/// What is known of the service.
#[derive(Debug)]
pub struct Service {
    /// Absent, stopped or running.
    pub state: DockerState,
    /// None where rebridge knows no way to restart it.
    pub manager: Option<ServiceManager>,
    /// The flags that matter here, by name.
    pub flags: BTreeMap<String, Vec<String>>,
    /// When the running dockerd began.
    pub started: Option<String>,
    /// Whether this is the snap.
    snap: bool,
}

impl Service {
    /// The configuration file this dockerd reads.
    pub fn config_path(&self) -> String {
        let default = if self.snap { SNAP_CONFIG } else { CONFIG };
        let told = self
            .flags
            .get("config-file")
            .and_then(|values| values.last());
        told.map_or(default, String::as_str).to_owned()
    }
}

/// Looks at the service.
pub fn read(host: &Host) -> Service {
    let snap = host.exists(Path::new("/var/snap/docker/current")) && !installed(host);
    let stopped = |state, manager, arguments: Vec<String>| Service {
        state,
        manager,
        flags: flags(&arguments),
        started: None,
        snap,
    };
    if host.is_image() {
        let state = if snap || installed(host) {
            DockerState::Stopped
        } else {
            DockerState::Absent
        };
        return stopped(state, None, Vec::new());
    }
    let systemd = host.exists(Path::new("/run/systemd/system"));
    if let Some((pidfile, pid)) = PIDFILES
        .iter()
        .find_map(|path| Some((path, dockerd(host, path)?)))
    {
        let running = stopped(
            DockerState::Running,
            manager(host, pid, systemd),
            command_line(host, pid),
        );
        // dockerd writes its pidfile before anything else, so the file's time is of the same clock,
        // at the same moment, as the times it gives to its networks.
        let began = host.modified(Path::new(pidfile)).ok();
        let started = began.map(|time| humantime::format_rfc3339_nanos(time).to_string());
        return Service { started, ..running };
    }
    let unit = if systemd {
        unit::show(host)
    } else {
        unit::Unit::default()
    };
    let manager = unit.loaded.then_some(ServiceManager::Systemd);
    if let Some(pid) = unit.main_pid {
        let arguments = Some(command_line(host, pid))
            .filter(|words| words.iter().any(|word| word.contains("dockerd")));
        return stopped(
            DockerState::Running,
            manager,
            arguments.unwrap_or(unit.arguments),
        );
    }
    let state = if unit.loaded || snap || installed(host) {
        DockerState::Stopped
    } else {
        DockerState::Absent
    };
    stopped(state, manager, unit.arguments)
}

/// The command line of the dockerd that runs; empty where none does. It may hold secrets: for
/// running, not for showing.
pub fn command_line_of_dockerd(host: &Host) -> Vec<String> {
    PIDFILES
        .iter()
        .find_map(|path| dockerd(host, path))
        .map(|pid| command_line(host, pid))
        .unwrap_or_default()
}

/// The users whose own, rootless Docker runs. Its bridges lie in a network namespace of its own.
pub fn rootless_users(host: &Host) -> Vec<u32> {
    if host.is_image() {
        return Vec::new();
    }
    let users = host.list(Path::new("/run/user")).into_iter();
    users
        .filter(|user| dockerd(host, &format!("/run/user/{user}/docker.pid")).is_some())
        .filter_map(|user| user.parse().ok())
        .collect()
}

/// The dockerd a pidfile names, if that process is one.
fn dockerd(host: &Host, pidfile: &str) -> Option<u32> {
    let bytes = host.read(Path::new(pidfile)).ok().flatten()?;
    let pid: u32 = String::from_utf8_lossy(&bytes).trim().parse().ok()?;
    let name = host.read(&proc(pid, "comm")).ok().flatten()?;
    (name == b"dockerd\n").then_some(pid)
}

/// Who runs a process: known by its cgroup, whatever hierarchies there are; else by what is there
/// to run it.
fn manager(host: &Host, pid: u32, systemd: bool) -> Option<ServiceManager> {
    let bytes = host
        .read(&proc(pid, "cgroup"))
        .ok()
        .flatten()
        .unwrap_or_default();
    let groups = String::from_utf8_lossy(&bytes);
    let in_group = |name: &str| {
        groups
            .lines()
            .any(|line| line.split('/').any(|part| part == name))
    };
    let script = host.exists(Path::new("/etc/init.d/docker"));
    if systemd && in_group("snap.docker.dockerd.service") {
        Some(ServiceManager::Snap)
    } else if systemd && in_group("docker.service") {
        Some(ServiceManager::Systemd)
    } else if script && host.exists(Path::new("/run/openrc")) {
        Some(ServiceManager::OpenRc)
    } else if script && !systemd {
        Some(ServiceManager::SysV)
    } else {
        None
    }
}

fn command_line(host: &Host, pid: u32) -> Vec<String> {
    let bytes = host
        .read(&proc(pid, "cmdline"))
        .ok()
        .flatten()
        .unwrap_or_default();
    let words = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty());
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn proc(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

fn installed(host: &Host) -> bool {
    [
        "/usr/bin/dockerd",
        "/usr/sbin/dockerd",
        "/usr/local/bin/dockerd",
    ]
    .iter()
    .any(|path| host.exists(Path::new(path)))
}

/// The flags that matter, from a command line.
fn flags(arguments: &[String]) -> BTreeMap<String, Vec<String>> {
    let named = FLAGS
        .iter()
        .filter_map(|names| Some(((*names.last()?).to_owned(), flag_values(arguments, names))));
    named.filter(|(_, values)| !values.is_empty()).collect()
}

/// The values a command line gives to a flag, in any of its spellings: `--bip=X`, `--bip X`, `-b
/// X`.
fn flag_values(arguments: &[String], names: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    let mut words = arguments.iter().skip(1).peekable();
    while let Some(word) = words.next() {
        let name = word.trim_start_matches('-');
        if name.len() == word.len() {
            continue;
        }
        match name.split_once('=') {
            Some((name, value)) if names.contains(&name) => values.push(value.to_owned()),
            None if names.contains(&name) => {
                let value = words.next_if(|next| !next.starts_with('-'));
                values.push(value.cloned().unwrap_or_default());
            }
            Some(_) | None => {}
        }
    }
    values
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn finds_flags_in_every_spelling_and_keeps_no_others() {
        let argv = "dockerd -H fd:// --bip=10.0.0.1/24 -b br0 --default-address-pool \
                    base=10.0.0.0/8,size=24 --http-proxy http://user:secret@proxy --config-file \
                    /x.json --live-restore";
        let argv: Vec<String> = argv.split_whitespace().map(str::to_owned).collect();
        let flags = flags(&argv);
        assert_eq!(flags["bip"], ["10.0.0.1/24"]);
        assert_eq!(flags["bridge"], ["br0"]);
        assert_eq!(flags["default-address-pool"], ["base=10.0.0.0/8,size=24"]);
        assert_eq!(flags["live-restore"], [""]);
        assert!(!format!("{flags:?}").contains("secret"));
        let service = Service {
            state: DockerState::Stopped,
            manager: None,
            flags,
            started: None,
            snap: true,
        };
        assert_eq!(service.config_path(), "/x.json");
    }
}
