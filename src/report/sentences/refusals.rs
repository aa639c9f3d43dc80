//! Why a plan was not begun, in words.

use super::causes::not_recorded;
use crate::apply::journal::{FOLDER, SCHEMA, Unreadable};
use crate::apply::refusal::{Refusal, Step};
use crate::policy::accept::Accept;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;

pub fn refused(refusal: &Refusal, words: Vocabulary) -> String {
    let again = words.again();
    match refusal {
        Refusal::NetworksNotRecorded(why) => format!(
            "cannot record the networks to move: {}; nothing was changed; {again}",
            not_recorded(why)
        ),
        Refusal::FileIsMounted { path } => format!(
            "cannot replace {path}: it is mounted there by itself (a bind mount), so another file \
             cannot take its place; the old file is untouched; change the file it is mounted from, \
             or mount its folder instead"
        ),
        Refusal::FileEditedMeanwhile { path } => format!(
            "{path} was edited while this run made its plan; the file is untouched; {again}"
        ),
        Refusal::FileNotReplaced { path, why } => {
            format!("cannot replace {path}: {why}; the old file is untouched; fix that and {again}")
        }
        Refusal::NotPrepared { step, why } => format!(
            "cannot {}: {why}; nothing was changed; make the place writable and {again}",
            step_in_words(step)
        ),
        Refusal::DeadManNotArmed { why } => format!(
            "cannot set the dead man's switch: {why}; nothing was changed; {again} without {} if \
             you can do without it",
            words.option(Opt::DeadMan)
        ),
        Refusal::NotAcceptedByDockerd { path, says } => format!(
            "dockerd itself does not accept the new {path}: {says}; the file is untouched; fix \
             what it names and {again}"
        ),
        Refusal::BrokenBefore { path, says } => format!(
            "Docker would not start again with {path} as it is, whatever rebridge does: {says}; \
             the file is untouched; fix what it names and {again}"
        ),
        Refusal::HalfWayNeedsRestart => format!(
            "an earlier run was interrupted half-way; undoing it needs a restart of Docker, which \
             {} forbids; nothing was touched; {again} without it once Docker is up",
            words.switch(Opt::NoRestart)
        ),
        Refusal::HalfWayCutsOff { peer, range } => format!(
            "an earlier run was interrupted half-way; undoing it puts docker0 over {range} again, \
             and your session comes from {peer}; nothing was touched; {again} from elsewhere, or \
             with {} if you can do without the session",
            words.accept(&[Accept::Lockout.word()])
        ),
        Refusal::PathMoved { changed, read } => format!(
            "an earlier run was interrupted while it changed {changed}, and Docker reads {read} \
             now; nothing was touched; see whether Docker is as you want it, then remove \
             {FOLDER}/journal.json"
        ),
        Refusal::JournalUnreadable(unreadable) => format!(
            "cannot read the journal of an interrupted run in {FOLDER}: {}; {}",
            why_unreadable(unreadable),
            match unreadable {
                Unreadable::UnknownSchema { .. } => "nothing was touched; run that version again",
                Unreadable::Damaged { .. } =>
                    "see whether Docker is as you want it, then remove the file",
            }
        ),
        Refusal::JournalNotClosed { why } => {
            format!(
                "cannot close the journal in {FOLDER}: {why}; make the folder writable and {again}"
            )
        }
    }
}

/// Why a record cannot be read.
pub fn why_unreadable(unreadable: &Unreadable) -> String {
    match unreadable {
        Unreadable::UnknownSchema { schema } => {
            format!(
                "another version of rebridge wrote it, in schema {schema}; this one knows {SCHEMA}"
            )
        }
        Unreadable::Damaged { why } => why.clone(),
    }
}

fn step_in_words(step: &Step) -> String {
    match step {
        Step::MakeFolder(path) => format!("create {path}"),
        Step::Write(path) => format!("write {path}"),
        Step::BackUp(path) => format!("back up {path}"),
        Step::WriteJournal => format!("write the journal in {FOLDER}"),
    }
}
