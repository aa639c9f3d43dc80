//! Evidence that comes of calls: neighbours that do not answer, connections, flows, ssh sessions;
//! and the harmless twins.

use crate::evidence::{containers, first, until, with_docker};
use crate::sandbox::engine::{Restart, install};
use crate::sandbox::{REBRIDGE, Running, Sandbox};
use serde_json::{Value, json};

/// Waits until the kernel no longer asks for who was called on docker0.
fn given_up(sandbox: &Sandbox) {
    until("an end of asking", || {
        sandbox
            .sh("ip neigh show dev docker0 nud failed")
            .lines()
            .count()
            == 1
    });
}

#[test]
fn a_neighbour_that_does_not_answer_finds_the_outage() {
    let sandbox = with_docker();
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.50.10/8080"]);
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (
            &clash["docker"]["bridge"],
            &clash["with"]["net"],
            &clash["with"]["source"],
            &clash["with"]["dev"]
        ),
        (
            &"docker0".into(),
            &"172.17.50.10/32".into(),
            &"neighbour".into(),
            &"docker0".into()
        ),
        "{clash:#}"
    );
    // Once the kernel has given up it is said how long ago the call was, and before that how many
    // wait.
    given_up(&sandbox);
    let detail = || {
        first(&sandbox, &["--ignore", "connection"])["with"]["detail"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        detail(),
        "it was called from this host in the last minute and did not answer"
    );
    let call = "while :; do </dev/tcp/172.17.50.10/8080; done";
    let calls: Vec<Running> = (0..3)
        .map(|_| sandbox.start(&["bash", "-c", call]))
        .collect();
    until("three calls", || {
        detail() == "it is being called from this host (3 calls are open) and does not answer"
    });
    drop(calls);
    given_up(&sandbox);
    let facts: Value = serde_json::from_str(&sandbox.rebridge(&["facts"]).stdout).unwrap();
    let ago = facts["kernel"]["neighbours"][0]["called_seconds_ago"].as_u64();
    assert!(ago.is_some_and(|ago| ago < 15), "{facts:#}");
    let (code, report) = sandbox.json(&["apply", "--yes"]);
    let said = report["msg"].as_str().unwrap();
    assert_eq!((code, &report["outcome"]), (0, &"clashing".into()));
    assert!(
        said.contains("--act-on suspected"),
        "traffic alone moves nothing unattended: {said}"
    );
    let (code, report) = sandbox.json(&["apply", "--yes", "--act-on", "suspected"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "the evidence went with the range"
    );
}

/// How often the engine was asked this since it was last counted.
fn times_asked(sandbox: &Sandbox, question: &str) -> usize {
    let file = sandbox.folder().join("asked");
    let asked = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "").unwrap();
    asked.matches(question).count()
}

fn facts(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.rebridge(&["facts"]).stdout).unwrap()
}

#[test]
fn a_container_that_started_while_the_kernel_was_read_is_no_stranger() {
    let sandbox = with_docker();
    assert!(sandbox.clashes(&[]).is_empty());
    assert_eq!(
        times_asked(&sandbox, "/containers/json"),
        1,
        "nobody is a stranger"
    );
    let _ = sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.9.9/80"]);
    assert_eq!(first(&sandbox, &[])["with"]["net"], "172.17.9.9/32");
    // Where something is to be changed, it is all looked at again, more closely.
    assert_eq!(times_asked(&sandbox, "/containers/json"), 4);
    let container = r#"[{"Id": "c1", "Names": ["/late"], "State": "running",
                         "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.9.9"}}}}]"#;
    sandbox.answer("/containers/json?all=1", container);
    assert!(sandbox.clashes(&[]).is_empty());
    assert_eq!(times_asked(&sandbox, "/containers/json"), 2);
    // Looked at closely it has its details too.
    sandbox.answer(
        "/containers/c1/json",
        r#"{"HostConfig": {"NetworkMode": "bridge"}}"#,
    );
    sandbox.answer("/containers/json?all=1", "[]");
    let next = sandbox.folder().join("answer_containers_json?all=1.next");
    std::fs::write(next, container).unwrap();
    let container = &facts(&sandbox)["docker"]["engine"]["containers"][0];
    assert_eq!(
        (&container["name"], &container["detail"]["mode"]),
        (&"late".into(), &"bridge".into()),
        "{container:#}"
    );
}

#[test]
fn a_stopped_container_keeps_the_address_it_was_given() {
    let sandbox = with_docker();
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.9.9/80"]);
    let stopped = |given: &str| {
        let container = json!([{"Id": "c1", "Names": ["/db"], "State": "exited", "NetworkSettings":
            {"Networks": {"bridge": {"IPAddress": "", "IPAMConfig": {"IPv4Address": given}}}}}]);
        sandbox.answer("/containers/json?all=1", container.to_string());
    };
    stopped("172.17.9.8");
    assert_eq!(first(&sandbox, &[])["with"]["net"], "172.17.9.9/32");
    stopped("172.17.9.9");
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn what_is_on_a_network_and_no_container_is_no_stranger() {
    let sandbox = with_docker();
    let inspected =
        json!({"Containers": {"step": {"IPv4Address": "172.17.9.9/16", "IPv6Address": ""}}});
    sandbox.answer("/networks/aa", inspected.to_string());
    assert!(sandbox.clashes(&[]).is_empty());
    assert_eq!(
        times_asked(&sandbox, "/networks/aa"),
        0,
        "nobody is a stranger"
    );
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.9.9/80"]);
    assert!(sandbox.clashes(&[]).is_empty());
    assert_eq!(times_asked(&sandbox, "/networks/aa"), 1);
    assert_eq!(
        facts(&sandbox)["docker"]["engine"]["networks"][0]["endpoints"],
        json!(["172.17.9.9"])
    );
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.50.10/8080"]);
    assert_eq!(
        sandbox.clashes(&["--ignore", "connection"]),
        ["present/172.17.0.0/16/172.17.50.10/32/neighbour"]
    );
}

/// A container of which the engine knows nothing, as a VIP or a virtual machine is.
const GUEST: &str = "ip netns add box && ip link set in0 netns box && ip -n box link set lo up
     ip -n box link set in0 up && ip -n box addr add 172.17.200.200/16 dev in0
     ip -n box route add default via 172.17.0.1";

#[test]
fn who_is_at_home_on_a_docker_bridge_is_no_stranger() {
    let sandbox = with_docker();
    sandbox.sh(GUEST);
    // Somebody on another bridge is of no interest.
    sandbox.sh(
        "ip link add lan type bridge && ip addr add 192.0.2.1/24 dev lan && ip link set lan up
                ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev lan nud permanent
                iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT",
    );
    // No socket there answers: the flow alone says as much as that of a shadowed server.
    sandbox.run(&["bash", "-c", "echo hello > /dev/udp/172.17.200.200/53"]);
    until("an answer on the link", || {
        sandbox
            .sh("ip neigh show 172.17.200.200 dev docker0")
            .contains("lladdr")
    });
    assert_eq!(peers(&sandbox), ["172.17.200.200 unanswered"]);
    assert_eq!(
        facts(&sandbox)["kernel"]["residents"],
        json!([{"address": "172.17.200.200", "dev": "docker0"}])
    );
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.run(&["bash", "-c", "echo hello > /dev/udp/172.17.50.53/53"]);
    assert_eq!(
        sandbox.clashes(&["--ignore", "neighbour"]),
        ["present/172.17.0.0/16/172.17.50.53/32/connection"]
    );
    // Gone for good, and still called.
    sandbox.sh("ip -n box link set in0 down && ip neigh flush dev docker0");
    sandbox.run(&["bash", "-c", "echo hello > /dev/udp/172.17.200.200/53"]);
    assert!(
        sandbox
            .clashes(&["--ignore", "neighbour"])
            .contains(&"present/172.17.0.0/16/172.17.200.200/32/connection".to_owned())
    );
}

#[test]
fn neighbours_that_are_containers_or_elsewhere_are_no_evidence() {
    let sandbox = with_docker();
    containers(&sandbox, &[("web", "172.17.0.5")]);
    // A container that is just starting does not answer yet; one that lives has an address on its
    // link.
    sandbox.sh("ip neigh add 172.17.0.5 dev docker0 nud incomplete || true
                ip neigh add 172.17.0.6 lladdr 02:42:ac:11:00:06 dev docker0 nud stale");
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.0.5/80"]);
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/198.51.100.77/80"]);
    let seen = sandbox.rebridge(&["facts"]).stdout;
    assert!(
        seen.contains("172.17.0.5") && seen.contains("198.51.100.77"),
        "the evidence is there: {seen}"
    );
    assert!(sandbox.clashes(&[]).is_empty());
    // Nobody can tell a container from a server when the engine does not answer.
    sandbox.sh("rm /run/docker.sock");
    assert!(sandbox.clashes(&[]).is_empty());
}

/// The corp side of eth0 as a host of its own with a server 172.17.50.10, which answers on every
/// port asked for.
fn with_server(ports: &[&str]) -> (Sandbox, Vec<Running>) {
    let sandbox = Sandbox::new();
    sandbox.sh("ip netns add far && ip link set corp netns far
                ip -n far link set lo up && ip -n far link set corp up
                ip -n far addr add 198.51.100.1/24 dev corp && ip -n far addr add 172.17.50.10/32 dev lo
                ip -n far route replace 198.51.100.0/24 dev corp src 172.17.50.10");
    let serve = |port: &&str| {
        sandbox.start(&[
            "ip", "netns", "exec", "far", "busybox", "httpd", "-f", "-p", port,
        ])
    };
    let servers: Vec<Running> = ports.iter().map(serve).collect();
    for port in ports {
        until("the server", || {
            sandbox
                .run(&["bash", "-c", &format!("</dev/tcp/172.17.50.10/{port}")])
                .code
                == 0
        });
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
    until("the connection", || {
        !sandbox
            .sh("ss -Htn state established dst 172.17.50.10")
            .is_empty()
    });
    docker_comes(&sandbox);
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.50.10/32/connection"]
    );
    assert_eq!(
        first(&sandbox, &[])["with"]["detail"],
        "this host has a TCP connection with it (port 8080)"
    );
    let _calls = sandbox.start(&["bash", "-c", "</dev/tcp/172.17.50.11/8443"]);
    until("the call", || {
        !sandbox.sh("ss -Htn state syn-sent").is_empty()
    });
    let clash = first(&sandbox, &["--ignore", "neighbour"]);
    assert_eq!(
        (&clash["with"]["net"], &clash["with"]["source"]),
        (&"172.17.50.11/32".into(), &"connection".into())
    );
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
    let _inside = sandbox.start(&[
        "ip", "netns", "exec", "box", "busybox", "httpd", "-f", "-p", "80",
    ]);
    let _own = sandbox.start(&["busybox", "httpd", "-f", "-p", "172.17.0.1:81"]);
    for (at, port) in [("172.17.0.2", "80"), ("172.17.0.1", "81")] {
        until("the listener", || {
            sandbox
                .run(&["bash", "-c", &format!("</dev/tcp/{at}/{port}")])
                .code
                == 0
        });
    }
    let _talks = sandbox.start(&[
        "bash",
        "-c",
        "exec 3<>/dev/tcp/172.17.0.2/80; exec 4<>/dev/tcp/172.17.0.1/81; sleep 60",
    ]);
    until("both connections", || {
        sandbox
            .sh("ss -Htn state established dst 172.17.0.0/16")
            .lines()
            .count()
            >= 2
    });
    assert!(sandbox.clashes(&[]).is_empty());
}

#[test]
fn ssh_sessions_count_however_they_are_known() {
    let (sandbox, _servers) = with_server(&["8080"]);
    let _sshd = sandbox.start(&["busybox", "httpd", "-f", "-p", "22"]);
    until("the listener", || {
        sandbox.run(&["bash", "-c", "</dev/tcp/127.0.0.1/22"]).code == 0
    });
    let _session = sandbox.start(&[
        "ip",
        "netns",
        "exec",
        "far",
        "bash",
        "-c",
        "exec 3<>/dev/tcp/198.51.100.11/22; sleep 60",
    ]);
    until("the session", || {
        !sandbox.sh("ss -Htn state established sport 22").is_empty()
    });
    docker_comes(&sandbox);
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.50.10/32/ssh"]
    );
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
    assert!(
        report["clashes"][0]["explain"]
            .as_str()
            .unwrap()
            .contains("your own ssh session"),
        "{report:#}"
    );
    let report = session("203.0.113.9");
    assert_eq!(report["outcome"], "clean", "{report:#}");
}

#[test]
fn new_ranges_keep_off_everybody_this_host_talks_to() {
    let sandbox = with_docker();
    let variable = "SSH_CONNECTION=10.200.3.4 50000 198.51.100.11 22";
    let ran = sandbox.run(&[
        "env",
        variable,
        REBRIDGE,
        "apply",
        "--json",
        "--check",
        "--avoid",
        "172.17.0.0/16",
    ]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    // 10/8 shows signs of use now, so another block comes first.
    let base = report["plan"]["daemon_json"]["default-address-pools"][0]["base"]
        .as_str()
        .unwrap();
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
    assert_eq!(
        sandbox.clashes(&["--ignore", "neighbour"]),
        ["present/172.17.0.0/16/172.17.50.53/32/connection"]
    );
    // docker0's old address in the flow is nobody's once docker0 has moved; whom it called may
    // still be somebody.
    sandbox.sh("ip addr flush dev docker0 && ip addr add 10.200.255.1/24 dev docker0");
    assert_eq!(
        peers(&sandbox),
        ["172.17.0.5 unanswered", "172.17.50.53 unanswered"]
    );
}

/// Beside the corp network a server 203.0.113.9:80 in a third one, which this host forwards to.
fn with_a_third_network(sandbox: &Sandbox) -> Running {
    sandbox.sh("ip netns add out && ip link add eth1 type veth peer name far1 netns out
                ip addr add 203.0.113.1/24 dev eth1 && ip link set eth1 up
                ip -n out link set far1 up && ip -n out addr add 203.0.113.9/24 dev far1
                ip -n out route add default via 203.0.113.1
                sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
                iptables -P FORWARD ACCEPT && iptables -A FORWARD -m conntrack --ctstate NEW -j ACCEPT");
    let server = sandbox.start(&[
        "ip", "netns", "exec", "out", "busybox", "httpd", "-f", "-p", "80",
    ]);
    until("the server", || {
        sandbox
            .run(&["bash", "-c", "</dev/tcp/203.0.113.9/80"])
            .code
            == 0
    });
    server
}

#[test]
fn flows_that_containers_leave_behind_are_no_evidence() {
    let sandbox = with_docker();
    let _server = with_a_third_network(&sandbox);
    // A network of its own, with a container at an address that no container of today would get.
    sandbox.sh("ip link add br-0123456789ab type bridge && ip addr add 172.18.0.1/16 dev br-0123456789ab
                ip link set br-0123456789ab up && ip netns add job
                ip link add veth1 type veth peer name in1 netns job && ip link set veth1 master br-0123456789ab up
                ip -n job link set in1 up && ip -n job link set lo up
                ip -n job addr add 172.18.200.200/16 dev in1 && ip -n job route add default via 172.18.0.1
                iptables -t nat -A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE");
    let _job = sandbox.start(&[
        "ip", "netns", "exec", "job", "busybox", "httpd", "-f", "-p", "80",
    ]);
    until("a call from this host", || {
        sandbox
            .run(&["bash", "-c", "</dev/tcp/172.18.200.200/80"])
            .code
            == 0
    });
    sandbox.sh("ip netns exec job bash -c '</dev/tcp/203.0.113.9/80'");
    sandbox.sh("ip link del br-0123456789ab && ip link del veth1");
    assert_eq!(
        peers(&sandbox),
        [
            "172.18.0.1 flow",
            "172.18.200.200 flow",
            "172.18.200.200 flow masqueraded"
        ]
    );
    assert!(
        sandbox.clashes(&[]).is_empty(),
        "the pools could hand out the range, and nobody needs it"
    );
    // A client in the corp network that this host forwards for.
    sandbox.sh("ip netns add far && ip link set corp netns far && ip -n far link set corp up
                ip -n far addr add 198.51.100.1/24 dev corp && ip -n far addr add 172.18.50.10/32 dev corp
                ip -n far route add 203.0.113.0/24 via 198.51.100.11 src 172.18.50.10
                iptables -t nat -F POSTROUTING
                ip netns exec far bash -c '</dev/tcp/203.0.113.9/80'");
    assert_eq!(
        sandbox.clashes(&[]),
        ["latent/172.18.0.0/16/172.18.50.10/32/connection"]
    );
}

#[test]
fn a_client_whose_answers_get_lost_in_docker0_counts_and_a_published_port_does_not() {
    let sandbox = with_docker();
    let _server = with_a_third_network(&sandbox);
    sandbox.sh(GUEST);
    sandbox.sh("iptables -t nat -A PREROUTING -d 198.51.100.11 -p tcp --dport 8080 -j DNAT --to 172.17.200.200:80
                iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE
                ip netns add far && ip link set corp netns far && ip -n far link set corp up
                ip -n far addr add 198.51.100.1/24 dev corp && ip -n far addr add 172.17.50.10/32 dev corp");
    let _inside = sandbox.start(&[
        "ip", "netns", "exec", "box", "busybox", "httpd", "-f", "-p", "80",
    ]);
    until("a call to the published port", || {
        let call = "</dev/tcp/198.51.100.11/8080";
        sandbox
            .run(&["ip", "netns", "exec", "far", "bash", "-c", call])
            .code
            == 0
    });
    sandbox.sh("ip link del veth0 && ip link add veth0 type veth peer name in0
                ip link set veth0 master docker0 up && ip link set in0 up && ip neigh flush dev docker0");
    assert_eq!(peers(&sandbox), ["172.17.200.200 flow published"]);
    let (code, report) = sandbox.json(&["apply", "--check"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"clean".into()),
        "{report:#}"
    );
    // It too is masqueraded, but never gets the server's answer.
    sandbox.sh("ip -n far route add 203.0.113.0/24 via 198.51.100.11 src 172.17.50.10");
    let call = "</dev/tcp/203.0.113.9/80";
    sandbox.run(&[
        "timeout", "1", "ip", "netns", "exec", "far", "bash", "-c", call,
    ]);
    assert_eq!(
        sandbox.clashes(&["--ignore", "neighbour"]),
        ["present/172.17.0.0/16/172.17.50.10/32/connection"]
    );
}

/// Whom this host is known to talk to.
fn peers(sandbox: &Sandbox) -> Vec<String> {
    let said = |peer: &Value| {
        let words = [&peer["address"], &peer["contact"], &peer["translation"]];
        let words: Vec<&str> = words.into_iter().filter_map(Value::as_str).collect();
        words.join(" ")
    };
    facts(sandbox)["kernel"]["peers"]
        .as_array()
        .unwrap()
        .iter()
        .map(said)
        .collect()
}

#[test]
fn who_calls_this_host_counts_without_an_answer_too() {
    // Without a server: the end of a connection to one may pass for a flow of its own.
    let (sandbox, _servers) = with_server(&[]);
    sandbox.sh("iptables -A INPUT -m conntrack --ctstate NEW -j ACCEPT");
    sandbox.sh("ip netns exec far bash -c 'echo hello > /dev/udp/198.51.100.11/514'");
    assert_eq!(peers(&sandbox), ["172.17.50.10 flow"]);
}

#[test]
fn facts_of_it_all_tell_the_same_elsewhere() {
    let sandbox = with_docker();
    sandbox.put("/etc/resolv.conf", "nameserver 172.18.0.2\n");
    sandbox.sh("ip route add 172.17.9.0/24 via 198.51.100.1 table 52 && ip rule add priority 5270 lookup 52
                ip -6 addr add fd00:17::1/64 dev docker0 nodad && ip -6 route add fd00:17::/64 dev eth0 metric 50
                mkdir -p /var/lib/rebridge");
    sandbox.run(&["timeout", "1", "bash", "-c", "</dev/tcp/172.17.50.10/8080"]);
    // What changes meanwhile would be told differently.
    given_up(&sandbox);
    let facts = sandbox.rebridge(&["facts"]).stdout;
    let file = std::env::temp_dir().join(format!("rebridge-facts-{}.json", std::process::id()));
    std::fs::write(&file, facts).unwrap();
    for verb in [&["check"][..], &["apply", "--check"], &["check", "--json"]] {
        let there = sandbox.rebridge(verb);
        // Elsewhere: this machine, not the sandbox.
        let here = std::process::Command::new(REBRIDGE)
            .args(verb)
            .arg("--facts")
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(
            (there.code, there.stdout.as_bytes()),
            (here.status.code().unwrap(), here.stdout.as_slice())
        );
    }
    std::fs::remove_file(&file).unwrap();
}

/// People log in from a container, and have their resolver in one. A container that is gone, or was
/// never there, is another matter.
#[test]
fn a_container_as_nameserver_or_at_the_far_end_of_a_session_is_no_evidence() {
    let sandbox = with_docker();
    containers(&sandbox, &[("bastion", "172.17.0.5")]);
    let session = |peer: &str| {
        let variable = format!("SSH_CONNECTION={peer} 50000 172.17.0.1 22");
        let words = ["env", &variable, REBRIDGE, "check", "--json"];
        serde_json::from_str::<Value>(&sandbox.run(&words).stdout).unwrap()
    };
    assert_eq!(session("172.17.0.5")["outcome"], "clean");
    let report = session("172.17.0.77");
    assert_eq!(report["clashes"][0]["with"]["source"], "ssh", "{report:#}");
    sandbox.put("/etc/resolv.conf", "nameserver 172.17.0.5\n");
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.put("/etc/resolv.conf", "nameserver 172.17.0.77\n");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.77/32/nameserver"]
    );
}

/// As nmbd and many a game server do, on every link.
#[test]
fn a_broadcast_on_dockers_bridge_is_no_evidence() {
    let sandbox = with_docker();
    sandbox.sh("iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT");
    let to = |address: &str| {
        let script = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                      s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n\
                      s.sendto(b'who', (sys.argv[1], 137))";
        sandbox.run(&["python3", "-c", script, address]);
    };
    to("172.17.255.255");
    to("172.17.0.0");
    assert!(sandbox.clashes(&[]).is_empty());
    to("172.17.250.255");
    assert_eq!(
        sandbox.clashes(&["--ignore", "neighbour"]),
        ["present/172.17.0.0/16/172.17.250.255/32/connection"]
    );
}
