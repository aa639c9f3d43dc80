//! Why Docker did not start, in its own words: from the journal of systemd, or from the file that
//! init scripts let it write.

use crate::host::Host;
use crate::observe::unit;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The journal answers at once, or never.
const DEADLINE: Duration = Duration::from_secs(20);

/// The words of a unit that failed after it was restarted at this moment; none where it left none.
pub fn why_it_failed(host: &Host, unit: &str, since: SystemTime) -> Option<String> {
    let since = since
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let since = format!("--since=@{since}");
    let of_unit = format!("--unit={unit}");
    let words = [
        "journalctl",
        &of_unit,
        "--output=cat",
        "--no-pager",
        "--lines=200",
        &since,
    ];
    pick_cause(unit, &host.run(&words, DEADLINE).stdout)
}

/// Where the init scripts of Debian, Alpine and Gentoo send what dockerd says.
const FILE: &str = "/var/log/docker.log";

/// A start that fails says less than this.
const MOST_BYTES: u64 = 4 << 20;

/// How long that file is now.
pub fn end_of_file(host: &Host) -> u64 {
    host.size(Path::new(FILE))
}

/// The words of a dockerd that ended, since that file was so long; none where it left none.
pub fn why_it_ended(host: &Host, end_before: u64) -> Option<String> {
    let added = host.read_added(Path::new(FILE), end_before, MOST_BYTES);
    pick_cause(unit::NAME, &String::from_utf8_lossy(&added.ok()?))
}

/// What dockerd says before the cause.
const FATAL: &str = "failed to start daemon: ";

/// How dockerd's last words begin.
const LAST_WORDS: [&str; 2] = [FATAL, "unable to configure the Docker daemon"];

/// What systemd says of a unit before its name: its own bookkeeping.
const OF_A_UNIT: [&str; 7] = [
    "Failed to start ",
    "Stopped ",
    "Stopping ",
    "Starting ",
    "Started ",
    "Closed ",
    "Listening on ",
];

/// How lines begin that name no cause, whatever the unit.
const NORMAL: [&str; 4] = ["Dependency failed", "time=\"", "Processing ", "See '"];

/// The line of a log that names the cause: dockerd's last words, else the last line that is not
/// normal.
fn pick_cause(unit: &str, log: &str) -> Option<String> {
    let lines = log.lines().rev().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let cause = lines
        .iter()
        .find(|line| begins_with_one_of(line, &LAST_WORDS))
        .or_else(|| lines.iter().find(|line| !is_normal(unit, line)))?;
    Some(cause.strip_prefix(FATAL).unwrap_or(cause).to_owned())
}

fn is_normal(unit: &str, line: &str) -> bool {
    let stem = unit.strip_suffix(".service").unwrap_or(unit);
    let mut named = OF_A_UNIT
        .iter()
        .filter_map(|beginning| line.strip_prefix(beginning));
    line.starts_with(&format!("{unit}: "))
        || named.any(|name| name.starts_with(stem) || name.starts_with("docker"))
        || begins_with_one_of(line, &NORMAL)
}

fn begins_with_one_of(line: &str, beginnings: &[&str]) -> bool {
    beginnings
        .iter()
        .any(|beginning| line.starts_with(beginning))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::pick_cause;

    #[test]
    fn finds_the_daemons_last_words() {
        let log = "Starting docker.service - Docker Application Container Engine...\n\
                   time=\"2026\" level=info msg=\"Starting up\"\n\
                   failed to start daemon: Error initializing network controller: invalid CIDR address: 10.0.0.1\n\
                   docker.service: Main process exited, code=exited, status=1/FAILURE\n\
                   docker.service: Failed with result 'exit-code'.\n\
                   Failed to start docker.service - Docker Application Container Engine.\n";
        assert_eq!(
            pick_cause("docker.service", log).as_deref(),
            Some("Error initializing network controller: invalid CIDR address: 10.0.0.1")
        );
        let refused = "Starting docker.service - Docker\nno pools allowed here\n\
                       docker.service: Control process exited, code=exited, status=1/FAILURE\n";
        assert_eq!(
            pick_cause("docker.service", refused).as_deref(),
            Some("no pools allowed here")
        );
        assert_eq!(
            pick_cause(
                "docker.service",
                "docker.service: Failed with result 'exit-code'.\n"
            ),
            None
        );
    }
}
