//! How relief shows while it stands, what proves it from inside a container, and that a rollback of
//! the cure brings it back.

use crate::evidence::{containers, until};
use crate::relief::{AVOID, host_reaches, is_as_before, outage, relieve, state};
use crate::sandbox::{REBRIDGE, Sandbox};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const SERVER: &str = "172.17.50.10";

fn routes_there(sandbox: &Sandbox) -> String {
    sandbox.sh("ip route show table all proto 114")
}

#[test]
fn a_rollback_of_the_cure_brings_relief_back() {
    let sandbox = outage();
    relieve(&sandbox, &[]);
    let relieved = routes_there(&sandbox);
    let (code, report) = sandbox.json(&[&["apply", "--yes"], &AVOID[..]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(routes_there(&sandbox), "");
    let (code, report) = sandbox.json(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(
        report["notes"].to_string().contains("are there again"),
        "{report:#}"
    );
    assert_eq!(sandbox.docker0(), "172.17.0.1/16");
    assert_eq!(routes_there(&sandbox), relieved);
    assert!(host_reaches(&sandbox, SERVER));
    let (code, again) = relieve(&sandbox, &[]);
    assert_eq!((code, &again["changed"]), (0, &false.into()), "{again:#}");
}

/// A container's first process, inside the container's network.
struct Inside<'s> {
    sandbox: &'s Sandbox,
    pid: String,
}

impl<'s> Inside<'s> {
    fn the_container(sandbox: &'s Sandbox) -> Inside<'s> {
        let script = "nohup ip netns exec box sleep 1d >/dev/null 2>&1 & echo $!";
        let pid = sandbox.sh(script).trim().to_owned();
        until("the process inside", || {
            sandbox.sh(&format!("cat /proc/{pid}/comm")) == "sleep\n"
        });
        let answer = format!(r#"{{"Id": "web", "State": {{"Pid": {pid}}}}}"#);
        sandbox.answer("/containers/web/json", &answer);
        Inside { sandbox, pid }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.sandbox.run(&["kill", &self.pid]);
    }
}

#[test]
fn a_probe_from_inside_a_container_decides() {
    let sandbox = outage();
    let _inside = Inside::the_container(&sandbox);
    let before = state(&sandbox);
    let probe = ["--probe-container", "web=172.17.50.10:8081"];
    let (code, report) = relieve(&sandbox, &probe);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "nobody listens: {report:#}"
    );
    is_as_before(&sandbox, &before);
    // A program that listens, in the other network.
    let listens =
        "import socket; s = socket.create_server(('172.17.50.10', 8081)); print(flush=True)
while True: s.accept()";
    let mut server = sandbox
        .command(&["ip", "netns", "exec", "world", "python3", "-c", listens])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let (code, report) = relieve(&sandbox, &probe);
    let _ = server.kill();
    let _ = server.wait();
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let verified = report["verified"].to_string();
    assert!(
        verified.contains("probe 172.17.50.10:8081 from web"),
        "{verified}"
    );
    let (code, report) = relieve(&sandbox, &["--probe-container", "web"]);
    assert_eq!(
        (code, &report["outcome"]),
        (2, &"refused".into()),
        "{report:#}"
    );
}

#[test]
fn map_and_explain_show_relief_as_a_state_of_its_own() {
    let sandbox = outage();
    let shown = |verb: &[&str]| {
        sandbox
            .run(&[&[REBRIDGE], verb, &AVOID[..]].concat())
            .stdout
    };
    assert!(shown(&["map"]).starts_with("clashing"));
    assert!(!shown(&["explain", SERVER]).contains("relieved"));
    relieve(&sandbox, &[]);
    let map = shown(&["map"]);
    assert!(map.starts_with("relieved, not cured"), "{map}");
    let explained = shown(&["explain", SERVER]);
    assert!(
        explained.contains("and is relieved") && explained.contains("172.17.128.0/17 via"),
        "{explained}"
    );
    // A container that relief cuts off is an outage again.
    containers(&sandbox, &[("late", "172.17.60.5")]);
    assert!(shown(&["map"]).starts_with("clashing"));
}

/// The fake engine's list changes without a word; a new port of the bridge is what the kernel says.
#[test]
fn watch_says_when_a_container_gets_an_address_inside() {
    let sandbox = outage();
    relieve(&sandbox, &[]);
    let words = [&[REBRIDGE, "watch", "--json"], &AVOID[..]].concat();
    let mut watch = sandbox
        .command(&words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value {
        let line = lines.next().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let first = next();
    containers(&sandbox, &[("web", "172.17.0.2"), ("late", "172.17.60.5")]);
    sandbox.sh("ip link add veth1 type veth peer name in1; ip link set veth1 master docker0 up");
    let news = next();
    let _ = watch.kill();
    let _ = watch.wait();
    assert_eq!(first["clashes"][0]["relieved"], true, "{first:#}");
    assert_eq!(
        news["appeared"][0]["led_astray"],
        serde_json::json!(["late"]),
        "{news:#}"
    );
}
