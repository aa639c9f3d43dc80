//! What keeps rebridge from acting, in words: what it cannot do, why, and the next step.

mod next;
mod what;

pub use next::next;
pub use what::what;

use crate::assess::sides::rule_in_words;
use crate::facts::{DiesWith, Listener};
use crate::phrases::{and_more, count};
use crate::plan::blocker::Blocker;
use crate::policy::accept::Accept;
use crate::report::vocabulary::Vocabulary;

/// More containers, routes or blockers than these are only counted.
const NAMED: usize = 3;

/// "cannot …: …; run again with …".
pub fn refused(blocker: &Blocker, words: Vocabulary) -> String {
    format!("{}; {}", what(blocker, words), next(blocker, words))
}

/// All that is in the way, in one sentence.
pub fn all_refused(blockers: &[Blocker], words: Vocabulary) -> String {
    if let [only] = blockers {
        return refused(only, words);
    }
    let mut said: Vec<String> = blockers
        .iter()
        .take(NAMED)
        .map(|blocker| what(blocker, words))
        .collect();
    if blockers.len() > NAMED {
        said.push(and_more(blockers.len() - NAMED));
    }
    format!(
        "{} in the way: {}; {}",
        count(blockers.len(), "thing is", "things are"),
        said.join("; "),
        settle(blockers, words)
    )
}

/// The same in one line, where all of them are listed below it.
pub fn headline(blockers: &[Blocker], words: Vocabulary) -> Option<String> {
    (blockers.len() > 1).then(|| {
        format!(
            "{} in the way; {}",
            count(blockers.len(), "thing is", "things are"),
            settle(blockers, words)
        )
    })
}

/// What goes ahead because it was accepted. That containers stop, a notice says already.
pub fn accepted(blockers: &[Blocker], words: Vocabulary) -> Vec<String> {
    let told = blockers.iter().filter_map(|blocker| {
        let accept = blocker.accept()?;
        let what = what(blocker, words);
        (accept != Accept::ContainerStop).then(|| format!("accepted ({}): {what}", accept.word()))
    });
    told.collect()
}

/// What to do about several blockers together.
fn settle(blockers: &[Blocker], words: Vocabulary) -> String {
    let again = words.again();
    let mut accepts: Vec<Accept> = blockers.iter().filter_map(Blocker::accept).collect();
    accepts.sort();
    accepts.dedup();
    let accept: Vec<&str> = accepts.into_iter().map(Accept::word).collect();
    let hard = blockers.iter().any(|blocker| blocker.accept().is_none());
    match (accept.is_empty(), hard) {
        (true, _) => format!("settle them and {again}"),
        (false, true) => format!(
            "settle them and {again}; {} accepts those that can be accepted",
            words.accept(&accept)
        ),
        (false, false) => format!("settle them, or {again} with {}", words.accept(&accept)),
    }
}

/// Where the thing is: a file and its line, a process, a container.
pub fn place(blocker: &Blocker) -> Option<String> {
    Some(match blocker {
        Blocker::FileBroken { path, .. }
        | Blocker::FileUnreadable { path, .. }
        | Blocker::FileReadOnly { path, .. }
        | Blocker::FileNotEdited { path, .. }
        | Blocker::BridgeSwitchedOff { path }
        | Blocker::BridgeOfTheOperator { path, .. }
        | Blocker::FileTurnedDown { path, .. }
        | Blocker::WouldNotStart { path, .. } => path.clone(),
        Blocker::FlagInTheWay { place, .. } => place.clone()?,
        Blocker::DockerListensOnOldAddress { place, .. }
        | Blocker::DockerNamesOldAddress { place, .. }
        | Blocker::ResolvesAtOldAddress { place, .. }
        | Blocker::PendingSetting { place, .. } => place.clone(),
        Blocker::ListensOnOldAddress { listener, .. } => process_in_words(listener),
        Blocker::HostNamesOldAddress { named, .. } => format!("{} line {}", named.file, named.line),
        Blocker::PublishesOnOldAddress { container, .. }
        | Blocker::ContainerNamesOldAddress { container, .. }
        | Blocker::ContainerLosesMac { container, .. }
        | Blocker::ContainerMadeById { container, .. }
        | Blocker::ContainerPublishesOnNetwork { container, .. } => {
            format!("container {container}")
        }
        Blocker::PolicyRuleForOldRange { rule, .. } => rule_in_words(rule),
        Blocker::FirewallRuleForOldRange { rule, .. } => match &rule.written {
            Some(place) => place.clone(),
            None => format!("{} {}", rule.tool, rule.place),
        },
        Blocker::DiesWithDocker { place } => match place {
            DiesWith::Unit(unit) => unit.clone(),
            DiesWith::Container(container) => format!("container {container}"),
        },
        _ => return None,
    })
}

fn process_in_words(listener: &Listener) -> String {
    match (&listener.process, listener.pid) {
        (Some(process), Some(pid)) => format!("{process} (pid {pid})"),
        _ => "a process that rebridge cannot see".to_owned(),
    }
}
