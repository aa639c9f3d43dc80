//! Any bytes as the kernel's answer: an error or a value, never a panic; and whatever routes and
//! rules they make, the model has an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::facts::{Kernel, Link};
use rebridge::host::netlink;
use rebridge::kernel_model::{KernelModel, Packet};
use rebridge::observe::kernel::links::{self, Links};
use rebridge::observe::kernel::peers::OwnAddresses;
use rebridge::observe::kernel::{neighbours, nexthops, peers, routes, rules};
use std::net::IpAddr;

fuzz_target!(|datagram: &[u8]| {
    let link = Link { name: "eth0".to_owned(), ..Link::default() };
    let known = Links::from([(1, link)]);
    let mut kernel = Kernel::default();
    let mut parsers = |payload: &[u8]| {
        let _ = links::link(payload);
        let _ = links::address_of_link(payload);
        if let Some(dst) = routes::destination(payload) {
            for route in routes::route(payload, dst, &known) {
                assert_eq!(route.dst, dst);
                kernel.routes.push(route);
            }
        }
        kernel.rules.extend(rules::rule(payload));
        let _ = nexthops::nexthop(payload, &known);
        let _ = neighbours::neighbour(payload, &known);
        let _ = neighbours::resident(payload, &known);
        let _ = peers::socket(payload, &OwnAddresses::of(&known), &[22]);
        let _ = peers::flow(payload);
    };
    let _ = netlink::messages(datagram, &mut |_, payload| parsers(payload));
    parsers(datagram);
    let model = KernelModel::new(&kernel);
    for to in [IpAddr::from([10; 4]), IpAddr::from([0xfd; 16])] {
        let _ = model.route_of(&Packet::to(to));
    }
});
