//! Any facts that can be read: every read-only verb comes to a report that can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::assess::Assessment;
use rebridge::assess::forecast::forecast;
use rebridge::facts::Facts;
use rebridge::plan::Permits;
use rebridge::plan::relocate::Existing;
use rebridge::policy::Policy;
use rebridge::policy::accept::Accepted;
use rebridge::policy::read::read_avoid;
use rebridge::report::explanation::explain;
use rebridge::report::map::svg;
use rebridge::report::vocabulary::Vocabulary;
use rebridge::terminal::layout::Layout;
use rebridge::terminal::report::{Verbosity, render};
use rebridge::verbs::{apply, check, map};

fuzz_target!(|bytes: &[u8]| {
    let Ok(facts) = serde_json::from_slice::<Facts>(bytes) else {
        return;
    };
    let avoid = ["172.17.0.0/16,10.0.0.0/9".to_owned()];
    let policy = Policy {
        avoid: read_avoid(&avoid, "--avoid").expect("two networks"),
        ..Policy::default()
    };
    let permits = Permits {
        networks: Existing::Move,
        accepted: Accepted::all(),
        ..Permits::plain()
    };
    let before = Assessment::of(&facts, &policy);
    let words = Vocabulary::CommandLine;
    for report in [
        check::judge(&before, words),
        apply::preview(&before, &permits, words),
    ] {
        assert!(report.json().starts_with('{'));
        assert!(!render(&report, &Layout::PLAIN, Verbosity::default()).is_empty());
    }
    let foretold = forecast(&before, 5, None);
    assert!(foretold.subnets.len() as u64 <= foretold.free);
    assert!(svg::render(&map::draw(&before)).ends_with("</svg>\n"));
    assert!(explain(&before, None).is_ok());
});
