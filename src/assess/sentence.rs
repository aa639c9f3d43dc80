//! The one sentence that explains a clash: who holds what, who needs it, and who loses.

use super::needed::{Evidence, Needed};
use super::sides::{DockerSide, Loser, NeededSide, rule_in_words};
use super::who_loses::Loss;
use crate::facts::Source;
use crate::phrases::first_few;
use crate::subnet::short;
use ipnet::IpNet;

/// More containers than these are only counted.
const NAMED: usize = 3;

/// Of a range Docker holds now.
pub fn present(docker: &DockerSide, with: &NeededSide, loss: Loss) -> String {
    let holder = holder(docker);
    let needed = with.describe();
    let bridge = docker.bridge.as_deref().unwrap_or("a Docker bridge");
    if with.source == Source::Ssh {
        return format!("{holder}, which shadows {needed}: answers to it may go into {bridge}");
    }
    if with.source.is_a_trace() {
        return format!(
            "{holder}, which shadows {needed}, and no running container has this address"
        );
    }
    let only = loss.condition.map(rule_in_words);
    match (loss.loser, only) {
        (Loser::Containers, None) => format!(
            "{holder}, which overlaps {needed}; the latter wins, so containers with such an address \
             cannot be reached from this host"
        ),
        (Loser::Containers, Some(rule)) => format!(
            "{holder}, which overlaps {needed}; packets that meet {rule} go there and do not reach \
             containers with such an address"
        ),
        (Loser::Host, _) if docker.subnet == with.net && with.is_a_route() => {
            format!("{holder}, the same range as {needed}: packets for it may go into {bridge}")
        }
        (Loser::Host, only) => {
            let contained = docker.subnet.contains(&with.net);
            let lost = short(if contained { &with.net } else { &docker.subnet });
            let which = match (loss.in_part, only) {
                (false, None) => "every packet".to_owned(),
                (true, None) => "packets".to_owned(),
                (_, Some(rule)) => format!("packets that do not meet {rule}"),
            };
            let goes = if which == "every packet" {
                "goes"
            } else {
                "go"
            };
            format!("{holder}, which shadows {needed}: {which} for {lost} {goes} into {bridge}")
        }
    }
}

/// Of a range Docker holds now, over what is not up yet.
pub fn once_up(docker: &DockerSide, with: &NeededSide, loss: Loss) -> String {
    let (holder, needed) = (holder(docker), with.describe());
    let bridge = docker.bridge.as_deref().unwrap_or("a Docker bridge");
    let net = match docker.subnet.contains(&with.net) {
        true => short(&with.net),
        false => short(&docker.subnet),
    };
    match loss.loser {
        Loser::Host if docker.subnet == with.net => format!(
            "{holder}, the same range as {needed}: once that is up, packets for it may go into \
             {bridge}"
        ),
        Loser::Host => {
            format!("{holder}, over {needed}: once that is up, packets for {net} go into {bridge}")
        }
        Loser::Containers => format!(
            "{holder}, over {needed}: once that is up, it wins, and containers with such an \
             address cannot be reached from this host"
        ),
    }
}

/// Of a range Docker holds now, where relief is in place.
pub fn relieved(docker: &DockerSide, with: &NeededSide, led_astray: &[String]) -> String {
    let bridge = docker.bridge.as_deref().unwrap_or("the bridge");
    let but = match led_astray {
        [] => "except where containers live".to_owned(),
        names => format!(
            "but {} an address there now, and cannot be reached; relieve again",
            containers_have(names)
        ),
    };
    format!(
        "{}, which shadows {}; relieved until the next boot: routes lead past {bridge}, {but}",
        holder(docker),
        with.describe(),
    )
}

/// "the container web has", "the containers web, db have"
fn containers_have(names: &[String]) -> String {
    match names {
        [one] => format!("the container {one} has"),
        more => format!(
            "the containers {} have",
            first_few(more, NAMED, String::clone)
        ),
    }
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
