//! What `watch` says when the set of clashes changes.

use super::Report;
use crate::assess::clash::{Clash, Kind};
use serde::Serialize;
use std::time::SystemTime;

/// A report, and how it differs from the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct News {
    #[serde(flatten)]
    pub report: Report,
    /// When rebridge looked, in UTC.
    pub at: String,
    /// The clashes that were not there before; all of them at the first look.
    pub appeared: Vec<Clash>,
    /// The clashes that are no longer there.
    pub gone: Vec<Clash>,
    #[serde(skip)]
    pub is_first: bool,
}

impl News {
    /// `known` is what clashed at the last look, if there was one.
    pub fn of(known: Option<&[Clash]>, report: Report, at: SystemTime) -> News {
        let before = known.unwrap_or_default();
        News {
            appeared: missing_in(before, &report.clashes),
            gone: missing_in(&report.clashes, before),
            at: humantime::format_rfc3339_seconds(at).to_string(),
            is_first: known.is_none(),
            report,
        }
    }

    /// As one line.
    pub fn json(&self) -> String {
        // Strings, numbers and lists always become JSON.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Whether the clashes are others than those that are known.
pub fn is_news(known: Option<&[Clash]>, clashes: &[Clash]) -> bool {
    known.is_none_or(|known| {
        !missing_in(known, clashes).is_empty() || !missing_in(clashes, known).is_empty()
    })
}

fn missing_in(these: &[Clash], of: &[Clash]) -> Vec<Clash> {
    let missing = of.iter().filter(|clash| {
        let mut these = these.iter();
        !these.any(|other| is_the_same(clash, other))
    });
    missing.cloned().collect()
}

/// Whether two looks saw the same clash. What it is like may differ: which subnet the pools would
/// hand out first, how often an address was called.
fn is_the_same(a: &Clash, b: &Clash) -> bool {
    let of_pools = a.kind == Kind::Latent && a.docker.network.is_none();
    a.kind == b.kind
        && a.loser == b.loser
        && a.docker.network == b.docker.network
        && (a.docker.subnet == b.docker.subnet || of_pools)
        && a.with.net == b.with.net
        && a.with.source == b.with.source
        && a.with.dev == b.with.dev
        && a.with.table == b.with.table
        && a.relieved == b.relieved
        && a.led_astray == b.led_astray
}
