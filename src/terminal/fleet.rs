//! The answer for a fleet: the verdict, the range or the groups, the hosts that clash as a table.

use super::layout::{Layout, ascii, without_control_chars};
use crate::fleet::host::{Does, Host};
use crate::fleet::result::{Fleet, Group};
use crate::fleet::summary::State;
use crate::phrases::{count, first_few};
use std::fmt::Write;

/// More rows are only counted.
const LISTED: usize = 12;

/// More names of hosts in one line are only counted.
const NAMED: usize = 4;

pub fn render(fleet: &Fleet, layout: &Layout) -> String {
    let mut out = headline(fleet, layout);
    out += &ranges(fleet, layout);
    out += &in_the_way(fleet, layout);
    out += &hosts(fleet, layout);
    out += &to_do(fleet, layout);
    if !fleet.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Please note"));
        for warning in &fleet.warnings {
            out += &layout.paragraph("  - ", &without_control_chars(warning));
        }
    }
    if layout.unicode { out } else { ascii(&out) }
}

fn headline(fleet: &Fleet, layout: &Layout) -> String {
    let word = match fleet.is_clear() {
        true => layout.green("clear: "),
        false => layout.red("clashing: "),
    };
    let said = without_control_chars(&fleet.msg);
    layout.paragraph("", &format!("{word}{said}"))
}

fn ranges(fleet: &Fleet, layout: &Layout) -> String {
    let mut out = String::new();
    if fleet.groups.is_empty() {
        return out;
    }
    let title = match fleet.range() {
        Some(_) => "The range for all",
        None => "The ranges",
    };
    let _ = writeln!(out, "\n{}", layout.bold(title));
    for group in fleet.groups.iter().take(LISTED) {
        out += &layout.paragraph("  ", &group_in_words(group));
    }
    if fleet.groups.len() > LISTED {
        let _ = writeln!(out, "  {}", more(fleet.groups.len() - LISTED));
    }
    for passed in &fleet.passed {
        let said = format!(
            "not {}: {} there, such as {} ({})",
            passed.range,
            count(passed.hosts, "host needs something", "hosts need something"),
            passed.first,
            passed.net
        );
        out += &layout.paragraph("  - ", &without_control_chars(&said));
    }
    out
}

fn group_in_words(group: &Group) -> String {
    let pools = first_few(&group.pools, NAMED, ToString::to_string);
    let whose = match group.hosts.as_slice() {
        [] => String::new(),
        hosts => format!(" ({})", first_few(hosts, NAMED, Clone::clone)),
    };
    let said = format!(
        "{pools}: clear on {}{whose}; {}",
        count(group.clear_on, "host", "hosts"),
        group.why
    );
    without_control_chars(&said)
}

fn in_the_way(fleet: &Fleet, layout: &Layout) -> String {
    if fleet.in_the_way.is_empty() {
        return String::new();
    }
    let rows = fleet.in_the_way.iter().take(LISTED).map(|one| {
        vec![
            without_control_chars(&one.host),
            one.pool.base.to_string(),
            without_control_chars(&one.over),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let title = layout.bold("In the way of one range for all");
    let table = layout.table(&["Host", "Range", "Over"], &rows);
    format!("\n{title}\n{table}{}", left_out(fleet.in_the_way.len()))
}

fn hosts(fleet: &Fleet, layout: &Layout) -> String {
    let mut clashing: Vec<&Host> = fleet.hosts.iter().collect();
    clashing.retain(|host| host.state != State::Clear);
    clashing.sort_by_key(|host| std::cmp::Reverse(host.state));
    if clashing.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = clashing
        .iter()
        .take(LISTED)
        .map(|host| row(host, layout))
        .collect();
    let title = layout.bold("Hosts");
    let table = layout.table(&["Host", "When", "Plan", "Over"], &rows);
    format!("\n{title}\n{table}{}", left_out(clashing.len()))
}

fn row(host: &Host, layout: &Layout) -> Vec<String> {
    let when = match host.state {
        State::Present => layout.red("now"),
        State::Latent => "later".to_owned(),
        State::Clear => "never".to_owned(),
    };
    let plan: Vec<&str> = host.plan.does.iter().map(|does| word(*does)).collect();
    let plan = match plan.is_empty() {
        true => "-".to_owned(),
        false => plan.join(", "),
    };
    vec![
        without_control_chars(&host.name),
        when,
        plan,
        without_control_chars(&over(host)),
    ]
}

/// What the first clash is over, or what it hides.
fn over(host: &Host) -> String {
    let others = (host.clashes.len() + host.clashes_more + host.hides.len()).saturating_sub(1);
    let more = match others {
        0 => String::new(),
        others => format!("; {others} more"),
    };
    // What is hidden now goes before what may clash later.
    let hides_now = host.hides.iter().find(|one| one.network.is_some());
    let said = match (hides_now, host.clashes.first(), host.hides.first()) {
        (Some(hides), _, _) | (None, None, Some(hides)) => {
            let first = hides.first.first().map_or("", String::as_str);
            format!("{} hides {first}", hides.range)
        }
        (None, Some(clash), _) => clash.over.clone(),
        (None, None, None) => String::new(),
    };
    format!("{said}{more}")
}

fn word(does: Does) -> &'static str {
    match does {
        Does::Pools => "pools",
        Does::Docker0 => "docker0",
        Does::Networks => "networks",
        Does::Remove => "unused networks",
        Does::Blocked => "BLOCKED",
    }
}

fn to_do(fleet: &Fleet, layout: &Layout) -> String {
    let counts = [
        (Does::Docker0, "docker0 moves"),
        (Does::Pools, "other pools"),
        (Does::Networks, "networks to be re-created"),
        (Does::Remove, "unused networks to be removed"),
        (Does::Blocked, "something in the way"),
    ];
    let counts = counts.map(|(does, said)| (fleet.doing(does), said));
    let said: Vec<String> = counts
        .iter()
        .filter(|(hosts, _)| *hosts > 0)
        .map(|(hosts, said)| format!("{said} on {}", count(*hosts, "host", "hosts")))
        .collect();
    if said.is_empty() {
        return String::new();
    }
    let title = layout.bold("What has to be done");
    let said = layout.paragraph("  ", &format!("{}.", said.join("; ")));
    format!("\n{title}\n{said}")
}

fn left_out(all: usize) -> String {
    match all.saturating_sub(LISTED) {
        0 => String::new(),
        left_out => format!("  {}\n", more(left_out)),
    }
}

fn more(left_out: usize) -> String {
    format!("and {left_out} more; --json and --html list all")
}
