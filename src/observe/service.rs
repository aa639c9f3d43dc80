//! The Docker service: installed, running, by whom, with which command line.
//!
//! Asked of systemd and of /proc, never of Docker's socket: a connection could start what somebody stopped.

use super::facts::DockerState;
use crate::host::Host;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// systemd answers at once or is in trouble.
const SYSTEMCTL_DEADLINE: Duration = Duration::from_secs(20);

/// Where dockerd looks for its configuration unless told otherwise.
const DEFAULT_CONFIG: &str = "/etc/docker/daemon.json";

/// What is known of the service.
#[derive(Debug)]
pub struct Service {
    /// Absent, stopped or running.
    pub state: DockerState,
    /// `systemd`, where systemd manages it.
    pub manager: Option<String>,
    /// dockerd's command line.
    pub arguments: Vec<String>,
}

impl Service {
    /// The configuration file this dockerd reads.
    pub fn config_path(&self) -> String {
        flag_values(&self.arguments, &["config-file"]).pop().unwrap_or_else(|| DEFAULT_CONFIG.to_owned())
    }
}

/// Looks at the service.
pub fn read(host: &Host) -> Service {
    let systemd = !host.is_image() && host.exists(Path::new("/run/systemd/system"));
    let unit = if systemd { show_unit(host) } else { HashMap::new() };
    let get = |key: &str| unit.get(key).map(String::as_str).unwrap_or_default();
    let loaded = get("LoadState") == "loaded";
    let main_pid = get("MainPID").parse::<u32>().ok().filter(|pid| *pid != 0);
    let pid = main_pid.or_else(|| dockerd_by_pidfile(host));
    let arguments = match pid.and_then(|pid| command_line(host, pid)) {
        Some(arguments) => arguments,
        None => arguments_of_unit(get("ExecStart")),
    };
    let active = matches!(get("ActiveState"), "active" | "reloading" | "activating");
    let state = if active && main_pid.is_some() || pid.is_some() {
        DockerState::Running
    } else if loaded || installed(host) {
        DockerState::Stopped
    } else {
        DockerState::Absent
    };
    Service { state, manager: loaded.then(|| "systemd".to_owned()), arguments }
}

fn show_unit(host: &Host) -> HashMap<String, String> {
    let properties = "--property=LoadState,ActiveState,MainPID,ExecStart";
    let done = host.run(&["systemctl", "show", "docker.service", properties], SYSTEMCTL_DEADLINE);
    let pairs = done.stdout.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A dockerd that systemd does not know of, found as its own start-up check finds it.
fn dockerd_by_pidfile(host: &Host) -> Option<u32> {
    if host.is_image() {
        return None;
    }
    let bytes =
        ["/run/docker.pid", "/var/run/docker.pid"].iter().find_map(|path| host.read(Path::new(path)).ok().flatten())?;
    let pid: u32 = String::from_utf8_lossy(&bytes).trim().parse().ok()?;
    let name = host.read(&proc(pid, "comm")).ok().flatten()?;
    (name == b"dockerd\n").then_some(pid)
}

fn command_line(host: &Host, pid: u32) -> Option<Vec<String>> {
    let bytes = host.read(&proc(pid, "cmdline")).ok().flatten()?;
    let words: Vec<String> = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    (!words.is_empty()).then_some(words)
}

fn proc(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// `{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ; ignore_errors=no ; … }`
fn arguments_of_unit(exec_start: &str) -> Vec<String> {
    let argv = exec_start.split("argv[]=").nth(1).and_then(|rest| rest.split(" ;").next());
    argv.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn installed(host: &Host) -> bool {
    ["/usr/bin/dockerd", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"].iter().any(|path| host.exists(Path::new(path)))
}

/// The values a command line gives to a flag, in any of its spellings: `--bip=X`, `--bip X`, `-b X`.
pub fn flag_values(arguments: &[String], names: &[&str]) -> Vec<String> {
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

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn finds_flags_in_every_spelling() {
        let argv = words("dockerd -H fd:// --bip=10.0.0.1/24 -b br0 --default-address-pool base=10.0.0.0/8,size=24");
        assert_eq!(flag_values(&argv, &["bip"]), ["10.0.0.1/24"]);
        assert_eq!(flag_values(&argv, &["b", "bridge"]), ["br0"]);
        assert_eq!(flag_values(&argv, &["default-address-pool"]), ["base=10.0.0.0/8,size=24"]);
        assert!(flag_values(&argv, &["fixed-cidr"]).is_empty());
    }

    #[test]
    fn reads_the_command_line_of_a_unit() {
        let show = "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --config-file /x.json $DOCKER_OPTS ; \
                    ignore_errors=no ; start_time=[n/a] }";
        let service = Service { state: DockerState::Stopped, manager: None, arguments: arguments_of_unit(show) };
        assert_eq!(service.config_path(), "/x.json");
        assert!(arguments_of_unit("").is_empty());
    }
}
