//! What ansible-doc shows of the collection as it is installed.

use crate::controller::{collections, run, venv};
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
    assert!(list.lines().count() == 1 && list.starts_with("rebridge.docker.rebridge "), "{list}");
    let module = doc(&["--json", "rebridge.docker.rebridge"]);
    let text: serde_json::Value = serde_json::from_slice(&module.stdout).unwrap();
    let doc_of = &text["rebridge.docker.rebridge"]["doc"];
    let documented: Vec<&String> = doc_of["options"].as_object().unwrap().keys().collect();
    let known = rebridge::module::options::NAMES;
    // `executable` is between the play and the action plugin.
    for name in known.iter().copied().chain(["executable"]) {
        assert!(documented.iter().any(|option| *option == name), "{name} is not documented");
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
    let mut check = Command::new(venv().join("ansible-playbook"));
    check.args(["--syntax-check", "-i", "localhost,", "rebridge.docker.audit"]);
    run(check.env("PATH", path).env("ANSIBLE_COLLECTIONS_PATH", collections()));
}
