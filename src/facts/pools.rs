//! Address pools: Docker's `default-address-pools`, the built-in list, and the subnets they split
//! into.

use crate::subnet::{net, parse_ipv4_network};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of `default-address-pools`: a range cut into subnets of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    let base = parse_ipv4_network(base).map_err(|why| format!("the base of the pool {why}"))?;
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

/// `default-address-pools` as an engine reads it, in the order given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolList {
    pub pools: Vec<Pool>,
    /// The entries with which no engine starts: their places in the list, from 0 on, and what is
    /// wrong with them.
    pub faults: Vec<(usize, PoolFault)>,
}

/// An entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    V4(AddressPool),
    V6(Ipv6Pool),
}

/// A pool for IPv6 subnets. rebridge moves no such subnet; it has to leave the pool in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6Pool {
    pub base: Ipv6Net,
    pub size: u8,
}

/// Why no engine starts with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolFault {
    /// No list, no object in it, or a value of another type, such as "24" for 24. An option's text
    /// is not made of `base=` and `size=`.
    Type,
    /// `base` is missing, or is not an address with a prefix length.
    Base,
    /// `size` is missing, or not above 0.
    NoSize,
    /// `size` is smaller than the prefix length of `base`.
    TooWide,
    /// `size` has more bits than an address.
    TooNarrow,
}

impl PoolList {
    /// Reads the value of the key. `None` where it sets nothing, so that the built-in list counts:
    /// null and the empty list.
    pub fn of_key(value: &Value) -> Option<PoolList> {
        match value {
            Value::Null => None,
            Value::Array(entries) if entries.is_empty() => None,
            Value::Array(entries) => Some(entries.iter().map(Pool::of_entry).collect()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Some([Err(PoolFault::Type)].into_iter().collect())
            }
        }
    }

    /// Reads the values of dockerd's option `--default-address-pool`; `None` without any.
    pub fn of_options(values: &[String]) -> Option<PoolList> {
        (!values.is_empty()).then(|| values.iter().map(|text| Pool::of_option(text)).collect())
    }

    /// Those that Docker's IPv4 networks come from. There may be none: an engine with IPv6 pools
    /// only has no IPv4 subnet to give, the built-in ones neither.
    pub fn ipv4(&self) -> Vec<AddressPool> {
        let ipv4 = |pool: &Pool| match pool {
            Pool::V4(pool) => Some(*pool),
            Pool::V6(_) => None,
        };
        self.pools.iter().filter_map(ipv4).collect()
    }
}

impl FromIterator<Result<Pool, PoolFault>> for PoolList {
    fn from_iter<T: IntoIterator<Item = Result<Pool, PoolFault>>>(entries: T) -> PoolList {
        let mut list = PoolList::default();
        for (place, entry) in entries.into_iter().enumerate() {
            match entry {
                Ok(pool) => list.pools.push(pool),
                Err(fault) => list.faults.push((place, fault)),
            }
        }
        list
    }
}

impl From<&[AddressPool]> for PoolList {
    fn from(pools: &[AddressPool]) -> PoolList {
        pools.iter().map(|pool| Ok(Pool::V4(*pool))).collect()
    }
}

impl Pool {
    /// The range.
    pub fn base(&self) -> IpNet {
        match self {
            Pool::V4(pool) => IpNet::V4(pool.base),
            Pool::V6(pool) => IpNet::V6(pool.base),
        }
    }

    fn new(base: &str, size: i64) -> Result<Pool, PoolFault> {
        let base: IpNet = base.parse().map_err(|_| PoolFault::Base)?;
        if size <= 0 {
            return Err(PoolFault::NoSize);
        }
        let size = u8::try_from(size)
            .ok()
            .filter(|size| *size <= base.max_prefix_len())
            .ok_or(PoolFault::TooNarrow)?;
        if size < base.prefix_len() {
            return Err(PoolFault::TooWide);
        }
        // Every engine puts the base on its boundary.
        Ok(match base.trunc() {
            IpNet::V4(base) => Pool::V4(AddressPool { base, size }),
            IpNet::V6(base) => Pool::V6(Ipv6Pool { base, size }),
        })
    }

    /// Of a key that is there twice in two spellings the last counts; null leaves what was there.
    fn of_entry(entry: &Value) -> Result<Pool, PoolFault> {
        let (mut base, mut size) = ("", 0);
        for (key, value) in entry.as_object().ok_or(PoolFault::Type)? {
            if value.is_null() {
                continue;
            }
            if is_called(key, "base") {
                base = value.as_str().ok_or(PoolFault::Type)?;
            } else if is_called(key, "size") {
                size = value.as_i64().ok_or(PoolFault::Type)?;
            }
        }
        Pool::new(base, size)
    }

    fn of_option(text: &str) -> Result<Pool, PoolFault> {
        let text = text.to_lowercase();
        let (mut base, mut size) = ("", 0);
        for field in text.split(',') {
            match field.split_once('=').ok_or(PoolFault::Type)? {
                ("base", value) => base = value,
                ("size", value) => size = value.parse().map_err(|_| PoolFault::Type)?,
                _ => return Err(PoolFault::Type),
            }
        }
        Pool::new(base, size)
    }
}

/// Whether Go takes a key for this field: in any case, with the old long s for an s too. The keys
/// at the top of daemon.json, unlike these, dockerd itself compares letter by letter.
pub fn is_called(key: &str, field: &str) -> bool {
    const LONG_S: char = '\u{17f}';
    let folded = |c: char| match c {
        LONG_S => 's',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(field.chars())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
