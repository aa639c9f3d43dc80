//! The page of `rebridge fleet --html`, in a browser: Chromium without a screen, driven by
//! page/drive.py. Nothing here touches this machine or the network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// As `page/drive.py` has it.
const HOSTILE: &str =
    "=<img src=x onerror=window.harmed=1></script><script>window.harmed=2</script>";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn golden(case: &str) -> Value {
    let path = repository()
        .join("tests/golden")
        .join(case)
        .join("facts.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A host that others reach in this network. Every fifth has a range of its own.
fn facts(pattern: &Value, net: &str, has_pools: bool) -> Value {
    let mut facts = pattern.clone();
    let link = json!({"name": "lan0", "kind": null, "addresses": [format!("{net}.10/24")]});
    let route = json!({
        "dst": format!("{net}.0/24"), "table": 254, "kind": "unicast", "scope": "link",
        "gateway": null, "dev": "lan0"
    });
    facts["kernel"]["links"].as_array_mut().unwrap().push(link);
    facts["kernel"]["routes"]
        .as_array_mut()
        .unwrap()
        .push(route);
    facts["taken"] = json!({"host": "", "at": "2026-01-01T00:00:00Z", "version": "0.1.0"});
    if has_pools {
        let text = facts.to_string().replace("172.17.0.", "10.214.0.");
        let text = text.replace("10.214.0.1/16", "10.214.0.1/24");
        facts = serde_json::from_str(&text.replace("10.214.0.0/16", "10.214.0.0/24")).unwrap();
        let engine = &mut facts["docker"]["engine"];
        engine["pools"] = json!([{"base": "10.214.0.0/16", "size": 24}]);
    }
    facts
}

fn lines(pattern: &Value, hosts: usize) -> String {
    let line = |at: usize| {
        let (net, group) = match at % 6 {
            0 => (format!("10.200.{}", at / 6), "sin"),
            1 => (format!("172.17.{}", at / 6), "fra"),
            _ => (format!("10.{}.{}", 20 + at / 200, at % 200), "ams"),
        };
        let name = match at {
            3 => HOSTILE.to_owned(),
            _ => format!("web-{at:04}"),
        };
        let facts = facts(pattern, &net, at.is_multiple_of(5));
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
    let path = page("fleet-page", &lines(&golden("clean"), 300));
    let mut drive = Command::new("/usr/bin/python3");
    drive.arg(repository().join("tests/page/drive.py"));
    drive.arg(&path).arg("300");
    drive.args(std::env::var_os("REBRIDGE_PICTURES"));
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
}

/// Hosts with many networks and containers, each with other clashes than the next.
#[test]
fn a_page_of_a_thousand_hosts_stays_small() {
    let pattern = golden("networks-one");
    let path = page("fleet-thousand", &lines(&pattern, 1000));
    let size = fs::metadata(&path).unwrap().len();
    println!("{size} bytes");
    fs::remove_file(path).unwrap();
    assert!(size < 3 << 20, "{size} bytes");
}
