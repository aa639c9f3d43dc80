//! The sentences of the answer.

use super::Run;
use super::choice::Why;
use super::host::Host;
use super::result::{Counts, Group};
use crate::facts::AddressPool;
use crate::phrases::{count, first_few};

/// More hosts are only counted.
const NAMED: usize = 5;

/// Who clashes, and which range is clear on all.
pub fn verdict(counts: &Counts, groups: &[Group], without: usize) -> String {
    format!(
        "{}; {}",
        who_clashes(counts),
        range(counts, groups, without)
    )
}

fn who_clashes(counts: &Counts) -> String {
    let hosts = count(counts.hosts, "host", "hosts");
    let mut parts = Vec::new();
    if counts.present > 0 {
        parts.push(format!("{} of {hosts} clash now", counts.present));
    }
    if counts.latent > 0 {
        let of = if parts.is_empty() {
            format!(" of {hosts}")
        } else {
            String::new()
        };
        parts.push(format!("{}{of} may clash later", counts.latent));
    }
    if parts.is_empty() {
        parts.push(format!("nothing clashes on {hosts}"));
    }
    if counts.unread > 0 {
        let were = if counts.unread == 1 { "was" } else { "were" };
        parts.push(format!("{} {were} not judged", counts.unread));
    }
    parts.join(", ")
}

fn range(counts: &Counts, groups: &[Group], without: usize) -> String {
    match groups {
        [] => "no range is clear on any of them".to_owned(),
        [one] if without == 0 => format!(
            "{} is clear on {}",
            pools_in_words(&one.pools),
            all_of(counts.hosts)
        ),
        [first, ..] => {
            let none = match without {
                0 => String::new(),
                1 => "; none is clear on 1 host".to_owned(),
                more => format!("; none is clear on {more} hosts"),
            };
            format!(
                "no range is clear on all: {} cover them, the largest is {} on {}{none}",
                count(groups.len(), "range", "ranges"),
                pools_in_words(&first.pools),
                count(first.clear_on, "host", "hosts"),
            )
        }
    }
}

fn all_of(hosts: usize) -> String {
    match hosts {
        1 => "it".to_owned(),
        hosts => format!("all {hosts}"),
    }
}

/// "10.201.0.0/16 in /24s".
pub fn pools_in_words(pools: &[AddressPool]) -> String {
    first_few(pools, NAMED, ToString::to_string)
}

pub fn why(why: Why, hosts: usize) -> String {
    match why {
        Why::Given => "you gave it; traffic does not count against it".to_owned(),
        Why::InUse(users) => format!("{users} of {hosts} hosts have it already"),
        Why::First(None) => {
            "it is the first range in the order of the choice that is clear on them; nobody is \
             known to use it by default"
                .to_owned()
        }
        Why::First(Some(row)) => format!(
            "no better range is clear on them; {} uses some of it by default",
            row.user
        ),
    }
}

pub fn warnings(hosts: &[Host], run: &Run) -> Vec<String> {
    let mut warnings = Vec::new();
    let stale: Vec<&Host> = hosts.iter().filter(|host| host.stale).collect();
    if !stale.is_empty() {
        let days = run.max_age.as_secs() / 86_400;
        warnings.push(format!(
            "facts older than {}: {}; take them again",
            count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days"),
            first_few(&stale, NAMED, |host| host.name.clone())
        ));
    }
    let undated: Vec<&Host> = hosts.iter().filter(|host| host.taken.is_none()).collect();
    if !undated.is_empty() {
        warnings.push(format!(
            "facts without a date, of an older version: {}",
            first_few(&undated, NAMED, |host| host.name.clone())
        ));
    }
    if !run.repeated.is_empty() {
        warnings.push(format!(
            "these names come more than once, and the newest facts of each count: {}; if they are \
             different hosts, give them different names",
            first_few(&run.repeated, NAMED, String::clone)
        ));
    }
    if !run.unread.is_empty() {
        let said = first_few(&run.unread, NAMED, |one| {
            format!("{}: {}", one.source, one.why)
        });
        warnings.push(format!("not judged: {said}"));
    }
    warnings
}
