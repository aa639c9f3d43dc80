//! What else was noticed while a plan was carried out. Data; the sentences are made later.

use ipnet::IpNet;
use std::io;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A firewall rule that names a range Docker has left. Only the operator knows what it was for.
    RuleNamesOldRange {
        network: String,
        range: IpNet,
        rule: String,
    },
    /// So many more of them.
    MoreRules { range: IpNet, count: usize },
    /// A unit that ran before Docker restarted, and stops with Docker.
    UnitIsDown { unit: String },
    /// The change is done, but its record could not be kept: it cannot be rolled back.
    RecordNotKept { why: String },
    /// The change is undone, but its record could not be put away.
    RecordNotRemoved { why: String },
}

impl Note {
    pub fn not_kept(error: io::Error) -> Note {
        Note::RecordNotKept {
            why: error.to_string(),
        }
    }

    pub fn not_removed(error: io::Error) -> Note {
        Note::RecordNotRemoved {
            why: error.to_string(),
        }
    }
}
