//! The face: what a person sees on a terminal. Layout, colour, and progress while something goes
//! on.
#![allow(
    clippy::disallowed_methods,
    reason = "this is the terminal, with its environment"
)]

pub mod explanation;
pub mod fleet;
pub mod forecast;
pub mod layout;
pub mod map;
pub mod news;
pub mod progress;
pub mod report;
pub mod screen;
