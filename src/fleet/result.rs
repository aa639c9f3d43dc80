//! The answer for a fleet, as `--json` prints it and the page takes it.

use super::host::{Does, Host};
use super::rows::InTheWayOfAll;
use crate::facts::{AddressPool, Source};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// The answer, version 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fleet {
    /// Version of this shape; 1.
    pub schema: u32,
    /// One sentence: who clashes, and which range is clear on all.
    pub msg: String,
    /// When this was made, in UTC.
    pub made: String,
    /// The version of rebridge.
    pub version: String,
    /// The options on which the answer depends, as words of a command line.
    pub options: Vec<String>,
    /// How many hosts there are of each kind.
    pub counts: Counts,
    /// The ranges: one where it is clear on all hosts, else groups, the largest first.
    pub groups: Vec<Group>,
    /// The hosts that no range is clear on.
    pub without: Vec<String>,
    /// The ranges that come first in the order of the choice, and who needs them.
    pub passed: Vec<Passed>,
    /// The hosts that keep the range of the largest group from being the range of all.
    pub in_the_way: Vec<InTheWayOfAll>,
    /// The hosts, by name.
    pub hosts: Vec<Host>,
    /// Facts that could not be read. Nothing is known of those hosts.
    pub unread: Vec<Unread>,
    /// What else to know, one sentence each.
    pub warnings: Vec<String>,
}

/// How many hosts there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// All that were judged.
    pub hosts: usize,
    /// Something clashes now.
    pub present: usize,
    /// Something may clash later.
    pub latent: usize,
    /// Nothing clashes.
    pub clear: usize,
    /// Facts that could not be read.
    pub unread: usize,
}

/// Hosts that can have the same range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// The range: usually one pool.
    pub pools: Vec<AddressPool>,
    /// On how many hosts it is clear.
    pub clear_on: usize,
    /// Why it is this range, in words.
    pub why: String,
    /// The hosts by name; empty where it is the range of all.
    pub hosts: Vec<String>,
}

/// A range that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Passed {
    /// The range.
    pub range: Ipv4Net,
    /// How many hosts need something there.
    pub hosts: usize,
    /// The first of them.
    pub first: String,
    /// What it needs there.
    pub net: Ipv4Net,
    /// How it is known.
    pub source: Source,
}

/// Facts that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    /// The file, and the line where it has many.
    pub source: String,
    /// Why.
    pub why: String,
}

impl Fleet {
    /// Whether nothing clashes on any host, and none is left out.
    pub fn is_clear(&self) -> bool {
        self.counts.clear == self.counts.hosts && self.counts.unread == 0
    }

    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_clear())
    }

    /// The one range for all, if there is one.
    pub fn range(&self) -> Option<&Group> {
        match self.groups.as_slice() {
            [one] if self.without.is_empty() => Some(one),
            _ => None,
        }
    }

    /// How many hosts have to do something of a kind.
    pub fn doing(&self, does: Does) -> usize {
        let hosts = self.hosts.iter();
        hosts.filter(|host| host.plan.does.contains(&does)).count()
    }
}
