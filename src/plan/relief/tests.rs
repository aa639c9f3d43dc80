//! Which routes relief takes, what it leaves to Docker, and what it cannot help.

use super::*;
use crate::facts::{Facts, Route, RouteKind};
use crate::policy::Policy;
use crate::policy::read::read_avoid;
use std::net::IpAddr;

/// The story's host: docker0 on 172.17.0.0/16, a default route, no container.
fn story() -> Facts {
    serde_json::from_str(include_str!("../../../tests/golden/relieve/facts.json")).unwrap()
}

fn add_containers(facts: &mut Facts, addresses: impl IntoIterator<Item = String>) {
    let engine = facts.docker.engine.as_mut().unwrap();
    for address in addresses {
        let container = format!(r#"{{"name": "c-{address}", "addresses": ["{address}"]}}"#);
        engine
            .containers
            .push(serde_json::from_str(&container).unwrap());
    }
}

fn relief(facts: &Facts, avoid: &str) -> Relief {
    let policy = Policy {
        avoid: read_avoid(&[avoid.to_owned()], "--avoid").unwrap(),
        ..Policy::default()
    };
    Relief::of(&Assessment::of(facts, &policy), false)
}

fn texts(nets: &[Ipv4Net]) -> Vec<String> {
    nets.iter().map(ToString::to_string).collect()
}

fn routes(relief: &Relief) -> Vec<String> {
    relief.routes().map(|route| route.dst.to_string()).collect()
}

#[test]
fn only_what_is_needed_is_led_past() {
    let facts = story();
    assert_eq!(
        routes(&relief(&facts, "172.17.48.0/20")),
        ["172.17.48.0/20"]
    );
    assert_eq!(
        routes(&relief(&facts, "172.17.50.10/32")),
        ["172.17.50.10/32"]
    );
    assert_eq!(routes(&relief(&facts, "172.16.0.0/12")).len(), 8);
    assert_eq!(relief(&facts, "192.168.7.0/24"), Relief::default());
}

#[test]
fn docker_keeps_room_for_twice_the_containers() {
    let kept = |count: u32| {
        let mut facts = story();
        let first = u32::from(std::net::Ipv4Addr::new(172, 17, 0, 2));
        let addresses = (first..first + count).map(|one| std::net::Ipv4Addr::from(one).to_string());
        add_containers(&mut facts, addresses);
        let relief = relief(&facts, "172.17.0.0/16");
        relief.ranges.first().map(|range| texts(&range.kept))
    };
    assert_eq!(kept(0), Some(vec!["172.17.0.0/24".to_owned()]));
    assert_eq!(kept(100), Some(vec!["172.17.0.0/24".to_owned()]));
    assert_eq!(kept(200), Some(vec!["172.17.0.0/23".to_owned()]));
    assert_eq!(kept(20_000), None, "no part of it is known to stay free");
}

/// An address given by hand may lie anywhere.
#[test]
fn an_address_high_up_stays_dockers() {
    let mut facts = story();
    add_containers(&mut facts, ["172.17.200.9".to_owned()]);
    let found = relief(&facts, "172.17.200.0/24");
    let range = found.ranges.first().unwrap();
    assert_eq!(texts(&range.kept), ["172.17.0.0/24", "172.17.200.9/32"]);
    let inside: IpAddr = "172.17.200.9".parse().unwrap();
    assert!(
        found
            .routes()
            .all(|route| !IpNet::V4(route.dst).contains(&inside))
    );
    assert_eq!(found.routes().count(), 8, "all of the /24 but one address");
    let alone = relief(&facts, "172.17.200.9/32");
    assert!(alone.ranges.is_empty(), "{alone:?}");
    assert!(matches!(
        alone.out_of_reach.as_slice(),
        [OutOfReach {
            why: Why::WhereContainersLive(_),
            ..
        }]
    ));
}

#[test]
fn all_next_hops_of_the_route_are_taken_over() {
    let mut facts = story();
    facts.kernel.routes.remove(0);
    for (number, gateway) in (0..).zip(["198.51.100.1", "198.51.100.2"]) {
        facts.kernel.routes.push(Route {
            gateway: Some(gateway.parse().unwrap()),
            dev: Some("eth0".to_owned()),
            hop: Some(number),
            ..Route::new("0.0.0.0/0".parse().unwrap(), RouteKind::Unicast)
        });
    }
    let found = relief(&facts, "172.17.50.0/24");
    let hops: Vec<usize> = found.routes().map(|route| route.hops.len()).collect();
    assert_eq!(hops, [2]);
}

#[test]
fn without_another_way_there_is_no_relief() {
    let mut facts = story();
    facts.kernel.routes.remove(0);
    let found = relief(&facts, "172.17.50.0/24");
    assert!(found.ranges.is_empty(), "{found:?}");
    assert_eq!(
        found.out_of_reach.first().map(|one| &one.why),
        Some(&Why::NoOtherWay)
    );
}

/// An operator's plan of a network says nothing about which part of it stays free.
#[test]
fn a_network_planned_by_hand_is_left_alone() {
    let mut facts = story();
    let engine = facts.docker.engine.as_mut().unwrap();
    let network = engine
        .networks
        .iter_mut()
        .find(|network| network.name == "bridge");
    let mut planned = network.unwrap().clone();
    planned.name = "shop".to_owned();
    planned.bridge = Some("br-shop".to_owned());
    planned.subnets = vec!["172.18.0.0/16".parse().unwrap()];
    let free = planned.clone();
    planned.shaped = true;
    for (network, is_led_past) in [(planned, false), (free, true)] {
        let mut facts = story();
        facts.docker.engine.as_mut().unwrap().networks.push(network);
        facts.kernel.routes.push(Route {
            dev: Some("br-shop".to_owned()),
            ..Route::new("172.18.0.0/16".parse().unwrap(), RouteKind::Unicast)
        });
        let found = relief(&facts, "172.18.50.0/24");
        assert_eq!(!found.ranges.is_empty(), is_led_past, "{found:?}");
    }
}

/// A list of a whole fleet's addresses is no first aid, and no long search either.
#[test]
fn very_many_servers_are_too_many_routes() {
    let facts = story();
    let servers: Vec<String> = (0..30_000u32)
        .map(|number| format!("172.17.{}.{}/32", 1 + number / 125, 2 * (number % 125) + 1))
        .collect();
    let found = relief(&facts, &servers.join(","));
    assert!(found.ranges.is_empty());
    let mut whys = found.out_of_reach.iter().map(|one| &one.why);
    assert!(whys.all(|why| *why == Why::TooManyRoutes));
    let wide = relief(&facts, &format!("172.17.0.0/16,{}", servers.join(",")));
    assert_eq!(wide.routes().count(), 8, "the wide network says it all");
}

/// Containers on macvlan leave by the LAN and not by this host, and no bridge is in the way.
#[test]
fn a_macvlan_network_needs_no_relief() {
    let facts = include_str!("../../../tests/golden/macvlan-is-no-clash/facts.json");
    let facts: Facts = serde_json::from_str(facts).unwrap();
    let networks: Vec<String> = facts
        .networks()
        .filter(|network| network.driver == "macvlan")
        .flat_map(|network| network.subnets.iter().map(ToString::to_string))
        .collect();
    assert!(!networks.is_empty());
    assert_eq!(relief(&facts, &networks.join(",")), Relief::default());
}

#[test]
fn ipv6_is_left_to_the_cure() {
    let facts = include_str!("../../../tests/golden/ipv6-declared/facts.json");
    let facts: Facts = serde_json::from_str(facts).unwrap();
    let request = include_str!("../../../tests/golden/ipv6-declared/request");
    let avoid = request.split_whitespace().last().unwrap();
    let found = relief(&facts, avoid);
    assert!(found.ranges.is_empty(), "{found:?}");
    assert_eq!(
        found.out_of_reach.first().map(|one| &one.why),
        Some(&Why::Ipv6)
    );
}
