//! The map in the terminal: a bar a block, in letters that mean the same without colour, and a list
//! that names what the bars show.

use super::layout::{Layout, ascii, without_control_chars};
use crate::assess::address_map::{DockerRange, When};
use crate::report::map::{Map, blocks, kind, pool_ranges, range_in_words, width, within};
use crate::subnet::short;
use ipnet::{IpNet, Ipv4Net};
use std::fmt::Write;

/// Columns of a bar where the layout is wide enough. A power of two: then a column is a network.
const COLUMNS: usize = 64;
/// Where a bar begins.
const MARGIN: usize = 10;
/// Columns between two numbers over a bar.
const TICK: usize = 4;
/// More lines of a kind than this are counted, not listed.
const LISTED: usize = 8;

/// A listed line: what stands in its columns, and the words after or, on a narrow layout, below
/// them.
type Row = (String, String);

fn set(layout: &Layout, (first, words): &Row) -> String {
    if layout.columns() >= 60 {
        return layout.paragraph(first, words);
    }
    let below = layout.paragraph("      ", words);
    format!(
        "{}\n{}",
        first.trim_end(),
        if words.is_empty() { "" } else { &below }
    )
}

/// The whole text.
pub fn render(map: &Map, layout: &Layout) -> String {
    let word = if map.clashes() {
        layout.red(map.word())
    } else {
        layout.green(map.word())
    };
    let mut out = layout.paragraph(
        "",
        &format!("{word}: {}", without_control_chars(&map.verdict())),
    );
    let list = |rows: &[Row]| rows.iter().map(|row| set(layout, row)).collect::<String>();
    let mut empty = Vec::new();
    for block in blocks() {
        let rows = listed(
            map,
            layout,
            &|net| within(block, net).is_some(),
            Some(block),
        );
        if rows.is_empty() {
            empty.push(block.to_string());
            continue;
        }
        bars(&mut out, map, block, layout);
        out += &list(&rows);
    }
    let elsewhere = listed(map, layout, &|net| map.elsewhere(net), None);
    if !elsewhere.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Elsewhere"));
        out += &list(&elsewhere);
    }
    if !empty.is_empty() {
        out.push('\n');
        out += &layout.paragraph(
            "",
            &format!("Nothing is known to use {}.", empty.join(", ")),
        );
    }
    if !map.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Please note"));
        map.warnings
            .iter()
            .for_each(|warning| out += &layout.paragraph("  - ", &without_control_chars(warning)));
    }
    if layout.unicode { out } else { ascii(&out) }
}

/// How many columns a bar has on this layout.
fn columns(layout: &Layout) -> usize {
    let room = layout.columns().saturating_sub(MARGIN);
    [COLUMNS, COLUMNS / 2]
        .into_iter()
        .find(|columns| *columns <= room)
        .unwrap_or(COLUMNS / 4)
}

fn bars(out: &mut String, map: &Map, block: Ipv4Net, layout: &Layout) {
    let columns = columns(layout);
    let column = u32::from(block.prefix_len()) + columns.ilog2();
    let _ = writeln!(
        out,
        "\n{} each column is a /{column}",
        layout.bold(&format!("{block},"))
    );
    let _ = writeln!(out, "{:MARGIN$}{}", "", scale(block, columns / TICK));
    let mut needs: Vec<(IpNet, char)> = map
        .needed
        .iter()
        .map(|need| (need.net, initial(kind(need.source))))
        .collect();
    // The narrower is drawn over the wider.
    needs.sort_by_key(|(net, _)| net.prefix_len());
    let _ = writeln!(
        out,
        "  needed  {}",
        coloured(&lane(block, &needs, columns), layout)
    );
    let _ = writeln!(
        out,
        "  Docker  {}",
        coloured(&lane(block, &letters(&map.docker), columns), layout)
    );
    clash_bar(out, block, &map.docker, layout);
    if let Some(after) = &map.after {
        let _ = writeln!(
            out,
            "  after   {}",
            coloured(&lane(block, &letters(after), columns), layout)
        );
        clash_bar(out, block, after, layout);
    }
}

fn clash_bar(out: &mut String, block: Ipv4Net, takes: &[DockerRange], layout: &Layout) {
    let clashes = lane(block, &marks(takes), columns(layout));
    if clashes.contains(['!', '?']) {
        let bar = clashes.replace('.', " ");
        let _ = writeln!(
            out,
            "  {}   {}",
            layout.red("clash"),
            layout.red(bar.trim_end())
        );
    }
}

/// The numbers over a bar, each at the column where its network begins.
fn scale(block: Ipv4Net, ticks: usize) -> String {
    let step = width(block) / ticks as u64;
    let number = |tick: usize| {
        let at = u32::from(block.network()) + u32::try_from(step * tick as u64).unwrap_or_default();
        let [_, second, third, _] = at.to_be_bytes();
        if block.prefix_len() < 16 {
            second
        } else {
            third
        }
    };
    (0..ticks)
        .map(|tick| format!("{:<TICK$}", number(tick)))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn initial(word: &str) -> char {
    word.chars().next().unwrap_or(' ')
}

fn letters(takes: &[DockerRange]) -> Vec<(IpNet, char)> {
    let letter = |when: When| match when {
        When::Now => 'D',
        When::Next => 'n',
        When::Later => 'l',
    };
    let mut letters: Vec<(When, IpNet, char)> = takes
        .iter()
        .map(|take| (take.when, take.net, letter(take.when)))
        .collect();
    letters.sort_by_key(|(when, net, _)| (std::cmp::Reverse(*when), net.prefix_len()));
    letters
        .into_iter()
        .map(|(_, net, letter)| (net, letter))
        .collect()
}

fn marks(takes: &[DockerRange]) -> Vec<(IpNet, char)> {
    let mark = |when: When| if when == When::Now { '!' } else { '?' };
    let mut marks: Vec<(IpNet, char)> = takes
        .iter()
        .flat_map(|take| take.shared.iter().map(move |net| (*net, mark(take.when))))
        .collect();
    marks.sort_by_key(|(_, mark)| *mark == '!');
    marks
}

/// A bar: each network's letter in every column it touches, the later over the earlier.
fn lane(block: Ipv4Net, nets: &[(IpNet, char)], columns: usize) -> String {
    let step = width(block) / columns as u64;
    let mut bar = vec!['.'; columns];
    for (from, to, letter) in nets
        .iter()
        .filter_map(|(net, letter)| within(block, net).map(|(a, b)| (a, b, *letter)))
    {
        let place = |at: u64| usize::try_from(at / step).unwrap_or(columns);
        if let Some(touched) = bar.get_mut(place(from)..=place(to)) {
            touched.fill(letter);
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

/// What lies in a place, a line each.
fn listed(
    map: &Map,
    layout: &Layout,
    here: &dyn Fn(&IpNet) -> bool,
    block: Option<Ipv4Net>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let needs = map.needed.iter().filter(|need| here(&need.net));
    some(
        &mut rows,
        needs
            .map(|need| {
                row(
                    kind(need.source),
                    &short(&need.net),
                    &without_control_chars(&need.what),
                )
            })
            .collect(),
    );
    takes(&mut rows, &map.docker, layout, here, block, "Docker");
    takes(
        &mut rows,
        map.after.as_deref().unwrap_or_default(),
        layout,
        here,
        block,
        "after",
    );
    rows
}

fn takes(
    rows: &mut Vec<Row>,
    takes: &[DockerRange],
    layout: &Layout,
    here: &dyn Fn(&IpNet) -> bool,
    block: Option<Ipv4Net>,
    key: &str,
) {
    let clash = |words: &str, over: &[IpNet]| {
        let nets: Vec<String> = over.iter().take(3).map(short).collect();
        let more = if over.len() > nets.len() {
            " and more"
        } else {
            ""
        };
        if nets.is_empty() {
            String::new()
        } else {
            layout.red(&format!("{words} {}{more}", nets.join(", ")))
        }
    };
    let of = |when: When| {
        takes
            .iter()
            .filter(move |take| take.when == when && here(&take.net))
    };
    let held = of(When::Now).map(|take| {
        let name = without_control_chars(take.name.as_deref().unwrap_or_default());
        row(
            key,
            &short(&take.net),
            &format!("{name}  {}", clash("CLASHES with", &take.clashes)),
        )
    });
    some(rows, held.collect());
    // What comes after apply is said by the pools.
    let next = of(When::Next).filter(|_| key == "Docker").map(|take| {
        let whose = take.name.as_deref().unwrap_or("for a network to come");
        row(
            "next",
            &short(&take.net),
            &format!("{whose}  {}", clash("would clash with", &take.clashes)),
        )
    });
    some(rows, next.collect());
    let key = if key == "Docker" { "later" } else { key };
    let pool = |net: &str, over: &[IpNet]| {
        row(
            key,
            net,
            &format!("for networks to come  {}", clash("could clash with", over)),
        )
    };
    let pools: Vec<Row> = match block {
        None => of(When::Later)
            .map(|take| pool(&short(&take.net), &take.clashes))
            .collect(),
        Some(block) => {
            let ranges = pool_ranges(takes, block).into_iter();
            ranges
                .map(|(from, to, over)| pool(&range_in_words(block, from, to), &over))
                .collect()
        }
    };
    some(rows, pools);
}

fn row(key: &str, net: &str, words: &str) -> Row {
    (
        format!("  {key:<8}  {net:<18}  "),
        words.trim_end().to_owned(),
    )
}

fn some(rows: &mut Vec<Row>, mut all: Vec<Row>) {
    if all.len() > LISTED {
        let more = all.len() - LISTED;
        all.truncate(LISTED);
        all.push((
            "            ".to_owned(),
            format!("and {more} more; --json lists all"),
        ));
    }
    rows.append(&mut all);
}
