//! What a restart of Docker does to running containers.

use super::notice::Notice;
use super::relocate::Move;
use super::{Plan, preflight};
use crate::facts::{Container, Detail, Facts, Manager};
use std::collections::BTreeSet;

/// What the operator should know before Docker restarts.
pub fn notices(facts: &Facts, stop_first: bool) -> Vec<Notice> {
    let living: Vec<&Container> = facts
        .docker
        .engine
        .iter()
        .flat_map(|engine| &engine.containers)
        .collect();
    let mut notices = Vec::new();
    if stop_first && !living.is_empty() {
        notices.push(Notice::ContainersStop {
            containers: living.iter().map(|one| one.name.clone()).collect(),
        });
    }
    let managers: BTreeSet<Manager> = living.iter().filter_map(|one| one.manager).collect();
    notices.extend(managers.into_iter().map(|manager| {
        let theirs = living.iter().filter(|one| one.manager == Some(manager));
        Notice::LeftToManager {
            manager,
            containers: theirs.map(|one| one.name.clone()).collect(),
        }
    }));
    let removed = names(&living, |detail| detail.auto_remove);
    if !removed.is_empty() {
        notices.push(Notice::ContainersAreRemoved {
            containers: removed,
        });
    }
    notices
}

/// That the operator's session comes out of a container that the plan stops.
pub fn session_ends(facts: &Facts, plan: &Plan) -> Option<Notice> {
    let container = session_stopped(facts, plan.restart, plan.stop_first, &plan.moves)?;
    Some(Notice::SessionEnds {
        container: container.to_owned(),
    })
}

/// The container that the operator's session comes out of, if it stops: with Docker, or because its
/// network moves.
pub fn session_stopped<'f>(
    facts: &'f Facts,
    restart: bool,
    stop_first: bool,
    moves: &[Move],
) -> Option<&'f str> {
    let container = facts.session_in()?;
    let all_stop = restart && (stop_first || !preflight::survivors(facts));
    let moves_too = |one: &Move| one.restarts.iter().any(|name| name == container);
    (all_stop || moves.iter().any(moves_too)).then_some(container)
}

fn names(containers: &[&Container], which: impl Fn(&Detail) -> bool) -> Vec<String> {
    containers
        .iter()
        .filter(|container| container.detail.as_ref().is_some_and(&which))
        .map(|container| container.name.clone())
        .collect()
}
