//! Well-known users of private address space. A new range for Docker keeps off them where it can:
//! what is not on this host today may be on its next VPN, its next cluster or its next LAN.
//!
//! Each row names its source. Only defaults count, the ranges people get without asking for them.

mod table;

pub use table::{Favoured, Likelihood};

use crate::facts::Facts;
use crate::subnet::overlap4;
use ipnet::Ipv4Net;
use std::net::IpAddr;
use table::{FAVOURED, Mark};

impl Mark {
    fn is_on(self, facts: &Facts) -> bool {
        match self {
            Mark::Resolver(address) => {
                let mut servers = facts.nameservers.iter();
                servers.any(|server| server.address == IpAddr::V4(address))
            }
            Mark::Wsl => facts.kernel.wsl,
        }
    }
}

/// What shows on a host, or on any of several hosts, that some rows count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks(Vec<Mark>);

impl Marks {
    pub fn of(facts: &Facts) -> Marks {
        let marks = FAVOURED.iter().filter_map(|row| row.only_on);
        Marks(marks.filter(|mark| mark.is_on(facts)).collect())
    }

    pub fn join(&mut self, others: &Marks) {
        let new = others.0.iter().filter(|mark| !self.0.contains(mark));
        let new: Vec<Mark> = new.copied().collect();
        self.0.extend(new);
    }
}

/// The rows that count with these marks and are more likely than this, or as likely.
pub fn rows(marks: &Marks, from: Likelihood) -> impl Iterator<Item = &'static Favoured> + use<> {
    let marks = marks.0.clone();
    FAVOURED
        .iter()
        .filter(move |row| row.likelihood >= from)
        .filter(move |row| row.only_on.is_none_or(|mark| marks.contains(&mark)))
}

/// Who is most likely to use some of a range.
pub fn most_likely(facts: &Facts, range: Ipv4Net) -> Option<&'static Favoured> {
    likely(&Marks::of(facts), range)
}

/// The same with these marks.
pub fn likely(marks: &Marks, range: Ipv4Net) -> Option<&'static Favoured> {
    rows(marks, Likelihood::Seldom)
        .filter(|row| overlap4(&row.net, &range))
        .max_by_key(|row| (row.likelihood, row.net.prefix_len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::subnet::{PRIVATE_BLOCKS, net};

    #[test]
    fn every_row_is_private_and_has_a_source() {
        for row in FAVOURED {
            let inside = PRIVATE_BLOCKS.iter().any(|block| block.contains(&row.net));
            assert!(inside && row.net == row.net.trunc(), "{row:?}");
            assert!(row.user.len() > 2 && row.source.len() > 2, "{row:?}");
        }
    }

    /// The answer everybody gets whose host says nothing against it.
    #[test]
    fn nobody_favours_the_first_choice() {
        let first = net(10, 200, 0, 0, 16);
        for row in FAVOURED.iter().filter(|row| row.only_on.is_none()) {
            assert!(!overlap4(&row.net, &first), "{row:?}");
        }
    }
}
