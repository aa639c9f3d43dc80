//! The one sentence that explains a clash: who holds what, who needs it, and who loses.

use super::sides::{DockerSide, WantedSide};
use super::wanted::{Evidence, Lead, Wanted, leads_to};
use crate::facts::{Facts, Source};
use crate::subnet::short;
use ipnet::IpNet;

/// The main table's place among the policy rules; Docker's routes are in it.
const MAIN: u32 = 32766;

/// Of a range Docker holds now.
pub fn present(docker: &DockerSide, with: &WantedSide, want: &Wanted, facts: &Facts) -> String {
    let holder = holder(docker);
    let wanted = with.describe();
    let bridge = docker.bridge.as_deref().unwrap_or("a Docker bridge");
    if let Source::Neighbour | Source::Connection = with.source {
        return format!(
            "{holder}, which shadows {wanted}, and no container that lives has this address"
        );
    }
    if with.source == Source::Ssh {
        return format!("{holder}, which shadows {wanted}: answers to it may go into {bridge}");
    }
    let contained = docker.subnet.contains(&with.net);
    let (loses, equal) = match want.evidence {
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
    if loses {
        format!(
            "{holder}, which meets {wanted}: containers that get an address in it cannot be reached"
        )
    } else if equal {
        format!("{holder}, the same range as {wanted}: packets for it may go into {bridge} instead")
    } else {
        let lost = if contained { with.net } else { docker.subnet };
        let lost = short(&lost);
        format!("{holder}, which shadows {wanted}: every packet for {lost} goes into {bridge}")
    }
}

fn comes_first(facts: &Facts, route: &crate::facts::Route) -> bool {
    matches!(leads_to(facts, route), Some(Lead::Rule(rule)) if rule.priority < MAIN)
}

/// Of subnets the pools could hand out.
pub fn latent(docker: &DockerSide, with: &WantedSide, want: &Wanted, subnets: u64) -> String {
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
    let but = match want.evidence {
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
