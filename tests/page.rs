//! The page of `rebridge fleet --html`, in a browser: Chromium without a screen, driven by
//! page/drive.py. Nothing here touches this machine or the network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "common/fleet.rs"]
mod fleet;

use fleet::golden;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A line for each host; one of them may have a hostile name.
fn lines(pattern: &Value, hosts: usize, hostile: bool) -> String {
    let line = |at: usize| {
        let (mut name, group, facts) = fleet::host(pattern, at);
        if at == 3 && hostile {
            name = fleet::HOSTILE.to_owned();
        }
        json!({"host": name, "group": group, "facts": facts}).to_string() + "\n"
    };
    (0..hosts).map(line).collect()
}

/// Writes the page of these hosts.
fn page(name: &str, lines: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rebridge-{name}-{}.html", std::process::id()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .args(["fleet", "-", "--html"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    path
}

#[test]
fn the_page_works_in_a_browser() {
    let path = page("fleet-page", &lines(&golden("clean"), 300, true));
    let mut drive = Command::new("/usr/bin/python3");
    drive.arg(repository().join("tests/page/drive.py"));
    drive.arg(&path).arg("300");
    let ran = drive.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    println!("{said}");
    fs::remove_file(path).unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(said.lines().count() > 40, "{said}");
    if let Some(folder) = std::env::var_os("REBRIDGE_PICTURES") {
        draw(&folder);
    }
}

/// Not a test of its own: `make pictures` names the folder.
fn draw(folder: &OsStr) {
    let path = page("fleet-picture", &lines(&golden("clean"), 300, false));
    let mut drive = Command::new("/usr/bin/python3");
    drive.arg(repository().join("tests/page/drive.py"));
    let drawn = drive.arg(&path).arg("300").arg(folder).status();
    fs::remove_file(path).unwrap();
    assert!(drawn.unwrap().success());
}

/// Hosts with many networks and containers, in a few kinds that come again and again.
#[test]
fn a_page_of_a_thousand_hosts_stays_small() {
    let pattern = golden("networks-one");
    let path = page("fleet-thousand", &lines(&pattern, 1000, true));
    let size = fs::metadata(&path).unwrap().len();
    println!("{size} bytes");
    fs::remove_file(path).unwrap();
    assert!(size < 3 << 20, "{size} bytes");
}
