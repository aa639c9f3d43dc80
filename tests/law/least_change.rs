//! The law of least change, on random hosts with random files: what is clear stays where it is, byte
//! for byte; docker0 moves only if it clashes; the pools keep their room; Docker starts with the
//! result.

use super::{ATTENDED, UNATTENDED, host, policy, private, sample};
use crate::dice::Dice;
use ipnet::{IpNet, Ipv4Net};
use rebridge::assess::Assessment;
use rebridge::engine_model::pool_trouble::PoolTrouble;
use rebridge::facts::pools::PoolList;
use rebridge::facts::{AddressPool, ConfigState, Facts, Version};
use rebridge::observe::config_file::parse;
use rebridge::plan::project::project;
use rebridge::plan::room::networks_in;
use rebridge::plan::{Decision, FileChange, Plan, bip_of_file, plan};
use rebridge::policy::Policy;
use rebridge::subnet::{overlap, overlap4};
use serde_json::Value;

const HOSTS: u64 = 10_000;
const POOLS: &str = "default-address-pools";
const VERSIONS: [&str; 7] = [
    "20.10.24", "23.0.3", "24.0.9", "26.1.5", "27.5.1", "28.5.2", "29.7.2",
];

/// Keys that are nobody's business here, in spellings that are easily lost.
const OTHERS: [&str; 5] = [
    r#""log-opts" : {"max-size":"10m",  "labels": "a,b"}"#,
    r#""debug":false"#,
    r#""shutdown-timeout": 9"#,
    r#""dns": [ "198.51.100.53" ]"#,
    r#""exec-opts": []"#,
];

#[derive(Debug, Default)]
struct Seen {
    written: u64,
    kept: u64,
    docker0_stayed: u64,
    cut: u64,
}

#[test]
fn what_is_clear_stays() {
    let mut seen = Seen::default();
    for seed in 0..sample(HOSTS) {
        let mut dice = Dice::new(seed ^ 0x1ea5_7000);
        let (mut facts, policy) = (host(&mut dice), policy(&mut dice));
        let entries = write_file(&mut facts, &mut dice);
        let permits = if dice.percent(50) {
            UNATTENDED
        } else {
            ATTENDED
        };
        let assessment = Assessment::of(&facts, &policy);
        if let Decision::Change(change) = plan(&assessment, &permits) {
            law(seed, &assessment, &change, &entries, &mut seen);
        }
    }
    println!("{seen:?}");
    let common = [seen.written, seen.kept, seen.docker0_stayed, seen.cut];
    assert!(
        common.iter().all(|count| *count > sample(HOSTS) / 100),
        "{seen:?}"
    );
}

/// An entry of the file's pools, as it is spelled; its IPv4 pool, if it is one.
struct Spelled {
    text: String,
    pool: Option<AddressPool>,
}

/// A file that Docker takes, with pools and other keys in any order; the pools are in force.
fn write_file(facts: &mut Facts, dice: &mut Dice) -> Vec<Spelled> {
    let mut entries: Vec<Spelled> = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let entry = entry(dice);
        let meets = |one: &Spelled| {
            let pools = one.pool.zip(entry.pool);
            pools.is_some_and(|(one, two)| overlap4(&one.base, &two.base))
        };
        if !entries.iter().any(meets) {
            entries.push(entry);
        }
    }
    if entries.iter().all(|entry| entry.pool.is_none()) {
        entries.clear();
    }
    let mut keys: Vec<String> = OTHERS
        .iter()
        .filter(|_| dice.percent(50))
        .map(ToString::to_string)
        .collect();
    if let Some(bip) = facts.docker.config.keys.get("bip") {
        keys.push(format!("\"bip\": {bip}"));
    }
    if !entries.is_empty() {
        let gap = dice.pick(&[", ", ",", ",\n    "]);
        let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
        let at = dice.below(keys.len() as u32 + 1) as usize;
        keys.insert(at, format!("\"{POOLS}\": [{}]", texts.join(gap)));
    }
    let gap = dice.pick(&[",\n  ", ", "]);
    let text = format!("{{\n  {}\n}}\n", keys.join(gap));
    let config = &mut facts.docker.config;
    config.keys = parse(text.as_bytes()).unwrap().1;
    config.state = ConfigState::Object;
    config.names = config.keys.keys().cloned().collect();
    config.text = Some(text);
    let pools: Vec<AddressPool> = entries.iter().filter_map(|entry| entry.pool).collect();
    if let Some(engine) = facts.docker.engine.as_mut().filter(|_| !pools.is_empty()) {
        engine.pools = Some(pools);
    }
    entries
}

fn entry(dice: &mut Dice) -> Spelled {
    if dice.percent(15) {
        let text = dice.pick(&[
            r#"{"base": "fd00:5::/48", "size": 64}"#,
            r#"{ "size":64, "base":"fd00:d0c::/56" }"#,
        ]);
        return Spelled {
            text: text.to_owned(),
            pool: None,
        };
    }
    let base = loop {
        let net = private(dice);
        if (12..=22).contains(&net.prefix_len()) {
            break net;
        }
    };
    let size = (base.prefix_len() + 4).clamp(20, 26);
    let text = match dice.below(3) {
        0 => format!(r#"{{"base": "{base}", "size": {size}}}"#),
        1 => format!(r#"{{ "Size":{size},"Base" : "{base}" }}"#),
        _ => format!(r#"{{"base":"{base}","size":{size},"comment":"ours"}}"#),
    };
    Spelled {
        text,
        pool: AddressPool::new(base, size),
    }
}

fn law(seed: u64, before: &Assessment, change: &Plan, entries: &[Spelled], seen: &mut Seen) {
    let pools_are_ours = before.policy.pools.is_empty() && !before.policy.pin;
    let docker0 = before.facts.docker0().map(|address| address.trunc());
    let mut clashes = before.clashes.iter();
    let docker0_clashes = clashes.any(|clash| {
        let range = clash.docker.subnet;
        clash.docker.bridge.as_deref() == Some("docker0")
            || docker0.is_some_and(|docker0| overlap(&range, &docker0.into()))
            || before
                .docker0_to_come
                .is_some_and(|to_come| overlap(&range, &to_come.into()))
    });
    if pools_are_ours && !docker0_clashes && before.docker0_to_come.is_none() {
        assert_eq!(
            change.docker0, None,
            "seed {seed}: docker0 was clear\n{change:#?}"
        );
        seen.docker0_stayed += 1;
    }
    let Some(write) = &change.write else { return };
    seen.written += 1;
    other_keys_stay(seed, write);
    if pools_are_ours {
        clear_entries_stay(seed, before, change, write, entries, seen);
        room_stays(seed, before, change, entries);
    }
    docker_starts(seed, before.facts, before.policy, change, write);
}

fn other_keys_stay(seed: u64, write: &FileChange) {
    let before = write.before.as_deref().unwrap();
    for key in OTHERS.iter().filter(|key| before.contains(*key)) {
        assert!(
            write.after.contains(key),
            "seed {seed}: {key}\n{}",
            write.after
        );
    }
}

fn clear_entries_stay(
    seed: u64,
    before: &Assessment,
    change: &Plan,
    write: &FileChange,
    entries: &[Spelled],
    seen: &mut Seen,
) {
    let left = before.facts.docker0().filter(|_| change.docker0.is_some());
    let to_come = before.docker0_to_come;
    let mut last = 0;
    for entry in entries {
        let is_clear = entry.pool.is_none_or(|pool| {
            let base = IpNet::V4(pool.base);
            let mut leaves = [left.map(|left| left.trunc()), to_come]
                .into_iter()
                .flatten();
            !before.needed.iter().any(|need| overlap(&need.net, &base))
                && !leaves.any(|range: Ipv4Net| overlap4(&range, &pool.base))
        });
        if !is_clear {
            seen.cut += 1;
            continue;
        }
        // In the order of before, too.
        let found = write
            .after
            .get(last..)
            .and_then(|rest| rest.find(&entry.text));
        let Some(at) = found else {
            panic!("seed {seed}: {} was clear\n{}", entry.text, write.after);
        };
        last += at + entry.text.len();
        seen.kept += 1;
    }
}

/// Networks that an engine could take from the pools besides docker0, before and after.
fn room_stays(seed: u64, before: &Assessment, change: &Plan, entries: &[Spelled]) {
    let had: Vec<AddressPool> = entries.iter().filter_map(|entry| entry.pool).collect();
    // Where the file says, if Docker has not read it yet.
    let docker0 = bip_of_file(before.facts).or(before.facts.docker0());
    let had = networks_in(before, &had, docker0).min(64);
    let has = networks_in(before, &change.pools, change.docker0.or(docker0));
    assert!(
        has >= had,
        "seed {seed}: room for {has}, {had} before\n{change:#?}"
    );
}

fn docker_starts(seed: u64, facts: &Facts, policy: &Policy, change: &Plan, write: &FileChange) {
    let (_, keys) = parse(write.after.as_bytes()).unwrap();
    let after = project(facts, change, true);
    let assessment = Assessment::of(&after, policy);
    let next = plan(&assessment, &UNATTENDED);
    assert_eq!(next, Decision::Nothing, "seed {seed}: after {change:#?}");
    let Some(list) = keys.get(POOLS).and_then(PoolList::of_key) else {
        return;
    };
    let bip = keys.get("bip").and_then(Value::as_str);
    for version in VERSIONS {
        let version = Version::parse(version).unwrap();
        let trouble = PoolTrouble::of(&list, &assessment.reserved(), Some(version));
        let ipv6_first = trouble == Some(PoolTrouble::Ipv6First);
        assert!(
            trouble.is_none() || ipv6_first && bip.is_some(),
            "seed {seed}: {trouble:?} for {version:?}\n{}",
            write.after
        );
    }
}
