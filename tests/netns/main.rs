//! rebridge in a network namespace with a real bridge called docker0: what it sees of the kernel,
//! what it does to files, how it comes back from faults that no engine shows on request, and what
//! hostile answers do to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod callers;
mod configured;
mod evidence;
mod faults;
mod host;
mod hostile;
mod hosts;
#[path = "../common/keep.rs"]
mod keep;
mod kernel_model;
mod networks;
mod owners;
mod random_files;
mod relief;
mod relief_life;
mod relief_limits;
mod remains;
mod sandbox;
mod terminal;
mod vm;
mod watch;
