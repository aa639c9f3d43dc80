//! Reads what the operator wrote: networks, files of networks, pools, sources.

use super::option::{BadValue, Opt};
use super::{Declared, Ignore, Origin};
use crate::facts::pools::parse_pool;
use crate::facts::{AddressPool, Source};
use crate::phrases::nearest;
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, overlap4, parse_network};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Reads the values of `--avoid`. `called` is the option's name in the operator's vocabulary.
pub fn read_avoid(values: &[String], called: &str) -> Result<Vec<Declared>, BadValue> {
    let origin = Origin::Option(Arc::from(called));
    comma_list(values)
        .map(|word| declared(word, origin.clone()).map_err(|why| BadValue::of(Opt::Avoid, why)))
        .collect()
}

fn comma_list(values: &[String]) -> impl Iterator<Item = &str> {
    values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Reads an avoid-file: networks, one a line or with commas between them; `#` begins a comment. Some
/// editors put a byte-order mark in front.
pub fn read_avoid_file(name: &str, text: &str) -> Result<Vec<Declared>, BadValue> {
    let mut found = Vec::new();
    let name: Arc<str> = Arc::from(name);
    for (line, at) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        let words = line.split('#').next().unwrap_or_default();
        if words.trim().is_empty() {
            continue;
        }
        let origin = Origin::File {
            name: Arc::clone(&name),
            line: at,
        };
        for word in words.split(',').map(str::trim) {
            let net = declared(word, origin.clone());
            let bad = |why| BadValue::at(Opt::AvoidFile, format!("{name} line {at}"), why);
            found.push(net.map_err(bad)?);
        }
    }
    Ok(found)
}

/// Reads networks to avoid because something with a name has them, such as a host of an inventory.
pub fn read_avoid_named(name: &str, nets: &[&str]) -> Result<Vec<Declared>, BadValue> {
    let origin = Origin::Named(Arc::from(name));
    let bad = |why| BadValue::plain(format!("{name}: {why}"));
    nets.iter()
        .map(|net| declared(net, origin.clone()).map_err(bad))
        .collect()
}

fn declared(word: &str, origin: Origin) -> Result<Declared, String> {
    let net = parse_network(word)?;
    if net.prefix_len() == 0 {
        return Err(format!(
            "\"{word}\" is every address there is and leaves nothing for Docker; name the networks"
        ));
    }
    Ok(Declared { net, origin })
}

/// Reads the values of `--ignore`: names of sources, networks, and files of the host.
pub fn read_ignore(values: &[String]) -> Result<Vec<Ignore>, BadValue> {
    comma_list(values).map(ignore).collect()
}

fn ignore(word: &str) -> Result<Ignore, BadValue> {
    if let Some((_, source)) = Source::NAMES.iter().find(|(name, _)| *name == word) {
        return Ok(Ignore::Source(*source));
    }
    if word.starts_with('/') {
        return Ok(Ignore::File(Arc::from(word)));
    }
    let address = word.parse::<IpAddr>().map(IpNet::from);
    match word.parse::<IpNet>().or(address) {
        Ok(net) => Ok(Ignore::Net(net.trunc())),
        Err(_) => {
            let names = Source::NAMES.map(|(name, _)| name);
            let near = nearest(word, &names)
                .map(|near| format!(", did you mean {near}?"))
                .unwrap_or_default();
            Err(BadValue::of(
                Opt::Ignore,
                format!(
                    "\"{word}\" is neither a network, a source{near} (the sources are {}) nor the path of a \
                     file",
                    names.join(", ")
                ),
            ))
        }
    }
}

/// Reads the values of `--pool`: private or shared space only, disjoint, sorted by address.
///
/// No engine refuses loopback, multicast or public addresses as a pool, so this must.
pub fn read_pools(values: &[String]) -> Result<Vec<AddressPool>, BadValue> {
    pools(values).map_err(|why| BadValue::of(Opt::Pool, why))
}

fn pools(values: &[String]) -> Result<Vec<AddressPool>, String> {
    let mut pools = Vec::with_capacity(values.len());
    for value in values {
        let pool = parse_pool(value)?;
        let allowed = PRIVATE_BLOCKS
            .iter()
            .chain(&SHARED_BLOCKS)
            .any(|block| block.contains(&pool.base));
        if !allowed {
            return Err(format!(
                "{} is not private address space; use a range inside 10.0.0.0/8, \
                 172.16.0.0/12 or 192.168.0.0/16 (100.64.0.0/10 and 198.18.0.0/15 are accepted \
                 too)",
                pool.base
            ));
        }
        pools.push(pool);
    }
    pools.sort();
    for pair in pools.windows(2) {
        if let [a, b] = pair
            && overlap4(&a.base, &b.base)
        {
            return Err(format!(
                "{} and {} overlap; give disjoint pools",
                a.base, b.base
            ));
        }
    }
    if pools.iter().map(AddressPool::capacity).sum::<u64>() == 1 {
        return Err(
            "one subnet in all is taken by docker0 and leaves none for other networks; \
                    give a wider base or a larger size"
                .to_owned(),
        );
    }
    Ok(pools)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn avoid_takes_comma_lists() {
        let found = read_avoid(
            &["172.17.0.0/16, 10.1.2.3".into(), "192.168.0.0/16".into()],
            "--avoid",
        )
        .unwrap();
        assert_eq!(
            found.iter().map(|d| d.net.to_string()).collect::<Vec<_>>(),
            ["172.17.0.0/16", "10.1.2.3/32", "192.168.0.0/16"]
        );
        assert!(
            read_avoid(&["0.0.0.0/0".into()], "--avoid")
                .unwrap_err()
                .why
                .contains("leaves nothing")
        );
        assert!(
            read_avoid(&["10.0.0.0/8,".into()], "--avoid")
                .unwrap_err()
                .why
                .contains("not a network")
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let text = "# servers\n172.17.0.0/16  # on-prem\r\n\n172.18.0.0/33\n";
        let bad = read_avoid_file("nets.txt", text).unwrap_err();
        assert_eq!(bad.value.as_deref(), Some("nets.txt line 4"));
        assert!(bad.why.starts_with("\"172.18.0.0/33\""), "{bad:?}");
        let good = read_avoid_file("-", "172.17.0.0/16\nfd00::/8").unwrap();
        assert_eq!(
            (good.len(), good[1].origin.to_string().as_str()),
            (2, "- line 2")
        );
    }

    #[test]
    fn a_file_of_another_system_is_read() {
        let text = "\u{feff}172.17.0.0/16, 10.1.2.3\r\n192.168.0.0/16 # old, unused\r\n";
        let found = read_avoid_file("nets.txt", text).unwrap();
        let found: Vec<String> = found
            .iter()
            .map(|one| format!("{} {}", one.net, one.origin))
            .collect();
        assert_eq!(
            found,
            [
                "172.17.0.0/16 nets.txt line 1",
                "10.1.2.3/32 nets.txt line 1",
                "192.168.0.0/16 nets.txt line 2"
            ]
        );
        let bad = read_avoid_file("nets.txt", "10.0.0.0/8\n10.1.0.0/16,,10.2.0.0/16").unwrap_err();
        assert_eq!(bad.value.as_deref(), Some("nets.txt line 2"));
    }

    #[test]
    fn ignores_sources_and_networks() {
        let read = |words: &str| read_ignore(&[words.to_owned()]);
        let some = read("neighbour, 10.0.0.0/8,fd00::1,/etc/wireguard/a.conf").unwrap();
        assert_eq!(some[3], Ignore::File("/etc/wireguard/a.conf".into()));
        assert_eq!(some[0], Ignore::Source(Source::Neighbour));
        assert_eq!(some[2], Ignore::Net("fd00::1/128".parse().unwrap()));
        assert!(
            read("neighbor")
                .unwrap_err()
                .why
                .contains("the sources are onlink, route")
        );
    }

    #[test]
    fn pools_are_private_disjoint_and_sorted() {
        let read =
            |pools: &[&str]| read_pools(&pools.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>());
        let pools = read(&["base=192.168.64.0/18,size=24", "10.200.0.0/16"]).unwrap();
        assert_eq!(pools[0].base.to_string(), "10.200.0.0/16");
        for (bad, why) in [
            (vec!["8.8.0.0/16"], "not private"),
            (vec!["base=127.0.0.0/16,size=24"], "not private"),
            (vec!["base=224.0.0.0/8,size=24"], "not private"),
            (vec!["base=0.0.0.0/0,size=24"], "not private"),
            (
                vec!["10.200.0.0/16", "base=10.200.4.0/22,size=26"],
                "overlap",
            ),
            (vec!["base=10.200.0.0/24,size=24"], "one subnet"),
        ] {
            assert!(read(&bad).unwrap_err().why.contains(why), "{bad:?}");
        }
        assert!(read(&["base=100.64.0.0/16,size=24"]).is_ok());
    }
}
