//! Why Docker is where it is: what settled the range, in which order it looks, what it saw and what
//! it could not see. Pure; in the words of one who has to explain it to somebody else.

use super::sides::WantedSide;
use super::wanted::{Wanted, wanted};
use super::{Held, assess, forecast::forecast, held, list_of_file, pools_in_force};
use crate::engine_model;
use crate::facts::{AddressPool, DockerState, Facts, Version};
use crate::phrases::{count, nearest};
use crate::policy::Policy;
use crate::subnet::{overlap, v4};
use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// More lines of a kind than this are counted.
const LISTED: usize = 12;

/// The story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Explanation {
    /// Version of this shape; 1.
    pub schema: u32,
    /// The answer.
    pub answer: String,
    /// What makes it one.
    pub parts: Vec<Part>,
}

/// A part of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    /// What it is about.
    pub title: &'static str,
    /// Its sentences.
    pub lines: Vec<String>,
}

impl Part {
    fn of(title: &'static str, lines: Vec<String>) -> Part {
        Part { title, lines }
    }
}

/// Tells it: of a network, a bridge, a range or an address; of docker0 where nothing is named. The
/// error names what there is.
pub fn explain(facts: &Facts, policy: &Policy, about: Option<&str>) -> Result<Explanation, String> {
    let all = held(facts);
    let name = about.unwrap_or("docker0");
    let named = |held: &&Held| held.bridge == name || held.network.as_deref() == Some(name);
    if let Some(held) = all.iter().find(named) {
        return Ok(of_held(facts, policy, held));
    }
    let address = name.parse::<IpAddr>().map(IpNet::from);
    match name.parse::<IpNet>().or(address) {
        Ok(net) => Ok(of_range(facts, policy, net.trunc(), &all)),
        Err(_) if about.is_none() => Ok(of_range_to_come(facts, policy)),
        Err(_) => {
            let mut names: Vec<&str> = all
                .iter()
                .map(|held| held.network.as_deref().unwrap_or(&held.bridge))
                .collect();
            names.dedup();
            let near = nearest(name, &names)
                .map(|near| format!(", did you mean {near}?"))
                .unwrap_or_default();
            let list = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            Err(format!(
                "\"{name}\" is neither a network nor an address nor a Docker network{near} (there \
                 are: {list})"
            ))
        }
    }
}

fn of_held(facts: &Facts, policy: &Policy, held: &Held) -> Explanation {
    let name = held
        .network
        .as_deref()
        .filter(|_| !held.is_docker0())
        .unwrap_or(&held.bridge);
    let keeps = if held.is_docker0() {
        "docker0 keeps its address from start to start, also where the setting it came from is \
         gone: only another `bip`, or pools without live-restore, move it"
    } else {
        "a network keeps its subnet until it is made anew, whatever the pools say by then"
    };
    let mut came = vec![if held.is_docker0() {
        how_docker0(facts, held.subnet)
    } else {
        how(facts, held.subnet)
    }];
    came.push(keeps.to_owned());
    let mut parts = vec![Part::of("How it came by it", came)];
    parts.extend(order_and_sight(facts, policy, held.subnet));
    Explanation {
        schema: 1,
        answer: format!("{name} holds {}", held.subnet),
        parts,
    }
}

/// Of docker0 that is not there yet, or no more.
fn of_range_to_come(facts: &Facts, policy: &Policy) -> Explanation {
    let foretold = forecast(facts, policy, 1, None);
    let why = match facts.docker.state {
        DockerState::Absent => "Docker is not installed",
        DockerState::Stopped => "Docker is stopped",
        DockerState::Running => "Docker runs without docker0",
    };
    match foretold.subnets.first().map(|next| next.subnet) {
        Some(next) => {
            let whose = if foretold.subnets.iter().any(|next| next.network.is_some()) {
                "docker0"
            } else {
                "a network"
            };
            let parts = order_and_sight(facts, policy, next);
            Explanation {
                schema: 1,
                answer: format!("{why}; the next subnet, for {whose}, would be {next}"),
                parts,
            }
        }
        None => Explanation {
            schema: 1,
            answer: format!("{why}, and its pools are used up"),
            parts: Vec::new(),
        },
    }
}

fn of_range(facts: &Facts, policy: &Policy, net: IpNet, all: &[Held]) -> Explanation {
    let holders: Vec<&Held> = all
        .iter()
        .filter(|held| overlap(&held.subnet, &net))
        .collect();
    if let [only] = holders.as_slice() {
        return Explanation {
            answer: format!("{net}: {} holds {}", label(only), only.subnet),
            ..of_held(facts, policy, only)
        };
    }
    let answer = if holders.is_empty() {
        format!("no Docker network holds any of {net}")
    } else {
        let names: Vec<String> = holders
            .iter()
            .map(|held| format!("{} ({})", label(held), held.subnet))
            .collect();
        format!(
            "{} in {net}: {}",
            count(names.len(), "Docker network lies", "Docker networks lie"),
            names.join(", ")
        )
    };
    let taken: crate::subnet::RangeSet =
        crate::subnet::RangeSet::new(all.iter().filter_map(|held| v4(&held.subnet)));
    let stepped = engine_model::stepped_round(facts, facts.version());
    let could = v4(&net).into_iter().flat_map(|net| {
        let pools = engine_model::pools_as_seen(&pools_in_force(facts), facts.version());
        let (stepped, taken) = (&stepped, &taken);
        pools.into_iter().filter_map(move |pool| {
            let blocked = engine_model::reserved_in(&pool, stepped, facts.version()).union(taken);
            let (first, subnets) = engine_model::could_hand_out(&pool, net, &blocked)?;
            Some(format!(
                "the pool {pool} could: {first} first, {} in all",
                count_of(subnets)
            ))
        })
    });
    let mut could: Vec<String> = could.collect();
    if could.is_empty() {
        could.push("nothing of it, with the pools in force".to_owned());
    }
    let mut parts = vec![Part::of("What Docker could take of it", could)];
    parts.extend(order_and_sight(facts, policy, net));
    Explanation {
        schema: 1,
        answer,
        parts,
    }
}

fn count_of(subnets: u64) -> String {
    if subnets == 1 {
        "1 subnet".to_owned()
    } else {
        format!("{subnets} subnets")
    }
}

fn label(held: &Held) -> &str {
    held.network
        .as_deref()
        .filter(|_| !held.is_docker0())
        .unwrap_or(&held.bridge)
}

/// What settled docker0's range, as far as today's settings tell.
fn how_docker0(facts: &Facts, subnet: IpNet) -> String {
    let keys = &facts.docker.config.keys;
    let path = &facts.docker.config.path;
    for (key, says) in [
        ("bip", "which Docker takes as it is, unchecked"),
        ("fixed-cidr", "which settles it from 23.0.5 on"),
    ] {
        let in_file = keys
            .get(key)
            .and_then(|value| value.as_str())
            .map(|value| (value.to_owned(), path.as_str()));
        let flag = facts
            .docker
            .flag(key)
            .last()
            .map(|value| (value.clone(), "dockerd's command line"));
        let fits = |value: &str| {
            value
                .parse::<IpNet>()
                .is_ok_and(|net| overlap(&net, &subnet))
        };
        if let Some((value, place)) = in_file.or(flag).filter(|(value, _)| fits(value)) {
            return format!("{place} says {key} {value}, {says}");
        }
    }
    how(facts, subnet)
}

/// Where in the pools a subnet stands.
fn how(facts: &Facts, subnet: IpNet) -> String {
    if v4(&subnet).is_none() {
        return "IPv6: given by hand, by fixed-cidr-v6, or from 27 on out of a range of this host's \
                own; the pools below are IPv4"
            .to_owned();
    }
    let pools = pools_in_force(facts);
    let mut before = 0;
    for pool in &pools {
        if let Some(net) =
            v4(&subnet).filter(|net| pool.base.contains(net) && pool.size == net.prefix_len())
        {
            let at = before
                + pool
                    .subnets()
                    .position(|one| one == net)
                    .unwrap_or_default() as u64
                + 1;
            let all: u64 = pools.iter().map(AddressPool::capacity).sum();
            let of = if built_in(facts) {
                "the list built into Docker"
            } else {
                "the pools it was given"
            };
            let before = match at {
                1 => "",
                _ => {
                    "; those before it were taken, or under something Docker saw, or passed by \
                     already (up to 26)"
                }
            };
            return format!(
                "it is number {at} of the {all} subnets of {of}: Docker picked it itself, unless \
                 somebody asked for it by name{before}"
            );
        }
        before += pool.capacity();
    }
    "it is none of the subnets of the pools in force: it was given by hand, or comes from settings \
     of an earlier time"
        .to_owned()
}

fn built_in(facts: &Facts) -> bool {
    match &facts.docker.engine {
        Some(engine) => engine.pools.is_none(),
        None => {
            list_of_file(facts).is_none() && facts.docker.flag("default-address-pool").is_empty()
        }
    }
}

/// The parts every story has.
fn order_and_sight(facts: &Facts, policy: &Policy, about: IpNet) -> Vec<Part> {
    let stepped = engine_model::stepped_round(facts, facts.version());
    let mut saw: Vec<String> = stepped.iter().map(ToString::to_string).collect();
    shorten(&mut saw);
    let saw = match saw.as_slice() {
        [] => vec![
            "nothing that matters: no nameserver, and in the main table no on-link route to \
                    where Docker's ranges may lie, but Docker's own"
                .to_owned(),
        ],
        some => vec![
            format!(
                "nameservers, and on-link routes of the main table as far as they lead where \
                 Docker's ranges may lie: {}",
                some.join(", ")
            ),
            "it looks in the moment it picks, and never again; a subnet asked for by name, `bip` \
             too, is not checked at all"
                .to_owned(),
        ],
    };
    let mut parts = vec![
        Part::of("In which order Docker looks", order(facts)),
        Part::of("What Docker sees on this host", saw),
    ];
    parts.push(Part::of(
        "What it does not see",
        blind(facts, policy, about, &stepped),
    ));
    let clashes = assess(facts, policy)
        .iter()
        .filter(|clash| overlap(&clash.docker.subnet, &about))
        .count();
    if clashes > 0 {
        let words = count(clashes, "clash", "clashes");
        parts.push(Part::of(
            "So",
            vec![format!(
                "{words} here: `rebridge check` says which, and what to do"
            )],
        ));
    }
    parts
}

fn order(facts: &Facts) -> Vec<String> {
    let version = facts.version();
    let pools = engine_model::pools_as_seen(&pools_in_force(facts), version);
    let list: Vec<String> = pools.iter().map(ToString::to_string).collect();
    let whose = if built_in(facts) {
        "built in"
    } else {
        "given by daemon.json or a flag"
    };
    let engine = facts.version_text();
    let rule = match (version.is_none_or(Version::first_fit), engine) {
        (true, Some(version)) => {
            format!(
                "Docker {version}, as all from 27 on: the pools sorted, the lowest free subnet \
                     first"
            )
        }
        (true, None) => {
            "no engine answers; from 27 on: the pools sorted, the lowest free subnet first. Up to \
                         26: one list, in the order of daemon.json, each search from where the \
                         last one ended"
                .to_owned()
        }
        (false, engine) => format!(
            "Docker {}, as all up to 26: one list in this order, each search from where the last \
             one ended, and round",
            engine.unwrap_or_default()
        ),
    };
    vec![format!("pools, {whose}: {}", list.join(", ")), rule]
}

/// What this host is known to need of a range, and Docker's own look does not show it.
fn blind(facts: &Facts, policy: &Policy, about: IpNet, stepped: &BTreeSet<Ipv4Net>) -> Vec<String> {
    let seen = |want: &Wanted| v4(&want.net).is_some_and(|net| stepped.contains(&net));
    let wishes = wanted(facts, policy);
    let unseen = wishes
        .iter()
        .filter(|want| overlap(&want.net, &about) && !seen(want));
    let mut lines: Vec<String> = unseen
        .map(|want| WantedSide::of(want, Some(&about), facts).describe())
        .collect();
    lines.dedup();
    shorten(&mut lines);
    lines.push(
        "in general: routes through a gateway, other routing tables, and all that lies behind the \
         default route. The last leaves no trace on this host before somebody calls it: name such \
         networks with --avoid"
            .to_owned(),
    );
    lines
}

fn shorten(lines: &mut Vec<String>) {
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(format!("{more} more"));
    }
}
