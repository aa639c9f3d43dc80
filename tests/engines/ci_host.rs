//! A busy CI host with nothing wrong: an unattended `apply` every few seconds leaves it alone.

use crate::job::AVOID;
use crate::lab::{Lab, SERVER};
use std::time::{Duration, Instant};

on_every_engine!(
    a_busy_ci_host_is_left_alone,
    the_outage_of_such_a_host_is_fixed_once
);

/// A round takes some seconds; on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(120);

/// Its LAN, with the router as the nameserver.
const LAN: &str =
    "ip addr add 192.168.1.10/24 dev eth0; echo nameserver 192.168.1.1 >/etc/resolv.conf";
const ROUTER: [&str; 6] = ["ip", "addr", "add", "192.168.1.1/24", "dev", "br0"];

/// Containers that come and go, some of which call out or publish a port; calls to one that has
/// gone; broadcasts like nmbd's on every link; a job that builds an image in a network of its own.
const WORK: &str = r#"
    sleeper='trap "exit 143" TERM; while :; do sleep 1 & wait; done'
    broadcast() {
        python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for to in sys.argv[1:]:
    s.sendto(b"who", (to, 137))' 172.17.255.255 192.168.1.255
    }
    mkdir -p /root/job; printf 'FROM busybox\nRUN wget -T 2 -q -O /dev/null http://10.77.50.10:8080/ || true\n' >/root/job/Dockerfile
    for number in 1 2 3 4 5; do docker run -d --name web$number -p 808$number:80 busybox sh -c "$sleeper" >/dev/null; done
    while [ ! -e /root/enough ]; do
        for number in 1 2 3 4 5; do
            address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web$number)
            docker rm -f web$number >/dev/null
            timeout 1 bash -c "</dev/tcp/$address/80" 2>/dev/null
            docker run -d --name web$number -p 808$number:80 busybox sh -c "wget -T 2 -q -O /dev/null http://10.77.50.10:8080/; $sleeper" >/dev/null
        done
        broadcast
        docker network create job >/dev/null
        docker run --rm --network job busybox wget -T 2 -q -O /dev/null http://10.77.50.10:8080/
        docker build -q --no-cache --network default /root/job >/dev/null 2>&1
        docker network rm job >/dev/null
        echo done >>/root/rounds
    done
"#;

/// A CI host at work.
fn at_work(suite: &str) -> Lab {
    let lab = Lab::up(suite);
    lab.image();
    lab.corp(&ROUTER);
    lab.sh(LAN);
    lab.put("/root/work", WORK);
    lab.sh("systemd-run --quiet --unit work --collect bash /root/work");
    lab
}

fn rounds(lab: &Lab) -> usize {
    lab.read("/root/rounds").unwrap_or_default().lines().count()
}

fn daemon(lab: &Lab) -> String {
    lab.sh("systemctl show docker.service -p MainPID -p ExecMainStartTimestampMonotonic")
}

/// Looks again and again, and has an unattended apply do what it finds right.
fn is_left_alone(lab: &Lab, time: Duration) -> usize {
    let before = daemon(lab);
    let end = Instant::now() + time;
    let mut tries = 0;
    while Instant::now() < end || rounds(lab) < 2 {
        assert!(Instant::now() < end + PATIENCE, "the host does no work");
        let (code, report) = lab.rebridge(&["check"]);
        assert_eq!(
            (code, &report["outcome"]),
            (0, &"clean".into()),
            "{report:#}"
        );
        let (code, report) = lab.rebridge(&["apply", "--yes"]);
        assert_eq!(
            (code, &report["outcome"]),
            (0, &"clean".into()),
            "{report:#}"
        );
        tries += 1;
        std::thread::sleep(Duration::from_secs(5));
    }
    lab.sh("touch /root/enough");
    assert_eq!(daemon(lab), before, "Docker was restarted");
    tries
}

fn a_busy_ci_host_is_left_alone(suite: &str) {
    is_left_alone(&at_work(suite), Duration::from_secs(20));
}

/// The two minutes of `make torture`.
#[test]
fn whole_ci_host() {
    for suite in ["bookworm", "trixie", "forky"] {
        let lab = at_work(suite);
        let tries = is_left_alone(&lab, Duration::from_secs(120));
        println!(
            "{suite}: {tries} looks, {} rounds, no restart",
            rounds(&lab)
        );
    }
}

fn the_outage_of_such_a_host_is_fixed_once(suite: &str) {
    let lab = at_work(suite);
    assert!(!lab.reaches(SERVER));
    // A client that calls the server again and again, as clients do.
    lab.put(
        "/root/client",
        "while :; do timeout 5 bash -c '</dev/tcp/172.17.50.10/8080'; sleep 0.1; done",
    );
    lab.sh("systemd-run --quiet --unit client --collect bash /root/client");
    let end = Instant::now() + Duration::from_secs(20);
    let found = loop {
        let (code, report) = lab.rebridge(&["check"]);
        if code == 1 || Instant::now() > end {
            break report;
        }
    };
    assert_eq!(
        found["clashes"][0]["with"]["net"], "172.17.50.10/32",
        "{found:#}"
    );
    assert_eq!(found["clashes"][0]["certainty"], "suspected", "{found:#}");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(lab.reaches(SERVER));
    let fixed = daemon(&lab);
    for _ in 0..3 {
        let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
        assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
    }
    assert_eq!(daemon(&lab), fixed, "Docker was restarted again");
}
