//! Holds the order of the floors (CONTRIBUTING.md, "Floors") over every path in `src/`: `use` lines,
//! nested or not, and paths inside the code. A name that a module passes on (`pub use`) counts as an
//! import of the file that defines it.
//!
//! 1. No file imports from a floor above its own, nor from a neighbour on the same floor.
//! 2. No two files import each other. The one exception is a module and its own child, `x/mod.rs`
//!    or `x.rs` and `x/y.rs`: in Rust the parent declares the child, so they are one subject in two
//!    files, and a child may use what its parent defines for all of them.
//!
//! Tests inside `src/` obey the first rule too. The second rule leaves them out: a test of B may
//! build its input with A, although A uses B.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "floors/paths.rs"]
mod paths;

use paths::{Names, Scan, module_of};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From top to bottom; neighbours share a floor.
const FLOORS: [&[&str]; 15] = [
    &["main"],
    &["cli", "module"],
    &["verbs"],
    &["terminal"],
    &["fleet"],
    &["report"],
    &["apply"],
    &["plan"],
    &["assess"],
    &["kernel_model", "engine_model"],
    &["observe"],
    &["policy"],
    &["docker"],
    &["facts"],
    &["subnet", "host", "phrases"],
];

#[test]
fn the_floors_of_the_source_are_in_order() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read_folder(&base, &base, &mut files);
    assert!(files.len() > 100, "only {} files found", files.len());
    let house = House::of(files);
    let imports = house.imports();
    assert!(imports.len() > 500, "only {} imports found", imports.len());
    let faults = faults(&house, &imports);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn contributing_lists_the_same_floors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let named = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    let named: Vec<&str> = named
        .map(|name| name.trim().trim_matches(['`', '/']).trim_end_matches('/'))
        .collect();
    assert_eq!(named, FLOORS.concat());
}

fn read_folder(base: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(base, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let name = path.strip_prefix(base).unwrap().to_str().unwrap();
            files.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// One file names something that another defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    from: String,
    line: usize,
    to: String,
    in_test: bool,
}

/// The files, and the modules they are.
struct House {
    scans: BTreeMap<String, Scan>,
    /// The file of each module.
    modules: BTreeMap<Names, String>,
}

impl House {
    fn of<S: Into<String>, T: AsRef<str>>(files: impl IntoIterator<Item = (S, T)>) -> House {
        let files = files.into_iter().map(|(name, text)| (name.into(), text));
        let scans: BTreeMap<String, Scan> = files
            .map(|(name, text)| {
                let scan = Scan::of(&name, text.as_ref());
                (name, scan)
            })
            .collect();
        let modules = scans.keys().map(|name| (module_of(name), name.clone()));
        House {
            modules: modules.collect(),
            scans,
        }
    }

    fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeSet::new();
        for (from, scan) in &self.scans {
            for path in &scan.paths {
                let to = self.definition(&path.names, 0);
                if let Some(to) = to.filter(|to| to != from) {
                    imports.insert(Import {
                        from: from.clone(),
                        line: path.line,
                        to,
                        in_test: path.in_test || from.ends_with("tests.rs"),
                    });
                }
            }
        }
        imports.into_iter().collect()
    }

    /// The file that defines what a path leads to.
    fn definition(&self, names: &[String], hops: usize) -> Option<String> {
        let known = (0..=names.len()).rev();
        let (file, depth) = known
            .filter_map(|depth| Some((self.modules.get(&names[..depth])?, depth)))
            .next()?;
        let passed_on = names
            .get(depth)
            .and_then(|name| self.scans[file].passed_on.get(name));
        match passed_on {
            // A module that passes its own name on would lead round for ever.
            Some(target) if hops < 8 => {
                let rest = &names[depth + 1..];
                self.definition(&[target, rest].concat(), hops + 1)
            }
            _ => Some(file.clone()),
        }
    }
}

fn faults(house: &House, imports: &[Import]) -> Vec<String> {
    let homeless = house.scans.keys().filter(|file| floor(file).is_none());
    let homeless = homeless.map(|file| format!("src/{file}: {:?} is on no floor", top(file)));
    let mut faults: Vec<String> = homeless.collect();
    faults.extend(imports.iter().filter_map(wrong_floor));
    let hard: Vec<&Import> = imports.iter().filter(|import| !import.in_test).collect();
    for there in &hard {
        let back = hard
            .iter()
            .find(|back| back.from == there.to && back.to == there.from);
        if let Some(back) = back.filter(|_| there.from < there.to && !are_family(there)) {
            faults.push(format!(
                "src/{}:{} imports src/{}, and src/{}:{} imports it back",
                there.from, there.line, there.to, back.from, back.line
            ));
        }
    }
    faults.dedup();
    faults
}

fn wrong_floor(import: &Import) -> Option<String> {
    let (from, to) = (top(&import.from), top(&import.to));
    let (own, other) = (floor(&import.from)?, floor(&import.to)?);
    if from == to || own < other {
        return None;
    }
    let why = match own == other {
        true => "a neighbour on the same floor",
        false => "a floor above",
    };
    Some(format!(
        "src/{}:{}: {from} imports src/{}: {to} is {why}",
        import.from, import.line, import.to
    ))
}

/// The floor of a file, counted from the top. `lib.rs` only lists the modules; it is the roof.
fn floor(file: &str) -> Option<usize> {
    match top(file) {
        "lib" => Some(0),
        name => FLOORS.iter().position(|floor| floor.contains(&name)),
    }
}

fn top(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Whether one is the module and the other its child.
fn are_family(import: &Import) -> bool {
    let (a, b) = (module_of(&import.from), module_of(&import.to));
    a.split_last().is_some_and(|(_, parent)| parent == b)
        || b.split_last().is_some_and(|(_, parent)| parent == a)
}

/// What is wrong with a house of these files.
fn planted(files: &[(&str, &str)]) -> Vec<String> {
    let house = House::of(files.iter().copied());
    faults(&house, &house.imports())
}

#[test]
fn an_import_from_above_is_named_however_it_is_written() {
    for (text, line) in [
        ("use crate::report::Report;", 1),
        ("//! Head.\n\nuse crate::report::{self, Report};", 3),
        (
            "use crate::{\n    facts::Facts,\n    report::{error::Error},\n};",
            3,
        ),
        ("use std::fmt;\npub use crate::report as words;", 2),
        ("fn f() {\n    crate::report::render();\n}", 2),
        ("use super::report::Report;", 1),
        ("mod deep {\n    use super::super::report::Report;\n}", 2),
        (
            "#[cfg(test)]\nmod tests {\n    use crate::report::Report;\n}",
            3,
        ),
        (
            "fn f<'a>(x: &'a str) -> char { '\"' }\nuse crate::report::Report;",
            2,
        ),
        (
            "const A: &str = r#\"a \" b\"#;\nuse crate::report::Report;",
            2,
        ),
        ("const A: char = '\\'';\nuse crate::report::Report;", 2),
        ("fn f() { \"a\nb\" }\nuse crate::report::Report;", 3),
    ] {
        let rest = [("report/mod.rs", ""), ("facts/mod.rs", "")];
        let found = planted(&[&[("plan.rs", text)][..], &rest].concat());
        let wanted = format!("src/plan.rs:{line}: plan imports src/report/mod.rs");
        assert!(
            found.len() == 1 && found[0].starts_with(&wanted),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "// use crate::report::Report;",
        "/// [`crate::report::Report`]\nstruct A;",
        "const A: &str = \"crate::report::Report\";",
        "const A: &str = r#\"crate::report\"#;",
        "use crate::facts::report;",
        "use std::report::x;",
        "fn f() { x.report::<u8>(); y::report::z(); }",
    ] {
        let rest = [("report/mod.rs", ""), ("facts/mod.rs", "")];
        let found = planted(&[&[("plan.rs", text)][..], &rest].concat());
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn a_name_is_followed_to_the_file_that_defines_it() {
    let found = planted(&[
        (
            "assess/mod.rs",
            "mod deep;\npub use crate::plan::Plan;\npub use deep::Deep as Low;",
        ),
        (
            "assess/deep.rs",
            "use crate::policy;\nfn f() {\n    policy::option::Opt::Root;\n}",
        ),
        ("assess/clash.rs", "use crate::assess::Low;"),
        ("plan.rs", ""),
        ("policy/mod.rs", ""),
        (
            "policy/option.rs",
            "use crate::assess::Low;\nuse crate::host;",
        ),
        ("host.rs", ""),
    ]);
    assert_eq!(
        found,
        [
            "src/assess/mod.rs:2: assess imports src/plan.rs: plan is a floor above",
            "src/policy/option.rs:1: policy imports src/assess/deep.rs: assess is a floor above",
            "src/assess/deep.rs:3 imports src/policy/option.rs, and src/policy/option.rs:1 \
             imports it back",
        ]
    );
}

#[test]
fn neighbours_and_homeless_files_are_named() {
    let found = planted(&[
        ("cli.rs", "use crate::module::Job;"),
        ("module/mod.rs", ""),
        ("helpers.rs", ""),
        ("main.rs", "use rebridge::cli::Cli;"),
        ("lib.rs", "pub mod cli;"),
    ]);
    assert_eq!(
        found,
        [
            "src/helpers.rs: \"helpers\" is on no floor",
            "src/cli.rs:1: cli imports src/module/mod.rs: module is a neighbour on the same floor",
        ]
    );
}

#[test]
fn two_files_that_import_each_other_are_named_unless_parent_and_child() {
    let found = planted(&[
        ("plan/mod.rs", "mod edit;\nuse edit::Change;"),
        (
            "plan/edit.rs",
            "use super::Plan;\nuse super::choose::Choice;",
        ),
        (
            "plan/choose.rs",
            "//! Head.\nuse crate::plan::edit::Change;",
        ),
        (
            "plan/moves.rs",
            "#[cfg(test)]\nmod tests {\n    use super::super::names::f;\n}",
        ),
        ("plan/names.rs", "use super::moves::Move;"),
    ]);
    assert_eq!(
        found,
        ["src/plan/choose.rs:2 imports src/plan/edit.rs, and src/plan/edit.rs:2 imports it back"]
    );
}
