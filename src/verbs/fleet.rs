//! `rebridge fleet`: many hosts' facts, one answer.
//!
//! Every host is read twice, and dropped each time: once to choose the range, and, if it has
//! something to say, again to say it. So ten thousand hosts take no more memory than their
//! summaries.

use super::request::FleetRequest;
use crate::assess::Assessment;
use crate::facts::Facts;
use crate::fleet::host::Answer;
use crate::fleet::input;
use crate::fleet::page;
use crate::fleet::result::{Fleet, Unread};
use crate::fleet::summary::{Named, Summary};
use crate::fleet::{Looked, Run};
use crate::host::operator_files;
use crate::policy::option::BadValue;
use crate::report::error::Error;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

/// Files with many hosts, a line each.
const LINES: [&str; 2] = ["jsonl", "ndjson"];

/// More threads than these only wait for each other.
const THREADS: usize = 8;

/// Writes the page if a file is named for it.
pub fn run(request: &FleetRequest) -> Result<Fleet, Error> {
    let (fleet, hosts) = find(request)?;
    if let Some(file) = &request.html {
        let page = page::render(&fleet, &hosts);
        file.write(&page).map_err(BadValue::plain)?;
    }
    Ok(fleet)
}

/// The answer and its page.
pub fn with_page(request: &FleetRequest) -> Result<(Fleet, String), Error> {
    let (fleet, hosts) = find(request)?;
    let page = page::render(&fleet, &hosts);
    Ok((fleet, page))
}

fn find(request: &FleetRequest) -> Result<(Fleet, Vec<Summary>), Error> {
    let mut sources = sources(&request.paths)?;
    sources.extend(request.files.iter().map(Source::of_text));
    let policy = &request.policy;
    let read = each(&sources, |_, source| {
        let (named, facts) = source.read()?;
        Ok(Summary::of(named, &Assessment::of(&facts, policy)))
    });
    let Sorted {
        hosts,
        places,
        repeated,
        unread,
    } = sort_out(&sources, read);
    if hosts.is_empty() && unread.is_empty() {
        let paths: Vec<String> = request
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let why = format!("{}: there are no facts", paths.join(", "));
        return Err(BadValue::plain(why).into());
    }
    let looked = Looked::of(hosts, policy);
    let answers = each(&places, |at, place| {
        let ask = looked.ask(at)?;
        Some(match sources.get(*place)?.read() {
            Ok((named, facts)) => Answer::of(&named.name, &facts, policy, &ask),
            Err(unread) => Answer::of_a_lost_host(&unread.why),
        })
    });
    let run = Run {
        now: SystemTime::now(),
        max_age: request.max_age,
        repeated: repeated.into_iter().collect(),
        unread,
    };
    let fleet = looked.result(answers, run);
    Ok((fleet, looked.hosts))
}

/// The facts of one host.
struct Source {
    /// As it is shown.
    name: Arc<str>,
    text: Arc<Text>,
    /// The line, and from where to where it goes; none for a whole file.
    line: Option<(usize, (u64, u64))>,
}

enum Text {
    File(PathBuf),
    /// Standard input comes only once, and Ansible sends the files' text.
    Held(Vec<u8>),
}

impl Source {
    fn of_text((name, text): &(String, String)) -> Source {
        Source {
            name: Arc::from(name.as_str()),
            text: Arc::new(Text::Held(text.clone().into_bytes())),
            line: None,
        }
    }

    fn read(&self) -> Result<(Named, Facts), Unread> {
        let line = self.line.map(|(line, _)| line);
        let read = self.bytes().map_err(|error| error.to_string());
        let read = read.and_then(|bytes| input::read(&self.name, line, &bytes));
        read.map_err(|why| Unread {
            source: match line {
                Some(line) => format!("{} line {line}", self.name),
                None => self.name.to_string(),
            },
            why,
        })
    }

    fn bytes(&self) -> std::io::Result<Cow<'_, [u8]>> {
        let part = self.line.map(|(_, part)| part);
        match (&*self.text, part) {
            (Text::File(path), None) => operator_files::read(path).map(Cow::Owned),
            (Text::File(path), Some(part)) => operator_files::read_part(path, part).map(Cow::Owned),
            (Text::Held(bytes), part) => {
                let (from, to) = part.unwrap_or((0, bytes.len() as u64));
                let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
                let slice = range.and_then(|(from, to)| bytes.get(from..to));
                Ok(Cow::Borrowed(slice.unwrap_or_default()))
            }
        }
    }
}

fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, BadValue> {
    let mut sources = Vec::new();
    for path in paths {
        let bad = |error: std::io::Error| BadValue::plain(format!("{}: {error}", path.display()));
        if path == Path::new("-") {
            let bytes = operator_files::read_standard_input().map_err(bad)?;
            let lines = lines_of(&bytes);
            add_lines(&mut sources, "-", Text::Held(bytes), lines);
            continue;
        }
        for file in operator_files::files_below(path).map_err(bad)? {
            let name = file.to_string_lossy().into_owned();
            if is_of_lines(&file) {
                let lines = operator_files::lines(&file).map_err(bad)?;
                add_lines(&mut sources, &name, Text::File(file), lines);
                continue;
            }
            sources.push(Source {
                name: Arc::from(name),
                text: Arc::new(Text::File(file)),
                line: None,
            });
        }
    }
    Ok(sources)
}

fn is_of_lines(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| LINES.contains(&ending))
}

fn add_lines(sources: &mut Vec<Source>, name: &str, text: Text, lines: Vec<(u64, u64)>) {
    let (name, text): (Arc<str>, _) = (Arc::from(name), Arc::new(text));
    let lines = (1..).zip(lines).filter(|(_, (from, to))| to - from > 1);
    sources.extend(lines.map(|line| Source {
        name: Arc::clone(&name),
        text: Arc::clone(&text),
        line: Some(line),
    }));
}

fn lines_of(bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut from = 0;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let begin = from;
        from += line.len() as u64;
        (begin, from)
    });
    lines.collect()
}

/// What was read, each host once.
struct Sorted {
    /// By name.
    hosts: Vec<Summary>,
    /// The place of each host's source.
    places: Vec<usize>,
    /// The names that several sources gave.
    repeated: BTreeSet<String>,
    unread: Vec<Unread>,
}

/// Of a host that comes several times the newest facts count.
fn sort_out(sources: &[Source], read: Vec<Result<Summary, Unread>>) -> Sorted {
    let mut hosts: BTreeMap<String, (Summary, usize)> = BTreeMap::new();
    let (mut repeated, mut unread) = (BTreeSet::new(), Vec::new());
    for (at, one) in read.into_iter().enumerate().take(sources.len()) {
        let summary = match one {
            Ok(summary) => summary,
            Err(one) => {
                unread.push(one);
                continue;
            }
        };
        let known = hosts.get(&summary.name);
        if known.is_some() {
            repeated.insert(summary.name.clone());
        }
        if known.is_none_or(|(known, _)| known.taken_at <= summary.taken_at) {
            hosts.insert(summary.name.clone(), (summary, at));
        }
    }
    let (hosts, places) = hosts.into_values().unzip();
    Sorted {
        hosts,
        places,
        repeated,
        unread,
    }
}

/// The same for each item, on all processors, in the order of the items.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return done;
            };
            done.push((at, work(at, item)));
        }
    };
    let mut all: Vec<(usize, R)> = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(THREADS))
            .map(|_| scope.spawn(worker))
            .collect();
        all.extend(worker());
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
