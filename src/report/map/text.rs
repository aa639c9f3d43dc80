//! The map in the terminal: a bar a block, in letters that mean the same without colour, and a list that names what
//! the bars show.

use super::{Map, blocks, kind, pool_ranges, range_in_words, short, width, within};
use crate::assess::chart::{Take, When};
use crate::report::page::Page;
use ipnet::{IpNet, Ipv4Net};
use std::fmt::Write;

/// Columns of a bar. A power of two: then a column is a network.
const COLUMNS: usize = 64;
/// More lines of a kind than this are counted, not listed.
const LISTED: usize = 8;
/// A line is no longer than this.
const WIDTH: usize = 80;
/// Where the words of a listed line begin.
const HANG: usize = 32;

/// The whole text.
pub fn render(map: &Map, page: Page) -> String {
    let mut out = String::new();
    let word = if map.clashes() { page.red(map.word()) } else { page.green(map.word()) };
    wrap(&mut out, &format!("{word}: {}", map.verdict()), 0);
    let mut empty = Vec::new();
    for block in blocks() {
        let rows = listed(map, page, &|net| within(block, net).is_some(), Some(block));
        if rows.is_empty() {
            empty.push(block.to_string());
            continue;
        }
        bars(&mut out, map, block, page);
        rows.iter().for_each(|row| wrap(&mut out, row, HANG));
    }
    let elsewhere = listed(map, page, &|net| map.elsewhere(net), None);
    if !elsewhere.is_empty() {
        let _ = writeln!(out, "\n{}", page.bold("Elsewhere"));
        elsewhere.iter().for_each(|row| wrap(&mut out, row, HANG));
    }
    if !empty.is_empty() {
        let _ = writeln!(out, "\nNothing is known to use {}.", empty.join(", "));
    }
    if !map.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", page.bold("Please note"));
        map.warnings.iter().for_each(|warning| wrap(&mut out, &format!("  {warning}"), 2));
    }
    out
}

fn bars(out: &mut String, map: &Map, block: Ipv4Net, page: Page) {
    let column = block.prefix_len() + 6;
    let _ = writeln!(out, "\n{} each column is a /{column}", page.bold(&format!("{block},")));
    let _ = writeln!(out, "          {}", scale(block));
    let mut needs: Vec<(IpNet, char)> = map.needed.iter().map(|need| (need.net, initial(kind(need.source)))).collect();
    // The narrower is drawn over the wider.
    needs.sort_by_key(|(net, _)| net.prefix_len());
    let _ = writeln!(out, "  needed  {}", coloured(&lane(block, &needs), page));
    let _ = writeln!(out, "  Docker  {}", coloured(&lane(block, &letters(&map.docker)), page));
    clash_bar(out, block, &map.docker, page);
    if let Some(after) = &map.after {
        let _ = writeln!(out, "  after   {}", coloured(&lane(block, &letters(after)), page));
        clash_bar(out, block, after, page);
    }
}

fn clash_bar(out: &mut String, block: Ipv4Net, takes: &[Take], page: Page) {
    let clashes = lane(block, &marks(takes));
    if clashes.contains(['!', '?']) {
        let bar = clashes.replace('.', " ");
        let _ = writeln!(out, "  {}   {}", page.red("clash"), page.red(bar.trim_end()));
    }
}

/// The numbers over a bar, each at the column where its network begins.
fn scale(block: Ipv4Net) -> String {
    let [_, second, third, _] = block.network().octets();
    let (from, step) = match block.prefix_len() {
        8 => (u16::from(second), 16),
        16 => (u16::from(third), 16),
        12 => (u16::from(second), 1),
        _ => (u16::from(second), 4),
    };
    (0..16).map(|tick| format!("{:<4}", from + tick * step)).collect::<String>().trim_end().to_owned()
}

fn initial(word: &str) -> char {
    word.chars().next().unwrap_or(' ')
}

fn letters(takes: &[Take]) -> Vec<(IpNet, char)> {
    let letter = |when: When| match when {
        When::Now => 'D',
        When::Next => 'n',
        When::Later => 'l',
    };
    let mut letters: Vec<(When, IpNet, char)> =
        takes.iter().map(|take| (take.when, take.net, letter(take.when))).collect();
    letters.sort_by_key(|(when, net, _)| (std::cmp::Reverse(*when), net.prefix_len()));
    letters.into_iter().map(|(_, net, letter)| (net, letter)).collect()
}

fn marks(takes: &[Take]) -> Vec<(IpNet, char)> {
    let mark = |when: When| if when == When::Now { '!' } else { '?' };
    let mut marks: Vec<(IpNet, char)> =
        takes.iter().flat_map(|take| take.shared.iter().map(move |net| (*net, mark(take.when)))).collect();
    marks.sort_by_key(|(_, mark)| *mark == '!');
    marks
}

/// A bar: each network's letter in every column it touches, the later over the earlier.
fn lane(block: Ipv4Net, nets: &[(IpNet, char)]) -> String {
    let mut columns = vec!['.'; COLUMNS];
    let step = width(block) / COLUMNS as u64;
    for (from, to, letter) in nets.iter().filter_map(|(net, letter)| within(block, net).map(|(a, b)| (a, b, *letter))) {
        let place = |at: u64| usize::try_from(at / step).unwrap_or(COLUMNS);
        if let Some(touched) = columns.get_mut(place(from)..=place(to)) {
            touched.fill(letter);
        }
    }
    columns.into_iter().collect()
}

/// The letters say it all; colours make them easier to find.
fn coloured(bar: &str, page: Page) -> String {
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
        out.push_str(&page.paint(code, run));
        rest = after;
    }
    out
}

/// What lies in a place, a line each.
fn listed(map: &Map, page: Page, here: &dyn Fn(&IpNet) -> bool, block: Option<Ipv4Net>) -> Vec<String> {
    let mut rows = Vec::new();
    let needs = map.needed.iter().filter(|need| here(&need.net));
    some(&mut rows, needs.map(|need| row(kind(need.source), &short(&need.net), &need.what)).collect());
    takes(&mut rows, &map.docker, page, here, block, "Docker");
    takes(&mut rows, map.after.as_deref().unwrap_or_default(), page, here, block, "after");
    rows
}

fn takes(
    rows: &mut Vec<String>,
    takes: &[Take],
    page: Page,
    here: &dyn Fn(&IpNet) -> bool,
    block: Option<Ipv4Net>,
    key: &str,
) {
    let clash = |words: &str, over: &[IpNet]| {
        let nets: Vec<String> = over.iter().take(3).map(short).collect();
        let more = if over.len() > nets.len() { " and more" } else { "" };
        if nets.is_empty() { String::new() } else { page.red(&format!("{words} {}{more}", nets.join(", "))) }
    };
    let of = |when: When| takes.iter().filter(move |take| take.when == when && here(&take.net));
    let held = of(When::Now).map(|take| {
        let name = take.name.as_deref().unwrap_or_default();
        row(key, &short(&take.net), &format!("{name}  {}", clash("CLASHES with", &take.clashes)))
    });
    some(rows, held.collect());
    // What comes after apply is said by the pools.
    let next = of(When::Next).filter(|_| key == "Docker").map(|take| {
        let whose = take.name.as_deref().unwrap_or("for a network to come");
        row("next", &short(&take.net), &format!("{whose}  {}", clash("would clash with", &take.clashes)))
    });
    some(rows, next.collect());
    let key = if key == "Docker" { "later" } else { key };
    let pool = |net: &str, over: &[IpNet]| {
        row(key, net, &format!("for networks to come  {}", clash("could clash with", over)))
    };
    let pools: Vec<String> = match block {
        None => of(When::Later).map(|take| pool(&short(&take.net), &take.clashes)).collect(),
        Some(block) => {
            let ranges = pool_ranges(takes, block).into_iter();
            ranges.map(|(from, to, over)| pool(&range_in_words(block, from, to), &over)).collect()
        }
    };
    some(rows, pools);
}

fn row(key: &str, net: &str, words: &str) -> String {
    format!("  {key:<8}  {net:<18}  {}", words.trim_end())
}

fn some(rows: &mut Vec<String>, mut all: Vec<String>) {
    if all.len() > LISTED {
        let more = all.len() - LISTED;
        all.truncate(LISTED);
        all.push(format!("{:12}and {more} more; --json lists all", ""));
    }
    rows.append(&mut all);
}

/// A line, broken between words where it is too long. Colours have no width.
fn wrap(out: &mut String, line: &str, hang: usize) {
    let mut at = 0;
    let mut colour = false;
    for (number, word) in line.split(' ').enumerate() {
        let mut shown = 0;
        for letter in word.chars() {
            match letter {
                '\u{1b}' => colour = true,
                'm' if colour => colour = false,
                _ if colour => {}
                _ => shown += 1,
            }
        }
        if number > 0 && at + 1 + shown > WIDTH && at > hang && shown > 0 {
            let _ = write!(out, "\n{:hang$}", "");
            at = hang;
        } else if number > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += shown;
    }
    out.push('\n');
}
