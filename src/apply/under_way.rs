//! A stop or a start of Docker's unit that is under way.

use crate::host::Host;
use crate::observe::process::Process;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For questions to systemd.
const BOOKKEEPING: Duration = Duration::from_secs(20);

/// Between two looks at the unit.
const PAUSE: Duration = Duration::from_millis(200);

/// A dockerd that has done nothing for this long hangs.
const IDLE: Duration = Duration::from_secs(15);

/// It stops after this long, whatever dockerd does.
const MOST: Duration = Duration::from_secs(3600);

/// Less work than this is dockerd's own housekeeping: hundredths of a second on a processor.
const HOUSEKEEPING: u64 = 5;

/// What a dockerd has done since it began, as the kernel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    pid: u32,
    ticks: u64,
}

/// Waits while the unit stops or starts and its dockerd is at work. Whether it runs then.
pub fn wait(host: &Host, unit: &str) -> bool {
    let end = Instant::now() + MOST;
    let mut last = (Instant::now(), work(host));
    loop {
        match state(host, unit).as_str() {
            "active" | "reloading" => return true,
            "activating" | "deactivating" if Instant::now() < end => {}
            _ => return false,
        }
        let now = work(host);
        if has_gone_on(last.1, now) {
            last = (Instant::now(), now);
        } else if last.0.elapsed() >= IDLE {
            return false;
        }
        sleep(PAUSE);
    }
}

fn has_gone_on(then: Option<Work>, now: Option<Work>) -> bool {
    match (then, now) {
        (Some(then), Some(now)) => {
            now.pid != then.pid || now.ticks >= then.ticks.saturating_add(HOUSEKEEPING)
        }
        (then, now) => then != now,
    }
}

fn state(host: &Host, unit: &str) -> String {
    let words = [
        "systemctl",
        "show",
        "--property=ActiveState",
        "--value",
        unit,
    ];
    host.run(&words, BOOKKEEPING).stdout.trim().to_owned()
}

fn work(host: &Host) -> Option<Work> {
    let process = Process::of_pidfile(host)?;
    Some(Work {
        pid: process.pid,
        ticks: process.ticks(host)?,
    })
}
