//! Images whose Docker will be started with flags: they count as they do on a host that runs.

use crate::{Image, rebridge};
use serde_json::Value;
use std::fs;

const UNIT: (&str, &str) = (
    "usr/lib/systemd/system/docker.service",
    "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS\n",
);
const DROP_IN: &str = "etc/systemd/system/docker.service.d/o.conf";
const SCRIPT: (&str, &str) = ("etc/init.d/docker", "#!/bin/sh\n. /etc/default/docker\n");
const SYSTEMD: (&str, &str) = ("usr/lib/systemd/systemd", "");
const BIP: &str =
    "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --bip=172.17.0.1/16\n";

/// An image with Docker and these files.
fn image(name: &str, files: &[(&str, &str)]) -> Image {
    let image = Image::new(name);
    for (path, text) in [&[("usr/bin/dockerd", "")], files].concat() {
        let path = image.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    image
}

fn apply(image: &Image) -> (Option<i32>, Value) {
    let arguments = [
        "apply",
        "--yes",
        "--root",
        image.root(),
        "--avoid",
        "172.17.0.0/16",
        "--json",
    ];
    let ran = rebridge(&arguments);
    (
        ran.status.code(),
        serde_json::from_slice(&ran.stdout).unwrap(),
    )
}

#[test]
fn a_flag_of_an_image_that_contradicts_the_file_is_refused_with_its_place() {
    for (name, files, place) in [
        (
            "drop-in-alone",
            &[(DROP_IN, BIP)][..],
            "system/docker.service.d/o.conf line 3",
        ),
        (
            "drop-in",
            &[UNIT, SYSTEMD, (DROP_IN, BIP)],
            "system/docker.service.d/o.conf line 3",
        ),
        (
            "environment-file",
            &[
                UNIT,
                SYSTEMD,
                SCRIPT,
                (
                    "etc/default/docker",
                    "# --bip\nDOCKER_OPTS=\"--bip=172.17.0.1/16\"\n",
                ),
            ],
            "/etc/default/docker line 2",
        ),
        (
            "sysv",
            &[
                SCRIPT,
                (
                    "etc/default/docker",
                    "DOCKER_OPTS='--icc=false --bip 172.17.0.1/16'\n",
                ),
            ],
            "/etc/default/docker line 1",
        ),
        (
            "openrc",
            &[
                ("etc/init.d/docker", "#!/sbin/openrc-run\n"),
                (
                    "etc/conf.d/docker",
                    "\nDOCKER_OPTS=\"--bip=172.17.0.1/16\"\n",
                ),
            ],
            "/etc/conf.d/docker line 2",
        ),
        (
            "red-hat",
            &[
                ("etc/init.d/docker", "#!/bin/sh\n. /etc/sysconfig/docker\n"),
                ("etc/sysconfig/docker", "OPTIONS=--bip=172.17.0.1/16\n"),
            ],
            "/etc/sysconfig/docker line 1",
        ),
    ] {
        let image = image(name, files);
        let (code, report) = apply(&image);
        let msg = report["msg"].as_str().unwrap();
        assert_eq!(code, Some(3), "{name}: {report:#}");
        assert!(
            msg.contains("started with --bip 172.17.0.1/16"),
            "{name}: {msg}"
        );
        assert!(msg.contains("take --bip out of /etc/"), "{name}: {msg}");
        assert!(msg.contains(place), "{name}: {msg}");
        assert!(
            !image.0.join("etc/docker").exists(),
            "{name}: nothing was written"
        );
    }
}

#[test]
fn flags_that_nothing_will_give_to_dockerd_do_not_count() {
    for (name, files) in [
        // Debian's package has both; under systemd the unit alone counts.
        (
            "unit-before-script",
            &[
                (
                    "usr/lib/systemd/system/docker.service",
                    "[Service]\nExecStart=/usr/bin/dockerd\n",
                ),
                SYSTEMD,
                SCRIPT,
                ("etc/default/docker", "DOCKER_OPTS=--bip=172.17.0.1/16\n"),
            ][..],
        ),
        (
            "taken-back",
            &[
                UNIT,
                (DROP_IN, BIP),
                (
                    "etc/systemd/system/docker.service.d/z.conf",
                    "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n",
                ),
            ],
        ),
        (
            "hidden",
            &[
                UNIT,
                ("usr/lib/systemd/system/docker.service.d/o.conf", BIP),
                (DROP_IN, ""),
            ],
        ),
        (
            "comment",
            &[
                SCRIPT,
                ("etc/default/docker", "#DOCKER_OPTS=--bip=172.17.0.1/16\n"),
            ],
        ),
        (
            "other-section",
            &[
                UNIT,
                (
                    DROP_IN,
                    "[Install]\nExecStart=/usr/bin/dockerd --bip=172.17.0.1/16\n",
                ),
            ],
        ),
        // Without systemd it is the script that counts.
        (
            "script-before-unit",
            &[("usr/lib/systemd/system/docker.service", BIP), SCRIPT],
        ),
    ] {
        let image = image(name, files);
        let (code, report) = apply(&image);
        assert_eq!(
            (code, &report["outcome"]),
            (Some(0), &"changed".into()),
            "{name}: {report:#}"
        );
    }
}

#[test]
fn the_file_that_an_image_names_is_the_one_that_is_written() {
    let image = image(
        "config-file",
        &[
            UNIT,
            SYSTEMD,
            (
                "etc/default/docker",
                "DOCKER_OPTS=--config-file=/opt/docker/d.json\n",
            ),
            ("opt/docker/d.json", "{\"icc\": false}\n"),
        ],
    );
    let (code, report) = apply(&image);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["docker"]["config_file"], "/opt/docker/d.json");
    let written = fs::read_to_string(image.0.join("opt/docker/d.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        (&written["icc"], &written["bip"]),
        (&false.into(), &"10.200.255.1/24".into())
    );
    assert!(!image.0.join("etc/docker").exists());
}

#[test]
fn the_docker_that_an_image_has_must_start_with_the_file() {
    let status = |version: &str| {
        format!("Package: docker.io\nStatus: install ok installed\nVersion: {version}\n")
    };
    let (old, new) = (status("20.10.24+dfsg1-1"), status("28.5.2+dfsg1-1"));
    let database = "var/lib/dpkg/status";
    let bip6 = "{\"bip6\": \"fd00::1/64\"}\n";
    for (name, files, text, words) in [
        (
            "old",
            &[(database, old.as_str())][..],
            bip6,
            Some("Docker 20.10 would not start"),
        ),
        ("new", &[(database, new.as_str())], bip6, None),
        ("unknown", &[], bip6, None),
        (
            "never",
            &[],
            "{\n\"zzz\": 1}\n",
            Some("\"zzz\" in line 2 is an unknown key"),
        ),
        ("empty", &[(database, old.as_str())], "", None),
        ("mark", &[(database, old.as_str())], "\u{feff}{}\n", None),
        (
            "kept-mark",
            &[(database, new.as_str())],
            "\u{feff}{}\n",
            None,
        ),
    ] {
        let image = image(&format!("starts-{name}"), files);
        let file = image.0.join("etc/docker/daemon.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        let (code, done) = apply(&image);
        let after = fs::read_to_string(&file).unwrap();
        match words {
            Some(words) => {
                assert_eq!((code, after.as_str()), (Some(3), text), "{name}");
                assert!(done["msg"].as_str().unwrap().contains(words), "{done}");
            }
            None => {
                assert_eq!(code, Some(0), "{name}: {done}");
                assert!(after.contains("10.200.255.1/24"), "{name}: {after}");
                assert_eq!(after.starts_with('\u{feff}'), name == "kept-mark");
            }
        }
    }
}

/// Neither `--yes` nor a terminal to ask on: nobody has said yes.
#[test]
fn a_change_needs_a_yes() {
    let image = image("no-yes", &[UNIT, SYSTEMD]);
    for json in [&["--json"][..], &[]] {
        let words = ["apply", "--root", image.root(), "--avoid", "172.17.0.0/16"];
        let ran = rebridge(&[&words[..], json].concat());
        let said = String::from_utf8(ran.stdout).unwrap();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.status.code(), Some(3), "{said}");
        assert!(said.contains("add --yes"), "{said}");
    }
    assert!(!image.0.join("etc/docker/daemon.json").exists());
    assert_eq!(apply(&image).0, Some(0));
}

#[test]
fn a_vpn_in_an_image_is_the_evidence_there_is_before_the_first_boot() {
    let allowed = "[Interface]\nAddress = 10.8.0.2/24\n[Peer]\nAllowedIPs = 172.17.0.0/16\n";
    let hosts = "127.0.0.1 localhost\n172.17.0.1 host.docker.internal\n";
    let of_docker0 = "[Match]\nName=docker0\n[Network]\nAddress=172.17.0.1/16\n";
    let image = image(
        "vpn",
        &[
            UNIT,
            SYSTEMD,
            ("etc/hosts", hosts),
            ("etc/systemd/network/docker0.network", of_docker0),
        ],
    );
    let check = |image: &Image| {
        let ran = rebridge(&["check", "--root", image.root(), "--json"]);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        (ran.status.code(), report)
    };
    let (code, report) = check(&image);
    assert_eq!(code, Some(0), "Docker's own is no need: {report:#}");

    let file = image.0.join("etc/wireguard/office.conf");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, allowed).unwrap();
    let (code, report) = check(&image);
    let with = &report["clashes"][0]["with"];
    assert_eq!(
        (code, &with["file"], &with["line"]),
        (Some(1), &"/etc/wireguard/office.conf".into(), &4.into()),
        "{report:#}"
    );
    let ran = rebridge(&["apply", "--yes", "--root", image.root(), "--json"]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let (code, report) = check(&image);
    assert_eq!(code, Some(0), "{report:#}");
}
