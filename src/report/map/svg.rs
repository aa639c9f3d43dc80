//! The map as a picture for a ticket or a wiki: lanes under one another on one scale, each thing
//! with its name beside it, so that no legend is needed.

use super::bars::{Bar, CLASH, DOCKER, LEFT, Look, RIGHT, in_words, needs, span, takes};
use super::labels::{Label, place};
use super::{Map, blocks, width, within};
use crate::assess::address_map::{DockerRange, When};
use crate::subnet::short;
use ipnet::Ipv4Net;
use std::fmt::Write;

/// The picture's width.
const WIDTH: f64 = 1000.0;
/// Heights: of a lane's bar, of a row of labels.
const BAR: f64 = 22.0;
const ROW: f64 = 17.0;

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
    let mut empty = Vec::new();
    for block in blocks() {
        let used = |net: &ipnet::IpNet| within(block, net).is_some();
        let docker = map.docker.iter().chain(map.after.iter().flatten());
        if map
            .needed
            .iter()
            .map(|need| &need.net)
            .chain(docker.map(|take| &take.net))
            .any(used)
        {
            canvas.block(map, block);
        } else {
            empty.push(block.to_string());
        }
    }
    canvas.foot(map, &empty);
    let height = canvas.y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" font-family=\"DejaVu Sans, Verdana, sans-serif\" font-size=\"11\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
        escape(&map.verdict()),
        canvas.out
    )
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
        for line in lines(&format!("{}: {}", map.word(), map.verdict()), 115) {
            self.y += 22.0;
            self.text(24.0, &line, colour, "font-size=\"13\" font-weight=\"bold\"");
        }
        self.y += 14.0;
    }

    fn block(&mut self, map: &Map, block: Ipv4Net) {
        self.y += 28.0;
        self.text(
            24.0,
            &block.to_string(),
            INK,
            "font-size=\"14\" font-weight=\"bold\"",
        );
        let top = self.y + 6.0;
        let grid = self.out.len();
        self.scale(block);
        self.y += 8.0;
        let needed = self.y;
        let (bars, labels) = needs(map, block);
        self.lane("this host needs", &bars, labels);
        let now = self.y;
        let (bars, labels) = takes(&map.docker, block);
        self.lane("Docker now", &bars, labels);
        if let Some(after) = &map.after {
            let (bars, labels) = takes(after, block);
            self.lane("Docker after apply", &bars, labels);
        }
        // Behind everything: the grid, and a red band where a need and Docker meet.
        let mut behind = String::new();
        for tick in 0..=16u32 {
            let x = LEFT + (RIGHT - LEFT) * f64::from(tick) / 16.0;
            let _ = writeln!(
                behind,
                "<path d=\"M{x:.1} {top:.1}V{:.1}\" stroke=\"#e5e7eb\"/>",
                self.y
            );
        }
        // Of the next networks the pools say the same.
        let mut takes: Vec<&DockerRange> = map
            .docker
            .iter()
            .filter(|take| take.when != When::Next)
            .collect();
        takes.sort_by_key(|take| std::cmp::Reverse(take.when));
        let shared = takes
            .into_iter()
            .flat_map(|take| take.shared.iter().map(move |net| (take.when, net)));
        for (when, (from, to)) in shared.filter_map(|(when, net)| Some((when, span(block, net)?))) {
            let (from, to) = (from - 2.0, to + 2.0);
            let colour = if when == When::Now {
                "#fbd5d5"
            } else {
                "#fdeac8"
            };
            let _ = writeln!(
                behind,
                "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill=\"{colour}\"/>",
                needed - 3.0,
                to - from,
                now + BAR + 6.0 - needed
            );
        }
        self.out.insert_str(grid, &behind);
    }

    /// The first numbers of the addresses along the lanes.
    fn scale(&mut self, block: Ipv4Net) {
        self.y += 17.0;
        let every = if block.prefix_len() == 16 { 2 } else { 1 };
        let step = width(block) / 16;
        for tick in (0..16u32).step_by(every) {
            let first = u32::from(block.network()) + u32::try_from(step).unwrap_or_default() * tick;
            let [a, b, c, _] = first.to_be_bytes();
            let words = if block.prefix_len() == 16 {
                format!("{a}.{b}.{c}")
            } else {
                format!("{a}.{b}")
            };
            let x = LEFT + (RIGHT - LEFT) * f64::from(tick) / 16.0;
            self.text(x + 3.0, &words, GREY, "font-size=\"10\"");
        }
    }

    fn lane(&mut self, name: &str, bars: &[Bar], labels: Vec<Label>) {
        let y = self.y;
        self.y = y + BAR - 7.0;
        self.text(24.0, name, INK, "font-size=\"12\"");
        if bars.is_empty() {
            self.text(
                LEFT + 5.0,
                if name.starts_with("Docker") {
                    "nothing"
                } else {
                    "nothing known"
                },
                GREY,
                "",
            );
        }
        let _ = writeln!(
            self.out,
            "<path d=\"M{LEFT} {:.1}H{RIGHT}\" stroke=\"#9ca3af\" stroke-width=\"0.7\"/>",
            y + BAR
        );
        for bar in bars {
            let (fill, stroke, dash) = match bar.look {
                // A white edge keeps neighbours apart.
                Look::Solid(colour) => (colour, "#ffffff", " stroke-width=\"0.6\""),
                Look::Outline => ("#ccece8", DOCKER, ""),
                Look::Dashed => ("none", DOCKER, " stroke-dasharray=\"4 3\""),
            };
            let (x, wide) = (bar.from, bar.to - bar.from);
            let _ = writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{BAR}\" \
                 fill=\"{fill}\" stroke=\"{stroke}\"{dash}/>"
            );
        }
        self.labels(y + BAR, labels);
    }

    /// Labels below a bar, each with a line that leads to what it names.
    fn labels(&mut self, below: f64, labels: Vec<Label>) {
        let (placed, left_out) = place(labels, LEFT, RIGHT);
        // The number of rows is small.
        #[allow(clippy::cast_precision_loss)]
        let row = |number: usize| below + ROW * number as f64;
        let rows = placed
            .iter()
            .map(|one| one.row + 1)
            .max()
            .unwrap_or_default();
        let colour = |label: &Label| if label.clash { CLASH } else { INK };
        for one in &placed {
            let x = one.points_at.clamp(one.label.x, RIGHT) + 1.0;
            // Beside its own words, or down to them.
            let end = row(one.row)
                + if one.points_at > one.label.x {
                    5.0
                } else {
                    16.0
                };
            let colour = colour(&one.label);
            let _ = writeln!(
                self.out,
                "<path d=\"M{x:.1} {below:.1}V{end:.1}\" stroke=\"{colour}\" stroke-width=\"0.8\"/>"
            );
        }
        for one in &placed {
            self.y = row(one.row) + 14.0;
            let weight = if one.label.clash { "bold" } else { "normal" };
            // A white rim keeps the words readable over the lines of others.
            let style = format!(
                "font-weight=\"{weight}\" paint-order=\"stroke\" stroke=\"#ffffff\" \
                 stroke-width=\"3\""
            );
            self.text(
                one.label.x + 5.0,
                &one.label.text,
                colour(&one.label),
                &style,
            );
        }
        self.y = row(rows) + 12.0;
        if left_out > 0 {
            self.text(LEFT + 5.0, &format!("and {left_out} more"), GREY, "");
            self.y += 12.0;
        }
    }

    fn foot(&mut self, map: &Map, empty: &[String]) {
        self.y += 14.0;
        let elsewhere: Vec<String> = map
            .needed
            .iter()
            .filter(|need| map.elsewhere(&need.net))
            .take(8)
            .map(|need| short(&need.net))
            .collect();
        let docker: Vec<String> = map
            .docker
            .iter()
            .filter(|take| map.elsewhere(&take.net))
            .map(in_words)
            .collect();
        let mut words = Vec::new();
        if !elsewhere.is_empty() {
            words.push(format!(
                "Elsewhere this host needs {}.",
                elsewhere.join(", ")
            ));
        }
        if !docker.is_empty() {
            words.push(format!("Elsewhere Docker has {}.", docker.join(", ")));
        }
        if !empty.is_empty() {
            words.push(format!("Nothing is known to use {}.", empty.join(", ")));
        }
        words.extend(map.warnings.iter().cloned());
        for line in words.iter().flat_map(|words| lines(words, 150)) {
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

fn lines(words: &str, longest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= longest => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Names of networks and files are anybody's; XML knows no control characters.
fn escape(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() => out.push('?'),
            other => out.push(other),
        }
    }
    out
}
