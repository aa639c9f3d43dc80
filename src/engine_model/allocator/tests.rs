//! The cases of the experiments with real engines (E1 to E16: order and odd pools, H1 to H7:
//! sequences).

use super::*;
use crate::facts::BUILT_IN;

const V20: Version = Version::of(20, 10, 24);
const V26: Version = Version::of(26, 1, 5);
const V28: Version = Version::of(28, 5, 2);
const ALL: [Version; 3] = [V20, V26, V28];

fn n(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// An engine with these pools (`BASE/SIZE` as `10.200.0.0/16/24`) and these ranges in the way.
fn engine(version: Version, pools: &[&str], reserved: &[&str]) -> Allocator {
    let pool = |text: &&str| {
        let (base, size) = text.rsplit_once('/').unwrap();
        AddressPool {
            base: n(base).trunc(),
            size: size.parse().unwrap(),
        }
    };
    let pools: Vec<AddressPool> = pools.iter().map(pool).collect();
    Allocator::new(version, &pools, reserved.iter().map(|net| n(net)).collect())
}

fn text(nets: impl IntoIterator<Item = Ipv4Net>) -> String {
    nets.into_iter()
        .map(|net| net.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// docker0's subnet and those after it.
fn with_docker0(mut allocator: Allocator, more: usize) -> String {
    let docker0 = allocator.docker0();
    text(docker0.into_iter().chain(allocator.take(more)))
}

#[test]
fn order_and_odd_pools() {
    let old = [V20, V26].as_slice();
    let cases: [(&str, &[Version], &[&str], &str); 15] = [
        (
            "E1",
            old,
            &["10.210.0.0/16/24", "10.200.0.0/16/24"],
            "10.210.0.0/24 10.210.1.0/24 10.210.2.0/24",
        ),
        (
            "E1",
            &[V28],
            &["10.210.0.0/16/24", "10.200.0.0/16/24"],
            "10.200.0.0/24 10.200.1.0/24 10.200.2.0/24",
        ),
        (
            "E3",
            &ALL,
            &["10.200.0.0/16/24", "10.200.4.0/22/26"],
            "10.200.0.0/24 10.200.1.0/24 10.200.2.0/24",
        ),
        (
            "E4",
            old,
            &["10.200.4.0/22/26", "10.200.0.0/16/24"],
            "10.200.4.0/26 10.200.4.64/26 10.200.4.128/26",
        ),
        (
            "E4",
            &[V28],
            &["10.200.4.0/22/26", "10.200.0.0/16/24"],
            "10.200.0.0/24 10.200.1.0/24 10.200.2.0/24",
        ),
        (
            "E4b",
            old,
            &["10.200.0.0/25/26", "10.200.0.0/22/24"],
            "10.200.0.0/26 10.200.0.64/26 10.200.1.0/24",
        ),
        (
            "E4b",
            &[V28],
            &["10.200.0.0/25/26", "10.200.0.0/22/24"],
            "10.200.0.0/24 10.200.1.0/24 10.200.2.0/24",
        ),
        (
            "E5",
            &ALL,
            &["10.200.0.0/23/24", "10.200.0.0/23/24"],
            "10.200.0.0/24 10.200.1.0/24",
        ),
        (
            "E6",
            &ALL,
            &["172.17.0.0/12/16"],
            "172.16.0.0/16 172.17.0.0/16 172.18.0.0/16",
        ),
        (
            "E7",
            &ALL,
            &["10.200.0.7/24/26"],
            "10.200.0.0/26 10.200.0.64/26 10.200.0.128/26",
        ),
        ("E8", &ALL, &["10.200.0.0/24/24"], "10.200.0.0/24"),
        (
            "E12",
            old,
            &["10.210.0.0/24/25", "10.200.0.0/23/24"],
            "10.210.0.0/25 10.210.0.128/25 10.200.0.0/24",
        ),
        (
            "E12",
            &[V28],
            &["10.210.0.0/24/25", "10.200.0.0/23/24"],
            "10.200.0.0/24 10.200.1.0/24 10.210.0.0/25",
        ),
        (
            "E16",
            old,
            &["198.18.0.0/15/24", "100.64.0.0/10/24"],
            "198.18.0.0/24 198.18.1.0/24 198.18.2.0/24",
        ),
        (
            "E16",
            &[V28],
            &["198.18.0.0/15/24", "100.64.0.0/10/24"],
            "100.64.0.0/24 100.64.1.0/24 100.64.2.0/24",
        ),
    ];
    for (case, versions, pools, want) in cases {
        for version in versions {
            assert_eq!(
                with_docker0(engine(*version, pools, &[]), 2),
                want,
                "{case} {version:?}"
            );
        }
    }
}

/// E2, E15, H6, H7: the subnet a key gives to docker0 is stepped round.
#[test]
fn docker0_by_a_key() {
    for (version, want) in [
        (V20, "10.210.1.0/24"),
        (V26, "10.210.1.0/24"),
        (V28, "10.200.0.0/24"),
    ] {
        let mut allocator = engine(version, &["10.210.0.0/16/24", "10.200.0.0/16/24"], &[]);
        allocator.hold(n("10.210.0.0/24"));
        assert_eq!(text(allocator.next()), want, "E2 {version:?}");
        let mut allocator = engine(version, &["10.200.0.0/22/24", "10.201.0.0/23/25"], &[]);
        allocator.hold(n("10.200.1.0/24"));
        let all = "10.200.0.0/24 10.200.2.0/24 10.200.3.0/24 10.201.0.0/25 10.201.0.128/25 \
                   10.201.1.0/25 10.201.1.128/25";
        assert_eq!(text(allocator), all, "H7 {version:?}");
    }
}

/// H1, H1b, H2, H2b, H3.
#[test]
fn freed_subnets_come_back_at_once_or_when_the_list_wraps() {
    for version in ALL {
        let mut allocator = Allocator::new(version, &BUILT_IN, BTreeSet::new());
        assert_eq!((allocator.capacity(), allocator.free()), (31, 31));
        assert_eq!(text(allocator.docker0()), "172.17.0.0/16");
        assert_eq!(allocator.clone().count(), 30, "H1");
        assert_eq!(allocator.clone().last(), Some(n("192.168.240.0/20")), "H1");
        // H2: n1 to n5 of which n3 is gone again. To the model the engine has just started.
        let created = [
            "172.18.0.0/16",
            "172.19.0.0/16",
            "172.21.0.0/16",
            "172.22.0.0/16",
        ]
        .map(n);
        let mut after = Allocator::new(version, &BUILT_IN, BTreeSet::new());
        after.hold(n("172.17.0.0/16"));
        if version.first_fit() {
            created.iter().for_each(|net| after.hold(*net));
        } else {
            assert!(after.resume(&created));
        }
        let want = if version.first_fit() {
            "172.20.0.0/16 172.23.0.0/16"
        } else {
            "172.23.0.0/16 172.24.0.0/16"
        };
        assert_eq!(text(after.take(2)), want, "H2 {version:?}");
        // H2b: after a restart everybody takes the lowest.
        let mut restarted = Allocator::new(version, &BUILT_IN, BTreeSet::new());
        [
            "172.17.0.0/16",
            "172.18.0.0/16",
            "172.21.0.0/16",
            "172.22.0.0/16",
            "172.24.0.0/16",
        ]
        .iter()
        .for_each(|net| restarted.hold(n(net)));
        assert_eq!(
            text(restarted.take(3)),
            "172.19.0.0/16 172.20.0.0/16 172.23.0.0/16",
            "H2b {version:?}"
        );
    }
}

/// H4: an explicit /24 blocks the whole candidate round it.
#[test]
fn a_narrow_subnet_blocks_the_wide_one_round_it() {
    for version in ALL {
        let mut allocator = Allocator::new(version, &BUILT_IN, BTreeSet::new());
        ["172.17.0.0/16", "172.19.0.0/24", "192.168.10.0/24"]
            .iter()
            .for_each(|net| allocator.hold(n(net)));
        assert_eq!(allocator.free(), 28);
        let all: Vec<Ipv4Net> = allocator.collect();
        assert_eq!(
            (all[0], all[1], all[13], all[14]),
            (
                n("172.18.0.0/16"),
                n("172.20.0.0/16"),
                n("192.168.16.0/20"),
                n("192.168.32.0/20")
            )
        );
        assert_eq!(all.len(), 28);
    }
}

/// G1, G1b, G2, G7c.
#[test]
fn routes_and_nameservers_are_stepped_round() {
    for version in ALL {
        for reserved in ["172.17.0.0/16", "172.17.50.10/32"] {
            let mut allocator = Allocator::new(version, &BUILT_IN, BTreeSet::from([n(reserved)]));
            assert_eq!(
                (allocator.free(), text(allocator.docker0())),
                (30, "172.18.0.0/16".to_owned()),
                "G1"
            );
        }
        let mut blocked = engine(version, &["10.200.0.0/16/24"], &["10.0.0.0/8"]);
        assert_eq!(
            (blocked.capacity(), blocked.free(), blocked.docker0()),
            (256, 0, None),
            "G2"
        );
        let named = engine(version, &["10.200.0.0/16/24"], &["10.200.0.53/32"]);
        assert_eq!(with_docker0(named, 1), "10.200.1.0/24 10.200.2.0/24", "G7c");
    }
}

/// Measured on all three: an on-link route over the first two subnets while docker0 was placed,
/// gone afterwards.
#[test]
fn docker0_moves_the_search_of_26_only() {
    for (version, want) in [
        (V20, "10.200.0.0/24"),
        (V26, "10.200.3.0/24"),
        (V28, "10.200.0.0/24"),
    ] {
        let mut allocator = engine(version, &["10.200.0.0/21/24"], &["10.200.0.0/23"]);
        assert_eq!(text(allocator.docker0()), "10.200.2.0/24");
        (allocator.reserved, allocator.blocked) =
            (RangeSet::default(), BTreeSet::from([n("10.200.2.0/24")]));
        assert_eq!(text(allocator.next()), want, "{version:?}");
    }
}

/// Measured on 28.5: of an on-link /23 with a host route inside the second half is handed out, and
/// the /23 at the end of the pool is not.
#[test]
fn a_host_route_inside_an_on_link_network_hides_the_rest_of_it() {
    let reserved = [
        "10.200.2.0/23",
        "10.200.2.7/32",
        "10.200.6.0/23",
        "10.200.6.7/32",
    ];
    let new = engine(V28, &["10.200.0.0/21/24"], &reserved);
    assert_eq!(new.free(), 5);
    assert_eq!(
        text(new),
        "10.200.0.0/24 10.200.1.0/24 10.200.3.0/24 10.200.4.0/24 10.200.5.0/24"
    );
    let old = engine(V26, &["10.200.0.0/21/24"], &reserved);
    assert_eq!(
        text(old),
        "10.200.0.0/24 10.200.1.0/24 10.200.4.0/24 10.200.5.0/24"
    );
}

/// Measured on 28.5: a /23 of Docker's own with a nameserver inside. The second half comes next, and
/// creating that network fails, again and again.
#[test]
fn a_nameserver_inside_a_wide_network_of_dockers_is_the_end() {
    for (version, all) in [
        (
            V26,
            "10.200.0.0/24 10.200.1.0/24 10.200.4.0/24 10.200.5.0/24 10.200.6.0/24 10.200.7.0/24",
        ),
        (V28, "10.200.0.0/24 10.200.1.0/24"),
    ] {
        let mut allocator = engine(version, &["10.200.0.0/21/24"], &["10.200.2.7/32"]);
        allocator.hold(n("10.200.2.0/23"));
        assert_eq!(
            allocator.free() as usize,
            all.split(' ').count(),
            "{version:?}"
        );
        assert_eq!(text(allocator), all, "{version:?}");
    }
}

/// Measured on 20.10 and 26.1: what is found over the end leaves the search at the top, not behind
/// it.
#[test]
fn a_search_over_the_end_begins_again_at_the_top() {
    let mut allocator = engine(V26, &["10.200.0.0/21/24"], &[]);
    ["10.200.0.0/24", "10.200.6.0/24", "10.200.7.0/24"]
        .iter()
        .for_each(|net| allocator.hold(n(net)));
    allocator.place = 6;
    assert_eq!(allocator.search(6).unwrap(), (n("10.200.1.0/24"), 0));
    // A refused last subnet has put the search at the top already: then it does go on behind what
    // it found.
    let mut allocator = engine(V26, &["10.200.0.0/21/24"], &["10.200.7.0/24"]);
    allocator.hold(n("10.200.0.0/24"));
    assert_eq!(allocator.search(7).unwrap(), (n("10.200.1.0/24"), 2));
}

#[test]
fn the_place_is_found_from_what_was_created() {
    let place = |created: &[&str]| {
        let mut allocator = engine(V26, &["10.200.0.0/20/24"], &[]);
        allocator.hold(n("10.200.0.0/24"));
        let created: Vec<Ipv4Net> = created.iter().map(|net| n(net)).collect();
        let certain = allocator.resume(&created);
        (allocator.place, certain)
    };
    assert_eq!(place(&[]), (0, true));
    assert_eq!(place(&["10.200.1.0/24", "10.200.2.0/24"]), (3, true));
    // One in between was removed: the two after it prove it.
    assert_eq!(
        place(&["10.200.1.0/24", "10.200.3.0/24", "10.200.4.0/24"]),
        (5, true)
    );
    // By hand, or after some that were removed? The next one tells.
    assert_eq!(place(&["10.200.1.0/24", "10.200.9.0/24"]), (10, false));
    assert_eq!(
        place(&["10.200.1.0/24", "10.200.9.0/24", "10.200.2.0/24"]),
        (3, true)
    );
    assert_eq!(
        place(&["10.200.1.0/24", "10.200.9.0/24", "10.200.10.0/24"]),
        (11, true)
    );
    // Not of the list at all.
    assert_eq!(
        place(&["10.200.1.0/24", "10.200.9.0/25", "10.9.0.0/24"]),
        (2, true)
    );
}

/// What is counted is what comes, for every small pool with every small thing in the way.
#[test]
fn free_is_how_many_come() {
    for version in ALL {
        for prefix in 26..=32u8 {
            for at in (0..64u8).step_by(1 << (32 - prefix)) {
                let range = Ipv4Net::new([10, 200, 0, at].into(), prefix).unwrap();
                for inner in [0u8, 5, 17, 40, 63] {
                    let mut allocator = engine(
                        version,
                        &["10.200.0.0/26/29", "10.201.0.0/30/30"],
                        &[&range.to_string()],
                    );
                    allocator
                        .blocked
                        .insert(Ipv4Net::new([10, 200, 0, inner].into(), 32).unwrap());
                    allocator.reserved = RangeSet::new(allocator.blocked.iter().copied());
                    let free = allocator.free();
                    assert_eq!(
                        allocator.count() as u64,
                        free,
                        "{version:?} {range} {inner}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_list_of_millions_is_no_matter() {
    for version in ALL {
        let mut allocator = engine(version, &["0.0.0.0/0/32"], &["0.0.0.0/1", "128.0.0.0/1"]);
        assert_eq!(
            (allocator.capacity(), allocator.free(), allocator.next()),
            (1 << 32, 0, None)
        );
        let wide = engine(version, &["10.0.0.0/8/30"], &[]);
        assert_eq!((wide.capacity(), wide.take(1000).count()), (1 << 22, 1000));
    }
}
