//! Why a change did not come about, and why it could not be undone, in words.

use crate::apply::cause::{Cause, NotRestored};
use crate::apply::check::{Check, Found};
use crate::apply::networks::record::NotRecorded;

/// One clause.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::EngineSilent(why) => why.to_string(),
        Cause::DockerNotStarted { says } => format!("Docker did not start: {says}"),
        Cause::DockerNotRestarted => {
            "the restart command ended, but the Docker of before still runs".to_owned()
        }
        Cause::DockerNotAnswering(why) => {
            format!("Docker was restarted but does not answer: {why}")
        }
        Cause::ContainerNotStopped { container, why } => {
            format!("the container {container} does not stop: {why}")
        }
        Cause::ContainerNotStarted { container, why } => {
            format!("the container {container} does not start: {why}")
        }
        Cause::ContainerNotConnected {
            container,
            network,
            why,
        } => format!("the container {container} cannot be connected to {network}: {why}"),
        Cause::ContainerNotDisconnected {
            container,
            network,
            why,
        } => format!("the container {container} cannot be disconnected from {network}: {why}"),
        Cause::NetworkNotRemoved { network, why } => {
            format!("the network {network} cannot be removed: {why}")
        }
        Cause::NetworkNotCreated { network, why } => {
            format!("the network {network} cannot be created: {why}")
        }
        Cause::FileNotWritten { path, why } => format!("cannot write {path}: {why}"),
        Cause::FileNotPutBack { path, why } => format!("cannot put {path} back: {why}"),
        Cause::FileNotEdited { path, why } => format!("cannot edit {path}: {why}"),
        Cause::WrongAfterRestart(check) => format!("Docker restarted, but {}", complaint(check)),
        Cause::WrongAfterMoves(check) => {
            format!("networks were moved, but {}", complaint(check))
        }
    }
}

/// "docker0's address is X, not Y (Docker did not start: …)". A cause that the reader knows already
/// is not repeated.
pub fn not_restored(not_restored: &NotRestored, known: Option<&Cause>) -> String {
    let wrong = complaint(&not_restored.wrong);
    let causes: Vec<String> = not_restored
        .causes
        .iter()
        .map(|one| match Some(one) == known {
            true => "for the same reason".to_owned(),
            false => cause(one),
        })
        .collect();
    match causes.is_empty() {
        true => wrong,
        false => format!("{wrong} ({})", causes.join("; then ")),
    }
}

/// "docker0's address is X, not Y".
pub fn complaint(check: &Check) -> String {
    let Check {
        what,
        wanted,
        found,
        ..
    } = check;
    match check.kind {
        // That it is unanswered says already what was wanted.
        Found::NoAnswer => format!("{what} is {found}"),
        Found::Something | Found::Nothing => format!("{what} is {found}, not {wanted}"),
    }
}

/// Why networks could not be recorded.
pub fn not_recorded(why: &NotRecorded) -> String {
    match why {
        NotRecorded::EngineSilent(why) => why.to_string(),
        NotRecorded::NetworkGone { network } => format!("the network {network} is gone"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn not_started(says: &str) -> Cause {
        Cause::DockerNotStarted {
            says: says.to_owned(),
        }
    }

    #[test]
    fn the_same_reason_is_given_once_and_every_other_one_in_order() {
        let back = |causes: &[Cause]| NotRestored {
            wrong: Check::engine(Some("down".to_owned())),
            causes: causes.to_vec(),
        };
        let fire = not_started("the disk is on fire");
        assert_eq!(
            not_restored(&back(std::slice::from_ref(&fire)), Some(&fire)),
            "the engine is down, not up (for the same reason)"
        );
        // A cause that contains the text of another is another.
        let more = not_started("the disk is on fire again");
        assert_eq!(
            not_restored(&back(&[more, fire.clone()]), Some(&fire)),
            "the engine is down, not up (Docker did not start: the disk is on fire again; then for \
             the same reason)"
        );
        assert_eq!(
            not_restored(&back(&[]), Some(&fire)),
            "the engine is down, not up"
        );
    }

    #[test]
    fn what_is_unanswered_needs_no_more_words() {
        let probe = Check::answered("probe web:80", Err("connection refused".to_owned()));
        assert_eq!(
            complaint(&probe),
            "probe web:80 is unanswered (connection refused)"
        );
        // It is the kind that decides, not the words.
        let named = Check::equal("it", "known", "unknown");
        assert_eq!(complaint(&named), "it is unknown, not known");
    }
}
