//! Where labels of a lane go so that none lies over another: into the first row below the lane with
//! room for them.

/// So many rows at most; what finds no room is counted.
pub const ROWS: usize = 5;

/// A label to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Where what it names begins.
    pub x: f64,
    /// Its words.
    pub text: String,
    /// Whether it speaks of a clash: those are placed first.
    pub clash: bool,
}

/// A label in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The label; its x is where the text begins.
    pub label: Label,
    /// Where what it names is.
    pub points_at: f64,
    /// The row, from 0.
    pub row: usize,
}

/// How wide a text is, about, and rather too wide.
pub fn width(text: &str) -> f64 {
    // Lengths are far below what a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let letters = text.chars().count() as f64;
    letters * 6.9 + 12.0
}

/// Places the labels between two edges. Also says how many found no room; a clash is the last to
/// find none.
pub fn place(mut labels: Vec<Label>, left: f64, right: f64) -> (Vec<Placed>, usize) {
    // From right to left: then the lines that lead to lower rows pass left of the words above.
    labels.sort_by(|a, b| b.x.total_cmp(&a.x));
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
    let mut taken: Vec<Vec<(f64, f64)>> = vec![Vec::new(); ROWS];
    let mut placed = Vec::new();
    for mut label in labels {
        let wide = width(&label.text);
        let points_at = label.x;
        label.x = label.x.min(right - wide).max(left);
        let span = (label.x, label.x + wide);
        let free = |row: &[(f64, f64)]| {
            row.iter()
                .all(|other| span.1 <= other.0 || other.1 <= span.0)
        };
        if let Some((spans, row)) = taken.iter_mut().zip(0..).find(|(row, _)| free(row)) {
            spans.push(span);
            placed.push(Placed {
                label,
                points_at,
                row,
            });
        }
    }
    placed
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn no_label_lies_over_another_and_what_finds_no_room_is_counted() {
        let labels: Vec<Label> = (0..40u8)
            .map(|n| Label {
                x: f64::from(n) * 20.0,
                text: format!("10.{n}.0.0/16 route"),
                clash: n == 39,
            })
            .collect();
        let (placed, left_out) = place(labels, 0.0, 800.0);
        assert_eq!(placed.len() + left_out, 40);
        assert!(left_out > 0 && placed.len() > 10);
        assert!(
            placed[0].label.clash && placed[0].row == 0,
            "a clash is never the one left out"
        );
        for (a, one) in placed.iter().enumerate() {
            let end = one.label.x + width(&one.label.text);
            assert!(one.label.x >= 0.0 && end <= 800.0);
            for other in &placed[a + 1..] {
                let apart =
                    end <= other.label.x || other.label.x + width(&other.label.text) <= one.label.x;
                assert!(apart || one.row != other.row, "{one:?} {other:?}");
            }
        }
    }
}
