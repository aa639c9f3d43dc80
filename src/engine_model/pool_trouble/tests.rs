//! Each case was tried on 20.10.24, 26.1.5 and 28.5.2; the tier `engines` does it again.

use super::*;
use crate::facts::pools::PoolList;

const V20: Version = Version::of(20, 10, 24);
const V26: Version = Version::of(26, 1, 5);
const V28: Version = Version::of(28, 5, 2);

fn list(text: &str) -> PoolList {
    PoolList::of_key(&serde_json::from_str(text).unwrap()).unwrap()
}

fn trouble(text: &str, reserved: &[&str], version: Option<Version>) -> Option<PoolTrouble> {
    let reserved = RangeSet::new(reserved.iter().map(|net| net.parse().unwrap()));
    PoolTrouble::of(&list(text), &reserved, version)
}

const FOUR: &str = r#"[{"base": "10.200.0.0/16", "size": 24}]"#;
const SIX: &str = r#"[{"base": "fd00:1::/56", "size": 64}]"#;
const SIX_FIRST: &str =
    r#"[{"base": "fd00:1::/56", "size": 64}, {"base": "10.200.0.0/16", "size": 24}]"#;
const SIX_LAST: &str =
    r#"[{"base": "10.200.0.0/16", "size": 24}, {"base": "fd00:1::/56", "size": 64}]"#;
const TOO_WIDE: &str =
    r#"[{"base": "10.200.0.0/16", "size": 24}, {"base": "10.201.0.0/16", "size": 8}]"#;
const MILLIONS: &str = r#"[{"base": "10.0.0.0/8", "size": 30}]"#;

#[test]
fn pools_are_in_trouble_for_a_reason() {
    let covered = Some(PoolTrouble::Covered);
    let refused = Some(PoolTrouble::Refused(1, PoolFault::TooWide));
    let millions = Some(PoolTrouble::TooMany(1 << 22));
    for (text, reserved, [v20, v26, v28]) in [
        (FOUR, ["10.200.0.0/17"], [None; 3]),
        (FOUR, ["10.0.0.0/8"], [covered; 3]),
        (SIX, ["10.0.0.0/8"], [Some(PoolTrouble::NoIpv4); 3]),
        (
            SIX_FIRST,
            ["10.9.0.0/16"],
            [Some(PoolTrouble::Ipv6First), None, None],
        ),
        (SIX_FIRST, ["10.0.0.0/8"], [covered; 3]),
        (SIX_LAST, ["10.9.0.0/16"], [None; 3]),
        (TOO_WIDE, ["10.9.0.0/16"], [refused; 3]),
        (MILLIONS, ["10.9.0.0/16"], [millions, millions, None]),
    ] {
        for (version, want) in [(V20, v20), (V26, v26), (V28, v28)] {
            assert_eq!(
                trouble(text, &reserved, Some(version)),
                want,
                "{text} {version:?}"
            );
        }
    }
    // Where the version is not known it may be an old engine.
    assert_eq!(trouble(MILLIONS, &[], None), millions);
}

#[test]
fn it_depends_on_docker0_whether_an_engine_starts() {
    let subnet = "10.9.0.0/24".parse().unwrap();
    let all = [
        Docker0::None,
        Docker0::ByKey(subnet),
        Docker0::Stays(subnet),
        Docker0::FromPools,
    ];
    let only_from_pools = [false, false, false, true];
    for (trouble, version, want) in [
        (PoolTrouble::Covered, V20, [false, true, false, true]),
        (PoolTrouble::Covered, V26, only_from_pools),
        (PoolTrouble::Covered, V28, only_from_pools),
        (PoolTrouble::NoIpv4, V20, only_from_pools),
        (PoolTrouble::NoIpv4, V28, only_from_pools),
        (PoolTrouble::Ipv6First, V20, only_from_pools),
        (PoolTrouble::Refused(0, PoolFault::Base), V28, [true; 4]),
    ] {
        let got = all.map(|docker0| trouble.is_fatal(version, docker0));
        assert_eq!(got, want, "{trouble:?} {version:?}");
    }
}
