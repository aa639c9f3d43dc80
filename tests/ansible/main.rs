//! The collection on real hosts: a controller in the corp network, real ssh, hosts with Docker
//! 20.10, 26.1 and 28.5.
//! `REBRIDGE_COLLECTION` is the tarball that is tested (`make test` sets it), `ANSIBLE_VENV` the folder of the
//! virtual environment with ansible-core (2.19 unless it says otherwise).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod bench;
mod controller;
mod delivery;
mod docs;
mod fleet;
#[path = "../lab/mod.rs"]
#[allow(dead_code)]
mod lab;
mod other_roles;
mod plays;
mod settle;
