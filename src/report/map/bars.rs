//! What the lanes of the picture hold: bars, and the words beside them.

use super::labels::Label;
use super::{Map, clashes_in_words, pool_ranges, size, within};
use crate::assess::address_map::{DockerRange, When};
use crate::phrases::wrap::cut;
use crate::subnet::short;
use ipnet::{IpNet, Ipv4Net};

/// The edges of the lanes.
pub const LEFT: f64 = 150.0;
pub const RIGHT: f64 = 976.0;

pub const DOCKER: &str = "#0f766e";
pub const CLASH: &str = "#c81e1e";
const NEEDED: &str = "#7db4e6";
const NEEDED_NARROW: &str = "#14508a";
/// What is narrower is drawn so wide all the same.
const NARROWEST: f64 = 4.0;
/// Columns of a name.
const LONGEST_NAME: usize = 48;
/// Columns of the words about a needed network. "and does not answer" comes last, and must stay.
const LONGEST_WORDS: usize = 80;

pub struct Bar {
    pub from: f64,
    pub to: f64,
    pub style: BarStyle,
}

#[derive(Clone, Copy, PartialEq)]
pub enum BarStyle {
    /// What is there, in this colour.
    Solid(&'static str),
    /// What comes next.
    Outline,
    /// What may come: a pool.
    Dashed,
}

#[derive(Default)]
pub struct Lane {
    pub bars: Vec<Bar>,
    pub labels: Vec<Label>,
}

/// What this host needs in a block.
pub fn needed_networks(map: &Map, block: Ipv4Net) -> Lane {
    let mut spans = Vec::new();
    let mut labels = Vec::new();
    for need in &map.needed {
        let Some((from, to)) = span(block, &need.net) else {
            continue;
        };
        spans.push((from, to));
        let text = format!("{} {}", short(&need.net), cut(&need.what, LONGEST_WORDS));
        labels.push(Label::new(from, &text, false));
    }
    // A single address in a wide network is drawn over it.
    let (narrow, wide) = spans
        .into_iter()
        .partition(|(from, to)| to - from <= NARROWEST + 0.01);
    let mut bars = merged(wide, NEEDED);
    bars.extend(merged(narrow, NEEDED_NARROW));
    Lane { bars, labels }
}

/// Bars that touch are drawn as one: a fleet has thousands.
fn merged(mut spans: Vec<(f64, f64)>, colour: &'static str) -> Vec<Bar> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bars: Vec<Bar> = Vec::new();
    for (from, to) in spans {
        match bars.last_mut() {
            Some(bar) if from <= bar.to => bar.to = bar.to.max(to),
            Some(_) | None => bars.push(Bar {
                from,
                to,
                style: BarStyle::Solid(colour),
            }),
        }
    }
    bars
}

/// What Docker has and may take in a block; what is there is drawn over what may come.
pub fn docker_ranges(ranges: &[DockerRange], block: Ipv4Net) -> Lane {
    let mut lane = Lane::default();
    add_pools(&mut lane, ranges, block);
    add_next(&mut lane, ranges, block);
    add_held(&mut lane, ranges, block);
    lane
}

fn add_pools(lane: &mut Lane, ranges: &[DockerRange], block: Ipv4Net) {
    for range in pool_ranges(ranges, block) {
        let (from, to) = drawn(block, range.first, range.last);
        lane.bars.push(Bar {
            from,
            to,
            style: BarStyle::Dashed,
        });
        let name = format!("future networks: {}", range.in_words(block));
        // At its end: at its beginning the next networks have their labels.
        add_label(lane, to - 2.0, &name, "could clash with", &range.clashes);
    }
}

fn add_next(lane: &mut Lane, ranges: &[DockerRange], block: Ipv4Net) {
    let next = ranges.iter().filter(|range| range.when == When::Next);
    for (number, range) in next.enumerate() {
        let Some((from, to)) = span(block, &range.net) else {
            continue;
        };
        lane.bars.push(Bar {
            from,
            to,
            style: BarStyle::Outline,
        });
        if number == 0 || !range.clashes.is_empty() {
            let name = format!("next: {}", range.net);
            add_label(lane, from, &name, "would clash with", &range.clashes);
        }
    }
}

fn add_held(lane: &mut Lane, ranges: &[DockerRange], block: Ipv4Net) {
    for range in ranges.iter().filter(|range| range.when == When::Now) {
        let Some((from, to)) = span(block, &range.net) else {
            continue;
        };
        let colour = if range.clashes.is_empty() {
            DOCKER
        } else {
            CLASH
        };
        lane.bars.push(Bar {
            from,
            to,
            style: BarStyle::Solid(colour),
        });
        add_label(
            lane,
            from,
            &name_and_net(range),
            "CLASH with",
            &range.clashes,
        );
    }
}

fn add_label(lane: &mut Lane, x: f64, name: &str, verb: &str, clashes: &[IpNet]) {
    let label = if clashes.is_empty() {
        Label::new(x, name, false)
    } else {
        let text = format!("{name}: {verb} {}", clashes_in_words(clashes));
        Label::new(x, &text, true)
    };
    lane.labels.push(label);
}

/// "shop_default 172.18.0.0/16"
pub fn name_and_net(range: &DockerRange) -> String {
    match &range.name {
        Some(name) => format!("{} {}", cut(name, LONGEST_NAME), range.net),
        None => range.net.to_string(),
    }
}

/// Where a network lies in the lanes of its block; wide enough to be seen.
pub fn span(block: Ipv4Net, net: &IpNet) -> Option<(f64, f64)> {
    within(block, net).map(|(first, last)| drawn(block, first, last))
}

fn drawn(block: Ipv4Net, first: u64, last: u64) -> (f64, f64) {
    let (from, to) = (place(block, first), place(block, last + 1));
    (from, to.max(from + NARROWEST))
}

fn place(block: Ipv4Net, address: u64) -> f64 {
    // A block has 2^24 addresses at most.
    #[allow(clippy::cast_precision_loss)]
    let share = address as f64 / size(block) as f64;
    LEFT + (RIGHT - LEFT) * share
}
