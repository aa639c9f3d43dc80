//! `rebridge fleet`: what it reads, what it prints, how it exits.

use super::{keep, rebridge, rebridge_reading, text};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Output;

/// A folder of facts that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rebridge-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A host with Docker's defaults that others reach in this network.
fn facts(net: &str) -> Value {
    let path = super::facts("clean");
    let mut facts: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let address = net.replace(".0/", ".10/");
    let link = json!({"name": "eth1", "kind": null, "addresses": [address]});
    let route = json!({
        "dst": net, "table": 254, "kind": "unicast", "scope": "link", "gateway": null, "dev": "eth1"
    });
    facts["kernel"]["links"].as_array_mut().unwrap().push(link);
    facts["kernel"]["routes"]
        .as_array_mut()
        .unwrap()
        .push(route);
    facts
}

fn dated(mut facts: Value, host: &str, at: &str) -> Value {
    facts["taken"] = json!({"host": host, "at": at, "version": "0.1.0"});
    facts
}

fn fleet(arguments: &[&str], input: &str) -> Output {
    let ran = rebridge_reading(&[&["fleet"], arguments].concat(), input);
    keep::keep(&text(&ran.stdout));
    ran
}

fn answer(ran: &Output) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

#[test]
fn a_clear_fleet_exits_0_and_a_clashing_one_1() {
    let folder = Folder::new("fleet-exit");
    folder.write("one.json", &facts("198.51.101.0/24").to_string());
    folder.write("rack/two/facts.json", &facts("198.51.102.0/24").to_string());
    folder.write(".hidden", "not read");
    let ran = rebridge(&["fleet", folder.path(), "--json"]);
    let found = answer(&ran);
    assert_eq!(ran.status.code(), Some(0), "{found:#}");
    assert_eq!(found["counts"]["clear"], 2);
    let names: Vec<&str> = found["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|host| host["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one", "two"]);
    folder.write("three.json", &facts("172.17.50.0/24").to_string());
    let ran = rebridge(&["fleet", folder.path(), "--json"]);
    let found = answer(&ran);
    assert_eq!(ran.status.code(), Some(1));
    // Two hide the third; on the third, containers lose.
    assert_eq!(found["counts"]["present"], 3, "{found:#}");
    assert_eq!(found["groups"][0]["clear_on"], 3);
    let text_of = text(&rebridge(&["fleet", folder.path()]).stdout);
    assert!(text_of.contains("clear on all 3"), "{text_of}");
    assert!(text_of.lines().all(|line| line.len() <= 80), "{text_of}");
    // The host's own check agrees with the plan.
    let one = folder.0.join("one.json");
    let plan = &found["hosts"][0]["plan"];
    assert_eq!(plan["does"], json!(["pools", "docker0"]));
    let words: Vec<&str> = plan["run"].as_str().unwrap().split(' ').skip(1).collect();
    let words = [
        &words[..],
        &["--facts", one.to_str().unwrap(), "--check", "--json"],
    ]
    .concat();
    let applied: Value = serde_json::from_slice(&rebridge(&words).stdout).unwrap();
    assert_eq!(applied["plan"]["docker0"], plan["docker0"]);
    assert_eq!(applied["remaining"], json!([]));
}

#[test]
fn lines_have_names_and_the_newest_facts_of_a_host_count() {
    let old = dated(facts("10.200.1.0/24"), "db", "2026-01-01T00:00:00Z");
    let new = dated(facts("10.201.1.0/24"), "db", "2026-01-02T00:00:00Z");
    let inside = json!({"host": "web", "group": "fra", "facts": facts("198.51.101.0/24")});
    let lines = format!("{new}\n{inside}\n\n{old}\n");
    let found = answer(&fleet(&["-", "--json"], &lines));
    assert_eq!(found["counts"]["hosts"], 2, "{found:#}");
    assert_eq!(found["hosts"][0]["taken"], "2026-01-02T00:00:00Z");
    assert_eq!(found["hosts"][1]["group"], "fra");
    assert_eq!(found["groups"][0]["pools"][0]["base"], "10.200.0.0/16");
    assert_eq!(found["hosts"][0]["stale"], true);
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("older than 7 days: db"), "{warnings}");
    assert!(warnings.contains("more than once"), "{warnings}");
    // A file of lines is the same.
    let folder = Folder::new("fleet-lines");
    let file = folder.write("all.jsonl", &lines);
    let of_file = answer(&rebridge(&["fleet", &file, "--json"]));
    assert_eq!(of_file["groups"], found["groups"]);
}

#[test]
fn facts_that_cannot_be_read_are_named() {
    let folder = Folder::new("fleet-unread");
    folder.write("one.json", &facts("198.51.101.0/24").to_string());
    let mut later = facts("198.51.101.0/24");
    later["schema"] = 2.into();
    folder.write("two.json", &later.to_string());
    folder.write("three.txt", "hello");
    let ran = rebridge(&["fleet", folder.path(), "--json"]);
    let found = answer(&ran);
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(
        found["counts"],
        json!({"hosts": 1, "present": 0, "latent": 0, "clear": 1, "unread": 2})
    );
    assert!(
        found["unread"][0]["source"]
            .as_str()
            .unwrap()
            .ends_with("three.txt")
    );
    assert!(
        found["unread"][1]["why"]
            .as_str()
            .unwrap()
            .starts_with("schema 2")
    );
}

#[test]
fn policy_options_count_for_every_host() {
    let folder = Folder::new("fleet-policy");
    folder.write("one.json", &facts("198.51.101.0/24").to_string());
    let range = |more: &[&str]| {
        let ran = rebridge(&[&["fleet", folder.path(), "--json"], more].concat());
        let found = answer(&ran);
        let pool = found["groups"][0]["pools"][0]["base"].as_str();
        (ran.status.code(), pool.unwrap_or_default().to_owned())
    };
    assert_eq!(range(&[]), (Some(0), "10.200.0.0/16".to_owned()));
    let avoid = ["--avoid", "10.200.0.0/16,172.17.0.0/16"];
    assert_eq!(range(&avoid), (Some(1), "10.201.0.0/16".to_owned()));
    let ignore = [&avoid[..], &["--ignore", "declared"]].concat();
    assert_eq!(range(&ignore), (Some(0), "10.200.0.0/16".to_owned()));
    let pool = [&avoid[..], &["--pool", "172.28.0.0/16"]].concat();
    assert_eq!(range(&pool), (Some(1), "172.28.0.0/16".to_owned()));
    let none = [&avoid[..], &["--pool", "172.17.0.0/16"]].concat();
    assert_eq!(range(&none), (Some(1), String::new()));
}

#[test]
fn wrong_usage_exits_2() {
    let folder = Folder::new("fleet-usage");
    let empty = folder.path();
    for (arguments, why) in [
        (vec![], "PATH"),
        (vec!["/no/such/folder"], "No such file"),
        (vec![empty], "there are no facts"),
        (vec!["-", "--avoid-file", "-"], "only once"),
        (vec!["-", "--avoid", "banana"], "not a network"),
        (vec!["-", "--max-age", "0"], "max-age"),
        (
            vec!["-", "--html", "/no/such/folder/x.html"],
            "cannot be written",
        ),
    ] {
        let ran = fleet(&arguments, "");
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
}
