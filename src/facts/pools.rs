//! Address pools: Docker's `default-address-pools`, the built-in list, and the subnets they split
//! into.

use crate::subnet::{net, parse_network};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of `default-address-pools`: a range cut into subnets of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Unchecked")]
pub struct AddressPool {
    /// The range; its host bits are zero.
    pub base: Ipv4Net,
    /// Prefix length of the subnets, in bits.
    pub size: u8,
}

/// A pool as anybody may write it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Unchecked {
    base: Ipv4Net,
    size: u8,
}

impl TryFrom<Unchecked> for AddressPool {
    type Error = String;

    fn try_from(pool: Unchecked) -> Result<AddressPool, String> {
        AddressPool::new(pool.base, pool.size).ok_or_else(|| {
            format!(
                "the pool {} cannot be cut into subnets of /{}",
                pool.base, pool.size
            )
        })
    }
}

/// What Docker uses when the file says nothing: 15 networks of /16, then 16 of /20, in this order,
/// on every version from 20.10 to 29.
pub const BUILT_IN: [AddressPool; 7] = [
    pool(net(172, 17, 0, 0, 16), 16),
    pool(net(172, 18, 0, 0, 16), 16),
    pool(net(172, 19, 0, 0, 16), 16),
    pool(net(172, 20, 0, 0, 14), 16),
    pool(net(172, 24, 0, 0, 14), 16),
    pool(net(172, 28, 0, 0, 14), 16),
    pool(net(192, 168, 0, 0, 16), 20),
];

const fn pool(base: Ipv4Net, size: u8) -> AddressPool {
    AddressPool { base, size }
}

impl AddressPool {
    /// A pool as every engine reads it: on its boundary. None where the size does not fit the base.
    pub fn new(base: Ipv4Net, size: u8) -> Option<AddressPool> {
        (size >= base.prefix_len() && size <= 32).then_some(AddressPool {
            base: base.trunc(),
            size,
        })
    }

    /// The subnets, in the order in which every engine hands them out.
    pub fn subnets(&self) -> impl Iterator<Item = Ipv4Net> + use<> {
        self.base.subnets(self.size).into_iter().flatten()
    }

    /// How many subnets there are.
    pub fn capacity(&self) -> u64 {
        match self.size.checked_sub(self.base.prefix_len()) {
            Some(bits) => 1u64 << bits.min(32),
            None => 0,
        }
    }

    /// The last subnet: where rebridge puts docker0.
    pub fn last_subnet(&self) -> Option<Ipv4Net> {
        Ipv4Net::new(self.base.broadcast(), self.size)
            .ok()
            .map(|net| net.trunc())
    }

    /// The part of the pool that shares addresses with `wanted`, widened to whole subnets.
    pub fn part_within(&self, wanted: Ipv4Net) -> Option<Ipv4Net> {
        if wanted.contains(&self.base) {
            Some(self.base)
        } else if !self.base.contains(&wanted) {
            None
        } else if wanted.prefix_len() >= self.size {
            Ipv4Net::new(wanted.addr(), self.size)
                .ok()
                .map(|net| net.trunc())
        } else {
            Some(wanted)
        }
    }

    /// As it stands in daemon.json.
    pub fn to_value(self) -> Value {
        serde_json::json!({"base": self.base.to_string(), "size": self.size})
    }
}

impl std::fmt::Display for AddressPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in /{}s", self.base, self.size)
    }
}

/// Reads Docker's own spelling (`base=10.200.0.0/16,size=24`) or a bare CIDR, which means size 24.
pub fn parse_pool(text: &str) -> Result<AddressPool, String> {
    let (mut base, mut size) = (None, None);
    for part in text.split(',') {
        match part.split_once('=') {
            None if base.is_none() => base = Some(part),
            Some(("base", value)) if base.is_none() => base = Some(value),
            Some(("size", value)) if size.is_none() => size = Some(value),
            None | Some(_) => {
                return Err(format!(
                    "the pool \"{text}\" is not understood at \"{part}\"; write base=CIDR,size=N, \
                     for example base=10.200.0.0/16,size=24"
                ));
            }
        }
    }
    let Some(base) = base else {
        return Err(format!(
            "the pool \"{text}\" names no base; write base=CIDR,size=N"
        ));
    };
    let base = parse_network(base).map_err(|why| format!("the base of the pool {why}"))?;
    let size = match size {
        None => 24,
        Some(digits) => digits.parse::<u8>().map_err(|_| {
            format!(
                "the pool {base} has the size \"{digits}\"; a size is a prefix length such as 24"
            )
        })?,
    };
    if size < base.prefix_len() {
        return Err(format!(
            "the pool {base} has size {size}, but a subnet cannot be wider than the pool; use a \
             size from {} to 30",
            base.prefix_len()
        ));
    }
    if size > 30 {
        return Err(format!(
            "the pool {base} has size {size}; a /{size} has no room for a bridge and a container, \
             30 is the limit"
        ));
    }
    Ok(AddressPool { base, size })
}

/// Reads a value of dockerd's own flag `--default-address-pool`, with the engine's leniency.
pub fn parse_flag(text: &str) -> Option<AddressPool> {
    let part = |name: &str| {
        text.split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let base: Ipv4Net = part("base")?.parse().ok()?;
    AddressPool::new(base, part("size")?.parse().ok()?)
}

/// Reads the value of `default-address-pools`, keeping what an engine would use: IPv4 entries,
/// bases put on their boundary as every engine does. `None` when it is not such a list, or empty
/// (the engine then uses its own).
pub fn pools_from_value(value: &Value) -> Option<Vec<AddressPool>> {
    let pools: Vec<AddressPool> = value
        .as_array()?
        .iter()
        .filter_map(|entry| {
            let base: Ipv4Net = entry.get("base")?.as_str()?.parse().ok()?;
            AddressPool::new(base, u8::try_from(entry.get("size")?.as_u64()?).ok()?)
        })
        .collect();
    (!pools.is_empty()).then_some(pools)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
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

    #[test]
    fn reads_pools_from_the_file_as_an_engine_would() {
        let value = serde_json::json!([{"base": "172.17.0.0/12", "size": 16}, {"base": "fd00::/8", "size": 64}]);
        assert_eq!(
            pools_from_value(&value).unwrap()[0].to_string(),
            "172.16.0.0/12 in /16s"
        );
        assert_eq!(
            parse_flag("base=172.17.0.0/12,size=16")
                .unwrap()
                .to_string(),
            "172.16.0.0/12 in /16s"
        );
        assert!(parse_flag("base=172.17.0.0/12").is_none());
        assert!(pools_from_value(&serde_json::json!([])).is_none());
        assert!(pools_from_value(&serde_json::json!("x")).is_none());
    }
}
