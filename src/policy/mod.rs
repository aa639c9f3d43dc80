//! What the operator wants: networks to avoid, pools to use, evidence to ignore. It is read and
//! checked before rebridge looks at the host.

pub mod accept;
pub mod option;
pub mod options_file;
pub mod read;

use crate::facts::{AddressPool, Source};
use ipnet::IpNet;
use std::sync::Arc;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub avoid: Vec<Declared>,
    /// Sorted and disjoint; empty if rebridge may choose.
    pub pools: Vec<AddressPool>,
    /// Take these pools even if nothing clashes.
    pub pin: bool,
    pub ignore: Vec<Ignore>,
    /// The options that were given for this run. A command that rebridge proposes repeats them.
    pub given: Vec<String>,
    /// The lines of the options file that count.
    pub options: Vec<options_file::Line>,
}

/// Evidence the operator knows to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignore {
    Source(Source),
    /// All evidence that names this network or a part of it.
    Net(IpNet),
    /// What this file of the host names.
    File(Arc<str>),
}

/// As the operator writes it.
impl std::fmt::Display for Ignore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ignore::Net(net) => net.fmt(f),
            Ignore::File(file) => f.write_str(file),
            Ignore::Source(source) => {
                let mut names = Source::NAMES.iter();
                let found = names.find(|(_, named)| named == source);
                f.write_str(found.map(|(name, _)| *name).unwrap_or_default())
            }
        }
    }
}

/// A network to avoid, and where the operator named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub net: IpNet,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The option itself, as it is called where the operator works.
    Option(Arc<str>),
    /// Something with a name, such as a host of an inventory.
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
            Origin::Option(name) | Origin::Named(name) => f.write_str(name),
            Origin::File { name, line } => write!(f, "{name} line {line}"),
        }
    }
}
