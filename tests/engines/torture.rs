//! The kill matrix: SIGKILL at every step of an apply on a real engine, then a second run. Whatever
//! the step, the host ends old or new, verified, and nothing is lost: no byte of daemon.json, no
//! container, no network. The apply moves two networks with their containers besides docker0.
//!
//! A step is a system call of rebridge's main thread at which strace kills it, before the call
//! takes effect: each write, sync, rename and removal of a file, each start of a child or a thread
//! and each wait for one, each question or order to the engine. Killed after a call is killed
//! before the next one.

use crate::lab::Lab;
use std::collections::BTreeMap;
use std::fmt::Write;

const APPLY: &str = "rebridge apply --yes --json --avoid=172.16.0.0/12 --networks=recreate";

/// Calls that change a file, and calls that start a child or wait for it.
const FILE_CALLS: &[&str] = &["write", "fsync", "fchown", "rename", "unlink"];
const CHILD_CALLS: &[&str] = &["clone", "clone3", "wait4", "waitid"];

/// The call that begins a question or an order to the engine.
const ENGINE_CALL: &str = "connect";

const OLD_FILE: &str = "{\n\t\"log-opts\" : {\"max-size\":\"10m\"},\n\t\"debug\":false\n}";

/// The matrix in small, on one engine.
#[test]
fn no_kill_while_files_change_loses_anything() {
    hold(&[("26.1", run("trixie", &["fsync", "rename"], 1))], 3);
}

/// While networks move, on another.
#[test]
fn no_kill_while_networks_move_loses_anything() {
    hold(&[("28.5", run("forky", &[ENGINE_CALL], 9))], 3);
}

/// All of it on all engines; too long for every day, `make torture` runs it and prints the table.
#[test]
fn whole_matrix() {
    let all: Vec<&str> = FILE_CALLS
        .iter()
        .chain(CHILD_CALLS)
        .chain([&ENGINE_CALL])
        .copied()
        .collect();
    let tallies = std::thread::scope(|scope| {
        let engines = [("20.10", "bookworm"), ("26.1", "trixie"), ("28.5", "forky")];
        let running = engines.map(|(engine, suite)| (engine, scope.spawn(|| run(suite, &all, 1))));
        running.map(|(engine, thread)| (engine, thread.join().unwrap()))
    });
    println!();
    for (engine, tally) in &tallies {
        println!("{}", tally.line(engine));
    }
    hold(&tallies, 10);
}

/// A hundred networks and three hundred containers move in one run; where the time went is printed.
#[test]
fn whole_crowd() {
    let lab = Lab::create("trixie");
    lab.put(
        "/etc/docker/daemon.json",
        r#"{"bip": "172.17.0.1/24", "default-address-pools": [{"base": "172.18.0.0/16", "size": 24}]}"#,
    );
    lab.boot();
    lab.image();
    lab.sh("for n in $(seq 100); do docker network create net$n >/dev/null; done
        run() { docker run -d --name $1 --network $2 busybox sh -c 'trap \"exit 143\" TERM; while :; do sleep 60 & wait; done' >/dev/null; }
        for n in $(seq 100); do for m in a b c; do run c$n$m net$n; done; done");
    let states = || lab.sh("docker ps -a --format '{{.Names}} {{.State}} {{.Networks}}' | sort");
    let before = states();
    assert_eq!(
        before
            .lines()
            .filter(|line| line.contains(" running "))
            .count(),
        300
    );
    let began = std::time::Instant::now();
    let (code, report) = lab.rebridge(&[
        "apply",
        "--yes",
        "--avoid=172.16.0.0/12",
        "--networks=recreate",
    ]);
    println!(
        "\n100 networks, 300 containers: {:.1} s",
        began.elapsed().as_secs_f64()
    );
    for phase in report["phases"].as_array().unwrap() {
        println!(
            "  {:>7.1} s  {}",
            phase["seconds"].as_f64().unwrap(),
            phase["what"].as_str().unwrap()
        );
    }
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{}",
        report["msg"]
    );
    assert_eq!(report["remaining"], serde_json::Value::Array(Vec::new()));
    assert_eq!(states(), before);
}

fn hold(tallies: &[(&str, Tally)], at_least: usize) {
    for (engine, tally) in tallies {
        assert!(
            tally.lost.is_empty() && tally.stranded == 0,
            "{engine}:\n{}",
            tally.lost.join("\n")
        );
        assert!(
            tally.new >= at_least && tally.old >= at_least,
            "{engine}: {tally:?}"
        );
    }
}

/// What came of a matrix.
#[derive(Debug, Default)]
struct Tally {
    /// Steps tried.
    steps: usize,
    /// Ended on the new range.
    new: usize,
    /// Ended on the old range.
    old: usize,
    /// Ended with exit 5.
    stranded: usize,
    /// Files, containers or networks that were not as they should be, one line each.
    lost: Vec<String>,
}

impl Tally {
    /// As a line of a table.
    fn line(&self, engine: &str) -> String {
        format!(
            "{engine:<10} {:>5} steps {:>5} ended new {:>5} ended old {:>3} stranded {:>3} lost",
            self.steps,
            self.new,
            self.old,
            self.stranded,
            self.lost.len()
        )
    }
}

/// Runs the matrix of these calls, or of every so many of them, on a fresh host.
fn run(suite: &str, calls: &[&str], every: usize) -> Tally {
    let lab = Lab::create(suite);
    lab.put("/etc/docker/daemon.json", OLD_FILE);
    lab.boot();
    lab.container("--name always --restart=always");
    lab.container("--name never");
    lab.sh(
        "docker network create shop >/dev/null; docker network create fixed --subnet \
            172.30.0.0/24 >/dev/null",
    );
    lab.container("--name shop --restart=unless-stopped --network shop");
    lab.container("--name fixed --network fixed --ip 172.30.0.7 --network-alias first");
    lab.container("--name both --restart=always --network fixed");
    lab.sh(
        "docker network connect shop both; docker create --name off --network shop busybox true \
            >/dev/null",
    );
    let counts = count(&lab, calls);
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
    let before = everything(&lab);
    let mut tally = Tally::default();
    for (call, count) in counts {
        for number in (1..=count).step_by(every) {
            let kill = format!(
                "strace -o /dev/null -e trace={call} -e inject={call}:signal=SIGKILL:when={number} \
                 {APPLY} >/dev/null 2>&1 || true"
            );
            lab.sh(&kill);
            tally.steps += 1;
            settle(&lab, &mut tally, &format!("{call} {number}"));
            // Back to the beginning for the next step.
            let (code, report) = lab.rebridge(&["rollback", "--yes"]);
            let undone = code == 0
                || report["msg"]
                    .as_str()
                    .unwrap_or_default()
                    .contains("no apply has been recorded");
            let now = everything(&lab);
            if !undone || now != before {
                tally.lost.push(format!(
                    "{call} {number}: {report:#}\n{before}\nbecame\n{now}"
                ));
                return tally;
            }
        }
    }
    tally
}

/// The run after the killed one: every other time an apply, which must end new, and a rollback,
/// which must end old.
fn settle(lab: &Lab, tally: &mut Tally, step: &str) {
    let forth = tally.steps.is_multiple_of(2);
    let verb: &[&str] = if forth {
        &[
            "apply",
            "--yes",
            "--avoid=172.16.0.0/12",
            "--networks=recreate",
        ]
    } else {
        &["rollback", "--yes"]
    };
    let (code, report) = lab.rebridge(verb);
    if code == 5 {
        tally.stranded += 1;
    }
    let file = lab.read("/etc/docker/daemon.json").unwrap_or_default();
    match lab.docker0().as_str() {
        "10.200.255.1/24" if file.contains("10.200.255.1/24") && forth => tally.new += 1,
        "172.17.0.1/16" if file == OLD_FILE && !forth => tally.old += 1,
        other => tally.lost.push(format!(
            "{step}: neither old nor new: docker0 {other}, file {file}\n{report:#}"
        )),
    }
}

/// How often an undisturbed apply makes each of these calls.
fn count(lab: &Lab, calls: &[&str]) -> BTreeMap<String, usize> {
    lab.sh(&format!(
        "strace -o /tmp/calls -e trace={} {APPLY} >/dev/null",
        calls.join(",")
    ));
    let mut counts = BTreeMap::new();
    for line in lab.sh("cat /tmp/calls").lines() {
        if let Some((call, _)) = line.split_once('(')
            && calls.contains(&call)
        {
            *counts.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    assert!(
        counts.contains_key("rename") || !calls.contains(&"rename"),
        "nothing was counted: {counts:?}"
    );
    counts
}

/// What must be the same after every round.
fn everything(lab: &Lab) -> String {
    let mut text = String::new();
    let file = lab.read("/etc/docker/daemon.json");
    let _ = writeln!(text, "{file:?} docker0 {}", lab.docker0());
    text + &lab.sh("docker ps -a --format '{{.Names}} {{.State}}' | sort
         docker network inspect $(docker network ls -q) -f '{{.Name}} {{.Driver}} {{range .IPAM.Config}}{{.Subnet}}{{end}}' | sort
         docker inspect $(docker ps -aq) -f '{{.Name}}{{range $name, $on := .NetworkSettings.Networks}} {{$name}} {{$on.IPAMConfig}}{{end}}' | sort
         ls -A /etc/docker | grep -v 'json.rebridge-20' | sort; ls -A /var/lib/rebridge | grep -c journal || true
         systemctl is-active docker.service docker.socket")
}
