//! Networks behind every kind of link.

use super::machine::on_each_kernel;
use crate::sandbox::Sandbox;

/// What the kernel calls a link, and what makes it.
const KINDS: [(&str, &str); 7] = [
    ("vlan", "ip link add link eth0 name LINK type vlan id 100"),
    ("dummy", "ip link add LINK type dummy"),
    (
        "ipvlan",
        "ip link add link eth0 name LINK type ipvlan mode l2",
    ),
    (
        "gre",
        "ip link add LINK type gre local 198.51.100.11 remote 198.51.100.20",
    ),
    (
        "ipip",
        "ip link add LINK type ipip local 198.51.100.11 remote 198.51.100.21",
    ),
    (
        "bond",
        "ip link add LINK type bond mode active-backup
         ip link add member type dummy
         ip link set member master LINK; ip link set member up",
    ),
    (
        "vxlan",
        "ip link add LINK type vxlan id 7 dstport 4789 local 198.51.100.11 dev eth0",
    ),
];

/// The kinds that a report names.
const TUNNELS: [&str; 3] = ["gre", "ipip", "vxlan"];

/// All of them, `k0` to `k6`, each with a harmless network.
fn with_all_kinds() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    for (number, (_, command)) in KINDS.iter().enumerate() {
        let link = format!("k{number}");
        sandbox.sh(&command.replace("LINK", &link));
        sandbox.sh(&format!(
            "ip addr add 10.99.{number}.2/24 dev {link}; ip link set {link} up"
        ));
    }
    sandbox
}

/// The network that a link gets inside docker0's.
fn network(number: usize) -> String {
    format!("172.17.{}", 32 + number)
}

#[test]
fn a_network_on_any_kind_of_link_clashes() {
    on_each_kernel(|| {
        let sandbox = with_all_kinds();
        assert!(sandbox.clashes(&[]).is_empty());
        for number in 0..KINDS.len() {
            let net = network(number);
            // By an address, and by a route.
            sandbox.sh(&format!(
                "ip addr add {net}.2/25 dev k{number}; ip route add {net}.128/25 dev k{number}"
            ));
        }
        let (_, report) = sandbox.json(&["check"]);
        let clashes = report["clashes"].as_array().unwrap();
        assert_eq!(clashes.len(), 2 * KINDS.len(), "{report:#}");
        for (number, (kind, _)) in KINDS.iter().enumerate() {
            for (part, host) in [("0/25", 9), ("128/25", 200)] {
                let net = format!("{}.{part}", network(number));
                let clash = clashes.iter().find(|clash| clash["with"]["net"] == *net);
                let clash = clash.unwrap_or_else(|| panic!("{kind}: {report:#}"));
                let with = &clash["with"];
                assert_eq!(with["dev"], format!("k{number}"), "{clash:#}");
                let detail = with["detail"].as_str().unwrap();
                let named = detail.contains(&format!("the {kind} device"));
                assert_eq!(named, TUNNELS.contains(kind), "{kind}: {detail}");
                // What rebridge says of who loses is what the kernel does.
                let way = sandbox.sh(&format!("ip route get {}.{host}", network(number)));
                assert!(way.contains(&format!("dev k{number}")), "{kind}: {way}");
                assert_eq!(clash["loser"], "containers", "{kind}: {clash:#}");
            }
        }
    });
}
