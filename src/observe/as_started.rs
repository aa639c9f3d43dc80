//! The settings in force, known without asking for them: those of a daemon.json that has not
//! changed since this dockerd began.
//!
//! The engine has one answer with all its settings, `/info`, and to give it runs runc and its init
//! to ask for their versions: 4 ms of every look, and 9 ms of the host's processors. Nothing is
//! taken on trust: where anything leaves a doubt there is no answer here, and `/info` is asked.

use super::loaded;
use crate::facts::{AddressPool, ConfigFile, ConfigState};
use crate::host::Host;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The kernel counts a process's start in hundredths of a second, on every architecture.
const TICKS: f64 = 100.0;

/// What the clocks at hand are uncertain by: two of them count in hundredths of a second, and a file
/// is stamped by the tick.
const MARGIN: Duration = Duration::from_millis(30);

/// So long after its start dockerd has written its pidfile. If the two are further apart, the clock
/// has been set meanwhile, and times before and after that say nothing about each other.
const PIDFILE_WITHIN: Duration = Duration::from_secs(10);

/// The settings in force.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AsStarted {
    /// `default-address-pools`; none means the built-in list.
    pub pools: Option<Vec<AddressPool>>,
    pub live_restore: bool,
}

/// What the dockerd with this process id and pidfile was started with, if that is certain. It must
/// have no flags for these settings.
pub fn read(host: &Host, pid: u32, pidfile: &Path, config: &ConfigFile) -> Option<AsStarted> {
    let settings = of_file(config)?;
    let began = began(host, pid)?;
    let pidfile = host.modified(pidfile).ok()?;
    let clock_was_kept =
        pidfile >= began.checked_sub(MARGIN)? && pidfile <= began.checked_add(PIDFILE_WITHIN)?;
    let older = host.changed(Path::new(&config.path)).ok()? < began.checked_sub(MARGIN)?;
    (clock_was_kept && older && sees_our_files(host, pid)).then_some(settings)
}

/// Whether the dockerd with this process id and pidfile has read the file as it is. None where there
/// is no file. One clock stamps both files, and dockerd reads the one before it writes the other.
pub fn is_loaded(host: &Host, pid: u32, pidfile: &Path, config: &ConfigFile) -> Option<bool> {
    if config.state != ConfigState::Object || !sees_our_files(host, pid) {
        return None;
    }
    let changed = host.changed_itself(Path::new(&config.path)).ok()?;
    let older = changed < host.modified(pidfile).ok()?;
    Some(older || loaded::is_marked(host, pid, &config.path))
}

/// The settings of a file; none unless every engine reads them as we do.
fn of_file(config: &ConfigFile) -> Option<AsStarted> {
    match config.state {
        ConfigState::Missing | ConfigState::Object => {}
        ConfigState::Broken(_) | ConfigState::Unreadable(_) => return None,
    }
    let pools: Vec<AddressPool> = match config.keys.get("default-address-pools") {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries.iter().map(plain_pool).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let live_restore = match config.keys.get("live-restore") {
        None => false,
        Some(value) => value.as_bool()?,
    };
    Some(AsStarted {
        pools: (!pools.is_empty()).then_some(pools),
        live_restore,
    })
}

/// An IPv4 pool spelled as Docker documents it.
fn plain_pool(entry: &Value) -> Option<AddressPool> {
    let entry = entry.as_object().filter(|entry| entry.len() == 2)?;
    let base = entry.get("base")?.as_str()?.parse().ok()?;
    AddressPool::new(base, u8::try_from(entry.get("size")?.as_u64()?).ok()?)
}

/// When a process began, by the clock as it goes now.
fn began(host: &Host, pid: u32) -> Option<SystemTime> {
    let text = |path: PathBuf| {
        let bytes = host.read(&path).ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    // The name in the second field may hold anything; the 22nd is the start.
    let stat = text(PathBuf::from(format!("/proc/{pid}/stat")))?;
    let start: f64 = stat
        .rsplit(')')
        .next()?
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()?;
    let uptime = text(PathBuf::from("/proc/uptime"))?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let age = Duration::try_from_secs_f64(uptime - start / TICKS).ok()?;
    SystemTime::now().checked_sub(age)
}

/// Whether a process finds the same files under the same names as we do.
fn sees_our_files(host: &Host, pid: u32) -> bool {
    let link = |path: String| host.link_target(Path::new(&path));
    let mounts = link(format!("/proc/{pid}/ns/mnt"));
    mounts.is_some()
        && mounts == link("/proc/self/ns/mnt".to_owned())
        && link(format!("/proc/{pid}/root")) == Some(PathBuf::from("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Option<AsStarted> {
        let keys = serde_json::from_str(text).unwrap();
        of_file(&ConfigFile {
            path: String::new(),
            target: None,
            state: ConfigState::Object,
            keys,
            names: Vec::new(),
            loaded: None,
            read_only: None,
            keepers: Vec::new(),
            text: None,
        })
    }

    #[test]
    fn only_what_every_engine_reads_alike_is_certain() {
        let pools = |text: &str| settings(text).unwrap().pools;
        assert_eq!(settings("{}"), Some(AsStarted::default()));
        assert_eq!(pools("{\"default-address-pools\": []}"), None);
        let two = pools(
            "{\"default-address-pools\": [{\"base\": \"10.9.8.7/16\", \"size\": 24}, {\"size\": 28, \"base\": \"10.8.0.0/16\"}]}",
        );
        let two: Vec<String> = two.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(two, ["10.9.0.0/16 in /24s", "10.8.0.0/16 in /28s"]);
        assert!(settings("{\"live-restore\": true}").unwrap().live_restore);
        for doubtful in [
            "{\"default-address-pools\": null}",
            "{\"default-address-pools\": [{\"Base\": \"10.9.0.0/16\", \"Size\": 24}]}",
            "{\"default-address-pools\": [{\"base\": \"10.9.0.0/16\", \"size\": 24, \"Size\": 25}]}",
            "{\"default-address-pools\": [{\"base\": \"fd00::/48\", \"size\": 64}]}",
            "{\"default-address-pools\": [{\"base\": \"10.9.0.0/16\", \"size\": \"24\"}]}",
            "{\"default-address-pools\": [{\"base\": \"10.9.0.0/16\", \"size\": 8}]}",
            "{\"live-restore\": null}",
        ] {
            assert_eq!(settings(doubtful), None, "{doubtful}");
        }
    }
}
