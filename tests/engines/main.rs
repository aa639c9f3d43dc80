//! Real hosts: systemd, Docker 20.10, 26.1 and 28.5, and a corp network behind a router. Every test
//! runs on every engine, on a host of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

/// Each test as `engine::test`, so that a failure names the engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod docker_20_10 { $(#[test] fn $test() { super::$test("bookworm"); })* }
        mod docker_26_1 { $(#[test] fn $test() { super::$test("trixie"); })* }
        mod docker_28_5 { $(#[test] fn $test() { super::$test("forky"); })* }
    };
}

/// An apply that moves docker0 and every network, too.
const MOVE_ALL: [&str; 4] = [
    "apply",
    "--yes",
    "--avoid=172.16.0.0/12",
    "--networks=recreate",
];

mod back;
mod blockers;
mod ci_host;
mod config_file;
mod configured;
mod containers;
mod dead_man;
#[path = "../common/dice.rs"]
mod dice;
mod existing;
mod firewalls;
mod forecast;
mod init_systems;
mod job;
#[allow(dead_code)]
#[path = "../lab/mod.rs"]
mod lab;
mod least_change;
mod load;
mod nat;
mod networks;
mod operator;
mod options;
mod power_cut;
mod question;
mod random_hosts;
mod recovery;
mod recovery_edges;
mod relief;
mod relief_killed;
mod safety;
mod settings;
mod stored;
mod torture;
mod traffic;
mod unit;
mod vpn;
mod watch;
mod which_dockerd;
