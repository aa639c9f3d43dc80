//! One pool for many hosts, by the rules of the choice for one: off everything that any of them
//! needs, which includes every network of every host, with room on each. The range that most hosts
//! have already goes first, so that few have to move. Where no range is clear on all: groups, the
//! largest first, each with the pool that is clear on most of the hosts that are left. That is a
//! greedy set cover: at most a few groups more than the fewest there could be.

use super::summary::{Need, Summary};
use crate::facts::{AddressPool, Source};
use crate::plan::choose::SHAPES;
use crate::plan::favoured::{self, Favoured, Likelihood, Marks};
use crate::plan::free_space::{FreeSpace, has_room};
use crate::plan::pool_list::ENOUGH;
use crate::policy::Policy;
use crate::subnet::{PRIVATE_BLOCKS, RangeSet, overlap4};
use ipnet::Ipv4Net;
use std::collections::{BTreeMap, HashMap, HashSet};

/// docker0 and so many networks have room on every host.
const ROOM: u64 = ENOUGH + 1;

/// A given pool that is cut into more pieces is no longer one range; the widest count.
const PIECES: usize = 8;

/// More ranges that were passed over are not named.
const PASSED: usize = 4;

/// On-link networks that are wider keep off only the pool of their own host: hardly anything would
/// be left for the others.
const WIDEST_OF_OTHERS: u8 = 16;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// One where a pool is clear on all hosts; the largest first.
    pub groups: Vec<Group>,
    /// The hosts that no pool is clear on.
    pub without: Vec<usize>,
    /// What comes before the pool in the order of the choice, and why it was not taken.
    pub passed: Vec<Passed>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub pools: Vec<AddressPool>,
    /// In order.
    pub members: Vec<usize>,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// The operator gave it.
    Given,
    /// So many hosts have it already.
    InUse(usize),
    /// The first in the order that is clear; who uses it elsewhere.
    First(Option<&'static Favoured>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    pub range: Ipv4Net,
    /// How many hosts need something there.
    pub hosts: usize,
    /// The first of them, and what it needs.
    pub first: usize,
    pub need: Need,
}

pub fn choose(hosts: &[Summary], policy: &Policy) -> Choice {
    if hosts.is_empty() {
        return Choice::default();
    }
    if !policy.pools.is_empty() {
        return given(hosts, &policy.pools);
    }
    let free = free_space(hosts);
    if let Some((pool, users)) = in_use(hosts, &free) {
        return common(hosts, vec![pool], Why::InUse(users));
    }
    if let Some(pool) = free.find(&SHAPES, ROOM) {
        let by = favoured::likely(&free.marks, pool.base);
        return Choice {
            passed: passed(hosts, pool),
            ..common(hosts, vec![pool], Why::First(by))
        };
    }
    groups(hosts, free)
}

fn common(hosts: &[Summary], pools: Vec<AddressPool>, why: Why) -> Choice {
    let members = (0..hosts.len()).collect();
    Choice {
        groups: vec![Group {
            pools,
            members,
            why,
        }],
        ..Choice::default()
    }
}

/// What a pool for all of them keeps off.
fn free_space(hosts: &[Summary]) -> FreeSpace {
    let mut marks = Marks::default();
    hosts.iter().for_each(|host| marks.join(&host.marks));
    let stored = hosts.iter().map(|host| host.stored.clone());
    FreeSpace {
        in_the_way: RangeSet::new(hosts.iter().flat_map(Summary::needed)),
        pooled: RangeSet::default(),
        stored: stored.filter(|stored| !stored.is_empty()).collect(),
        marks,
        roams: hosts.iter().any(|host| host.roams),
    }
}

/// The pool that most hosts have already and all can have, with its users: one that nobody favours
/// elsewhere, or that half of the hosts have.
fn in_use(hosts: &[Summary], free: &FreeSpace) -> Option<(AddressPool, usize)> {
    let mut users: BTreeMap<AddressPool, usize> = BTreeMap::new();
    for pools in hosts.iter().filter_map(|host| host.pools.as_ref()) {
        if let [pool] = pools.as_slice() {
            *users.entry(*pool).or_default() += 1;
        }
    }
    let rows = favoured::rows(&free.marks, Likelihood::Seldom);
    let rows = RangeSet::new(rows.map(|row| row.net));
    let mut users: Vec<(AddressPool, usize)> = users.into_iter().collect();
    users.sort_by_key(|(pool, users)| (usize::MAX - users, *pool));
    users.into_iter().find(|(pool, users)| {
        is_a_fair_part(*pool)
            && (*users * 2 >= hosts.len() || !rows.overlaps(pool.base))
            && free.is_clear(*pool, ROOM)
    })
}

/// A pool as the choice would make one: private, not a whole block, in subnets of a usual size.
fn is_a_fair_part(pool: AddressPool) -> bool {
    let narrowest = SHAPES.iter().map(|(_, size)| *size).max();
    let mut blocks = PRIVATE_BLOCKS.iter();
    narrowest.is_some_and(|narrowest| pool.size <= narrowest)
        && blocks.any(|block| block.contains(&pool.base) && *block != pool.base)
}

/// The ranges of the same width that come first, and who needs them.
fn passed(hosts: &[Summary], pool: AddressPool) -> Vec<Passed> {
    let width = pool.base.prefix_len();
    let no_rows = FreeSpace::default();
    let before = no_rows
        .in_order(&[(width, pool.size)])
        .map(|pool| pool.base)
        .take_while(|base| *base != pool.base);
    let mut passed: Vec<Passed> = Vec::new();
    for range in before {
        let needs = hosts.iter().enumerate();
        let mut needs = needs.filter_map(|(at, host)| Some((at, *host.need_in(range)?)));
        let Some((first, need)) = needs.next() else {
            continue;
        };
        let hosts = 1 + needs.count();
        if passed.iter().all(|known| known.need.net != need.net) {
            passed.push(Passed {
                range,
                hosts,
                first,
                need,
            });
        }
        if passed.len() == PASSED {
            break;
        }
    }
    passed
}

/// The operator's pools: what is left of them on all hosts, else the whole pools in groups.
fn given(hosts: &[Summary], pools: &[AddressPool]) -> Choice {
    let left = left_of(hosts, pools);
    if left.iter().map(AddressPool::capacity).sum::<u64>() >= 2 {
        return common(hosts, left, Why::Given);
    }
    let fits = |at: &usize, pool: &AddressPool| {
        let needs = hosts.get(*at).map(|host| host.needs.as_slice());
        let mut needs = needs.unwrap_or_default().iter();
        !needs.any(|need| counts_against(need, *pool))
    };
    let mut choice = Choice {
        without: (0..hosts.len()).collect(),
        ..Choice::default()
    };
    loop {
        let rest = choice.without.clone();
        let members = |pool: &AddressPool| {
            let members = rest.iter().filter(|at| fits(at, pool));
            members.copied().collect::<Vec<usize>>()
        };
        let best = pools.iter().map(|pool| (*pool, members(pool)));
        let best = best.reduce(|best, next| match next.1.len() > best.1.len() {
            true => next,
            false => best,
        });
        let Some((pool, members)) = best.filter(|(_, members)| !members.is_empty()) else {
            return choice;
        };
        choice.add(vec![pool], members, Why::Given);
    }
}

fn left_of(hosts: &[Summary], pools: &[AddressPool]) -> Vec<AddressPool> {
    let mut left: Vec<AddressPool> = Vec::new();
    for pool in pools {
        let needs = hosts.iter().flat_map(|host| &host.needs);
        let blocked = needs.filter(|need| counts_against(need, *pool));
        let pieces = RangeSet::new(blocked.map(|need| need.net)).carve(pool.base, pool.size);
        let size = pool.size;
        left.extend(pieces.into_iter().map(|base| AddressPool { base, size }));
    }
    left.sort_by_key(|pool| (pool.base.prefix_len(), *pool));
    left.truncate(PIECES);
    left.sort();
    left
}

/// As for one host: traffic does not count against a pool the operator gave, and neither does a
/// broader route through a gateway.
fn counts_against(need: &Need, pool: AddressPool) -> bool {
    let lasts = !need.source.is_a_trace() || need.source == Source::Ssh;
    let overruled = need.by_gateway && need.net.contains(&pool.base) && need.net != pool.base;
    lasts && !overruled && overlap4(&need.net, &pool.base)
}

impl Choice {
    fn add(&mut self, pools: Vec<AddressPool>, members: Vec<usize>, why: Why) {
        let taken: HashSet<usize> = members.iter().copied().collect();
        self.without.retain(|at| !taken.contains(at));
        self.groups.push(Group {
            pools,
            members,
            why,
        });
    }
}

/// No pool is clear on all hosts.
fn groups(hosts: &[Summary], mut free: FreeSpace) -> Choice {
    let sets = hosts.iter().map(|host| RangeSet::new(host.needed()));
    let mut known = HashSet::new();
    let pools = free.in_order(&SHAPES).filter(|pool| known.insert(*pool));
    let cover = Cover {
        pools: pools.collect(),
        sets: sets.collect(),
        hosts,
    };
    let mut choice = Choice {
        without: (0..hosts.len()).collect(),
        ..Choice::default()
    };
    // First off every network of every host. Where that leaves nothing, each host's own needs count.
    for others in [networks_of_all(hosts), RangeSet::default()] {
        free.in_the_way = others;
        while let Some((pool, members)) = cover.best(&free, &choice.without) {
            let by = favoured::likely(&free.marks, pool.base);
            choice.add(vec![pool], members, Why::First(by));
        }
    }
    choice
        .groups
        .sort_by_key(|group| usize::MAX - group.members.len());
    choice
}

fn networks_of_all(hosts: &[Summary]) -> RangeSet {
    let needs = hosts.iter().flat_map(|host| &host.needs);
    let on_link = needs.filter(|need| need.source == Source::OnLink);
    let narrow = on_link.filter(|need| need.net.prefix_len() >= WIDEST_OF_OTHERS);
    RangeSet::new(narrow.map(|need| need.net))
}

/// Which pool is clear on how many hosts.
struct Cover<'h> {
    /// The best first.
    pools: Vec<AddressPool>,
    hosts: &'h [Summary],
    /// What each of them needs.
    sets: Vec<RangeSet>,
}

impl Cover<'_> {
    /// The pool that is clear on most of these hosts, the first in the order among equals, and the
    /// hosts.
    fn best(&self, free: &FreeSpace, rest: &[usize]) -> Option<(AddressPool, Vec<usize>)> {
        let blocked: HashMap<u8, Blocked> = SHAPES
            .iter()
            .map(|(width, _)| (*width, self.blocked(*width, rest)))
            .collect();
        let mut best: Option<(AddressPool, Vec<usize>)> = None;
        for pool in self.pools.iter().copied() {
            let at_most = blocked.get(&pool.base.prefix_len()).map_or(0, |blocked| {
                rest.len().saturating_sub(blocked.on(pool.base))
            });
            let known = best.as_ref().map_or(0, |(_, members)| members.len());
            let passable = !free.in_the_way.overlaps(pool.base) && !free.is_on_the_road(pool.base);
            if at_most > known && passable {
                let members = self.members(pool, rest);
                if members.len() > known {
                    best = Some((pool, members));
                }
            }
        }
        best
    }

    fn members(&self, pool: AddressPool, rest: &[usize]) -> Vec<usize> {
        let fits = |at: &&usize| {
            let clear = self
                .sets
                .get(**at)
                .is_some_and(|set| !set.overlaps(pool.base));
            let host = self.hosts.get(**at);
            clear && host.is_some_and(|host| has_room(&host.stored, pool, ROOM))
        };
        rest.iter().filter(fits).copied().collect()
    }

    /// Every host marks the ends of the runs of ranges it needs something of; the sum up to a range
    /// is the number of hosts that do.
    fn blocked(&self, width: u8, rest: &[usize]) -> Blocked {
        let mut ends: BTreeMap<u64, i64> = BTreeMap::new();
        for set in rest.iter().filter_map(|at| self.sets.get(*at)) {
            for block in PRIVATE_BLOCKS {
                for (from, to) in set.blocked_runs(block, width) {
                    *ends.entry(from).or_default() += 1;
                    *ends.entry(to + 1).or_default() -= 1;
                }
            }
        }
        let mut sum = 0;
        for hosts in ends.values_mut() {
            sum += *hosts;
            *hosts = sum;
        }
        Blocked { hosts: ends }
    }
}

/// How many hosts need something of the ranges of one width: by number of the range, from which on.
struct Blocked {
    hosts: BTreeMap<u64, i64>,
}

impl Blocked {
    fn on(&self, base: Ipv4Net) -> usize {
        let number = u64::from(u32::from(base.network())) >> (32 - base.prefix_len());
        let last = self.hosts.range(..=number).next_back();
        last.map_or(0, |(_, hosts)| usize::try_from(*hosts).unwrap_or(0))
    }
}
