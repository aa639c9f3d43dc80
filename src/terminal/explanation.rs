//! An explanation for a person: the answer first, then its parts.

use super::layout::{Layout, ascii, without_control_chars};
use crate::report::explanation::Explanation;

pub fn render(explanation: &Explanation, layout: &Layout) -> String {
    let mut out = layout.paragraph(
        "",
        &layout.bold(&without_control_chars(&explanation.answer)),
    );
    for part in &explanation.parts {
        out += &format!("\n{}\n", layout.bold(part.title));
        out.extend(
            part.lines
                .iter()
                .map(|line| layout.paragraph("  - ", &without_control_chars(line))),
        );
    }
    if layout.unicode { out } else { ascii(&out) }
}
