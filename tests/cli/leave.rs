//! `--result FILE` and `--metrics FILE`: the same as on standard output, whole or not at all, and tried beforehand.

use super::{Image, facts, rebridge, text};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};

#[test]
fn the_result_is_left_in_a_file_whatever_it_is() {
    let image = Image::new("result");
    let file = image.0.join("result.json");
    let path = file.to_str().unwrap();
    let outage = facts("outage-declared");
    for (arguments, code) in [
        (
            vec!["check", "--facts", &outage, "--avoid", "172.17.0.0/16"],
            1,
        ),
        (
            vec![
                "apply",
                "--check",
                "--facts",
                &outage,
                "--avoid",
                "172.17.0.0/16",
            ],
            0,
        ),
        (vec!["forecast", "--facts", &outage], 0),
        (vec!["facts", "--root", image.root()], 0),
        (vec!["check", "--facts", "/no/such"], 2),
    ] {
        let _ = fs::remove_file(&file);
        let plain = rebridge(&[&arguments[..], &["--result", path]].concat());
        assert_eq!(plain.status.code(), Some(code), "{plain:?}");
        let left = fs::read_to_string(&file).unwrap();
        let json = if arguments[0] == "facts" {
            &[][..]
        } else {
            &["--json"][..]
        };
        assert_eq!(
            left,
            text(&rebridge(&[&arguments[..], json].concat()).stdout),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_anything_is_done() {
    let image = Image::new("unwritable");
    let folder = image.0.join("folder");
    fs::create_dir(&folder).unwrap();
    for (option, path) in [
        ("--result", "/no/such/folder/x.json"),
        ("--result", "/dev/null"),
        ("--result", "/proc/version"),
        ("--result", folder.to_str().unwrap()),
        ("--metrics", "/no/such/folder/x.prom"),
        ("--metrics", "/dev/stdout"),
    ] {
        let verb = if option == "--metrics" {
            "check"
        } else {
            "apply"
        };
        let ran = rebridge(&[
            verb,
            "--root",
            image.root(),
            "--avoid",
            "172.17.0.0/16",
            option,
            path,
        ]);
        assert_eq!(ran.status.code(), Some(2), "{option} {path}: {ran:?}");
        assert!(
            text(&ran.stderr).contains(&format!("{option} {path}: ")),
            "{}",
            text(&ran.stderr)
        );
    }
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    assert!(!image.0.join("etc/docker").exists(), "nothing was touched");
}

/// A link that another user left where root writes, as in /tmp, leads nowhere; root's own does.
#[test]
fn a_link_of_another_user_is_not_followed() {
    let image = Image::new("links");
    let outage = facts("outage-declared");
    let shadow = image.0.join("shadow");
    for (option, mine) in [
        ("--result", false),
        ("--metrics", false),
        ("--result", true),
    ] {
        fs::write(&shadow, "secret").unwrap();
        let link = image.0.join("link.json");
        let _ = fs::remove_file(&link);
        symlink(&shadow, &link).unwrap();
        if !mine {
            std::os::unix::fs::lchown(&link, Some(65534), None).unwrap();
        }
        let path = link.to_str().unwrap();
        let ran = rebridge(&["check", "--facts", &outage, option, path]);
        let kept = fs::read_to_string(&shadow).unwrap() == "secret";
        assert_eq!(
            (ran.status.code() == Some(2), kept),
            (!mine, !mine),
            "{ran:?}"
        );
        let why = "symbolic link of user 65534";
        assert_eq!(text(&ran.stderr).contains(why), !mine, "{ran:?}");
    }
}

#[test]
fn metrics_say_what_the_report_says() {
    let image = Image::new("metrics");
    let file = image.0.join("rebridge.prom");
    symlink("rebridge.prom", image.0.join("link.prom")).unwrap();
    let link = image.0.join("link.prom");
    let outage = facts("outage-declared");
    let arguments = [
        "check",
        "--facts",
        &outage,
        "--avoid",
        "172.17.0.0/16,172.17.0.0/16",
        "--json",
        "--metrics",
        link.to_str().unwrap(),
    ];
    let ran = rebridge(&arguments);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let metrics = fs::read_to_string(&file).unwrap();
    let present = report["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|clash| clash["kind"] == "present")
        .count();
    assert!(
        present > 0
            && metrics.contains(&format!("rebridge_clashes{{kind=\"present\"}} {present}\n")),
        "{metrics}"
    );
    assert!(
        metrics.contains("subnet=\"172.17.0.0/16\",with=\"172.17.0.0/16\",source=\"declared\""),
        "{metrics}"
    );
    assert!(
        metrics.contains("rebridge_docker_running 1\n")
            && metrics.contains("rebridge_docker0_info{address=")
    );
    let mut series: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all, "every series once: {metrics}");
    // The format: help, type, samples of that family and no other; every value a number.
    let mut family = String::new();
    for line in metrics.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..2] {
            ["#", "HELP"] => family = words[2].to_owned(),
            ["#", "TYPE"] => assert_eq!(words[2..], [&family, "gauge"]),
            _ => {
                assert_eq!(
                    line.split(['{', ' ']).next(),
                    Some(family.as_str()),
                    "{line}"
                );
                assert!(words.last().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
    }
    assert_eq!(metrics.matches("# TYPE ").count(), 13);
    let names: Vec<_> = fs::read_dir(&image.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "no half-written file is left: {names:?}");
}
