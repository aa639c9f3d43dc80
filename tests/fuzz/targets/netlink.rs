//! Any bytes as the kernel's answer: an error or a value, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::facts::Link;
use rebridge::observe::kernel::links::{self, Links};
use rebridge::observe::kernel::{neighbours, netlink, peers, routes};

fuzz_target!(|datagram: &[u8]| {
    let link = Link { name: "eth0".to_owned(), ..Link::default() };
    let known = Links::from([(1, link)]);
    let parsers = |payload: &[u8]| {
        let _ = links::link(payload);
        let _ = links::address_of_link(payload);
        if let Some(dst) = routes::destination(payload) {
            for route in routes::route(payload, dst, &known) {
                assert_eq!(route.dst, dst);
            }
        }
        let _ = routes::rule(payload);
        let _ = neighbours::neighbour(payload, &known);
        let _ = peers::socket(payload, &[22]);
        let _ = peers::flow(payload);
    };
    let _ = netlink::messages(datagram, &mut |_, payload| parsers(payload));
    parsers(datagram);
});
