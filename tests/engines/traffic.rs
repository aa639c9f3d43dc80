//! What containers that come and go leave behind in the kernel is no evidence against Docker; a
//! server that does not answer, called beside them, is.

use crate::lab::{Lab, SERVER};
use serde_json::Value;

on_every_engine!(containers_that_come_and_go_are_no_evidence);

/// Builds `FROM busybox` with a step that calls a server and takes its time. The engine's own
/// BuildKit does it, asked over the API: none of the lab's clients but 20.10's can.
const BUILD: &str = r#"
import http.client, io, socket, tarfile
connection = http.client.HTTPConnection("docker")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect("/run/docker.sock")
text = b"FROM busybox\nRUN wget -q -O /dev/null http://198.51.100.1:8080/; touch /tmp/1; sleep 8\n"
body = io.BytesIO()
with tarfile.open(fileobj=body, mode="w") as archive:
    entry = tarfile.TarInfo("Dockerfile")
    entry.size = len(text)
    archive.addfile(entry, io.BytesIO(text))
connection.request("POST", "/build?version=2&nocache=1&networkmode=default", body.getvalue(),
                   {"Content-Type": "application/x-tar"})
answer = connection.getresponse().read().decode()
assert "moby.image.id" in answer, answer
"#;

fn is_clean(lab: &Lab, when: &str) {
    let (code, report) = lab.rebridge(&["check"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"clean".into()),
        "{when}: {report:#}"
    );
}

fn facts(lab: &Lab) -> Value {
    serde_json::from_str(&lab.sh("rebridge facts")).unwrap()
}

/// How many containers there are, residents of docker0, and what else is on its network.
fn counts(facts: &Value) -> [usize; 3] {
    let engine = &facts["docker"]["engine"];
    let networks = engine["networks"].as_array().unwrap();
    let bridge = networks.iter().find(|one| one["name"] == "bridge");
    [
        &engine["containers"],
        &facts["kernel"]["residents"],
        &bridge.unwrap()["endpoints"],
    ]
    .map(|list| list.as_array().map_or(0, Vec::len))
}

fn containers_that_come_and_go_are_no_evidence(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    // Flows are tracked, and containers may be called from here without an answer.
    lab.sh("iptables -I OUTPUT -m conntrack --ctstate NEW -j ACCEPT");
    is_clean(&lab, "at rest");
    for round in 0..5 {
        lab.sh("docker run --rm busybox wget -q -O /dev/null http://198.51.100.1:8080/");
        is_clean(&lab, &format!("after container {round}"));
    }
    let flows = facts(&lab)["kernel"]["peers"].to_string();
    assert!(
        flows.contains("masqueraded"),
        "the flows are there: {flows}"
    );

    a_stopped_container_is_called(&lab);
    a_published_port_goes_with_its_container(&lab);
    a_network_is_removed(&lab);
    an_image_is_built(&lab);

    assert!(!lab.reaches(SERVER), "this is the outage");
    let (code, report) = lab.rebridge(&["check"]);
    let with = &report["clashes"][0]["with"];
    assert_eq!(
        (code, &with["net"], &with["source"]),
        (1, &"172.17.50.10/32".into(), &"neighbour".into()),
        "{report:#}"
    );
    assert_eq!(report["clashes"].as_array().unwrap().len(), 1);
}

/// Once at an address Docker gave it, once at one that was given by hand, high up.
fn a_stopped_container_is_called(lab: &Lab) {
    lab.sh("docker network create --subnet 10.60.0.0/24 by-hand");
    lab.container("--name low");
    lab.container("--name high --network by-hand --ip 10.60.0.200");
    lab.sh("docker stop -t 0 low high");
    lab.sh("for address in 172.17.0.2 10.60.0.200; do
                timeout 1 bash -c \"</dev/tcp/$address/80\" || true
                echo hello >/dev/udp/$address/514
            done");
    let called = facts(lab)["kernel"]["neighbours"].to_string();
    assert!(
        called.contains("10.60.0.200"),
        "the call is there: {called}"
    );
    is_clean(lab, "a stopped container is called");
    // Nobody ever had this address.
    lab.sh("timeout 1 bash -c '</dev/tcp/10.60.0.201/80' || true");
    let (code, report) = lab.rebridge(&["check"]);
    let with = &report["clashes"][0]["with"];
    assert_eq!((code, &with["net"]), (1, &"10.60.0.201/32".into()));
    lab.sh("docker rm low high; docker network rm by-hand");
    is_clean(lab, "the network is gone");
}

fn a_published_port_goes_with_its_container(lab: &Lab) {
    lab.sh("docker run -d --name web -p 8081:80 busybox sh -c 'while :; do echo hello | nc -l -p 80; done'");
    let call = "for n in $(seq 100); do
        timeout 1 cat </dev/tcp/198.51.100.11/8081 | grep -q hello && exit 0; sleep 0.1
        done 2>/dev/null";
    lab.corp(&["bash", "-c", call]);
    let flows = facts(lab)["kernel"]["peers"].to_string();
    assert!(flows.contains("published"), "the flow is there: {flows}");
    is_clean(lab, "a published port is called");
    lab.sh("docker rm -f web");
    lab.corp(&["timeout", "1", "bash", "-c", "</dev/tcp/198.51.100.11/8081"]);
    let flows = facts(lab)["kernel"]["peers"].to_string();
    assert!(
        !flows.contains("published"),
        "Docker has the kernel forget them: {flows}"
    );
    is_clean(lab, "the container is gone");
}

fn a_network_is_removed(lab: &Lab) {
    lab.sh(
        "docker network create job; docker network inspect job >/dev/null
            docker run --rm --network job busybox wget -q -O /dev/null http://198.51.100.1:8080/
            docker network rm job",
    );
    is_clean(lab, "a network is gone");
}

fn an_image_is_built(lab: &Lab) {
    lab.put("/root/build.py", BUILD);
    lab.sh("systemd-run --unit=build python3 /root/build.py");
    lab.sh("for n in $(seq 300); do \
            find /var/lib/docker /run -path '*/tmp/1' 2>/dev/null | grep -q . && exit 0; sleep 0.1; \
            done; exit 1");
    let seen = facts(lab);
    assert_eq!(
        counts(&seen),
        [0, 1, 0],
        "it answers on the bridge: {seen:#}"
    );
    is_clean(lab, "an image is being built");
    // What is left is its flow.
    lab.sh("ip neigh flush dev docker0");
    let seen = facts(lab);
    assert_eq!(counts(&seen), [0, 0, 1], "it is on the network: {seen:#}");
    is_clean(lab, "an image is being built");
    lab.sh(
        "for n in $(seq 300); do systemctl -q is-active build || break; sleep 0.1; done
            systemctl -q is-active build && exit 1; ! systemctl -q is-failed build",
    );
    is_clean(lab, "an image was built");
}
