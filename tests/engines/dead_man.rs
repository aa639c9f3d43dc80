//! What could keep the dead man's switch from its work, or have it do harm.

use crate::back::drop_in_that_holds;
use crate::job::{AVOID, drop_in};
use crate::lab::Lab;

const FILE: &str = "/etc/docker/daemon.json";
const JOURNAL: &str = "/var/lib/rebridge/journal.json";
const UNITS: &str = "systemctl list-units --all --plain --no-legend 'rebridge-dead-man*'";
const FILES: &str = "find /etc/systemd /var/lib/rebridge -name '*dead-man*'";

/// On the oldest systemd. To the engine it is all the same.
#[test]
fn nothing_keeps_the_dead_man_from_his_work() {
    let lab = Lab::up("bookworm");
    lab.container("--restart=always --name always");
    drop_in_that_holds(&lab);
    is_told_the_timeout_and_not_held_up(&lab);
    leaves_a_stranded_host_to_a_person(&lab);
    outlasts_a_reboot(&lab);
}

/// Ctrl-Z does not stop the run that he would wait for, and no other user can take the lock.
fn is_told_the_timeout_and_not_held_up(lab: &Lab) {
    // As earlier versions made it.
    lab.sh("install -m 644 /dev/null /run/rebridge.lock; touch /root/hold");
    lab.sh("rebridge apply --yes --json --timeout 900 --dead-man 3600 --avoid=172.17.0.0/16 >/root/said & pid=$!
            until ip -4 addr show docker0 | grep -q 10.200; do sleep 0.05; done
            systemctl show rebridge-dead-man.service -p ExecStart >/root/timer
            setpriv --reuid=65534 --clear-groups flock -n /run/rebridge.lock true 2>/root/lock || true
            kill -TSTP $pid; rm /root/hold
            timeout 300 tail --pid=$pid -f /dev/null || kill -9 $pid
            wait $pid");
    let timer = lab.read("/root/timer").unwrap();
    assert!(timer.contains(" --timeout=900 "), "{timer}");
    let lock = lab.read("/root/lock").unwrap();
    assert!(lock.contains("Permission denied"), "{lock}");
    assert_eq!(lab.sh(&format!("{UNITS}; {FILES}")), "");
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
}

/// Also when the timer went off during the run, and its service waits for the lock.
fn leaves_a_stranded_host_to_a_person(lab: &Lab) {
    drop_in(
        lab,
        "ExecStartPre=/bin/sh -c 'for n in $(seq 600); do systemctl -q is-active rebridge-dead-man.service && \
         exit 1; sleep 0.1; done; exit 1'",
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--dead-man=5"]);
    assert_eq!(code, 5, "{report:#}");
    assert_eq!(lab.sh(&format!("{UNITS}; {FILES}")), "");
    let log = lab.sh("journalctl -u rebridge-dead-man.service -o cat");
    assert!(log.contains("Started") && !log.contains("outcome"), "{log}");
    // What you do by hand stays, and the next run begins with it.
    drop_in_that_holds(lab);
    lab.put(FILE, "{\n  \"debug\": true\n}\n");
    lab.sh("systemctl reset-failed docker.service docker.socket; systemctl start docker.service");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "10.200.255.1/24"),
        "{report:#}"
    );
    let text = lab.read(FILE).unwrap();
    assert!(text.contains("\"debug\": true"), "{text}");
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
}

/// The timer ends with the machine, the switch does not.
fn outlasts_a_reboot(lab: &Lab) {
    let before = lab.read(FILE);
    lab.sh("touch /root/hold
            rebridge apply --yes --json --dead-man 3600 --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until ip -4 addr show docker0 | grep -q 10.200; do sleep 0.05; done; kill -9 $pid; wait $pid || true
            rm /root/hold");
    assert!(lab.read(JOURNAL).is_some());
    lab.reboot();
    lab.sh(&format!(
        "for n in $(seq 1200); do [ -e {JOURNAL} ] || exit 0; sleep 0.1; done
         systemctl status 'rebridge-dead-man*'; exit 1"
    ));
    assert_eq!(
        (lab.docker0().as_str(), lab.read(FILE)),
        ("172.17.0.1/16", before)
    );
    lab.sh("for n in $(seq 600); do [ -z \"$(docker ps -q)\" ] || exit 0; sleep 0.1; done; exit 1");
    lab.sh(&format!(
        "for n in $(seq 600); do [ -n \"$({FILES})\" ] || exit 0; sleep 0.1; done; {FILES}; exit 1"
    ));
}
