//! Whether those who must be reachable are: the operator's probes, and the operator.

use super::check::{Check, Probe};
use crate::host::Host;
use crate::host::inside::in_network_of;
use crate::observe::engine;
use crate::observe::kernel::peers::{self, Delivery};
use crate::observe::operator::{self, Session};
use nix::errno::Errno;
use std::io;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long one probe may take.
const DEADLINE: Duration = Duration::from_secs(3);

/// A session over a long way gets time for so many round trips.
const ROUND_TRIPS: u32 = 10;

/// A progress line is written more often than this.
const QUIET: Duration = Duration::from_millis(400);

const SESSION: &str = "your ssh session";

/// Between two looks at a session.
const PAUSE: Duration = Duration::from_millis(100);

/// `session_in`: the container that the operator's session comes out of. Docker's restart ended it,
/// and that is no sign that the host cannot be reached.
pub fn reachable(host: &Host, probes: &[Probe], session_in: Option<&str>) -> Vec<Check> {
    let session = match session_in {
        Some(container) => {
            let found = format!("not tested: it came out of the container {container}");
            Some(Check::untested(SESSION, "alive", &found))
        }
        None => session(host),
    };
    let probes = probes.iter().map(|one| probe(host, one));
    probes.chain(session).collect()
}

fn probe(host: &Host, probe: &Probe) -> Check {
    let Some(container) = &probe.container else {
        return Check::answered(&format!("probe {}", probe.name), connect(probe));
    };
    let answer = engine::pid_of(host, container).and_then(|pid| {
        in_network_of(pid, || connect(probe)).unwrap_or_else(|why| Err(reason(&why)))
    });
    Check::answered(&format!("probe {} from {container}", probe.name), answer)
}

fn connect(probe: &Probe) -> Result<(), String> {
    let mut answer = Err("it has no address".to_owned());
    for address in &probe.addresses {
        answer = TcpStream::connect_timeout(address, DEADLINE)
            .map(drop)
            .map_err(|error| reason(&error));
        if answer.is_ok() {
            break;
        }
    }
    answer
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or(error.to_string(), |number| {
        Errno::from_raw(number).desc().to_lowercase()
    })
}

/// Whether the far end of the operator's own ssh session still confirms what it is sent. Not whether
/// nothing is under way: the progress line always is, on a long way. None where there is no such
/// session, or it is over: an operator who left is not locked out.
pub fn session(host: &Host) -> Option<Check> {
    let session = operator::session(host)?;
    let Some(first) = something_sent(&session)? else {
        let found = "not tested: nothing was sent to it";
        return Some(Check::untested(SESSION, "alive", found));
    };
    let patience = DEADLINE.max(first.round_trip * ROUND_TRIPS);
    let end = Instant::now() + patience;
    loop {
        let now = delivery(&session)?;
        let confirmed = now.confirmed >= first.confirmed + first.under_way;
        if confirmed || Instant::now() >= end {
            let fault =
                (!confirmed).then(|| format!("silent ({} bytes are not confirmed)", now.under_way));
            return Some(Check::faultless(SESSION, "alive", fault));
        }
        sleep(PAUSE);
    }
}

/// The session with something under way, or that has just been confirmed; none where nothing is
/// written to it.
fn something_sent(session: &Session) -> Option<Option<Delivery>> {
    let end = Instant::now() + QUIET;
    let first = delivery(session)?;
    loop {
        let now = delivery(session)?;
        if now.under_way > 0 || now.confirmed > first.confirmed {
            return Some(Some(now));
        }
        if Instant::now() >= end {
            return Some(None);
        }
        sleep(PAUSE / 5);
    }
}

fn delivery(session: &Session) -> Option<Delivery> {
    peers::delivery(session).ok()?
}
