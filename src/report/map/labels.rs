//! Where labels of a lane go so that none lies over another: into the first row below the lane with
//! room for them.

use crate::phrases::wrap::{cut, width_of};

/// So many rows at most; what finds no room is counted.
pub const ROWS: usize = 5;

/// Columns of a label; more would not fit beside the names of the lanes.
const LONGEST: usize = 115;

#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Where the thing it names begins.
    pub x: f64,
    pub text: String,
    /// Whether it names a clash: those are placed first.
    pub clash: bool,
}

impl Label {
    pub fn new(x: f64, text: &str, clash: bool) -> Label {
        Label {
            x,
            text: cut(text, LONGEST),
            clash,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub label: Label,
    /// Where the text begins.
    pub x: f64,
    /// Counted from 0.
    pub row: usize,
}

impl Placed {
    /// Whether the edge of the lanes keeps it from beginning where the thing it names does.
    pub fn at_right_edge(&self) -> bool {
        self.x < self.label.x
    }
}

/// An estimate of how wide a text is drawn, rather too wide than too narrow: the viewer chooses the
/// font.
pub fn drawn_width(text: &str) -> f64 {
    // Lengths are far below what a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let columns = width_of(text) as f64;
    columns * 6.9 + 12.0
}

/// Places the labels between two edges. Also says how many found no room; a clash is the last to
/// find none.
pub fn place(mut labels: Vec<Label>, left: f64, right: f64) -> (Vec<Placed>, usize) {
    // From right to left: then the lines that lead to lower rows pass left of the words above. What
    // begins left of the thing it names comes last for the same reason.
    labels.sort_by(|a, b| {
        let is_moved = |label: &Label| begin(label, left, right) < label.x;
        is_moved(a).cmp(&is_moved(b)).then(b.x.total_cmp(&a.x))
    });
    let all = labels.len();
    let placed = fill(labels.clone(), left, right);
    if placed.len() == all {
        return (placed, 0);
    }
    labels.sort_by_key(|label| !label.clash);
    let placed = fill(labels, left, right);
    let left_out = all - placed.len();
    (placed, left_out)
}

fn fill(labels: Vec<Label>, left: f64, right: f64) -> Vec<Placed> {
    let mut rows: Vec<Vec<(f64, f64)>> = vec![Vec::new(); ROWS];
    let mut placed = Vec::new();
    for label in labels {
        let x = begin(&label, left, right);
        let span = (x, x + drawn_width(&label.text));
        if let Some((row, taken)) = rows
            .iter_mut()
            .enumerate()
            .find(|(_, taken)| is_free(taken, span))
        {
            taken.push(span);
            placed.push(Placed { label, x, row });
        }
    }
    placed
}

fn begin(label: &Label, left: f64, right: f64) -> f64 {
    label.x.min(right - drawn_width(&label.text)).max(left)
}

fn is_free(taken: &[(f64, f64)], (from, to): (f64, f64)) -> bool {
    taken
        .iter()
        .all(|(begins, ends)| to <= *begins || *ends <= from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn no_label_lies_over_another_and_what_finds_no_room_is_counted() {
        let labels: Vec<Label> = (0..40u8)
            .map(|n| {
                Label::new(
                    f64::from(n) * 20.0,
                    &format!("10.{n}.0.0/16 route"),
                    n == 39,
                )
            })
            .collect();
        let (placed, left_out) = place(labels, 0.0, 800.0);
        assert_eq!(placed.len() + left_out, 40);
        assert!(left_out > 0 && placed.len() > 10);
        assert!(
            placed[0].label.clash && placed[0].row == 0,
            "a clash is never the one left out"
        );
        for (at, one) in placed.iter().enumerate() {
            let end = one.x + drawn_width(&one.label.text);
            assert!(one.x >= 0.0 && end <= 800.0);
            for other in &placed[at + 1..] {
                let apart = end <= other.x || other.x + drawn_width(&other.label.text) <= one.x;
                assert!(apart || one.row != other.row, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn wide_names_get_the_room_they_need() {
        let wide = Label::new(0.0, "网络网络网络网络网络", false);
        let narrow = Label::new(100.0, "172.18.0.0/16", false);
        let (placed, left_out) = place(vec![wide, narrow], 0.0, 800.0);
        assert_eq!(left_out, 0);
        assert_ne!(placed[0].row, placed[1].row, "{placed:?}");
        assert_eq!(
            Label::new(0.0, &"网".repeat(200), true)
                .text
                .chars()
                .count(),
            59
        );
    }
}
