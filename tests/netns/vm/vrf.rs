//! VRF devices: networks of their own, which meet Docker's only where something leads across.

use super::machine::on_each_kernel;
use crate::evidence::first;
use crate::sandbox::Sandbox;

/// A host with docker0 and a VRF `blue`, table 10, with one port, its network and a gateway.
fn with_vrf() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip link add blue type vrf table 10; ip link set blue up
         ip link add eth1 type veth peer name far1; ip link set far1 up
         ip link set eth1 master blue; ip link set eth1 up
         ip addr add 10.50.0.2/24 dev eth1
         ip route add unreachable default metric 4278198272 table 10
         ip route add default via 10.50.0.1 dev eth1 table 10");
    sandbox
}

#[test]
fn a_vrf_that_never_meets_docker0_does_not_clash() {
    on_each_kernel(|| {
        let sandbox = with_vrf();
        sandbox.sh("ip addr add 172.17.5.2/24 dev eth1
             ip route add 172.17.0.0/16 via 10.50.0.1 dev eth1 table 10");
        // Both reach what is theirs.
        let inside = sandbox.sh("ip route get 172.17.50.10 vrf blue");
        assert!(inside.contains("dev eth1"), "{inside}");
        let outside = sandbox.sh("ip route get 172.17.5.9");
        assert!(outside.contains("dev docker0"), "{outside}");
        let found = sandbox.clashes(&[]);
        assert!(found.is_empty(), "{found:?}");
    });
}

#[test]
fn a_vrf_with_docker0_as_its_port_clashes() {
    on_each_kernel(|| {
        let sandbox = with_vrf();
        sandbox.sh("ip link set docker0 master blue");
        assert!(sandbox.clashes(&[]).is_empty());
        sandbox.sh("ip route add 172.17.48.0/20 via 10.50.0.1 dev eth1 table 10");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.48.0/20/route"]
        );
        let way = sandbox.sh("ip route get 172.17.50.10 vrf blue");
        assert!(way.contains("dev eth1"), "{way}");
        assert_eq!(first(&sandbox, &[])["loser"], "containers");
        // The other way round: what the VRF needs beyond is wider than docker0's network.
        sandbox.sh("ip route del 172.17.48.0/20 table 10
             ip route add 172.16.0.0/12 via 10.50.0.1 dev eth1 table 10");
        let way = sandbox.sh("ip route get 172.17.50.10 vrf blue");
        assert!(way.contains("dev docker0"), "{way}");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.16.0.0/12/route"]
        );
        assert_eq!(first(&sandbox, &[])["loser"], "host");
    });
}

#[test]
fn a_route_out_of_main_into_a_vrf_clashes() {
    on_each_kernel(|| {
        let sandbox = with_vrf();
        sandbox.sh("ip route add 172.17.48.0/20 dev blue");
        let way = sandbox.sh("ip route get 172.17.50.10");
        assert!(way.contains("dev blue"), "{way}");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.48.0/20/onlink"]
        );
        assert_eq!(first(&sandbox, &[])["loser"], "containers");
    });
}

#[test]
fn a_rule_that_sends_the_host_into_a_vrf_clashes() {
    on_each_kernel(|| {
        let sandbox = with_vrf();
        // With a default route of its own the VRF would take all packets of this host.
        sandbox.sh("ip route flush table 10
             ip route add 172.17.48.0/20 via 10.50.0.1 dev eth1 onlink table 10");
        assert!(sandbox.clashes(&[]).is_empty());
        sandbox.sh("ip rule add priority 500 lookup 10");
        let way = sandbox.sh("ip route get 172.17.50.10");
        assert!(way.contains("dev eth1"), "{way}");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.48.0/20/route"]
        );
    });
}
