//! Docker's side: the networks that the engine names, beside what the kernel has of them.

use crate::evidence::{first, with_docker};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

/// A network of the engine's; its bridge is named like it.
pub fn network(name: &str, driver: &str, subnet: &str) -> Value {
    let bridge = match name {
        "bridge" => "docker0",
        other => other,
    };
    json!({"Name": name, "Id": format!("{name:0<16}"), "Scope": "local", "Driver": driver,
           "IPAM": {"Config": [{"Subnet": subnet}]},
           "Options": {"com.docker.network.bridge.name": bridge}, "Labels": {}})
}

/// The engine has these besides docker0's.
pub fn networks(sandbox: &Sandbox, others: &[Value]) {
    let docker0 = network("bridge", "bridge", "172.17.0.0/16");
    let all: Vec<&Value> = std::iter::once(&docker0).chain(others).collect();
    sandbox.answer("/networks", json!(all).to_string());
}

fn notes(sandbox: &Sandbox) -> String {
    sandbox.json(&["check"]).1["notes"].to_string()
}

/// Docker assigns no subnet twice, whatever the driver.
#[test]
fn what_a_macvlan_network_holds_is_not_handed_out() {
    let sandbox = with_docker();
    let avoid = ["--avoid", "192.168.1.0/24"];
    assert_eq!(
        sandbox.clashes(&avoid),
        ["latent/192.168.0.0/20/192.168.1.0/24/declared"]
    );
    for driver in ["macvlan", "ipvlan"] {
        networks(&sandbox, &[network("lan", driver, "192.168.1.0/24")]);
        assert!(sandbox.clashes(&avoid).is_empty(), "{driver}");
    }
    networks(&sandbox, &[network("lan", "macvlan", "192.168.16.0/24")]);
    assert_eq!(sandbox.clashes(&avoid).len(), 1);
}

/// nerdctl names its bridges as Docker does.
#[test]
fn a_bridge_that_the_engine_does_not_list_is_anothers() {
    let sandbox = with_docker();
    sandbox.sh(
        "ip link add br-0123456789ab type bridge && ip addr add 172.17.9.1/24 dev br-0123456789ab
         ip link set br-0123456789ab up",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.9.0/24/onlink"]
    );
    let explain = first(&sandbox, &[])["explain"].to_string();
    assert!(explain.contains("another engine's bridge"), "{explain}");
    let listed = network("br-0123456789ab", "bridge", "172.17.9.0/24");
    networks(&sandbox, &[listed]);
    assert!(sandbox.clashes(&[]).is_empty());
}

/// `gateway_mode` isolated, and `inhibit_ipv4`: the bridge has no address, and this host no route
/// there.
#[test]
fn an_isolated_network_keeps_nothing_from_this_host() {
    let sandbox = with_docker();
    networks(&sandbox, &[network("quiet", "bridge", "172.18.0.0/16")]);
    sandbox.sh("ip link add quiet type bridge && ip link set quiet up
                ip route add 172.18.40.0/24 via 198.51.100.1");
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh("ip addr add 172.18.0.1/16 dev quiet");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.18.0.0/16/172.18.40.0/24/route"]
    );
}

/// A swarm's manager does not know the bridges of its nodes.
#[test]
fn an_overlay_over_a_bridge_is_named() {
    let sandbox = with_docker();
    let with_overlay = |subnet: &str| {
        let shop = network("shop", "bridge", "10.0.0.0/24");
        let mut ingress = network("ingress", "overlay", subnet);
        ingress["Scope"] = "swarm".into();
        networks(&sandbox, &[shop, ingress]);
        assert!(sandbox.clashes(&[]).is_empty());
        notes(&sandbox)
    };
    let said = with_overlay("10.0.0.0/24");
    assert!(
        said.contains("ingress (10.0.0.0/24) and shop (10.0.0.0/24) overlap")
            && said.contains("--default-addr-pool"),
        "{said}"
    );
    assert_eq!(with_overlay("10.0.1.0/24"), "[]");
}

/// Routes and rules that hang on docker0: what lies behind a container is needed, and all of it is
/// lost when docker0 moves.
#[test]
fn what_hangs_on_docker0_is_named_before_it_moves() {
    let sandbox = with_docker();
    sandbox.sh("ip route add 10.200.0.0/16 via 172.17.0.2 dev docker0
                ip rule add pref 100 from 172.17.0.0/16 lookup 200");
    let planned = |arguments: &[&str]| {
        let words = [&["apply", "--check", "--avoid", "172.17.0.0/16"], arguments];
        sandbox.json(&words.concat())
    };
    let (code, report) = planned(&[]);
    let blockers = report["blockers"].to_string();
    assert_eq!(code, 3, "{report:#}");
    assert!(
        blockers.contains("10.200.0.0/16 via 172.17.0.2")
            && blockers.contains("rule 100 (from 172.17.0.0/16)"),
        "{blockers}"
    );
    let (_, report) = planned(&["--accept", "old-range-rules"]);
    let base = &report["plan"]["daemon_json"]["default-address-pools"][0]["base"];
    assert!(
        base.as_str()
            .is_some_and(|base| !base.starts_with("10.200.")),
        "{report:#}"
    );
    // Nothing hangs on what is for another link.
    sandbox.sh("ip route replace 10.200.0.0/16 via 198.51.100.1
                ip rule del pref 100 && ip rule add pref 100 from 198.51.100.11 lookup 200");
    let (code, report) = planned(&[]);
    assert_eq!(
        (code, &report["outcome"], &report["blockers"]),
        (0, &"would_change".into(), &json!([])),
        "{report:#}"
    );
}
