//! Observes again with the same readers and assesses again with the same code: fixed means that
//! `check` would now be silent about what was planned, and that what was set is there.

use super::check::{Check, Probe};
use super::firewall;
use super::journal::{Record, networks};
use super::networks::moves::Moves;
use super::text_of;
use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::facts::{DockerState, Facts};
use crate::host::Host;
use crate::observe::kernel::peers;
use crate::observe::{observe, operator, service};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::subnet::{overlap, v4};
use ipnet::IpNet;
use nix::errno::Errno;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A little patience: the engine answers before the last container's link is up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a dockerd must have answered to count as one that stays.
const MOMENT: Duration = Duration::from_secs(1);

/// How long one probe may take.
const PROBE_DEADLINE: Duration = Duration::from_secs(3);

/// Looks again until everything is right or time is up. Only what may still be on its way is worth
/// a second look: an engine or an address that is not there yet, a probe. A wrong address stays
/// wrong.
pub fn until(
    host: &Host,
    deadline: Instant,
    look: impl Fn() -> (Vec<Check>, Facts),
) -> (Vec<Check>, Facts) {
    let end = deadline.min(Instant::now() + PATIENCE);
    loop {
        let (checks, facts) = look();
        let absent = |check: &Check| {
            check.found == NONE || check.found == DOWN || check.what.starts_with("probe")
        };
        let on_its_way = checks.iter().any(|check| !check.ok && absent(check));
        if host.is_image() || !on_its_way || Instant::now() >= end {
            return (checks, facts);
        }
        sleep(Duration::from_millis(200));
    }
}

const NONE: &str = "none";

/// How an engine is, and how it should not be.
pub(super) const UP: &str = "up";
const DOWN: &str = "down";

/// Whether docker0 gets an address within a moment of Docker's start.
pub fn docker0_has_an_address(host: &Host, deadline: Instant) -> bool {
    let end = deadline.min(Instant::now() + Duration::from_secs(3));
    loop {
        if observe(host).docker0().is_some() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(200));
    }
}

/// Whether the plan has come true.
pub fn moved(
    host: &Host,
    plan: &Plan,
    record: &Record,
    policy: &Policy,
    probes: &[Probe],
) -> (Vec<Check>, Facts) {
    let now = observe(host);
    let Some(docker0) = plan.docker0 else {
        return (Vec::new(), now);
    };
    let new = IpNet::V4(docker0).trunc();
    let mut checks = vec![
        Check::equal("docker0's address", docker0, or_none(now.docker0())),
        Check::equal(
            "the engine's network bridge",
            new,
            or_none(bridge_subnet(&now)),
        ),
        Check::equal(
            "the engine's address pools",
            pools(&plan.pools),
            or_none(engine_pools(&now)),
        ),
        Check::equal(
            "the route to docker0's network",
            format!("{new} dev docker0"),
            or_none(route_of_docker0(&now, &new)),
        ),
    ];
    if let Some(old) = record
        .docker0_before
        .map(|address| IpNet::V4(address).trunc())
        .filter(|old| !overlap(old, &new))
    {
        let left = or_none(route_of_docker0(&now, &old));
        checks.push(Check {
            ok: left == NONE,
            ..Check::equal("a route of the old range on docker0", NONE, left)
        });
    }
    let old = record
        .docker0_before
        .map(|address| IpNet::V4(address).trunc())
        .filter(|old| !overlap(old, &new));
    checks.extend(firewall::masquerade(host, &now, &new, old.as_ref()));
    checks.push(file(host, &record.path, record.after.as_deref()));
    // Containers come and go after a restart; a call to one that is gone is no reason to undo it.
    let left: Vec<String> = Assessment::of(&now, policy)
        .clashes
        .into_iter()
        .filter(|clash| clash.is_movable() && !clash.is_suspected())
        .map(|clash| clash.explain)
        .collect();
    checks.push(Check::equal(
        "what still clashes at docker0 or in the pools",
        "nothing",
        if left.is_empty() {
            "nothing".to_owned()
        } else {
            left.join("; ")
        },
    ));
    checks.extend(reachable(host, probes));
    (checks, now)
}

/// Whether the networks that were moved clash with nothing any more.
pub fn networks_clear(now: &Facts, policy: &Policy, moves: &Moves) -> Check {
    let left: Vec<String> = Assessment::of(now, policy)
        .clashes
        .into_iter()
        .filter(|clash| is_of(clash, moves) && !clash.is_suspected())
        .filter(|clash| v4(&clash.docker.subnet).is_some())
        .map(|clash| clash.explain)
        .collect();
    let left = if left.is_empty() {
        "nothing".to_owned()
    } else {
        left.join("; ")
    };
    Check::equal("what still clashes at the moved networks", "nothing", left)
}

fn is_of(clash: &Clash, moves: &Moves) -> bool {
    let network = clash.docker.network.as_ref();
    moves.networks.iter().any(|one| network == Some(&one.name))
}

/// Whether the state before a change is back.
pub fn restored(host: &Host, record: &Record) -> (Vec<Check>, Facts) {
    let now = observe(host);
    let mut checks = vec![file(host, &record.path, record.before.as_deref())];
    // Where nothing but the file was touched, Docker may be stopped or absent.
    if record.restart || !record.moves.networks.is_empty() {
        checks.push(Check::equal(
            "the engine",
            UP,
            if now.docker.engine.is_some() {
                UP
            } else {
                DOWN
            },
        ));
    }
    checks.push(Check::equal(
        "docker0's address",
        or_none(record.docker0_before),
        or_none(now.docker0()),
    ));
    if now.docker.engine.is_some() {
        let lost: Vec<String> = record
            .networks
            .iter()
            .filter(|(name, subnets)| {
                name.as_str() != "bridge" && networks(&now).get(*name) != Some(*subnets)
            })
            .map(|(name, _)| name.clone())
            .collect();
        let lost = if lost.is_empty() {
            "all there".to_owned()
        } else {
            format!("lost or changed: {}", lost.join(", "))
        };
        checks.push(Check::equal(
            "the Docker networks of before",
            "all there",
            lost,
        ));
    }
    (checks, now)
}

/// Whether the file has the bytes it should have.
pub fn file(host: &Host, path: &str, wanted: Option<&str>) -> Check {
    let describe = |text: Option<&str>| {
        text.map_or("absent".to_owned(), |text| format!("{} bytes", text.len()))
    };
    let found = text_of(host, path);
    let ok = found.as_deref() == wanted;
    let found = if ok || found.as_deref().map(str::len) != wanted.map(str::len) {
        describe(found.as_deref())
    } else {
        "other bytes".to_owned()
    };
    Check {
        what: path.to_owned(),
        wanted: describe(wanted),
        found,
        ok,
    }
}

/// The dockerd that answered after a restart.
pub struct Started {
    began: Option<String>,
    answered: Instant,
}

impl Started {
    /// The one that answers now.
    pub fn now(host: &Host) -> Started {
        Started {
            began: service::read(host).started,
            answered: Instant::now(),
        }
    }

    /// Whether it is still the one that runs when it has had a moment to fail: one that dies right
    /// after it said it was ready is started again by systemd, answers, and dies again.
    pub fn stays(&self, host: &Host) -> Check {
        sleep((self.answered + MOMENT).saturating_duration_since(Instant::now()));
        let now = service::read(host);
        let same = now.state == DockerState::Running && now.started == self.began;
        Check::equal(
            "Docker, a moment after its start",
            "runs on",
            if same { "runs on" } else { "died" },
        )
    }
}

/// Whether those who must be reachable are: the probes, and the operator.
pub fn reachable(host: &Host, probes: &[Probe]) -> Vec<Check> {
    probes.iter().map(probe).chain(session(host)).collect()
}

/// Whether the far end of the operator's own ssh session still confirms what it is sent, with a
/// little patience: the progress line is always under way. None where there is no such session, or
/// it is over: whoever left is not locked out.
fn session(host: &Host) -> Option<Check> {
    let session = operator::session(host)?;
    let end = Instant::now() + PROBE_DEADLINE;
    loop {
        let found = match peers::unconfirmed(&session).ok()?? {
            0 => ALIVE.to_owned(),
            _ if Instant::now() < end => {
                sleep(Duration::from_millis(100));
                continue;
            }
            bytes => format!("silent ({bytes} bytes are not confirmed)"),
        };
        return Some(Check::equal("your ssh session", ALIVE, found));
    }
}

/// What a probe should be, and a session.
const ANSWERED: &str = "answered";
const ALIVE: &str = "alive";

/// The system's words for an error, without its number.
fn reason(error: &std::io::Error) -> String {
    error.raw_os_error().map_or(error.to_string(), |number| {
        Errno::from_raw(number).desc().to_lowercase()
    })
}

/// Whether somebody can be reached.
fn probe(probe: &Probe) -> Check {
    let mut found = "unanswered (it has no address)".to_owned();
    for address in &probe.addresses {
        match TcpStream::connect_timeout(address, PROBE_DEADLINE) {
            Ok(_) => {
                found = ANSWERED.to_owned();
                break;
            }
            Err(error) => found = format!("unanswered ({})", reason(&error)),
        }
    }
    Check::equal(&format!("probe {}", probe.name), ANSWERED, found)
}

fn bridge_subnet(facts: &Facts) -> Option<IpNet> {
    let bridge = facts
        .engine_networks()
        .find(|network| network.name == "bridge")?;
    bridge
        .subnets
        .iter()
        .find(|subnet| matches!(subnet, IpNet::V4(_)))
        .copied()
}

fn engine_pools(facts: &Facts) -> Option<String> {
    Some(pools(facts.docker.engine.as_ref()?.pools.as_ref()?))
}

fn pools(pools: &[crate::facts::AddressPool]) -> String {
    pools
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn route_of_docker0(facts: &Facts, net: &IpNet) -> Option<String> {
    let mine = |route: &&crate::facts::Route| {
        route.dev.as_deref() == Some("docker0") && overlap(&route.dst, net)
    };
    facts
        .kernel
        .routes
        .iter()
        .find(mine)
        .map(|route| format!("{} dev docker0", route.dst))
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or(NONE.to_owned(), |value| value.to_string())
}
