//! Any text where a file, a variable, an option or the engine's answer is expected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rebridge::docker;
use rebridge::facts::pools;
use rebridge::observe::unit::{self, Settings};
use rebridge::observe::{operator, resolver};
use rebridge::policy::options_file::{self, Kept};
use rebridge::policy::{Policy, read};
use rebridge::subnet;

fuzz_target!(|bytes: &[u8]| {
    let _ = operator::of_environment(bytes);
    let _ = docker::networks_of(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = resolver::nameservers(&text).count();
    let _ = resolver::of_link(&text, "DNS=");
    Settings::default().add("unit", &text, |_| Some(text.to_string()));
    let _ = unit::variables(&text);
    let one = [text.to_string()];
    let _ = read::read_avoid(&one, "--avoid");
    let _ = read::read_avoid_file("file", &text);
    let _ = read::read_ignore(&one);
    if let Ok(given) = read::read_pools(&one) {
        assert!(given.iter().all(|pool| pool.capacity() > 0));
    }
    for pool in pools::PoolList::of_options(&one).iter().flat_map(pools::PoolList::ipv4) {
        assert!(pool.capacity() > 0 && pool.base == pool.base.trunc());
    }
    if let Ok(lines) = options_file::parse(&text) {
        let _ = Policy::default().add_options(lines, |_| Ok(text.to_string()));
        let kept = Kept { avoid_files: vec!["/nets".to_owned()], ..Kept::default() };
        if let Ok((written, _)) = kept.written_into(Some(&text)) {
            assert_eq!(kept.written_into(Some(&written)), Ok((written, Vec::new())));
        }
    }
    if let Ok(net) = subnet::parse_network(&text) {
        assert_eq!(subnet::parse_network(&net.to_string()), Ok(net));
    }
});
