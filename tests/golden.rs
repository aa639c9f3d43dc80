//! Golden cases: facts and a request in, plan and report out, byte for byte.
//!
//! A case is a folder of `tests/golden/`: `facts.json`, `request` (the arguments of `rebridge`),
//! and where the host has them `daemon.json` and `options`; expected are `report.json`, `report.txt` and, where
//! the plan writes, `daemon.json.after`. Where there is a `pages.ansi`, it holds every page the
//! text is written on: 80 and 120 columns, plain and in colour, the question and
//! `-v`; `cat` it in a terminal. A case with an `ended.json`, the result of a real run, has only pages.
//! `BLESS=1` writes what came out as what is expected; `CASE=name` runs one. Every case is also held to the law: once
//! the plan is carried out nothing it set out to fix clashes any more, and the next plan is empty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use clap::Parser;
use rebridge::assess::address_map::{DockerRange, When};
use rebridge::assess::clash::{Clash, Kind};
use rebridge::assess::forecast::{Forecast, forecast};
use rebridge::assess::{Assessment, unmovable};
use rebridge::cli::{Cli, Verb};
use rebridge::facts::{ConfigState, DockerState, Facts};
use rebridge::observe::config_file::{KEYS, parse, problem};
use rebridge::plan::project::project;
use rebridge::plan::relief::Relief;
use rebridge::plan::{Decision, Permits, plan};
use rebridge::policy::{Policy, options_file};
use rebridge::report::advice::Step;
use rebridge::report::explanation::{Explanation, explain};
use rebridge::report::map::{Map, svg};
use rebridge::report::relieved::Standing;
use rebridge::report::vocabulary::Vocabulary;
use rebridge::report::{Outcome, Report};
use rebridge::terminal;
use rebridge::terminal::layout::Layout;
use rebridge::terminal::report::{Verbosity, render};
use rebridge::verbs;
use std::fs;
use std::path::Path;

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let only = std::env::var("CASE").ok();
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| only.as_ref().is_none_or(|only| only == name))
        .collect();
    names.sort();
    assert!(
        only.is_some() && names.len() == 1 || names.len() >= 20,
        "only {} cases found",
        names.len()
    );
    let mut faults = Vec::new();
    for name in &names {
        faults.extend(
            run_case(&folder.join(name))
                .into_iter()
                .map(|fault| format!("--- {name}: {fault}")),
        );
    }
    println!("{} golden cases", names.len());
    assert!(
        faults.is_empty(),
        "{}\n{} of {} cases differ",
        faults.join("\n"),
        faults.len(),
        names.len()
    );
}

/// Runs one case; what is wrong with it.
fn run_case(case: &Path) -> Vec<String> {
    if let Ok(json) = fs::read_to_string(case.join("ended.json")) {
        let mut report: Report = serde_json::from_str(&json).unwrap();
        // The one thing only people are told that a result does not hold: an apply that went well
        // can be undone.
        if report.outcome == Outcome::Changed && !report.plan.daemon_json.is_empty() {
            report.advice.next.push(Step::rollback());
        }
        if report.outcome == Outcome::Stranded {
            let what = report.msg.split(". Do this by hand").next().unwrap();
            report.advice.verdict = Some(what.to_owned());
        }
        return pages(case, &report);
    }
    let mut facts: Facts =
        serde_json::from_str(&fs::read_to_string(case.join("facts.json")).unwrap()).unwrap();
    if let Ok(bytes) = fs::read(case.join("daemon.json")) {
        put_file(&mut facts, &bytes);
    }
    let request = fs::read_to_string(case.join("request")).unwrap();
    let cli =
        Cli::try_parse_from(["rebridge"].into_iter().chain(request.split_whitespace())).unwrap();
    match &cli.verb {
        Verb::Check(check) => {
            let mut look = check.request().unwrap().look;
            add_options(case, &mut look.policy);
            let before = Assessment::of(&facts, &look.policy);
            let report = verbs::check::judge(&before, WORDS);
            run_report(case, &before, &Permits::plain(), &report, true)
        }
        Verb::Apply(apply) => {
            let mut request = apply.request(true).unwrap();
            add_options(case, &mut request.look.policy);
            let before = Assessment::of(&facts, &request.look.policy);
            let report = verbs::apply::preview(&before, &request.permits, WORDS);
            run_report(case, &before, &request.permits, &report, false)
        }
        Verb::Forecast(arguments) => {
            let asked = arguments.request().unwrap();
            let before = Assessment::of(&facts, &asked.look.policy);
            run_forecast(
                case,
                &forecast(&before, asked.count, asked.engine.as_deref()),
            )
        }
        Verb::Map(arguments) => {
            let look = arguments.request().unwrap().look;
            run_map(
                case,
                &verbs::map::draw(&Assessment::of(&facts, &look.policy)),
            )
        }
        Verb::Explain(arguments) => {
            let asked = arguments.request().unwrap();
            let before = Assessment::of(&facts, &asked.look.policy);
            run_explain(case, &explain(&before, asked.about.as_deref()).unwrap())
        }
        Verb::Relieve(arguments) => {
            let asked = arguments.request(true).unwrap();
            let before = Assessment::of(&facts, &asked.look.policy);
            let relief = Relief::of(&before, asked.act_on_suspected);
            let standing = match relief.ranges.is_empty() {
                true => Standing::NoHelp,
                false => Standing::ToChange,
            };
            let report = Report::relief_previewed(&before, &relief, standing, WORDS);
            let mut faults = pages(case, &report);
            let json = report.json() + "\n";
            faults.extend(compare(&case.join("report.json"), Some(json)));
            faults
        }
        Verb::Rollback(_) | Verb::Watch(_) | Verb::Facts(_) | Verb::Fleet(_) => {
            panic!("{request}: not a verb for a golden case")
        }
    }
}

const WORDS: Vocabulary = Vocabulary::CommandLine;

/// A case of `check` or `apply --check`.
fn run_report(
    case: &Path,
    before: &Assessment,
    permits: &Permits,
    report: &Report,
    only_looks: bool,
) -> Vec<String> {
    let decision = plan(before, permits);
    let mut faults = law(before, permits, &decision);
    faults.extend(map_agrees(before));
    let after = match &decision {
        Decision::Change(plan) => plan.write.as_ref().map(|change| change.after.clone()),
        Decision::Nothing | Decision::Refuse(_) => None,
    };
    let text = format!(
        "{}exit code {}\n",
        render(report, &Layout::PLAIN, Verbosity::default()),
        report.exit_code(only_looks)
    );
    faults.extend(pages(case, report));
    faults.extend(compare(
        &case.join("report.json"),
        Some(report.json() + "\n"),
    ));
    faults.extend(compare(&case.join("report.txt"), Some(text)));
    faults.extend(compare(&case.join("daemon.json.after"), after));
    faults
}

/// Every page a report is written on. The law of all of them: no line is wider than the page unless
/// it is one thing to be copied, and colour says nothing that the words do not.
fn pages(case: &Path, report: &Report) -> Vec<String> {
    let mut faults = Vec::new();
    let mut all = String::new();
    for (width, colour, preview, verbose) in [
        (80, false, false, false),
        (80, true, false, false),
        (120, false, false, false),
        (120, true, false, false),
        (80, true, true, false),
        (80, false, false, true),
    ] {
        let page = Layout {
            colour,
            width,
            unicode: false,
        };
        let text = render(
            report,
            &page,
            Verbosity {
                preview,
                verbose,
                was_live: false,
            },
        );
        let plain = render(
            report,
            &Layout {
                colour: false,
                ..page
            },
            Verbosity {
                preview,
                verbose,
                was_live: false,
            },
        );
        if uncoloured(&text) != plain {
            faults.push(format!("at {width} colour changes the words:\n{text}"));
        }
        let one_thing = |line: &str| {
            line.contains("rebridge ") || line.contains("\": ") || !line.trim().contains(' ')
        };
        if let Some(line) = plain
            .lines()
            .find(|line| line.chars().count() > width && !one_thing(line))
        {
            faults.push(format!("wider than {width}: {line}"));
        }
        let words = [
            if colour { "in colour" } else { "plain" },
            if preview { ", the question" } else { "" },
        ];
        let verbose = if verbose { ", -v" } else { "" };
        all += &format!(
            "======== {width} columns, {}{verbose}\n{text}",
            words.concat()
        );
    }
    let path = case.join("pages.ansi");
    if path.exists() || case.join("ended.json").exists() {
        faults.extend(compare(&path, Some(all)));
    }
    faults
}

fn uncoloured(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + part.split_once('m').unwrap().1)
}

fn run_explain(case: &Path, explanation: &Explanation) -> Vec<String> {
    let json = serde_json::to_string_pretty(explanation).unwrap() + "\n";
    let text = terminal::explanation::render(explanation, &Layout::PLAIN);
    let faults = [
        compare(&case.join("report.json"), Some(json)),
        compare(&case.join("report.txt"), Some(text)),
    ];
    faults.into_iter().flatten().collect()
}

fn run_forecast(case: &Path, foretold: &Forecast) -> Vec<String> {
    let json = serde_json::to_string_pretty(foretold).unwrap() + "\n";
    let text = terminal::forecast::render(foretold, &Layout::PLAIN);
    let faults = [
        compare(&case.join("report.json"), Some(json)),
        compare(&case.join("report.txt"), Some(text)),
    ];
    faults.into_iter().flatten().collect()
}

fn run_map(case: &Path, map: &Map) -> Vec<String> {
    let json = serde_json::to_string_pretty(map).unwrap() + "\n";
    let text = terminal::map::render(map, &Layout::PLAIN);
    let picture = svg::render(map);
    let mut faults = Vec::new();
    let mut all = String::new();
    for (width, colour) in [(80, true), (120, false), (120, true)] {
        let page = |colour| Layout {
            colour,
            width,
            unicode: false,
        };
        let [text, plain] = [colour, false].map(|colour| terminal::map::render(map, &page(colour)));
        if uncoloured(&text) != plain {
            faults.push(format!("at {width} colour changes the words:\n{text}"));
        }
        all += &format!(
            "======== {width} columns, {}\n{text}",
            if colour { "in colour" } else { "plain" }
        );
    }
    if case.join("pages.ansi").exists() {
        faults.extend(compare(&case.join("pages.ansi"), Some(all)));
    }
    let files = [
        compare(&case.join("report.json"), Some(json)),
        compare(&case.join("report.txt"), Some(text)),
        compare(&case.join("map.svg"), Some(picture)),
    ];
    faults.extend(files.into_iter().flatten());
    faults
}

/// The map of every case shows a clash exactly where `check` finds one, now or later, and it shows
/// where.
fn map_agrees(before: &Assessment) -> Option<String> {
    let map = verbs::map::draw(before);
    let checked = &before.clashes;
    // What a network holds now is drawn as that, also if what needs it is not up yet.
    let holds = |clash: &&Clash| {
        let mut held = before.held.iter();
        held.any(|held| {
            clash.docker.bridge.as_ref() == Some(&held.bridge) && clash.docker.subnet == held.subnet
        })
    };
    for (kind, when) in [(Kind::Present, When::Now), (Kind::Latent, When::Later)] {
        let mut found: Vec<_> = checked
            .iter()
            .filter(|clash| holds(clash) == (kind == Kind::Present))
            .map(|clash| clash.with.net)
            .collect();
        let docker0 = |take: &DockerRange| take.name.as_deref() == Some("docker0");
        let takes = map.docker.iter().filter(|take| {
            take.when == when || kind == Kind::Latent && take.when == When::Next && docker0(take)
        });
        let mut shown: Vec<_> = takes
            .clone()
            .flat_map(|take| take.clashes.clone())
            .collect();
        found.sort();
        found.dedup();
        shown.sort();
        shown.dedup();
        if found != shown
            || takes
                .clone()
                .any(|take| take.clashes.is_empty() != take.shared.is_empty())
        {
            return Some(format!("the map differs from check: {found:?}, {shown:?}"));
        }
    }
    [40, 60, 80, 120].into_iter().find_map(|width| {
        let text = terminal::map::render(
            &map,
            &Layout {
                width,
                ..Layout::PLAIN
            },
        );
        let wide = text.lines().find(|line| line.chars().count() > width);
        wide.map(|line| format!("wider than {width} columns: {line}"))
    })
}

/// The host's options file. A file that it names is empty.
fn add_options(case: &Path, policy: &mut Policy) {
    if let Ok(text) = fs::read_to_string(case.join("options")) {
        let lines = options_file::parse(&text).unwrap();
        policy.add_options(lines, |_| Ok(String::new())).unwrap();
    }
}

fn put_file(facts: &mut Facts, bytes: &[u8]) {
    let config = &mut facts.docker.config;
    match parse(bytes) {
        Ok((text, object)) => {
            config.state = ConfigState::Object;
            config.keys = object
                .into_iter()
                .filter(|(key, _)| KEYS.contains(&key.as_str()))
                .collect();
            config.text = Some(text);
        }
        Err(why) => config.state = ConfigState::Broken(why),
    }
    facts.unseen.extend(problem(&facts.docker.config));
}

/// Once Docker has started with the plan carried out, docker0 and the pools clash with nothing, and
/// planning again finds nothing to do. A stopped Docker's docker0 moves when it starts, so the law
/// is about that moment.
fn law(before: &Assessment, permits: &Permits, decision: &Decision) -> Vec<String> {
    let Decision::Change(planned) = decision else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let allowed = Permits {
        accepted: rebridge::policy::accept::Accepted::all(),
        ..permits.clone()
    };
    let after = project(before.facts, planned, true);
    let after = Assessment::of(&after, before.policy);
    let left = &after.clashes;
    let movable: Vec<_> = left.iter().filter(|clash| clash.is_movable()).collect();
    if !movable.is_empty() {
        faults.push(format!("after the plan still clashing: {movable:?}"));
    }
    let moved = |name: &str| planned.moves.iter().any(|one| one.network == name);
    if let Some(name) = unmovable(left).iter().find(|name| moved(name)) {
        faults.push(format!("{name} is moved and still clashes"));
    }
    if left.len() != movable.len() && unmovable(left).is_empty() {
        faults.push("a clash of an existing network is not named as such".to_owned());
    }
    if let Decision::Change(again) = plan(&after, &allowed) {
        faults.push(format!("the next plan is not empty: {again:?}"));
    }
    if before.facts.docker.state == DockerState::Running && !planned.restart {
        // Written but not restarted: the next plan without a restart has nothing to write either.
        let written = project(before.facts, planned, false);
        let permits = Permits {
            restart: false,
            ..allowed
        };
        let again = plan(&Assessment::of(&written, before.policy), &permits);
        if let Decision::Change(again) = again {
            faults.push(format!("writes twice: {again:?}"));
        }
    }
    faults
}

/// What differs from the expected file; with BLESS=1 the file is made to fit.
fn compare(path: &Path, got: Option<String>) -> Option<String> {
    let expected = fs::read_to_string(path).ok();
    if expected == got {
        return None;
    }
    if std::env::var_os("BLESS").is_some() {
        match &got {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        return None;
    }
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (expected, got) = (expected.unwrap_or_default(), got.unwrap_or_default());
    let first = expected.lines().zip(got.lines()).find(|(a, b)| a != b);
    Some(match first {
        Some((a, b)) => format!("{name}\n  expected {a}\n  got      {b}"),
        None => format!(
            "{name}: {} lines expected, {} came",
            expected.lines().count(),
            got.lines().count()
        ),
    })
}
