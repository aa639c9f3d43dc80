//! `--root`: an unpacked image is prepared on another machine, and Docker's first start in it is right.

use crate::docker_starts;
use crate::lab::{Lab, SERVER};
use std::process::Command;

/// The machine that builds is no part of it: its networks, its engine and its programs are never
/// asked.
fn an_image_is_prepared(suite: &str) {
    let lab = Lab::create(suite);
    let root = lab.path("/");
    let binary = std::env::var("REBRIDGE_BIN").unwrap_or(env!("CARGO_BIN_EXE_rebridge").to_owned());
    let trace = std::env::temp_dir().join(format!("rebridge-image-{suite}-{}", std::process::id()));
    let done = Command::new("strace")
        .args([
            "-f",
            "-e",
            "trace=open,openat,connect,socket,execve,readlink,stat,newfstatat",
            "-o",
        ])
        .arg(&trace)
        .args([
            &binary,
            "apply",
            "--yes",
            "--json",
            "--avoid",
            "172.17.0.0/16",
            "--root",
        ])
        .arg(&root)
        .output()
        .expect("strace is one of the lab's tools");
    let calls = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    assert!(done.status.success(), "{done:?}");
    let inside = root.to_str().unwrap().trim_end_matches('/');
    // Everything that is looked up, but the image, the way to it, and what a program of the machine
    // needs to begin.
    let outside: Vec<&str> = calls
        .lines()
        .filter(|line| !line.contains("execve("))
        .filter_map(|line| line.split('"').nth(1))
        .filter(|path| !path.starts_with(inside) && !inside.starts_with(path))
        .filter(|path| {
            ![
                "/proc/self/",
                "/sys/fs/cgroup",
                "/etc/ld.so",
                "/lib",
                "/dev/",
            ]
            .iter()
            .any(|start| path.starts_with(start))
        })
        .collect();
    assert!(outside.is_empty(), "{outside:#?}");
    assert!(
        !calls.contains("socket(") && !calls.contains("connect("),
        "no kernel, no engine: {calls}"
    );
    assert_eq!(
        calls.matches("execve(").count(),
        1,
        "no program but itself: {calls}"
    );

    lab.boot();
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
    assert!(lab.reaches(SERVER));
}

#[test]
fn an_image_is_prepared_for_docker_20_10() {
    an_image_is_prepared("bookworm");
}

#[test]
fn an_image_is_prepared_for_docker_28_5() {
    an_image_is_prepared("forky");
}
