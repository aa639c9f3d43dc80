use super::*;

#[test]
fn the_built_in_pools_are_thirty_one_networks() {
    let all: Vec<String> = BUILT_IN
        .iter()
        .flat_map(AddressPool::subnets)
        .map(|s| s.to_string())
        .collect();
    assert_eq!(all.len(), 31);
    assert_eq!(BUILT_IN.iter().map(AddressPool::capacity).sum::<u64>(), 31);
    assert_eq!(
        (all[0].as_str(), all[14].as_str()),
        ("172.17.0.0/16", "172.31.0.0/16")
    );
    assert_eq!(
        (all[15].as_str(), all[30].as_str()),
        ("192.168.0.0/20", "192.168.240.0/20")
    );
}

#[test]
fn reads_pools_as_docker_spells_them() {
    for (text, want) in [
        ("base=10.200.0.0/16,size=24", Ok("10.200.0.0/16 in /24s")),
        ("size=26,base=10.200.0.0/16", Ok("10.200.0.0/16 in /26s")),
        ("10.200.0.0/16", Ok("10.200.0.0/16 in /24s")),
        ("base=10.200.0.0/16,size=8", Err("cannot be wider")),
        ("base=10.200.0.0/26", Err("use a size from 26 to 30")),
        ("base=10.200.0.0/16,size=31", Err("30 is the limit")),
        (
            "base=10.200.0.0/16,size=x",
            Err("a size is a prefix length"),
        ),
        ("base=10.200.0.7/16,size=24", Err("host bits")),
        ("base=fd00::/8,size=64", Err("IPv6")),
        ("size=24", Err("names no base")),
        (
            "base=10.0.0.0/8,width=24",
            Err("not understood at \"width=24\""),
        ),
        ("10.0.0.0/8,11.0.0.0/8", Err("not understood")),
    ] {
        match (parse_pool(text), want) {
            (Ok(got), Ok(want)) => assert_eq!(got.to_string(), want, "{text}"),
            (Err(got), Err(want)) => assert!(got.contains(want), "{text}: {got}"),
            (got, want) => panic!("{text}: got {got:?}, want {want:?}"),
        }
    }
}

/// Arithmetic against the plain definition, for every way two networks can lie to each other.
#[test]
fn the_part_within_is_the_overlapping_subnets() {
    let pool = parse_pool("base=10.200.0.0/20,size=24").unwrap();
    for wanted in [
        "10.0.0.0/8",
        "10.200.0.0/20",
        "10.200.4.0/22",
        "10.200.5.0/24",
        "10.200.5.7/32",
        "10.201.0.0/16",
    ] {
        let wanted: Ipv4Net = wanted.parse().unwrap();
        let plain: Vec<Ipv4Net> = pool
            .subnets()
            .filter(|s| crate::subnet::overlap4(s, &wanted))
            .collect();
        let part = pool.part_within(wanted);
        let part: Vec<Ipv4Net> = part
            .into_iter()
            .flat_map(|part| part.subnets(24).unwrap())
            .collect();
        assert_eq!(part, plain, "{wanted}");
    }
    assert_eq!(pool.last_subnet().unwrap().to_string(), "10.200.15.0/24");
}

fn read(text: &str) -> Option<PoolList> {
    PoolList::of_key(&serde_json::from_str(text).unwrap())
}

fn ipv4(text: &str) -> Vec<String> {
    let list = read(text).unwrap();
    assert_eq!(list.faults, [], "{text}");
    list.ipv4().iter().map(ToString::to_string).collect()
}

#[test]
fn reads_pools_from_the_file_as_an_engine_would() {
    for (text, want) in [
        (
            r#"[{"base": "172.17.0.0/12", "size": 16}]"#,
            "172.16.0.0/12 in /16s",
        ),
        (
            r#"[{"Base": "10.5.0.0/16", "Size": 24}]"#,
            "10.5.0.0/16 in /24s",
        ),
        (
            r#"[{"BASE": "10.5.0.0/16", "sIzE": 24}]"#,
            "10.5.0.0/16 in /24s",
        ),
        (
            r#"[{"ba\u017fe": "10.5.0.0/16", "\u017fize": 24}]"#,
            "10.5.0.0/16 in /24s",
        ),
        (
            r#"[{"Base": "10.5.0.0/16", "size": 20, "base": "10.6.0.0/16", "Size": 24}]"#,
            "10.6.0.0/16 in /24s",
        ),
        (
            r#"[{"base": "10.5.0.0/16", "size": 24, "Base": null, "SIZE": null}]"#,
            "10.5.0.0/16 in /24s",
        ),
        (
            r#"[{"base": "10.5.0.0/16", "size": 24, "name": "web"}]"#,
            "10.5.0.0/16 in /24s",
        ),
        (
            r#"[{"base": "10.5.0.0/16", "size": 32}]"#,
            "10.5.0.0/16 in /32s",
        ),
    ] {
        assert_eq!(ipv4(text), [want], "{text}");
    }
    for nothing in ["[]", "null"] {
        assert_eq!(read(nothing), None, "{nothing}");
    }
}

#[test]
fn keeps_ipv6_pools_apart() {
    let six = Pool::V6(Ipv6Pool {
        base: "fd00:1::/56".parse().unwrap(),
        size: 64,
    });
    let only = read(r#"[{"base": "fd00:1::/56", "size": 64}]"#).unwrap();
    assert_eq!(
        (only.pools.as_slice(), only.ipv4()),
        ([six].as_slice(), Vec::new())
    );
    let both = r#"[{"base": "fd00:1::/56", "size": 64}, {"base": "10.5.0.0/16", "size": 24}]"#;
    assert_eq!(ipv4(both), ["10.5.0.0/16 in /24s"]);
    assert_eq!(read(both).unwrap().pools[0], six);
    assert_eq!(six.base().to_string(), "fd00:1::/56");
}

/// The first five were run on 20.10.24, 26.1.5 and 28.5.2 (the tier `engines` does it again).
#[test]
fn tells_entries_that_no_engine_starts_with() {
    for (entry, fault) in [
        (
            r#"{"base": "10.200.0.0/16", "size": 8}"#,
            PoolFault::TooWide,
        ),
        (r#"{"base": "10.200.0.0/16"}"#, PoolFault::NoSize),
        (
            r#"{"base": "10.200.0.0/16", "size": "24"}"#,
            PoolFault::Type,
        ),
        (r#"{"base": "10.200.0.0", "size": 24}"#, PoolFault::Base),
        (
            r#"{"base": "10.200.0.0/16", "size": 33}"#,
            PoolFault::TooNarrow,
        ),
        (r#"{"base": "10.200.0.0/16", "size": 0}"#, PoolFault::NoSize),
        (r#"{"size": 24}"#, PoolFault::Base),
        (
            r#"{"base": "10.200.0.0/16", "size": 24.0}"#,
            PoolFault::Type,
        ),
        (
            r#"{"base": "10.200.0.0/16", "size": -24}"#,
            PoolFault::NoSize,
        ),
        (
            r#"{"base": "10.200.0.0/16", "size": 300}"#,
            PoolFault::TooNarrow,
        ),
        (r#"{"base": "fd00::/56", "size": 48}"#, PoolFault::TooWide),
        (
            r#"{"base": "fd00::/56", "size": 129}"#,
            PoolFault::TooNarrow,
        ),
        (r#"{"base": 10, "size": 24}"#, PoolFault::Type),
        (r#""10.200.0.0/16""#, PoolFault::Type),
        ("null", PoolFault::Type),
    ] {
        let list = read(&format!(
            r#"[{{"base": "10.5.0.0/16", "size": 24}}, {entry}]"#
        ))
        .unwrap();
        assert_eq!(list.faults, [(1, fault)], "{entry}");
        assert_eq!(list.pools.len(), 1, "{entry}");
    }
    for no_list in [r#""10.5.0.0/16""#, "{}", "24"] {
        assert_eq!(
            read(no_list).unwrap().faults,
            [(0, PoolFault::Type)],
            "{no_list}"
        );
    }
}

#[test]
fn reads_pools_from_the_command_line() {
    let option = |text: &str| PoolList::of_options(&[text.to_owned()]).unwrap();
    for text in ["base=172.17.0.0/12,size=16", "Size=16,BASE=172.17.0.0/12"] {
        assert_eq!(
            option(text).ipv4()[0].to_string(),
            "172.16.0.0/12 in /16s",
            "{text}"
        );
    }
    assert!(matches!(
        option("base=FD00::/56,size=64").pools[0],
        Pool::V6(_)
    ));
    for (text, fault) in [
        ("base=172.17.0.0/12", PoolFault::NoSize),
        ("base=172.17.0.0/12,size=x", PoolFault::Type),
        ("base=172.17.0.0/12, size=16", PoolFault::Type),
        ("172.17.0.0/12", PoolFault::Type),
        ("", PoolFault::Type),
    ] {
        assert_eq!(option(text).faults, [(0, fault)], "{text}");
    }
    assert_eq!(PoolList::of_options(&[]), None);
}
