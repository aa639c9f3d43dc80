use super::*;

#[test]
fn a_pool_can_hand_out_what_it_shares_with_a_wanted_network() {
    let none = RangeSet::default();
    let pool = AddressPool {
        base: "192.168.0.0/16".parse().unwrap(),
        size: 20,
    };
    let inside = "192.168.17.0/24".parse().unwrap();
    let outside = "10.0.0.0/8".parse().unwrap();
    let wide = "192.168.0.0/16".parse().unwrap();
    assert_eq!(
        could_hand_out(&pool, inside, &none).unwrap(),
        ("192.168.16.0/20".parse().unwrap(), 1)
    );
    assert_eq!(could_hand_out(&pool, wide, &none).unwrap().1, 16);
    assert!(could_hand_out(&pool, outside, &none).is_none());
    let stepped_round = RangeSet::new([inside]);
    assert!(could_hand_out(&pool, inside, &stepped_round).is_none());
    assert_eq!(could_hand_out(&pool, wide, &stepped_round).unwrap().1, 15);
}

/// What is stepped round, of routes as `kind destination`, of each version.
#[test]
fn routes_count_as_in_use_by_version() {
    let routes = [
        (RouteKind::Unicast, Scope::Link, "172.18.0.0/16"),
        (RouteKind::Unicast, Scope::Global, "172.19.0.0/16"),
        (RouteKind::Blackhole, Scope::Global, "172.20.0.0/16"),
        (RouteKind::Unicast, Scope::Link, "0.0.0.0/1"),
        (RouteKind::Unicast, Scope::Link, "0.0.0.0/0"),
        (RouteKind::Unicast, Scope::Global, "0.0.0.0/0"),
    ];
    let route = |(kind, scope, dst): (RouteKind, Scope, &str)| Route {
        scope,
        dev: Some("eth0".to_owned()),
        ..Route::new(dst.parse().unwrap(), kind)
    };
    let none = BTreeSet::new();
    for (version, want) in [
        (
            "20.10.5+dfsg1",
            "172.18.0.0/16 172.19.0.0/16 172.20.0.0/16 0.0.0.0/1",
        ),
        ("20.10.24+dfsg1", "172.18.0.0/16 0.0.0.0/1"),
        ("26.1.5+dfsg1", "172.18.0.0/16"),
        ("26.1.5", "172.18.0.0/16 0.0.0.0/1"),
        ("28.5.2+dfsg4", "172.18.0.0/16"),
        ("unknown", "172.18.0.0/16 0.0.0.0/1"),
    ] {
        let counted: Vec<String> = routes
            .map(route)
            .iter()
            .filter(|route| counts_as_in_use(route, Version::parse(version), &none))
            .map(|route| route.dst.to_string())
            .collect();
        assert_eq!(counted.join(" "), want, "{version}");
    }
    let elsewhere = Route {
        table: 52,
        ..route(routes[0])
    };
    let of_docker = Route {
        dev: Some("docker0".to_owned()),
        ..route(routes[0])
    };
    let docker0 = BTreeSet::from(["docker0".to_owned()]);
    for route in [elsewhere, of_docker] {
        assert!(!counts_as_in_use(&route, None, &docker0), "{route:?}");
    }
}
