//! The kill matrix of relief: SIGKILL at every step of `relieve` and of its undo, on a real engine
//! with containers. Whatever the step, the next run ends relieved, and an undo leaves nothing.

use crate::lab::{Lab, SERVER};
use crate::relief::STATE;
use crate::torture::{KILL_AT, kill, steps_of};

const RELIEVE: [&str; 3] = ["relieve", "--yes", "--avoid=172.17.0.0/16,172.18.0.0/16"];
const UNDO: [&str; 3] = ["relieve", "--undo", "--yes"];

#[test]
fn no_killed_relief_is_stranded() {
    killed_at_every("forky", 5);
}

/// All of it: `make torture` runs it and prints the table.
#[test]
fn whole_matrix_of_relief() {
    for suite in ["bookworm", "trixie", "forky"] {
        killed_at_every(suite, 1);
    }
}

fn killed_at_every(suite: &str, every: usize) {
    let lab = Lab::up(suite);
    lab.image();
    lab.put("/root/kill_at.py", KILL_AT);
    lab.container("--name web");
    lab.sh("docker network create shop >/dev/null");
    lab.container("--name shop --network shop");
    let before = lab.sh(STATE);
    let forward = steps_of(&lab, &RELIEVE);
    let back = steps_of(&lab, &UNDO);
    assert_eq!(lab.sh(STATE), before);
    assert!(forward > 20 && back > 16, "{forward} and {back} steps");
    let (mut rounds, mut half_way) = (0, 0);
    for step in (1..=forward).step_by(every) {
        let last = kill(&lab, &RELIEVE, step);
        half_way += usize::from(!lab.sh("ip route show proto 114").is_empty());
        rounds += 1;
        // Every other time the undo follows at once.
        settles(
            &lab,
            rounds % 2 == 0,
            &format!("relieve, step {step}, {last}"),
            &before,
        );
    }
    for step in (1..=back).step_by(every) {
        assert_eq!(lab.rebridge(&RELIEVE).0, 0);
        let last = kill(&lab, &UNDO, step);
        rounds += 1;
        settles(
            &lab,
            rounds % 2 == 0,
            &format!("undo, step {step}, {last}"),
            &before,
        );
    }
    println!(
        "{suite}: {rounds} kills in {forward} + {back} steps, {half_way} with routes in place, 0 stranded"
    );
    assert!(half_way > 0);
}

fn settles(lab: &Lab, relieves_first: bool, step: &str, before: &str) {
    if relieves_first {
        let (code, report) = lab.rebridge(&RELIEVE);
        assert_eq!(code, 0, "{step}: {report:#}");
        assert!(lab.reaches(SERVER), "{step}");
    }
    let (code, report) = lab.rebridge(&UNDO);
    assert_eq!(code, 0, "{step}: {report:#}");
    assert_eq!(lab.sh(STATE), before, "{step}");
}
