//! The options file of an image: read by every verb, written by `--remember`, idempotent.

use crate::{Image, rebridge, text};
use serde_json::Value;
use std::fs;

const FILE: &str = "etc/rebridge/options";

fn put(image: &Image, path: &str, content: &str) {
    let path = image.0.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn run(image: &Image, words: &str) -> (Option<i32>, Value) {
    let words: Vec<&str> = words.split_whitespace().collect();
    let ran = rebridge(&[&words[..], &["--root", image.root(), "--json"]].concat());
    let value = serde_json::from_slice(&ran.stdout);
    (
        ran.status.code(),
        value.unwrap_or_else(|_| panic!("{ran:?}")),
    )
}

fn image(name: &str) -> Image {
    let image = Image::new(name);
    put(&image, "usr/bin/dockerd", "");
    image
}

#[test]
fn every_verb_reads_the_file_of_the_image() {
    let image = image("options-read");
    put(
        &image,
        FILE,
        "# site\n--avoid-file /etc/nets   # fleet\n--avoid 172.17.0.0/16\n--pool 10.50.0.0/16\n",
    );
    put(&image, "etc/nets", "172.18.0.0/16\nfd00:db8::/32\n");
    let (code, checked) = run(&image, "check");
    assert_eq!(code, Some(1), "{checked}");
    let evidence: Vec<&str> = checked["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clash| clash["with"]["detail"].as_str().unwrap())
        .collect();
    assert_eq!(
        evidence,
        ["--avoid, /etc/rebridge/options line 3", "/etc/nets line 1"]
    );
    let (_, planned) = run(&image, "apply --check");
    assert_eq!(planned["plan"]["docker0"], "10.50.255.1/24");
    assert_eq!(
        planned["options"][2],
        "--pool 10.50.0.0/16, /etc/rebridge/options line 4"
    );
    let notes = planned["notes"].to_string();
    assert!(notes.contains("pools set by --pool 10.50.0.0/16, /etc/rebridge/options line 4"));
    let (_, other) = run(&image, "apply --check --pool 10.60.0.0/16");
    assert_eq!(other["plan"]["docker0"], "10.60.255.1/24");
    for verb in ["map", "forecast", "explain"] {
        let (code, found) = run(&image, verb);
        assert_eq!(code, Some(0), "{found}");
        let (_, without) = run(&image, &format!("{verb} --no-options"));
        assert_ne!(found, without, "{verb} does not read it");
    }
    let (code, without) = run(&image, "check --no-options");
    assert_eq!(
        (code, &without["clashes"]),
        (Some(0), &Value::Array(vec![]))
    );
}

#[test]
fn a_wrong_line_is_a_usage_error_before_anything_is_touched() {
    let image = image("options-wrong");
    for (line, why) in [
        ("--avoid 10.0.0.0/40", "--avoid: \"10.0.0.0/40\""),
        ("--yes", "\"--yes\" cannot stand there"),
        ("--avoid-file /etc/none", "--avoid-file /etc/none: "),
    ] {
        put(&image, FILE, &format!("--avoid 172.17.0.0/16\n{line}\n"));
        for verb in ["check", "apply --yes", "map", "forecast", "explain"] {
            let (code, refused) = run(&image, verb);
            let msg = refused["msg"].as_str().unwrap();
            assert_eq!(code, Some(2), "{msg}");
            assert!(msg.starts_with("/etc/rebridge/options line 2: "), "{msg}");
            assert!(msg.contains(why), "{msg}");
        }
        assert!(!image.0.join("etc/docker").exists());
        assert_eq!(run(&image, "check --no-options").0, Some(0));
    }
}

#[test]
fn what_is_remembered_is_the_policy_of_the_next_run() {
    let image = image("options-remember");
    let nets = image.0.join("nets");
    fs::write(&nets, "172.18.0.0/16\n").unwrap();
    let given = format!(
        "--avoid 172.17.0.0/16,fd00::/8 --avoid-file {} --ignore neighbour --pool 10.50.0.0/16",
        nets.display()
    );
    let (code, would) = run(&image, &format!("apply --check --remember {given}"));
    assert_eq!((code, would["changed"].as_bool()), (Some(0), Some(true)));
    assert_eq!(would["kept"]["added"].as_array().unwrap().len(), 5);
    assert!(!image.0.join("etc/rebridge").exists());
    let (code, done) = run(&image, &format!("apply --yes --remember {given}"));
    assert_eq!(code, Some(0), "{done}");
    assert_eq!(done["kept"]["added"], would["kept"]["added"]);
    let kept = fs::read_to_string(image.0.join(FILE)).unwrap();
    let origin = format!("{} line 1", nets.display());
    assert_eq!(
        kept.split_once('\n').unwrap().1,
        format!(
            "--avoid 172.17.0.0/16\n--avoid fd00::/8\n--avoid 172.18.0.0/16   # {origin}\n\
             --ignore neighbour\n--pool base=10.50.0.0/16,size=24\n"
        )
    );
    for words in [
        "check",
        "apply --yes",
        &format!("apply --yes --remember {given}"),
    ] {
        let (code, again) = run(&image, words);
        assert_eq!(
            (code, again["changed"].as_bool()),
            (Some(0), Some(false)),
            "{again}"
        );
        assert_eq!(fs::read_to_string(image.0.join(FILE)).unwrap(), kept);
    }
    let people = rebridge(&["check", "--root", image.root()]);
    assert_eq!(people.status.code(), Some(0), "{}", text(&people.stdout));
}

#[test]
fn a_run_that_fails_remembers_nothing() {
    let image = image("options-refused");
    put(&image, "etc/docker/daemon.json", "{\"bip\": \n");
    let (code, refused) = run(&image, "apply --yes --remember --avoid 172.17.0.0/16");
    assert_eq!(
        (code, refused["kept"].is_null()),
        (Some(3), true),
        "{refused}"
    );
    assert!(!image.0.join("etc/rebridge/options").exists());
    // The place for the file is taken by something else.
    put(&image, "etc/docker/daemon.json", "{}\n");
    put(&image, "etc/rebridge", "a file\n");
    let (code, refused) = run(&image, "apply --yes --remember --avoid 172.17.0.0/16");
    assert_eq!(code, Some(2), "{refused}");
    assert_eq!(
        fs::read_to_string(image.0.join("etc/docker/daemon.json")).unwrap(),
        "{}\n"
    );
}

#[test]
fn what_is_kept_needs_a_yes_too() {
    let image = image("options-no-yes");
    let words = "apply --remember --avoid 10.9.0.0/16";
    let (code, refused) = run(&image, words);
    assert_eq!(code, Some(3), "{refused}");
    assert!(!image.0.join("etc/rebridge").exists());
    let (code, kept) = run(&image, &format!("{words} --yes"));
    assert_eq!(
        (code, &kept["outcome"], &kept["changed"]),
        (Some(0), &"clean".into(), &true.into())
    );
    assert!(image.0.join(FILE).exists());
    assert_eq!(run(&image, words).0, Some(0), "nothing to ask for");
}
