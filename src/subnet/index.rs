//! Many networks against many: which networks of a list share an address with a given one.

use ipnet::IpNet;

/// An index over a list of networks. Two networks are nested or disjoint, so those that overlap a
/// given one are either around it, on a chain of parents, or inside it, side by side.
#[derive(Debug, Default)]
pub struct NetIndex {
    /// By address, wider before narrower.
    sorted: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    bounds: Bounds,
    /// In the list that was indexed.
    place: usize,
    /// The narrowest entry that holds this one.
    parent: Option<usize>,
}

/// Family, first and last address.
type Bounds = (bool, u128, u128);

impl NetIndex {
    pub fn new<'a>(nets: impl IntoIterator<Item = &'a IpNet>) -> NetIndex {
        let entries = nets.into_iter().enumerate();
        let mut sorted: Vec<Entry> = entries
            .map(|(place, net)| Entry {
                bounds: bounds(net),
                place,
                parent: None,
            })
            .collect();
        sorted.sort_by_key(|entry| {
            (
                entry.bounds.0,
                entry.bounds.1,
                u128::MAX - entry.bounds.2,
                entry.place,
            )
        });
        let mut open: Vec<(usize, Bounds)> = Vec::new();
        for (at, entry) in sorted.iter_mut().enumerate() {
            while open
                .last()
                .is_some_and(|(_, around)| !holds(*around, entry.bounds))
            {
                open.pop();
            }
            entry.parent = open.last().map(|(at, _)| *at);
            open.push((at, entry.bounds));
        }
        NetIndex { sorted }
    }

    /// The places, in the list, of the networks that share an address with this one; unordered.
    pub fn overlapping(&self, net: &IpNet) -> impl Iterator<Item = usize> {
        let (family, first, last) = bounds(net);
        let begin = self
            .sorted
            .partition_point(|entry| (entry.bounds.0, entry.bounds.1) < (family, first));
        let inside = self.sorted.get(begin..).unwrap_or_default().iter();
        let inside =
            inside.take_while(move |entry| (entry.bounds.0, entry.bounds.1) <= (family, last));
        let mut climb = begin.checked_sub(1);
        let around = std::iter::from_fn(move || {
            loop {
                let entry = self.sorted.get(climb?)?;
                climb = entry.parent;
                if holds(entry.bounds, (family, first, last)) {
                    return Some(entry.place);
                }
            }
        });
        inside.map(|entry| entry.place).chain(around)
    }
}

fn holds(around: Bounds, inner: Bounds) -> bool {
    around.0 == inner.0 && around.1 <= inner.1 && inner.2 <= around.2
}

fn bounds(net: &IpNet) -> Bounds {
    match net {
        IpNet::V4(net) => (
            false,
            u32::from(net.network()).into(),
            u32::from(net.broadcast()).into(),
        ),
        IpNet::V6(net) => (true, net.network().into(), net.broadcast().into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::subnet::overlap;

    /// All networks of a small part of the address space, wider ones and repeated ones, against the
    /// definition.
    #[test]
    fn finds_what_a_plain_search_finds() {
        let mut nets: Vec<IpNet> = Vec::new();
        for prefix in 27..=32 {
            nets.extend(
                "10.0.0.0/27"
                    .parse::<ipnet::Ipv4Net>()
                    .unwrap()
                    .subnets(prefix)
                    .unwrap()
                    .map(IpNet::V4),
            );
        }
        for text in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.0.0.4/30",
            "10.0.0.0/8",
            "::/0",
            "fd00::/8",
            "fd00::a00:0/124",
        ] {
            nets.push(text.parse().unwrap());
        }
        let index = NetIndex::new(&nets);
        for ask in nets.iter().chain(&[
            "10.0.1.0/24".parse().unwrap(),
            "255.255.255.255/32".parse().unwrap(),
        ]) {
            let mut found: Vec<usize> = index.overlapping(ask).collect();
            found.sort_unstable();
            let plain: Vec<usize> = (0..nets.len())
                .filter(|at| overlap(&nets[*at], ask))
                .collect();
            assert_eq!(found, plain, "{ask}");
        }
        assert_eq!(NetIndex::default().overlapping(&nets[0]).count(), 0);
    }
}
