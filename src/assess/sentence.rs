//! The one sentence that explains a clash: who holds what, who needs it, and who loses.

use super::needed::{Evidence, Lead, Needed, leads_to};
use super::sides::{DockerSide, Loser, NeededSide};
use crate::facts::{Facts, Route, Source};
use crate::subnet::short;
use ipnet::IpNet;

/// The main table's place among the policy rules; Docker's routes are in it.
const MAIN: u32 = 32766;

/// Of a range Docker holds now: who loses, and the sentence.
pub fn present(
    docker: &DockerSide,
    with: &NeededSide,
    need: &Needed,
    facts: &Facts,
) -> (Loser, String) {
    let holder = holder(docker);
    let needed = with.describe();
    let bridge = docker.bridge.as_deref().unwrap_or("a Docker bridge");
    if with.source == Source::Ssh {
        let words = format!("{holder}, which shadows {needed}: answers to it may go into {bridge}");
        return (Loser::Host, words);
    }
    if with.source.is_a_trace() {
        let words =
            format!("{holder}, which shadows {needed}, and no running container has this address");
        return (Loser::Host, words);
    }
    let contained = docker.subnet.contains(&with.net);
    let (containers_lose, equal) = match need.evidence {
        // Asked before the main table, where Docker's own route is.
        Evidence::Route(route) if comes_first(facts, route) => (true, false),
        Evidence::Rule(rule) if rule.priority < MAIN => (true, false),
        // The longest prefix wins.
        Evidence::Route(_) | Evidence::Address(..) => (
            contained && docker.subnet != with.net,
            docker.subnet == with.net,
        ),
        // A declared network or a nameserver has no route of its own to win with.
        _ => (false, false),
    };
    if containers_lose {
        let words = format!(
            "{holder}, which overlaps {needed}; the latter wins, so containers with such an address \
             cannot be reached from this host"
        );
        (Loser::Containers, words)
    } else if equal {
        let words =
            format!("{holder}, the same range as {needed}: packets for it may go into {bridge}");
        (Loser::Host, words)
    } else {
        let lost = short(if contained { &with.net } else { &docker.subnet });
        let words =
            format!("{holder}, which shadows {needed}: every packet for {lost} goes into {bridge}");
        (Loser::Host, words)
    }
}

fn comes_first(facts: &Facts, route: &Route) -> bool {
    matches!(leads_to(facts, route), Some(Lead::Rule(rule)) if rule.priority < MAIN)
}

/// Of the range that docker0 or a stored network gets when Docker next starts.
pub fn later(docker: &DockerSide, with: &NeededSide) -> String {
    let holder = match &docker.network {
        Some(network) if !docker.is_docker0() => format!("the Docker network {network}"),
        _ => "docker0".to_owned(),
    };
    format!(
        "{holder} gets {} when Docker next starts, over {}",
        docker.subnet,
        with.describe()
    )
}

/// Of subnets the pools could hand out.
pub fn latent(docker: &DockerSide, with: &NeededSide, need: &Needed, subnets: u64) -> String {
    let which = match subnets {
        1 => format!("Docker's address pools could hand out {}", docker.subnet),
        2 => format!(
            "Docker's address pools could hand out {} and 1 more subnet",
            docker.subnet
        ),
        more => format!(
            "Docker's address pools could hand out {} and {} more subnets",
            docker.subnet,
            more - 1
        ),
    };
    // Docker looks at resolv.conf itself, but only when it picks a subnet, and not at every list
    // there is.
    let but = match need.evidence {
        Evidence::Nameserver(_) => " (it steps round a nameserver only while it sees it)",
        _ => "",
    };
    format!("{which}, over {}{but}", with.describe())
}

fn holder(docker: &DockerSide) -> String {
    let subnet: IpNet = docker.subnet;
    let project = docker
        .project
        .as_ref()
        .map(|name| format!(", Compose project {name}"))
        .unwrap_or_default();
    match (&docker.network, &docker.bridge) {
        (_, Some(bridge)) if bridge == "docker0" => format!("docker0 holds {subnet}"),
        (Some(network), Some(bridge)) => {
            format!("the Docker network {network} ({bridge}{project}) holds {subnet}")
        }
        (None, Some(bridge)) => format!("Docker's bridge {bridge} holds {subnet}"),
        (_, None) => format!("Docker holds {subnet}"),
    }
}
