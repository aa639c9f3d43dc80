//! Where the search of an engine stands, from the facts of a host.

use super::*;
use crate::facts::BUILT_IN;
use crate::facts::{ConfigFile, ConfigState, Docker, Engine, Kernel, Link};
use std::collections::BTreeMap;

const START: &str = "2026-11-23T10:00:00.500000000Z";

fn network(name: &str, driver: &str, subnet: &str, second: u32, gateway: bool) -> Network {
    Network {
        name: name.to_owned(),
        id: String::new(),
        shaped: false,
        config_from: None,
        driver: driver.to_owned(),
        scope: "local".to_owned(),
        bridge: None,
        subnets: subnet.parse().into_iter().collect(),
        created: Some(format!("2026-11-23T10:00:{second:02}.000000000Z")),
        project: None,
        endpoints: Vec::new(),
        gateways: gateway
            .then(|| "10.0.0.1".parse().unwrap())
            .into_iter()
            .collect(),
    }
}

fn host(version: &str, networks: Vec<Network>) -> Facts {
    let config = ConfigFile {
        path: "/etc/docker/daemon.json".to_owned(),
        target: None,
        state: ConfigState::Missing,
        keys: serde_json::Map::new(),
        names: Vec::new(),
        text: None,
    };
    let engine = (!version.is_empty()).then(|| Engine {
        version: version.to_owned(),
        networks,
        ..Engine::default()
    });
    let state = if engine.is_some() {
        DockerState::Running
    } else {
        DockerState::Absent
    };
    let started = engine.is_some().then(|| START.to_owned());
    Facts {
        schema: 1,
        root: true,
        interrupted: false,
        operator: None,
        kernel: Kernel::default(),
        nameservers: Vec::new(),
        docker: Docker {
            state,
            service: None,
            started,
            flags: BTreeMap::new(),
            flag_places: BTreeMap::new(),
            rootless: Vec::new(),
            engine,
            config,
        },
        unseen: Vec::new(),
    }
}

/// The next subnet of a network, whether docker0 comes first, whether that is sure.
fn next(facts: &Facts) -> (String, bool, bool) {
    let version = facts.version().unwrap_or(Version::NEWEST);
    let mut standing = allocator_state(facts, version, &BUILT_IN, &[]);
    let next = standing
        .allocator
        .next()
        .map(|net| net.to_string())
        .unwrap_or_default();
    (next, standing.docker0_first, standing.certain)
}

fn docker0() -> Network {
    network("bridge", "bridge", "172.17.0.0/16", 1, true)
}

#[test]
fn only_what_this_daemon_picked_moves_its_search() {
    let before = network("old", "bridge", "172.25.0.0/16", 0, true);
    let by_hand = network("hand", "bridge", "172.27.0.0/16", 5, false);
    let settings = network("settings", "null", "172.18.0.0/16", 6, false);
    let picked = network("new", "bridge", "172.20.0.0/16", 4, true);
    let networks = vec![docker0(), before, by_hand, settings, picked];
    assert_eq!(next(&host("26.1.5", networks.clone())).0, "172.21.0.0/16");
    assert_eq!(next(&host("20.10.24", networks.clone())).0, "172.21.0.0/16");
    assert_eq!(next(&host("28.5.2", networks.clone())).0, "172.18.0.0/16");
    // Without its pid file the daemon is as old as docker0's network.
    let mut facts = host("26.1.5", networks.clone());
    facts.docker.started = None;
    assert_eq!(next(&facts).0, "172.21.0.0/16");
    // Neither: nothing is known.
    facts.docker.engine.as_mut().unwrap().live_restore = true;
    assert_eq!(next(&facts), ("172.18.0.0/16".to_owned(), false, false));
}

#[test]
fn docker0_counts_where_26_picked_it() {
    let moved = network("bridge", "bridge", "172.19.0.0/16", 1, true);
    let first = network("host", "host", "", 1, false);
    let restarted = network("host", "host", "", 0, false);
    for (version, host_network, want) in [
        ("26.1.5", &first, "172.20.0.0/16"),
        ("26.1.5", &restarted, "172.17.0.0/16"),
        ("20.10.24", &first, "172.17.0.0/16"),
        ("28.5.2", &first, "172.17.0.0/16"),
    ] {
        assert_eq!(
            next(&host(version, vec![moved.clone(), host_network.clone()])).0,
            want,
            "{version}"
        );
    }
}

#[test]
fn docker0_comes_first_where_nothing_says_which_it_is() {
    let mut facts = host("", Vec::new());
    assert_eq!(next(&facts), ("172.17.0.0/16".to_owned(), true, true));
    facts
        .docker
        .config
        .keys
        .insert("bip".to_owned(), "172.17.3.1/24".into());
    assert_eq!(next(&facts), ("172.18.0.0/16".to_owned(), false, true));
    facts.docker.config.keys.insert("bip".to_owned(), "".into());
    facts
        .docker
        .flags
        .insert("bridge".to_owned(), vec!["none".to_owned()]);
    assert_eq!(next(&facts), ("172.17.0.0/16".to_owned(), false, true));
    facts.docker.flags.clear();
    facts
        .docker
        .config
        .keys
        .insert("fixed-cidr".to_owned(), "172.17.3.0/24".into());
    assert_eq!(next(&facts), ("172.18.0.0/16".to_owned(), false, true));
    assert!(
        allocator_state(
            &facts,
            Version {
                major: 20,
                minor: 10
            },
            &BUILT_IN,
            &[]
        )
        .docker0_first
    );
}

#[test]
fn a_stopped_docker_keeps_docker0_unless_pools_are_set() {
    let mut facts = host("", Vec::new());
    facts.docker.state = DockerState::Stopped;
    let address = "172.18.0.1/16".parse().unwrap();
    facts.kernel.links.push(Link {
        name: "docker0".to_owned(),
        kind: Some("bridge".to_owned()),
        addresses: vec![address],
        ..Link::default()
    });
    assert!(!next(&facts).1);
    let pools = serde_json::json!([{"base": "10.200.0.0/16", "size": 24}]);
    facts
        .docker
        .config
        .keys
        .insert("default-address-pools".to_owned(), pools);
    assert!(next(&facts).1);
    facts
        .docker
        .config
        .keys
        .insert("live-restore".to_owned(), true.into());
    assert!(!next(&facts).1);
}
