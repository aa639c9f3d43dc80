//! What daemon.json ought to say. docker0 moves only if it is in the way itself, the pools change
//! only if they are; where they change and docker0 is to stay, `bip` holds it in its place.

use super::blocker::Blocker;
use super::choose::{self, Chosen};
use super::docker0::{self, Docker0};
use super::notice::Notice;
use super::pool_list::{Entry, Pools, Wish};
use super::{Permits, preflight};
use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::assess::needed::Needed;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::AddressPool;
use crate::subnet::{SHARED_BLOCKS, overlap4, v4};
use ipnet::Ipv4Net;

/// Fewer networks than this are soon used up (Docker's own list has 31).
const FEW: u64 = 16;

/// What the file ought to say, and what Docker makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The value of `bip`; none if the key is to stay as it is.
    pub bip: Option<Ipv4Net>,
    /// The list of pools; none if the key is to stay as it is.
    pub entries: Option<Vec<Entry>>,
    /// The IPv4 pools once Docker has started with the file.
    pub pools: Vec<AddressPool>,
    /// docker0's address then; none if there is none, or the engine picks it.
    pub docker0: Option<Ipv4Net>,
    /// The new range, and why it is this one.
    pub chosen: Option<Chosen>,
    pub notices: Vec<Notice>,
}

impl Goal {
    pub fn of(assessment: &Assessment, permits: &Permits) -> Result<Goal, Blocker> {
        let docker0 = Docker0::of(assessment.facts);
        let needed = needs_that_count(assessment, permits);
        pools_are_not_by_option(assessment, &needed)?;
        let pinned = !assessment.policy.pin || super::pinned(assessment);
        let (left, must_move) = left(assessment, permits, &docker0, &needed);
        let mut wish = Wish {
            assessment,
            needed: &needed,
            docker0: docker0.address().filter(|_| !must_move),
            docker0_moves: false,
            left,
            given: !pinned,
        };
        let mut moves = must_move || cannot_be(assessment, &docker0);
        if let Some(given) = outside_the_given(assessment, &docker0).filter(|_| !pinned) {
            moves |= given;
        }
        if moves {
            wish.docker0 = None;
            wish.docker0_moves = true;
            if let Some(blocker) = docker0.blocker() {
                return Err(blocker.clone());
            }
        }
        let mut pools = wish.pools();
        let something_changes = moves || pools.as_ref().map_or(true, |pools| pools.changed);
        if !assessment.policy.pools.is_empty() && !wish.given && something_changes {
            // Where something has to change anyway, the operator's pools count.
            wish.given = true;
            pools = wish.pools();
        }
        let mut pools = pools?;
        let bip = settle_docker0(&wish, &docker0, moves, &mut pools)?;
        let goal = Goal::with(wish, pools, bip, &docker0);
        goal.file_decides(assessment)?;
        Ok(goal)
    }

    fn with(wish: Wish, pools: Pools, bip: Option<Ipv4Net>, docker0: &Docker0) -> Goal {
        let ipv4 = pools.ipv4();
        let notices = match pools.changed && wish.given {
            true => notices(&ipv4),
            false => Vec::new(),
        };
        Goal {
            notices,
            docker0: bip.or(docker0.address()),
            bip,
            pools: ipv4,
            entries: pools.changed.then_some(pools.entries),
            chosen: pools.chosen,
        }
    }

    /// Whether the file is right already.
    pub fn is_in_file(&self) -> bool {
        self.bip.is_none() && self.entries.is_none()
    }

    /// No option of dockerd may contradict the keys that are to be set.
    fn file_decides(&self, assessment: &Assessment) -> Result<(), Blocker> {
        let keys: &[&str] = match (self.bip.is_some(), self.entries.is_some()) {
            (true, true) => &[
                "bip",
                "default-address-pool",
                "fixed-cidr",
                "default-gateway",
            ],
            (true, false) => &["bip", "fixed-cidr", "default-gateway"],
            (false, true) => &["default-address-pool"],
            (false, false) => &[],
        };
        // docker0 stays where these options have put it.
        let stays = self.docker0.is_some() && self.docker0 == assessment.facts.docker0();
        let about_docker0 = |key: &str| matches!(key, "fixed-cidr" | "default-gateway");
        let mut keys = keys.iter().filter(|key| !(stays && about_docker0(key)));
        match keys.find_map(|key| preflight::flag_in_the_way(assessment.facts, key)) {
            Some(blocker) => Err(blocker),
            None => Ok(()),
        }
    }
}

/// Pools that clash and stand in an option of dockerd cannot be changed in the file.
fn pools_are_not_by_option<'a>(
    assessment: &Assessment<'a>,
    needed: &[Needed<'a>],
) -> Result<(), Blocker> {
    let option = preflight::flag_in_the_way(assessment.facts, "default-address-pool");
    match option.filter(|_| assessment.pools_clash(&assessment.pools, needed)) {
        Some(blocker) => Err(blocker),
        None => Ok(()),
    }
}

/// The needs to act on: unattended, only those that last.
fn needs_that_count<'a>(assessment: &Assessment<'a>, permits: &Permits) -> Vec<Needed<'a>> {
    let needs = assessment.needed.iter().copied();
    needs
        .filter(|need| permits.act_on_suspected || !need.is_suspected())
        .collect()
}

/// The ranges docker0 leaves, or is not to get, because this host needs them; and whether another
/// address than that of the file has to be found for it.
fn left<'a>(
    assessment: &Assessment<'a>,
    permits: &Permits,
    docker0: &Docker0,
    needed: &[Needed<'a>],
) -> (Vec<Ipv4Net>, bool) {
    let clashes = assessment.clashes.iter();
    let clashes: Vec<Ipv4Net> = clashes
        .filter(|clash| permits.act_on_suspected || !clash.is_suspected())
        .filter(|clash| clash.is_docker0())
        .filter_map(|clash: &Clash| v4(&clash.docker.subnet))
        .collect();
    let Some(address) = docker0.address() else {
        // Without a docker0 there is nothing to move; one that is switched off may still be there.
        let not_ours = docker0.blocker().is_some();
        let must_move = not_ours && !clashes.is_empty();
        return (clashes, must_move);
    };
    let range = address.trunc();
    let now = assessment.facts.docker0().map(|address| address.trunc());
    let to_come = now != Some(range) && assessment.loses_with(range, needed);
    if !to_come && !clashes.iter().any(|net| overlap4(net, &range)) {
        // It is about to leave what clashes.
        return (clashes, false);
    }
    let mut left = clashes;
    left.push(range);
    left.sort();
    left.dedup();
    (left, true)
}

/// Whether docker0 cannot have the address the file gives it. A `bip` over the subnet of another
/// network keeps Docker from starting.
fn cannot_be(assessment: &Assessment, docker0: &Docker0) -> bool {
    match docker0 {
        Docker0::BadKey => true,
        Docker0::ByKey(bip) => {
            let mut stored = choose::stored(assessment).into_iter();
            stored.any(|net| overlap4(&net, &bip.trunc()))
        }
        Docker0::NotDockers(_) | Docker0::ByFlag(..) | Docker0::There(_) | Docker0::ToCome => false,
    }
}

/// Whether docker0 is not in the pools the operator wants to have it in, if it is known where it is
/// and `bip` can move it.
fn outside_the_given(assessment: &Assessment, docker0: &Docker0) -> Option<bool> {
    let address = docker0.address()?;
    if docker0.blocker().is_some() {
        return None;
    }
    Some(!docker0::is_inside(&assessment.policy.pools, address))
}

/// The value `bip` gets, if any.
fn settle_docker0(
    wish: &Wish,
    docker0: &Docker0,
    moves: bool,
    pools: &mut Pools,
) -> Result<Option<Ipv4Net>, Blocker> {
    if moves {
        return docker0::place(wish, pools).map(Some);
    }
    let of_operator = Pools::of_file(wish.assessment.facts);
    if !pools.changed {
        return Ok(None);
    }
    match docker0 {
        Docker0::ToCome if of_operator.built_in || wish.given => {
            docker0::place(wish, pools).map(Some)
        }
        // It gets the first subnet of a list that is the operator's.
        Docker0::ToCome | Docker0::NotDockers(_) | Docker0::BadKey => Ok(None),
        Docker0::ByKey(address) => {
            hold(pools, *address);
            Ok(None)
        }
        Docker0::ByFlag(address, _) => {
            address.iter().for_each(|address| hold(pools, *address));
            Ok(None)
        }
        Docker0::There(address) => {
            hold(pools, *address);
            let by_itself = !of_operator.built_in
                && !wish.given
                && docker0::comes_back(wish.assessment, pools, *address);
            Ok((!by_itself).then_some(*address))
        }
    }
}

/// docker0 lies inside the pools, or 20.10 dies once they are full.
fn hold(pools: &mut Pools, address: Ipv4Net) {
    if let Some(holder) = docker0::holder(pools, address) {
        pools.push(holder);
    }
}

/// The engine must be able to start, and to create networks.
pub fn engine_could_use(assessment: &Assessment, goal: &Goal) -> Result<(), Blocker> {
    let mut pools = Pools::of_file(assessment.facts);
    let before = pools.trouble(assessment);
    if let Some(entries) = &goal.entries {
        pools.entries.clone_from(entries);
    }
    match pools.trouble(assessment) {
        // Only where docker0 has to come from the pools.
        Some(PoolTrouble::Ipv6First) if goal.docker0.is_some() => Ok(()),
        // Docker runs with it.
        Some(PoolTrouble::TooMany(_)) if matches!(before, Some(PoolTrouble::TooMany(_))) => Ok(()),
        Some(trouble) => Err(Blocker::PoolsUnusable { trouble }),
        None => Ok(()),
    }
}

fn notices(pools: &[AddressPool]) -> Vec<Notice> {
    let networks = pools.iter().map(AddressPool::capacity).sum::<u64>();
    let networks = networks.saturating_sub(1);
    let few = (networks < FEW).then_some(Notice::FewNetworks { networks });
    let shared = pools
        .iter()
        .filter(|pool| SHARED_BLOCKS.iter().any(|block| block.contains(&pool.base)))
        .map(|pool| Notice::PoolIsShared { pool: *pool });
    few.into_iter().chain(shared).collect()
}
