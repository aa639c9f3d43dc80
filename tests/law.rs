//! The laws of judgement, on random hosts: where `check` finds nothing, `apply` does nothing; and
//! after an apply nothing but a change of lasting evidence makes the next unattended one act.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "common/dice.rs"]
mod dice;
#[path = "law/fleet.rs"]
mod fleet;
#[path = "law/least_change.rs"]
mod least_change;
#[path = "law/room.rs"]
mod room;

use dice::Dice;
use ipnet::{IpNet, Ipv4Net};
use rebridge::assess::Assessment;
use rebridge::assess::clash::Clash;
use rebridge::facts::{
    AddressPool, ConfigState, Configured, Contact, DockerState, Facts, Link, Nameserver, Neighbour,
    NeighbourState, Peer, Role, Route, RouteKind, Rule, Scope,
};
use rebridge::plan::project::project;
use rebridge::plan::{Decision, Permits, Plan, plan};
use rebridge::policy::{Declared, Origin, Policy};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

const HOSTS: u64 = 4000;

const UNATTENDED: Permits = Permits {
    act_on_suspected: false,
    ..PLAIN
};
const ATTENDED: Permits = Permits {
    act_on_suspected: true,
    ..PLAIN
};
const PLAIN: Permits = Permits {
    restart: true,
    accepted: rebridge::policy::accept::Accepted::NOTHING,
    own_command: false,
    networks: rebridge::plan::relocate::Existing::Report,
    act_on_suspected: false,
};

/// All of them, or with `LAWS=sampled`, as in `make check`, every tenth.
fn sample(all: u64) -> u64 {
    match std::env::var("LAWS").as_deref() {
        Ok("sampled") => all / 10,
        _ => all,
    }
}

#[test]
fn a_clean_host_is_left_alone_and_a_fixed_one_stays() {
    let mut seen = Seen::default();
    for seed in 0..sample(HOSTS) {
        let mut dice = Dice::new(seed);
        let (mut facts, policy) = (host(&mut dice), policy(&mut dice));
        if dice.percent(30) {
            facts.configured.push(configured(&mut dice));
        }
        law(seed, &facts, &policy, &mut dice, &mut seen);
    }
    println!("{seen:?}");
    // The hosts are not all of one kind, or the laws were hardly tried.
    let common = [seen.clean, seen.suspected_only, seen.changed];
    assert!(
        common.iter().all(|count| *count > sample(HOSTS) / 50),
        "{seen:?}"
    );
    assert!(seen.refused > sample(HOSTS) / 400, "{seen:?}");
}

#[derive(Debug, Default)]
struct Seen {
    clean: u64,
    suspected_only: u64,
    changed: u64,
    refused: u64,
}

fn law(seed: u64, facts: &Facts, policy: &Policy, dice: &mut Dice, seen: &mut Seen) {
    let assessment = Assessment::of(facts, policy);
    let decision = plan(&assessment, &UNATTENDED);
    if assessment.clashes.is_empty() && !policy.pin {
        seen.clean += 1;
        let attended = plan(&assessment, &ATTENDED);
        for decision in [&decision, &attended] {
            assert_eq!(*decision, Decision::Nothing, "seed {seed}: a clean host");
        }
    }
    if !assessment.clashes.is_empty() && assessment.clashes.iter().all(Clash::is_suspected) {
        seen.suspected_only += 1;
        let nothing = decision == Decision::Nothing || policy.pin;
        assert!(nothing, "seed {seed}: only suspected, {decision:?}");
    }
    for decision in [decision, plan(&assessment, &ATTENDED)] {
        match decision {
            Decision::Nothing => {}
            Decision::Refuse(_) => seen.refused += 1,
            Decision::Change(plan_made) => {
                seen.changed += 1;
                let after = project(facts, &plan_made, true);
                stays(seed, &plan_made, after, policy, dice);
            }
        }
    }
}

fn stays(seed: u64, plan_made: &Plan, mut after: Facts, policy: &Policy, dice: &mut Dice) {
    for _ in 0..3 {
        add_traffic(&mut after, dice);
        let assessment = Assessment::of(&after, policy);
        let movable = |clash: &&Clash| clash.is_movable() && !clash.is_suspected();
        let left = assessment.clashes.iter().find(movable);
        assert_eq!(left, None, "seed {seed}: after {plan_made:#?}");
        let next = plan(&assessment, &UNATTENDED);
        let traffic = &after.kernel.peers;
        assert_eq!(
            next,
            Decision::Nothing,
            "seed {seed}: after {plan_made:#?}\nwith {traffic:#?}"
        );
    }
}

/// A stock host with Docker, and what chance adds.
fn host(dice: &mut Dice) -> Facts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/clean/facts.json");
    let mut facts: Facts = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for number in 0..dice.below(4) {
        let net = private(dice);
        let dev = format!("lan{number}");
        if dice.percent(50) {
            add_link(&mut facts, &dev, net);
        } else {
            add_route(&mut facts, net, dice);
        }
    }
    if dice.percent(15) {
        add_table(&mut facts, dice);
    }
    for _ in 0..dice.below(3) {
        facts.nameservers.push(Nameserver {
            address: IpAddr::V4(address_in(private(dice), dice)),
            file: "/etc/resolv.conf".to_owned(),
            dev: None,
            seen_by_docker: dice.percent(70),
        });
    }
    let engine = facts.docker.engine.as_mut().unwrap();
    engine.version = dice.pick(&["20.10.24", "26.1.5", "28.5.2"]).to_owned();
    if dice.percent(20) {
        let bip = Ipv4Net::new(address_in(private(dice), dice), 24).unwrap();
        facts
            .docker
            .config
            .keys
            .insert("bip".to_owned(), json!(bip.to_string()));
        facts.docker.config.state = ConfigState::Object;
    }
    if dice.percent(20) {
        facts.docker.state = DockerState::Stopped;
        facts.docker.engine = None;
    }
    add_traffic(&mut facts, dice);
    facts
}

/// Routes in a table of the operator's, and rules that lead there.
fn add_table(facts: &mut Facts, dice: &mut Dice) {
    let rule = |priority, table, to| -> Rule {
        let text = json!({"family": "ipv4", "priority": priority, "table": table, "to": to,
            "from": null, "inverted": false, "l3mdev": false, "only_if": []});
        serde_json::from_value(text).unwrap()
    };
    let usual = [(0, 255), (32766, 254), (32767, 253)];
    let usual = usual.map(|(priority, table)| rule(priority, table, None));
    facts.kernel.rules.extend(usual);
    for number in 0..1 + dice.below(3) {
        let net = private(dice);
        add_route(facts, net, dice);
        facts.kernel.routes.last_mut().unwrap().table = 100;
        let to = Some(net.to_string()).filter(|_| dice.percent(80));
        facts.kernel.rules.push(rule(90 + number, 100, to));
    }
}

fn add_link(facts: &mut Facts, dev: &str, net: Ipv4Net) {
    let address = Ipv4Net::new(first(net), net.prefix_len()).unwrap();
    facts.kernel.links.push(Link {
        name: dev.to_owned(),
        kind: Some("veth".to_owned()),
        addresses: vec![IpNet::V4(address)],
        ..Link::default()
    });
    facts.kernel.routes.push(Route {
        scope: Scope::Link,
        dev: Some(dev.to_owned()),
        ..Route::new(IpNet::V4(net), RouteKind::Unicast)
    });
}

fn configured(dice: &mut Dice) -> Configured {
    let role = dice.pick(&[Role::Network, Role::Server, Role::Named]);
    let net = private(dice);
    Configured {
        net: match role {
            Role::Network => IpNet::V4(net),
            Role::Server | Role::Named => IpNet::from(IpAddr::V4(address_in(net, dice))),
        },
        role,
        what: "something".to_owned(),
        dev: None,
        by_gateway: dice.percent(30),
        file: "/etc/file".to_owned(),
        line: 1,
    }
}

fn add_route(facts: &mut Facts, net: Ipv4Net, dice: &mut Dice) {
    let kind = match dice.percent(10) {
        true => RouteKind::Blackhole,
        false => RouteKind::Unicast,
    };
    let unicast = kind == RouteKind::Unicast;
    facts.kernel.routes.push(Route {
        gateway: unicast.then(|| IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1))),
        dev: unicast.then(|| "eth0".to_owned()),
        ..Route::new(IpNet::V4(net), kind)
    });
}

/// Other traffic than before.
fn add_traffic(facts: &mut Facts, dice: &mut Dice) {
    facts.kernel.peers.clear();
    facts.kernel.neighbours.clear();
    facts.operator = None;
    for _ in 0..dice.below(5) {
        let address = IpAddr::V4(anywhere(facts, dice));
        facts.kernel.peers.push(Peer {
            address,
            port: None,
            contact: dice.pick(&[
                Contact::Calling,
                Contact::Unanswered,
                Contact::Connected,
                Contact::Flow,
                Contact::Ssh,
            ]),
            times: 1,
            translation: None,
            shared_bits: 0,
        });
    }
    if dice.percent(30) {
        let address = IpAddr::V4(anywhere(facts, dice));
        facts.kernel.neighbours.push(Neighbour {
            address,
            dev: "docker0".to_owned(),
            state: NeighbourState::Failed,
            called_seconds_ago: Some(u64::from(dice.below(10_000))),
        });
    }
    if dice.percent(20) {
        facts.operator = Some(IpAddr::V4(anywhere(facts, dice)));
    }
}

/// An address in a range of Docker's, or in any private one.
fn anywhere(facts: &Facts, dice: &mut Dice) -> Ipv4Addr {
    let docker0 = facts.docker0().filter(|_| dice.percent(50));
    let net = docker0.unwrap_or_else(|| private(dice));
    address_in(net.trunc(), dice)
}

fn private(dice: &mut Dice) -> Ipv4Net {
    let base = dice.pick(&[
        "172.17.0.0/16",
        "172.16.0.0/12",
        "172.24.0.0/14",
        "10.200.0.0/16",
        "10.0.0.0/8",
        "10.200.128.0/17",
        "192.168.0.0/16",
        "172.28.0.0/16",
    ]);
    let base: Ipv4Net = base.parse().unwrap();
    let prefix = base.prefix_len() + dice.below(33 - u32::from(base.prefix_len())) as u8;
    Ipv4Net::new(address_in(base, dice), prefix)
        .unwrap()
        .trunc()
}

fn first(net: Ipv4Net) -> Ipv4Addr {
    net.hosts().next().unwrap_or(net.network())
}

fn address_in(net: Ipv4Net, dice: &mut Dice) -> Ipv4Addr {
    let bits = 32 - net.prefix_len();
    let offset = dice.below(1 << bits.min(24));
    Ipv4Addr::from(u32::from(net.network()) + offset)
}

fn policy(dice: &mut Dice) -> Policy {
    let mut policy = Policy::default();
    for _ in 0..dice.below(2) {
        policy.avoid.push(Declared {
            net: private(dice).into(),
            origin: Origin::Named("--avoid".into()),
        });
    }
    if dice.percent(30) {
        let base = "10.128.0.0/10".parse().unwrap();
        policy.pools.push(AddressPool::new(base, 24).unwrap());
        policy.pin = dice.percent(50);
    }
    policy
}
