//! How fast rebridge looks and judges, always beside a floor measured in the same run: what a
//! program must at least do, doing nothing else. Ratios, not seconds: they mean the same on every
//! machine.
//!
//! `make bench` runs all of it. `bench NAME` runs one part; the parts that need a host make one and throw it away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(clippy::print_stdout, missing_docs)]

mod configured;
#[path = "../tests/common/fleet.rs"]
#[allow(dead_code)]
mod crowd;
mod downtime;
mod fleet;
mod floor;
mod judge;
mod pair;
mod relief;
mod stage;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            judge::table();
            fleet::growing();
            stage::full_table();
            stage::typical_host();
            stage::without_docker();
            configured::beside_none();
            downtime::beside_a_bare_restart();
            relief::beside_a_restart();
        }
        ["judge"] => judge::table(),
        ["fleet"] => fleet::growing(),
        ["full-table"] => stage::full_table(),
        ["typical-host"] => stage::typical_host(),
        ["without-docker"] => stage::without_docker(),
        ["configured"] => configured::beside_none(),
        ["downtime"] => downtime::beside_a_bare_restart(),
        ["relief"] => relief::beside_a_restart(),
        // The rest is for the parts above, which run it on their hosts.
        ["floor", "look"] => floor::look(),
        ["floor", "dumps"] => floor::dumps(),
        ["floor", "routes"] => floor::routes(),
        ["read-configured", runs] => configured::read(runs.parse().expect("a number of runs")),
        ["pair", runs, rest @ ..] => pair::compare(runs.parse().expect("a number of runs"), rest),
        other => {
            panic!(
                "no part {other:?}; there are judge, fleet, full-table, typical-host, without-docker, \
                 configured, downtime and relief"
            )
        }
    }
}
