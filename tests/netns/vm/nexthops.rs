//! Routes that go by nexthop objects, with kernels that tell the gateway and kernels that do not.

use super::machine::on_each_kernel;
use crate::evidence::first;
use crate::sandbox::Sandbox;

/// A host with a nexthop object to its gateway, once for each way in which a kernel tells routes.
fn in_either_mode(test: impl Fn(&Sandbox, u8)) {
    for mode in [0, 1] {
        let sandbox = Sandbox::with_docker0();
        sandbox.sh(&format!(
            "echo {mode} >/proc/sys/net/ipv4/nexthop_compat_mode
             ip nexthop add id 1 via 198.51.100.7 dev eth0"
        ));
        test(&sandbox, mode);
    }
}

#[test]
fn a_route_by_a_nexthop_object_is_told_in_either_mode() {
    on_each_kernel(|| {
        in_either_mode(|sandbox, mode| {
            sandbox.sh("ip route add 172.31.0.0/16 nhid 1; ip route add 8.8.0.0/16 nhid 1");
            sandbox.sh("ip route del 172.31.0.0/16; ip route add 10.5.0.0/16 nhid 1");
            assert!(sandbox.clashes(&[]).is_empty(), "mode {mode}");
            sandbox.sh("ip route add 172.17.9.0/24 nhid 1");
            let clash = first(sandbox, &[]);
            let with = &clash["with"];
            assert_eq!(
                (&with["net"], &with["via"], &with["dev"]),
                (
                    &"172.17.9.0/24".into(),
                    &"198.51.100.7".into(),
                    &"eth0".into()
                ),
                "mode {mode}: {clash:#}"
            );
            assert_eq!(clash["loser"], "containers", "mode {mode}: {clash:#}");
        })
    });
}

#[test]
fn a_group_of_nexthop_objects_is_told_in_either_mode() {
    on_each_kernel(|| {
        in_either_mode(|sandbox, mode| {
            sandbox.sh("ip nexthop add id 2 via 198.51.100.8 dev eth0
                 ip nexthop add id 3 group 1/2
                 ip route add 172.17.0.0/20 nhid 3");
            let way = sandbox.sh("ip route get 172.17.9.9");
            assert!(way.contains("via 198.51.100."), "{way}");
            assert_eq!(
                sandbox.clashes(&[]),
                ["present/172.17.0.0/16/172.17.0.0/20/route"],
                "mode {mode}"
            );
        })
    });
}
