//! `rebridge fleet` over folders of facts that grow, beside `jq`, which only reads and parses them.

use crate::crowd::{golden, host};
use crate::pair::compare;
use crate::stage::rebridge;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

pub fn growing() {
    println!(
        "\nfleets (floor: jq reading the same files; goals: 1000 hosts in 1 s, 10000 in 10 s and 200 \
         MiB, a page of 1000 in 3 MiB)"
    );
    let folder = std::env::temp_dir().join(format!("rebridge-fleet-{}", std::process::id()));
    for hosts in [10, 100, 1_000, 10_000] {
        fs::create_dir_all(&folder).unwrap();
        let bytes = write(&folder, hosts);
        println!(" {hosts} hosts, {} KiB of facts", bytes >> 10);
        measure(&folder, if hosts < 1_000 { 15 } else { 5 });
        fs::remove_dir_all(&folder).unwrap();
    }
}

/// A third of the hosts have many networks and containers.
fn write(folder: &Path, hosts: usize) -> usize {
    let patterns = [golden("networks-one"), golden("clean"), golden("clean")];
    let text = |at: usize, pattern: &Value| {
        let (name, _, facts) = host(pattern, at);
        (name, serde_json::to_string_pretty(&facts).unwrap())
    };
    let all = patterns.iter().cycle().take(hosts).enumerate();
    let sizes = all.map(|(at, pattern)| {
        let (name, text) = text(at, pattern);
        fs::write(folder.join(format!("{name}.json")), &text).unwrap();
        text.len()
    });
    sizes.sum()
}

fn measure(folder: &Path, runs: usize) {
    let (rebridge, folder) = (rebridge(), folder.display());
    let page = format!("{folder}.html");
    compare(
        runs,
        &[
            &format!(
                "jq=sh -c find {folder} -name '*.json' -print0 | xargs -0 cat | jq -c .schema"
            ),
            &format!("fleet={rebridge} fleet {folder} --json"),
            &format!("fleet --html={rebridge} fleet {folder} --html {page}"),
        ],
    );
    let peak = peak(
        &rebridge,
        &["fleet", &folder.to_string(), "--json", "--html", &page],
    );
    let size = fs::metadata(&page).unwrap().len();
    println!(
        "  memory at its peak {:>15} KiB; the page has {} KiB",
        peak,
        size >> 10
    );
    fs::remove_file(page).unwrap();
}

/// The most memory it had, in KiB, as the kernel says while it runs.
fn peak(program: &str, arguments: &[&str]) -> u64 {
    let mut child = Command::new(program);
    let child = child.args(arguments).stdout(Stdio::null());
    let mut child = child.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut high = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let words = line.and_then(|line| line.split_whitespace().next());
        high = words.and_then(|word| word.parse().ok()).unwrap_or(high);
        thread::sleep(Duration::from_millis(1));
    }
    high
}
