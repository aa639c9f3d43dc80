//! The list of pools as it ought to stand. What is clear stays in its place, letter by letter; what
//! is partly in the way is cut; what is wholly in the way is replaced by a pool with as many
//! networks. IPv6 pools always stay. Docker's built-in list is nobody's choice: if anything in it is
//! in the way, it is replaced as a whole.

use super::bip_of_file;
use super::blocker::Blocker;
use super::choose::{Chosen, SHAPES, Search, given_pools, shapes_for, shapes_like};
use super::room::{attached, networks_in, prefix_for};
use crate::assess::Assessment;
use crate::assess::needed::Needed;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::pools::{Pool, PoolList};
use crate::facts::{AddressPool, BUILT_IN, Facts, Source};
use crate::subnet::{RangeSet, overlap4, v4};
use ipnet::Ipv4Net;
use serde_json::Value;

pub const KEY: &str = "default-address-pools";

/// A pool cut into more pieces is replaced.
const PIECES: usize = 8;

/// So many networks are enough for anybody; Docker's own list has 31.
pub const ENOUGH: u64 = 64;

/// An entry of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry {
    /// As it stands, at this place in the file.
    Kept {
        place: usize,
        pool: Pool,
    },
    /// The one at this place, with another range.
    Changed {
        place: usize,
        pool: AddressPool,
    },
    New(AddressPool),
}

impl Entry {
    pub fn ipv4(&self) -> Option<AddressPool> {
        match self {
            Entry::Kept {
                pool: Pool::V4(pool),
                ..
            }
            | Entry::Changed { pool, .. }
            | Entry::New(pool) => Some(*pool),
            Entry::Kept { .. } => None,
        }
    }
}

/// A list.
#[derive(Debug, Clone, PartialEq)]
pub struct Pools {
    pub entries: Vec<Entry>,
    /// Whether the file says nothing, and Docker's own list counts.
    pub built_in: bool,
    /// Whether it is another list than the file has.
    pub changed: bool,
    /// The first range that was chosen for it, and why.
    pub chosen: Option<Chosen>,
}

/// What decides over the list.
pub struct Wish<'s, 'a> {
    pub assessment: &'s Assessment<'a>,
    /// The needs that count.
    pub needed: &'s [Needed<'a>],
    /// The range docker0 leaves because it is needed.
    pub left: Vec<Ipv4Net>,
    /// docker0's address, where it stays.
    pub docker0: Option<Ipv4Net>,
    /// Whether docker0 moves into the list.
    pub docker0_moves: bool,
    /// Whether the operator's pools are to be taken, whatever stands there.
    pub given: bool,
}

impl Pools {
    /// The list that counts at Docker's next start.
    pub fn of_file(facts: &Facts) -> Pools {
        let value = facts.docker.config.keys.get(KEY);
        let Some(list) = value.and_then(Value::as_array).filter(|l| !l.is_empty()) else {
            // Of another type than a list it keeps Docker from starting, and is written again.
            let wrong = value.is_some_and(|value| !value.is_null() && !value.is_array());
            return Pools {
                entries: BUILT_IN.into_iter().map(Entry::New).collect(),
                built_in: true,
                changed: wrong,
                chosen: None,
            };
        };
        let mut entries = Vec::with_capacity(list.len());
        for (place, value) in list.iter().enumerate() {
            let one = PoolList::of_key(&Value::Array(vec![value.clone()]));
            let pools = one.map(|one| one.pools).unwrap_or_default();
            entries.extend(pools.into_iter().map(|pool| Entry::Kept { place, pool }));
        }
        Pools {
            // Docker does not start with the entries that are left out.
            changed: entries.len() < list.len(),
            entries,
            built_in: false,
            chosen: None,
        }
    }

    pub fn ipv4(&self) -> Vec<AddressPool> {
        self.entries.iter().filter_map(Entry::ipv4).collect()
    }

    /// As an engine reads it.
    pub fn list(&self) -> PoolList {
        let pools = self.entries.iter().map(|entry| match entry {
            Entry::Kept { pool, .. } => Ok(*pool),
            Entry::Changed { pool, .. } | Entry::New(pool) => Ok(Pool::V4(*pool)),
        });
        pools.collect()
    }

    pub fn trouble(&self, assessment: &Assessment) -> Option<PoolTrouble> {
        PoolTrouble::of(&self.list(), &assessment.reserved(), assessment.version)
    }

    pub fn add(&mut self, chosen: Chosen) {
        self.push(chosen.pool);
        self.chosen = self.chosen.take().or(Some(chosen));
    }

    /// Adds a pool; the list is then one that the file must name.
    pub fn push(&mut self, pool: AddressPool) {
        self.entries.push(Entry::New(pool));
        self.built_in = false;
        self.changed = true;
    }
}

impl<'a> Wish<'_, 'a> {
    /// The list of the file, changed as little as will do.
    pub fn pools(&self) -> Result<Pools, Blocker> {
        let now = Pools::of_file(self.assessment.facts);
        let mut pools = if self.given {
            self.take_given(&now)?
        } else if now.built_in {
            let in_the_way = now.ipv4().iter().any(|pool| self.is_in_the_way(*pool));
            match in_the_way || now.changed {
                true => self.list_of_our_own()?,
                false => now.clone(),
            }
        } else {
            self.cut(now.clone())?
        };
        self.keep_room(&now, &mut pools)?;
        Ok(pools)
    }

    /// What stands in the way of a pool: what could be handed out over a need, and what docker0
    /// leaves.
    fn in_the_way_of(&self, pool: AddressPool) -> Vec<Ipv4Net> {
        let mut nets = self.assessment.in_the_way_of_pool(pool, self.needed);
        let left = self.left.iter().filter(|left| overlap4(left, &pool.base));
        nets.extend(left);
        nets
    }

    fn is_in_the_way(&self, pool: AddressPool) -> bool {
        !self.in_the_way_of(pool).is_empty()
    }

    /// Of the operator's pools the clear part. Entries that say the same already stay.
    fn take_given(&self, now: &Pools) -> Result<Pools, Blocker> {
        let mut given = given_pools(self.assessment)?;
        let mut entries = Vec::new();
        let mut first = None;
        for entry in now.entries.iter().filter(|_| !now.built_in) {
            match entry.ipv4() {
                Some(pool) => {
                    first.get_or_insert(entries.len());
                    if let Some(at) = given.iter().position(|one| *one == pool) {
                        given.remove(at);
                        entries.push(*entry);
                    }
                }
                None => entries.push(*entry),
            }
        }
        let at = first.unwrap_or(0);
        let new = given.into_iter().map(Entry::New);
        entries.splice(at..at, new);
        Ok(Pools {
            changed: now.changed || now.built_in || entries != now.entries,
            entries,
            built_in: false,
            chosen: None,
        })
    }

    fn list_of_our_own(&self) -> Result<Pools, Blocker> {
        let mut pools = Pools {
            entries: Vec::new(),
            built_in: false,
            changed: true,
            chosen: None,
        };
        if let Some(set_before) = self.set_before() {
            pools.entries = set_before.into_iter().map(Entry::New).collect();
            return Ok(pools);
        }
        pools.add(self.find(&SHAPES, ENOUGH + 1, [])?);
        Ok(pools)
    }

    /// The pools that rebridge had set when something else rewrote the file, if they are still
    /// clear.
    fn set_before(&self) -> Option<Vec<AddressPool>> {
        let set = self.assessment.facts.docker.set_by_rebridge.as_ref()?;
        let list = PoolList::of_key(set.keys.get(KEY)?)?;
        let pools = list.ipv4();
        let clear = pools.iter().all(|pool| !self.is_in_the_way(*pool));
        let room = networks_in(self.assessment, &pools, self.docker0);
        let all_ipv4 = pools.len() == list.pools.len() && list.faults.is_empty();
        (all_ipv4 && clear && room >= ENOUGH.min(30)).then_some(pools)
    }

    /// Every entry in its turn: kept, cut or replaced.
    fn cut(&self, now: Pools) -> Result<Pools, Blocker> {
        let mut pools = Pools {
            entries: Vec::with_capacity(now.entries.len()),
            ..now.clone()
        };
        for (at, entry) in now.entries.iter().enumerate() {
            let in_the_way = entry.ipv4().map(|pool| (pool, self.in_the_way_of(pool)));
            let Some((pool, nets)) = in_the_way.filter(|(_, nets)| !nets.is_empty()) else {
                pools.entries.push(*entry);
                continue;
            };
            pools.changed = true;
            let Entry::Kept { place, .. } = *entry else {
                continue;
            };
            let pieces = RangeSet::new(nets).carve(pool.base, pool.size);
            if !pieces.is_empty() && pieces.len() <= PIECES {
                pools.entries.extend(pieces.into_iter().map(|base| {
                    let size = pool.size;
                    Entry::Changed {
                        place,
                        pool: AddressPool { base, size },
                    }
                }));
                continue;
            }
            let rest = now.entries.get(at..).unwrap_or_default();
            let others = pools.entries.iter().chain(rest).filter_map(Entry::ipv4);
            let others: Vec<Ipv4Net> = others.map(|pool| pool.base).collect();
            // Where no other is free, the room is made up for afterwards, or is enough without it.
            if let Ok(chosen) = self.find(&shapes_like(pool), 1, others) {
                pools.entries.push(Entry::Changed {
                    place,
                    pool: chosen.pool,
                });
                pools.chosen = pools.chosen.take().or(Some(chosen));
            }
        }
        Ok(pools)
    }

    /// The networks there was room for, or enough of them.
    fn keep_room(&self, now: &Pools, pools: &mut Pools) -> Result<(), Blocker> {
        if self.given {
            return Ok(());
        }
        let unusable = matches!(
            pools.trouble(self.assessment),
            Some(PoolTrouble::Covered | PoolTrouble::NoIpv4)
        );
        let facts = self.assessment.facts;
        let docker0 = self.docker0.or(bip_of_file(facts)).or(facts.docker0());
        let had = networks_in(self.assessment, &now.ipv4(), docker0).min(ENOUGH);
        let free = networks_in(self.assessment, &pools.ipv4(), self.docker0);
        let have = free.saturating_sub(self.networks_docker0_takes(pools));
        // Docker's own list has room for docker0 beside its 30 networks.
        let as_it_was = !pools.changed && (pools.built_in || !self.docker0_moves);
        if (as_it_was || have >= had) && !unusable {
            return Ok(());
        }
        let pooled: Vec<AddressPool> = pools.ipv4();
        let size = pooled.iter().map(|pool| pool.size).min().unwrap_or(24);
        let missing = had.saturating_sub(have);
        let mut shapes = shapes_for(missing, size);
        if unusable {
            shapes = SHAPES.to_vec();
        }
        let bases = pooled.iter().map(|pool| pool.base);
        match self.find(&shapes, missing.max(1), bases) {
            Ok(chosen) => pools.add(chosen),
            // Less room is better than a clash.
            Err(_) if have > 0 && !unusable => {}
            Err(blocker) => return Err(blocker),
        }
        Ok(())
    }

    /// How many networks of the list a docker0 takes that moves into it.
    fn networks_docker0_takes(&self, pools: &Pools) -> u64 {
        if !self.docker0_moves {
            return 0;
        }
        let prefix = prefix_for(attached(self.assessment.facts, "bridge"));
        let sizes = pools.ipv4().into_iter().map(|pool| pool.size);
        let narrowest = sizes.max().unwrap_or(prefix);
        1u64 << narrowest.saturating_sub(prefix).min(32)
    }

    /// A new range, off the rest of the list, off what docker0 leaves, and off docker0 unless it
    /// stays inside.
    pub fn find(
        &self,
        shapes: &[(u8, u8)],
        networks: u64,
        pooled: impl IntoIterator<Item = Ipv4Net>,
    ) -> Result<Chosen, Blocker> {
        let off = pooled.into_iter().chain(self.left.iter().copied());
        let needed = self.off_limits();
        Search::new(self.assessment, &needed, off)
            .beside(self.docker0)
            .find(shapes, networks)
            .ok_or(Blocker::NoFreeRange)
    }

    /// What a new range keeps off. Sessions always count, so that no operator is shut out.
    pub fn off_limits(&self) -> Vec<Needed<'a>> {
        let sessions = self.assessment.needed.iter();
        let sessions = sessions.filter(|need| need.source() == Source::Ssh);
        let others = sessions.filter(|need| !self.needed.contains(need));
        let all = self.needed.iter().chain(others);
        all.filter(|need| v4(&need.net).is_some())
            .copied()
            .collect()
    }
}
