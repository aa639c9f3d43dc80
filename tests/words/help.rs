//! Every page of `--help`, at two widths, in `golden-words/`, and the groups of the manual pages.

use super::{anchors, compare, samples};
use clap::{Command, CommandFactory};
use rebridge::cli::Cli;
use rebridge::report::vocabulary::Vocabulary;
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, process};

const WIDTHS: [usize; 2] = [80, 120];

fn verbs() -> Vec<String> {
    let root = Cli::command();
    let verbs = root.get_subcommands().filter(|verb| !verb.is_hide_set());
    verbs.map(|verb| verb.get_name().to_owned()).collect()
}

fn help(arguments: &[&str], columns: usize) -> String {
    let ran = process::Command::new(env!("CARGO_BIN_EXE_rebridge"))
        .args(arguments)
        .env("COLUMNS", columns.to_string())
        .output()
        .unwrap();
    assert!(ran.status.success());
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn every_page_of_help_fits_and_reads_as_before() {
    for columns in WIDTHS {
        let mut text = help(&["--help"], columns);
        for verb in verbs() {
            text += &format!("\n======== rebridge {verb} --help\n");
            text += &help(&[&verb, "--help"], columns);
        }
        let wide: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > columns)
            .collect();
        assert!(wide.is_empty(), "wider than {columns} columns: {wide:#?}");
        compare(&format!("help-{columns}.txt"), &text);
    }
}

/// The headings under which a verb's help lists options.
fn groups(verb: &Command) -> BTreeSet<String> {
    let options = verb.get_arguments().filter(|option| !option.is_hide_set());
    let headings = options.filter_map(|option| option.get_help_heading());
    headings.map(str::to_owned).collect()
}

#[test]
fn manual_pages_have_the_groups_of_help() {
    let mut root = Cli::command();
    root.build();
    let mut seen = 0;
    for verb in root
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
    {
        let mut page = Vec::new();
        clap_mangen::Man::new(verb.clone())
            .render(&mut page)
            .unwrap();
        let page = String::from_utf8(page).unwrap().to_lowercase();
        for group in groups(verb) {
            let title = format!(".sh \"{}\"", group.to_lowercase());
            let plain = format!(".sh {}\n", group.to_lowercase());
            assert!(
                page.contains(&title) || page.contains(&plain),
                "{}: {group} in\n{page}",
                verb.get_name()
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn errors_name_pages_that_exist() {
    for option in samples::options() {
        let page = Vocabulary::page(option.value);
        let (file, anchor) = page.split_once('#').unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let headings = anchors::of(&fs::read_to_string(path).unwrap());
        assert!(headings.iter().any(|heading| heading == anchor), "{page}");
    }
}
