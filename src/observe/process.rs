//! The dockerd that runs: found by its pidfile or by its unit's processes, never by its socket: a
//! connection could start what the operator stopped.

use super::unit::{Unit, is_dockerd};
use crate::host::Host;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where dockerd leaves its process id (`/var/run` is a link to `/run`, but not everywhere).
pub const PIDFILES: [&str; 3] = [
    "/run/docker.pid",
    "/run/snap.docker/docker.pid",
    "/var/run/docker.pid",
];

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// A dockerd that runs.
#[derive(Debug, Clone)]
pub struct Process {
    pub pid: u32,
    /// The pidfile that names it; else systemd knows it for the unit's.
    pub pidfile: Option<&'static str>,
    /// Its command line; empty where it is hidden from us. It may hold secrets.
    pub command_line: Vec<String>,
}

impl Process {
    fn new(host: &Host, pid: u32, pidfile: Option<&'static str>) -> Process {
        Process {
            pid,
            pidfile,
            command_line: command_line(host, pid),
        }
    }

    /// The dockerd that a pidfile names, if we may see how it was started.
    pub fn of_pidfile(host: &Host) -> Option<Process> {
        if host.is_image() {
            return None;
        }
        PIDFILES.iter().find_map(|pidfile| {
            let process = Process::new(host, dockerd(host, pidfile)?, Some(pidfile));
            Some(process).filter(|process| !process.command_line.is_empty())
        })
    }

    /// The dockerd among the processes of its unit.
    pub fn of_unit(host: &Host, unit: &Unit) -> Option<Process> {
        let pids = pids_of_unit(host, unit);
        // To other users than root all processes may be hidden but their own.
        let hidden = |pid: &u32| !host.exists(&proc(*pid, "comm"));
        let pid = match pids {
            Some(pids) if !pids.iter().any(hidden) => {
                pids.into_iter().find(|pid| runs_dockerd(host, *pid))
            }
            Some(_) | None => main_pid(host, &unit.name),
        };
        Some(Process::new(host, pid?, None))
    }

    /// One that no pidfile and no unit names: started by hand, with a pidfile of its own. Not one in a
    /// container, nor a rootless one: those have namespaces of their own.
    pub fn of_this_host(host: &Host) -> Option<Process> {
        // Worth a look at every process only where Docker has left a bridge. Not from /sys, which may
        // show the links of another namespace.
        let links = text_of(host, Path::new("/proc/self/net/dev"));
        let has_docker0 = |links: String| {
            let mut names = links.lines().map(str::trim_start);
            names.any(|name| name.starts_with("docker0:"))
        };
        if host.is_image() || !links.is_some_and(has_docker0) {
            return None;
        }
        let ours = namespaces(host, "self");
        let pids = host.list(Path::new("/proc"));
        pids.iter()
            .filter_map(|name| name.parse().ok())
            .filter(|pid| runs_dockerd(host, *pid))
            .find(|pid| namespaces(host, &pid.to_string()) == ours)
            .map(|pid| Process::new(host, pid, None))
            .filter(|process| !process.command_line.is_empty())
    }

    /// When it began, by the clock that stamps its networks: dockerd writes its pidfile before
    /// anything else.
    pub fn began(&self, host: &Host) -> Option<String> {
        let time = host.modified(Path::new(self.pidfile?)).ok()?;
        Some(humantime::format_rfc3339_nanos(time).to_string())
    }

    /// The service of systemd it runs in. Those of a user's own systemd do not count.
    pub fn unit(&self, host: &Host) -> Option<String> {
        let groups = text_of(host, &proc(self.pid, "cgroup")).unwrap_or_default();
        let of_system = groups.lines().filter(|line| !line.contains("/user@"));
        let mut parts = of_system.flat_map(|line| line.rsplit('/'));
        parts
            .find(|part| part.ends_with(".service"))
            .map(str::to_owned)
    }

    /// How long it has been on a processor, in hundredths of a second.
    pub fn ticks(&self, host: &Host) -> Option<u64> {
        let text = text_of(host, &proc(self.pid, "stat"))?;
        // Its name, in brackets, may hold anything.
        let (_, fields) = text.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        Some(times.next()?.ok()? + times.next()?.ok()?)
    }
}

/// The dockerd a pidfile names, if that process is one.
pub fn dockerd(host: &Host, pidfile: &str) -> Option<u32> {
    let pid = text_of(host, Path::new(pidfile))?.trim().parse().ok()?;
    runs_dockerd(host, pid).then_some(pid)
}

fn runs_dockerd(host: &Host, pid: u32) -> bool {
    text_of(host, &proc(pid, "comm")).is_some_and(|name| is_dockerd(name.trim_end()))
}

/// The processes in the unit's cgroup; none where the cgroups cannot be read as systemd makes them.
fn pids_of_unit(host: &Host, unit: &Unit) -> Option<Vec<u32>> {
    let groups = text_of(host, Path::new("/proc/1/cgroup"))?;
    let (hierarchy, root) = groups
        .lines()
        .find_map(|line| line.strip_suffix("/init.scope")?.split_once("::"))
        .or_else(|| {
            groups.lines().find_map(|line| {
                let (_, group) = line.split_once(':')?;
                group.strip_suffix("/init.scope")?.split_once(':')
            })
        })?;
    let mounts: &[&str] = if hierarchy == "name=systemd" {
        &["/sys/fs/cgroup/systemd"]
    } else {
        &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
    };
    let root = mounts
        .iter()
        .map(|mount| format!("{mount}{root}"))
        .find(|root| host.exists(Path::new(&format!("{root}/init.scope/cgroup.procs"))))?;
    let processes = format!("{root}/{}/cgroup.procs", unit.cgroup());
    // A unit without processes has no cgroup.
    let pids = text_of(host, Path::new(&processes)).unwrap_or_default();
    Some(pids.lines().filter_map(|pid| pid.parse().ok()).collect())
}

/// The main process of a unit as systemd has it.
pub fn main_pid(host: &Host, unit: &str) -> Option<u32> {
    let done = host.run(
        &["systemctl", "show", unit, "--property=ActiveState,MainPID"],
        DEADLINE,
    );
    let value = |key: &str| {
        let mut lines = done.stdout.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let active = matches!(value("ActiveState")?, "active" | "reloading" | "activating");
    let pid = value("MainPID")?.parse().ok()?;
    (active && pid != 0).then_some(pid)
}

/// Those of the network and of the mounts, as far as we may know.
fn namespaces(host: &Host, process: &str) -> [Option<PathBuf>; 2] {
    ["net", "mnt"].map(|kind| host.link_target(Path::new(&format!("/proc/{process}/ns/{kind}"))))
}

pub fn command_line(host: &Host, pid: u32) -> Vec<String> {
    let text = text_of(host, &proc(pid, "cmdline")).unwrap_or_default();
    let words = text.split('\0').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

pub fn proc(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

pub fn text_of(host: &Host, path: &Path) -> Option<String> {
    let bytes = host.read(path).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
