//! Which networks this host needs, which ranges Docker has or may take, and where the two meet.
//! Pure: facts and policy in, one [`Assessment`] out. `check`, the planner and verify all work from
//! that, so "fixed" means the same to each.

pub mod address_map;
mod asked;
mod assessment;
mod bridge_owner;
pub mod clash;
mod configured;
pub mod detour;
pub mod existing;
pub mod finding;
pub mod forecast;
pub mod held;
mod into_docker;
mod kernel;
pub mod needed;
mod overlay_slice;
pub mod products;
mod sentence;
pub mod sides;
pub mod swarm;
pub mod traffic;
pub mod way_out;
mod who_loses;

pub use assessment::{Assessment, unmovable};
