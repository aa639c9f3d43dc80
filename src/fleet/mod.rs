//! Many hosts at once: which of them clash, one range for Docker that is clear on all of them, and
//! the plan of each host with that range.
//!
//! Pure, in two rounds, so that no more than a few hosts' facts are held at a time. The first makes a
//! [`Summary`] of each host, from which the range is chosen. The second looks again at the hosts that
//! have something to say: those that clash, or stand in the way of a range.

mod build;
pub mod choice;
pub mod hidden;
pub mod host;
pub mod input;
mod map;
pub mod page;
pub mod result;
pub mod rows;
mod sentences;
pub mod summary;

use crate::facts::AddressPool;
use crate::policy::Policy;
use choice::{Choice, choose};
use hidden::{Addresses, Hidden};
use host::{Ask, Host};
use result::{Fleet, Unread};
use std::time::{Duration, SystemTime};
use summary::{State, Summary};

/// What the first round found.
#[derive(Debug)]
pub struct Looked<'p> {
    pub policy: &'p Policy,
    /// By name.
    pub hosts: Vec<Summary>,
    pub choice: Choice,
    /// What each host's Docker hides of other hosts, or may hide.
    hidden: Vec<Hidden>,
}

/// What is known of the run itself.
#[derive(Debug)]
pub struct Run {
    pub now: SystemTime,
    /// Older facts are named.
    pub max_age: Duration,
    /// The names that several sources gave. Nobody but you knows whether they are one host.
    pub repeated: Vec<String>,
    pub unread: Vec<Unread>,
}

impl<'p> Looked<'p> {
    pub fn of(mut hosts: Vec<Summary>, policy: &'p Policy) -> Looked<'p> {
        hosts.sort_by(|one, other| one.name.cmp(&other.name));
        let addresses = Addresses::of(&hosts);
        let hosts_hide = hosts.iter().enumerate();
        let hidden = hosts_hide.map(|(at, host)| addresses.hidden_by(at, host));
        Looked {
            hidden: hidden.collect(),
            choice: choose(&hosts, policy),
            policy,
            hosts,
        }
    }

    /// What to ask a host's facts in the second round; none where the summary says it all.
    pub fn ask(&self, at: usize) -> Option<Ask<'_>> {
        let in_the_way_of = self.in_the_way_of(at);
        let state = self.state(at)?;
        (state != State::Clear || in_the_way_of.is_some()).then(|| Ask {
            pools: self.pools_for(at),
            hides: self.hidden.get(at).is_some_and(Hidden::is_something),
            in_the_way_of,
        })
    }

    /// The pools this host is to have; empty where no range fits.
    fn pools_for(&self, at: usize) -> &[AddressPool] {
        let mut groups = self.choice.groups.iter();
        groups
            .find(|group| group.members.binary_search(&at).is_ok())
            .map_or(&[], |group| &group.pools)
    }

    /// The pool of the largest group, if this host is not in it.
    fn in_the_way_of(&self, at: usize) -> Option<AddressPool> {
        let first = self.choice.groups.first()?;
        let outside = first.members.binary_search(&at).is_err();
        first.pools.first().copied().filter(|_| outside)
    }

    fn state(&self, at: usize) -> Option<State> {
        let (host, hidden) = (self.hosts.get(at)?, self.hidden.get(at)?);
        Some(host.state.max(hidden.state()))
    }

    /// Puts the answers of the second round, one for each host that was asked, beside the others.
    pub fn result(&self, mut answers: Vec<Option<host::Answer>>, run: Run) -> Fleet {
        answers.resize_with(self.hosts.len(), || None);
        let in_the_way = answers.iter_mut().flatten();
        let in_the_way = in_the_way.filter_map(|answer| answer.in_the_way.take());
        let in_the_way = in_the_way.collect();
        let rows = self.hosts.iter().zip(answers).enumerate();
        let hosts: Vec<Host> = rows
            .map(|(at, (summary, answer))| {
                let answer = answer.unwrap_or_else(|| host::Answer::of_a_clear_host(summary));
                let mut row = Host::of(summary, self.pools_for(at), answer);
                row.state = self.state(at).unwrap_or_default();
                row.stale = is_stale(summary, &run);
                if let Some(hidden) = self.hidden.get(at) {
                    row.hides = hidden.in_words(&self.hosts);
                }
                row
            })
            .collect();
        build::fleet(self, hosts, in_the_way, run)
    }
}

fn is_stale(host: &Summary, run: &Run) -> bool {
    let at = host.taken_at.as_deref();
    let at = at.and_then(|at| humantime::parse_rfc3339(at).ok());
    at.is_some_and(|at| {
        run.now
            .duration_since(at)
            .is_ok_and(|age| age > run.max_age)
    })
}
