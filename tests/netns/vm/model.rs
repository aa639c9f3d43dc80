//! The kernel model against kernels with VRF devices, and against the oldest and the newest.

use super::machine::on_each_kernel;
use crate::kernel_model::network::Size;
use crate::kernel_model::{Tally, compare, size};

#[test]
fn the_model_says_what_the_kernel_says_of_vrfs() {
    on_each_kernel(|| {
        let mut tally = Tally::new();
        for seed in 0..6 {
            let size = Size {
                vrf: true,
                ..size(seed)
            };
            compare(seed, size, 400, &mut tally);
        }
        for family in ["IPv4", "IPv6"] {
            for what in ["by the rule of VRFs", "bound to a VRF", "nexthop object"] {
                let what = format!("{family} {what}");
                assert!(tally.contains_key(&what), "{what}: {tally:?}");
            }
        }
    });
}

#[test]
fn the_model_says_what_the_kernel_says_without_vrfs() {
    on_each_kernel(|| {
        for seed in 0..4 {
            compare(seed, size(seed), 300, &mut Tally::new());
        }
    });
}
