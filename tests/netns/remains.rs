//! What containers and networks leave behind when they are gone, and what is none of it: calls into
//! Docker's ranges by age, by place and by family.

use crate::evidence::{first, until, with_docker};
use crate::networks::{network, networks};
use crate::sandbox::{REBRIDGE, Sandbox};
use serde_json::{Value, json};

fn facts(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.rebridge(&["facts"]).stdout).unwrap()
}

/// The check of facts that were read here and changed since.
fn judged(sandbox: &Sandbox, facts: &Value) -> Value {
    let file = sandbox.folder().join("facts.json");
    std::fs::write(&file, facts.to_string()).unwrap();
    sandbox
        .json(&["check", "--facts", file.to_str().unwrap()])
        .1
}

/// Calls it in vain, until the kernel gives up.
fn call(sandbox: &Sandbox, address: &str) {
    let call = format!("</dev/tcp/{address}/80");
    sandbox.run(&["timeout", "1", "bash", "-c", &call]);
    until("an end of asking", || {
        let failed = sandbox.sh("ip neigh show nud failed; ip -6 neigh show nud failed");
        failed.contains(&format!("{address} "))
    });
}

/// Sends a datagram that nothing answers.
fn send(sandbox: &Sandbox, address: &str) {
    let script = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                  s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n\
                  s.sendto(b'who', (sys.argv[1], 137))";
    let ran = sandbox.run(&["python3", "-c", script, address]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

const TRACK: &str = "iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT";

/// The kernel keeps a neighbour that did not answer for days.
#[test]
fn a_call_is_evidence_for_an_hour() {
    let sandbox = with_docker();
    call(&sandbox, "172.17.50.10");
    let mut seen = facts(&sandbox);
    let mut aged = |seconds: u64| {
        seen["kernel"]["neighbours"][0]["called_seconds_ago"] = seconds.into();
        judged(&sandbox, &seen)
    };
    let report = aged(3500);
    assert_eq!(
        report["clashes"][0]["with"]["net"], "172.17.50.10/32",
        "{report:#}"
    );
    assert_eq!(report["notes"], json!([]));
    let report = aged(3700);
    assert_eq!(report["outcome"], "clean", "{report:#}");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("still calls 172.17.50.10 on docker0"),
        "{notes}"
    );
}

/// A dual-stack docker0, as engines make it.
fn with_ipv6() -> Sandbox {
    let sandbox = with_docker();
    sandbox.sh("ip -6 addr add fd00:17::1/64 dev docker0 nodad");
    let mut docker0 = network("bridge", "bridge", "172.17.0.0/16");
    let subnets = docker0["IPAM"]["Config"].as_array_mut().unwrap();
    subnets.push(json!({"Subnet": "fd00:17::/64"}));
    sandbox.answer("/networks", json!([docker0]).to_string());
    sandbox
}

#[test]
fn a_container_that_is_gone_lay_low_in_ipv6_too() {
    let sandbox = with_ipv6();
    call(&sandbox, "fd00:17::5");
    // Engines before 27 derive it from the address of IPv4.
    call(&sandbox, "fd00:17::242:ac11:6");
    assert!(sandbox.clashes(&[]).is_empty());
    let notes = sandbox.json(&["check"]).1["notes"].to_string();
    assert!(
        notes.contains("still calls fd00:17::5 on docker0"),
        "{notes}"
    );
    call(&sandbox, "fd00:17::50:10");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/fd00:17::/64/fd00:17::50:10/128/neighbour"]
    );
}

/// Broadcasts and calls to containers of a network that was removed a moment ago. The kernel
/// remembers the flows.
#[test]
fn calls_into_a_network_that_is_gone_are_no_evidence() {
    let sandbox = with_docker();
    sandbox.sh(TRACK);
    sandbox.sh(
        "ip link add br-0123456789ab type bridge && ip addr add 172.18.0.1/16 dev br-0123456789ab
                ip link set br-0123456789ab up",
    );
    networks(
        &sandbox,
        &[network("br-0123456789ab", "bridge", "172.18.0.0/16")],
    );
    for address in ["172.18.255.255", "172.18.0.0", "172.18.0.5"] {
        send(&sandbox, address);
    }
    assert!(sandbox.clashes(&[]).is_empty());
    networks(&sandbox, &[]);
    sandbox.sh("ip link del br-0123456789ab");
    let peers = facts(&sandbox)["kernel"]["peers"].to_string();
    assert!(
        peers.contains("172.18.0.5") && peers.contains("172.18.255.255"),
        "{peers}"
    );
    assert!(sandbox.clashes(&[]).is_empty());
    // By the way out, and so to a server outside.
    send(&sandbox, "172.19.0.5");
    assert_eq!(
        sandbox.clashes(&[]),
        ["latent/172.19.0.0/16/172.19.0.5/32/connection"]
    );
}

/// Discovery of all kinds, on every link.
#[test]
fn what_is_sent_to_all_is_no_evidence() {
    let sandbox = with_docker();
    sandbox.sh(TRACK);
    for address in [
        "224.0.0.251",
        "239.255.255.250",
        "255.255.255.255",
        "172.17.255.255",
    ] {
        let script = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                      s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n\
                      s.setsockopt(socket.SOL_SOCKET, 25, b'docker0')\n\
                      s.sendto(b'who', (sys.argv[1], 1900))";
        let ran = sandbox.run(&["python3", "-c", script, address]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert!(sandbox.clashes(&[]).is_empty());
    send(&sandbox, "172.17.50.53");
    assert_eq!(sandbox.clashes(&["--ignore", "neighbour"]).len(), 1);
}

/// A client outside whom a bridge of Docker's hides: the answers get lost there. Its calls to a
/// published port end at the container, which looks for it on its own bridge.
#[test]
fn a_client_of_a_published_port_whom_docker_hides_counts() {
    for rp_filter in [0, 2] {
        let sandbox = with_docker();
        let clients = |address: &str| {
            format!(
                "ip -n far addr flush dev corp && ip -n far addr add 198.51.100.1/24 dev corp
                 ip -n far addr add {address}/32 dev corp
                 ip -n far route replace 198.51.100.11 dev corp src {address}"
            )
        };
        sandbox.sh(&format!(
            "ip netns add box && ip link set in0 netns box && ip -n box link set lo up
             ip -n box link set in0 up && ip -n box addr add 172.17.0.2/16 dev in0
             ip -n box route add default via 172.17.0.1
             sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter={rp_filter} \
                 net.ipv4.conf.eth0.rp_filter={rp_filter}
             iptables -P FORWARD ACCEPT && iptables -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
             iptables -t nat -A PREROUTING -d 198.51.100.11 -p tcp --dport 8080 -j DNAT --to 172.17.0.2:80
             ip netns add far && ip link set corp netns far && ip -n far link set corp up
             {}",
            clients("203.0.113.5")
        ));
        crate::evidence::containers(&sandbox, &[("web", "172.17.0.2")]);
        let _web = sandbox.start(&[
            "ip", "netns", "exec", "box", "busybox", "httpd", "-f", "-p", "80",
        ]);
        let call = "</dev/tcp/198.51.100.11/8080";
        let call = [
            "timeout", "2", "ip", "netns", "exec", "far", "bash", "-c", call,
        ];
        until("a call to the published port", || {
            sandbox.run(&call).code == 0
        });
        assert!(sandbox.clashes(&[]).is_empty(), "rp_filter {rp_filter}");
        sandbox.sh(&clients("172.17.50.9"));
        assert_ne!(sandbox.run(&call).code, 0, "rp_filter {rp_filter}");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.50.9/32/connection"],
            "rp_filter {rp_filter}"
        );
    }
}

/// The same of a service of this host's own.
#[test]
fn a_client_of_this_host_whom_docker_hides_counts() {
    let sandbox = with_docker();
    sandbox.sh(
        "ip netns add far && ip link set corp netns far && ip -n far link set corp up
                ip -n far addr add 198.51.100.1/24 dev corp && ip -n far addr add 172.17.50.9/32 dev corp
                sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0",
    );
    let _web = sandbox.start(&["busybox", "httpd", "-f", "-p", "80"]);
    let call = [
        "timeout",
        "1",
        "ip",
        "netns",
        "exec",
        "far",
        "bash",
        "-c",
        "</dev/tcp/198.51.100.11/80",
    ];
    until("the service", || sandbox.run(&call).code == 0);
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh("ip -n far route replace 198.51.100.11 dev corp src 172.17.50.9");
    assert_ne!(sandbox.run(&call).code, 0);
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (&clash["with"]["net"], &clash["certainty"]),
        (&"172.17.50.9/32".into(), &"suspected".into())
    );
}

/// What was fixed stays fixed, whatever traffic there is, until something that lasts says otherwise.
#[test]
fn a_fixed_host_is_left_alone_by_traffic() {
    let sandbox = with_docker();
    sandbox.sh(TRACK);
    let apply = |arguments: &[&str]| {
        let words = [&["apply", "--yes", "--avoid", "172.17.0.0/16"], arguments].concat();
        let (code, report) = sandbox.json(&words);
        assert_eq!(code, 0, "{report:#}");
        (report["outcome"].clone(), report["changed"] == true)
    };
    assert_eq!(apply(&[]), ("changed".into(), true));
    assert_eq!(sandbox.docker0(), "10.200.255.1/24");
    // A container that is gone, somebody else on docker0, a network that the pools may hand out.
    call(&sandbox, "10.200.255.9");
    assert_eq!(apply(&[]), ("clean".into(), false));
    call(&sandbox, "10.200.255.200");
    send(&sandbox, "10.200.3.3");
    assert_eq!(apply(&[]), ("clashing".into(), false));
    assert_eq!(sandbox.docker0(), "10.200.255.1/24");
    sandbox.sh("ip route add 10.200.0.0/16 via 198.51.100.1");
    assert_eq!(apply(&[]), ("changed".into(), true));
    assert!(!sandbox.docker0().starts_with("10.200."));
}

/// A stock host, and somebody who logs in from a range that the pools could hand out.
#[test]
fn who_logs_in_moves_nothing_unattended() {
    let sandbox = with_docker();
    let run = |peer: &str, words: &[&str]| {
        let variable = format!("SSH_CONNECTION={peer} 50000 198.51.100.11 22");
        let ran = sandbox.run(&[&["env", &variable, REBRIDGE], words, &["--json"]].concat());
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    assert_eq!(run("203.0.113.5", &["check"])["outcome"], "clean");
    let report = run("192.168.1.50", &["check"]);
    let clash = &report["clashes"][0];
    assert_eq!(
        (&clash["kind"], &clash["certainty"]),
        (&"latent".into(), &"suspected".into()),
        "{report:#}"
    );
    let report = run("192.168.1.50", &["apply", "--yes"]);
    assert_eq!(report["changed"], false, "{report:#}");
    let report = run(
        "192.168.1.50",
        &["apply", "--check", "--act-on", "suspected"],
    );
    assert_eq!(report["outcome"], "would_change", "{report:#}");
}

/// The host's resolver is a container that restarts just now, or was stopped for good.
#[test]
fn a_nameserver_in_a_stopped_container_is_no_servers() {
    let sandbox = with_docker();
    sandbox.put("/etc/resolv.conf", "nameserver 172.17.0.2\n");
    let clash = ["present/172.17.0.0/16/172.17.0.2/32/nameserver"];
    assert_eq!(sandbox.clashes(&[]), clash, "Docker has no container");
    let stopped = json!([{"Id": "c1", "Names": ["/pihole"], "State": "exited", "NetworkSettings":
        {"Networks": {"bridge": {"IPAddress": ""}}}}]);
    sandbox.answer("/containers/json?all=1", stopped.to_string());
    assert!(sandbox.clashes(&[]).is_empty());
    let notes = sandbox.json(&["check"]).1["notes"].to_string();
    assert!(notes.contains("172.17.0.2 on docker0"), "{notes}");
    let (code, report) = sandbox.json(&["apply", "--yes"]);
    assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
    // One container never lies that high.
    sandbox.put("/etc/resolv.conf", "nameserver 172.17.0.9\n");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.9/32/nameserver"]
    );
}
