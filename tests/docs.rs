//! The documents keep their word: every command in them runs, every option they name exists, every
//! link leads somewhere.
//!
//! The word after a fence says what becomes of the block. `sh`: each line runs on a fresh host of
//! the lab, where Docker shadows a server, and ends with exit code 0, or N where its comment says
//! `exit N`. `sh repo`: a line of the repository's own; that its make target or program exists is
//! looked at, it is not run. `sh controller`: for the tests of the collection. Any other word
//! (`text`, `json`, `yaml`): shown, not run. A fence without a word is a fault: nobody could tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "common/anchors.rs"]
mod anchors;
#[path = "lab/mod.rs"]
#[allow(dead_code)]
mod lab;

use lab::Lab;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block.
struct Block {
    kind: String,
    line: usize,
    lines: Vec<(usize, String)>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents. What the collection's tells a controller to do, its own tests do.
fn documents() -> Vec<(String, String)> {
    let of = |folder: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .collect()
    };
    let mut paths: Vec<PathBuf> = [".", "docs", "tests", "ansible", "cloud-init"]
        .into_iter()
        .flat_map(of)
        .collect();
    paths.sort();
    assert!(paths.len() >= 5, "{paths:?}");
    let name = |path: &PathBuf| {
        path.strip_prefix(root().join("."))
            .or(path.strip_prefix(root()))
            .unwrap()
            .to_owned()
    };
    paths
        .iter()
        .map(|path| {
            (
                name(path).display().to_string(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.trim_start().strip_prefix("```"), open) {
            (Some(kind), false) => {
                blocks.push(Block {
                    kind: kind.trim().to_owned(),
                    line: number,
                    lines: Vec::new(),
                });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => blocks
                .last_mut()
                .unwrap()
                .lines
                .push((number, line.to_owned())),
            (None, false) => {}
        }
    }
    assert!(!open, "a fence is not closed");
    blocks
}

/// A line's exit code: `exit N` in its comment, else 0.
fn wanted_code(line: &str) -> i32 {
    let comment = line.split_once(" # ").map_or("", |(_, comment)| comment);
    let after = comment.split_once("exit ").map_or("", |(_, after)| after);
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// What is wrong with the commands of one document, run on a host of its own; how many ran.
fn run_on_a_host(name: &str, text: &str) -> (usize, Vec<String>) {
    let blocks: Vec<Block> = blocks(text)
        .into_iter()
        .filter(|block| block.kind == "sh")
        .collect();
    if blocks.is_empty() {
        return (0, Vec::new());
    }
    let lab = Lab::up("trixie");
    lab.image();
    let (mut ran, mut faults) = (0, Vec::new());
    for (number, line) in blocks.iter().flat_map(|block| &block.lines) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // Somebody on the host calls the server that Docker shadows, as somebody always does.
        lab.try_sh("timeout 1 bash -c '</dev/tcp/172.17.50.10/8080'");
        // On a terminal, by a person who says yes.
        lab.put(
            "/root/line",
            &format!("cd /root; sudo() {{ \"$@\"; }}; {line}\n"),
        );
        let did = lab.try_sh("echo y | script -qec 'bash /root/line' /dev/null");
        ran += 1;
        if did.code != wanted_code(line) {
            faults.push(format!(
                "{name}:{number}: `{line}` exits {}\n{}{}",
                did.code, did.stdout, did.stderr
            ));
        }
    }
    (ran, faults)
}

#[test]
fn every_command_runs() {
    let documents = documents();
    let (ran, faults) = std::thread::scope(|scope| {
        let runs: Vec<_> = documents
            .iter()
            .map(|(name, text)| scope.spawn(|| run_on_a_host(name, text)))
            .collect();
        let runs = runs
            .into_iter()
            .map(|run| run.join().expect("a host could not be used"));
        runs.fold((0, Vec::new()), |(sum, mut all), (ran, faults)| {
            all.extend(faults);
            (sum + ran, all)
        })
    });
    println!("{ran} commands of the documents ran");
    assert!(
        ran >= 10 && faults.is_empty(),
        "{ran} commands ran\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_fence_says_what_it_is() {
    for (name, text) in documents() {
        for block in blocks(&text) {
            assert!(
                !block.kind.is_empty(),
                "{name}:{}: say what the block is: sh, sh repo, text, …",
                block.line
            );
        }
    }
}

#[test]
fn what_the_repository_is_told_to_do_is_there() {
    let mut looked_at = 0;
    for (name, text) in documents() {
        for (number, line) in blocks(&text)
            .iter()
            .filter(|block| block.kind == "sh repo")
            .flat_map(|block| &block.lines)
        {
            let words: Vec<&str> = line
                .split(" # ")
                .next()
                .unwrap()
                .split_whitespace()
                .collect();
            let words = if words.first() == Some(&"sudo") {
                &words[1..]
            } else {
                &words[..]
            };
            match words {
                [] => continue,
                ["make", arguments @ ..] => {
                    let ran = Command::new("make")
                        .arg("-n")
                        .args(arguments)
                        .current_dir(root())
                        .output()
                        .unwrap();
                    assert!(
                        ran.status.success(),
                        "{name}:{number}: {line}: {}",
                        String::from_utf8_lossy(&ran.stderr)
                    );
                }
                [program, ..] => {
                    let found = if program.contains('/') {
                        root().join(program).exists()
                    } else {
                        let which = format!("command -v {program}");
                        Command::new("sh")
                            .args(["-c", &which])
                            .output()
                            .unwrap()
                            .status
                            .success()
                    };
                    assert!(found, "{name}:{number}: {line}: there is no {program}");
                }
            }
            looked_at += 1;
        }
    }
    assert!(looked_at >= 4, "only {looked_at} lines found");
}

/// `rebridge VERB --help`, verb by verb.
fn helps() -> BTreeMap<String, String> {
    let help = |arguments: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_rebridge"))
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let all = help(&["--help"]);
    let verbs = all
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    let verbs = verbs.filter_map(|line| line.split_whitespace().next());
    verbs
        .map(|verb| (verb.to_owned(), help(&[verb, "--help"])))
        .collect()
}

#[test]
fn every_verb_and_option_that_is_named_exists() {
    let helps = helps();
    assert!(helps.len() >= 6, "{helps:?}");
    let mut named = 0;
    for (name, text) in documents()
        .iter()
        .filter(|(name, _)| name != "CHANGELOG.md")
    {
        // Code spans and lines of blocks alike begin with the program's name.
        for (number, line) in (1..).zip(text.lines()) {
            for span in line
                .split(['`', '|', '#', ';'])
                .filter_map(|span| span.trim().strip_prefix("rebridge "))
            {
                let mut words = span.split_whitespace();
                let Some(verb) = words
                    .next()
                    .filter(|verb| verb.chars().all(|c| c.is_ascii_lowercase()))
                else {
                    continue;
                };
                let Some(help) = helps.get(verb).filter(|_| {
                    line.contains(&format!("`rebridge {verb}")) || line.starts_with("rebridge ")
                }) else {
                    continue;
                };
                for option in words.filter(|word| word.starts_with("--")) {
                    let option = option
                        .split('=')
                        .next()
                        .unwrap()
                        .trim_end_matches([',', '.', ')', ':']);
                    assert!(
                        help.contains(option),
                        "{name}:{number}: rebridge {verb} knows no {option}"
                    );
                    named += 1;
                }
            }
        }
    }
    assert!(named >= 10, "only {named} options found");
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let (mut links, mut to_headings) = (0, 0);
    for (name, text) in documents() {
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = match file.is_empty() {
                true => root().join(&name),
                false => root().join(&name).parent().unwrap().join(file),
            };
            assert!(path.exists(), "{name}: {target}");
            links += 1;
            if !anchor.is_empty() {
                let headings = anchors::of(&fs::read_to_string(&path).unwrap());
                assert!(
                    headings.iter().any(|heading| heading == anchor),
                    "{name}: {target}: there are {headings:?}"
                );
                to_headings += 1;
            }
        }
    }
    assert!(links >= 5 && to_headings >= 5, "{links}, {to_headings}");
}
