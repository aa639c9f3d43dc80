//! `rebridge watch` beside a real engine, as its unit runs it: sandboxed, small, and no trouble to a
//! Docker that is restarted or stopped.

use crate::lab::Lab;
use std::fmt::Debug;
use std::time::{Duration, Instant};

on_every_engine!(the_unit_hears_docker_and_lets_it_stop);

const UNIT: &str = include_str!("../../packaging/systemd/rebridge-watch.service");

/// What it has said since it was started.
fn said(lab: &Lab) -> String {
    lab.sh("journalctl -b -u rebridge-watch.service -o cat --no-pager")
}

fn looked_at(lab: &Lab) -> String {
    lab.sh("stat -c %i.%Z /run/rebridge/rebridge.prom")
}

/// Waits until it is so.
fn until<T: Debug>(
    what: &str,
    mut look: impl FnMut() -> T,
    holds: impl Fn(&T) -> bool,
) -> Duration {
    let began = Instant::now();
    loop {
        let seen = look();
        if holds(&seen) {
            return began.elapsed();
        }
        assert!(began.elapsed().as_secs() < 60, "{what}: {seen:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn starts_of_docker(lab: &Lab) -> usize {
    let journal = lab.sh("journalctl -b -u docker.service -o cat --no-pager");
    journal.matches("msg=\"Starting up\"").count()
}

fn the_unit_hears_docker_and_lets_it_stop(suite: &str) {
    let lab = Lab::up(suite);
    lab.put("/etc/systemd/system/rebridge-watch.service", UNIT);
    lab.put("/etc/rebridge/options", "--avoid 10.77.0.0/16\n");
    lab.sh("systemctl daemon-reload; systemctl start rebridge-watch.service");
    until(
        "the first look",
        || said(&lab),
        |said| said.contains("clear of everything"),
    );
    // Whatever the sandbox hides would be missed.
    let report = lab.sh("cat /run/rebridge/check.json");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["warnings"], serde_json::json!([]), "{report:#}");
    assert_eq!(report["docker"]["state"], "running");

    // 20 stands for 2.0; older systemds say no threshold was passed by an exit code alone.
    println!(
        "{suite}: {}",
        lab.sh("systemd-analyze security --no-pager rebridge-watch.service | tail -1")
    );
    lab.sh("systemd-analyze security --no-pager --threshold=19 rebridge-watch.service");

    lab.sh("docker network create --subnet 10.77.5.0/24 shop");
    let took = until(
        "the new network",
        || said(&lab),
        |said| said.contains("the Docker network shop") && said.contains("holds 10.77.5.0/24"),
    );
    println!("{suite}: a new network was named after {took:?}");

    let pid = lab.sh("systemctl show -P MainPID rebridge-watch.service");
    let before = looked_at(&lab);
    lab.sh("systemctl restart docker");
    let took = until(
        "a look after the restart",
        || looked_at(&lab),
        |now| *now != before,
    );
    println!("{suite}: after a restart it had looked within {took:?}");
    std::thread::sleep(Duration::from_secs(16));
    lab.sh("docker network rm shop");
    until(
        "the end of the clash",
        || said(&lab),
        |said| said.contains("gone: shop on 10.77.5.0/24"),
    );

    // Stopped by its unit alone, its socket still listens: a question would start it again. Who
    // listens to its events keeps it stopping for five seconds, and something changes meanwhile.
    std::thread::sleep(Duration::from_secs(16));
    let starts = starts_of_docker(&lab);
    let began = Instant::now();
    lab.sh("systemctl stop docker.service");
    let took = began.elapsed();
    println!("{suite}: it stops in {took:?}");
    assert!(took.as_secs() < 4, "the watch holds it up: {took:?}");
    lab.sh(
        "systemctl start docker.service; (timeout 20 docker events >/dev/null 2>&1 &)
            sleep 16; (sleep 1; ip route add 10.66.0.0/16 via 198.51.100.1) &
            systemctl stop docker.service; wait",
    );
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(
        lab.try_sh("systemctl is-active docker.service")
            .stdout
            .trim(),
        "inactive"
    );
    assert_eq!(starts_of_docker(&lab), starts + 1, "it has started Docker");
    lab.sh("systemctl start docker.service");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        lab.sh("systemctl show -P MainPID rebridge-watch.service"),
        pid
    );

    // The rest is the program's own text, which the kernel shares and takes back as it likes.
    let kib = |what: &str| {
        let status = format!("awk '/{what}/ {{print $2}}' /proc/{}/status", pid.trim());
        lab.sh(&status).trim().parse::<u32>().unwrap()
    };
    let (all, own) = (kib("VmRSS"), kib("RssAnon"));
    println!("{suite}: {all} KiB of memory, {own} KiB of them its own");
    assert!(own < 1024, "{own} KiB");
    // The binary of a test is larger than the one that ships.
    if std::env::var_os("REBRIDGE_BIN").is_some() {
        assert!(all < 5 * 1024, "{all} KiB");
    }
    assert!(!said(&lab).contains("warning"), "{}", said(&lab));
    lab.sh("systemctl stop rebridge-watch.service");
    let ended = lab.sh("systemctl show -P Result -P ExecMainStatus rebridge-watch.service");
    assert_eq!(
        ended.split_whitespace().collect::<Vec<_>>(),
        ["success", "0"]
    );
}
