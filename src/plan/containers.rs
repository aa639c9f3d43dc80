//! What a restart of Docker does to running containers.

use super::notice::Notice;
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

/// The container that the operator's session comes out of, if the plan stops it.
pub fn session_ends(facts: &Facts, plan: &Plan) -> Option<Notice> {
    let operator = facts.operator?;
    let mut containers = facts.docker.engine.iter().flat_map(|one| &one.containers);
    let container = &containers
        .find(|one| one.addresses.contains(&operator))?
        .name;
    let all_stop = plan.restart && (plan.stop_first || !preflight::survivors(facts));
    let mut moves = plan.moves.iter();
    (all_stop || moves.any(|one| one.restarts.contains(container))).then(|| Notice::SessionEnds {
        container: container.clone(),
    })
}

fn names(containers: &[&Container], which: impl Fn(&Detail) -> bool) -> Vec<String> {
    containers
        .iter()
        .filter(|container| container.detail.as_ref().is_some_and(&which))
        .map(|container| container.name.clone())
        .collect()
}
