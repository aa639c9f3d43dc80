//! The forecast for a person: headroom first, then the next subnets with what would be wrong with each.

use super::page::{Page, ascii, tame};
use crate::assess::forecast::Forecast;
use std::fmt::Write;

/// The whole text.
pub fn render(forecast: &Forecast, page: &Page) -> String {
    let mut out = String::new();
    let engine =
        forecast.engine.as_deref().map_or("Docker (27 or later)".to_owned(), |version| format!("Docker {version}"));
    let _ = writeln!(out, "{engine}: {} of {} subnets of its address pools are free", forecast.free, forecast.capacity);
    match forecast.first_clash {
        Some(subnet) => {
            let _ = writeln!(out, "{}: {subnet} comes next that would clash", page.red("clashing"));
        }
        None if forecast.subnets.is_empty() => {
            let _ = writeln!(out, "{}: the next network cannot be made", page.red("used up"));
        }
        None => {
            let _ = writeln!(out, "{}: none of the next {} would clash", page.green("clean"), forecast.subnets.len());
        }
    }
    if !forecast.subnets.is_empty() {
        let _ = writeln!(out, "\n{}", page.bold("Next"));
    }
    for (next, number) in forecast.subnets.iter().zip(1..) {
        let whose = if next.network.is_some() { "  docker0" } else { "" };
        let over = next.clash.as_ref().map(|clash| format!("  {} {}", page.red("over"), clash.with.describe()));
        let first = format!("  {number:>3}  {:<18}", next.subnet.to_string());
        out += &page.paragraph(&first, &tame(&format!("{whose}{}", over.unwrap_or_default())));
    }
    if !forecast.subnets.is_empty() && (forecast.subnets.len() as u64) == forecast.free {
        let _ = writeln!(out, "       then the pools are used up");
    }
    if !forecast.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", page.bold("Please note"));
        for warning in &forecast.warnings {
            out += &page.paragraph("  - ", &tame(warning));
        }
    }
    if page.unicode { out } else { ascii(&out) }
}
