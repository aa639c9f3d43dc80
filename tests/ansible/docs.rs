//! What ansible-doc shows of the collection as it is installed, and its README, done as it says.

use crate::controller::{Controller, collections, run, tarball, venv};
use std::process::{Command, Output};

fn doc(arguments: &[&str]) -> Output {
    let path = format!("{}:{}", venv().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(venv().join("ansible-doc"));
    command
        .args(arguments)
        .env("PATH", path)
        .env("ANSIBLE_COLLECTIONS_PATH", collections())
        .env("ANSIBLE_NOCOLOR", "1");
    command.output().unwrap()
}

#[test]
fn the_documentation_lists_cleanly_and_names_every_option() {
    let list = doc(&["-l", "rebridge.docker"]);
    assert_eq!(String::from_utf8(list.stderr).unwrap(), "");
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(
        list.lines().count() == 1 && list.starts_with("rebridge.docker.rebridge "),
        "{list}"
    );
    let module = doc(&["--json", "rebridge.docker.rebridge"]);
    let text: serde_json::Value = serde_json::from_slice(&module.stdout).unwrap();
    let doc_of = &text["rebridge.docker.rebridge"]["doc"];
    let documented: Vec<&String> = doc_of["options"].as_object().unwrap().keys().collect();
    let known = rebridge::module::options::NAMES;
    // `executable` is between the play and the action plugin.
    for name in known.iter().copied().chain(["executable"]) {
        assert!(
            documented.iter().any(|option| *option == name),
            "{name} is not documented"
        );
    }
    assert_eq!(documented.len(), known.len() + 1);
    for attribute in ["check_mode", "diff_mode", "platform"] {
        assert_eq!(doc_of["attributes"][attribute]["support"], "full");
    }
    let role = String::from_utf8(doc(&["-t", "role", "rebridge.docker.rebridge"]).stdout).unwrap();
    assert!(role.contains("rebridge_avoid_inventory"), "{role}");
}

#[test]
fn every_playbook_and_role_is_well_formed() {
    let path = format!("{}:{}", venv().display(), std::env::var("PATH").unwrap());
    for playbook in ["audit", "relieve", "settle"] {
        let mut check = Command::new(venv().join("ansible-playbook"));
        check.args(["--syntax-check", "-i", "localhost,"]);
        check.arg(format!("rebridge.docker.{playbook}"));
        run(check
            .env("PATH", &path)
            .env("ANSIBLE_COLLECTIONS_PATH", collections()));
    }
}

const README: &str = include_str!("../../ansible/README.md");
const PROJECT: &str = include_str!("../../README.md");

/// The fenced blocks of a document that are of this kind.
pub fn blocks(document: &str, kind: &str) -> Vec<String> {
    let fenced = document.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_does_what_it_says() {
    let controller = Controller::up(&[("h26", "trixie"), ("h28", "forky")]);
    let tarball = tarball();
    let name = tarball.file_name().unwrap().to_str().unwrap();
    for file in [name.to_owned(), format!("{name}.sha256")] {
        std::fs::copy(tarball.with_file_name(&file), controller.folder.join(&file)).unwrap();
    }
    let version = name
        .trim_start_matches("rebridge-docker-")
        .trim_end_matches(".tar.gz");
    let commands = blocks(README, "sh controller")
        .concat()
        .replace("VERSION", version);
    assert_eq!(commands.lines().count(), 3, "{commands}");
    for line in commands.lines() {
        let line = format!("export ANSIBLE_COLLECTIONS_PATH=installed; {line}");
        let ran = controller.run(&["bash", "-c", &line]);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
    for file in [
        "installed/ansible_collections/rebridge/docker/MANIFEST.json",
        "rebridge-fleet/fleet.html",
    ] {
        assert!(controller.folder.join(file).exists(), "{file}");
    }

    let inventory = std::fs::read_to_string(controller.folder.join("inventory")).unwrap();
    controller.write(
        "inventory",
        &(inventory + "[docker_hosts:children]\nhosts\n"),
    );
    let mut plays = blocks(README, "yaml");
    let tasks = blocks(PROJECT, "yaml").concat().replace("\n", "\n    ");
    plays.push(format!(
        "- hosts: hosts\n  tasks:\n    {}\n",
        tasks.trim_end()
    ));
    assert_eq!(plays.len(), 4);
    for (play, changed) in plays.iter().zip([1, 0, 0, 0]) {
        controller.write("play.yml", play);
        let played = controller.playbook(&["play.yml"]);
        assert_eq!(
            (played.recap("h26"), played.recap("h28")),
            ((changed, 0), (changed, 0)),
            "{play}\n{played:?}"
        );
    }
}
