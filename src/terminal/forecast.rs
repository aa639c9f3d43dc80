//! The forecast for a person: how many subnets are free, then the next ones, each with its clash.

use super::layout::{Layout, ascii, without_control_chars};
use crate::assess::forecast::Forecast;
use std::fmt::Write;

pub fn render(forecast: &Forecast, layout: &Layout) -> String {
    let mut out = String::new();
    let engine = forecast
        .engine
        .as_deref()
        .map_or("Docker (27 or later)".to_owned(), |version| {
            format!("Docker {version}")
        });
    let _ = writeln!(
        out,
        "{engine}: {} of {} subnets of its address pools are free",
        forecast.free, forecast.capacity
    );
    match forecast.first_clash {
        Some(subnet) => {
            let _ = writeln!(
                out,
                "{}: the first subnet that would clash is {subnet}",
                layout.red("clashing")
            );
        }
        None if forecast.subnets.is_empty() => {
            let _ = writeln!(
                out,
                "{}: Docker cannot create another network",
                layout.red("used up")
            );
        }
        None => {
            let _ = writeln!(
                out,
                "{}: none of the next {} would clash",
                layout.green("clean"),
                forecast.subnets.len()
            );
        }
    }
    if !forecast.subnets.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Next"));
    }
    for (next, number) in forecast.subnets.iter().zip(1..) {
        let whose = if next.network.is_some() {
            "  docker0"
        } else {
            ""
        };
        let over = next
            .clash
            .as_ref()
            .map(|clash| format!("  {} {}", layout.red("over"), clash.with.describe()));
        let first = format!("  {number:>3}  {:<18}", next.subnet.to_string());
        out += &layout.paragraph(
            &first,
            &without_control_chars(&format!("{whose}{}", over.unwrap_or_default())),
        );
    }
    if !forecast.subnets.is_empty() && (forecast.subnets.len() as u64) == forecast.free {
        let _ = writeln!(out, "       then the pools are used up");
    }
    if !forecast.warnings.is_empty() {
        let _ = writeln!(out, "\n{}", layout.bold("Please note"));
        for warning in &forecast.warnings {
            out += &layout.paragraph("  - ", &without_control_chars(warning));
        }
    }
    if layout.unicode { out } else { ascii(&out) }
}
