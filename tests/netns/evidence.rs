//! Every kind of evidence, made with the real kernel in a network namespace, and beside it the
//! harmless twin that must raise nothing. Docker's side is a real bridge; the engine that names its
//! containers is a stand-in.
use crate::sandbox::Sandbox;
use crate::sandbox::engine::{Restart, install};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A sandbox with docker0 up and in use (a container's link gives it carrier), and an engine that
/// answers.
pub fn with_docker() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip link add veth0 type veth peer name in0 && ip link set veth0 master docker0 up && \
             ip link set in0 up",
    );
    install(&sandbox, Restart::Moves);
    sandbox
}

/// The engine says that these containers live.
pub fn containers(sandbox: &Sandbox, list: &[(&str, &str)]) {
    let list: Vec<Value> = list
        .iter()
        .map(|(name, address)| {
            json!({"Id": name, "Names": [format!("/{name}")], "State": "running", "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}}})
        })
        .collect();
    let list = Value::Array(list).to_string();
    sandbox.answer("/containers/json", &list);
    sandbox.answer("/containers/json?all=1", &list);
}

/// The first clash of a check.
pub fn first(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let (_, report) = sandbox.json(&[&["check"], arguments].concat());
    assert!(report["clashes"][0].is_object(), "{report:#}");
    report["clashes"][0].clone()
}

/// Waits for what another process is about to bring about.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn tables_count_when_a_rule_leads_there() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add 172.17.9.0/24 via 198.51.100.1 table 52");
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "no packet ever gets to that table"
    );
    sandbox.sh("ip rule add priority 5270 from all fwmark 0x80000 lookup 52");
    let clash = first(&sandbox, &[]);
    let with = &clash["with"];
    assert_eq!(
        (&with["net"], &with["table"], &with["via"], &with["dev"]),
        (
            &"172.17.9.0/24".into(),
            &"52".into(),
            &"198.51.100.1".into(),
            &"eth0".into()
        )
    );
    assert_eq!(with["rule"], "rule 5270 (from all fwmark 0x80000)");
    let loses = |who: &str, words: &str| {
        let clash = first(&sandbox, &[]);
        let explain = clash["explain"].as_str().unwrap();
        assert!(
            clash["loser"] == who && explain.contains(words),
            "{explain}"
        );
    };
    loses("host", "packets that do not meet rule 5270");
    sandbox.sh("ip rule del priority 5270 && ip rule add priority 5270 lookup 52");
    loses("containers", "the latter wins");
    // After main: the default route is found first, with Docker and without.
    sandbox.sh("ip rule del priority 5270 && ip rule add priority 40000 lookup 52");
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh("ip route del default");
    loses("host", "every packet for 172.17.9.0/24 goes into docker0");
}

#[test]
fn a_vpn_that_takes_over_the_default_route_by_rules_is_no_clash() {
    let sandbox = Sandbox::with_docker0();
    // As wg-quick does it.
    sandbox.sh("ip route add default dev eth0 table 51820
                ip rule add not fwmark 51820 table 51820
                ip rule add table main suppress_prefixlength 0");
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh("ip route add 172.17.0.0/20 dev eth0 table 51820");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.0/20/onlink"]
    );
    let rule = first(&sandbox, &[])["with"]["rule"].to_string();
    assert!(rule.contains("(not from all fwmark 0xca6c)"), "{rule}");
}

#[test]
fn rules_to_a_network_and_local_prefixes_count() {
    let sandbox = Sandbox::with_docker0();
    // Made for Docker: the table has Docker's own route.
    sandbox.sh(
        "ip rule add priority 100 to 172.17.4.0/24 lookup main && ip rule add priority 101 to \
         172.16.0.0/12 lookup main",
    );
    assert!(sandbox.clashes(&[]).is_empty());
    // The other way round: it leads past Docker.
    sandbox.sh(
        "ip route add default via 198.51.100.1 table 77 && ip rule del priority 100 && \
         ip rule add priority 100 to 172.17.4.0/24 lookup 77",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.4.0/24/route"]
    );
    assert_eq!(first(&sandbox, &[])["loser"], "containers");
    sandbox.sh("ip rule del priority 100 && ip route add local 172.17.6.0/24 dev lo");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.6.0/24/onlink"]
    );
    sandbox.sh("ip route del local 172.17.6.0/24 dev lo");
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "the addresses of docker0 in the table local are Docker's own"
    );
}

#[test]
fn a_route_of_a_tunnel_names_the_kind_of_device() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip tuntap add tun0 mode tun && ip link set tun0 up && ip route add 172.17.32.0/20 \
                dev tun0",
    );
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (&clash["with"]["dev"], &clash["with"]["source"]),
        (&"tun0".into(), &"onlink".into())
    );
    assert_eq!(clash["with"]["detail"], "on-link route of the tun device");
    sandbox.sh("ip route del 172.17.32.0/20 && ip route add 8.8.0.0/16 dev tun0");
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "public space is nobody's bridge"
    );
}

#[test]
fn covering_routes_count_and_say_so() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add 172.16.0.0/12 via 198.51.100.1");
    assert_eq!(first(&sandbox, &[])["with"]["detail"], "covering route");
    sandbox.sh(
        "ip route del 172.16.0.0/12 && ip route add 0.0.0.0/1 via 198.51.100.1 && ip route \
                add 128.0.0.0/1 via 198.51.100.1",
    );
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn routes_that_drop_packets_count() {
    let sandbox = Sandbox::with_docker0();
    for kind in ["blackhole", "unreachable", "prohibit"] {
        sandbox.sh(&format!("ip route add {kind} 172.17.8.0/24"));
        assert_eq!(
            first(&sandbox, &[])["with"]["detail"],
            format!("{kind} route")
        );
        sandbox.sh(&format!(
            "ip route del {kind} 172.17.8.0/24; ip route add {kind} default metric 9999"
        ));
        assert!(sandbox.clashes(&[]).is_empty());
        sandbox.sh(&format!("ip route del {kind} default metric 9999"));
    }
}

#[test]
fn ipv6_counts_and_is_not_moved() {
    let sandbox = with_docker();
    sandbox.sh("ip -6 addr add fd00:17::1/64 dev docker0 nodad
                ip -6 addr add fd00:1::5/64 dev eth0 nodad
                ip -6 route add default via fd00:1::1 && ip -6 route add 2000::/3 via fd00:1::1");
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "link-local networks, the default route and its like are no clash"
    );
    sandbox.sh("ip -6 route add fd00:17::/60 via fd00:1::1");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/fd00:17::/64/fd00:17::/60/route"]
    );
    let (code, report) = sandbox.json(&["apply", "--yes"]);
    assert_eq!(
        (code, &report["changed"]),
        (0, &Value::Bool(false)),
        "{report:#}"
    );
    assert!(
        report["msg"].as_str().unwrap().contains("IPv6"),
        "{report:#}"
    );
}

#[test]
fn nameservers_of_single_links_count_and_inside_pools_too() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "mkdir -p /run/systemd/resolve/netif; echo 'SERVERS=172.17.0.2' > \
                /run/systemd/resolve/netif/$(ip -o link show eth0 | cut -d: -f1)",
    );
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (
            &clash["kind"],
            &clash["with"]["source"],
            &clash["with"]["dev"]
        ),
        (&"present".into(), &"nameserver".into(), &"eth0".into())
    );
    sandbox.sh("rm -r /run/systemd/resolve");
    // Inside a pool: no network holds it yet.
    sandbox.put("/etc/resolv.conf", "nameserver 172.18.0.2\n");
    assert_eq!(
        sandbox.clashes(&[]),
        ["latent/172.18.0.0/16/172.18.0.2/32/nameserver"]
    );
    sandbox.put(
        "/run/NetworkManager/no-stub-resolv.conf",
        "nameserver 172.19.0.2\n",
    );
    assert_eq!(sandbox.clashes(&[]).len(), 2);
    sandbox.sh("rm -r /run/NetworkManager");
    for harmless in [
        "nameserver 9.9.9.9\n",
        "nameserver 127.0.0.53\n",
        "nameserver 172.17.0.1\n",
    ] {
        sandbox.put("/etc/resolv.conf", harmless);
        assert!(sandbox.clashes(&[]).is_empty(), "{harmless}");
    }
}

#[test]
fn a_router_that_is_the_nameserver_is_no_clash() {
    for (lan, router) in [
        ("192.168.1.10/24", "192.168.1.1"),
        ("192.168.0.10/24", "192.168.0.1"),
        ("172.20.0.10/16", "172.20.0.1"),
    ] {
        let sandbox = Sandbox::with_docker0();
        sandbox.sh(&format!(
            "ip addr add {lan} dev eth0; ip route replace default via {router}"
        ));
        sandbox.put("/etc/resolv.conf", &format!("nameserver {router}\n"));
        assert!(sandbox.clashes(&[]).is_empty(), "{lan}");
        // Behind another router nothing but the list itself keeps Docker off.
        sandbox.sh(&format!("ip addr del {lan} dev eth0"));
        assert_eq!(sandbox.clashes(&[]).len(), 1, "{lan} gone");
    }
}

#[test]
fn a_fleet_of_declared_networks_is_read() {
    let sandbox = Sandbox::with_docker0();
    let mut text: String = (0..100_000u32)
        .map(|n| format!("11.{}.{}.0/30\n", n >> 8 & 255, n & 255))
        .collect();
    text.push_str("172.17.3.0/24 # the one\n");
    sandbox.put("/run/fleet", &text);
    let clash = first(&sandbox, &["--avoid-file", "/run/fleet"]);
    assert_eq!(clash["with"]["detail"], "/run/fleet line 100001");
    assert_eq!(sandbox.clashes(&["--avoid-file", "/run/fleet"]).len(), 1);
}

#[test]
fn what_is_ignored_is_shown_as_ignored() {
    let sandbox = Sandbox::with_docker0();
    sandbox
        .sh("ip route add 172.17.9.0/24 via 198.51.100.1 && ip route add 172.17.10.0/24 dev eth0");
    let (code, report) = sandbox.json(&["check", "--ignore", "route,172.17.10.0/23"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"clean".into()),
        "{report:#}"
    );
    assert_eq!(report["ignored"].as_array().unwrap().len(), 2);
    assert!(
        sandbox
            .rebridge(&["check", "--ignore", "route,onlink"])
            .stdout
            .contains("Ignored, as you asked")
    );
    assert_eq!(
        sandbox.clashes(&["--ignore", "172.17.9.0/25"]).len(),
        2,
        "a part does not excuse the whole"
    );
    let (code, report) = sandbox.json(&["check", "--ignore", "neighbor"]);
    assert_eq!(
        (code, &report["outcome"]),
        (2, &"refused".into()),
        "{report:#}"
    );
}

#[test]
fn swarm_networks_and_compose_projects_are_named() {
    let sandbox = with_docker();
    let network = |name: &str, driver: &str, subnet: &str, labels: Value| {
        json!({"Name": name, "Id": format!("{name:0<16}"), "Scope": "local", "Driver": driver,
               "IPAM": {"Config": [{"Subnet": subnet}]}, "Options": {}, "Labels": labels})
    };
    let list = json!([
        network(
            "shop_default",
            "bridge",
            "172.18.0.0/16",
            json!({"com.docker.compose.project": "shop"})
        ),
        network("docker_gwbridge", "bridge", "172.20.0.0/16", json!({})),
        network("lan", "macvlan", "172.19.0.0/16", json!(null)),
        network("ingress", "overlay", "10.0.0.0/24", json!({})),
    ]);
    sandbox.answer("/networks", list.to_string());
    sandbox.answer(
        "/networks/docker_gwbridge",
        json!({"Containers": {"x": {"IPv4Address": "172.20.0.3/16"}}}).to_string(),
    );
    let (code, report) = sandbox.json(&[
        "check",
        "--avoid",
        "172.18.5.0/24,172.19.0.0/16,10.0.0.0/16",
    ]);
    assert_eq!(code, 1);
    assert!(
        report["clashes"][0]["explain"]
            .as_str()
            .unwrap()
            .contains("Compose project shop"),
        "{report:#}"
    );
    assert_eq!(report["clashes"][0]["docker"]["project"], "shop");
    let present = report["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|clash| clash["kind"] == "present")
        .count();
    assert_eq!(
        present, 1,
        "macvlan and overlay put no route on the host: {report:#}"
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("docker network rm ingress"),
        "{report:#}"
    );
}

/// Containers as members of the LAN: the network is Docker's, the bridge is this host's.
#[test]
fn a_lan_bridge_that_a_docker_network_names_is_this_hosts() {
    let sandbox = with_docker();
    sandbox.sh(
        "ip link add br0 type bridge && ip link set br0 up && ip addr add 172.18.0.2/16 dev br0
         ip tuntap add tap5 mode tap && ip link set tap5 master br0 up
         ip link add c1 type veth peer name c1-far && ip link set c1 master br0 up
         ip route add 172.18.77.0/24 via 198.51.100.1",
    );
    let lan = json!([{"Name": "bridge", "Id": "aa", "Driver": "bridge", "Scope": "local",
            "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}, "Options": {"com.docker.network.bridge.name": "docker0"}},
        {"Name": "lan", "Id": "bb", "Driver": "bridge", "Scope": "local",
            "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]}, "Options": {"com.docker.network.bridge.name": "br0"}}]);
    sandbox.answer("/networks", lan.to_string());
    assert!(sandbox.clashes(&[]).is_empty());
    // With containers alone on it, it is Docker's.
    sandbox.sh("ip link set tap5 nomaster");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.18.0.0/16/172.18.77.0/24/route"]
    );
}
