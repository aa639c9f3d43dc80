//! Every sentence that rebridge says of a reason, in both vocabularies, in `golden-words/`. Read them
//! aloud: they are for people. `BLESS=1` accepts what came out as expected.
//!
//! A new variant of one of these enums does not compile here until it has a sample. Beyond the
//! samples, the reports of all golden cases are written for a play as well; none of them may speak
//! of the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "common/anchors.rs"]
mod anchors;
#[path = "words/documents.rs"]
mod documents;
#[path = "words/help.rs"]
mod help;
#[path = "words/samples.rs"]
mod samples;

use clap::{CommandFactory, Parser};
use rebridge::assess::Assessment;
use rebridge::assess::swarm::GWBRIDGE;
use rebridge::cli::{Cli, Verb};
use rebridge::facts::Facts;
use rebridge::module::options::NAMES;
use rebridge::plan::Permits;
use rebridge::policy::option::BadValue;
use rebridge::policy::{Origin, Policy};
use rebridge::report::error::Error;
use rebridge::report::sentences::{
    afterwards, blockers, causes, findings, networks, notices, outcome, relief, swarm, undo,
};
use rebridge::report::vocabulary::Vocabulary;
use rebridge::report::{Outcome, Report};
use rebridge::verbs;
use samples::Sample;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_command_line_reads_these_sentences() {
    let text = sentences(Vocabulary::CommandLine);
    for name in NAMES {
        let as_play = [format!("`{name}`"), format!("`{name}:")];
        assert!(!as_play.iter().any(|words| text.contains(words)), "{name}");
    }
    assert!(!text.contains("become") && !text.contains("the task"));
    compare("command-line.txt", &text);
}

#[test]
fn a_play_reads_these_sentences() {
    let text = sentences(Vocabulary::Ansible);
    let found = command_line_words(&text);
    assert!(found.is_empty(), "{found:?}");
    compare("ansible.txt", &text);
}

/// Long options of rebridge, and its verbs as commands.
fn command_line_words(text: &str) -> BTreeSet<String> {
    let mut root = Cli::command();
    root.build();
    let ours: BTreeSet<String> = root
        .get_subcommands()
        .flat_map(|verb| verb.get_arguments())
        .filter_map(|option| option.get_long())
        .map(|long| format!("--{long}"))
        .collect();
    assert!(ours.len() > 20, "{ours:?}");
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    let options = words.filter(|word| ours.contains(*word));
    let commands = root
        .get_subcommands()
        .map(|verb| format!("`rebridge {}", verb.get_name()));
    let commands = commands.filter(|command| text.contains(command));
    options.map(str::to_owned).chain(commands).collect()
}

#[test]
fn words_of_the_command_line_are_recognised() {
    let text = "run `rebridge apply` with --network shop, not dockerd --bip or docker run --rm";
    let found: Vec<String> = command_line_words(text).into_iter().collect();
    assert_eq!(found, ["--network", "`rebridge apply"]);
}

/// All sentences, under the names of the enums and of their variants.
fn sentences(words: Vocabulary) -> String {
    let mut text = String::new();
    section(&mut text, "Blocker", samples::blockers(), |one| {
        blockers::refused(one, words)
    });
    section(&mut text, "Notice", samples::notices(), notices::notice);
    section(&mut text, "Error", samples::errors(), |one| {
        one.sentence(words)
    });
    section(&mut text, "Refusal", samples::refusals(), |one| {
        Error::NotBegun(one.clone()).sentence(words)
    });
    section(&mut text, "BadValue", samples::bad_values(), |one| {
        words.bad_value(one)
    });
    section(&mut text, "Finding", samples::findings(), |one| {
        findings::finding(one, words)
    });
    section(
        &mut text,
        "OutOfReach",
        samples::out_of_reach(),
        relief::out_of_reach,
    );
    section(
        &mut text,
        "Obstacle of relief",
        samples::relief_obstacles(),
        relief::obstacle,
    );
    section(
        &mut text,
        "Fault of relief",
        samples::relief_faults(),
        |one| relief::taken_away(Some(one), &[]),
    );
    section(&mut text, "Note", samples::notes(), afterwards::note);
    section(&mut text, "Loss", samples::losses(), |loss| {
        afterwards::missing("web", loss)
    });
    section(&mut text, "Cause", samples::causes(), causes::cause);
    title(&mut text, "NotRestored");
    let (not_restored, known) = samples::not_restored();
    for known in [None, Some(&known)] {
        text += &format!("- {}\n", causes::not_restored(&not_restored, known));
    }
    section(&mut text, "Closed", samples::closed(), |closed| {
        undo::closed(*closed).to_owned()
    });
    section(&mut text, "Obstacle", samples::obstacles(), |one| {
        undo::obstacle(one, words)
    });
    section(&mut text, "Opt", samples::options(), |one| {
        format!(
            "{} | {} | {}",
            words.label(*one),
            words.option(*one),
            words.switch(*one)
        )
    });
    title(&mut text, "Existing networks");
    for case in ["existing-network-clashes", "networks-recreate", "ipv6"] {
        let (facts, policy) = case_of(case);
        text += &existing(case, &facts, &policy, words);
    }
    let (swarm_facts, swarm_policy) = gwbridge_clashes();
    text += &existing("in a swarm", &swarm_facts, &swarm_policy, words);

    title(&mut text, "Swarm");
    let overlays = case_of("swarm-over-declared");
    for (facts, policy) in [&overlays, &(swarm_facts, swarm_policy)] {
        for sentence in swarm::notes(&Assessment::of(facts, policy), words) {
            text += &format!("- {sentence}\n");
        }
    }

    let facts = overlays.0;
    title(&mut text, "By hand, after an apply");
    let steps = outcome::steps_by_hand(&facts, words);
    text += &(outcome::numbered(&steps).join("\n") + "\n");
    title(&mut text, "By hand, after a rollback");
    text += &(outcome::numbered(&outcome::steps_after_rollback("docker.service", words))
        .join("\n")
        + "\n");
    text
}

fn existing(case: &str, facts: &Facts, policy: &Policy, words: Vocabulary) -> String {
    let judged = Assessment::of(facts, policy);
    let sentence = networks::existing(facts, &judged.clashes, words).unwrap();
    format!("{case}: {sentence}\n")
}

/// A node of a swarm, the bridge of which is in the way.
fn gwbridge_clashes() -> (Facts, Policy) {
    let (mut facts, policy) = case_of("networks-recreate");
    let engine = facts.docker.engine.as_mut().unwrap();
    engine.swarm = true;
    let mut networks = engine.networks.iter_mut();
    networks
        .find(|network| network.name == "asleep")
        .unwrap()
        .name = GWBRIDGE.to_owned();
    (facts, policy)
}

fn title(text: &mut String, title: &str) {
    let gap = if text.is_empty() { "" } else { "\n" };
    *text += &format!("{gap}== {title}\n");
}

fn section<T>(text: &mut String, name: &str, samples: Vec<Sample<T>>, say: impl Fn(&T) -> String) {
    title(text, name);
    for sample in samples {
        *text += &format!("{}: {}\n", sample.name, say(&sample.value));
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// The facts of a golden case, and the policy of its request.
fn case_of(name: &str) -> (Facts, Policy) {
    let case = folder("golden").join(name);
    let facts = fs::read_to_string(case.join("facts.json")).unwrap();
    let request = fs::read_to_string(case.join("request")).unwrap();
    let words = ["rebridge"].into_iter().chain(request.split_whitespace());
    let mut policy = match Cli::try_parse_from(words).unwrap().verb {
        Verb::Check(check) => check.request().unwrap().look.policy,
        Verb::Apply(apply) => apply.request(true).unwrap().look.policy,
        _ => Policy::default(),
    };
    // A play has its own name for the option.
    for declared in &mut policy.avoid {
        if declared.origin.to_string() == "--avoid" {
            declared.origin = Origin::Named("avoid".into());
        }
    }
    (serde_json::from_str(&facts).unwrap(), policy)
}

#[test]
fn no_report_for_a_play_speaks_of_the_command_line() {
    let mut reports = 0;
    for entry in fs::read_dir(folder("golden")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !folder("golden").join(&name).join("facts.json").exists() {
            continue;
        }
        let (facts, policy) = case_of(&name);
        let judged = Assessment::of(&facts, &policy);
        let permits = Permits::plain();
        for report in [
            verbs::check::judge(&judged, Vocabulary::Ansible),
            verbs::apply::preview(&judged, &permits, Vocabulary::Ansible),
            Report::stuck(&judged, &samples::not_restored().0, Vocabulary::Ansible),
        ] {
            let found = command_line_words(&report.json());
            assert!(found.is_empty(), "{name}: {found:?} in {}", report.json());
            reports += 1;
        }
    }
    assert!(reports > 150, "only {reports} reports");
    let bad = Error::from(BadValue::plain("no"));
    assert_eq!(
        Report::refused(&bad, Vocabulary::Ansible).outcome,
        Outcome::Refused
    );
}

fn compare(name: &str, text: &str) {
    let path = folder("golden-words").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(folder("golden-words")).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let pairs = expected.lines().zip(text.lines());
    let other = pairs.clone().find(|(expected, got)| expected != got);
    assert_eq!(other, None, "{name} differs; BLESS=1 accepts it");
    assert_eq!(
        expected.lines().count(),
        text.lines().count(),
        "{name} has other lines"
    );
}
