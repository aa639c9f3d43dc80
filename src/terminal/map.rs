//! The map in the terminal: a bar a block, in letters that mean the same without colour, and a list
//! that names what the bars show.

use super::layout::{Layout, ascii, without_control_chars};
use crate::assess::address_map::{DockerRange, When};
use crate::phrases::and_more;
use crate::report::map::{
    Map, blocks, clashes_in_words, elsewhere, kind, pool_ranges, size, within,
};
use crate::subnet::short;
use ipnet::{IpNet, Ipv4Net};
use std::cmp::Reverse;
use std::fmt::Write;

/// Columns of a bar where the layout is wide enough. A power of two: then a column is a network.
const COLUMNS: usize = 64;
/// Where a bar begins.
const MARGIN: usize = 10;
/// Columns between two numbers over a bar.
const TICK: usize = 4;
/// More lines of a kind than this are counted, not listed.
const LISTED: usize = 8;
/// On a narrower layout the words of a listed line stand below it.
const BESIDE: usize = 60;

/// The whole text.
pub fn render(map: &Map, layout: &Layout) -> String {
    let word = if map.clashes() {
        layout.red(map.word())
    } else {
        layout.green(map.word())
    };
    let verdict = without_control_chars(&map.verdict());
    let mut out = layout.paragraph("", &format!("{word}: {verdict}"));
    let mut unused = Vec::new();
    for block in blocks() {
        let rows = rows(map, Place::Block(block), layout);
        if rows.is_empty() {
            unused.push(block.to_string());
            continue;
        }
        out += &bars(map, block, layout);
        out += &list(&rows, layout);
    }
    let rows = rows(map, Place::Elsewhere, layout);
    if !rows.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Elsewhere"));
        out += &list(&rows, layout);
    }
    if !unused.is_empty() {
        let words = format!("Nothing is known to use {}.", unused.join(", "));
        out.push('\n');
        out += &layout.paragraph("", &words);
    }
    if !map.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Please note"));
        for warning in &map.warnings {
            out += &layout.paragraph("  - ", &without_control_chars(warning));
        }
    }
    if layout.unicode { out } else { ascii(&out) }
}

/// How many columns a bar has on this layout.
fn bar_columns(layout: &Layout) -> usize {
    let room = layout.columns().saturating_sub(MARGIN);
    [COLUMNS, COLUMNS / 2]
        .into_iter()
        .find(|columns| *columns <= room)
        .unwrap_or(COLUMNS / 4)
}

/// The bars of a block, under its name and its scale.
fn bars(map: &Map, block: Ipv4Net, layout: &Layout) -> String {
    let columns = bar_columns(layout);
    let prefix = u32::from(block.prefix_len()) + columns.ilog2();
    let name = layout.bold(&format!("{block},"));
    let mut out = format!("\n{name} each column is a /{prefix}\n");
    let _ = writeln!(out, "{:MARGIN$}{}", "", scale(block, columns / TICK));
    let needed = bar(block, &needed_letters(map), columns);
    let _ = writeln!(out, "  needed  {}", coloured(&needed, layout));
    out += &docker_bar("Docker", &map.docker, block, layout);
    if let Some(after) = &map.after {
        out += &docker_bar("after", after, block, layout);
    }
    out
}

/// What Docker has and may take, and below it where that clashes.
fn docker_bar(name: &str, ranges: &[DockerRange], block: Ipv4Net, layout: &Layout) -> String {
    let columns = bar_columns(layout);
    let docker = bar(block, &docker_letters(ranges), columns);
    let mut out = format!("  {name:<6}  {}\n", coloured(&docker, layout));
    let clashes = bar(block, &clash_marks(ranges), columns).replace('.', " ");
    let clashes = clashes.trim_end();
    if !clashes.is_empty() {
        let (name, marks) = (layout.red("clash"), layout.red(clashes));
        let _ = writeln!(out, "  {name}   {marks}");
    }
    out
}

/// The numbers over a bar, each at the column where its network begins.
fn scale(block: Ipv4Net, ticks: usize) -> String {
    let step = size(block) / ticks as u64;
    let mut scale = String::new();
    for tick in 0..ticks as u64 {
        let first = u32::from(block.network()) + u32::try_from(step * tick).unwrap_or_default();
        let [_, second, third, _] = first.to_be_bytes();
        let number = if block.prefix_len() < 16 {
            second
        } else {
            third
        };
        let _ = write!(scale, "{number:<TICK$}");
    }
    scale.trim_end().to_owned()
}

/// Each needed network with the first letter of how it is known, as the list below spells it out.
fn needed_letters(map: &Map) -> Vec<(IpNet, char)> {
    let mut letters: Vec<(IpNet, char)> = map
        .needed
        .iter()
        .filter_map(|need| Some((need.net, kind(need).chars().next()?)))
        .collect();
    // The narrower is drawn over the wider.
    letters.sort_by_key(|(net, _)| net.prefix_len());
    letters
}

fn docker_letters(ranges: &[DockerRange]) -> Vec<(IpNet, char)> {
    let mut ranges: Vec<&DockerRange> = ranges.iter().collect();
    ranges.sort_by_key(|range| (Reverse(range.when), range.net.prefix_len()));
    let letters = ranges.iter().map(|range| (range.net, letter(range.when)));
    letters.collect()
}

fn letter(when: When) -> char {
    match when {
        When::Now => 'D',
        When::Next => 'n',
        When::Later => 'l',
    }
}

fn clash_marks(ranges: &[DockerRange]) -> Vec<(IpNet, char)> {
    let mut marks: Vec<(IpNet, char)> = Vec::new();
    for range in ranges {
        let mark = if range.when == When::Now { '!' } else { '?' };
        marks.extend(range.shared.iter().map(|net| (*net, mark)));
    }
    marks.sort_by_key(|(_, mark)| *mark == '!');
    marks
}

/// A bar: each network's letter in every column it touches, the later over the earlier.
fn bar(block: Ipv4Net, nets: &[(IpNet, char)], columns: usize) -> String {
    let step = size(block) / columns as u64;
    let mut bar = vec!['.'; columns];
    for (net, letter) in nets {
        let Some((first, last)) = within(block, net) else {
            continue;
        };
        let [first, last] = [first, last].map(|at| usize::try_from(at / step).unwrap_or(columns));
        if let Some(touched) = bar.get_mut(first..=last) {
            touched.fill(*letter);
        }
    }
    bar.into_iter().collect()
}

/// The letters say it all; colours make them easier to find.
fn coloured(bar: &str, layout: &Layout) -> String {
    let mut out = String::new();
    let mut rest = bar;
    while let Some(first) = rest.chars().next() {
        let (run, after) = rest.split_at(rest.find(|letter| letter != first).unwrap_or(rest.len()));
        let code = match first {
            'h' | 'r' | 'd' => "34",
            'D' => "1;36",
            'n' => "36",
            _ => "2",
        };
        out.push_str(&layout.paint(code, run));
        rest = after;
    }
    out
}

/// A part of the map that has a list of its own.
#[derive(Clone, Copy)]
enum Place {
    Block(Ipv4Net),
    /// Outside of all blocks.
    Elsewhere,
}

impl Place {
    fn holds(self, net: &IpNet) -> bool {
        match self {
            Place::Block(block) => within(block, net).is_some(),
            Place::Elsewhere => elsewhere(net),
        }
    }

    /// The pools in it as a person calls them, each with what it clashes with.
    fn pools(self, ranges: &[DockerRange]) -> Vec<(String, Vec<IpNet>)> {
        match self {
            Place::Block(block) => pool_ranges(ranges, block)
                .into_iter()
                .map(|range| (range.in_words(block), range.clashes))
                .collect(),
            Place::Elsewhere => self
                .ranges(ranges, When::Later)
                .map(|pool| (short(&pool.net), pool.clashes.clone()))
                .collect(),
        }
    }

    fn ranges(self, ranges: &[DockerRange], when: When) -> impl Iterator<Item = &DockerRange> {
        ranges
            .iter()
            .filter(move |range| range.when == when && self.holds(&range.net))
    }
}

/// A line of a list.
struct Row {
    key: &'static str,
    net: String,
    words: String,
}

impl Row {
    fn of_docker(key: &'static str, net: String, name: &str, clash: &str) -> Row {
        let name = without_control_chars(name);
        Row {
            key,
            net,
            words: format!("{name} {clash}").trim_end().to_owned(),
        }
    }
}

/// What lies in a place, a line each.
fn rows(map: &Map, place: Place, layout: &Layout) -> Vec<Row> {
    let mut rows = shortened(needed_rows(map, place));
    rows.extend(shortened(held_rows("Docker", &map.docker, place, layout)));
    rows.extend(shortened(next_rows(&map.docker, place, layout)));
    rows.extend(shortened(pool_rows("later", &map.docker, place, layout)));
    // The next networks after apply come from its pools, which say it all.
    if let Some(after) = &map.after {
        rows.extend(shortened(held_rows("after", after, place, layout)));
        rows.extend(shortened(pool_rows("after", after, place, layout)));
    }
    rows
}

fn needed_rows(map: &Map, place: Place) -> Vec<Row> {
    let needed = map.needed.iter().filter(|need| place.holds(&need.net));
    needed
        .map(|need| Row {
            key: kind(need),
            net: short(&need.net),
            words: without_control_chars(&need.what),
        })
        .collect()
}

fn held_rows(key: &'static str, ranges: &[DockerRange], place: Place, layout: &Layout) -> Vec<Row> {
    place
        .ranges(ranges, When::Now)
        .map(|range| {
            let name = range.name.as_deref().unwrap_or_default();
            let clash = clash("CLASHES with", &range.clashes, layout);
            Row::of_docker(key, short(&range.net), name, &clash)
        })
        .collect()
}

fn next_rows(ranges: &[DockerRange], place: Place, layout: &Layout) -> Vec<Row> {
    place
        .ranges(ranges, When::Next)
        .map(|range| {
            let name = range.name.as_deref().unwrap_or("for a future network");
            let clash = clash("would clash with", &range.clashes, layout);
            Row::of_docker("next", short(&range.net), name, &clash)
        })
        .collect()
}

fn pool_rows(key: &'static str, ranges: &[DockerRange], place: Place, layout: &Layout) -> Vec<Row> {
    let pools = place.pools(ranges).into_iter();
    pools
        .map(|(net, clashes)| {
            let clash = clash("could clash with", &clashes, layout);
            Row::of_docker(key, net, "for future networks", &clash)
        })
        .collect()
}

fn clash(verb: &str, clashes: &[IpNet], layout: &Layout) -> String {
    if clashes.is_empty() {
        return String::new();
    }
    layout.red(&format!("{verb} {}", clashes_in_words(clashes)))
}

fn shortened(mut rows: Vec<Row>) -> Vec<Row> {
    let left_out = rows.len().saturating_sub(LISTED);
    if left_out > 0 {
        rows.truncate(LISTED);
        rows.push(Row {
            key: "",
            net: format!("{}; --json lists all", and_more(left_out)),
            words: String::new(),
        });
    }
    rows
}

fn list(rows: &[Row], layout: &Layout) -> String {
    let beside = layout.columns() >= BESIDE;
    let width = net_column(rows, layout);
    let mut out = String::new();
    for Row { key, net, words } in rows {
        let first = format!("  {key:<8}  {net:<width$}  ");
        if beside {
            out += &layout.paragraph(&first, words);
            continue;
        }
        let _ = writeln!(out, "{}", first.trim_end());
        if !words.is_empty() {
            out += &layout.paragraph("      ", words);
        }
    }
    out
}

/// As wide as the widest network, where the words beside it need no second line for that.
fn net_column(rows: &[Row], layout: &Layout) -> usize {
    const CIDR: usize = "255.255.255.255/32".len();
    const KEY_AND_WORDS: usize = 62;
    let with_words = rows.iter().filter(|row| !row.words.is_empty());
    let widest = with_words.map(|row| row.net.len()).max();
    let most = layout.columns().saturating_sub(KEY_AND_WORDS);
    widest.unwrap_or_default().min(most).max(CIDR)
}
