//! The law of room, on random hosts with random networks: docker0 and every network that moves have
//! room for twice their containers, on a clear subnet of their own that is no whole pool.

use super::{ATTENDED, host, policy, sample};
use crate::dice::Dice;
use ipnet::{IpNet, Ipv4Net};
use rebridge::assess::Assessment;
use rebridge::facts::{Container, Facts, Network};
use rebridge::plan::relocate::Existing;
use rebridge::plan::{Decision, FileChange, Permits, Plan, plan};
use rebridge::policy::{Declared, Origin};
use rebridge::subnet::{overlap, overlap4};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOSTS: u64 = 1000;

#[derive(Debug, Default)]
struct Seen {
    docker0_moved: u64,
    from_the_pools: u64,
    by_name: u64,
    refused: u64,
}

#[test]
fn what_moves_has_room_for_twice_its_containers() {
    let mut seen = Seen::default();
    for seed in 0..sample(HOSTS) {
        let mut dice = Dice::new(seed ^ 0x0011_2000);
        let (mut facts, mut policy) = (host(&mut dice), policy(&mut dice));
        if dice.percent(60) {
            policy.avoid.push(Declared {
                net: dice
                    .pick(&["172.20.0.0/14", "172.16.0.0/12"])
                    .parse()
                    .unwrap(),
                origin: Origin::Named("--avoid".into()),
            });
        }
        add_networks(&mut facts, &mut dice);
        let permits = Permits {
            networks: Existing::Move,
            ..ATTENDED
        };
        let assessment = Assessment::of(&facts, &policy);
        match plan(&assessment, &permits) {
            Decision::Change(change) => law(seed, &assessment, &change, &mut seen),
            Decision::Refuse(_) => seen.refused += 1,
            Decision::Nothing => {}
        }
    }
    println!("{seen:?}");
    let common = [seen.docker0_moved, seen.from_the_pools, seen.by_name];
    assert!(
        common.iter().all(|count| *count > sample(HOSTS) / 20),
        "{seen:?}"
    );
    assert!(seen.refused < sample(HOSTS) / 3, "{seen:?}");
}

/// Networks with containers on them, and more containers on docker0.
fn add_networks(facts: &mut Facts, dice: &mut Dice) {
    let Some(engine) = &mut facts.docker.engine else {
        return;
    };
    let mut count = 0;
    let mut add_containers = |on: &str, many: u32, idle: &mut Vec<Container>| {
        for _ in 0..many {
            count += 1;
            idle.push(container(format!("c{count}"), on));
        }
    };
    let many = dice.pick(&[0, 3, 130, 400]);
    add_containers("bridge", many, &mut engine.idle);
    for number in 18..18 + dice.below(6) {
        let name = format!("net{number}");
        let prefix = dice.pick(&[16, 20, 24]);
        let subnet = format!("172.{number}.0.0/{prefix}");
        let many = dice.pick(&[1, 20, 130, 600]);
        if many < 1 << (32 - prefix) {
            add_containers(&name, many, &mut engine.idle);
            engine.networks.push(network(name, &subnet, dice));
        }
    }
}

fn container(name: String, on: &str) -> Container {
    let on = BTreeMap::from([(on, Value::Null)]);
    let text = json!({
        "name": name, "id": name, "addresses": [],
        "detail": {"restart": "no", "auto_remove": false, "joins": null, "published_on": [], "networks": on},
    });
    serde_json::from_value(text).unwrap()
}

fn network(name: String, subnet: &str, dice: &mut Dice) -> Network {
    let text = json!({
        "id": format!("{name}0123456789abcdef"), "driver": "bridge", "scope": "local",
        "bridge": format!("br-{name}"), "subnets": [subnet], "name": name,
        "by_hand": dice.percent(50),
    });
    serde_json::from_value(text).unwrap()
}

fn law(seed: u64, before: &Assessment, change: &Plan, seen: &mut Seen) {
    let sets_bip = |write: &FileChange| write.keys_after.contains_key("bip");
    if let Some(docker0) = change
        .docker0
        .filter(|_| change.write.as_ref().is_some_and(sets_bip))
    {
        seen.docker0_moved += 1;
        holds_twice(seed, before.facts, "bridge", docker0.trunc());
    }
    for (at, one) in change.moves.iter().enumerate() {
        match one.explicit {
            true => seen.by_name += 1,
            false => seen.from_the_pools += 1,
        }
        holds_twice(seed, before.facts, &one.network, one.to);
        let mut needed = before.needed.iter();
        let net = IpNet::V4(one.to);
        let over = needed.find(|need| {
            !need.is_suspected()
                && !before.overruled_by_pool(need, &net)
                && overlap(&need.net, &net)
        });
        assert!(over.is_none(), "seed {seed}: {one:?} over {over:?}");
        let whole = change.pools.iter().find(|pool| one.to.contains(&pool.base));
        let whole = whole.filter(|pool| pool.size != pool.base.prefix_len());
        assert!(whole.is_none(), "seed {seed}: {one:?} takes {whole:?}");
        let others = change.moves[..at].iter().map(|other| other.to);
        let others: Vec<Ipv4Net> = others
            .chain(change.docker0.map(|net| net.trunc()))
            .collect();
        assert!(
            !others.iter().any(|other| overlap4(other, &one.to)),
            "seed {seed}: {change:#?}"
        );
    }
}

/// And the bridge has an address too.
fn holds_twice(seed: u64, facts: &Facts, network: &str, subnet: Ipv4Net) {
    let engine = facts.docker.engine.iter();
    let all = engine.flat_map(|engine| engine.containers.iter().chain(&engine.idle));
    let on_it = all.filter(|container| match &container.detail {
        Some(detail) => detail.networks.contains_key(network),
        None => network == "bridge",
    });
    let containers = on_it.count();
    let room = (1usize << (32 - subnet.prefix_len())) - 3;
    assert!(
        room >= 2 * containers,
        "seed {seed}: {subnet} for {containers} on {network}"
    );
}
