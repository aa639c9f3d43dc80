//! The sentences of `apply`: what would be done, what was done, what is left to a person.

use super::{Outcome, Report};
use crate::assess::swarm::is_hung_on;
use crate::assess::{self, clash::Clash};
use crate::facts::{DockerState, Facts};
use crate::phrases::count;
use crate::plan::Plan;
use crate::plan::relocate::Move;
use crate::subnet::v4;
use ipnet::Ipv4Net;

/// More networks than this are counted, not named.
const NAMED: usize = 4;

/// Says that nothing is to be done, and what clashes all the same.
pub fn nothing_to_do(report: &mut Report, facts: &Facts) {
    if report.clashes.is_empty() {
        report.msg =
            "nothing to do: Docker's networks are clear of everything this host is known to need"
                .to_owned();
        return;
    }
    report.outcome = Outcome::Clashing;
    report.msg = match existing(facts, &report.clashes) {
        Some(words) => format!("nothing to do for docker0 and the pools; {words}"),
        None => {
            let when = match facts.docker.state {
                DockerState::Running => "when Docker is restarted",
                DockerState::Stopped | DockerState::Absent => "when Docker starts",
            };
            format!(
                "nothing to write: {} already names clear ranges, which take effect {when}",
                facts.docker.config.path
            )
        }
    };
}

/// What to say of networks that another `bip` and other pools do not move; none where there are
/// none.
pub fn existing(facts: &Facts, clashes: &[Clash]) -> Option<String> {
    let ipv6 = clashes
        .iter()
        .find(|clash| clash.is_docker0() && !clash.is_movable());
    let ipv6 = ipv6.map(|clash| {
        format!(
            "docker0's IPv6 range {} still clashes, and rebridge moves IPv4 only: change \
             fixed-cidr-v6 (and bip6) in daemon.json",
            clash.docker.subnet
        )
    });
    let (movable, others) = networks(facts, clashes);
    let one_or_more = |names: &[String]| match names.len() {
        1 => format!(
            "1 existing network still clashes ({}) and keeps its subnet until it is",
            names.join(", ")
        ),
        more => {
            format!(
                "{more} existing networks still clash ({}) and keep their subnets until they are",
                names.join(", ")
            )
        }
    };
    let movable = (!movable.is_empty()).then(|| {
        format!(
            "{} made anew: `rebridge apply --networks recreate` does that, with the containers on \
             {}",
            one_or_more(&movable),
            if movable.len() == 1 { "it" } else { "them" }
        )
    });
    let others = (!others.is_empty()).then(|| {
        format!(
            "{} made anew by hand, with another subnet",
            one_or_more(&others)
        )
    });
    let parts: Vec<String> = [movable, others, ipv6].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The networks that clash and that `--networks recreate` moves.
pub fn movable(facts: &Facts, clashes: &[Clash]) -> Vec<String> {
    networks(facts, clashes).0
}

/// The networks that another `bip` and other pools do not move: those that can be made anew, and
/// the others.
fn networks(facts: &Facts, clashes: &[Clash]) -> (Vec<String>, Vec<String>) {
    let mut names = assess::unmovable(clashes);
    names.remove("bridge");
    names.into_iter().partition(|name| {
        let of_it = |clash: &&Clash| clash.docker.network.as_ref() == Some(name);
        let mut its_own = clashes.iter().filter(of_it).peekable();
        its_own.peek().is_some()
            && its_own.all(|clash| v4(&clash.docker.subnet).is_some())
            && !is_hung_on(facts, name)
    })
}

/// "set bip and default-address-pools in …, restart Docker …", in the tense asked for.
pub fn would_do(plan: &Plan, facts: &Facts) -> String {
    let mut parts = Vec::new();
    if let Some(change) = &plan.write {
        let keys = change
            .keys_after
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        parts.push(format!("set {keys} in {}", change.path));
    }
    match (plan.docker0, facts.docker0()) {
        (Some(new), Some(old)) if plan.restart => {
            parts.push(format!(
                "restart Docker to move docker0 from {old} to {new}"
            ));
        }
        (Some(new), _) if plan.restart => {
            parts.push(format!("restart Docker to put docker0 on {new}"))
        }
        (Some(new), _) => parts.push(later(facts, new, "leave")),
        (None, _) => {}
    }
    if !plan.moves.is_empty() {
        parts.push(format!(
            "make {} anew: {}",
            count(plan.moves.len(), "network", "networks"),
            from_to(&plan.moves)
        ));
    }
    parts.join(" and ")
}

fn later(facts: &Facts, docker0: Ipv4Net, leave: &str) -> String {
    let when = match facts.docker.state {
        DockerState::Running => "Docker is not restarted",
        DockerState::Stopped => "Docker is stopped",
        DockerState::Absent => "Docker is not installed",
    };
    format!("{leave} it at that ({when}); docker0 gets {docker0} at its next start")
}

/// "docker0 moved from … to …, verified".
pub fn was_done(plan: &Plan, moved: &[Move], before: &Facts) -> String {
    let mut parts = Vec::new();
    match (plan.docker0, before.docker0()) {
        (Some(new), Some(old)) if plan.restart => {
            parts.push(format!("docker0 moved from {old} to {new}"))
        }
        (Some(new), _) if plan.restart => parts.push(format!("docker0 is {new}")),
        (Some(new), _) => {
            let path = plan
                .write
                .as_ref()
                .map_or(before.docker.config.path.as_str(), |change| {
                    change.path.as_str()
                });
            let keys = plan
                .write
                .iter()
                .flat_map(|change| change.keys_after.keys().cloned())
                .collect::<Vec<_>>();
            return format!(
                "set {} in {path} and {}",
                keys.join(", "),
                later(before, new, "left")
            );
        }
        (None, _) => {}
    }
    if !moved.is_empty() {
        parts.push(format!(
            "{} made anew: {}",
            count(moved.len(), "network", "networks"),
            from_to(moved)
        ));
    }
    format!("{}; Docker runs and this was verified", parts.join(" and "))
}

/// What comes next on a host that is as it was.
const AGAIN: &str = "put the cause right, then run the same again";

/// What could not be done, and that the host is as it was.
pub fn rolled_back(plan: &Plan, before: &Facts, docker0: Option<&str>, why: &str) -> String {
    if !plan.restart {
        return format!(
            "cannot move networks: {why}; Docker runs, and its networks are as they were; {AGAIN}"
        );
    }
    let path = &before.docker.config.path;
    let docker0 = docker0.unwrap_or("without an address");
    let what = if plan.moves.is_empty() {
        "docker0"
    } else {
        "docker0 and networks"
    };
    format!(
        "cannot move {what}: {why}; the old {path} is back, Docker runs and docker0 is {docker0} \
         again; {AGAIN}"
    )
}

/// "shop_default 172.18.0.0/16 → 10.200.0.0/24", of many only the first.
fn from_to(moves: &[Move]) -> String {
    let one = |one: &Move| format!("{} {} -> {}", one.network, one.from, one.to);
    let mut words: Vec<String> = moves.iter().take(NAMED).map(one).collect();
    if moves.len() > NAMED {
        words.push(format!("{} more", moves.len() - NAMED));
    }
    words.join(", ")
}

/// The host is left to a person: what to do, step by step.
pub fn stranded(report: &mut Report, before: &Facts, why: &str, then: &str) {
    report.failed = true;
    report.outcome = Outcome::Stranded;
    report.changed = true;
    let path = &before.docker.config.path;
    let then = then.replace(why, "for the same reason");
    let old = before
        .docker0()
        .map_or("(none)".to_owned(), |address| address.to_string());
    report.msg = format!(
        "cannot settle Docker's networks: {why}; and the way back failed: {then}. Do this by hand: \
         1. see what Docker says: `journalctl -u docker.service -n 50`; 2. mend {path} or the \
         unit; 3. `systemctl reset-failed docker.service docker.socket`; 4. `systemctl start \
         docker.service`; 5. docker0 was {old} before: see `ip -4 addr show docker0`; 6. run \
         `rebridge apply` again, it will first undo what is half-done"
    );
}
