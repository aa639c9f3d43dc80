//! IPv6 of sites and of Docker.

use super::twins;

#[test]
fn ipv6_of_a_site_and_of_docker0() {
    twins(
        "ip -6 addr add fd00:17::1/64 dev docker0 nodad && ip -6 addr add fd00:1::5/64 dev eth0 nodad
         ip -6 route add default via fd00:1::1 && ip -6 route add unreachable fc00::/7 metric 9999",
        &[],
        "ip -6 route add fd00:17::/72 via fd00:1::1",
        &["present/fd00:17::/64/fd00:17::/72/route"],
    );
}

/// Docker's own network out of a prefix that was delegated to this host: networkd and others drop
/// what they have not handed out of it.
#[test]
fn a_delegated_prefix_that_docker_has_a_part_of() {
    twins(
        "ip -6 addr add 2001:db8:12:5::1/64 dev docker0 nodad
         ip -6 addr add 2001:db8:1::5/64 dev eth0 nodad && ip -6 route add default via 2001:db8:1::1
         ip -6 route add unreachable 2001:db8:12::/56 dev lo metric 1024",
        &[],
        "ip -6 route add unreachable 2001:db8:12:5:8000::/65 dev lo metric 1024",
        &["present/2001:db8:12:5::/64/2001:db8:12:5:8000::/65/route"],
    );
}

#[test]
fn the_way_out_of_ipv6_written_as_all_but_the_lan() {
    twins(
        "ip link add wg0 type veth peer name wg0-far && ip link set wg0-far up && ip link set wg0 up
         ip -6 addr add fd00:17::1/64 dev docker0 nodad && ip -6 addr add fd00:1::5/64 dev eth0 nodad
         python3 -c 'import ipaddress as i
for n in i.ip_network(\"::/0\").address_exclude(i.ip_network(\"fd00:1::/64\")): print(\"route add\", n, \"dev wg0\")
' | ip -6 -batch -",
        &[],
        "ip -6 route add fd00:17:0:0:4000::/72 dev wg0",
        &["present/fd00:17::/64/fd00:17:0:0:4000::/72/onlink"],
    );
}

#[test]
fn a_tunnel_for_half_of_ipv6_each() {
    twins(
        "ip link add tun9 type veth peer name tun9-far && ip link set tun9-far up && ip link set tun9 up
         ip -6 addr add fd00:17::1/64 dev docker0 nodad
         ip -6 route add ::/1 dev tun9 && ip -6 route add 8000::/1 dev tun9",
        &[],
        "ip -6 route add fd00::/8 dev tun9",
        &["present/fd00:17::/64/fd00::/8/onlink"],
    );
}
