//! The map as a picture for a ticket or a wiki: lanes under one another on one scale, each thing
//! with its name beside it, so that no legend is needed.

use super::bars::{
    BarStyle, CLASH, DOCKER, LEFT, Lane, RIGHT, docker_ranges, name_and_net, needed_networks, span,
};
use super::labels::{Label, Placed, place};
use super::{Map, blocks, elsewhere, size, within};
use crate::assess::address_map::{DockerRange, When};
use crate::phrases::wrap::wrap;
use crate::phrases::{and_more, first_few};
use crate::subnet::short;
use ipnet::{IpNet, Ipv4Net};
use std::cmp::Reverse;
use std::fmt::Write;

/// The picture's width.
const WIDTH: f64 = 1000.0;
/// Heights: of a lane's bar, of a row of labels.
const BAR: f64 = 22.0;
const ROW: f64 = 17.0;
/// Marks on the scale of a block.
const TICKS: u32 = 16;
/// More networks outside of all blocks are counted, not named.
const ELSEWHERE: usize = 8;

const INK: &str = "#1f2933";
const GREY: &str = "#6b7280";

/// The picture while it is drawn, from top to bottom.
struct Canvas {
    out: String,
    y: f64,
}

/// The whole picture.
pub fn render(map: &Map) -> String {
    let mut canvas = Canvas {
        out: String::new(),
        y: 40.0,
    };
    canvas.head(map);
    let (used, unused): (Vec<Ipv4Net>, Vec<Ipv4Net>) =
        blocks().partition(|block| is_used(map, *block));
    for block in used {
        canvas.block(map, block);
    }
    canvas.foot(map, &unused);
    let height = canvas.y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\" font-size=\"11\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
        escape(&map.verdict()),
        canvas.out
    )
}

fn is_used(map: &Map, block: Ipv4Net) -> bool {
    let needed = map.needed.iter().map(|need| &need.net);
    let docker = map.docker.iter().chain(map.after.iter().flatten());
    needed
        .chain(docker.map(|range| &range.net))
        .any(|net| within(block, net).is_some())
}

impl Canvas {
    fn head(&mut self, map: &Map) {
        let engine = map
            .engine
            .as_ref()
            .map(|version| format!(" (Docker {version})"))
            .unwrap_or_default();
        let title = format!("Docker and the networks this host needs{engine}");
        self.text(24.0, &title, INK, "font-size=\"19\" font-weight=\"bold\"");
        let colour = if map.clashes() { CLASH } else { DOCKER };
        for line in wrap(&format!("{}: {}", map.word(), map.verdict()), 115) {
            self.y += 22.0;
            self.text(24.0, &line, colour, "font-size=\"13\" font-weight=\"bold\"");
        }
        self.y += 14.0;
    }

    fn block(&mut self, map: &Map, block: Ipv4Net) {
        self.y += 28.0;
        let name = block.to_string();
        self.text(24.0, &name, INK, "font-size=\"14\" font-weight=\"bold\"");
        let top = self.y + 6.0;
        // The grid and the bands lie behind the rest, but how far down they go shows at the end.
        let behind = self.out.len();
        self.scale(block);
        self.y += 8.0;
        let needed = self.y;
        self.lane(
            "this host needs",
            "nothing known",
            needed_networks(map, block),
        );
        let now = self.y;
        self.lane("Docker now", "nothing", docker_ranges(&map.docker, block));
        if let Some(after) = &map.after {
            self.lane("Docker after apply", "nothing", docker_ranges(after, block));
        }
        let drawn = grid(top, self.y) + &clash_bands(map, block, needed - 3.0, now + BAR + 3.0);
        self.out.insert_str(behind, &drawn);
    }

    /// The first numbers of the addresses along the lanes.
    fn scale(&mut self, block: Ipv4Net) {
        self.y += 17.0;
        let every = if block.prefix_len() == 16 { 2 } else { 1 };
        let step = size(block) / u64::from(TICKS);
        for tick in (0..TICKS).step_by(every) {
            let first = u32::from(block.network()) + u32::try_from(step).unwrap_or_default() * tick;
            let [a, b, c, _] = first.to_be_bytes();
            let words = if block.prefix_len() == 16 {
                format!("{a}.{b}.{c}")
            } else {
                format!("{a}.{b}")
            };
            self.text(tick_at(tick) + 3.0, &words, GREY, "font-size=\"10\"");
        }
    }

    fn lane(&mut self, name: &str, when_empty: &str, lane: Lane) {
        let y = self.y;
        self.y = y + BAR - 7.0;
        self.text(24.0, name, INK, "font-size=\"12\"");
        if lane.bars.is_empty() {
            self.text(LEFT + 5.0, when_empty, GREY, "");
        }
        let _ = writeln!(
            self.out,
            "<path d=\"M{LEFT} {:.1}H{RIGHT}\" stroke=\"#9ca3af\" stroke-width=\"0.7\"/>",
            y + BAR
        );
        for bar in &lane.bars {
            let (fill, stroke, dash) = match bar.style {
                // A white edge keeps neighbours apart.
                BarStyle::Solid(colour) => (colour, "#ffffff", " stroke-width=\"0.6\""),
                BarStyle::Outline => ("#ccece8", DOCKER, ""),
                BarStyle::Dashed => ("none", DOCKER, " stroke-dasharray=\"4 3\""),
            };
            let (x, width) = (bar.from, bar.to - bar.from);
            let _ = writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" \
                 fill=\"{fill}\" stroke=\"{stroke}\"{dash}/>"
            );
        }
        self.labels(y + BAR, lane.labels);
    }

    /// Labels below a bar, each with a line that leads to what it names.
    fn labels(&mut self, below: f64, labels: Vec<Label>) {
        let (placed, left_out) = place(labels, LEFT, RIGHT);
        for one in &placed {
            self.leader(below, one);
        }
        // A white rim keeps the words readable over the lines of others. It is a text of its own,
        // under the one in ink: CairoSVG ignores `paint-order` and would hide the letters.
        if !placed.is_empty() {
            self.out += "<g fill=\"none\" stroke=\"#ffffff\" stroke-width=\"3\" \
                         stroke-linejoin=\"round\">\n";
            for one in &placed {
                self.label(below, one, "");
            }
            self.out += "</g>\n";
        }
        for one in &placed {
            let ink = format!(" fill=\"{}\"", ink(&one.label));
            self.label(below, one, &ink);
        }
        let rows = placed.iter().map(|one| one.row + 1).max();
        self.y = below + rows_height(rows.unwrap_or_default()) + 12.0;
        if left_out > 0 {
            self.text(LEFT + 5.0, &and_more(left_out), GREY, "");
            self.y += 12.0;
        }
    }

    fn leader(&mut self, below: f64, placed: &Placed) {
        let x = placed.label.x.clamp(placed.x, RIGHT) + 1.0;
        // Beside its own words, or down to them.
        let length = if placed.at_right_edge() { 5.0 } else { 16.0 };
        let end = below + rows_height(placed.row) + length;
        let colour = ink(&placed.label);
        let _ = writeln!(
            self.out,
            "<path d=\"M{x:.1} {below:.1}V{end:.1}\" stroke=\"{colour}\" stroke-width=\"0.8\"/>"
        );
    }

    fn label(&mut self, below: f64, placed: &Placed, colour: &str) {
        let (x, anchor) = if placed.at_right_edge() {
            (RIGHT, " text-anchor=\"end\"")
        } else {
            (placed.x + 5.0, "")
        };
        let y = below + rows_height(placed.row) + 14.0;
        let weight = if placed.label.clash {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\"{anchor}{weight}{colour}>{}</text>",
            escape(&placed.label.text)
        );
    }

    fn foot(&mut self, map: &Map, unused: &[Ipv4Net]) {
        self.y += 14.0;
        let needed = map.needed.iter().map(|need| need.net);
        let needed: Vec<IpNet> = needed.filter(elsewhere).collect();
        let docker = map.docker.iter().filter(|range| elsewhere(&range.net));
        let docker: Vec<&DockerRange> = docker.collect();
        let mut sentences = Vec::new();
        if !needed.is_empty() {
            let list = first_few(&needed, ELSEWHERE, short);
            sentences.push(format!("Elsewhere this host needs {list}."));
        }
        if !docker.is_empty() {
            let list = first_few(&docker, ELSEWHERE, |range| name_and_net(range));
            sentences.push(format!("Elsewhere Docker has {list}."));
        }
        if !unused.is_empty() {
            let list = first_few(unused, unused.len(), Ipv4Net::to_string);
            sentences.push(format!("Nothing is known to use {list}."));
        }
        let warnings = map.warnings.iter();
        sentences.extend(warnings.map(|warning| format!("Note: {warning}")));
        for line in sentences.iter().flat_map(|words| wrap(words, 150)) {
            self.y += 15.0;
            self.text(24.0, &line, GREY, "");
        }
    }

    fn text(&mut self, x: f64, words: &str, colour: &str, style: &str) {
        let words = escape(words);
        let _ = writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\" {style}>{words}</text>",
            self.y
        );
    }
}

fn ink(label: &Label) -> &'static str {
    if label.clash { CLASH } else { INK }
}

fn rows_height(rows: usize) -> f64 {
    // The number of rows is small.
    #[allow(clippy::cast_precision_loss)]
    let rows = rows as f64;
    rows * ROW
}

fn tick_at(tick: u32) -> f64 {
    LEFT + (RIGHT - LEFT) * f64::from(tick) / f64::from(TICKS)
}

fn grid(top: f64, bottom: f64) -> String {
    let lines: String = (0..=TICKS)
        .map(|tick| format!("M{:.1} {top:.1}V{bottom:.1}", tick_at(tick)))
        .collect();
    format!("<path d=\"{lines}\" stroke=\"#e5e7eb\"/>\n")
}

/// A red band where a need and a network of Docker's meet, a yellow one where they may.
fn clash_bands(map: &Map, block: Ipv4Net, top: f64, bottom: f64) -> String {
    // The pools say the same as the next networks, which come from them.
    let mut ranges: Vec<&DockerRange> = map
        .docker
        .iter()
        .filter(|range| range.when != When::Next)
        .collect();
    // Red lies over yellow.
    ranges.sort_by_key(|range| Reverse(range.when));
    let mut bands = String::new();
    for range in ranges {
        let colour = if range.when == When::Now {
            "#fbd5d5"
        } else {
            "#fdeac8"
        };
        for (from, to) in range.shared.iter().filter_map(|net| span(block, net)) {
            let _ = writeln!(
                bands,
                "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill=\"{colour}\"/>",
                from - 2.0,
                to - from + 4.0,
                bottom - top
            );
        }
    }
    bands
}

/// Names of networks and files are anybody's; XML knows neither control characters nor the last two
/// of the first plane.
fn escape(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            control if control.is_control() => out.push('?'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::assess::address_map::NeededNetwork;
    use crate::facts::Source;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    /// docker0 and a network of that name over what this host needs; the needed networks outside of
    /// all blocks besides.
    fn map(name: &str, elsewhere: &[&str]) -> Map {
        let needed = ["172.17.0.0/16"].iter().chain(elsewhere).map(|needed| {
            let (net, source) = (net(needed), Source::Declared);
            let what = "declared by --avoid".to_owned();
            NeededNetwork {
                net,
                source,
                what,
                to_come: false,
            }
        });
        let docker = ["docker0", name].map(|name| DockerRange {
            relieved: false,
            name: Some(name.to_owned()),
            clashes: vec![net("172.17.0.0/16")],
            shared: vec![net("172.17.0.0/16")],
            net: net("172.17.0.0/16"),
            when: When::Now,
        });
        Map {
            schema: 1,
            engine: None,
            needed: needed.collect(),
            docker: docker.to_vec(),
            after: None,
            warnings: Vec::new(),
        }
    }

    /// Place, look and words of a label without its ink.
    fn without_ink(line: &str) -> String {
        let (before, rest) = line
            .split_once(" fill=\"")
            .unwrap_or_else(|| panic!("{line}"));
        format!("{before}{}", rest.split_once('"').unwrap().1)
    }

    #[test]
    fn letters_lie_over_their_rim_in_every_viewer() {
        let picture = render(&map("shop", &[]));
        assert!(!picture.contains("paint-order"));
        let mut rims: Vec<&str> = Vec::new();
        let mut in_rims = false;
        for line in picture.lines() {
            match line {
                _ if line.starts_with("<g ") => in_rims = line.contains("stroke-width"),
                "</g>" => in_rims = false,
                _ if !line.starts_with("<text") => {}
                _ if in_rims => rims.push(line),
                _ => {
                    assert!(!line.contains("stroke"), "{line}");
                    let ink = without_ink(line);
                    rims.retain(|rim| *rim != ink);
                }
            }
        }
        assert!(rims.is_empty(), "hidden by their rims: {rims:?}");
        let labels = picture.matches("CLASH with 172.17.0.0/16").count();
        assert_eq!(labels, 4, "two labels, each a rim and ink: {picture}");
    }

    #[test]
    fn a_name_from_outside_cannot_break_the_picture() {
        let picture = render(&map("</svg>\u{ffff}\u{1b}&", &[]));
        assert_eq!(picture.matches("</svg>").count(), 1);
        assert!(picture.contains("&lt;/svg&gt;??&amp; 172.17.0.0/16"));
    }

    #[test]
    fn what_has_no_place_is_counted() {
        let many: Vec<String> = (1..=12).map(|n| format!("9.{n}.0.0/16")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let picture = render(&map("shop", &many));
        assert!(picture.contains("9.8.0.0/16 and 4 more."), "{picture}");
    }
}
