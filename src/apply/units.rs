//! Units that systemd stops with Docker. A restart that works starts them again; one that fails
//! leaves them dead, though Docker comes back later.

use super::check::Check;
use super::note::Note;
use crate::host::Host;
use std::time::Duration;

/// A unit has its own limit for its start; systemd's default is 90 seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// For questions.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Starts those that are not up. Gives what was checked, and those that do not come up.
pub fn bring_back(host: &Host, units: &[String]) -> (Vec<Check>, Vec<Note>) {
    let mut down: Vec<&str> = units.iter().map(String::as_str).collect();
    down.retain(|unit| !is_up(host, unit));
    if !down.is_empty() {
        host.run(
            &[&["systemctl", "reset-failed"], &down[..]].concat(),
            BOOKKEEPING,
        );
        host.run(&[&["systemctl", "start"], &down[..]].concat(), DEADLINE);
    }
    let (mut checks, mut notes) = (Vec::new(), Vec::new());
    for unit in units {
        match is_up(host, unit) {
            true => checks.push(Check::faultless(&format!("the unit {unit}"), "up", None)),
            false => notes.push(Note::UnitIsDown { unit: unit.clone() }),
        }
    }
    (checks, notes)
}

fn is_up(host: &Host, unit: &str) -> bool {
    let state = host.run(&["systemctl", "is-active", unit], BOOKKEEPING);
    matches!(state.stdout.trim(), "active" | "reloading")
}
