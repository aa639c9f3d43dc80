//! The question may stand for an hour. What changes on the host meanwhile is not lost, and what is
//! done is what was agreed to last.

use crate::job::AVOID;
use crate::lab::Lab;
use std::io::{Read, Write};
use std::process::Stdio;

const FILE: &str = "/etc/docker/daemon.json";
const APPLY: &str =
    "timeout --foreground 600 rebridge apply --avoid=172.17.0.0/16 --accept pending-settings";
const ROLLBACK: &str = "timeout --foreground 600 rebridge rollback --accept pending-settings";

/// Runs a command line over ssh. At each question something happens on the host, then the answer is
/// yes. Gives the exit code and what was said.
fn agree(lab: &Lab, command: &str, meanwhile: &[&str]) -> (i32, String) {
    let mut session = lab
        .over_ssh(command)
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = session.stdin.take().unwrap();
    let mut screen = session.stdout.take().unwrap();
    let (mut said, mut buffer) = (String::new(), [0; 4096]);
    let mut asked = 0;
    loop {
        let length = screen.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        said += &String::from_utf8_lossy(&buffer[..length]);
        if said.matches("Go on?").count() > asked {
            asked += 1;
            if let Some(script) = meanwhile.get(asked - 1) {
                lab.sh(script);
            }
            keys.write_all(b"y\n").unwrap();
        }
    }
    assert_eq!(asked, meanwhile.len(), "so often was asked: {said}");
    (session.wait().unwrap().code().unwrap(), said)
}

#[test]
fn what_happens_while_the_question_stands_is_seen() {
    let lab = Lab::create("trixie");
    lab.put(FILE, "{\n  \"debug\": false\n}\n");
    lab.boot();
    lab.container("--name job");
    lab.container("--name web --restart=always");
    lab.sh("docker stop -t 0 web");
    let running = || lab.sh("docker ps --format '{{.Names}}' | sort");
    let dockerd = || lab.sh("systemctl show docker.service -p MainPID --value");

    // An edit, a job that ends, a container that is started, and a new one.
    let meanwhile = format!(
        "sed -i 's/false/false, \"shutdown-timeout\": 9/' {FILE}
         docker stop -t 0 job; docker start web
         docker run -d --name late busybox sh -c 'trap \"exit 143\" TERM; while :; do sleep 1 & wait; done'"
    );
    let (code, said) = agree(&lab, APPLY, &[&meanwhile, "true"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "10.200.255.1/24"),
        "{said}"
    );
    let new = lab.read(FILE).unwrap();
    assert!(
        new.contains("shutdown-timeout") && new.contains("pools"),
        "{new}"
    );
    assert_eq!(running(), "late\nweb\n", "{said}");

    // A rollback does not touch a file that was edited meanwhile.
    let pid = dockerd();
    let edit = format!("cp {FILE} /root/kept; sed -i 's/: 9/: 8/' {FILE}");
    let (code, said) = agree(&lab, ROLLBACK, &[&edit]);
    let edited = lab.read(FILE).unwrap();
    assert!(
        code == 3 && edited.contains("\"shutdown-timeout\": 8"),
        "{said}"
    );
    assert_eq!(
        (dockerd(), lab.docker0().as_str()),
        (pid, "10.200.255.1/24")
    );
    let meanwhile = "docker stop -t 0 late; docker start job";
    lab.sh(&format!("cp /root/kept {FILE}"));
    let (code, said) = agree(&lab, ROLLBACK, &[meanwhile, "true"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "172.17.0.1/16"),
        "{said}"
    );
    let old = "{\n  \"debug\": false, \"shutdown-timeout\": 9\n}\n";
    assert_eq!(lab.read(FILE).as_deref(), Some(old));
    assert_eq!(running(), "job\nweb\n", "{said}");

    // An edit after the last look, before the new file takes the place of the old.
    lab.put(
        "/usr/local/bin/systemd-run",
        &format!("#!/bin/sh\nsed -i 's/: 9/: 7/' {FILE}\nexec /usr/bin/systemd-run \"$@\"\n"),
    );
    lab.sh("chmod 755 /usr/local/bin/systemd-run");
    let files = || lab.sh("ls -A /etc/docker");
    let (pid, before) = (dockerd(), files());
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--dead-man=600"]);
    let msg = report["msg"].as_str().unwrap();
    assert!(code == 3 && msg.contains("was edited"), "{report:#}");
    assert_eq!(lab.read(FILE).unwrap(), old.replace('9', "7"));
    assert_eq!(dockerd(), pid);
    assert_eq!(files(), before, "crumbs");
    assert_eq!(lab.read("/var/lib/rebridge/journal.json"), None);
    let units = "systemctl list-units --all --plain --no-legend 'rebridge-dead-man*'";
    assert_eq!(lab.sh(units), "");
}
