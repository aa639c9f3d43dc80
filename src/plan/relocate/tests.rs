//! Which networks move and where to, and what is refused.

use super::*;
use crate::facts::AddressPool;
use crate::plan::{Decision, plan};
use crate::policy::Policy;
use crate::policy::read::read_avoid;

/// A host of this version where docker0 and the pools are settled, with an office network in
/// 172.16.0.0/12.
fn host(version: &str, networks: &str, containers: &str) -> Facts {
    let text = format!(
        r#"{{"schema": 1, "root": true, "interrupted": false, "operator": null, "nameservers": [], "unseen": [],
        "kernel": {{"links": [{{"name": "docker0", "kind": "bridge", "up": true, "addresses": ["10.200.255.1/24"]}}],
            "routes": [], "rules": [], "neighbours": [], "peers": []}},
        "docker": {{"state": "running", "service": "systemd", "flags": {{}},
            "config": {{"path": "/etc/docker/daemon.json", "target": null, "state": {{"is": "object"}}, "keys": {{
                "bip": "10.200.255.1/24", "default-address-pools": [{{"base": "10.200.0.0/16", "size": 24}}]}}}},
            "engine": {{"version": "{version}", "live_restore": false,
                "pools": [{{"base": "10.200.0.0/16", "size": 24}}], "containers": [{containers}],
                "networks": [{{"name": "bridge", "driver": "bridge", "scope": "local", "bridge": "docker0",
                    "subnets": ["10.200.255.0/24"], "gateways": ["10.200.255.1"]}}, {networks}]}}}}}}"#
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn network(name: &str, subnet: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "id": "{name}0123456789abcdef", "driver": "bridge", "scope": "local",
        "bridge": "br-{name}", "subnets": ["{subnet}"]{more}}}"#
    )
}

/// As the engine shows one whose subnet it took from its pools.
fn from_pools(name: &str, subnet: &str) -> String {
    network(name, subnet, r#", "gateways": ["172.18.0.1"]"#)
}

fn container(name: &str, on: &str, more: &str) -> String {
    format!(
        r#"{{"name": "{name}", "id": "{name}-id", "addresses": [], "detail": {{"restart": "no", "auto_remove": false,
        "joins": null, "published_on": [], "networks": {{{on}}}{more}}}}}"#
    )
}

fn decide(facts: &Facts, existing: Existing) -> Decision {
    let policy = Policy {
        avoid: read_avoid(&["172.16.0.0/12".to_owned()], "--avoid").unwrap(),
        ..Policy::default()
    };
    plan(
        &Assessment::of(facts, &policy),
        &Permits {
            networks: existing,
            ..Permits::plain()
        },
    )
}

fn moves_of(facts: &Facts) -> Vec<String> {
    match decide(facts, Existing::Move) {
        Decision::Change(plan) => {
            let line = |one: &Move| {
                let how = if one.explicit {
                    "by name"
                } else {
                    "from the pools"
                };
                format!(
                    "{} {} -> {} {how} {}",
                    one.network,
                    one.from,
                    one.to,
                    one.restarts.join(",")
                )
            };
            plan.moves.iter().map(line).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn refused(facts: &Facts, existing: Existing) -> Blocker {
    match decide(facts, existing) {
        Decision::Refuse(blockers) => blockers.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn networks_from_the_pools_come_back_from_the_pools() {
    let networks = [
        from_pools("one", "172.18.0.0/16"),
        from_pools("two", "172.19.0.0/16"),
    ]
    .join(",");
    let web = container("web", r#""one": null"#, "");
    let side = container("side", "", r#", "mode": "container:web-id""#)
        .replace("\"joins\": null", "\"joins\": \"web-id\"");
    for version in ["20.10.24", "26.1.5", "28.5.2"] {
        assert_eq!(
            moves_of(&host(
                version,
                &networks,
                &[web.clone(), side.clone()].join(",")
            )),
            [
                "one 172.18.0.0/16 -> 10.200.0.0/24 from the pools web,side",
                "two 172.19.0.0/16 -> 10.200.1.0/24 from the pools "
            ]
        );
    }
}

#[test]
fn a_subnet_given_by_hand_keeps_its_shape() {
    // No gateway is shown, and the pools have room for it: their end, docker0's subnet aside.
    let narrow = network("narrow", "172.20.1.0/25", "");
    // A /16 does not fit into the pools beside docker0.
    let wide = network("wide", "172.21.0.0/16", "");
    // A gateway is shown, but a container has an address given by hand; and one from the pools
    // beside them.
    let fixed = from_pools("fixed", "172.18.0.0/16");
    let auto = from_pools("auto", "172.19.0.0/16");
    let given = container("web", r#""fixed": "172.18.3.4""#, "");
    let facts = host("28.5.2", &[narrow, wide, fixed, auto].join(","), &given);
    assert_eq!(
        moves_of(&facts),
        [
            "auto 172.19.0.0/16 -> 10.200.0.0/24 from the pools ",
            "fixed 172.18.0.0/16 -> 10.201.0.0/16 by name web",
            "narrow 172.20.1.0/25 -> 10.200.254.128/25 by name ",
            "wide 172.21.0.0/16 -> 10.202.0.0/16 by name ",
        ]
    );
}

/// Docker's store knows who chose the subnet; what the engine shows changes with a restart.
#[test]
fn the_store_says_who_chose_the_subnet() {
    // As engines show them after a restart, and an isolated one that never has a gateway.
    let hand = from_pools("hand", "172.18.0.0/16")
        .replace("\"gateways\"", "\"by_hand\": true, \"gateways\"");
    let isolated = network("isolated", "172.19.0.0/16", r#", "by_hand": false"#);
    let facts = host("28.5.2", &[hand, isolated].join(","), "");
    assert_eq!(
        moves_of(&facts),
        [
            "hand 172.18.0.0/16 -> 10.201.0.0/16 by name ",
            "isolated 172.19.0.0/16 -> 10.200.0.0/24 from the pools ",
        ]
    );
}

#[test]
fn a_subnet_that_is_named_is_never_a_whole_pool() {
    let hand = network("hand", "172.18.0.0/16", r#", "by_hand": true"#);
    let mut facts = host("28.5.2", &hand, "");
    let two = r#"[{"base": "10.200.0.0/16", "size": 24}, {"base": "10.210.0.0/16", "size": 24}]"#;
    facts.docker.engine.as_mut().unwrap().pools = serde_json::from_str(two).unwrap();
    let keys = &mut facts.docker.config.keys;
    keys.insert(
        "default-address-pools".to_owned(),
        serde_json::from_str(two).unwrap(),
    );
    assert_eq!(
        moves_of(&facts),
        ["hand 172.18.0.0/16 -> 10.201.0.0/16 by name "]
    );
}

fn crowd(on: &str, count: usize) -> String {
    let one = |number| container(&format!("c{number}"), &format!(r#""{on}": null"#), "");
    let all: Vec<String> = (0..count).map(one).collect();
    all.join(",")
}

#[test]
fn a_crowded_network_gets_room_for_twice_its_containers() {
    let one = from_pools("one", "172.18.0.0/16");
    let facts = host("28.5.2", &one, &crowd("one", 200));
    let to = |facts: &Facts| match decide(facts, Existing::Move) {
        Decision::Change(plan) => (plan.moves[0].to.to_string(), plan.notices),
        other => panic!("{other:?}"),
    };
    let (subnet, notices) = to(&facts);
    assert_eq!(subnet, "10.200.252.0/23");
    assert!(matches!(
        notices.as_slice(),
        [Notice::WiderThanThePools {
            containers: 200,
            ..
        }]
    ));
    // One by hand grows with them, too.
    let tight = network("one", "172.18.0.0/28", r#", "by_hand": true"#);
    let (subnet, notices) = to(&host("28.5.2", &tight, &crowd("one", 13)));
    assert_eq!(subnet, "10.200.254.224/27");
    assert!(matches!(notices.as_slice(), [Notice::SubnetByHand { .. }]));
}

#[test]
fn a_pool_of_yours_too_narrow_for_a_network_is_refused_with_the_size_that_would_do() {
    let one = from_pools("one", "172.18.0.0/16");
    let facts = host("28.5.2", &one, &crowd("one", 8));
    let given = |size| {
        let policy = Policy {
            avoid: read_avoid(&["172.16.0.0/12".to_owned()], "--avoid").unwrap(),
            pools: vec![AddressPool::new("10.210.0.0/20".parse().unwrap(), size).unwrap()],
            pin: true,
            ..Policy::default()
        };
        let permits = Permits {
            networks: Existing::Move,
            ..Permits::plain()
        };
        plan(&Assessment::of(&facts, &policy), &permits)
    };
    let Decision::Refuse(blockers) = given(29) else {
        panic!("{:?}", given(29));
    };
    assert!(
        matches!(&blockers[0], Blocker::PoolTooNarrow { network, containers: 8, size: 27, .. } if network == "one"),
        "{blockers:?}"
    );
    assert!(matches!(given(27), Decision::Change(_)), "{:?}", given(27));
}

#[test]
fn what_nothing_uses_is_left_to_be_removed_unless_you_name_it() {
    let unused = from_pools("old", "172.18.0.0/16")
        .replace("\"gateways\"", "\"unused\": true, \"gateways\"");
    let facts = host("28.5.2", &unused, "");
    assert_eq!(decide(&facts, Existing::Move), Decision::Nothing);
    let named = decide(&facts, Existing::MoveOnly(vec!["old".to_owned()]));
    assert!(matches!(named, Decision::Change(plan) if plan.moves.len() == 1));
}

#[test]
fn networks_of_products_are_left_alone() {
    let labelled = r#", "labels": ["created_by.minikube.sigs.k8s.io"], "gateways": ["172.19.0.1"]"#;
    let networks = [
        from_pools("hassio", "172.30.32.0/23"),
        from_pools("kind", "172.18.0.0/16"),
        network("dev", "172.19.0.0/16", labelled),
    ];
    let facts = host("28.5.2", &networks.join(","), "");
    assert_eq!(decide(&facts, Existing::Move), Decision::Nothing);
    for (name, product) in [
        ("hassio", "Home Assistant"),
        ("kind", "kind"),
        ("dev", "minikube"),
    ] {
        let named = refused(&facts, Existing::MoveOnly(vec![name.to_owned()]));
        assert!(
            matches!(&named, Blocker::NetworkOfProduct { product: of, .. } if of.name == product),
            "{named:?}"
        );
    }
    // Without a cluster kind's network is like any other; Home Assistant's comes back.
    let mut facts = facts;
    for network in &mut facts.docker.engine.as_mut().unwrap().networks {
        network.unused = network.name != "bridge";
    }
    let ways: Vec<Way> = facts
        .engine_networks()
        .map(|one| Way::of(&facts, one))
        .collect();
    assert!(matches!(
        ways.as_slice(),
        [
            Way::Recreate,
            Way::LeaveToProduct(_),
            Way::Remove,
            Way::Remove
        ]
    ));
}

#[test]
fn only_what_clashes_moves_and_only_what_was_named() {
    let networks = [
        from_pools("one", "172.18.0.0/16"),
        from_pools("two", "172.19.0.0/16"),
        from_pools("far", "10.99.0.0/24"),
    ];
    let facts = host("26.1.5", &networks.join(","), "");
    match decide(
        &facts,
        Existing::MoveOnly(vec!["two".to_owned(), "far".to_owned()]),
    ) {
        Decision::Change(plan) => assert_eq!(
            (plan.moves.len(), plan.moves[0].network.as_str()),
            (1, "two")
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        decide(&facts, Existing::MoveOnly(vec!["far".to_owned()])),
        Decision::Nothing
    );
    assert_eq!(decide(&facts, Existing::Report), Decision::Nothing);
    let unknown = refused(&facts, Existing::MoveOnly(vec!["three".to_owned()]));
    assert!(matches!(unknown, Blocker::NoSuchNetwork { name, .. } if name == "three"));
}

#[test]
fn what_the_engine_cannot_carry_over_is_refused_by_name() {
    let one = from_pools("one", "172.18.0.0/16");
    let mac = container("web", r#""one": null"#, r#", "mac": "02:42:ac:12:00:77""#);
    let lost = refused(&host("26.1.5", &one, &mac), Existing::Move);
    assert_eq!(
        lost,
        Blocker::ContainerLosesMac {
            network: "one".to_owned(),
            container: "web".to_owned(),
            mac: "02:42:ac:12:00:77".to_owned(),
        }
    );
    assert_eq!(
        moves_of(&host("20.10.24", &one, &mac)).len(),
        1,
        "20.10 keeps it"
    );
    let by_id = container(
        "web",
        r#""one": null"#,
        r#", "mode": "one0123456789abcdef""#,
    );
    let by_its_id = refused(&host("28.5.2", &one, &by_id), Existing::Move);
    assert!(
        matches!(by_its_id, Blocker::ContainerMadeById { container, .. } if container == "web")
    );
    assert_eq!(moves_of(&host("20.10.24", &one, &by_id)).len(), 1);
    let port = container("web", r#""one": null"#, "")
        .replace("\"published_on\": []", "\"published_on\": [\"172.18.0.1\"]");
    let published = refused(&host("20.10.24", &one, &port), Existing::Move);
    assert!(matches!(
        published,
        Blocker::ContainerPublishesOnNetwork { address, .. } if address.to_string() == "172.18.0.1"
    ));
    let borrowed = network("one", "172.18.0.0/16", r#", "config_from": "settings""#);
    let borrows = refused(&host("26.1.5", &borrowed, ""), Existing::Move);
    assert!(matches!(borrows, Blocker::NetworkBorrowsSettings { from, .. } if from == "settings"));
    let gwbridge = from_pools("docker_gwbridge", "172.18.0.0/16");
    let mut facts = host("26.1.5", &gwbridge, "");
    assert_eq!(
        moves_of(&facts).len(),
        1,
        "no swarm any more: a network like others"
    );
    facts.docker.engine.as_mut().unwrap().swarm = true;
    assert_eq!(
        decide(&facts, Existing::Move),
        Decision::Nothing,
        "its tasks hang on it"
    );
}

#[test]
fn pools_that_are_full_are_no_way_out() {
    let networks = [
        from_pools("one", "172.18.0.0/16"),
        from_pools("two", "172.19.0.0/16"),
    ]
    .join(",");
    let mut facts = host("26.1.5", &networks, "");
    // Room for docker0 and one network.
    let small = r#"[{"base": "10.200.254.0/23", "size": 24}]"#;
    facts.docker.engine.as_mut().unwrap().pools = serde_json::from_str(small).unwrap();
    facts.docker.config.keys.insert(
        "default-address-pools".to_owned(),
        serde_json::from_str(small).unwrap(),
    );
    let full = refused(&facts, Existing::Move);
    assert!(matches!(full, Blocker::NoSubnetForNetwork { network } if network == "two"));
}

#[test]
fn a_member_alive_or_not_counts() {
    let facts = host("26.1.5", &from_pools("one", "172.18.0.0/16"), "");
    let idle: Detail = serde_json::from_str(
        r#"{"restart": "no", "auto_remove": false, "joins": null, "published_on": [], "mac": "02:00:00:00:00:01", "networks": {"one": null}}"#,
    )
    .unwrap();
    let mut facts = facts;
    let off = Container {
        name: "off".to_owned(),
        id: "off".to_owned(),
        addresses: Vec::new(),
        paused: false,
        compose: None,
        manager: None,
        detail: Some(idle),
    };
    facts.docker.engine.as_mut().unwrap().idle.push(off);
    let lost = refused(&facts, Existing::Move);
    assert!(matches!(lost, Blocker::ContainerLosesMac { container, .. } if container == "off"));
}
