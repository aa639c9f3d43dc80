//! The kill matrix: SIGKILL at every step of an apply, of a rollback and of a recovery on a real
//! engine, then the next run. Whatever the step, the host ends old or new, verified, and nothing is
//! lost: no byte of daemon.json, no container, no network. Two networks move with their containers
//! besides docker0. Every third time an edit of daemon.json comes before the next run.
//!
//! A step is a call of any thread that changes something; `torture/kill_at.py` says which.

use crate::MOVE_ALL as APPLY;
use crate::lab::Lab;
use serde_json::Value;
use std::fmt::Write;

/// The verbs that are killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Killed {
    Apply,
    Rollback,
    /// What follows an apply that was killed: a rollback, or the dead man's switch.
    Recovery,
}

pub const ROLLBACK: [&str; 2] = ["rollback", "--yes"];
const DEAD_MAN: [&str; 3] = ["rollback", "--settle", "--yes"];

pub const FILE: &str = "/etc/docker/daemon.json";
pub const OLD_FILE: &str = "{\n\t\"log-opts\" : {\"max-size\":\"10m\"},\n\t\"debug\":false\n}";

pub const KILL_AT: &str = include_str!("torture/kill_at.py");

/// The matrix in small, one verb an engine.
#[test]
fn no_killed_apply_loses_anything() {
    hold(&[run("28.5", "forky", Killed::Apply, 11)], 1);
}

#[test]
fn no_killed_rollback_loses_anything() {
    hold(&[run("26.1", "trixie", Killed::Rollback, 11)], 1);
}

#[test]
fn no_killed_recovery_loses_anything() {
    hold(&[run("20.10", "bookworm", Killed::Recovery, 11)], 1);
}

/// All of it, too long for every day: `make torture` runs it and prints the table.
#[test]
fn whole_matrix_20_10() {
    whole("20.10", "bookworm");
}

#[test]
fn whole_matrix_26_1() {
    whole("26.1", "trixie");
}

#[test]
fn whole_matrix_28_5() {
    whole("28.5", "forky");
}

fn whole(engine: &str, suite: &str) {
    let tallies = std::thread::scope(|scope| {
        let killed = [Killed::Apply, Killed::Rollback, Killed::Recovery];
        let running = killed.map(|killed| scope.spawn(move || run(engine, suite, killed, 1)));
        running.map(|thread| thread.join().unwrap())
    });
    hold(&tallies, 10);
}

/// Prints a table, and looks at its last two columns.
fn hold(tallies: &[Tally], at_least: usize) {
    for tally in tallies {
        println!("{}", tally.line());
    }
    for tally in tallies {
        let lost = tally.lost.join("\n");
        assert!(
            tally.lost.is_empty() && tally.stranded == 0,
            "{}\n{lost}",
            tally.line()
        );
        assert!(
            tally.new >= at_least && tally.old >= at_least,
            "{}",
            tally.line()
        );
    }
}

/// What came of a row of the matrix.
#[derive(Debug)]
struct Tally {
    engine: String,
    killed: Killed,
    /// Steps of whatever thread; tried so many.
    steps: usize,
    /// Ended on the new range.
    new: usize,
    /// Ended on the old range.
    old: usize,
    /// Ended with exit 5.
    stranded: usize,
    /// Files, containers or networks that were not as they should be, one text each.
    lost: Vec<String>,
}

impl Tally {
    fn line(&self) -> String {
        format!(
            "{:<6} {:<9} {:>4} steps {:>4} ended new {:>4} ended old {:>3} stranded {:>3} lost",
            self.engine,
            format!("{:?}", self.killed).to_lowercase(),
            self.steps,
            self.new,
            self.old,
            self.stranded,
            self.lost.len()
        )
    }
}

/// Runs a row of the matrix, or every so many of its steps, on a fresh host.
fn run(engine: &str, suite: &str, killed: Killed, every: usize) -> Tally {
    let lab = host_with_networks(suite);
    let mut tally = Tally {
        engine: engine.to_owned(),
        killed,
        steps: 0,
        new: 0,
        old: 0,
        stranded: 0,
        lost: Vec::new(),
    };
    let forward = steps_of(&lab, &APPLY);
    let back = steps_of(&lab, &ROLLBACK);
    // Taken here: an engine shows a container that was connected by hand a little otherwise later.
    let before = everything(&lab);
    let (number, middle) = match killed {
        Killed::Apply => (forward, 0),
        Killed::Rollback => (back, 0),
        // Its apply is killed while networks move.
        Killed::Recovery => {
            let middle = forward * 3 / 4;
            kill(&lab, &APPLY, middle);
            (steps_of(&lab, &ROLLBACK), middle)
        }
    };
    for step in (1..=number).step_by(every) {
        let dead_man = step % 2 == 0;
        let verb: &[&str] = match killed {
            Killed::Apply => &APPLY,
            Killed::Rollback => {
                assert_eq!(lab.rebridge(&APPLY).0, 0);
                &ROLLBACK
            }
            Killed::Recovery => {
                kill(&lab, &APPLY, middle);
                if dead_man { &DEAD_MAN } else { &ROLLBACK }
            }
        };
        let last = kill(&lab, verb, step);
        tally.steps += 1;
        settle(
            &lab,
            &mut tally,
            &format!("{killed:?} killed at {step}, {last}"),
            &before,
        );
        if tally.steps.is_multiple_of(10) {
            println!("so far: {}", tally.line());
        }
    }
    tally
}

fn host_with_networks(suite: &str) -> Lab {
    let lab = Lab::create(suite);
    lab.put(FILE, OLD_FILE);
    lab.put("/root/kill_at.py", KILL_AT);
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
    lab
}

/// How many steps a verb takes that nobody kills.
pub fn steps_of(lab: &Lab, verb: &[&str]) -> usize {
    let said = lab.sh(&traced(verb, 0));
    let count = said.split_whitespace().next().unwrap();
    count.parse().unwrap()
}

/// Kills a verb right before this step; says which that was.
pub fn kill(lab: &Lab, verb: &[&str], step: usize) -> String {
    let ran = lab.try_sh(&traced(verb, step));
    // The last few steps may not come again: the number of looks at a child differs.
    let said = || lab.sh("cat /root/said");
    assert!(ran.code == 137 || ran.code == 0, "{ran:?}: {}", said());
    ran.stdout.trim().to_owned()
}

fn traced(verb: &[&str], step: usize) -> String {
    let verb = verb.join(" ");
    format!("python3 /root/kill_at.py {step} sh -c 'exec rebridge {verb} --json >/root/said'")
}

/// The run after the killed one: every other time an apply, which must end new, and a rollback,
/// which must end old. Then back to the beginning.
fn settle(lab: &Lab, tally: &mut Tally, step: &str, before: &str) {
    let forth = tally.steps.is_multiple_of(2);
    let edited = tally.steps.is_multiple_of(3);
    if edited {
        lab.sh("sed -i 's/\"debug\":false/\"debug\":true/' /etc/docker/daemon.json");
    }
    let (code, report) = lab.rebridge(if forth { &APPLY } else { &ROLLBACK });
    if code == 5 {
        tally.stranded += 1;
    }
    // A rollback refuses to undo what was edited since, and touches nothing.
    let may_stay = edited && !forth && code == 3;
    let file = lab.read(FILE).unwrap_or_default();
    let old_file = match edited {
        true => OLD_FILE.replace("false", "true"),
        false => OLD_FILE.to_owned(),
    };
    let kept = !edited || file.contains("\"debug\":true");
    match lab.docker0().as_str() {
        "10.200.255.1/24" if file.contains("10.200.255.1/24") && kept && (forth || may_stay) => {
            tally.new += 1;
        }
        "172.17.0.1/16" if file == old_file && !forth => tally.old += 1,
        other => tally.lost.push(format!(
            "{step}: neither old nor new: docker0 {other}, file {file}\n{report:#}"
        )),
    }
    let take_back = "sed -i 's/\"debug\":true/\"debug\":false/' /etc/docker/daemon.json";
    let (mut code, mut report) = lab.rebridge(&ROLLBACK);
    if edited {
        lab.sh(take_back);
        if code == 3 && !nothing_to_undo(&report) {
            (code, report) = lab.rebridge(&ROLLBACK);
        }
    }
    let now = everything(lab);
    if !(code == 0 || nothing_to_undo(&report)) || now != before {
        tally
            .lost
            .push(format!("{step}: {report:#}\n{before}\nbecame\n{now}"));
    }
}

fn nothing_to_undo(report: &Value) -> bool {
    let msg = report["msg"].as_str().unwrap_or_default();
    msg.contains("no apply has been recorded")
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
