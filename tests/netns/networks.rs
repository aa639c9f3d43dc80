//! Docker's side: the networks that the engine names, beside what the kernel has of them.

use crate::evidence::{containers, first, with_docker};
use crate::sandbox::{REBRIDGE, Sandbox};
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

/// It would get another address, and the host would not know.
#[test]
fn a_container_that_is_the_hosts_nameserver_is_not_moved_unasked() {
    let sandbox = with_docker();
    containers(&sandbox, &[("pihole", "172.17.0.2")]);
    let planned = |server: &str| {
        sandbox.put("/etc/resolv.conf", &format!("nameserver {server}\n"));
        sandbox
            .json(&["apply", "--check", "--avoid", "172.17.0.0/16"])
            .1
    };
    let report = planned("172.17.0.2");
    assert_eq!(report["blockers"][0]["accept"], "old-address", "{report:#}");
    let what = report["blockers"][0]["what"].to_string();
    assert!(what.contains("resolves names at 172.17.0.2"), "{what}");
    // A server that Docker hides, and one that has nothing to do with it.
    for server in ["172.17.0.53", "198.51.100.1"] {
        assert_eq!(planned(server)["outcome"], "would_change", "{server}");
    }
}

/// The LAN's bridge, with the router, a session, a server and a host that is off: all of it is at
/// home there.
#[test]
fn a_lan_that_docker_has_a_network_on_stays_what_it_is() {
    let sandbox = with_docker();
    sandbox.sh(
        "ip link add br0 type bridge && ip link set br0 up && ip addr flush dev eth0
                ip tuntap add tap5 mode tap && ip link set tap5 up master br0
                ip addr add 192.168.1.10/24 dev br0 && ip route replace default via 192.168.1.1
                ip neigh add 192.168.1.77 dev br0 nud failed",
    );
    sandbox.put("/etc/resolv.conf", "nameserver 192.168.1.1\n");
    networks(&sandbox, &[lan()]);
    let run = |words: &[&str]| {
        let session = "SSH_CONNECTION=192.168.1.20 50000 192.168.1.10 22";
        let ran = sandbox.run(&[&["env", session, REBRIDGE], words, &["--json"]].concat());
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    assert_eq!(run(&["check"])["outcome"], "clean");
    let report = run(&["apply", "--check", "--networks", "recreate"]);
    assert_eq!(
        (&report["outcome"], &report["changed"]),
        (&"clean".into(), &false.into())
    );
    // The same range on a bridge that only containers are on.
    let container = json!([{"Id": "c1", "Names": ["/tv"], "State": "running", "NetworkSettings":
        {"Networks": {"lan": {"IPAddress": "192.168.1.200"}}}}]);
    sandbox.answer("/containers/json?all=1", container.to_string());
    sandbox.sh(
        "ip link del tap5 && ip addr flush dev br0 && ip addr add 192.168.1.11/24 dev br0
                ip addr add 192.168.1.10/24 dev eth0 && ip route replace default via 192.168.1.1 dev eth0",
    );
    let report = run(&["apply", "--check", "--networks", "recreate"]);
    assert_eq!(
        report["plan"]["networks"][0]["network"], "lan",
        "{report:#}"
    );
}

fn lan() -> Value {
    let mut lan = network("lan", "bridge", "192.168.1.0/24");
    lan["Options"]["com.docker.network.bridge.name"] = "br0".into();
    lan
}

/// A base may be written by any of its addresses: what counts is the network around it.
#[test]
fn a_pool_off_its_boundary_is_judged_as_the_engine_masks_it() {
    let sandbox = Sandbox::with_docker0();
    let clashes = |base: &str| {
        let pools = format!(r#"{{"default-address-pools": [{{"base": "{base}", "size": 24}}]}}"#);
        sandbox.put("/etc/docker/daemon.json", &pools);
        sandbox.clashes(&["--avoid", "172.16.5.0/24"])
    };
    assert_eq!(
        clashes("172.17.0.0/12"),
        ["latent/172.16.5.0/24/172.16.5.0/24/declared"]
    );
    assert!(clashes("172.17.0.0/16").is_empty());
}

/// Containers keep their part of docker0's range.
#[test]
fn fixed_cidr_follows_docker0_and_never_leads_it_elsewhere() {
    let sandbox = with_docker();
    let planned = |keys: &str, avoid: &str| {
        sandbox.put("/etc/docker/daemon.json", keys);
        sandbox.json(&["apply", "--check", "--avoid", avoid]).1
    };
    let keys = r#"{"bip": "172.17.0.1/16", "fixed-cidr": "172.17.128.0/17"}"#;
    let report = planned(keys, "172.17.0.0/16");
    let after = &report["plan"]["daemon_json"];
    let net = |key: &str| {
        after[key]
            .as_str()
            .unwrap()
            .parse::<ipnet::Ipv4Net>()
            .unwrap()
    };
    assert!(net("bip").contains(&net("fixed-cidr")), "{report:#}");
    assert!(
        net("fixed-cidr") != net("bip").trunc(),
        "half of it: {report:#}"
    );
    let report = planned(keys, "198.51.100.0/24");
    assert_eq!(report["outcome"], "clean", "{report:#}");
}
