//! What the operator wants: networks to avoid, pools to use, evidence to ignore. It is read and
//! checked before rebridge looks at the host.

pub mod accept;
pub mod option;
pub mod read;

use crate::facts::{AddressPool, Source};
use ipnet::{IpNet, Ipv4Net};
use std::sync::Arc;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub avoid: Vec<Declared>,
    /// Sorted and disjoint; empty if rebridge may choose.
    pub pools: Vec<AddressPool>,
    /// Take these pools even if nothing clashes.
    pub pin: bool,
    pub ignore: Vec<Ignore>,
    /// The options that said all this. A command that rebridge proposes repeats them.
    pub given: Vec<String>,
}

/// Evidence the operator knows to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignore {
    Source(Source),
    /// All evidence that names this network or a part of it.
    Net(IpNet),
}

/// A network to avoid, and where the operator named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub net: Ipv4Net,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An option, or something with a name, such as a host of an inventory.
    Named(Arc<str>),
    /// An avoid-file. It may list a whole fleet, so the lines share the name.
    File {
        /// The file as the operator wrote it.
        name: Arc<str>,
        /// From 1.
        line: u32,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Named(name) => f.write_str(name),
            Origin::File { name, line } => write!(f, "{name} line {line}"),
        }
    }
}
