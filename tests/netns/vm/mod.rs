//! Tests with devices that many machines lack, on the oldest and the newest kernel that Debian has:
//! each boots in a virtual machine and runs these tests inside.

mod links;
mod machine;
mod model;
mod nexthops;
mod vrf;
mod wireguard;
