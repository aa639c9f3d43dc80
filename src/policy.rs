//! What the operator wants, read and checked before anything is looked at: networks to keep free,
//! pools to use.

use crate::facts::pools::parse_pool;
use crate::facts::{AddressPool, Source};
use crate::phrases::nearest;
use crate::subnet::{PRIVATE_BLOCKS, SHARED_BLOCKS, overlap4, parse_network};
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;
use std::sync::Arc;

/// The operator's wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks Docker must keep off.
    pub avoid: Vec<Declared>,
    /// Pools to choose from, sorted and disjoint; empty means rebridge's own choice.
    pub pools: Vec<AddressPool>,
    /// DockerRange the given pools even when nothing clashes.
    pub pin: bool,
    /// Evidence not to heed.
    pub ignore: Vec<Ignore>,
    /// The options that said all this, to be repeated in a command that is proposed.
    pub given: Vec<String>,
}

/// Evidence the operator knows to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignore {
    /// All of a kind.
    Source(Source),
    /// All that names this network or a part of it.
    Net(IpNet),
}

/// A network the operator named, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The network.
    pub net: Ipv4Net,
    /// Where.
    pub origin: Origin,
}

/// Where a network was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// With `--avoid`.
    Option,
    /// By whoever goes by this name: a host of an inventory.
    Named(Arc<str>),
    /// In an avoid-file, which may have a fleet's worth of lines.
    File {
        /// The file as it was named.
        name: Arc<str>,
        /// The line, from 1.
        line: u32,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Option => f.write_str("--avoid"),
            Origin::Named(name) => f.write_str(name),
            Origin::File { name, line } => write!(f, "{name} line {line}"),
        }
    }
}

/// Reads the values of `--avoid`.
pub fn read_avoid(values: &[String]) -> Result<Vec<Declared>, String> {
    let words = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    words
        .map(|word| match declared(word, Origin::Option) {
            Ok(declared) => Ok(declared),
            Err(why) => Err(format!("--avoid: {why}")),
        })
        .collect()
}

/// Reads an avoid-file: a network a line, `#` begins a comment.
pub fn read_avoid_file(name: &str, text: &str) -> Result<Vec<Declared>, String> {
    let mut found = Vec::new();
    let name: Arc<str> = Arc::from(name);
    for (line, at) in text.lines().zip(1..) {
        let words = line.split('#').next().unwrap_or_default().trim();
        if words.is_empty() {
            continue;
        }
        let origin = Origin::File {
            name: Arc::clone(&name),
            line: at,
        };
        match declared(words, origin) {
            Ok(declared) => found.push(declared),
            Err(why) => return Err(format!("{name} line {at}: {why}")),
        }
    }
    Ok(found)
}

/// Reads networks that somebody declared under a name.
pub fn read_avoid_named(name: &str, nets: &[&str]) -> Result<Vec<Declared>, String> {
    let origin = Origin::Named(Arc::from(name));
    nets.iter()
        .map(|net| declared(net, origin.clone()).map_err(|why| format!("{name}: {why}")))
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

/// Reads the values of `--ignore`: a source by its name, or a network.
pub fn read_ignore(values: &[String]) -> Result<Vec<Ignore>, String> {
    let words = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    words
        .map(|word| {
            if let Some((_, source)) = Source::NAMES.iter().find(|(name, _)| *name == word) {
                return Ok(Ignore::Source(*source));
            }
            let address = word.parse::<IpAddr>().map(IpNet::from);
            let net = word.parse::<IpNet>().or(address).map_err(|_| {
                let names: Vec<&str> = Source::NAMES.iter().map(|(name, _)| *name).collect();
                let near = nearest(word, &names)
                    .map(|near| {
                        format!(
                            ", did you mean \
                    {near}?"
                        )
                    })
                    .unwrap_or_default();
                let names = names.join(", ");
                format!(
                    "--ignore: \"{word}\" is neither a network nor a source{near} (the sources \
                         are {names})"
                )
            })?;
            Ok(Ignore::Net(net.trunc()))
        })
        .collect()
}

/// Reads the values of `--pool`: private or shared space only, disjoint, sorted by address.
///
/// No engine refuses loopback, multicast or somebody else's public addresses as a pool; so this
/// must.
pub fn read_pools(values: &[String]) -> Result<Vec<AddressPool>, String> {
    let mut pools = Vec::with_capacity(values.len());
    for value in values {
        let pool = parse_pool(value).map_err(|why| format!("--pool: {why}"))?;
        let allowed = PRIVATE_BLOCKS
            .iter()
            .chain(&SHARED_BLOCKS)
            .any(|block| block.contains(&pool.base));
        if !allowed {
            return Err(format!(
                "--pool: {} is not private address space; use a range inside 10.0.0.0/8, \
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
                "--pool: {} and {} overlap; give disjoint pools",
                a.base, b.base
            ));
        }
    }
    if pools.iter().map(AddressPool::capacity).sum::<u64>() == 1 {
        return Err(
            "--pool: one subnet in all is taken by docker0 and leaves none for other networks; \
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
        let found =
            read_avoid(&["172.17.0.0/16, 10.1.2.3".into(), "192.168.0.0/16".into()]).unwrap();
        assert_eq!(
            found.iter().map(|d| d.net.to_string()).collect::<Vec<_>>(),
            ["172.17.0.0/16", "10.1.2.3/32", "192.168.0.0/16"]
        );
        assert!(
            read_avoid(&["0.0.0.0/0".into()])
                .unwrap_err()
                .contains("leaves nothing")
        );
        assert!(
            read_avoid(&["10.0.0.0/8,".into()])
                .unwrap_err()
                .contains("not a network")
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let text = "# servers\n172.17.0.0/16  # on-prem\r\n\n172.18.0.0/33\n";
        assert!(
            read_avoid_file("nets.txt", text)
                .unwrap_err()
                .starts_with("nets.txt line 4: \"172.18.0.0/33\"")
        );
        let good = read_avoid_file("-", "172.17.0.0/16\n10.0.0.0/8").unwrap();
        assert_eq!(
            (good.len(), good[1].origin.to_string().as_str()),
            (2, "- line 2")
        );
    }

    #[test]
    fn ignores_sources_and_networks() {
        let read = |words: &str| read_ignore(&[words.to_owned()]);
        let some = read("neighbour, 10.0.0.0/8,fd00::1").unwrap();
        assert_eq!(some[0], Ignore::Source(Source::Neighbour));
        assert_eq!(some[2], Ignore::Net("fd00::1/128".parse().unwrap()));
        assert!(
            read("neighbor")
                .unwrap_err()
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
            assert!(read(&bad).unwrap_err().contains(why), "{bad:?}");
        }
        assert!(read(&["base=100.64.0.0/16,size=24"]).is_ok());
    }
}
