//! Puts the answer together.

use super::choice::Choice;
use super::host::Host;
use super::result::{Counts, Fleet, Group, Passed};
use super::rows::InTheWayOfAll;
use super::summary::{State, Summary};
use super::{Looked, Run, sentences};

pub fn fleet(
    looked: &Looked,
    hosts: Vec<Host>,
    in_the_way: Vec<InTheWayOfAll>,
    mut run: Run,
) -> Fleet {
    run.unread
        .sort_by(|one, other| one.source.cmp(&other.source));
    let counts = counts(&hosts, run.unread.len());
    let choice = &looked.choice;
    let groups = groups(choice, &looked.hosts);
    Fleet {
        schema: 1,
        msg: sentences::verdict(&counts, &groups, choice.without.len()),
        made: humantime::format_rfc3339_seconds(run.now).to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        options: looked.policy.given.clone(),
        counts,
        without: names(&choice.without, &looked.hosts),
        passed: passed(choice, &looked.hosts),
        in_the_way,
        warnings: sentences::warnings(&hosts, &run),
        groups,
        hosts,
        unread: run.unread,
    }
}

fn counts(hosts: &[Host], unread: usize) -> Counts {
    let in_state = |state| hosts.iter().filter(|host| host.state == state).count();
    Counts {
        hosts: hosts.len(),
        present: in_state(State::Present),
        latent: in_state(State::Latent),
        clear: in_state(State::Clear),
        unread,
    }
}

fn names(places: &[usize], hosts: &[Summary]) -> Vec<String> {
    let hosts = places.iter().filter_map(|at| hosts.get(*at));
    hosts.map(|host| host.name.clone()).collect()
}

fn groups(choice: &Choice, hosts: &[Summary]) -> Vec<Group> {
    let groups = choice.groups.iter();
    groups
        .map(|group| Group {
            pools: group.pools.clone(),
            clear_on: group.members.len(),
            why: sentences::why(group.why, hosts.len()),
            hosts: match group.members.len() == hosts.len() {
                true => Vec::new(),
                false => names(&group.members, hosts),
            },
        })
        .collect()
}

fn passed(choice: &Choice, hosts: &[Summary]) -> Vec<Passed> {
    let passed = choice.passed.iter().filter_map(|one| {
        Some(Passed {
            range: one.range,
            hosts: one.hosts,
            first: hosts.get(one.first)?.name.clone(),
            net: one.need.net,
            source: one.need.source,
        })
    });
    passed.collect()
}
