//! Whether those who must be reachable are: the operator's probes, and the operator.

use super::check::{Check, Probe};
use crate::host::Host;
use crate::observe::kernel::peers;
use crate::observe::operator;
use nix::errno::Errno;
use std::io;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long one probe may take.
const DEADLINE: Duration = Duration::from_secs(3);

/// Between two looks at a session.
const PAUSE: Duration = Duration::from_millis(100);

pub fn reachable(host: &Host, probes: &[Probe]) -> Vec<Check> {
    probes.iter().map(probe).chain(session(host)).collect()
}

fn probe(probe: &Probe) -> Check {
    let mut answer = Err("it has no address".to_owned());
    for address in &probe.addresses {
        answer = TcpStream::connect_timeout(address, DEADLINE)
            .map(drop)
            .map_err(|error| reason(&error));
        if answer.is_ok() {
            break;
        }
    }
    Check::answered(&format!("probe {}", probe.name), answer)
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or(error.to_string(), |number| {
        Errno::from_raw(number).desc().to_lowercase()
    })
}

/// Whether the far end of the operator's own ssh session still confirms what it is sent, with a
/// little patience: the progress line is always under way. None where there is no such session, or
/// it is over: an operator who left is not locked out.
fn session(host: &Host) -> Option<Check> {
    let session = operator::session(host)?;
    let end = Instant::now() + DEADLINE;
    loop {
        let unconfirmed = peers::unconfirmed(&session).ok()??;
        if unconfirmed == 0 || Instant::now() >= end {
            let fault = (unconfirmed > 0)
                .then(|| format!("silent ({unconfirmed} bytes are not confirmed)"));
            return Some(Check::faultless("your ssh session", "alive", fault));
        }
        sleep(PAUSE);
    }
}
