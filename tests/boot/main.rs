//! Machines that boot: cloud-init with our examples, the units, the Debian package and prepared
//! images, on real hosts with systemd, Docker and, where it says so, cloud-init.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod cloud;
mod image;
#[allow(dead_code)]
#[path = "../lab/mod.rs"]
mod lab;
mod package;
mod schema;
mod shells;

use lab::Lab;

/// How often dockerd began since this boot: it says so itself, once each time.
fn docker_starts(lab: &Lab) -> usize {
    lab.sh("journalctl -b -u docker.service -o cat --no-pager")
        .matches("msg=\"Starting up\"")
        .count()
}

/// The object a file of `--result` holds.
fn result(lab: &Lab, path: &str) -> serde_json::Value {
    let text = lab.sh(&format!("cat {path}"));
    lab::keep::keep(&text);
    serde_json::from_str(&text).unwrap()
}
