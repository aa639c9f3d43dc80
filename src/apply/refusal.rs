//! Why a plan was not begun. Data; the sentences are made later.

use super::journal::Unreadable;
use super::networks::record::NotRecorded;
use ipnet::IpNet;
use std::net::IpAddr;

/// A step before the host is touched, and what it works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    MakeFolder(String),
    Write(String),
    BackUp(String),
    WriteJournal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The engine did not say what it takes to put the networks back.
    NetworksNotRecorded(NotRecorded),
    /// A file mounted by itself cannot be replaced by another.
    FileIsMounted {
        path: String,
    },
    /// Its bytes are not those that the plan was made for.
    FileEditedMeanwhile {
        path: String,
    },
    FileNotReplaced {
        path: String,
        why: String,
    },
    NotPrepared {
        step: Step,
        why: String,
    },
    DeadManNotArmed {
        why: String,
    },
    /// dockerd's own check does not accept the new file.
    NotAcceptedByDockerd {
        path: String,
        says: String,
    },
    /// dockerd's own check does not accept the file as it was before either.
    BrokenBefore {
        path: String,
        says: String,
    },
    /// An earlier run is half-way, and undoing it needs the restart that was forbidden.
    HalfWayNeedsRestart,
    /// An earlier run is half-way, and undoing it would put docker0 over the range that the
    /// operator's session comes from.
    HalfWayCutsOff {
        peer: IpAddr,
        range: IpNet,
    },
    /// An earlier run was interrupted, and Docker reads another file now than the one it changed.
    PathMoved {
        changed: String,
        read: String,
    },
    JournalUnreadable(Unreadable),
    JournalNotClosed {
        why: String,
    },
}
