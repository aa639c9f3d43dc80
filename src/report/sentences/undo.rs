//! The way back from the last apply, in words.

use super::blockers;
use super::causes::not_recorded;
use super::refusals::why_unreadable;
use crate::apply::journal::FOLDER;
use crate::apply::recover::Closed;
use crate::apply::undo::{Edit, KeyEdit, Obstacle, Setting, WayBack};
use crate::report::vocabulary::Vocabulary;

/// That nothing is left to undo.
pub const NOTHING: &str = "no apply is left to undo; nothing to do";

/// What the dead man's switch says of an apply that it did not have to undo.
pub const APPLY_ENDED: &str = "the apply came to its end; nothing to do";

/// That an interrupted run was half-way and is undone.
pub const INTERRUPTED_UNDONE: &str =
    "an interrupted run was half-way; the state before it is back and verified";

pub const WOULD_UNDO_INTERRUPTED: &str = "would undo the apply that was interrupted half-way";

/// That the journal of an interrupted run is closed.
pub fn closed(closed: Closed) -> &'static str {
    match closed {
        Closed::Done => "an interrupted run had done its work; its journal is closed",
        Closed::NotBegun => "an interrupted run had changed nothing yet; its journal is closed",
    }
}

pub fn would_undo(way: &WayBack) -> String {
    let (began, path) = (way.began(), way.path());
    format!(
        "would undo the apply of {began}: {path} as it was, {}",
        docker0(way)
    )
}

pub fn undone(way: &WayBack) -> String {
    let (began, path) = (way.began(), way.path());
    format!(
        "the apply of {began} is undone: {path} as it was, {}",
        docker0(way)
    )
}

pub fn not_undone(way: &WayBack, problem: &str) -> String {
    let began = way.began();
    format!("the apply of {began} could not be undone: {problem}")
}

/// Where docker0 was before.
pub fn docker0(way: &WayBack) -> String {
    match way.docker0() {
        Some(address) => format!("docker0 on {address}"),
        None => "no docker0".to_owned(),
    }
}

/// Why the last apply cannot be undone.
pub fn obstacle(obstacle: &Obstacle, words: Vocabulary) -> String {
    match obstacle {
        Obstacle::NothingRecorded => "no apply has been recorded on this host".to_owned(),
        Obstacle::RecordUnreadable(unreadable) => format!(
            "the record of the last apply in {FOLDER} cannot be read: {}",
            why_unreadable(unreadable)
        ),
        Obstacle::FileEdited { path, began, edit } => format!(
            "{path} was edited after the apply of {began} ({}); undo by hand what you want undone",
            edited(edit)
        ),
        Obstacle::DockerStopped => format!(
            "Docker is stopped, and its addresses can only go back while it runs; start it \
             (`systemctl start docker.service`) and {}",
            words.again()
        ),
        Obstacle::NetworksNotRecorded(why) => not_recorded(why),
        Obstacle::RangeTaken {
            network,
            subnet,
            range,
        } => format!(
            "the Docker network {network} has taken {subnet} meanwhile, and two of Docker's \
             networks cannot share {range}; remove that network, or re-create it elsewhere"
        ),
        Obstacle::Blocked(blockers) => blockers::all_refused(blockers, words),
    }
}

fn edited(edit: &Edit) -> String {
    match edit {
        Edit::NoObject => "it is gone, or no JSON object any more".to_owned(),
        Edit::LayoutOnly => "only its layout".to_owned(),
        Edit::Keys(edits) => {
            let edits: Vec<String> = edits.iter().map(key_edit).collect();
            edits.join("; ")
        }
    }
}

fn key_edit(edit: &KeyEdit) -> String {
    let (then, now) = (setting(&edit.then), setting(&edit.now));
    format!("{}: {then} then, {now} now", edit.key)
}

fn setting(setting: &Setting) -> String {
    match setting {
        Setting::Absent => "absent".to_owned(),
        Setting::Hidden => "set".to_owned(),
        Setting::Shown(value) => value.to_string(),
    }
}
