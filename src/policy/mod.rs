//! What the operator wants: networks to keep free, pools to use, evidence to disregard. Read and
//! checked before anything is looked at.

pub mod option;
pub mod read;

use crate::facts::{AddressPool, Source};
use ipnet::{IpNet, Ipv4Net};
use std::sync::Arc;

/// The operator's wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks Docker must keep off.
    pub avoid: Vec<Declared>,
    /// Pools to choose from, sorted and disjoint; empty means rebridge's own choice.
    pub pools: Vec<AddressPool>,
    /// Take the given pools even when nothing clashes.
    pub pin: bool,
    /// Evidence to disregard.
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
    pub net: Ipv4Net,
    pub origin: Origin,
}

/// Where a network was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By an option, or on behalf of something with a name, such as a host of an inventory.
    Named(Arc<str>),
    /// In an avoid-file, which may have a fleet's worth of lines.
    File {
        /// The file as the operator wrote it.
        name: Arc<str>,
        /// The line, from 1.
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
