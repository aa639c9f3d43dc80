//! The built binary as programs see it: every exit code a command line alone can bring about,
//! exactly one JSON object with `--json` whatever happens, and clear words for bad input. Nothing
//! here touches this machine: every verb that could is pointed at an image folder or at saved
//! facts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "cli/fetched.rs"]
mod fetched;
#[path = "cli/fleet.rs"]
mod fleet;
#[path = "cli/image.rs"]
mod image;
#[path = "common/keep.rs"]
mod keep;
#[path = "cli/leave.rs"]
mod leave;
#[path = "cli/module.rs"]
mod module;
#[path = "cli/options.rs"]
mod options;
#[path = "cli/packed.rs"]
mod packed;
#[path = "cli/promises.rs"]
mod promises;

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn rebridge(arguments: &[&str]) -> Output {
    let ran = Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    keep::keep(&text(&ran.stdout));
    ran
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Facts of a golden case.
fn facts(case: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(case)
        .join("facts.json");
    path.to_str().unwrap().to_owned()
}

/// A folder that looks like an unpacked image.
struct Image(PathBuf);

impl Image {
    fn new(name: &str) -> Image {
        let root =
            std::env::temp_dir().join(format!("rebridge-image-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc")).unwrap();
        Image(root)
    }

    fn root(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn bad_input_is_a_usage_error_in_clear_words() {
    let image = Image::new("bad-input");
    let file = image.0.join("nets");
    fs::write(&file, "172.17.0.0/16\n172.18.0.0/99 # oops\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, words) in [
        (vec!["--avoid", "172.17.0.0/33"], "prefix length \"33\""),
        (vec!["--avoid", "banana"], "\"banana\" is not a network"),
        (vec!["--avoid", "fd00::/129"], "IPv6 knows 0 to 128"),
        (vec!["--avoid", "0.0.0.0/0"], "leaves nothing"),
        (
            vec!["--avoid", "172.17.50.10/16"],
            "did you mean the network 172.17.0.0/16",
        ),
        (vec!["--avoid-file", file], "line 2: \"172.18.0.0/99\""),
        (vec!["--avoid-file", "/no/such/file"], "No such file"),
        (
            vec!["--pool", "base=10.200.0.0/16,size=8"],
            "cannot be wider",
        ),
        (
            vec!["--pool", "base=10.200.0.0/16,size=31"],
            "30 is the limit",
        ),
        (vec!["--pool", "base=8.8.0.0/16,size=24"], "not private"),
        (
            vec!["--pool", "10.200.0.0/16", "--pool", "10.200.128.0/17"],
            "overlap",
        ),
        (vec!["--pool", "10.200.0.1/16"], "host bits"),
        (vec!["--pool", "base=fd00::/48,size=64"], "IPv6"),
        (vec!["--probe", "nonsense"], "--probe nonsense"),
        (vec!["--timeout", "0"], "--timeout"),
        (vec!["--pin"], "--pool"),
        (vec!["--no-such-option"], "--no-such-option"),
    ] {
        let arguments = [&["apply", "--root", image.root()][..], &arguments].concat();
        let plain = rebridge(&arguments);
        assert_eq!(plain.status.code(), Some(2), "{arguments:?}: {plain:?}");
        assert!(
            text(&plain.stderr).contains(words),
            "{arguments:?}: {}",
            text(&plain.stderr)
        );
        assert!(plain.stdout.is_empty());
        let json = rebridge(&[&arguments[..], &["--json"]].concat());
        let report: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(
            (json.status.code(), &report["failed"]),
            (Some(2), &Value::Bool(true)),
            "{arguments:?}"
        );
        assert!(json.stderr.is_empty(), "{}", text(&json.stderr));
    }
    assert!(
        !image.0.join("etc/docker").exists(),
        "bad input touches nothing"
    );
}

#[test]
fn exit_codes_of_what_only_looks() {
    for (arguments, code) in [
        (vec!["check", "--facts", "clean"], 0),
        (
            vec![
                "check",
                "--facts",
                "outage-declared",
                "--avoid",
                "172.17.0.0/16",
            ],
            1,
        ),
        (
            vec![
                "apply",
                "--check",
                "--facts",
                "outage-declared",
                "--avoid",
                "172.17.0.0/16",
            ],
            0,
        ),
        (
            vec![
                "apply",
                "--check",
                "--facts",
                "live-restore",
                "--avoid",
                "172.17.0.0/16",
            ],
            3,
        ),
        (vec!["apply", "--facts", "clean"], 2),
    ] {
        let arguments: Vec<String> = arguments
            .iter()
            .enumerate()
            .map(|(at, word)| {
                if at > 0 && arguments[at - 1] == "--facts" {
                    facts(word)
                } else {
                    (*word).to_owned()
                }
            })
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = rebridge(&[&arguments[..], &["--json"]].concat());
        assert_eq!(
            ran.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&ran.stdout)
        );
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(report["schema"], 1);
        assert!(!report["msg"].as_str().unwrap().is_empty());
    }
}

#[test]
fn saved_facts_that_are_none_are_a_usage_error() {
    for arguments in [
        ["check", "--facts", "/no/such"],
        ["check", "--facts", "/etc/hostname"],
    ] {
        let ran = rebridge(&arguments);
        assert_eq!(
            (ran.status.code(), text(&ran.stderr).contains("--facts")),
            (Some(2), true),
            "{ran:?}"
        );
    }
}

#[test]
fn an_image_is_written_and_this_machine_is_not_looked_at() {
    let image = Image::new("write");
    let root = image.root();
    let apply = [
        "apply",
        "--yes",
        "--root",
        root,
        "--avoid",
        "172.17.0.0/16",
        "--json",
    ];
    let first = rebridge(&apply);
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(
        (first.status.code(), &report["outcome"]),
        (Some(0), &"changed".into()),
        "{report:#}"
    );
    let file = image.0.join("etc/docker/daemon.json");
    let written: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    // The address is the choice for a host of which nothing is known, whatever this machine's
    // networks are.
    assert_eq!(written["bip"], "10.200.255.1/24");
    let second = rebridge(&apply);
    let report: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(
        (second.status.code(), &report["changed"]),
        (Some(0), &Value::Bool(false)),
        "{report:#}"
    );
    let left: Vec<_> = fs::read_dir(&image.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["etc"], "nothing but the file is left in the image");
}

#[test]
fn a_map_is_one_object_or_a_text_and_a_picture() {
    let facts = facts("outage-by-neighbour");
    let ran = rebridge(&["map", "--facts", &facts, "--json"]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let map: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(map["docker"][0]["clashes"][0], "172.17.50.10/32");
    assert_eq!(map["after"][0]["net"], "10.200.255.0/24");
    let picture = std::env::temp_dir().join(format!("rebridge-map-{}.svg", std::process::id()));
    let ran = rebridge(&["map", "--facts", &facts, "--svg", picture.to_str().unwrap()]);
    let drawn = fs::read_to_string(&picture).unwrap();
    fs::remove_file(&picture).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(
        text(&ran.stdout).starts_with("clashing: docker0 holds 172.17.0.0/16"),
        "{ran:?}"
    );
    assert!(
        drawn.starts_with("<svg ")
            && drawn.contains(">docker0 172.17.0.0/16: CLASH with 172.17.50.10<"),
        "{drawn}"
    );
    let ran = rebridge(&[
        "map",
        "--facts",
        &facts,
        "--svg",
        "/nowhere/map.svg",
        "--json",
    ]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert!(
        said["msg"]
            .as_str()
            .unwrap()
            .contains("--svg /nowhere/map.svg: cannot be written: No such file"),
        "{said}"
    );
}

/// Runs the program with this on its standard input.
fn rebridge_reading(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn an_avoid_file_may_be_standard_input() {
    let facts = facts("outage-declared");
    let arguments = ["check", "--avoid-file", "-", "--json", "--facts", &facts];
    let ran = rebridge_reading(&arguments, "172.17.0.0/16 # servers\n");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["clashes"][0]["with"]["detail"], "- line 1");
}

#[test]
fn a_reader_that_went_away_does_not_change_the_exit_code() {
    for arguments in [
        vec!["check", "--json"],
        vec!["check"],
        vec!["facts"],
        vec!["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_rebridge"));
        command
            .args(&arguments)
            .stdout(writer)
            .stderr(Stdio::piped());
        if arguments[0] == "check" {
            command.args(["--facts", &facts("clean")]);
        }
        let ran = command.output().unwrap();
        assert_eq!(
            (ran.status.code(), text(&ran.stderr)),
            (Some(0), String::new()),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_has_examples_and_no_arguments_show_it() {
    let help = text(&rebridge(&["--help"]).stdout);
    for words in [
        "Examples:",
        "rebridge apply --avoid 172.17.0.0/16",
        "Exit codes:",
    ] {
        assert!(help.contains(words), "{help}");
    }
    let none = rebridge(&[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("Usage:"));
    assert!(text(&rebridge(&["--version"]).stdout).starts_with("rebridge "));
}

#[test]
fn a_mistyped_option_or_verb_is_answered_with_the_nearest() {
    for (arguments, near) in [
        (vec!["check", "--avod", "10.0.0.0/8"], "'--avoid'"),
        (vec!["chek"], "'check'"),
    ] {
        let ran = rebridge(&arguments);
        assert_eq!(ran.status.code(), Some(2));
        assert!(text(&ran.stderr).contains(near), "{}", text(&ran.stderr));
        let ran = rebridge(&[arguments, vec!["--json"]].concat());
        let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let msg = answer["msg"].as_str().unwrap();
        assert!(msg.contains(near), "{msg}");
    }
}

#[test]
fn a_bad_value_names_the_help_of_its_verb_and_its_page() {
    let ran = rebridge(&["apply", "--pool", "10.0.0.0/33"]);
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("`rebridge apply --help`"), "{said}");
    assert!(
        said.contains("docs/how-it-judges.md#the-choice-of-a-range"),
        "{said}"
    );
}
