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
        by_hand: None,
        labels: Vec::new(),
        unused: false,
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
        loaded: None,
        read_only: None,
        keepers: Vec::new(),
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
        wireless_profile: None,
        kernel: Kernel::default(),
        nameservers: Vec::new(),
        configured: Vec::new(),
        unread: Vec::new(),
        compose: Vec::new(),
        docker: Docker {
            unit: None,
            listens: Vec::new(),
            not_asked: None,
            state,
            service: None,
            started,
            flags: BTreeMap::new(),
            next_flags: None,
            next_data_root: None,
            dependents: Vec::new(),
            flag_places: BTreeMap::new(),
            installed_version: None,
            rootless: Vec::new(),
            rootless_networks: Vec::new(),
            engine,
            stored: None,
            set_by_rebridge: None,
            config,
        },
        named: Vec::new(),
        firewall: None,
        forward_filter: None,
        relief_on_record: None,
        dies_with: None,
        unseen: Vec::new(),
        taken: None,
    }
}

/// The next subnet of a network, whether docker0 comes first, whether that is sure.
fn next(facts: &Facts) -> (String, bool, bool) {
    let version = facts.version().unwrap_or(Version::NEWEST);
    let mut state = allocator_state(facts, version, &BUILT_IN, &[]);
    let next = state
        .allocator
        .next()
        .map(|net| net.to_string())
        .unwrap_or_default();
    (next, state.docker0_first, state.certain)
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
    assert!(allocator_state(&facts, Version::of(20, 10, 24), &BUILT_IN, &[]).docker0_first);
}

/// Docker stopped with this address on docker0, and these keys in daemon.json.
fn stopped(docker0: &str, keys: serde_json::Value) -> Facts {
    let mut facts = host("", Vec::new());
    facts.docker.state = DockerState::Stopped;
    facts.kernel.links.push(Link {
        name: "docker0".to_owned(),
        kind: Some("bridge".to_owned()),
        addresses: vec![docker0.parse().unwrap()],
        ..Link::default()
    });
    facts.docker.config.keys = keys.as_object().unwrap().clone();
    facts
}

#[test]
fn a_stopped_docker_keeps_docker0_unless_pools_are_set() {
    let pools = serde_json::json!([{"base": "10.200.0.0/16", "size": 24}]);
    let mut facts = stopped("172.18.0.1/16", serde_json::json!({}));
    assert!(!next(&facts).1);
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
    facts.docker.config.keys.shift_remove("live-restore");
    for (value, deleted) in [("", false), ("true", false), ("false", true)] {
        let value = vec![value.to_owned()];
        facts.docker.flags.insert("live-restore".to_owned(), value);
        assert_eq!(next(&facts).1, deleted);
    }
}

/// Each was tried on 20.10.24, 26.1.5 and 28.5.2, with Docker started once, stopped, and these keys
/// written.
#[test]
fn where_docker0_comes_from_at_a_start() {
    let eight = r#"[{"base": "10.200.0.0/21", "size": 24}]"#;
    let pools = |keys: &str| format!(r#"{{"default-address-pools": {eight}{keys}}}"#);
    let stays = |net: &str| Docker0::Stays(net.parse().unwrap());
    let by_key = |net: &str| Docker0::ByKey(net.parse().unwrap());
    let there = stays("172.17.0.0/16");
    let narrow = stays("172.20.3.0/24");
    for (docker0, keys, [v20, v26, v28]) in [
        ("172.17.0.1/16", "{}".to_owned(), [there; 3]),
        (
            "172.17.0.1/16",
            r#"{"fixed-cidr": "10.4.5.0/24"}"#.to_owned(),
            [there, there, by_key("10.4.5.0/24")],
        ),
        (
            "172.17.0.1/16",
            r#"{"fixed-cidr": "172.17.128.0/17"}"#.to_owned(),
            [there; 3],
        ),
        (
            "172.17.0.1/16",
            r#"{"fixed-cidr": "172.17.5.0/12"}"#.to_owned(),
            [there, there, by_key("172.16.0.0/12")],
        ),
        (
            "172.20.3.1/24",
            r#"{"fixed-cidr": "172.20.3.0/22"}"#.to_owned(),
            [narrow, narrow, by_key("172.20.0.0/22")],
        ),
        (
            "172.17.0.1/16",
            pools(r#", "fixed-cidr": "172.17.128.0/17""#),
            [
                Docker0::FromPools,
                by_key("172.17.128.0/17"),
                by_key("172.17.128.0/17"),
            ],
        ),
        ("172.17.0.1/16", pools(""), [Docker0::FromPools; 3]),
        (
            "172.17.0.1/16",
            pools(r#", "live-restore": true"#),
            [there; 3],
        ),
        (
            "172.17.0.1/16",
            pools(r#", "bip": "10.9.0.1/24", "fixed-cidr": "10.4.5.0/24""#),
            [by_key("10.9.0.0/24"); 3],
        ),
        (
            "172.17.0.1/16",
            r#"{"bridge": "none"}"#.to_owned(),
            [Docker0::None; 3],
        ),
    ] {
        let facts = stopped(docker0, serde_json::from_str(&keys).unwrap());
        for (version, want) in [("20.10.24", v20), ("26.1.5", v26), ("28.5.2", v28)] {
            let version = Version::parse(version).unwrap();
            assert_eq!(
                docker0_at_start(&facts, version),
                want,
                "{keys} {version:?}"
            );
        }
    }
}

/// What starts next is what is installed; it has no place in the pools yet.
#[test]
fn the_installed_version_counts_where_docker_is_stopped() {
    let pools = serde_json::json!({"default-address-pools": [
        {"base": "10.202.0.0/22", "size": 24}, {"base": "10.201.0.0/22", "size": 24}]});
    let mut facts = stopped("172.17.0.1/16", pools);
    for (installed, want) in [
        (Some("25.0.17"), "10.202.0.0/24"),
        (Some("27.5.1"), "10.201.0.0/24"),
        (None, "10.201.0.0/24"),
    ] {
        facts.docker.installed_version = installed.map(str::to_owned);
        let version = facts.version().unwrap_or(Version::NEWEST);
        let list = [("10.202.0.0/22", 24), ("10.201.0.0/22", 24)];
        let list = list.map(|(base, size)| AddressPool {
            base: base.parse().unwrap(),
            size,
        });
        let state = allocator_state(&facts, version, &list, &[]);
        let mut allocator = state.allocator;
        let docker0 = allocator.docker0().unwrap().to_string();
        assert_eq!(
            (docker0.as_str(), state.docker0_first),
            (want, true),
            "{installed:?}"
        );
        assert!(state.certain);
    }
    facts.docker.engine = Some(Engine {
        version: "26.1.5".to_owned(),
        ..Engine::default()
    });
    facts.docker.installed_version = Some("28.5.2".to_owned());
    assert_eq!(facts.version(), Some(Version::of(26, 1, 5)));
}
