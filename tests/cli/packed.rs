//! What `cargo install` gets: the files of the crate.

use super::text;
use std::process::Command;

const TOP: &str =
    ".cargo_vcs_info.json CHANGELOG.md Cargo.lock Cargo.toml Cargo.toml.orig LICENSE README.md";

fn run(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{program} {arguments:?}: {ran:?}");
    text(&ran.stdout)
}

#[test]
fn the_crate_holds_the_sources_and_no_more() {
    let list = run(
        env!("CARGO"),
        &[
            "package",
            "--list",
            "--allow-dirty",
            "--locked",
            "--offline",
        ],
    );
    let (mut sources, top): (Vec<&str>, Vec<&str>) =
        list.lines().partition(|path| path.starts_with("src/"));
    assert_eq!(top.join(" "), TOP);
    sources.sort_unstable();
    let known = run(
        "git",
        &[
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "src",
        ],
    );
    let mut known: Vec<&str> = known.lines().collect();
    known.sort_unstable();
    assert_eq!(sources, known);
}
