//! Why a verb has no report: the request makes no sense, or the host may not be changed now.

use super::sentences::{refusals, undo};
use super::vocabulary::Vocabulary;
use crate::apply::refusal::Refusal;
use crate::apply::undo::Obstacle;
use crate::plan::blocker::Blocker;
use crate::policy::option::{BadValue, Opt};

#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    BadValue(BadValue),
    /// `deed` is what you asked for: "apply", "roll back".
    OnlyRoot {
        deed: &'static str,
    },
    Busy {
        deed: &'static str,
    },
    NoLock {
        deed: &'static str,
        path: String,
        why: String,
    },
    /// `--remember` could not be done afterwards.
    OptionsNotKept {
        path: String,
        why: String,
    },
    CannotWatch {
        why: String,
    },
    NotBegun(Refusal),
    CannotRollBack(Obstacle),
    /// An apply was interrupted half-way, so that docker0 may be about to move.
    HalfWay,
    /// Only root may read the record of the last apply.
    RecordUnreadable,
}

impl From<BadValue> for Error {
    fn from(bad: BadValue) -> Error {
        Error::BadValue(bad)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::NotBegun(refusal)
    }
}

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Error {
        Error::CannotRollBack(obstacle)
    }
}

impl Error {
    /// 2 for a wrong request, 3 for a host that was left alone.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::BadValue(_) => 2,
            _ => 3,
        }
    }

    /// What is in the way, one by one.
    pub fn blockers(&self) -> &[Blocker] {
        match self {
            Error::CannotRollBack(Obstacle::Blocked(blockers)) => blockers,
            _ => &[],
        }
    }

    /// Where the documents explain what is at fault in a request.
    pub fn page(&self) -> Option<&'static str> {
        match self {
            Error::BadValue(bad) => bad.option.map(Vocabulary::page),
            _ => None,
        }
    }

    pub fn is_usage(&self) -> bool {
        matches!(self, Error::BadValue(_))
    }

    pub fn sentence(&self, words: Vocabulary) -> String {
        match self {
            Error::BadValue(bad) => words.bad_value(bad),
            Error::OnlyRoot { deed } => format!(
                "cannot {deed}: only root may change Docker; nothing was touched; {}",
                words.as_root()
            ),
            Error::Busy { deed } => {
                format!(
                    "cannot {deed}: another rebridge is at work on this host; nothing was touched; \
                     {} when it has finished, or wait for it with {}",
                    words.again(),
                    words.option(Opt::Wait)
                )
            }
            Error::NoLock { deed, path, why } => {
                format!(
                    "cannot {deed}: the lock {path} cannot be taken: {why}; nothing was touched; \
                     make that file writable and {}",
                    words.again()
                )
            }
            Error::OptionsNotKept { path, why } => format!(
                "cannot keep the options in {path}: {why}; nothing was touched; make the place \
                 writable, or {} without {}",
                words.again(),
                words.switch(Opt::Remember)
            ),
            Error::CannotWatch { why } => format!(
                "cannot watch: the kernel's announcements cannot be had: {why}; nothing was \
                 touched; use rebridge-check.timer instead"
            ),
            Error::NotBegun(refusal) => refusals::refused(refusal, words),
            Error::CannotRollBack(obstacle) => {
                let why = undo::obstacle(obstacle, words);
                format!("cannot roll back: {why}; nothing was touched")
            }
            Error::HalfWay => format!(
                "cannot relieve: an earlier apply was interrupted half-way; nothing was touched; {} \
                 settles it",
                words.apply()
            ),
            Error::RecordUnreadable => format!(
                "cannot preview a rollback: only root may read the record of the last apply; {}",
                words.as_root()
            ),
        }
    }
}
