//! How Docker searches, and what it sees of this host: for any range.

use super::{Part, shortened};
use crate::assess::Assessment;
use crate::assess::needed::Needed;
use crate::assess::sides::NeededSide;
use crate::facts::Version;
use crate::plan::{Decision, Permits, plan};
use crate::report::advice::why_this_range;
use crate::subnet::{overlap, v4};
use ipnet::IpNet;

pub(super) fn order_and_sight(assessment: &Assessment, about: IpNet) -> Vec<Part> {
    let mut parts = vec![
        Part {
            title: "In which order Docker searches",
            lines: order(assessment),
        },
        Part {
            title: "What Docker sees on this host",
            lines: seen(assessment),
        },
        Part {
            title: "What it does not see",
            lines: unseen(assessment, about),
        },
    ];
    parts.extend(to_come(assessment, about));
    let clashes = assessment
        .clashes
        .iter()
        .filter(|clash| overlap(&clash.docker.subnet, &about))
        .count();
    let verdict = match clashes {
        0 => return parts,
        1 => "once".to_owned(),
        more => format!("{more} times"),
    };
    parts.push(Part {
        title: "So",
        lines: vec![format!(
            "this range clashes {verdict}; run `rebridge check` for the details and the fix"
        )],
    });
    if let Decision::Change(plan) = plan(assessment, &Permits::plain())
        && plan.write.is_some()
    {
        parts.push(Part {
            title: "What apply would choose, and why",
            lines: why_this_range(assessment, &plan),
        });
    }
    parts
}

fn order(assessment: &Assessment) -> Vec<String> {
    let list: Vec<String> = assessment
        .pools_as_seen()
        .iter()
        .map(ToString::to_string)
        .collect();
    let whose = match assessment.pools_are_built_in() {
        true => "built in",
        false => "from daemon.json or a flag",
    };
    let engine = assessment.facts.version_text();
    let sorts = assessment.version.is_none_or(Version::first_fit);
    let rule = match (sorts, engine) {
        (true, Some(version)) => format!(
            "Docker {version}, like every version from 27 on, sorts the pools and takes the lowest \
             free subnet"
        ),
        (true, None) => {
            "no engine answers. From 27 on Docker sorts the pools and takes the lowest \
                         free subnet; up to 26 it searches them in the order of daemon.json and \
                         continues after the last hit"
                .to_owned()
        }
        (false, version) => format!(
            "Docker {}, like every version up to 26, searches one list in this order, continues \
             after the last hit and wraps round",
            version.unwrap_or_default()
        ),
    };
    vec![format!("pools, {whose}: {}", list.join(", ")), rule]
}

fn seen(assessment: &Assessment) -> Vec<String> {
    let nets = assessment.stepped_round.iter().map(ToString::to_string);
    let nets = shortened(nets.collect());
    if nets.is_empty() {
        return vec![
            "nothing that matters: no nameserver, and no on-link route of the main table into its \
             ranges but its own"
                .to_owned(),
        ];
    }
    vec![
        format!(
            "nameservers, and on-link routes of the main table into its ranges: {}",
            nets.join(", ")
        ),
        "Docker checks only when it picks a subnet. A subnet you name yourself, including `bip`, \
         is never checked"
            .to_owned(),
    ]
}

/// What this host needs of a range, as far as Docker cannot see it.
fn unseen(assessment: &Assessment, about: IpNet) -> Vec<String> {
    let mut told: Vec<&Needed> = Vec::new();
    for need in &assessment.needed {
        let seen = v4(&need.net).is_some_and(|net| assessment.stepped_round.contains(&net));
        // One call leaves several traces; the first of them says it all.
        let retold = need.source().is_a_trace()
            && told
                .iter()
                .any(|known| known.net == need.net && known.source().is_a_trace());
        if overlap(&need.net, &about) && !seen && !retold && !need.is_to_come() {
            told.push(need);
        }
    }
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|need| NeededSide::of(need, Some(&about), assessment.facts).describe())
        .collect();
    lines.dedup();
    let mut lines = shortened(lines);
    lines.push(
        "in general: routes through a gateway, other routing tables, and everything behind the \
         default route. Networks behind the default route leave no trace on this host until it \
         talks to them: name them with --avoid"
            .to_owned(),
    );
    lines
}

/// What files bring into a range once something comes up; nobody sees it before.
fn to_come(assessment: &Assessment, about: IpNet) -> Option<Part> {
    let needed = assessment.needed.iter();
    let to_come = needed.filter(|need| need.is_to_come() && overlap(&need.net, &about));
    let mut lines: Vec<String> = to_come
        .map(|need| NeededSide::of(need, Some(&about), assessment.facts).describe())
        .collect();
    lines.dedup();
    (!lines.is_empty()).then(|| Part {
        title: "What is configured and not up",
        lines: shortened(lines),
    })
}
