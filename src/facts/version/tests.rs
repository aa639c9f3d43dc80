use super::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn reads_versions_as_engines_print_them() {
    for (text, plain, debian) in [
        ("20.10.5+dfsg1", (20, 10, 5), true),
        ("20.10.24+dfsg1", (20, 10, 24), true),
        ("26.1.5+dfsg1", (26, 1, 5), true),
        ("28.5.2+dfsg4", (28, 5, 2), true),
        ("28.5.2", (28, 5, 2), false),
        ("29.7.2", (29, 7, 2), false),
        ("27.0.0-rc.1", (27, 0, 0), false),
        ("24.0.7-0ubuntu4", (24, 0, 7), false),
        ("20.10.25+azure-2", (20, 10, 25), false),
        ("17.06.2-ce", (17, 6, 2), false),
        ("26.1", (26, 1, LAST_PATCH), false),
    ] {
        let read = v(text);
        assert_eq!((read.major, read.minor, read.patch), plain, "{text}");
        assert_eq!(read.debian, debian, "{text}");
    }
    for bad in ["dev", "0.0.0-dev", "", "28", "a.b.c", "28.x", "-1.2.3"] {
        assert_eq!(Version::parse(bad), None, "{bad}");
    }
}

/// For each boundary the versions just below it, and those at it and above.
#[test]
fn boundaries_lie_where_they_were_found() {
    type Predicate = fn(Version) -> bool;
    let cases: [(&str, Predicate, &str, &str); 8] = [
        (
            "first fit",
            Version::first_fit,
            "20.10.24 23.0.18 26.1.5+dfsg1 26.1",
            "27.0.0-rc.1 27.5.1 28.5.2+dfsg4 29.7.2",
        ),
        (
            "election",
            Version::elects_before_bip,
            "23.0.4 23.0 26.1.5",
            "20.10 20.10.24+dfsg1 23.0.0 23.0.3",
        ),
        (
            "fixed-cidr alone",
            Version::heeds_fixed_cidr_alone,
            "20.10.24 23.0.3 23.0.4",
            "23.0.5 23.0.18 28.5.2",
        ),
        (
            "fixed-cidr first",
            Version::prefers_fixed_cidr_to_docker0,
            "26.1.5 27.5.1",
            "28.0.0 29.7.2",
        ),
        (
            "on-link half",
            Version::counts_on_link_half,
            "26.1.5+dfsg1 27.5.0 27.5.1 28.5.2+dfsg4",
            "20.10.24+dfsg1 23.0.18 26.1.5 26.1.3-0ubuntu1 27.4.1 27.3.1+dfsg1",
        ),
        (
            "gateway routes",
            Version::steps_round_gateway_routes,
            "20.10.15 20.10.24+dfsg1 20.10 23.0.0",
            "19.03.15 20.10.0 20.10.5+dfsg1 20.10.14",
        ),
        (
            "MAC addresses",
            Version::keeps_mac_on_connect,
            "25.0.0 26.1.5 28.5.2 29.2.1",
            "20.10.24 24.0.9 29.3.0 29.7.2",
        ),
        (
            "a network id that is gone",
            Version::starts_after_network_id_is_gone,
            "24.0.7 24.0.9 26.1.5 29.7.2",
            "20.10.24 23.0.18 24.0.6",
        ),
    ];
    for (what, holds, outside, inside) in cases {
        for (versions, want) in [(outside, false), (inside, true)] {
            for text in versions.split(' ') {
                assert_eq!(holds(v(text)), want, "{what}, {text}");
            }
        }
    }
}
