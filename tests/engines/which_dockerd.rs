//! Whichever dockerd runs: its unit under another name, its API on another socket.

use crate::lab::Lab;
use serde_json::Value;

const AVOID: &str = "--avoid=172.17.0.0/16";

/// A drop-in that starts dockerd with these words and without systemd's socket.
fn start_with(lab: &Lab, words: &str) {
    lab.put(
        "/etc/systemd/system/docker.service.d/words.conf",
        &format!("[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd {words}\n"),
    );
    lab.sh("systemctl daemon-reload; systemctl restart docker.service; systemctl reset-failed docker.service");
}

fn facts_of(lab: &Lab) -> Value {
    serde_json::from_str(&lab.sh("rebridge facts")).unwrap()
}

fn ended(lab: &Lab, arguments: &[&str], outcome: &str) -> Value {
    let (_, report) = lab.rebridge(arguments);
    assert_eq!(report["outcome"], outcome, "{arguments:?}: {report:#}");
    report
}

/// There and back twice: systemd refuses the fourth start of a unit within a minute.
fn there_and_back_twice(lab: &Lab) {
    for _ in 0..2 {
        let report = ended(lab, &["apply", "--yes", AVOID], "changed");
        assert_ne!(lab.docker0(), "172.17.0.1/16", "{report:#}");
        let report = ended(lab, &["rollback", "--yes"], "changed");
        assert_eq!(lab.docker0(), "172.17.0.1/16", "{report:#}");
    }
}

#[test]
fn the_unit_that_runs_dockerd_is_restarted_whatever_its_name() {
    let lab = Lab::up("trixie");
    lab.sh(
        "systemctl disable --now docker.socket docker.service
         sed -e '/docker.socket/d' -e 's|^ExecStart=.*|ExecStart=/usr/sbin/dockerd -H unix:///run/docker.sock $MORE|' \
           /lib/systemd/system/docker.service >/etc/systemd/system/docker-ce.service
         mkdir /etc/systemd/system/docker-ce.service.d
         printf '[Service]\nEnvironment=MORE=--mtu=1400\n' >/etc/systemd/system/docker-ce.service.d/more.conf
         systemctl daemon-reload; systemctl start docker-ce.service",
    );
    let facts = facts_of(&lab);
    assert_eq!(facts["docker"]["service"], "systemd", "{facts:#}");
    assert_eq!(facts["docker"]["unit"], "docker-ce.service", "{facts:#}");
    there_and_back_twice(&lab);
    let state = lab.try_sh("systemctl is-active docker.service docker.socket");
    assert_eq!(state.stdout, "inactive\ninactive\n");

    // Its own drop-ins count: what they change comes into force with the restart.
    lab.sh(
        "sed -i s/1400/1300/ /etc/systemd/system/docker-ce.service.d/more.conf; systemctl daemon-reload",
    );
    let report = ended(&lab, &["apply", "--yes", AVOID], "refused");
    let blockers = report["blockers"].to_string();
    assert!(
        blockers.contains("docker-ce.service.d/more.conf"),
        "{report:#}"
    );

    // A file it does not start with: its own log says why.
    lab.sh("sed -i s/1300/1400/ /etc/systemd/system/docker-ce.service.d/more.conf; systemctl daemon-reload");
    lab.sh(
        "printf '[Service]\nExecStartPre=/bin/sh -c \"! grep -q bip /etc/docker/daemon.json || { echo no bips allowed here; exit 1; }\"\n' \
           >/etc/systemd/system/docker-ce.service.d/pre.conf; systemctl daemon-reload",
    );
    let report = ended(&lab, &["apply", "--yes", AVOID], "rolled_back");
    assert!(
        report["msg"].to_string().contains("no bips allowed here"),
        "{report:#}"
    );
    assert_eq!(lab.sh("systemctl is-active docker-ce.service"), "active\n");

    // Stopped, it is found by what it runs where no docker.service is in the way.
    lab.sh(
        "systemctl stop docker-ce.service; systemctl mask docker.service; systemctl daemon-reload",
    );
    let facts = facts_of(&lab);
    assert_eq!(facts["docker"]["state"], "stopped", "{facts:#}");
    assert_eq!(facts["docker"]["unit"], "docker-ce.service", "{facts:#}");
    assert_eq!(facts["docker"]["flags"]["mtu"][0], "1400", "{facts:#}");
}

/// A unit in which a dockerd happens to run is not Docker's: restarting it would end its other work.
#[test]
fn a_unit_that_only_started_dockerd_is_left_alone() {
    let lab = Lab::up("trixie");
    lab.sh(
        "systemctl disable --now docker.socket docker.service
         systemd-run --unit=agent.service sh -c 'dockerd -H unix:///run/docker.sock & exec sleep infinity'
         until docker version >/dev/null 2>&1; do sleep 0.2; done",
    );
    let pid = lab.sh("systemctl show -P MainPID agent.service");
    let report = ended(&lab, &["apply", "--yes", AVOID], "refused");
    assert!(
        report["msg"].to_string().contains("cannot restart Docker"),
        "{report:#}"
    );
    assert_eq!(lab.sh("systemctl show -P MainPID agent.service"), pid);
}

#[test]
fn docker_is_asked_where_it_listens() {
    let lab = Lab::up("trixie");
    lab.sh("systemctl disable --now docker.socket docker.service; rm -f /run/docker.sock");

    start_with(&lab, "-H unix:///run/other.sock");
    let facts = facts_of(&lab);
    assert_eq!(
        facts["docker"]["listens"],
        serde_json::json!(["unix:///run/other.sock"])
    );
    assert!(facts["docker"]["engine"].is_object(), "{facts:#}");
    there_and_back_twice(&lab);

    // TCP alone, in the file.
    lab.put(
        "/etc/docker/daemon.json",
        "{\"hosts\": [\"tcp://127.0.0.1:2375\"]}\n",
    );
    start_with(&lab, "");
    let facts = facts_of(&lab);
    assert_eq!(
        facts["docker"]["listens"],
        serde_json::json!(["tcp://127.0.0.1:2375"])
    );
    assert!(facts["docker"]["engine"].is_object(), "{facts:#}");
    there_and_back_twice(&lab);

    // With a certificate only, nobody can be asked. A socket beside it is enough.
    lab.sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/key -out /root/cert -subj /CN=d 2>&1
         echo '{}' >/etc/docker/daemon.json",
    );
    let tls = "-H tcp://127.0.0.1:2376 --tlsverify --tlscacert /root/cert --tlscert /root/cert \
               --tlskey /root/key";
    start_with(&lab, tls);
    let report = ended(&lab, &["apply", "--yes", AVOID], "refused");
    assert!(report["msg"].to_string().contains("TLS"), "{report:#}");
    start_with(&lab, &format!("-H unix:///run/other.sock {tls}"));
    there_and_back_twice(&lab);
}
