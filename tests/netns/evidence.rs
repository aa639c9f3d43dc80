//! Every kind of evidence, made with the real kernel in a network namespace, and beside it the harmless twin that must
//! raise nothing. Docker's side is a real bridge; the engine that names its containers is a stand-in.

use crate::sandbox::engine::{Restart, install};
use crate::sandbox::{REBRIDGE, Running, Sandbox};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A sandbox with docker0 up and in use (a container's link gives it carrier), and an engine that answers.
fn with_docker() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    sandbox
        .sh("ip link add veth0 type veth peer name in0 && ip link set veth0 master docker0 up && ip link set in0 up");
    install(&sandbox, Restart::Moves);
    sandbox
}

/// The engine says that these containers live.
fn containers(sandbox: &Sandbox, list: &[(&str, &str)]) {
    let list: Vec<Value> = list
        .iter()
        .map(|(name, address)| {
            json!({"Id": name, "Names": [format!("/{name}")], "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}}})
        })
        .collect();
    sandbox.answer("/containers/json", Value::Array(list).to_string());
}

/// The first clash of a check.
fn first(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let (_, report) = sandbox.json(&[&["check"], arguments].concat());
    assert!(report["clashes"][0].is_object(), "{report:#}");
    report["clashes"][0].clone()
}

/// Waits for what another process is about to bring about.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
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
    assert!(sandbox.clashes(&[]).is_empty(), "no packet ever gets to that table");
    sandbox.sh("ip rule add priority 5270 from all fwmark 0x80000 lookup 52");
    let clash = first(&sandbox, &[]);
    let with = &clash["with"];
    assert_eq!(
        (&with["net"], &with["table"], &with["via"], &with["dev"]),
        (&"172.17.9.0/24".into(), &"52".into(), &"198.51.100.1".into(), &"eth0".into())
    );
    assert_eq!(with["detail"], "route, reached by rule 5270 (from all fwmark 0x80000)");
    let explain = clash["explain"].as_str().unwrap();
    assert!(
        explain.ends_with("containers that get an address in it cannot be reached"),
        "asked before main: {explain}"
    );
    sandbox.sh("ip rule del priority 5270 && ip rule add priority 40000 lookup 52");
    let clash = first(&sandbox, &[]);
    assert!(
        clash["explain"].as_str().unwrap().contains("shadows") || clash["explain"].as_str().unwrap().contains("meets")
    );
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
    assert_eq!(sandbox.clashes(&[]), ["present/172.17.0.0/16/172.17.0.0/20/onlink"]);
    let detail = first(&sandbox, &[])["with"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("(not from all fwmark 0xca6c)"), "{detail}");
}

#[test]
fn rules_to_a_network_and_local_prefixes_count() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip rule add priority 100 to 172.17.4.0/24 lookup main && ip rule add priority 101 to 10.9.0.0/16 lookup main",
    );
    assert_eq!(sandbox.clashes(&[]), ["present/172.17.0.0/16/172.17.4.0/24/route"]);
    sandbox.sh("ip rule del priority 100 && ip route add local 172.17.6.0/24 dev lo");
    assert_eq!(sandbox.clashes(&[]), ["present/172.17.0.0/16/172.17.6.0/24/onlink"]);
    sandbox.sh("ip route del local 172.17.6.0/24 dev lo");
    assert!(sandbox.clashes(&[]).is_empty(), "the addresses of docker0 in the table local are Docker's own");
}

#[test]
fn a_route_of_a_tunnel_names_the_kind_of_device() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip tuntap add tun0 mode tun && ip link set tun0 up && ip route add 172.17.32.0/20 dev tun0");
    let clash = first(&sandbox, &[]);
    assert_eq!((&clash["with"]["dev"], &clash["with"]["source"]), (&"tun0".into(), &"onlink".into()));
    assert_eq!(clash["with"]["detail"], "on-link route of the tun device");
    sandbox.sh("ip route del 172.17.32.0/20 && ip route add 8.8.0.0/16 dev tun0");
    assert!(sandbox.clashes(&[]).is_empty(), "public space is nobody's bridge");
}

#[test]
fn covering_routes_count_and_say_so() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add 172.16.0.0/12 via 198.51.100.1");
    assert_eq!(first(&sandbox, &[])["with"]["detail"], "covering route");
    sandbox.sh("ip route del 172.16.0.0/12 && ip route add 0.0.0.0/1 via 198.51.100.1 && ip route add 128.0.0.0/1 via 198.51.100.1");
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn routes_that_drop_packets_count() {
    let sandbox = Sandbox::with_docker0();
    for kind in ["blackhole", "unreachable", "prohibit"] {
        sandbox.sh(&format!("ip route add {kind} 172.17.8.0/24"));
        assert_eq!(first(&sandbox, &[])["with"]["detail"], format!("{kind} route"));
        sandbox.sh(&format!("ip route del {kind} 172.17.8.0/24; ip route add {kind} default metric 9999"));
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
    assert!(sandbox.clashes(&[]).is_empty(), "link-local networks, the default route and its like are no clash");
    sandbox.sh("ip -6 route add fd00:17::/60 via fd00:1::1");
    assert_eq!(sandbox.clashes(&[]), ["present/fd00:17::/64/fd00:17::/60/route"]);
    let (code, report) = sandbox.json(&["apply"]);
    assert_eq!((code, &report["changed"]), (0, &Value::Bool(false)), "{report:#}");
    assert!(report["msg"].as_str().unwrap().contains("IPv6"), "{report:#}");
}

#[test]
fn nameservers_of_single_links_count_and_inside_pools_too() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("mkdir -p /run/systemd/resolve/netif; echo 'SERVERS=172.17.0.2' > /run/systemd/resolve/netif/$(ip -o link show eth0 | cut -d: -f1)");
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (&clash["kind"], &clash["with"]["source"], &clash["with"]["dev"]),
        (&"present".into(), &"nameserver".into(), &"eth0".into())
    );
    sandbox.sh("rm -r /run/systemd/resolve");
    // Inside a pool: no network holds it yet.
    sandbox.put("/etc/resolv.conf", "nameserver 172.18.0.2\n");
    assert_eq!(sandbox.clashes(&[]), ["latent/172.18.0.0/16/172.18.0.2/32/nameserver"]);
    sandbox.put("/run/NetworkManager/no-stub-resolv.conf", "nameserver 172.19.0.2\n");
    assert_eq!(sandbox.clashes(&[]).len(), 2);
    sandbox.sh("rm -r /run/NetworkManager");
    for harmless in ["nameserver 9.9.9.9\n", "nameserver 127.0.0.53\n", "nameserver 172.17.0.1\n"] {
        sandbox.put("/etc/resolv.conf", harmless);
        assert!(sandbox.clashes(&[]).is_empty(), "{harmless}");
    }
}

#[test]
fn a_fleet_of_declared_networks_is_read() {
    let sandbox = Sandbox::with_docker0();
    let mut text: String = (0..100_000u32).map(|n| format!("11.{}.{}.0/30\n", n >> 8 & 255, n & 255)).collect();
    text.push_str("172.17.3.0/24 # the one\n");
    sandbox.put("/run/fleet", &text);
    let clash = first(&sandbox, &["--avoid-file", "/run/fleet"]);
    assert_eq!(clash["with"]["detail"], "/run/fleet line 100001");
    assert_eq!(sandbox.clashes(&["--avoid-file", "/run/fleet"]).len(), 1);
}

#[test]
fn a_neighbour_that_does_not_answer_finds_the_outage() {
    let sandbox = with_docker();
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.50.10/8080"]);
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (&clash["docker"]["bridge"], &clash["with"]["net"], &clash["with"]["source"], &clash["with"]["dev"]),
        (&"docker0".into(), &"172.17.50.10/32".into(), &"neighbour".into(), &"docker0".into()),
        "{clash:#}"
    );
    let (code, report) = sandbox.json(&["apply"]);
    assert_eq!((code, &report["outcome"]), (0, &"changed".into()), "{report:#}");
    assert!(sandbox.clashes(&[]).is_empty(), "the evidence went with the range");
}

#[test]
fn neighbours_that_are_containers_or_elsewhere_are_no_evidence() {
    let sandbox = with_docker();
    containers(&sandbox, &[("web", "172.17.0.5")]);
    // A container that is just starting does not answer yet; one that lives has an address on its link.
    sandbox.sh("ip neigh add 172.17.0.5 dev docker0 nud incomplete || true
                ip neigh add 172.17.0.6 lladdr 02:42:ac:11:00:06 dev docker0 nud stale");
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.0.5/80"]);
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/198.51.100.77/80"]);
    let seen = sandbox.rebridge(&["facts"]).stdout;
    assert!(seen.contains("172.17.0.5") && seen.contains("198.51.100.77"), "the evidence is there: {seen}");
    assert!(sandbox.clashes(&[]).is_empty());
    // Nobody can tell a container from a server when the engine does not answer.
    sandbox.sh("rm /run/docker.sock");
    assert!(sandbox.clashes(&[]).is_empty());
}

/// The corp side of eth0 as a host of its own with a server 172.17.50.10, which answers on every port asked for.
fn with_server(ports: &[&str]) -> (Sandbox, Vec<Running>) {
    let sandbox = Sandbox::new();
    sandbox.sh("ip netns add far && ip link set corp netns far
                ip -n far link set lo up && ip -n far link set corp up
                ip -n far addr add 198.51.100.1/24 dev corp && ip -n far addr add 172.17.50.10/32 dev lo
                ip -n far route replace 198.51.100.0/24 dev corp src 172.17.50.10");
    let serve = |port: &&str| sandbox.start(&["ip", "netns", "exec", "far", "busybox", "httpd", "-f", "-p", port]);
    let servers: Vec<Running> = ports.iter().map(serve).collect();
    for port in ports {
        until("the server", || sandbox.run(&["bash", "-c", &format!("</dev/tcp/172.17.50.10/{port}")]).code == 0);
    }
    (sandbox, servers)
}

/// Docker comes, as it came to the proxy of the story.
fn docker_comes(sandbox: &Sandbox) {
    sandbox.sh(
        "ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up
                ip link add veth0 type veth peer name in0 && ip link set veth0 master docker0 up && ip link set in0 up",
    );
    install(sandbox, Restart::Moves);
}

#[test]
fn connections_into_docker0s_range_count_and_unanswered_ones_come_first() {
    let (sandbox, _servers) = with_server(&["8080"]);
    let _talks = sandbox.start(&["bash", "-c", "exec 3<>/dev/tcp/172.17.50.10/8080; sleep 60"]);
    until("the connection", || !sandbox.sh("ss -Htn state established dst 172.17.50.10").is_empty());
    docker_comes(&sandbox);
    assert_eq!(sandbox.clashes(&[]), ["present/172.17.0.0/16/172.17.50.10/32/connection"]);
    assert_eq!(first(&sandbox, &[])["with"]["detail"], "this host has a TCP connection with it (port 8080)");
    let _calls = sandbox.start(&["bash", "-c", "</dev/tcp/172.17.50.11/8443"]);
    until("the call", || !sandbox.sh("ss -Htn state syn-sent").is_empty());
    let clash = first(&sandbox, &["--ignore", "neighbour"]);
    assert_eq!((&clash["with"]["net"], &clash["with"]["source"]), (&"172.17.50.11/32".into(), &"connection".into()));
    assert!(
        clash["explain"]
            .as_str()
            .unwrap()
            .contains("a program on this host connects to it (port 8443) and has no answer"),
        "{clash:#}"
    );
}

#[test]
fn connections_to_containers_and_to_docker0_itself_are_no_evidence() {
    let (sandbox, _servers) = with_server(&["8080"]);
    docker_comes(&sandbox);
    containers(&sandbox, &[("web", "172.17.0.2")]);
    sandbox.sh("ip netns add box && ip link set in0 netns box && ip -n box link set in0 up && ip -n box link set lo up
                ip -n box addr add 172.17.0.2/16 dev in0");
    let _inside = sandbox.start(&["ip", "netns", "exec", "box", "busybox", "httpd", "-f", "-p", "80"]);
    let _own = sandbox.start(&["busybox", "httpd", "-f", "-p", "172.17.0.1:81"]);
    for (at, port) in [("172.17.0.2", "80"), ("172.17.0.1", "81")] {
        until("the listener", || sandbox.run(&["bash", "-c", &format!("</dev/tcp/{at}/{port}")]).code == 0);
    }
    let _talks =
        sandbox.start(&["bash", "-c", "exec 3<>/dev/tcp/172.17.0.2/80; exec 4<>/dev/tcp/172.17.0.1/81; sleep 60"]);
    until("both connections", || sandbox.sh("ss -Htn state established dst 172.17.0.0/16").lines().count() >= 2);
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn ssh_sessions_count_however_they_are_known() {
    let (sandbox, _servers) = with_server(&["8080"]);
    let _sshd = sandbox.start(&["busybox", "httpd", "-f", "-p", "22"]);
    until("the listener", || sandbox.run(&["bash", "-c", "</dev/tcp/127.0.0.1/22"]).code == 0);
    let _session =
        sandbox.start(&["ip", "netns", "exec", "far", "bash", "-c", "exec 3<>/dev/tcp/198.51.100.11/22; sleep 60"]);
    until("the session", || !sandbox.sh("ss -Htn state established sport 22").is_empty());
    docker_comes(&sandbox);
    assert_eq!(sandbox.clashes(&[]), ["present/172.17.0.0/16/172.17.50.10/32/ssh"]);
    // sudo takes the variable away; the shell above it still has it. The port is another one.
    let sandbox = with_docker();
    let sudo = format!("env -u SSH_CONNECTION {REBRIDGE} check --json; exit $?");
    let session = |peer: &str| {
        let variable = format!("SSH_CONNECTION={peer} 50000 198.51.100.11 2222");
        let ran = sandbox.run(&["env", &variable, "sh", "-c", &sudo]);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let report = session("172.17.9.9");
    assert_eq!(report["clashes"][0]["with"]["source"], "ssh", "{report:#}");
    assert!(report["clashes"][0]["explain"].as_str().unwrap().contains("your own ssh session"), "{report:#}");
    let report = session("203.0.113.9");
    assert_eq!(report["outcome"], "clean", "{report:#}");
}

#[test]
fn new_ranges_keep_off_everybody_this_host_talks_to() {
    let sandbox = with_docker();
    let variable = "SSH_CONNECTION=10.200.3.4 50000 198.51.100.11 22";
    let ran = sandbox.run(&["env", variable, REBRIDGE, "apply", "--json", "--check", "--avoid", "172.17.0.0/16"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    // 10/8 shows signs of use now, so another block comes first.
    let base = report["plan"]["daemon_json"]["default-address-pools"][0]["base"].as_str().unwrap();
    assert!(!base.starts_with("10.200."), "{report:#}");
}

#[test]
fn flows_nobody_answers_count_and_flows_of_containers_do_not() {
    let sandbox = with_docker();
    containers(&sandbox, &[("web", "172.17.0.5")]);
    sandbox.sh("iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT");
    sandbox.run(&["bash", "-c", "echo hello > /dev/udp/172.17.0.5/53"]);
    assert!(sandbox.clashes(&["--ignore", "neighbour"]).is_empty());
    sandbox.run(&["bash", "-c", "echo hello > /dev/udp/172.17.50.53/53"]);
    assert_eq!(sandbox.clashes(&["--ignore", "neighbour"]), ["present/172.17.0.0/16/172.17.50.53/32/connection"]);
}

#[test]
fn what_is_ignored_is_shown_as_ignored() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip route add 172.17.9.0/24 via 198.51.100.1 && ip route add 172.17.10.0/24 dev eth0");
    let (code, report) = sandbox.json(&["check", "--ignore", "route,172.17.10.0/23"]);
    assert_eq!((code, &report["outcome"]), (0, &"clean".into()), "{report:#}");
    assert_eq!(report["ignored"].as_array().unwrap().len(), 2);
    assert!(sandbox.rebridge(&["check", "--ignore", "route,onlink"]).stdout.contains("Ignored, as you said"));
    assert_eq!(sandbox.clashes(&["--ignore", "172.17.9.0/25"]).len(), 2, "a part does not excuse the whole");
    let (code, report) = sandbox.json(&["check", "--ignore", "neighbor"]);
    assert_eq!((code, &report["outcome"]), (2, &"refused".into()), "{report:#}");
}

#[test]
fn swarm_networks_and_compose_projects_are_named() {
    let sandbox = with_docker();
    let network = |name: &str, driver: &str, subnet: &str, labels: Value| {
        json!({"Name": name, "Id": format!("{name:0<16}"), "Scope": "local", "Driver": driver,
               "IPAM": {"Config": [{"Subnet": subnet}]}, "Options": {}, "Labels": labels})
    };
    let list = json!([
        network("shop_default", "bridge", "172.18.0.0/16", json!({"com.docker.compose.project": "shop"})),
        network("docker_gwbridge", "bridge", "172.20.0.0/16", json!({})),
        network("lan", "macvlan", "172.19.0.0/16", json!(null)),
        network("ingress", "overlay", "10.0.0.0/24", json!({})),
    ]);
    sandbox.answer("/networks", list.to_string());
    sandbox.answer(
        "/networks/docker_gwbridge",
        json!({"Containers": {"x": {"IPv4Address": "172.20.0.3/16"}}}).to_string(),
    );
    let (code, report) = sandbox.json(&["check", "--avoid", "172.18.5.0/24,172.19.0.0/16,10.0.0.0/16"]);
    assert_eq!(code, 1);
    assert!(report["clashes"][0]["explain"].as_str().unwrap().contains("Compose project shop"), "{report:#}");
    assert_eq!(report["clashes"][0]["docker"]["project"], "shop");
    let present = report["clashes"].as_array().unwrap().iter().filter(|clash| clash["kind"] == "present").count();
    assert_eq!(present, 1, "macvlan and overlay put no route on the host: {report:#}");
    assert!(report["warnings"].to_string().contains("docker network rm ingress"), "{report:#}");
}

#[test]
fn facts_of_it_all_tell_the_same_elsewhere() {
    let sandbox = with_docker();
    sandbox.put("/etc/resolv.conf", "nameserver 172.18.0.2\n");
    sandbox.sh("ip route add 172.17.9.0/24 via 198.51.100.1 table 52 && ip rule add priority 5270 lookup 52
                ip -6 addr add fd00:17::1/64 dev docker0 nodad && ip -6 route add fd00:17::/64 dev eth0 metric 50
                mkdir -p /var/lib/rebridge");
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.50.10/8080"]);
    // Until the kernel has given up: what changes meanwhile would be told differently.
    sandbox.sh("for n in $(seq 100); do ip neigh show dev docker0 | grep -q FAILED && exit 0; sleep 0.1; done; exit 1");
    let facts = sandbox.rebridge(&["facts"]).stdout;
    let file = std::env::temp_dir().join(format!("rebridge-facts-{}.json", std::process::id()));
    std::fs::write(&file, facts).unwrap();
    for verb in [&["check"][..], &["apply", "--check"], &["check", "--json"]] {
        let there = sandbox.rebridge(verb);
        // Elsewhere: this machine, not the sandbox.
        let here = std::process::Command::new(REBRIDGE).args(verb).arg("--facts").arg(&file).output().unwrap();
        assert_eq!((there.code, there.stdout.as_bytes()), (here.status.code().unwrap(), here.stdout.as_slice()));
    }
    std::fs::remove_file(&file).unwrap();
}
