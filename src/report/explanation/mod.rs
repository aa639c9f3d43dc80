//! Why Docker is where it is: where the range came from, in which order Docker searches, what it
//! saw, and what it could not see.

mod search;

use super::sentences::relief::route as route_in_words;
use crate::assess::Assessment;
use crate::assess::forecast::forecast;
use crate::assess::held::Held;
use crate::engine_model;
use crate::facts::{AddressPool, DockerState, Facts, Network, Version};
use crate::phrases::{and_more, count, nearest};
use crate::subnet::{RangeSet, overlap, v4};
use ipnet::{IpNet, Ipv4Net};
use search::order_and_sight;
use serde::Serialize;
use std::net::IpAddr;

/// More lines of a kind than these are only counted.
const LISTED: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// Version of this shape; 1.
    pub schema: u32,
    /// One sentence.
    pub answer: String,
    /// The reasons for the answer.
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    /// A heading.
    pub title: &'static str,
    /// Sentences.
    pub lines: Vec<String>,
}

/// Explains a network, a bridge, a range or an address; docker0 if you name none. The error lists
/// what there is.
pub fn explain(assessment: &Assessment, about: Option<&str>) -> Result<Explanation, String> {
    let name = about.unwrap_or("docker0");
    if let Some(held) = assessment
        .held
        .iter()
        .find(|held| held.bridge == name || held.network.as_deref() == Some(name))
    {
        let answer = format!("{} holds {}", held.label(), held.subnet);
        return Ok(of_held(assessment, held, answer));
    }
    if let Some(explanation) = of_a_lan(assessment.facts, name) {
        return Ok(explanation);
    }
    let address = name.parse::<IpAddr>().map(IpNet::from);
    match name.parse::<IpNet>().or(address) {
        Ok(net) => Ok(of_range(assessment, net.trunc())),
        Err(_) if about.is_none() => Ok(of_range_to_come(assessment)),
        Err(_) => Err(unknown(assessment, name)),
    }
}

/// A Docker network on a LAN of this host holds nothing of its own.
fn of_a_lan(facts: &Facts, name: &str) -> Option<Explanation> {
    let is_meant = |network: &&Network| {
        let bridge = network.bridge.as_deref();
        let named = network.name == name || bridge == Some(name);
        named && bridge.is_some_and(|bridge| facts.is_the_operators(bridge))
    };
    let network = facts.networks().find(is_meant)?;
    let bridge = network.bridge.as_deref()?;
    Some(Explanation {
        schema: 1,
        answer: format!(
            "the Docker network {} lies on {bridge}, which is a LAN of this host",
            network.name
        ),
        parts: vec![Part {
            title: "Where the range came from",
            lines: vec![format!(
                "Docker was given the LAN's own range by hand, so that containers are members of \
                 the LAN. rebridge never moves {}, and counts {bridge} as a network that this host \
                 needs",
                network.name
            )],
        }],
    })
}

fn unknown(assessment: &Assessment, name: &str) -> String {
    let mut names: Vec<&str> = assessment
        .held
        .iter()
        .map(|held| held.network.as_deref().unwrap_or(&held.bridge))
        .collect();
    names.dedup();
    let near = nearest(name, &names)
        .map(|near| format!(", did you mean {near}?"))
        .unwrap_or_default();
    let list = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!(
        "\"{name}\" is not a network, an address or a Docker network{near} (Docker's networks \
         here: {list})"
    )
}

fn of_held(assessment: &Assessment, held: &Held, answer: String) -> Explanation {
    let (came, keeps) = if held.is_docker0() {
        (
            how_docker0(assessment, held.subnet),
            "docker0 keeps its address from one start to the next, even after the setting that \
             chose it is gone. Only another `bip`, or pools without live-restore, move it",
        )
    } else {
        (
            how_network(assessment, held),
            "a network keeps its subnet until it is re-created, whatever the pools say by then",
        )
    };
    let mut parts = vec![Part {
        title: "Where the range came from",
        lines: vec![came, keeps.to_owned()],
    }];
    let relief = relief(assessment.facts, held);
    let answer = match relief.is_empty() {
        true => answer,
        false => format!("{answer}, and is relieved"),
    };
    if !relief.is_empty() {
        parts.push(Part {
            title: "What leads past it until the next boot",
            lines: relief,
        });
    }
    parts.extend(order_and_sight(assessment, held.subnet));
    Explanation {
        schema: 1,
        answer,
        parts,
    }
}

/// The relief routes inside its range, a line each.
fn relief(facts: &Facts, held: &Held) -> Vec<String> {
    let routes = facts.kernel.relief.iter();
    let here = routes.filter(|route| held.subnet.contains(&IpNet::V4(route.dst)));
    shortened(here.map(route_in_words).collect())
}

/// docker0 does not exist, or not yet.
fn of_range_to_come(assessment: &Assessment) -> Explanation {
    let coming = forecast(assessment, 1, None);
    let why = match assessment.facts.docker.state {
        DockerState::Absent => "Docker is not installed",
        DockerState::Stopped => "Docker is stopped",
        DockerState::Running => "Docker runs without docker0",
    };
    let Some(next) = coming.subnets.first() else {
        return Explanation {
            schema: 1,
            answer: format!("{why}, and its pools are used up"),
            parts: Vec::new(),
        };
    };
    let whose = match next.network {
        Some(_) => "docker0",
        None => "a network",
    };
    Explanation {
        schema: 1,
        answer: format!(
            "{why}; the next subnet, for {whose}, would be {}",
            next.subnet
        ),
        parts: order_and_sight(assessment, next.subnet),
    }
}

fn of_range(assessment: &Assessment, net: IpNet) -> Explanation {
    let holders: Vec<&Held> = assessment
        .held
        .iter()
        .filter(|held| overlap(&held.subnet, &net))
        .collect();
    let answer = match holders.as_slice() {
        [] => format!("no Docker network holds any of {net}"),
        [only] => {
            let answer = format!("{net}: {} holds {}", only.label(), only.subnet);
            return of_held(assessment, only, answer);
        }
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|held| format!("{} ({})", held.label(), held.subnet))
                .collect();
            format!(
                "{} in {net}: {}",
                count(several.len(), "Docker network lies", "Docker networks lie"),
                names.join(", ")
            )
        }
    };
    let mut parts = vec![Part {
        title: "What Docker could take of it",
        lines: could_take(assessment, net),
    }];
    parts.extend(order_and_sight(assessment, net));
    Explanation {
        schema: 1,
        answer,
        parts,
    }
}

fn could_take(assessment: &Assessment, net: IpNet) -> Vec<String> {
    let taken = assessment.taken();
    let Some(net) = v4(&net) else {
        return vec!["nothing: its pools are IPv4".to_owned()];
    };
    let could: Vec<String> = assessment
        .pools_as_seen()
        .iter()
        .filter_map(|pool| could_take_from(assessment, pool, net, &taken))
        .collect();
    match could.is_empty() {
        true => vec!["nothing of it, with the pools in force".to_owned()],
        false => could,
    }
}

fn could_take_from(
    assessment: &Assessment,
    pool: &AddressPool,
    net: Ipv4Net,
    taken: &RangeSet,
) -> Option<String> {
    let blocked = assessment.blocked_in(pool, taken);
    let (first, subnets) = engine_model::could_hand_out(pool, net, &blocked)?;
    let subnets = match subnets {
        1 => "1 subnet".to_owned(),
        more => format!("{more} subnets"),
    };
    Some(format!(
        "the pool {pool} could: {first} first, {subnets} in all"
    ))
}

/// Where docker0's range came from, as far as today's settings show.
fn how_docker0(assessment: &Assessment, subnet: IpNet) -> String {
    let heeds = assessment
        .version
        .is_none_or(Version::heeds_fixed_cidr_alone);
    let settled = [
        (true, "bip", "which Docker takes unchecked"),
        (heeds, "fixed-cidr", "which settles it from 23.0.5 on"),
    ]
    .into_iter()
    .filter(|(heeded, ..)| *heeded)
    .find_map(|(_, key, says)| {
        let (place, value) = setting(assessment.facts, key)?;
        let fits = value
            .parse::<IpNet>()
            .is_ok_and(|net| overlap(&net, &subnet));
        fits.then(|| format!("{place} says {key} {value}, {says}"))
    });
    settled.unwrap_or_else(|| how(assessment, subnet))
}

/// Where a setting stands, the file or the command line, and its value.
fn setting<'a>(facts: &'a Facts, key: &str) -> Option<(&'a str, &'a str)> {
    let config = &facts.docker.config;
    let in_file = config.keys.get(key).and_then(|value| value.as_str());
    in_file
        .map(|value| (config.path.as_str(), value))
        .or_else(|| {
            let flag = facts.docker.flag(key).last()?;
            Some(("dockerd's command line", flag.as_str()))
        })
}

/// Where the range of a network came from; Docker's store says who chose it.
fn how_network(assessment: &Assessment, held: &Held) -> String {
    let mut networks = assessment.facts.networks();
    let network = networks.find(|one| held.network.as_deref() == Some(one.name.as_str()));
    let is_ipv4 = v4(&held.subnet).is_some();
    match network.and_then(|network| network.by_hand) {
        Some(true) if is_ipv4 => {
            "it was given by hand when the network was created, and Docker takes such a subnet \
             unchecked"
                .to_owned()
        }
        _ => how(assessment, held.subnet),
    }
}

/// Where a subnet is in the pools.
fn how(assessment: &Assessment, subnet: IpNet) -> String {
    let Some(net) = v4(&subnet) else {
        return "IPv6: given by hand, by fixed-cidr-v6, or from 27 on taken from a range that \
                Docker makes up for this host; the pools below are IPv4"
            .to_owned();
    };
    let mut before = 0;
    for pool in &assessment.pools {
        if pool.base.contains(&net) && pool.size == net.prefix_len() {
            let at = pool
                .subnets()
                .position(|one| one == net)
                .unwrap_or_default();
            return number_of_pools(assessment, before + at as u64 + 1);
        }
        before += pool.capacity();
    }
    "it is not a subnet of the pools in force: it was given by hand, or comes from earlier settings"
        .to_owned()
}

fn number_of_pools(assessment: &Assessment, number: u64) -> String {
    let all: u64 = assessment.pools.iter().map(AddressPool::capacity).sum();
    let list = match assessment.pools_are_built_in() {
        true => "the list built into Docker",
        false => "the pools it was given",
    };
    let before = match number {
        1 => "",
        _ => {
            ". Those before it were taken, lay under something Docker saw, or had been passed \
             already (up to 26)"
        }
    };
    format!(
        "it is number {number} of the {all} subnets of {list}: Docker picked it, unless it was \
         asked for by name{before}"
    )
}

fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(and_more(more));
    }
    lines
}
