//! What `--remember` adds to the file.

use super::{HEAD, Line, Name, parse, quoted, with_place};
use crate::facts::AddressPool;
use crate::policy::Ignore;
use crate::policy::option::BadValue;
use crate::policy::read::{read_avoid, read_ignore, read_pools};
use ipnet::IpNet;
use std::collections::HashSet;

/// What `--remember` keeps: the policy of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub avoid: Vec<KeptNetwork>,
    /// Absolute paths.
    pub avoid_files: Vec<String>,
    pub ignore: Vec<Ignore>,
    pub pools: Vec<AddressPool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNetwork {
    pub net: IpNet,
    /// Where it was named, if that says more than the option itself.
    pub from: Option<String>,
}

impl Kept {
    pub fn is_empty(&self) -> bool {
        *self == Kept::default()
    }

    /// The text of the file once it holds all of this, and the lines that are new. The operator's
    /// lines and comments stay. Of pools there is one choice: other ones become comments.
    pub fn written_into(&self, old: Option<&str>) -> Result<(String, Vec<String>), BadValue> {
        let mut text = old.unwrap_or(HEAD).to_owned();
        let lines = parse(&text)?;
        let mut held = Held::default();
        for line in &lines {
            held.add(line)?;
        }
        let mut added = self.missing_from(&held);
        let pools_differ = !self.pools.is_empty() && held.pools != self.pools;
        if pools_differ {
            let stale = lines.iter().filter(|line| line.name == Name::Pool);
            let stale: Vec<u32> = stale.map(|line| line.number).collect();
            text = commented_out(&text, &stale);
            added.extend(self.pools.iter().map(pool_line));
        }
        if added.is_empty() {
            return Ok((text, added));
        }
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        if !text.is_empty() && !text.ends_with('\n') {
            text += line_break;
        }
        for line in &added {
            text += &format!("{line}{line_break}");
        }
        Ok((text, added))
    }

    fn missing_from(&self, held: &Held) -> Vec<String> {
        let mut seen = HashSet::new();
        let nets = self.avoid.iter();
        let nets = nets.filter(|one| !held.nets.contains(&one.net) && seen.insert(one.net));
        let mut added: Vec<String> = nets.map(KeptNetwork::line).collect();
        let files = self.avoid_files.iter();
        let files = files.filter(|file| !held.files.contains(*file));
        added.extend(files.map(|file| format!("--avoid-file {}", quoted(file))));
        let ignored = self.ignore.iter();
        let ignored = ignored.filter(|one| !held.ignore.contains(one));
        added.extend(ignored.map(|one| format!("--ignore {one}")));
        added
    }
}

fn pool_line(pool: &AddressPool) -> String {
    format!("--pool base={},size={}", pool.base, pool.size)
}

impl KeptNetwork {
    fn line(&self) -> String {
        match &self.from {
            Some(from) => format!("--avoid {}   # {from}", self.net),
            None => format!("--avoid {}", self.net),
        }
    }
}

/// What the file holds already.
#[derive(Default)]
struct Held {
    nets: HashSet<IpNet>,
    files: HashSet<String>,
    ignore: Vec<Ignore>,
    pools: Vec<AddressPool>,
    written: Vec<String>,
}

impl Held {
    fn add(&mut self, line: &Line) -> Result<(), BadValue> {
        let values = std::slice::from_ref(&line.value);
        let at = |bad: BadValue| with_place(line, &bad);
        match line.name {
            Name::Avoid => {
                let found = read_avoid(values, "").map_err(at)?;
                self.nets.extend(found.iter().map(|one| one.net));
            }
            Name::AvoidFile => {
                self.files.insert(line.value.clone());
            }
            Name::Ignore => self.ignore.extend(read_ignore(values).map_err(at)?),
            Name::Pool => {
                self.written.push(line.value.clone());
                self.pools = read_pools(&self.written).map_err(at)?;
            }
        }
        Ok(())
    }
}

fn commented_out(text: &str, numbers: &[u32]) -> String {
    let lines = text.split_inclusive('\n').zip(1..);
    lines
        .map(|(line, number)| match numbers.contains(&number) {
            true => format!("# {line}"),
            false => line.to_owned(),
        })
        .collect()
}
