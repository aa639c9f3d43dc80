//! What a restart of Docker does to the containers that run, said before it is done.

use crate::facts::{Container, Facts};
use crate::phrases::containers_are;
use ipnet::Ipv4Net;
use std::net::IpAddr;

/// What the operator should know of containers before Docker is restarted and docker0 moves.
pub fn warnings(facts: &Facts, docker0: Ipv4Net, stop_first: bool) -> Vec<String> {
    let living: Vec<&Container> = facts
        .docker
        .engine
        .iter()
        .flat_map(|engine| &engine.containers)
        .collect();
    let mut warnings = Vec::new();
    let names = |which: &dyn Fn(&Container) -> bool| -> Vec<&str> {
        living
            .iter()
            .filter(|container| which(container))
            .map(|container| container.name.as_str())
            .collect()
    };
    if stop_first && !living.is_empty() {
        warnings.push(format!(
            "live-restore keeps docker0 where it is while a container lives: {} stopped before the \
             restart and started again after it",
            containers_are(&names(&|_| true))
        ));
    }
    let removed = names(&|container| {
        container
            .detail
            .as_ref()
            .is_some_and(|detail| detail.auto_remove)
    });
    if !removed.is_empty() {
        warnings.push(format!(
            "{} removed when it stops (--rm) and does not come back",
            containers_are(&removed)
        ));
    }
    let Some(old) = facts.docker0().filter(|old| old.addr() != docker0.addr()) else {
        return warnings;
    };
    let address = IpAddr::V4(old.addr());
    let publishes = names(&|container| {
        container
            .detail
            .as_ref()
            .is_some_and(|detail| detail.published_on.contains(&address))
    });
    if !publishes.is_empty() {
        warnings.push(format!(
            "{} on docker0's old address {address}, which will be gone: Docker cannot start such a \
             container again; publish on another address first",
            match publishes.as_slice() {
                [one] => format!("the container {one} publishes a port"),
                more => format!("the containers {} publish ports", more.join(", ")),
            }
        ));
    }
    warnings
}
