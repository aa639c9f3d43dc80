//! What a restart of Docker does to running containers.

use super::notice::Notice;
use crate::facts::{Container, Detail, Facts};
use ipnet::Ipv4Net;
use std::net::IpAddr;

/// What the operator should know before Docker restarts, with docker0 where it will be then.
pub fn notices(facts: &Facts, docker0: Option<Ipv4Net>, stop_first: bool) -> Vec<Notice> {
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
    let removed = names(&living, |detail| detail.auto_remove);
    if !removed.is_empty() {
        notices.push(Notice::ContainersAreRemoved {
            containers: removed,
        });
    }
    let new = docker0.map(|address| address.addr());
    if let Some(old) = facts.docker0().filter(|old| new != Some(old.addr())) {
        let address = IpAddr::V4(old.addr());
        let publish = names(&living, |detail| detail.published_on.contains(&address));
        if !publish.is_empty() {
            notices.push(Notice::PublishesOnOldAddress {
                containers: publish,
                address,
            });
        }
    }
    notices
}

fn names(containers: &[&Container], which: impl Fn(&Detail) -> bool) -> Vec<String> {
    containers
        .iter()
        .filter(|container| container.detail.as_ref().is_some_and(&which))
        .map(|container| container.name.clone())
        .collect()
}
