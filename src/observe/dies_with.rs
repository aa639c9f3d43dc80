//! Whether this run of rebridge would end with the Docker it restarts: it lives in a container of
//! the engine, or in a unit that systemd stops with Docker.

use crate::facts::{Container, DiesWith, Engine};
use crate::host::Host;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

/// The units that go down with a unit: `Requires=`, `BindsTo=` and `PartOf=` of others, seen from
/// the unit they name.
pub const GO_DOWN_WITH: [&str; 3] = ["RequiredBy", "BoundBy", "ConsistsOf"];

pub fn read(
    host: &Host,
    engine: Option<&Engine>,
    dependents: &BTreeSet<String>,
) -> Option<DiesWith> {
    let bytes = host.read(Path::new("/proc/self/cgroup")).ok().flatten()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let groups: BTreeSet<&str> = text.lines().flat_map(|line| line.split('/')).collect();
    let mut containers = engine.into_iter().flat_map(|engine| &engine.containers);
    let ours = containers.find(|one| {
        let named = !one.id.is_empty() && groups.iter().any(|group| group.contains(&one.id));
        named || shares_our_cgroups(host, one)
    });
    if let Some(container) = ours {
        return Some(DiesWith::Container(container.name.clone()));
    }
    let unit = groups.iter().find(|group| dependents.contains(**group))?;
    Some(DiesWith::Unit((*unit).to_owned()))
}

/// Those of these units that run.
pub fn running(host: &Host, units: BTreeSet<String>) -> Vec<String> {
    if units.is_empty() {
        return Vec::new();
    }
    let mut words = vec!["systemctl", "is-active"];
    words.extend(units.iter().map(String::as_str));
    let states = host.run(&words, DEADLINE).stdout;
    let running = units.iter().zip(states.lines());
    running
        .filter(|(_, state)| *state == "active")
        .map(|(unit, _)| unit.clone())
        .collect()
}

/// A process keeps the cgroup namespace of its container, whatever other namespaces it enters, and
/// cannot see the name of its cgroup from there.
fn shares_our_cgroups(host: &Host, container: &Container) -> bool {
    let namespace = |process: &str| {
        let path = format!("/proc/{process}/ns/cgroup");
        host.link_target(Path::new(&path))
    };
    let pid = container.detail.as_ref().map_or(0, |detail| detail.pid);
    let ours = namespace("self");
    pid != 0 && ours.is_some() && ours == namespace(&pid.to_string()) && ours != namespace("1")
}

/// The units that systemd stops when it stops Docker's, and those it stops with them.
pub fn dependents(host: &Host, docker: &str) -> BTreeSet<String> {
    // Its socket may be part of its service.
    let stem = docker.strip_suffix(".service").unwrap_or(docker);
    let own = [docker, "docker.socket", &format!("{stem}.socket")];
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut asked: Vec<String> = vec![docker.to_owned()];
    while !asked.is_empty() {
        let property = format!("--property={}", GO_DOWN_WITH.join(","));
        let mut words = vec!["systemctl", "show", property.as_str()];
        words.extend(asked.iter().map(String::as_str));
        let shown = host.run(&words, DEADLINE).stdout;
        let named = shown.lines().filter_map(|line| line.split_once('='));
        let named = named.flat_map(|(_, units)| units.split_whitespace());
        // What is asked for again and again comes to an end: each unit once.
        asked = named
            .filter(|name| !own.contains(name) && found.insert((*name).to_owned()))
            .map(str::to_owned)
            .collect();
    }
    found
}
