//! What the lanes of the picture hold: bars, and the words beside them.

use super::labels::Label;
use super::{Map, pool_ranges, range_in_words, width, within};
use crate::assess::address_map::{DockerRange, When};
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

/// A bar in a lane.
pub struct Bar {
    /// Its edges.
    pub from: f64,
    pub to: f64,
    /// Its looks.
    pub look: Look,
}

/// How a bar looks: solid what is there, outlined what is to come, dashed what may come.
#[derive(Clone, Copy, PartialEq)]
pub enum Look {
    /// Of this colour.
    Solid(&'static str),
    /// One of the next.
    Outline,
    /// A pool.
    Dashed,
}

/// What this host needs in a block.
pub fn needs(map: &Map, block: Ipv4Net) -> (Vec<Bar>, Vec<Label>) {
    let mut spans = Vec::new();
    let mut labels = Vec::new();
    for need in &map.needed {
        let Some((from, to)) = span(block, &need.net) else {
            continue;
        };
        spans.push((from, to));
        labels.push(Label {
            x: from,
            text: format!("{} {}", short(&need.net), shortened(&need.what)),
            clash: false,
        });
    }
    // A single address in a wide network is drawn over it.
    let (narrow, wide) = spans
        .into_iter()
        .partition(|(from, to)| to - from <= NARROWEST + 0.01);
    let mut bars = solid(wide, NEEDED);
    bars.extend(solid(narrow, NEEDED_NARROW));
    (bars, labels)
}

/// Bars that touch are drawn as one: a fleet has thousands.
fn solid(mut spans: Vec<(f64, f64)>, colour: &'static str) -> Vec<Bar> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bars: Vec<Bar> = Vec::new();
    for (from, to) in spans {
        match bars.last_mut() {
            Some(bar) if from <= bar.to => bar.to = bar.to.max(to),
            Some(_) | None => bars.push(Bar {
                from,
                to,
                look: Look::Solid(colour),
            }),
        }
    }
    bars
}

/// What Docker has and may take in a block.
pub fn takes(takes: &[DockerRange], block: Ipv4Net) -> (Vec<Bar>, Vec<Label>) {
    let mut bars = Vec::new();
    let mut labels = Vec::new();
    for (from, to, over) in pool_ranges(takes, block) {
        let (a, b) = scaled(block, from, to);
        bars.push(Bar {
            from: a,
            to: b,
            look: Look::Dashed,
        });
        let clash = if over.is_empty() {
            String::new()
        } else {
            format!(": could clash with {}", some(&over))
        };
        // Named at its end: at its beginning are the next networks.
        let text = format!(
            "networks to come: {}{clash}",
            range_in_words(block, from, to)
        );
        labels.push(Label {
            x: b.min(RIGHT - 1.0),
            text,
            clash: !over.is_empty(),
        });
    }
    let next: Vec<&DockerRange> = takes
        .iter()
        .filter(|take| take.when == When::Next)
        .collect();
    for (take, first) in next.iter().zip([true, false, false]) {
        let Some((from, to)) = span(block, &take.net) else {
            continue;
        };
        bars.push(Bar {
            from,
            to,
            look: Look::Outline,
        });
        if first || !take.clashes.is_empty() {
            let clash = if take.clashes.is_empty() {
                String::new()
            } else {
                format!(": would clash with {}", some(&take.clashes))
            };
            labels.push(Label {
                x: from,
                text: format!("next: {}{clash}", take.net),
                clash: !clash.is_empty(),
            });
        }
    }
    for take in takes.iter().filter(|take| take.when == When::Now) {
        let Some((from, to)) = span(block, &take.net) else {
            continue;
        };
        let clash = !take.clashes.is_empty();
        bars.push(Bar {
            from,
            to,
            look: Look::Solid(if clash { CLASH } else { DOCKER }),
        });
        let words = if clash {
            format!(": CLASH with {}", some(&take.clashes))
        } else {
            String::new()
        };
        labels.push(Label {
            x: from,
            text: format!("{}{words}", in_words(take)),
            clash,
        });
    }
    (bars, labels)
}

/// "shop_default 172.18.0.0/16"
pub fn in_words(take: &DockerRange) -> String {
    format!(
        "{} {}",
        take.name.as_deref().unwrap_or("a network"),
        take.net
    )
    .replace("a network ", "")
}

fn some(nets: &[IpNet]) -> String {
    let words: Vec<String> = nets.iter().take(3).map(short).collect();
    let more = if nets.len() > words.len() {
        " and more"
    } else {
        ""
    };
    format!("{}{more}", words.join(", "))
}

/// Where a network lies in the lanes of its block; wide enough to be seen.
pub fn span(block: Ipv4Net, net: &IpNet) -> Option<(f64, f64)> {
    within(block, net).map(|(from, to)| scaled(block, from, to))
}

fn scaled(block: Ipv4Net, from: u64, to: u64) -> (f64, f64) {
    // A block has 2^24 addresses at most.
    #[allow(clippy::cast_precision_loss)]
    let place = |at: u64| LEFT + (RIGHT - LEFT) * (at as f64) / (width(block) as f64);
    let (from, to) = (place(from), place(to + 1));
    (from, to.max(from + NARROWEST))
}

fn shortened(words: &str) -> String {
    const LONGEST: usize = 48;
    if words.chars().count() <= LONGEST {
        return words.to_owned();
    }
    let cut: String = words.chars().take(LONGEST).collect();
    format!(
        "{} ...",
        cut.rsplit_once(' ')
            .map_or(cut.as_str(), |(whole, _)| whole)
    )
}
