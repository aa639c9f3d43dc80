//! Hosts as people run them: for each what is right, and what one more line turns it into. The
//! kernel is real; of Docker only docker0 is there.

mod ipv6;
mod laptops;

use crate::evidence::first;
use crate::sandbox::Sandbox;

/// What a check finds on a host with docker0 after `setup`, and what after one more `change`.
fn twins(setup: &str, right: &[&str], change: &str, otherwise: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(setup);
    assert_eq!(sandbox.clashes(&[]), right, "{setup}");
    sandbox.sh(change);
    assert_eq!(
        sandbox.clashes(&[]),
        otherwise,
        "{setup}\nand then\n{change}"
    );
    sandbox
}

#[test]
fn tailscale_with_an_exit_node() {
    twins(
        "ip link add ts0 type veth peer name ts0-far && ip link set ts0-far up && ip link set ts0 up
         ip route add default dev ts0 table 52 && ip route add 100.100.100.100 dev ts0 table 52
         ip route add throw 172.17.0.0/16 table 52
         ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
         ip rule add pref 5230 fwmark 0x80000/0xff0000 lookup default
         ip rule add pref 5250 fwmark 0x80000/0xff0000 type unreachable
         ip rule add pref 5270 lookup 52",
        &[],
        "ip route add 172.17.40.0/24 dev ts0 table 52",
        &["present/172.17.0.0/16/172.17.40.0/24/onlink"],
    );
}

#[test]
fn wireguard_for_all_but_its_own_packets() {
    let sandbox = twins(
        "ip link add wg0 type veth peer name wg0-far && ip link set wg0-far up && ip link set wg0 up && ip route add default dev wg0 table 51820
         ip rule add pref 32765 not fwmark 0xca6c lookup 51820
         ip rule add pref 32764 lookup main suppress_prefixlength 0",
        &[],
        "ip route add 172.17.40.0/24 dev wg0 table 51820",
        &["present/172.17.0.0/16/172.17.40.0/24/onlink"],
    );
    assert_eq!(first(&sandbox, &[])["loser"], "host", "main comes first");
}

#[test]
fn openvpn_with_redirect_gateway() {
    twins(
        "ip link add tun9 type veth peer name tun9-far && ip link set tun9-far up && ip link set tun9 up && ip addr add 10.8.0.6/24 dev tun9
         ip route add 203.0.113.7 via 198.51.100.1
         ip route add 0.0.0.0/1 via 10.8.0.1 && ip route add 128.0.0.0/1 via 10.8.0.1",
        &[],
        "ip route add 172.17.0.0/16 via 10.8.0.1 metric 50",
        &["present/172.17.0.0/16/172.17.0.0/16/route"],
    );
}

#[test]
fn two_uplinks_with_a_table_each() {
    twins(
        "ip link add eth9 type veth peer name eth9-far && ip link set eth9-far up && ip link set eth9 up && ip addr add 203.0.113.5/24 dev eth9
         ip route add default via 198.51.100.1 table 101 && ip route add default via 203.0.113.1 table 102
         ip rule add pref 1001 from 198.51.100.11 lookup 101 && ip rule add pref 1002 from 203.0.113.5 lookup 102",
        &[],
        "ip route add 172.17.40.0/24 via 203.0.113.1 table 102",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

fn notes(sandbox: &Sandbox) -> String {
    sandbox.json(&["check"]).1["notes"].to_string()
}

#[test]
fn a_table_without_dockers_route_is_named() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add default via 198.51.100.1 table 101
                ip rule add pref 1001 from 198.51.100.11 lookup 101");
    assert!(sandbox.clashes(&[]).is_empty());
    let said = notes(&sandbox);
    assert!(
        said.contains("table 101, which has no route to 172.17.0.0/16"),
        "{said}"
    );
    sandbox.sh("ip route add 172.17.0.0/16 dev docker0 table 101");
    assert_eq!(notes(&sandbox), "[]");
}

#[test]
fn pools_that_overlap_are_named() {
    let sandbox = Sandbox::with_docker0();
    let pools = |second: &str| {
        sandbox.put(
            "/etc/docker/daemon.json",
            &format!(
                r#"{{"default-address-pools": [{{"base": "172.17.0.0/12", "size": 24}},
                    {{"base": "{second}", "size": 24}}]}}"#
            ),
        );
    };
    pools("172.20.0.0/16");
    let said = notes(&sandbox);
    assert!(
        said.contains("172.16.0.0/12") && said.contains("overlap"),
        "{said}"
    );
    pools("10.20.0.0/16");
    assert_eq!(notes(&sandbox), "[]");
}

#[test]
fn containers_that_leave_by_a_vpn() {
    twins(
        "ip link add wg0 type veth peer name wg0-far && ip link set wg0-far up && ip link set wg0 up && ip route add default dev wg0 table 200
         ip rule add pref 99 from 172.17.0.0/16 to 172.17.0.0/16 lookup main
         ip rule add pref 100 from 172.17.0.0/16 lookup 200",
        &[],
        "ip rule add pref 98 to 172.17.40.0/24 lookup 200",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

/// The same by their bridge. Their packets to each other never come to the rules.
#[test]
fn containers_that_leave_by_a_vpn_by_their_bridge() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add default via 198.51.100.1 table 200 && ip rule add pref 100 iif docker0 lookup 200");
    assert!(sandbox.clashes(&[]).is_empty());
    assert_eq!(notes(&sandbox), "[]");
    sandbox.sh("ip rule add pref 101 iif eth0 lookup 200");
    assert!(notes(&sandbox).contains("rule 101 (from all iif eth0)"));
}

#[test]
fn null_routes_for_all_private_space() {
    twins(
        "for n in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10; do
             ip route add unreachable $n; done",
        &[],
        "ip route add 172.17.40.0/24 via 198.51.100.1",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

/// Packets that go into Docker's range now would have been dropped: nobody loses.
#[test]
fn a_null_route_for_the_aggregate_that_docker_lies_in() {
    twins(
        "ip route add blackhole 172.16.0.0/14 proto bgp metric 200
         ip route add unreachable 172.20.0.0/15",
        &[],
        "ip route add blackhole 172.17.40.0/24",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

/// Who asks for a part of Docker's range to be dropped keeps packets from containers.
#[test]
fn rules_that_drop_packets() {
    let sandbox = twins(
        "ip rule add pref 90 from 172.17.0.0/16 blackhole && ip rule add pref 91 fwmark 7 unreachable
         ip rule add pref 92 to 10.1.0.0/16 prohibit
         ip rule add pref 93 to 172.17.0.0/16 uidrange 1000-1000 prohibit",
        &[],
        "ip rule add pref 94 to 172.17.40.0/24 prohibit",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
    let clash = first(&sandbox, &[]);
    let explain = clash["explain"].as_str().unwrap();
    assert_eq!(clash["loser"], "containers");
    assert!(
        explain.contains("rule 94 (from all to 172.17.40.0/24 prohibit)"),
        "{explain}"
    );
}

/// The kernel then says of a route only which object it goes by.
#[test]
fn routes_by_nexthop_objects_that_the_kernel_names_by_number_only() {
    twins(
        "echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode
         ip nexthop add id 7 via 198.51.100.1 dev eth0 && ip nexthop add id 8 via 198.51.100.2 dev eth0
         ip nexthop add id 9 group 7/8 && ip route add 10.50.0.0/16 nhid 9
         ip nexthop add id 10 blackhole && ip route add 10.51.0.0/16 nhid 10",
        &[],
        "ip route add 172.17.40.0/24 nhid 9",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

#[test]
fn an_anycast_aggregate_with_its_parts() {
    twins(
        "ip route add blackhole 10.0.0.0/8 proto bgp metric 200
         ip route add 10.20.0.0/16 via 198.51.100.1 proto bgp",
        &[],
        "ip route add 172.20.0.0/16 via 198.51.100.1 proto bgp",
        &["latent/172.20.0.0/16/172.20.0.0/16/route"],
    );
}

#[test]
fn routes_by_nexthop_objects() {
    twins(
        "ip nexthop add id 7 via 198.51.100.1 dev eth0 proto bgp
         ip route add 10.50.0.0/16 nhid 7 proto bgp && ip route add default nhid 7 proto bgp metric 20",
        &[],
        "ip route add 172.17.40.0/24 nhid 7 proto bgp",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

#[test]
fn unnumbered_bgp_with_an_address_on_loopback() {
    twins(
        "ip addr add 10.255.0.7/32 dev lo
         ip route add 10.255.0.1/32 via inet6 fe80::1 dev eth0 proto bgp
         ip route replace default src 10.255.0.7 via inet6 fe80::1 dev eth0",
        &[],
        "ip route add 172.17.40.0/24 via inet6 fe80::1 dev eth0 proto bgp",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

/// The gateway is reached by the default route itself, whatever lies over its address: clouds do so.
#[test]
fn a_gateway_that_no_route_leads_to() {
    twins(
        "ip addr flush dev eth0 && ip addr add 203.0.113.5/32 dev eth0
         ip route add default via 172.17.1.1 dev eth0 onlink",
        &[],
        "ip route add 172.17.1.1 dev eth0",
        &["present/172.17.0.0/16/172.17.1.1/32/onlink"],
    );
}

#[test]
fn a_rule_that_others_jump_over() {
    twins(
        "ip route add default via 198.51.100.1 table 99 && ip rule add pref 10 goto 100
         ip rule add pref 20 to 172.17.40.0/24 lookup 99 && ip rule add pref 100 lookup main",
        &[],
        "ip rule del pref 10",
        &["present/172.17.0.0/16/172.17.40.0/24/route"],
    );
}

#[test]
fn kubernetes_with_flannel_beside_docker() {
    twins(
        "ip link add cni0 type bridge && ip addr add 10.42.0.1/24 dev cni0 && ip link set cni0 up
         ip link add flannel.1 type veth peer name f1 && ip link set flannel.1 up && ip link set f1 up
         ip addr add 10.42.0.0/32 dev flannel.1 && ip route add 10.42.1.0/24 via 10.42.1.0 dev flannel.1 onlink",
        &[],
        "ip route add 172.17.1.0/24 via 172.17.1.0 dev flannel.1 onlink",
        &["present/172.17.0.0/16/172.17.1.0/24/route"],
    );
}

/// Split tunnel: everything but private space, in a table of its own.
#[test]
fn a_tunnel_for_all_but_private_space() {
    twins(
        "ip link add warp type veth peer name w1 && ip link set warp up && ip link set w1 up
         python3 -c 'import ipaddress as i
nets = [i.ip_network(\"0.0.0.0/0\")]
for hole in (\"10.0.0.0/8\", \"100.64.0.0/10\", \"169.254.0.0/16\", \"172.16.0.0/12\", \"192.168.0.0/16\"):
    hole = i.ip_network(hole)
    nets = [part for net in nets for part in (net.address_exclude(hole) if hole.subnet_of(net) else [net])]
for net in nets: print(\"route add\", net, \"dev warp table 65743\")
' | ip -batch -
         ip rule add pref 100 not fwmark 0x100cf lookup 65743",
        &[],
        "ip route add 172.17.40.0/24 dev warp table 65743",
        &["present/172.17.0.0/16/172.17.40.0/24/onlink"],
    );
}

#[test]
fn a_virtual_address_of_keepalived() {
    twins(
        "ip addr add 198.51.100.100/32 dev eth0",
        &[],
        "ip addr add 172.17.30.9/32 dev eth0",
        &["present/172.17.0.0/16/172.17.30.9/32/onlink"],
    );
}

#[test]
fn the_metadata_service_of_a_cloud() {
    twins(
        "ip route add 169.254.169.254 via 198.51.100.1 && ip route add 169.254.0.0/16 dev eth0 metric 1000
         ip route add 168.63.129.16 via 198.51.100.1",
        &[],
        "ip route add 172.31.0.2 via 198.51.100.1",
        &["latent/172.31.0.0/16/172.31.0.2/32/route"],
    );
}

#[test]
fn the_stub_of_systemd_resolved() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put("/etc/resolv.conf", "nameserver 127.0.0.53\n");
    let upstream = "/run/systemd/resolve/resolv.conf";
    sandbox.put(upstream, "nameserver 198.51.100.1\n");
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.put(upstream, "nameserver 172.17.0.53\n");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.53/32/nameserver"]
    );
}

#[test]
fn bridges_of_others_beside_docker0() {
    let sandbox = twins(
        "ip link add virbr0 type bridge && ip addr add 192.168.122.1/24 dev virbr0 && ip link set virbr0 up
         ip link add lxdbr0 type bridge && ip addr add 172.18.4.1/24 dev lxdbr0 && ip link set lxdbr0 up",
        &[],
        "ip link add virbr1 type bridge && ip addr add 172.17.0.1/24 dev virbr1 && ip link set virbr1 up",
        &["present/172.17.0.0/16/172.17.0.0/24/onlink"],
    );
    let clash = first(&sandbox, &[]);
    let explain = clash["explain"].as_str().unwrap();
    assert!(explain.contains("a libvirt bridge"), "{explain}");
}

#[test]
fn a_virtual_machine_behind_a_router_of_the_same_range() {
    twins(
        "ip addr flush dev eth0 && ip addr add 192.168.64.5/24 dev eth0
         ip route replace default via 192.168.64.1",
        &[],
        // Docker comes last, and takes the router's address.
        "ip addr flush dev eth0 && ip addr flush dev docker0 && ip addr add 172.17.9.78/20 dev eth0
         ip route replace default via 172.17.0.1 && ip addr add 172.17.0.1/16 dev docker0",
        &["present/172.17.0.0/16/172.17.0.0/20/onlink"],
    );
}

#[test]
fn the_way_out_written_as_all_but_the_lan() {
    twins(
        "ip link add wg0 type veth peer name wg0-far && ip link set wg0-far up && ip link set wg0 up
         python3 -c 'import ipaddress as i
for n in i.ip_network(\"0.0.0.0/0\").address_exclude(i.ip_network(\"192.168.1.0/24\")): print(\"route add\", n, \"dev wg0\")
' | ip -batch -",
        &[],
        "ip route add 172.17.40.0/24 dev wg0",
        &["present/172.17.0.0/16/172.17.40.0/24/onlink"],
    );
}

#[test]
fn calico_with_a_blackhole_for_its_own_block() {
    twins(
        "ip route add blackhole 192.168.77.0/26 proto 80
         ip link add cali1 type veth peer name cali1-far && ip link set cali1-far up && ip link set cali1 up && ip route add 192.168.77.5 dev cali1
         ip rule add pref 9 fwmark 0x200/0xf00 lookup 2004 && ip route add local default dev lo table 2004",
        &[],
        "ip route add blackhole 172.17.77.0/26 proto 80",
        &["present/172.17.0.0/16/172.17.77.0/26/route"],
    );
}

#[test]
fn flannel_with_docker0_as_its_slice() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip addr flush dev docker0 && ip addr add 10.244.3.1/24 dev docker0
         ip link add flannel0 type veth peer name flannel0-far && ip link set flannel0-far up && ip link set flannel0 up
         ip addr add 10.244.3.0/32 dev flannel0 && ip route add 10.244.0.0/16 dev flannel0",
    );
    assert!(sandbox.clashes(&[]).is_empty());
    // The same with the slice of a former lease.
    sandbox.sh(
        "ip addr flush dev flannel0 && ip addr add 10.244.9.0/32 dev flannel0
                ip route replace 10.244.0.0/16 dev flannel0",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/10.244.3.0/24/10.244.0.0/16/onlink"]
    );
}
