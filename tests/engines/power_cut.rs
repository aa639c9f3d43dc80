//! The plug is pulled at many moments of an apply that moves networks, and of its rollback.
//!
//! One run is recorded: every write to the host's disk and every flush, in order. What a disk holds
//! after a cut is what was flushed before it, and any part of what was written since. Such disks
//! are made for many moments and looked at: no file of ours may be torn or empty. From some of them
//! a host boots, and the next run has to end new or old, with nothing lost.
//!
//! The host is one of the lab's, with its own systemd and Docker and a real ext4 on the recorded
//! disk. No emulator is killed: the recording holds more moments than could be hit with one.

mod disk;

use crate::MOVE_ALL as APPLY;
use crate::dice::Dice;
use crate::lab::Lab;
use crate::torture::{FILE, OLD_FILE, ROLLBACK};
use disk::{Image, Recorder, Unflushed};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

/// Boots after this many moments of each verb.
const BOOTS: usize = 16;
/// Looks at the disk after this many moments of each verb.
const LOOKS: usize = 100;

/// What Docker 26.1 says at its start if the plug was pulled while it made docker0 again: its store
/// then has two. It writes that store, and no order of our writes can help.
const OF_DOCKER: &str = "networks have same bridge name";

/// What a verb wrote: entries of the recording.
struct Verb {
    name: &'static str,
    first: usize,
    last: usize,
}

#[derive(Default)]
struct Tally {
    looks: usize,
    boots: usize,
    new: usize,
    old: usize,
    stranded: usize,
    /// Docker cannot read its own store any more.
    broken: usize,
    lost: Vec<String>,
    torn: Vec<String>,
}

impl Tally {
    fn line(&self, verb: &str) -> String {
        format!(
            "{verb:<9} {:>4} disks {:>3} boots {:>3} ended new {:>3} ended old {:>3} stranded {:>3} \
             lost {:>3} torn or empty files {:>3} broken by Docker",
            self.looks,
            self.boots,
            self.new,
            self.old,
            self.stranded,
            self.lost.len(),
            self.torn.len(),
            self.broken
        )
    }
}

#[test]
fn whole_power_cut() {
    let recorder = Recorder::new();
    let (verbs, before) = record(&recorder);
    let entries = recorder.stop();
    let mut failures = String::new();
    for verb in &verbs {
        let tally = Mutex::new(Tally::default());
        look(&recorder, &entries, verb, &tally);
        let number = Mutex::new(0);
        // Several at a time: a boot waits a lot.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let mut next = number.lock().unwrap();
                        let cut = *next;
                        *next += 1;
                        drop(next);
                        if cut >= BOOTS {
                            return;
                        }
                        boot(&recorder, &entries, verb, cut, &before, &tally);
                    }
                });
            }
        });
        let tally = tally.into_inner().unwrap();
        println!("{}", tally.line(verb.name));
        for trouble in tally.lost.iter().chain(&tally.torn) {
            writeln!(failures, "{}: {trouble}", verb.name).unwrap();
        }
        if tally.stranded > 0 {
            writeln!(failures, "{}: {} stranded", verb.name, tally.stranded).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// A host does an apply and a rollback; what each of them wrote, and what has to be there later.
fn record(recorder: &Recorder) -> (Vec<Verb>, String) {
    let lab = Lab::on_disk("trixie", &recorder.disk());
    lab.put(FILE, OLD_FILE);
    lab.boot();
    lab.container("--name always --restart=always");
    lab.container("--name never");
    lab.sh("docker network create shop >/dev/null
         docker network create fixed --subnet 172.30.0.0/24 >/dev/null");
    lab.container("--name shop --restart=unless-stopped --network shop");
    lab.container("--name fixed --network fixed --ip 172.30.0.7 --network-alias first");
    lab.sh("docker network connect shop fixed");
    let before = what_lasts(&lab);
    let mut verbs = Vec::new();
    for (name, words) in [("apply", &APPLY[..]), ("rollback", &ROLLBACK)] {
        // What came before has been on the disk for long.
        lab.sh("sync");
        let first = recorder.count();
        let (code, report) = lab.rebridge(words);
        assert_eq!(code, 0, "{report:#}");
        let last = recorder.count();
        verbs.push(Verb { name, first, last });
    }
    assert_eq!(what_lasts(&lab), before);
    (verbs, before)
}

/// Moments of a verb: a cut comes right before this entry. They lie closer together where it
/// begins: that is where our own files change, and what the engine writes follows.
fn moments(verb: &Verb, count: usize) -> impl Iterator<Item = usize> {
    let (first, length) = (verb.first, verb.last - verb.first);
    (1..=count).map(move |number| first + length * number * number / (count * count))
}

/// Mounts disks as they are after a cut and reads the files that are rebridge's to write.
fn look(recorder: &Recorder, entries: &[disk::Entry], verb: &Verb, tally: &Mutex<Tally>) {
    let mut dice = Dice::new(7);
    let mut platter = Image::new(recorder, "platter");
    let began = Instant::now();
    for moment in moments(verb, LOOKS.min(verb.last - verb.first)) {
        platter.advance(entries, moment);
        let kept = match dice.below(3) {
            0 => Unflushed::AllLost,
            1 => Unflushed::AllKept,
            _ => Unflushed::Some,
        };
        let copy = platter.after_cut(entries, moment, kept, &mut dice, "look");
        let problems = copy.mounted(|folder| problems_in(&folder.join("upper")));
        let mut tally = tally.lock().unwrap();
        tally.looks += 1;
        for problem in problems {
            tally
                .torn
                .push(format!("cut at {moment}, {kept:?}: {problem}"));
        }
    }
    println!(
        "{}: looked at the disks in {:.0?}",
        verb.name,
        began.elapsed()
    );
}

/// What is wrong with the files of a disk.
fn problems_in(root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let text = fs::read_to_string(root.join("etc/docker/daemon.json")).unwrap_or_default();
    let is_new = serde_json::from_str::<Value>(&text).is_ok_and(|file| file["bip"].is_string());
    if text != OLD_FILE && !is_new {
        problems.push(format!("daemon.json is neither old nor new: {text:?}"));
    }
    let mut records = 0;
    for name in ["journal.json", "last.json", "undone.json"] {
        let Ok(text) = fs::read_to_string(root.join("var/lib/rebridge").join(name)) else {
            continue;
        };
        match serde_json::from_str::<Value>(&text) {
            Ok(record) => records += usize::from(record["before"] == OLD_FILE),
            Err(error) => problems.push(format!("{name}: {error}: {text:?}")),
        }
    }
    if text != OLD_FILE && records == 0 {
        problems.push("daemon.json is new and no record has the old one".to_owned());
    }
    for entry in fs::read_dir(root.join("etc/docker"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let is_backup = name.starts_with("daemon.json.rebridge-");
        if is_backup && serde_json::from_str::<Value>(&text).is_err() {
            problems.push(format!("the backup {name} is {text:?}"));
        }
    }
    problems
}

/// Boots a host from the disk as it is after a cut and has rebridge go on: every other time by an
/// apply, which must end new, and by a rollback, which must end old.
fn boot(
    recorder: &Recorder,
    entries: &[disk::Entry],
    verb: &Verb,
    cut: usize,
    before: &str,
    tally: &Mutex<Tally>,
) {
    let moment = moments(verb, BOOTS).nth(cut).unwrap();
    let mut dice = Dice::new(cut as u64);
    let kept = if cut % 4 < 2 {
        Unflushed::AllLost
    } else {
        Unflushed::Some
    };
    let mut image = Image::new(recorder, &format!("{}-{cut}", verb.name));
    image.advance(entries, moment);
    let image = image.after_cut(entries, moment, kept, &mut dice, "boot");
    let lab = Lab::on_disk("trixie", image.path());
    let what = format!("cut at {moment}, {kept:?}");
    let booted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lab.boot()));
    if let Err(panic) = booted {
        let why = panic.downcast_ref::<String>().unwrap();
        let mut tally = tally.lock().unwrap();
        tally.boots += 1;
        match why.contains(OF_DOCKER) {
            true => tally.broken += 1,
            false => tally.lost.push(format!("{what}: no boot: {why}")),
        }
        return;
    }
    let forth = cut.is_multiple_of(2);
    let at_boot = lab.docker0();
    let (code, report) = lab.rebridge(if forth { &APPLY } else { &ROLLBACK });
    let docker0 = lab.docker0();
    println!(
        "{} {what}: docker0 {at_boot} at boot, then {} by exit {code}",
        verb.name, docker0
    );
    let fine = code == 0 || !forth && nothing_to_undo(&report);
    let wanted = if forth {
        "10.200.255.1/24"
    } else {
        "172.17.0.1/16"
    };
    let mut lost = Vec::new();
    if code != 5 && !(fine && docker0 == wanted) {
        lost.push(format!("{what}: docker0 is {docker0}: {report:#}"));
    }
    let (back, report) = lab.rebridge(&ROLLBACK);
    let now = what_lasts(&lab);
    if !(back == 0 || nothing_to_undo(&report)) || now != before {
        lost.push(format!("{what}: {report:#}\n{before}\nbecame\n{now}"));
    }
    let mut tally = tally.lock().unwrap();
    tally.boots += 1;
    tally.stranded += usize::from(code == 5);
    if lost.is_empty() && code != 5 {
        *(if forth {
            &mut tally.new
        } else {
            &mut tally.old
        }) += 1;
    }
    tally.lost.extend(lost);
}

fn nothing_to_undo(report: &Value) -> bool {
    let msg = report["msg"].as_str().unwrap_or_default();
    msg.contains("no apply has been recorded")
}

/// What must be the same after every cut, a boot and a rollback. Which containers run is up to
/// their restart policy.
fn what_lasts(lab: &Lab) -> String {
    let file = lab.read(FILE);
    format!("{file:?} docker0 {}\n", lab.docker0())
        + &lab.sh(
            "docker ps -a --format '{{.Names}}' | sort
             docker network inspect $(docker network ls -q) -f '{{.Name}} {{.Driver}} {{range .IPAM.Config}}{{.Subnet}}{{end}}' | sort
             docker inspect $(docker ps -aq) -f '{{.Name}}{{range $name, $on := .NetworkSettings.Networks}} {{$name}} {{with $on.IPAMConfig}}{{.IPv4Address}}{{end}}{{end}}' | sort
             ls -A /etc/docker | grep -v 'json.rebridge-20' | sort; ls -A /var/lib/rebridge | grep -c journal || true
             systemctl is-active docker.service docker.socket",
        )
}
