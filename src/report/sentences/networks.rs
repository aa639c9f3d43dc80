//! Existing networks, which new pools do not move, in words.

use crate::assess::clash::Clash;
use crate::assess::swarm::is_hung_on;
use crate::assess::unmovable;
use crate::facts::Facts;
use crate::report::vocabulary::Vocabulary;
use crate::subnet::v4;

/// About the existing networks that clash, if any do.
pub fn existing(facts: &Facts, clashes: &[Clash], words: Vocabulary) -> Option<String> {
    let (movable, others) = partition(facts, clashes);
    let mut parts = Vec::new();
    if !movable.is_empty() {
        let them = if movable.len() == 1 { "it" } else { "them" };
        parts.push(format!(
            "{} re-created: {} does that, with the containers on {them}",
            still_clash(&movable),
            words.recreate()
        ));
    }
    if !others.is_empty() {
        parts.push(format!(
            "{} re-created by hand, with another subnet",
            still_clash(&others)
        ));
    }
    if let Some(clash) = clashes
        .iter()
        .find(|clash| clash.is_docker0() && !clash.is_movable())
    {
        parts.push(format!(
            "docker0's IPv6 range {} still clashes, and rebridge moves IPv4 only: change \
             fixed-cidr-v6 (and bip6, from 28 on) in daemon.json",
            clash.docker.subnet
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn still_clash(names: &[String]) -> String {
    match names {
        [one] => {
            format!("1 existing network still clashes ({one}) and keeps its subnet until it is")
        }
        more => format!(
            "{} existing networks still clash ({}) and keep their subnets until they are",
            more.len(),
            more.join(", ")
        ),
    }
}

/// The networks that clash and can be re-created elsewhere.
pub fn movable(facts: &Facts, clashes: &[Clash]) -> Vec<String> {
    partition(facts, clashes).0
}

/// Those that can be re-created, and the others.
fn partition(facts: &Facts, clashes: &[Clash]) -> (Vec<String>, Vec<String>) {
    let mut names = unmovable(clashes);
    names.remove("bridge");
    names
        .into_iter()
        .partition(|name| can_be_recreated(facts, clashes, name))
}

fn can_be_recreated(facts: &Facts, clashes: &[Clash], name: &str) -> bool {
    let mut of_it = clashes
        .iter()
        .filter(|clash| clash.docker.network.as_deref() == Some(name))
        .peekable();
    of_it.peek().is_some()
        && of_it.all(|clash| v4(&clash.docker.subnet).is_some())
        && !is_hung_on(facts, name)
}
