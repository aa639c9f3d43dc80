//! What a run leaves behind, and what happened on the host before the next one came.

use crate::back::drop_in_that_waits;
use crate::job::AVOID;
use crate::lab::Lab;

on_every_engine!(
    an_apply_before_docker0_existed_goes_back_without_a_restart,
    an_edit_after_a_kill_is_kept,
    containers_of_another_day_are_left_as_they_are,
    a_killed_rollback_is_finished,
    a_way_back_that_fails_is_not_tried_for_ever,
    a_file_that_docker_reads_no_more_is_not_touched,
);

const FILE: &str = "/etc/docker/daemon.json";
const JOURNAL: &str = "/var/lib/rebridge/journal.json";

fn dockerd(lab: &Lab) -> String {
    lab.sh("systemctl show docker.service -p MainPID --value")
}

/// Leaves an apply killed while Docker restarts, its file in place, and waits for Docker.
fn kill_an_apply(lab: &Lab) {
    drop_in_that_waits(lab);
    lab.sh("rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done; sleep 0.3; kill -9 $pid; wait $pid || true
            until docker ps >/dev/null 2>&1; do sleep 0.1; done");
    assert!(lab.read(JOURNAL).is_some());
}

fn an_apply_before_docker0_existed_goes_back_without_a_restart(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh("systemctl stop docker.service docker.socket; ip link del docker0");
    let (code, report) = lab.rebridge(&["apply", "--yes", "--no-restart", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    lab.sh("systemctl start docker.service");
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    let running = dockerd(&lab);
    let (code, report) = lab.rebridge(&["rollback", "--check"]);
    assert_eq!((code, &report["outcome"]), (0, &"would_change".into()));
    assert_eq!(report["plan"]["restart"], false, "{report:#}");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"], &report["restarted"]),
        (0, &"changed".into(), &false.into()),
        "{report:#}"
    );
    assert_eq!(lab.read(FILE), None);
    assert_eq!(lab.docker0(), "10.200.255.1/24", "docker0 stays");
    // The running engine still has the pools: the outage does not come back.
    lab.sh("docker network create later >/dev/null");
    let later = lab.sh("docker network inspect later -f '{{(index .IPAM.Config 0).Subnet}}'");
    assert!(later.starts_with("10.200."), "{later}");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("next start"), "{report:#}");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
    assert_eq!(dockerd(&lab), running, "Docker was restarted");
}

fn an_edit_after_a_kill_is_kept(suite: &str) {
    let lab = Lab::create(suite);
    lab.put(FILE, "{\n  \"debug\": false\n}\n");
    lab.boot();
    drop_in_that_waits(&lab);
    // Half-way: the new file is there, and docker0 has not moved.
    lab.sh("rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until grep -qs pools /etc/docker/daemon.json; do sleep 0.05; done; kill -9 $pid; wait $pid || true
            sed -i 's/\"debug\": false/\"debug\": false, \"shutdown-timeout\": 9/' /etc/docker/daemon.json");
    let edited = lab.read(FILE).unwrap();
    assert!(
        edited.contains("shutdown-timeout") && edited.contains("pools"),
        "{edited}"
    );
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        lab.read(FILE).unwrap(),
        "{\n  \"debug\": false, \"shutdown-timeout\": 9\n}\n",
        "{report:#}"
    );
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("daemon.json.rebridge-"), "{report:#}");
    assert!(
        lab.sh("cat /etc/docker/daemon.json.rebridge-*")
            .ends_with(&edited)
    );
    assert_eq!(lab.docker0(), "172.17.0.1/16");
}

fn containers_of_another_day_are_left_as_they_are(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--name batch");
    lab.container("--name web --restart=always");
    lab.sh("docker stop -t 0 web");
    kill_an_apply(&lab);
    // Another day: Docker was restarted since, batch is over, web runs again.
    lab.sh("sleep 1; systemctl restart docker.service; docker start web; docker stop -t 0 batch");
    let journal = lab.read(JOURNAL).unwrap();
    let began = serde_json::from_str::<serde_json::Value>(&journal).unwrap()["began"].to_string();
    lab.put(
        JOURNAL,
        &journal.replace(&began, "\"2026-01-01T00:00:00Z\""),
    );
    let running = dockerd(&lab);
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
    assert_eq!(dockerd(&lab), running);
    assert_eq!(lab.sh("docker ps --format '{{.Names}}'"), "web\n");
    assert_eq!(lab.read(JOURNAL), None);
}

fn a_killed_rollback_is_finished(suite: &str) {
    let lab = Lab::up(suite);
    lab.container("--name always --restart=always");
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    // Killed when all is back but the record: at the renames and removals that put it away.
    for (call, back_from_the_end) in [("unlink", 1), ("unlink", 2), ("rename", 1)] {
        let count = format!(
            "cp -a /var/lib/rebridge /root/kept; strace -f -o /root/trace -e trace={call} rebridge rollback \
             --yes --json >/dev/null; grep -c '^[0-9]* *{call}' /root/trace"
        );
        let count: usize = lab.sh(&count).trim().parse().unwrap();
        assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
        let kill = format!(
            "strace -f -o /dev/null -e trace={call} -e inject={call}:signal=SIGKILL:when={} rebridge \
             rollback --yes --json >/dev/null 2>&1 || true",
            count + 1 - back_from_the_end
        );
        lab.sh(&kill);
        let (code, report) = lab.rebridge(&["rollback", "--yes"]);
        assert_eq!(code, 0, "{call} {back_from_the_end}: {report:#}");
        assert_eq!(lab.docker0(), "172.17.0.1/16");
        let running = dockerd(&lab);
        let (code, report) = lab.rebridge(&["rollback", "--yes"]);
        assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
        assert_eq!(dockerd(&lab), running);
        assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    }
}

fn a_way_back_that_fails_is_not_tried_for_ever(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh("docker network create taken --subnet 172.30.0.0/16");
    kill_an_apply(&lab);
    // Half-way, so that it has to go back, to an address that another network has.
    let journal = lab.read(JOURNAL).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&journal).unwrap();
    record["docker0_after"] = "10.1.2.3/24".into();
    record["docker0_before"] = "172.30.0.1/16".into();
    lab.put(JOURNAL, &record.to_string());
    let mut restarts = Vec::new();
    for _ in 0..3 {
        let before = dockerd(&lab);
        let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
        assert_eq!(code, 5, "{report:#}");
        restarts.push(dockerd(&lab) != before);
    }
    assert_eq!(restarts, [true, false, false]);
}

fn a_file_that_docker_reads_no_more_is_not_touched(suite: &str) {
    let lab = Lab::up(suite);
    assert_eq!(lab.rebridge(&["apply", "--yes", AVOID]).0, 0);
    lab.sh("cp /etc/docker/daemon.json /etc/docker/other.json
            mkdir -p /etc/systemd/system/docker.service.d
            printf '[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --config-file=/etc/docker/other.json\n' \
                >/etc/systemd/system/docker.service.d/other.conf
            systemctl daemon-reload; systemctl restart docker.service");
    let (running, text) = (dockerd(&lab), lab.read(FILE));
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    let msg = report["msg"].as_str().unwrap();
    assert!(
        code == 3 && msg.contains("/etc/docker/other.json"),
        "{report:#}"
    );
    assert_eq!((dockerd(&lab), lab.read(FILE)), (running, text));
}
