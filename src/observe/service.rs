//! The Docker service: installed, running, run by what, started with which flags, now and next time.
//!
//! Read from /proc and files; never asked of Docker's socket: a connection could start what the
//! operator stopped.

use super::init_script::{self, SCRIPT};
use super::unit::{self, Argument, Unit};
use crate::facts::{DockerState, ServiceManager};
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where dockerd looks for its configuration by itself, and where the snap's does.
const CONFIG: &str = "/etc/docker/daemon.json";
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

/// Where dockerd leaves its process id (`/var/run` is a link to `/run`, but not everywhere).
const PIDFILES: [&str; 3] = [
    "/run/docker.pid",
    "/run/snap.docker/docker.pid",
    "/var/run/docker.pid",
];

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// The flags of dockerd that facts may show, in all their spellings; the last is the one they are
/// known by. Others may hold secrets.
const FLAGS: [&[&str]; 16] = [
    &["config-file"],
    &["default-address-pools", "default-address-pool"],
    &["b", "bridge"],
    &["bip"],
    &["fixed-cidr"],
    &["default-gateway"],
    &["host-gateway-ip"],
    &["ip"],
    &["live-restore"],
    &["iptables"],
    &["ip-masq"],
    &["firewall-backend"],
    &["dns"],
    &["H", "host"],
    &["metrics-addr"],
    &["g", "graph", "data-root"],
];

/// Flags by name, each with the values it is given.
type Flags = BTreeMap<String, Vec<String>>;

/// What is known of the service.
#[derive(Debug)]
pub struct Service {
    pub state: DockerState,
    /// None where rebridge knows no way to restart it.
    pub manager: Option<ServiceManager>,
    /// The flags that matter here: of the process that runs, else of the next start.
    pub flags: Flags,
    /// The flags of the next start, where they are others than those of the process that runs.
    pub next_flags: Option<Flags>,
    /// File and line of each flag of the next start.
    pub flag_places: BTreeMap<String, String>,
    /// When the dockerd that runs began.
    pub started: Option<String>,
    snap: bool,
}

impl Service {
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
    let installed = installed(host);
    let snap = !installed && host.exists(Path::new("/var/snap/docker/current"));
    let next = NextStart::read(host);
    let daemon = if host.is_image() {
        None
    } else {
        find_daemon(host, &next.unit)
    };
    let flag_places = next.places(host);
    match daemon {
        Some(daemon) => {
            let manager = manager(host, &daemon);
            let arguments = command_line(host, daemon.pid);
            // Another user's may be hidden.
            let flags = match arguments.get(1..) {
                Some(arguments) => flags(arguments),
                None => next.flags(),
            };
            let next_flags = next.flags_after(manager, &flags);
            Service {
                state: DockerState::Running,
                manager,
                next_flags: next_flags.filter(|next| *next != flags),
                flags,
                flag_places,
                started: daemon.started,
                snap,
            }
        }
        None => Service {
            state: if next.unit.loaded() || snap || installed {
                DockerState::Stopped
            } else {
                DockerState::Absent
            },
            manager: (next.unit.loaded() && systemd_runs(host)).then_some(ServiceManager::Systemd),
            flags: next.flags(),
            next_flags: None,
            flag_places,
            started: None,
            snap,
        },
    }
}

/// How Docker will be started next.
struct NextStart {
    unit: Unit,
    arguments: Vec<Argument>,
}

impl NextStart {
    fn read(host: &Host) -> NextStart {
        let unit = unit::read(host);
        let script = host.exists(Path::new(SCRIPT));
        let command = unit.settings.command.as_ref();
        // systemd makes a unit of an init script that has none.
        let of_script = command.is_some_and(|command| command.program == SCRIPT);
        let by_unit = unit.loaded() && !of_script && (has_systemd(host) || !script);
        let mut arguments = Vec::new();
        // Where nothing starts Docker yet, whatever is prepared for it counts.
        if by_unit || !script {
            arguments.extend(unit.arguments(host));
        }
        if !by_unit {
            arguments.extend(init_script::arguments(host));
        }
        NextStart { unit, arguments }
    }

    fn flags(&self) -> Flags {
        let words = self.arguments.iter().map(|argument| argument.text.clone());
        flags(&words.collect::<Vec<_>>())
    }

    /// The flags a restart by this manager would give, where that can be told.
    fn flags_after(&self, manager: Option<ServiceManager>, now: &Flags) -> Option<Flags> {
        match manager? {
            ServiceManager::Systemd => {
                let command = self.unit.settings.command.as_ref()?;
                // A wrapper adds what it likes.
                let dockerd = is_dockerd(command.program.rsplit('/').next()?);
                (dockerd && self.unit.loaded()).then(|| self.flags())
            }
            // The script itself may add some: those in force that its settings do not name stay.
            ServiceManager::OpenRc | ServiceManager::SysV => {
                let mut flags = now.clone();
                flags.extend(self.flags());
                Some(flags)
            }
            ServiceManager::Snap => None,
        }
    }

    /// File and line of each flag that is also a key of daemon.json.
    fn places(&self, host: &Host) -> BTreeMap<String, String> {
        let words: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| argument.text.clone())
            .collect();
        let given = given_flags(&words).into_iter();
        given
            .filter(|given| given.name != "config-file")
            .filter_map(|given| {
                let place = &self.arguments.get(given.at)?.place;
                let line = place.line_of(host, &words.get(given.at)?.clone());
                Some((given.name.to_owned(), format!("{} line {line}", place.file)))
            })
            .collect()
    }
}

/// A dockerd that runs.
struct Daemon {
    pid: u32,
    /// Whether systemd knows it for the unit's, or only its pidfile names it.
    of_unit: bool,
    /// When it began, as far as its pidfile tells.
    started: Option<String>,
}

/// By a pidfile, else by the processes of its unit.
fn find_daemon(host: &Host, unit: &Unit) -> Option<Daemon> {
    if let Some((pidfile, pid)) = PIDFILES
        .iter()
        .find_map(|path| Some((path, dockerd(host, path)?)))
    {
        // dockerd writes its pidfile before anything else, so the file's time is of the same clock,
        // at the same moment, as the times it gives to its networks.
        let began = host.modified(Path::new(pidfile)).ok();
        let started = began.map(|time| humantime::format_rfc3339_nanos(time).to_string());
        return Some(Daemon {
            pid,
            of_unit: false,
            started,
        });
    }
    if !unit.loaded() || !systemd_runs(host) {
        return None;
    }
    let pid = match pids_of_unit(host, unit) {
        Some(pids) => pids.into_iter().find(|pid| runs_dockerd(host, *pid)),
        None => main_pid(host),
    };
    Some(Daemon {
        pid: pid?,
        of_unit: true,
        started: None,
    })
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

/// The main process as systemd has it.
fn main_pid(host: &Host) -> Option<u32> {
    let done = host.run(
        &[
            "systemctl",
            "show",
            unit::NAME,
            "--property=ActiveState,MainPID",
        ],
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
    let pid = text_of(host, Path::new(pidfile))?.trim().parse().ok()?;
    runs_dockerd(host, pid).then_some(pid)
}

fn runs_dockerd(host: &Host, pid: u32) -> bool {
    text_of(host, &proc(pid, "comm")).is_some_and(|name| is_dockerd(name.trim_end()))
}

/// Whether a program is dockerd by its name: Red Hat's is `dockerd-current`, NixOS' is
/// `.dockerd-wrapped`. The kernel keeps 15 characters of a name.
fn is_dockerd(name: &str) -> bool {
    name.trim_start_matches('.').starts_with("dockerd")
}

/// What runs a process: known by its cgroup, whatever hierarchies there are; else by what is there
/// to run it.
fn manager(host: &Host, daemon: &Daemon) -> Option<ServiceManager> {
    let groups = text_of(host, &proc(daemon.pid, "cgroup")).unwrap_or_default();
    let in_group = |name: &str| {
        groups
            .lines()
            .any(|line| line.split('/').any(|part| part == name))
    };
    let systemd = systemd_runs(host);
    let script = host.exists(Path::new(SCRIPT));
    if daemon.of_unit {
        Some(ServiceManager::Systemd)
    } else if systemd && in_group("snap.docker.dockerd.service") {
        Some(ServiceManager::Snap)
    } else if systemd && in_group(unit::NAME) {
        Some(ServiceManager::Systemd)
    } else if script && host.exists(Path::new("/run/openrc")) {
        Some(ServiceManager::OpenRc)
    } else if script && !systemd {
        Some(ServiceManager::SysV)
    } else {
        None
    }
}

fn systemd_runs(host: &Host) -> bool {
    host.exists(Path::new("/run/systemd/system"))
}

/// Whether systemd starts the services of this host, or of this image.
fn has_systemd(host: &Host) -> bool {
    if host.is_image() {
        ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"]
            .iter()
            .any(|path| host.exists(Path::new(path)))
    } else {
        systemd_runs(host)
    }
}

fn command_line(host: &Host, pid: u32) -> Vec<String> {
    let text = text_of(host, &proc(pid, "cmdline")).unwrap_or_default();
    let words = text.split('\0').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn proc(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

fn text_of(host: &Host, path: &Path) -> Option<String> {
    let bytes = host.read(path).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
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

/// A flag that matters, as it is given.
struct GivenFlag {
    name: &'static str,
    value: String,
    /// Which of the arguments it begins with.
    at: usize,
}

/// The flags that matter, in all their spellings: `--bip=X`, `--bip X`, `-b X`.
fn given_flags(arguments: &[String]) -> Vec<GivenFlag> {
    let mut given = Vec::new();
    let mut words = arguments.iter().enumerate().peekable();
    while let Some((at, word)) = words.next() {
        let spelled = word.trim_start_matches('-');
        if spelled.len() == word.len() {
            continue;
        }
        let (spelled, value) = match spelled.split_once('=') {
            Some((spelled, value)) => (spelled, Some(value.to_owned())),
            None => (spelled, None),
        };
        let names = FLAGS.iter().find(|names| names.contains(&spelled));
        let Some(name) = names.and_then(|names| names.last()) else {
            continue;
        };
        let value = value
            .or_else(|| Some(words.next_if(|(_, next)| !next.starts_with('-'))?.1.clone()))
            .unwrap_or_default();
        given.push(GivenFlag { name, value, at });
    }
    given
}

fn flags(arguments: &[String]) -> Flags {
    let mut flags = Flags::new();
    for GivenFlag { name, value, .. } in given_flags(arguments) {
        flags.entry(name.to_owned()).or_default().push(value);
    }
    flags
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn finds_flags_in_every_spelling_and_keeps_no_others() {
        let argv = "-H fd:// --bip=10.0.0.1/24 -b br0 --default-address-pool \
                    base=10.0.0.0/8,size=24 --http-proxy http://user:secret@proxy --config-file \
                    /x.json --dns=10.0.0.2 --dns 10.0.0.3 --iptables=false --live-restore";
        let argv: Vec<String> = argv.split_whitespace().map(str::to_owned).collect();
        let flags = flags(&argv);
        assert_eq!(flags["bip"], ["10.0.0.1/24"]);
        assert_eq!(flags["bridge"], ["br0"]);
        assert_eq!(flags["default-address-pool"], ["base=10.0.0.0/8,size=24"]);
        assert_eq!(flags["dns"], ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(flags["iptables"], ["false"]);
        assert_eq!(flags["live-restore"], [""]);
        assert!(!format!("{flags:?}").contains("secret"));
        let service = Service {
            state: DockerState::Stopped,
            manager: None,
            flags,
            next_flags: None,
            flag_places: BTreeMap::new(),
            started: None,
            snap: true,
        };
        assert_eq!(service.config_path(), "/x.json");
    }
}
