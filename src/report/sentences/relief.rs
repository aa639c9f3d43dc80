//! Relief in words.

use super::causes::complaint;
use crate::apply::check::Check;
use crate::apply::relief::{Deed, Fault};
use crate::assess::Assessment;
use crate::assess::clash::Kind;
use crate::assess::sides::Loser;
use crate::facts::{Facts, RELIEF_PROTOCOL, RT_TABLE_MAIN, ReliefRoute};
use crate::phrases::{count, first_few};
use crate::plan::relief::obstacles::Obstacle;
use crate::plan::relief::{OutOfReach, Relief, RelievedRange, Why};
use crate::report::vocabulary::Vocabulary;
use crate::subnet::short;
use ipnet::IpNet;

/// More networks than these are only counted.
const NAMED: usize = 4;

pub fn not_needed(assessment: &Assessment, words: Vocabulary) -> String {
    let mut present = assessment.clashes.iter();
    let mut present = present.by_ref().filter(|clash| clash.kind == Kind::Present);
    match (assessment.clashes.is_empty(), present.next()) {
        (true, _) => "nothing to relieve: Docker's networks are clear".to_owned(),
        (false, None) => {
            "nothing to relieve: no packet is lost now, only Docker's next networks would clash"
                .to_owned()
        }
        (false, Some(_)) => format!(
            "nothing was relieved: only traffic shows this clash, and it may be over soon; add {} to \
             act on it all the same",
            words.act_on_suspected()
        ),
    }
}

pub fn no_help(words: Vocabulary) -> String {
    format!(
        "routes cannot end this outage (see the notes); nothing was touched; the cure is {}",
        words.apply()
    )
}

pub fn in_place(relief: &Relief, words: Vocabulary) -> String {
    format!(
        "relieved already: {}; the cure is {}",
        leads_past(relief),
        words.apply()
    )
}

pub fn would(relief: &Relief) -> String {
    match relief.ranges.is_empty() {
        true => "would take away relief that is not needed any more".to_owned(),
        false => format!("would relieve this host: {}", leads_past(relief)),
    }
}

pub fn done(relief: &Relief) -> String {
    match relief.ranges.is_empty() {
        true => "the relief was not needed any more and is gone".to_owned(),
        false => format!(
            "relieved until the next boot, not cured: {}",
            leads_past(relief)
        ),
    }
}

/// That the cure has taken relief away.
pub const ENDED: &str = "the relief routes are gone: Docker no longer is in the way";

/// That a rollback has brought relief back.
pub const RESTORED: &str =
    "the relief routes that stood before the apply are there again, until the next boot";

pub fn not_restored(why: &str, words: Vocabulary) -> String {
    format!(
        "the relief that stood before the apply did not come back: {why}; try {}",
        words.relieve()
    )
}

/// What the dead man's switch finds where a run has come to its end.
pub const VERIFIED: &str = "the run that was to be undone has verified its relief; nothing to do";

pub fn not_ended(fault: &Fault) -> String {
    format!(
        "relief routes are left over, which do no harm and go with the next boot: {}",
        fault_in_words(fault)
    )
}

/// "8 routes lead past docker0, which keeps 172.17.0.0/24"
fn leads_past(relief: &Relief) -> String {
    let ranges: Vec<String> = relief.ranges.iter().map(past_one).collect();
    ranges.join("; ")
}

fn past_one(range: &RelievedRange) -> String {
    let routes = range.routes.len();
    let lead = if routes == 1 { "leads" } else { "lead" };
    let kept = first_few(&range.kept, NAMED, |net| short(&IpNet::V4(*net)));
    format!(
        "{} {lead} past {}, which keeps {kept}",
        count(routes, "route", "routes"),
        range.bridge
    )
}

/// What happens after a yes.
pub fn then(relief: &Relief) -> Vec<String> {
    let for_containers = relief.ranges.iter().filter(|range| range.for_containers);
    let answers = for_containers.map(|range| {
        format!(
            "this host answers ARP on {} for what lies past it, so that containers get there too",
            range.bridge
        )
    });
    let mut lines: Vec<String> = answers.collect();
    lines.push(
        "Docker does not restart, no container stops; a reboot takes all of it away".to_owned(),
    );
    lines
}

/// "172.17.128.0/17 via 10.9.9.1 dev eth0"
pub fn route(route: &ReliefRoute) -> String {
    let hops = first_few(&route.hops, NAMED, |hop| match hop.gateway {
        Some(gateway) => format!("via {gateway} dev {}", hop.dev),
        None => format!("dev {}", hop.dev),
    });
    let table = match route.table {
        RT_TABLE_MAIN => String::new(),
        table => format!(", table {table}"),
    };
    format!("{} {hops}{table}", route.dst)
}

pub fn out_of_reach(one: &OutOfReach) -> String {
    let (net, name) = (short(&one.need), one.docker.name());
    let why = match &one.why {
        Why::Ipv6 => "relief is for IPv4 only".to_owned(),
        Why::ContainersLose => {
            "its own route wins already, and what is lost are containers at those addresses"
                .to_owned()
        }
        Why::WhereContainersLive(kept) => format!(
            "it lies in {}, where containers live or may soon live",
            first_few(kept, NAMED, |net| short(&IpNet::V4(*net)))
        ),
        Why::SubnetIsFull => "containers take up the whole subnet".to_owned(),
        Why::SubnetIsPlanned => {
            "the network has addresses planned by hand, so no part is known to be free".to_owned()
        }
        Why::NoOtherWay => "without Docker no route leads there either".to_owned(),
        Why::TooManyRoutes => "it would take more than 128 routes".to_owned(),
    };
    format!("no relief for {net} behind {name}: {why}; only the cure helps")
}

/// Why containers stay behind.
pub fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::ForwardingOff { bridge, dev } => format!(
            "relief helps this host but no container on {bridge}: net.ipv4.conf.{dev}.forwarding is \
             0, so this host forwards nothing that comes in by {dev}"
        ),
        Obstacle::Dropped { bridge, by } => format!(
            "relief helps this host, but not all that containers on {bridge} send gets past: {} \
             drops it or the answers ({}); allow both, then relieve again",
            by.tool, by.rule
        ),
        Obstacle::NotJudged { chain } => format!(
            "the nftables chain {chain} drops some forwarded packets; whether it drops those of \
             containers was not judged"
        ),
    }
}

/// What became of relief since it was carried out, if something is lost by it.
pub fn on_record(assessment: &Assessment, words: Vocabulary) -> Option<String> {
    let record = assessment.facts.relief_on_record.as_ref()?;
    let there = &assessment.facts.kernel.relief;
    let gone = record.routes.iter().filter(|route| !there.contains(route));
    let gone = gone.count();
    let mut clashes = assessment.clashes.iter();
    let is_lost = clashes.any(|clash| clash.kind == Kind::Present && clash.loser == Loser::Host);
    if gone == 0 || !is_lost {
        return None;
    }
    let routes = count(gone, "relief route", "relief routes");
    let why = match record.ended_by_a_boot {
        true => "went with the reboot",
        false => "are gone: something else on this host removed them",
    };
    Some(format!(
        "{routes} {why}; {} adds them again",
        words.relieve()
    ))
}

pub fn taken_away(fault: Option<&Fault>, verified: &[Check]) -> String {
    format!("{}; all relief is taken away again", why(fault, verified))
}

pub fn stranded(fault: Option<&Fault>, verified: &[Check], then: &Fault) -> String {
    format!(
        "{}; then {}, so a part of the relief is still there",
        why(fault, verified),
        fault_in_words(then)
    )
}

fn why(fault: Option<&Fault>, verified: &[Check]) -> String {
    let failed = verified.iter().find(|check| !check.ok);
    match (fault, failed) {
        (Some(fault), _) => fault_in_words(fault),
        (None, Some(check)) => format!("relief did not work: {}", complaint(check)),
        (None, None) => "relief did not work".to_owned(),
    }
}

fn fault_in_words(fault: &Fault) -> String {
    let deed = match &fault.deed {
        Deed::ReadRecord => "the record of relief could not be read".to_owned(),
        Deed::WriteRecord => "the record of relief could not be written".to_owned(),
        Deed::AddRoute(dst) => format!("the route {dst} could not be added"),
        Deed::RemoveRoute(dst) => format!("the route {dst} could not be removed"),
        Deed::SwitchProxyArp(bridge) => format!("proxy ARP on {bridge} could not be switched"),
    };
    format!("{deed}: {}", fault.why)
}

/// What a person does about relief that cannot be taken away.
pub fn steps(words: Vocabulary) -> Vec<String> {
    vec![
        format!("`ip route show table all proto {RELIEF_PROTOCOL}` lists what is left"),
        format!("`ip route flush table all proto {RELIEF_PROTOCOL}` removes it"),
        match words {
            Vocabulary::CommandLine => "`rebridge relieve --undo` does the rest".to_owned(),
            Vocabulary::Ansible => "`state: unrelieved` does the rest".to_owned(),
        },
    ]
}

pub fn would_undo(facts: &Facts, is_there: bool) -> String {
    match (is_there, facts.kernel.relief.len()) {
        (false, _) => "there is no relief; nothing to do".to_owned(),
        (true, routes) => format!(
            "would take away {}; what Docker shadows is lost again",
            count(routes, "relief route", "relief routes")
        ),
    }
}

pub fn undone(facts: &Facts) -> String {
    let routes = facts.kernel.relief.len();
    format!(
        "{} gone; what Docker shadows is lost again until {}",
        match routes {
            1 => "1 relief route is".to_owned(),
            more => format!("{more} relief routes are"),
        },
        "Docker moves"
    )
}

pub fn not_undone(fault: &Fault) -> String {
    format!("relief is not wholly gone: {}", fault_in_words(fault))
}
