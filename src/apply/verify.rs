//! Observes again with the same readers and assesses again with the same code: fixed means that
//! `check` would now be silent about what was planned, and that what was set is there.

use super::check::{Check, Found};
use super::firewall;
use super::journal::{Record, networks};
use super::networks::moves::Moves;
use super::reachable::reachable;
use super::request::Request;
use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::facts::{AddressPool, BUILT_IN, DockerState, Facts};
use crate::host::Host;
use crate::observe::{config_file, observe, service};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::subnet::{overlap, v4};
use ipnet::{IpNet, Ipv4Net};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The engine answers before the last container's link is up.
const LINKS: Duration = Duration::from_secs(10);

/// How long what is missing may take to come once the containers are back.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For those who must be reachable.
    pub probes: Duration,
    /// For an engine that has answered before, and is too busy to.
    pub engine: Duration,
}

impl Patience {
    fn of(self, checks: &[Check], now: &Facts) -> Duration {
        let silent = now.docker.state == DockerState::Running && now.docker.engine.is_none();
        let awaited = |kind| {
            let mut checks = checks.iter();
            checks.any(|check| check.may_still_come() && check.kind == kind)
        };
        match (silent, awaited(Found::NoAnswer), awaited(Found::Nothing)) {
            (true, _, _) => self.engine,
            (false, _, true) => LINKS,
            (false, true, false) => self.probes,
            (false, false, false) => Duration::ZERO,
        }
    }
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// How long docker0 may take to get an address once Docker has started.
const ADDRESS_DEADLINE: Duration = Duration::from_secs(3);

/// How long a dockerd must have answered to count as one that stays.
const MOMENT: Duration = Duration::from_secs(1);

/// Looks again until everything is right or time is up. Only what may still come is worth a second
/// look: a wrong address stays wrong.
pub fn until(
    host: &Host,
    patience: Patience,
    look: impl Fn() -> (Vec<Check>, Facts),
) -> (Vec<Check>, Facts) {
    let began = Instant::now();
    loop {
        let (checks, facts) = look();
        if host.is_image() || began.elapsed() >= patience.of(&checks, &facts) {
            return (checks, facts);
        }
        sleep(PAUSE);
    }
}

/// Whether docker0 gets an address within a moment of Docker's start.
pub fn docker0_has_an_address(host: &Host) -> bool {
    let end = Instant::now() + ADDRESS_DEADLINE;
    loop {
        if observe(host).docker0().is_some() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(PAUSE);
    }
}

/// Whether the plan has come true. `masqueraded`: whether Docker hid docker0's containers behind this
/// host before.
pub fn moved(
    host: &Host,
    plan: &Plan,
    record: &Record,
    policy: &Policy,
    request: &Request,
    masqueraded: bool,
) -> (Vec<Check>, Facts) {
    let now = observe(host);
    if !plan.restart {
        return (Vec::new(), now);
    }
    let mut checks = match plan.docker0 {
        Some(docker0) => docker0_moved(host, &now, docker0, record, masqueraded),
        None => vec![Check::value(
            "docker0's address",
            record.docker0_before,
            now.docker0(),
        )],
    };
    checks.push(Check::value(
        "the engine's address pools",
        Some(listed(&plan.pools)),
        engine_pools(&now),
    ));
    checks.push(file(host, &record.path, record.after.as_deref()));
    checks.push(docker0_and_pools_are_clear(&now, policy));
    checks.extend(reachable(host, &request.probes, plan.session_ends()));
    (checks, now)
}

/// docker0 as it should be, in the kernel, in the engine and in the firewall.
fn docker0_moved(
    host: &Host,
    now: &Facts,
    docker0: Ipv4Net,
    record: &Record,
    masqueraded: bool,
) -> Vec<Check> {
    let new = IpNet::V4(docker0).trunc();
    // Where docker0 stays in its old range, that range is not to be left.
    let old = record.old_range().filter(|old| !overlap(old, &new));
    let mut checks = vec![
        Check::value("docker0's address", Some(docker0), now.docker0()),
        Check::value("the engine's network bridge", Some(new), bridge_subnet(now)),
        Check::value(
            "the route to docker0's network",
            Some(format!("{new} dev docker0")),
            route_of_docker0(now, &new),
        ),
    ];
    if let Some(old) = &old {
        checks.push(Check::value(
            "a route of the old range on docker0",
            None::<String>,
            route_of_docker0(now, old),
        ));
    }
    if masqueraded {
        checks.extend(firewall::masquerade(host, now, &new, old.as_ref()));
    }
    checks
}

fn docker0_and_pools_are_clear(now: &Facts, policy: &Policy) -> Check {
    let left = Assessment::of(now, policy).clashes.into_iter();
    nothing_clashes(
        "what still clashes at docker0 or in the pools",
        left.filter(Clash::is_movable),
    )
}

/// Whether the networks that were moved clash with nothing any more.
pub fn networks_are_clear(now: &Facts, policy: &Policy, moves: &Moves) -> Check {
    let left = Assessment::of(now, policy).clashes.into_iter();
    nothing_clashes(
        "what still clashes at the moved networks",
        left.filter(|clash| is_of(clash, moves) && v4(&clash.docker.subnet).is_some()),
    )
}

fn is_of(clash: &Clash, moves: &Moves) -> bool {
    let network = clash.docker.network.as_ref();
    moves.networks.iter().any(|one| network == Some(&one.name))
}

fn nothing_clashes(what: &str, clashes: impl Iterator<Item = Clash>) -> Check {
    // Containers come and go after a restart; a call to one that is gone is no reason to undo it.
    let left: Vec<String> = clashes
        .filter(|clash| !clash.is_suspected())
        .map(|clash| clash.explain)
        .collect();
    let fault = (!left.is_empty()).then(|| left.join("; "));
    Check::faultless(what, "nothing", fault)
}

/// Whether the state before a change is back.
pub fn restored(host: &Host, record: &Record) -> (Vec<Check>, Facts) {
    let now = observe(host);
    let answers = now.docker.engine.is_some();
    let mut checks = vec![file(host, &record.path, record.before.as_deref())];
    // Where nothing but the file was touched, Docker may be stopped or absent.
    if record.touches_docker() {
        checks.push(Check::engine((!answers).then(|| "down".to_owned())));
    }
    if record.had_docker0() {
        checks.push(Check::value(
            "docker0's address",
            record.docker0_before,
            now.docker0(),
        ));
    }
    if answers {
        checks.push(networks_are_back(&now, record));
    }
    (checks, now)
}

fn networks_are_back(now: &Facts, record: &Record) -> Check {
    let present = networks(now);
    let lost: Vec<&str> = record
        .networks
        .iter()
        .filter(|(name, subnets)| name.as_str() != "bridge" && present.get(*name) != Some(*subnets))
        .map(|(name, _)| name.as_str())
        .collect();
    let fault = (!lost.is_empty()).then(|| format!("lost or changed: {}", lost.join(", ")));
    Check::faultless("the Docker networks of before", "all there", fault)
}

/// Whether the file has the bytes it should have.
pub fn file(host: &Host, path: &str, wanted: Option<&str>) -> Check {
    let found = config_file::read(host, path).text;
    let found = found.as_deref();
    let fault = if found == wanted {
        None
    } else if found.map(str::len) == wanted.map(str::len) {
        Some("other bytes".to_owned())
    } else {
        Some(size(found))
    };
    Check::faultless(path, &size(wanted), fault)
}

fn size(text: Option<&str>) -> String {
    text.map_or("absent".to_owned(), |text| format!("{} bytes", text.len()))
}

/// The dockerd that answered after a restart.
pub struct Started {
    pub began: Option<String>,
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
        let fault = (!same).then(|| "died".to_owned());
        Check::faultless("Docker, a moment after its start", "runs on", fault)
    }
}

fn bridge_subnet(facts: &Facts) -> Option<Ipv4Net> {
    let bridge = facts
        .engine_networks()
        .find(|network| network.name == "bridge")?;
    bridge.subnets.iter().find_map(v4)
}

fn engine_pools(facts: &Facts) -> Option<String> {
    let pools = &facts.docker.engine.as_ref()?.pools;
    Some(listed(pools.as_deref().unwrap_or(&BUILT_IN)))
}

fn listed(pools: &[AddressPool]) -> String {
    let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
    pools.join(", ")
}

fn route_of_docker0(facts: &Facts, net: &IpNet) -> Option<String> {
    let mut routes = facts.kernel.routes.iter();
    let route =
        routes.find(|route| route.dev.as_deref() == Some("docker0") && overlap(&route.dst, net))?;
    Some(format!("{} dev docker0", route.dst))
}
