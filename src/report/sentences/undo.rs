//! The way back from the last apply, in words.

use super::causes::not_recorded;
use super::refusals::why_unreadable;
use super::{afterwards, blockers};
use crate::apply::check::Check;
use crate::apply::file_edit::{Edit, KeyEdit, Setting};
use crate::apply::journal::FOLDER;
use crate::apply::recover::{Closed, Recovered};
use crate::apply::undo::{Obstacle, WayBack};
use crate::assess::clash::Clash;
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
        Closed::WentBack => "an interrupted rollback had done its work; its journal is closed",
        Closed::DidNotGoBack => {
            "an interrupted rollback had changed nothing yet; its journal is closed"
        }
    }
}

/// What became of an interrupted run, as far as there was one.
pub fn recovered(recovered: &Recovered) -> Vec<String> {
    match recovered {
        Recovered::Closed(how, missing) => {
            let missing = missing.iter();
            let missing = missing.map(|one| afterwards::missing(&one.container, &one.why));
            std::iter::once(closed(*how).to_owned())
                .chain(missing)
                .collect()
        }
        Recovered::Undone { copy } => {
            let copy = copy.as_ref().map(|copy| kept(copy));
            std::iter::once(INTERRUPTED_UNDONE.to_owned())
                .chain(copy)
                .collect()
        }
        Recovered::Nothing | Recovered::Stuck(_) => Vec::new(),
    }
}

/// A file that was edited while a run was interrupted.
pub fn kept(copy: &str) -> String {
    format!(
        "the file was edited after that run: the edit is kept, except for the keys that the run \
         had set; {copy} holds the file as it was"
    )
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

/// Your session fell silent, and the state of the apply is back.
pub fn cut_off(way: &WayBack, session: &Check) -> String {
    format!(
        "the rollback of the apply of {} was taken back: {} was {}; everything is as it was before \
         the rollback, and verified",
        way.began(),
        session.what,
        session.found
    )
}

/// `silent` is your session, where it had to go forward again.
pub fn not_undone(way: &WayBack, silent: Option<&Check>, problem: &str) -> String {
    let began = way.began();
    match silent {
        None => format!("the apply of {began} could not be undone: {problem}"),
        Some(session) => format!(
            "the apply of {began} was undone, but {} was {}; and the way forward again failed: \
             {problem}",
            session.what, session.found
        ),
    }
}

/// Where docker0 was before.
pub fn docker0(way: &WayBack) -> String {
    match way.docker0() {
        Some(address) => format!("docker0 on {address}"),
        None => "docker0 where it is: there was none before".to_owned(),
    }
}

/// What the old range brings back.
pub fn clashes_then(clash: &Clash) -> String {
    format!("after the rollback {}", clash.explain)
}

/// Where only the file goes back, Docker reads it when it starts.
pub fn pools_come_back(way: &WayBack) -> Option<String> {
    let only_the_file = way.docker0().is_none() && way.docker_runs;
    only_the_file.then(|| {
        "docker0 and the networks stay where they are; from its next start on, Docker gives new \
         networks addresses by the old file again"
            .to_owned()
    })
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
        Obstacle::PathMoved { changed, read } => format!(
            "the apply changed {changed}, and Docker reads {read} now; undo by hand what you want \
             undone there"
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
