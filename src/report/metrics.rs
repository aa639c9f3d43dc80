//! What a check found, for Prometheus: the text format that node_exporter's textfile collector
//! reads.

use super::Report;
use crate::assess::clash::{Clash, Kind};
use crate::assess::forecast::Forecast;
use crate::facts::{DockerState, Facts};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// The most clashes with a series of their own; a fleet's addresses may make 100,000.
const MOST: usize = 50;

#[derive(Debug)]
pub struct Measured<'a> {
    pub facts: &'a Facts,
    pub report: &'a Report,
    pub forecast: &'a Forecast,
    pub at: SystemTime,
    pub took: Duration,
}

/// Each family once, with its help and type, as the format wants it.
pub fn render(measured: &Measured) -> String {
    let Measured {
        facts,
        report,
        forecast,
        ..
    } = measured;
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, samples: &[(String, String)]| {
        let _ = writeln!(
            out,
            "# HELP rebridge_{name} {help}\n# TYPE rebridge_{name} gauge"
        );
        for (labels, value) in samples {
            let _ = writeln!(out, "rebridge_{name}{labels} {value}");
        }
    };
    let plain = |value: String| [(String::new(), value)];
    gauge(
        "clashes",
        "Clashes of Docker's ranges with networks this host needs; present ones lose packets now, \
         latent ones may.",
        &counts(report, |_| true),
    );
    gauge(
        "suspected_clashes",
        "Those of them that rest on traffic alone, which may be over soon.",
        &counts(report, Clash::is_suspected),
    );
    gauge(
        "relieved_clashes",
        "Those of them that routes lead past until the next boot.",
        &counts(report, |clash| clash.relieved),
    );
    // No series twice: two files may declare the same network.
    let mut each: Vec<(String, String)> = Vec::new();
    for labels in report.clashes.iter().take(MOST).map(of_clash) {
        if each.iter().all(|(known, _)| *known != labels) {
            each.push((labels, "1".to_owned()));
        }
    }
    gauge("clash_info", "Each clash of the first 50; always 1.", &each);
    gauge(
        "docker_running",
        "Whether Docker runs.",
        &plain(bit(facts.docker.state == DockerState::Running)),
    );
    let docker0 = report.docker0_before().into_iter();
    let docker0: Vec<_> = docker0
        .map(|address| (labels(&[("address", address)]), "1".to_owned()))
        .collect();
    gauge(
        "docker0_info",
        "The address of docker0; always 1.",
        &docker0,
    );
    gauge(
        "pool_subnets",
        "Subnets that Docker's address pools hold.",
        &plain(forecast.capacity.to_string()),
    );
    gauge(
        "pool_free_subnets",
        "Subnets still free in the pools.",
        &plain(forecast.free.to_string()),
    );
    let unseen = "Things the check could not see; above 0, a clean result is not conclusive.";
    gauge("unseen", unseen, &plain(facts.unseen.len().to_string()));
    gauge(
        "interrupted",
        "Whether an apply was interrupted and is not settled yet.",
        &plain(bit(facts.interrupted)),
    );
    let at = measured
        .at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    gauge(
        "last_check_timestamp_seconds",
        "When the check ran, since 1970.",
        &plain(at.as_secs().to_string()),
    );
    let took = format!("{:.3}", measured.took.as_secs_f64());
    gauge(
        "check_duration_seconds",
        "How long the check took.",
        &plain(took),
    );
    let version = labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    gauge(
        "build_info",
        "The version of rebridge; always 1.",
        &[(version, "1".to_owned())],
    );
    out
}

/// How many clashes there are of each kind.
fn counts(report: &Report, which: impl Fn(&Clash) -> bool) -> [(String, String); 2] {
    [Kind::Present, Kind::Latent].map(|kind| {
        let clashes = report.clashes.iter();
        let count = clashes
            .filter(|clash| clash.kind == kind && which(clash))
            .count();
        (labels(&[("kind", word(kind))]), count.to_string())
    })
}

fn of_clash(clash: &Clash) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let source = serde_json::to_value(clash.with.source).unwrap_or_default();
    labels(&[
        ("kind", word(clash.kind)),
        ("network", &name(&clash.docker.network)),
        ("subnet", &clash.docker.subnet.to_string()),
        ("with", &clash.with.net.to_string()),
        ("source", source.as_str().unwrap_or_default()),
        ("dev", &name(&clash.with.dev)),
    ])
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Present => "present",
        Kind::Latent => "latent",
    }
}

fn bit(on: bool) -> String {
    u8::from(on).to_string()
}

/// `{name="value",…}`; a network's name may hold anything.
fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        assert_eq!(
            labels(&[("network", "a\"} 1\n\\")]),
            "{network=\"a\\\"} 1\\n\\\\\"}"
        );
    }
}
