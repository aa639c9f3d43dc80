//! The binary as an Ansible module: an args file in, one JSON object out, whatever is in the file.

use super::{Image, text};
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output, Stdio};

/// Calls the binary as Ansible does.
fn call(image: &Image, args: &[u8]) -> Output {
    let file = image.0.join("args");
    fs::write(&file, args).unwrap();
    Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn module(image: &Image, mut args: Value) -> (Option<i32>, Value) {
    args.as_object_mut()
        .unwrap()
        .entry("root")
        .or_insert(json!(image.root()));
    let ran = call(image, &serde_json::to_vec(&args).unwrap());
    assert!(ran.stderr.is_empty(), "{}", text(&ran.stderr));
    (
        ran.status.code(),
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}")),
    )
}

#[test]
fn nonsense_is_one_failed_object_in_clear_words() {
    let image = Image::new("module-nonsense");
    for (args, words) in [
        (json!({"avoids": "x"}), "did you mean avoid?"),
        (json!({"stat": "x"}), "did you mean state?"),
        (json!({"zzz": 1}), "the options are state, avoid"),
        (json!({"state": "fixd"}), "did you mean fixed?"),
        (
            json!({"state": ["fixed"]}),
            "state: [\"fixed\"] is not a text",
        ),
        (
            json!({"networks": "move"}),
            "the choices are report, recreate",
        ),
        (
            json!({"avoid": "banana"}),
            "avoid: \"banana\" is not a network",
        ),
        (json!({"avoid": {"a": 1}}), "is not a list"),
        (
            json!({"avoid_files": "/no/such"}),
            "avoid_files /no/such: No such file",
        ),
        (
            json!({"avoid_named": [{"name": "nets", "text": "10.0.0.0/8\n1.2.3.4/99"}]}),
            "avoid_files nets line 2",
        ),
        (
            json!({"avoid_named": [{"name": "web17", "nets": ["x"]}]}),
            "web17: \"x\" is not a network",
        ),
        (
            json!({"avoid_named": [{"nets": ["10.0.0.0/8"]}]}),
            "name and nets",
        ),
        (json!({"avoid_inventory": true}), "rebridge.docker.rebridge"),
        (
            json!({"pools": "8.8.0.0/16"}),
            "pools: 8.8.0.0/16 is not private",
        ),
        (json!({"pools": [{"bas": 1}]}), "give base and size"),
        (
            json!({"ignore": "neighbor"}),
            "ignore: \"neighbor\" is neither",
        ),
        (json!({"probe": "nonsense"}), "probe nonsense"),
        (json!({"restart": "perhaps"}), "neither yes nor no"),
        (
            json!({"restart": "no", "restart_command": "true"}),
            "leave one of the two out",
        ),
        (json!({"timeout": "5s"}), "from 0 to 3600"),
        (json!({"timeout": 3601}), "from 0 to 3600"),
        (json!({"dead_man": 2}), "5 seconds or more"),
        (json!({"state": "pinned"}), "pools is empty"),
        (json!({"state": "rolled_back"}), "no record"),
        (json!({"root": "/no/such/folder"}), "root /no/such/folder"),
    ] {
        let (code, object) = module(&image, args.clone());
        assert_eq!(
            (code, &object["failed"], &object["changed"]),
            (Some(2), &json!(true), &json!(false)),
            "{args}"
        );
        let msg = object["msg"].as_str().unwrap();
        assert!(msg.contains(words) && !msg.contains("--"), "{args}: {msg}");
    }
    assert!(
        !image.0.join("etc/docker").exists(),
        "nonsense touches nothing"
    );
}

#[test]
fn an_args_file_that_is_none_is_answered_all_the_same() {
    let image = Image::new("module-no-args");
    for (args, words) in [
        (&b""[..], "is not JSON"),
        (b"{", "is not JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"{} {}", "is not JSON"),
    ] {
        let ran = call(&image, args);
        let object: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(
            (ran.status.code(), &object["failed"]),
            (Some(2), &json!(true)),
            "{object:#}"
        );
        assert!(
            object["msg"].as_str().unwrap().contains(words),
            "{object:#}"
        );
    }
    // A verb is a verb, and a word that is neither stays a usage error.
    let ran = Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .arg("/no/such/file")
        .output()
        .unwrap();
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0));
}

#[test]
fn the_state_facts_returns_what_the_fleet_takes() {
    let image = Image::new("module-facts");
    fs::write(image.0.join("etc/hostname"), "web-7\n").unwrap();
    for check in [false, true] {
        let args = json!({"state": "facts", "_ansible_check_mode": check});
        let (code, object) = module(&image, args);
        assert_eq!((code, &object["changed"]), (Some(0), &json!(false)));
        assert_eq!(object["facts"]["taken"]["host"], "web-7", "{object:#}");
        assert_eq!(object["invocation"]["module_args"]["state"], "facts");
        let line = json!({"host": "web-7.example.org", "facts": object["facts"]}).to_string();
        let file = image.0.join("all.jsonl");
        fs::write(&file, line).unwrap();
        let ran = super::rebridge(&["fleet", file.to_str().unwrap(), "--json"]);
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(ran.status.code(), Some(0), "{found:#}");
        assert_eq!(found["hosts"][0]["name"], "web-7.example.org");
        assert_eq!(found["hosts"][0]["docker"], "absent");
    }
    assert!(!image.0.join("etc/docker").exists());
}

#[test]
fn check_mode_writes_nothing_and_foretells_the_run() {
    let image = Image::new("module-check");
    let args = |check: bool| json!({"avoid": "172.17.0.0/16", "_ansible_check_mode": check, "_ansible_diff": true});
    let (code, foretold) = module(&image, args(true));
    assert_eq!(
        (code, &foretold["changed"], &foretold["outcome"]),
        (Some(0), &json!(true), &json!("would_change"))
    );
    assert!(!image.0.join("etc/docker").exists());
    let (code, done) = module(&image, args(false));
    assert_eq!(
        (code, &done["changed"], &done["outcome"]),
        (Some(0), &json!(true), &json!("changed"))
    );
    assert_eq!(
        (&foretold["plan"], &foretold["diff"]),
        (&done["plan"], &done["diff"])
    );
    assert!(
        done["diff"]["after"]
            .as_str()
            .unwrap()
            .contains("10.200.255.1/24"),
        "{done:#}"
    );
    let (code, again) = module(&image, args(false));
    assert_eq!(
        (code, &again["changed"], again.get("diff")),
        (Some(0), &json!(false), Some(&json!([]))),
        "{again:#}"
    );
}

#[test]
fn looking_finds_clashes_without_failing() {
    let image = Image::new("module-checked");
    let (code, object) = module(
        &image,
        json!({"state": "checked", "_ansible_diff": true, "_ansible_of_next_year": {},
               "avoid_named": [{"name": "inventory host web17", "nets": ["172.17.0.0/16"]}]}),
    );
    assert_eq!(
        (code, &object["outcome"]),
        (Some(1), &json!("clashing")),
        "{object:#}"
    );
    assert_eq!(
        (&object["failed"], &object["changed"], object.get("diff")),
        (&json!(false), &json!(false), None)
    );
    assert_eq!(
        object["clashes"][0]["with"]["detail"],
        "inventory host web17"
    );
    assert!(
        object["msg"].as_str().unwrap().contains("`state: fixed`"),
        "{}",
        object["msg"]
    );
    assert!(!image.0.join("etc/docker").exists());
}

#[test]
fn of_a_hundred_thousand_clashes_the_first_are_listed() {
    let image = Image::new("module-fleet");
    let nets: Vec<String> = (0..20_000)
        .map(|at| format!("172.17.{}.{}", at / 250, at % 250))
        .collect();
    let (_, object) = module(
        &image,
        json!({"state": "checked", "avoid_named": [{"name": "fleet", "nets": nets}]}),
    );
    let listed = |key: &str| object[key].as_array().unwrap().len();
    assert_eq!((listed("clashes"), listed("remaining")), (100, 100));
    assert!(
        object["clashes_total"].as_u64().unwrap() >= 20_000,
        "{}",
        object["clashes_total"]
    );
}

#[test]
fn invocation_holds_what_was_understood_unless_it_must_not() {
    let image = Image::new("module-invocation");
    let args = |no_log: bool| json!({"state": "checked", "timeout": "5", "restart": "off", "_ansible_no_log": no_log});
    let (_, object) = module(&image, args(false));
    let shown = &object["invocation"]["module_args"];
    assert_eq!(
        (&shown["timeout"], &shown["restart"], &shown["networks"]),
        (&json!(5), &json!(false), &json!("report"))
    );
    assert_eq!(module(&image, args(true)).1.get("invocation"), None);
}

#[test]
fn a_pool_of_daemon_json_pins() {
    let image = Image::new("module-pinned");
    let pools = json!([{"base": "10.210.0.0/16", "size": "24"}]);
    let (code, object) = module(&image, json!({"state": "pinned", "pools": pools}));
    assert_eq!(
        (code, &object["changed"]),
        (Some(0), &json!(true)),
        "{object:#}"
    );
    assert_eq!(object["plan"]["daemon_json"]["bip"], "10.210.255.1/24");
    assert_eq!(
        module(&image, json!({"state": "pinned", "pools": pools})).1["changed"],
        false
    );
}
