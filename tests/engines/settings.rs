//! The settings in force are taken from a daemon.json that has not changed since Docker began, and
//! asked for in every other case. The engine's debug log says which questions it was asked.

use crate::lab::Lab;

on_every_engine!(settings_are_asked_for_unless_the_file_is_older_than_the_process);

/// Whether a look asked the engine for its settings. What it saw must be what a look that always
/// asks sees.
fn asks(lab: &Lab) -> bool {
    let calls = "journalctl -u docker -o cat --no-pager | grep -c 'GET.*/v1[.][0-9]*/info' || true";
    let before = lab.sh(calls);
    let quick = lab.sh("rebridge map --json || true");
    // The log takes its time.
    let count = lab.sh(&format!("sleep 0.3; journalctl --sync; {calls}"));
    let asked = lab
        .sh("rebridge facts >/run/facts.json; rebridge map --json --facts /run/facts.json || true");
    assert_eq!(quick, asked);
    assert!(
        quick.contains("\"docker0\"") || quick.contains("\"bridge\""),
        "{quick}"
    );
    count != before
}

fn settings_are_asked_for_unless_the_file_is_older_than_the_process(suite: &str) {
    let lab = Lab::up(suite);
    // 20.10 does not say by the way whether it is part of a swarm.
    let knows = suite != "bookworm";
    let restart = || {
        lab.sh("sleep 0.3; systemctl reset-failed docker.service docker.socket; systemctl restart docker")
    };
    let file = "/etc/docker/daemon.json";
    let pools = |third: u8| {
        format!(
            "{{\"debug\": true, \"default-address-pools\": [{{\"base\": \"10.{third}.0.0/16\", \"size\": 24}}]}}"
        )
    };
    lab.put(file, &pools(201));
    restart();
    assert_eq!(asks(&lab), !knows, "written before the start");
    assert_eq!(asks(&lab), !knows, "and again");
    lab.sh(&format!("sed -i s/201/202/ {file}"));
    assert!(asks(&lab), "written since");
    restart();
    assert_eq!(asks(&lab), !knows, "in force");
    lab.put("/etc/docker-other.json", &pools(203));
    lab.sh(&format!(
        "touch -d 2001-01-01 /etc/docker-other.json; mv /etc/docker-other.json {file}"
    ));
    assert!(asks(&lab), "an old file has taken its place");
    lab.put("/opt/a.json", &pools(204));
    lab.put("/opt/b.json", &pools(205));
    lab.sh(&format!("rm {file}; ln -s /opt/a.json {file}"));
    restart();
    assert_eq!(asks(&lab), !knows, "a link");
    lab.sh(&format!("ln -sfn /opt/b.json {file}"));
    assert!(asks(&lab), "the link leads elsewhere");
    restart();
    lab.sh(&format!("rm {file}"));
    assert!(asks(&lab), "the file is gone");
    lab.put(
        file,
        "{\"debug\": true, \"live-restore\": true, \"default-address-pools\": []}",
    );
    restart();
    assert_eq!(asks(&lab), !knows, "live-restore, and no pools");
    lab.put(file, "{\"debug\": true, \"default-address-pools\": [{\"Base\": \"10.206.0.0/16\", \"Size\": 24}]}");
    restart();
    assert!(asks(&lab), "spelled as only Docker reads it");
    lab.put(file, "{\"debug\": true}");
    lab.put(
        "/etc/default/docker",
        "DOCKER_OPTS=\"--default-address-pool base=10.207.0.0/16,size=24\"\n",
    );
    restart();
    assert!(asks(&lab), "given as a flag");
}
