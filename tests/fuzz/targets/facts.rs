//! Any facts that can be read: every read-only verb comes to a report that can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::assess::forecast::forecast;
use rebridge::facts::Facts;
use rebridge::assess::explanation::explain;
use rebridge::plan::Permits;
use rebridge::plan::relocate::Existing;
use rebridge::policy::{Policy, read_avoid};
use rebridge::terminal::layout::Layout;
use rebridge::terminal::report::{Telling, render};
use rebridge::report::map::svg;
use rebridge::verbs::{apply, check, map};

fuzz_target!(|bytes: &[u8]| {
    let Ok(facts) = serde_json::from_slice::<Facts>(bytes) else { return };
    let avoid = read_avoid(&["172.17.0.0/16,10.0.0.0/9".to_owned()]).expect("two networks");
    let policy = Policy { avoid, ..Policy::default() };
    let permits = Permits { networks: Existing::Move, stop_containers: true, mac_loss: true, ..Permits::plain() };
    for report in [check::judge(&facts, &policy), apply::preview(&facts, &policy, &permits)] {
        assert!(report.json().starts_with('{'));
        assert!(!render(&report, &Layout::PLAIN, Telling::default()).is_empty());
    }
    let foretold = forecast(&facts, &policy, 5, None);
    assert!(foretold.subnets.len() as u64 <= foretold.free);
    assert!(svg::render(&map::draw(&facts, &policy)).ends_with("</svg>\n"));
    assert!(explain(&facts, &policy, None).is_ok());
});
