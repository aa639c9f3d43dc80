//! How long a restart of this Docker may take, judged by what the host has to do for it. Sixty
//! containers on a slow machine take minutes; a machine without any that hangs is given up sooner.

use super::containers::ContainerStates;
use crate::host::Host;
use std::time::Duration;

/// For questions to systemd.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Never less and never more than this.
const LEAST: Duration = Duration::from_secs(120);
const MOST: Duration = Duration::from_secs(3600);

/// dockerd gives containers this long to stop altogether, or what the slowest may take and a little
/// more.
const SHUTDOWN: Duration = Duration::from_secs(15);
const A_LITTLE_MORE: Duration = Duration::from_secs(5);

/// dockerd itself, on a slow machine.
const START: Duration = Duration::from_secs(60);

/// One container, on a slow machine.
const START_OF_ONE: Duration = Duration::from_secs(3);

/// A machine may be this much busier than at the last start.
const BUSIER: u32 = 5;

/// What systemd knows of Docker's unit.
#[derive(Debug, Default, PartialEq)]
struct Unit {
    /// After this systemd kills what has not stopped; none where it waits for ever.
    stop_limit: Option<Duration>,
    last_start: Option<Duration>,
}

/// How long a restart may take until it counts as failed.
pub fn of(host: &Host, unit: &str, containers: &ContainerStates) -> Duration {
    let property =
        "--property=TimeoutStopUSec,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic";
    let words = ["systemctl", "show", unit, property];
    let unit = Unit::read(&host.run(&words, BOOKKEEPING).stdout);
    enough(&unit, containers.longest_stop(), containers.living.len())
}

fn enough(unit: &Unit, longest_stop: Duration, containers: usize) -> Duration {
    let stop = 2 * SHUTDOWN.max(longest_stop + A_LITTLE_MORE);
    let stop = unit.stop_limit.map_or(stop, |limit| limit.min(stop));
    let of_all = START_OF_ONE * u32::try_from(containers).unwrap_or(u32::MAX / 4);
    let like_last = unit.last_start.unwrap_or_default() * BUSIER;
    (stop + START.max(of_all).max(like_last)).clamp(LEAST, MOST)
}

impl Unit {
    fn read(shown: &str) -> Unit {
        let value = |key: &str| {
            let mut lines = shown.lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        let moment = |change: &str| {
            let micros = value(&format!("{change}TimestampMonotonic"))?;
            Some(Duration::from_micros(micros.parse().ok()?))
        };
        let (began, ended) = (moment("InactiveExit"), moment("ActiveEnter"));
        Unit {
            // "1min 30s", or "infinity".
            stop_limit: value("TimeoutStopUSec")
                .and_then(|text| humantime::parse_duration(text).ok()),
            last_start: ended
                .zip(began)
                .and_then(|(end, begin)| end.checked_sub(begin)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn systemd_is_understood() {
        let shown = "TimeoutStopUSec=1min 30s\nInactiveExitTimestampMonotonic=2000000\n\
                     ActiveEnterTimestampMonotonic=9500000\n";
        let unit = Unit {
            stop_limit: Some(seconds(90)),
            last_start: Some(Duration::from_millis(7500)),
        };
        assert_eq!(Unit::read(shown), unit);
        // A start that is under way, and a unit that may take for ever to stop.
        let shown = "TimeoutStopUSec=infinity\nInactiveExitTimestampMonotonic=9500000\n\
                     ActiveEnterTimestampMonotonic=2000000\n";
        assert_eq!(Unit::read(shown), Unit::default());
        assert_eq!(Unit::read(""), Unit::default());
    }

    #[test]
    fn a_host_with_more_to_do_gets_more_time() {
        let stock = Unit {
            stop_limit: Some(seconds(90)),
            last_start: Some(seconds(1)),
        };
        let ten = seconds(10);
        assert_eq!(enough(&stock, ten, 0), LEAST);
        assert_eq!(enough(&stock, ten, 60), seconds(30 + 180));
        assert_eq!(enough(&stock, seconds(300), 1), seconds(90 + 60));
        let patient = Unit {
            stop_limit: None,
            last_start: Some(seconds(80)),
        };
        assert_eq!(enough(&patient, seconds(300), 1), seconds(610 + 400));
        assert_eq!(enough(&patient, seconds(300), 100_000), MOST);
    }
}
