//! What was done, and how it ended.

use super::cause::{Cause, NotRestored};
use super::check::Check;
use super::containers::Missing;
use super::networks::moves::Relocation;
use super::note::Note;
use super::phases::Phase;
use super::refusal::Refusal;
use crate::facts::Facts;

#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Done, and verified if Docker was restarted.
    Changed,
    /// Not begun.
    Refused(Refusal),
    /// It went wrong for this reason; the old state is back and verified.
    RolledBack(Cause),
    /// It went wrong, and so did the way back.
    Stranded { why: Cause, then: NotRestored },
}

#[derive(Debug)]
pub struct Applied {
    pub end: End,
    /// What was checked afterwards.
    pub verified: Vec<Check>,
    /// The copy of the old file.
    pub backup: Option<String>,
    /// Whether Docker was restarted, forth or back.
    pub restarted: bool,
    pub missing: Vec<Missing>,
    pub notes: Vec<Note>,
    /// Whether `rebridge rollback` could undo it.
    pub can_be_undone: bool,
    pub phases: Vec<Phase>,
    /// The networks that were re-created, with the subnets they got.
    pub moved: Vec<Relocation>,
    /// The host as it was seen last.
    pub after: Facts,
}

impl Applied {
    /// An end and the host as it is then; nothing else is known yet.
    pub fn ended(end: End, after: Facts) -> Applied {
        Applied {
            end,
            after,
            verified: Vec::new(),
            backup: None,
            restarted: false,
            missing: Vec::new(),
            notes: Vec::new(),
            can_be_undone: false,
            phases: Vec::new(),
            moved: Vec::new(),
        }
    }
}
