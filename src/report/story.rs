//! A story for a person: the answer first, then its parts.

use super::page::{Page, ascii, tame};
use crate::assess::story::Story;

/// The whole text.
pub fn render(story: &Story, page: &Page) -> String {
    let mut out = page.paragraph("", &page.bold(&tame(&story.answer)));
    for part in &story.parts {
        out += &format!("\n{}\n", page.bold(part.title));
        out.extend(part.lines.iter().map(|line| page.paragraph("  - ", &tame(line))));
    }
    if page.unicode { out } else { ascii(&out) }
}
