//! What to do about the clashes. The plan is complete: it holds every byte that apply would write.
//! The same facts with the same policy always give the same plan.

pub mod blocker;
pub mod choose;
pub mod containers;
pub mod dependent_keys;
pub mod docker0;
pub mod edit;
pub mod favoured;
mod file_change;
pub mod free_space;
pub mod goal;
pub mod leaving;
pub mod notice;
pub mod old_address;
pub mod old_range_rules;
pub mod pending_settings;
pub mod pool_list;
pub mod preflight;
pub mod project;
pub mod relief;
pub mod relocate;
pub mod room;
pub mod wanted;
pub mod wanted_flags;

pub use file_change::FileChange;

use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::assess::needed::Needed;
use crate::facts::{AddressPool, DockerState, Facts};
use crate::policy::accept::Accepted;
use crate::subnet::v4;
use blocker::Blocker;
use choose::Chosen;
use dependent_keys::DependentKeys;
use docker0::is_inside;
use file_change::change_file;
use goal::Goal;
use ipnet::{IpNet, Ipv4Net};
use leaving::{Leaving, docker0_leaves};
use notice::Notice;
use project::project;
use relocate::{Existing, Move, Relocation};
use std::collections::HashSet;

#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Nothing,
    Change(Box<Plan>),
    /// Something should change, but all of this is in the way.
    Refuse(Vec<Blocker>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// None if daemon.json is right already.
    pub write: Option<FileChange>,
    /// Restart Docker.
    pub restart: bool,
    /// Stop every container before, because live-restore would keep docker0 where it is.
    pub stop_first: bool,
    /// docker0's address once Docker has started with the file; none if it stays as it is.
    pub docker0: Option<Ipv4Net>,
    /// The pools in force from then on.
    pub pools: Vec<AddressPool>,
    /// The new range, and why it is this one; none if no range was chosen.
    pub chosen: Option<Chosen>,
    /// The existing networks to re-create on other subnets, after docker0 and the pools.
    pub moves: Vec<Move>,
    pub notices: Vec<Notice>,
    /// What blocked the plan and was accepted.
    pub accepted: Vec<Blocker>,
}

impl Plan {
    /// The container that the operator's session comes out of, where carrying out the plan ends it.
    pub fn session_ends(&self) -> Option<&str> {
        self.notices.iter().find_map(|notice| match notice {
            Notice::SessionEnds { container } => Some(container.as_str()),
            _ => None,
        })
    }
}

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permits {
    /// Restart Docker.
    pub restart: bool,
    /// What blocks it otherwise.
    pub accepted: Accepted,
    /// Restart Docker with the operator's own command.
    pub own_command: bool,
    /// Re-create existing networks.
    pub networks: Existing,
    /// Act on suspected clashes too: after a question, or with `--act-on suspected`.
    pub act_on_suspected: bool,
}

impl Permits {
    /// What `apply` without options may do after a yes.
    pub fn plain() -> Permits {
        Permits {
            restart: true,
            accepted: Accepted::NOTHING,
            own_command: false,
            networks: Existing::Report,
            act_on_suspected: true,
        }
    }
}

pub fn plan(assessment: &Assessment, permits: &Permits) -> Decision {
    match decide(assessment, permits) {
        Ok(None) => nothing(assessment.facts),
        Ok(Some(plan)) => weigh(assessment.facts, plan, permits),
        Err(first) => Decision::Refuse(beside(assessment, first, permits)),
    }
}

/// Where nothing is to be changed Docker must still be able to start with its file.
fn nothing(facts: &Facts) -> Decision {
    let blockers = preflight::file_starts(facts, None);
    match blockers.is_empty() {
        true => Decision::Nothing,
        false => Decision::Refuse(blockers),
    }
}

/// Whether the plan may be carried out, given what it would take away.
fn weigh(facts: &Facts, mut plan: Plan, permits: &Permits) -> Decision {
    let mut blockers = std::mem::take(&mut plan.accepted);
    let leaving = leaving::leaving(facts, &plan);
    blockers.extend(preflight::file_is_read_only(facts, &plan));
    blockers.extend(preflight::file_starts(facts, Some(&plan)));
    if plan.restart {
        blockers.extend(preflight::restart_blockers(facts, plan.docker0.is_some()));
        let pending = pending_settings::pending(facts, Some(&plan));
        blockers.extend(pending.blockers);
        plan.notices.extend(pending.notice);
    }
    let settings = old_address::settings_after(facts, Some(&plan));
    blockers.extend(old_address::blockers(facts, &settings, &leaving));
    blockers.extend(old_range_rules::blockers(facts, &leaving));
    let (accepted, blocking): (Vec<Blocker>, Vec<Blocker>) = blockers
        .into_iter()
        .partition(|blocker| blocker.is_accepted(permits.accepted));
    if !blocking.is_empty() {
        return Decision::Refuse(blocking);
    }
    plan.accepted = accepted;
    plan.notices.extend(containers::session_ends(facts, &plan));
    Decision::Change(Box::new(plan))
}

/// Where no plan can be made: why, and everything else that is in the way as far as it can be known
/// without one.
fn beside(assessment: &Assessment, first: Blocker, permits: &Permits) -> Vec<Blocker> {
    let facts = assessment.facts;
    let mut blockers = vec![first];
    blockers.extend(preflight::file_starts(facts, None));
    let docker0_moves = needed(assessment, permits) == Ok(true);
    if docker0_moves && facts.docker.state == DockerState::Running && permits.restart {
        let leaving: Vec<Leaving> = docker0_leaves(facts, None).into_iter().collect();
        let settings = old_address::settings_after(facts, None);
        let others = preflight::restart_is_possible(facts, permits);
        blockers.extend(preflight::restart_blockers(facts, true));
        blockers.extend(others);
        blockers.extend(pending_settings::pending(facts, None).blockers);
        blockers.extend(old_address::blockers(facts, &settings, &leaving));
    }
    let mut all: Vec<Blocker> = Vec::new();
    for blocker in blockers {
        if !all.contains(&blocker) && !blocker.is_accepted(permits.accepted) {
            all.push(blocker);
        }
    }
    all
}

fn decide(assessment: &Assessment, permits: &Permits) -> Result<Option<Plan>, Blocker> {
    let facts = assessment.facts;
    preflight::is_docker(facts)?;
    preflight::file_is_editable(facts)?;
    let settled = if needed(assessment, permits)? {
        settle_docker0(assessment, permits)?
    } else {
        None
    };
    if permits.networks == Existing::Report {
        return Ok(settled);
    }
    let after = match &settled {
        Some(plan) => project(facts, plan, plan.restart),
        None => facts.clone(),
    };
    let after = Assessment::of(&after, assessment.policy);
    let Relocation {
        moves,
        notices,
        losses,
    } = relocate::moves(facts, &after, permits)?;
    if moves.is_empty() {
        return Ok(settled);
    }
    let Some(mut plan) = settled else {
        return Ok(Some(Plan {
            write: None,
            restart: false,
            stop_first: false,
            docker0: None,
            pools: assessment.pools.clone(),
            chosen: None,
            moves,
            notices,
            accepted: losses,
        }));
    };
    if !plan.restart {
        return Err(Blocker::MovesNeedRestart);
    }
    plan.moves = moves;
    plan.notices.extend(notices);
    plan.accepted.extend(losses);
    Ok(Some(plan))
}

/// docker0 and the pools: what to write, and whether Docker has to start again for it.
fn settle_docker0(assessment: &Assessment, permits: &Permits) -> Result<Option<Plan>, Blocker> {
    let facts = assessment.facts;
    preflight::settings_are_here(facts)?;
    let goal = Goal::of(assessment, permits)?;
    let running = facts.docker.state == DockerState::Running;
    let restart = running && permits.restart;
    if goal.is_in_file() && (!restart || is_in_force(assessment, &goal)) {
        // The file is right. If rebridge may not restart Docker, there is nothing left to do.
        return Ok(None);
    }
    let moves_to = goal.docker0.filter(|new| facts.docker0() != Some(*new));
    let stop_first = restart && moves_to.is_some() && preflight::survivors(facts);
    if restart {
        preflight::may_restart(facts, permits)?;
    }
    let mut notices = goal.notices.clone();
    let mut write = None;
    if !goal.is_in_file() {
        goal::engine_could_use(assessment, &goal)?;
        let dependent = match goal.bip {
            Some(bip) => dependent_keys::follow(facts, bip)?,
            None => DependentKeys::default(),
        };
        write = Some(change_file(facts, &goal, dependent.keys)?);
        notices.extend(kept_by_tools(facts));
    }
    if restart {
        notices.extend(containers::notices(facts, stop_first));
    }
    Ok(Some(Plan {
        write,
        restart,
        stop_first,
        docker0: moves_to,
        pools: goal.pools,
        chosen: goal.chosen,
        moves: Vec::new(),
        notices,
        accepted: Vec::new(),
    }))
}

/// Whether Docker already runs with what the file says.
fn is_in_force(assessment: &Assessment, goal: &Goal) -> bool {
    let docker0 = goal.docker0.is_none() || goal.docker0 == assessment.facts.docker0();
    docker0 && goal.pools == assessment.pools
}

/// A tool that keeps the file and does not know the new keys puts its own version back.
fn kept_by_tools(facts: &Facts) -> impl Iterator<Item = Notice> {
    let config = &facts.docker.config;
    config.keepers.iter().map(|keeper| Notice::FileIsKept {
        path: config.path.clone(),
        keeper: keeper.clone(),
    })
}

/// The keys that rebridge had set, if they are gone from the file.
pub fn lost_keys(facts: &Facts) -> Option<Notice> {
    let set = facts.docker.set_by_rebridge.as_ref()?;
    let there = &facts.docker.config.keys;
    let lost = set.keys.keys().filter(|key| !there.contains_key(*key));
    let keys: Vec<String> = lost.cloned().collect();
    (!keys.is_empty()).then(|| Notice::KeysLost {
        path: facts.docker.config.path.clone(),
        keys,
        set: set.when.clone(),
    })
}

/// Whether docker0 or the pools clash in a way to act on, or the operator wants other pools than
/// these.
fn needed(assessment: &Assessment, permits: &Permits) -> Result<bool, Blocker> {
    let clashes = assessment.clashes.iter();
    let clashes: Vec<&Clash> = clashes
        .filter(|clash| permits.act_on_suspected || !clash.is_suspected())
        .collect();
    if clashes.iter().any(|clash| clash.is_movable()) {
        return Ok(true);
    }
    // What a network holds is free again once the network is gone. Only what clashes now counts:
    // a host that `check` calls clean has nothing to be moved for.
    let nets: HashSet<IpNet> = clashes.iter().map(|clash| clash.with.net).collect();
    let needs = assessment.needed.iter().copied();
    let clashing: Vec<Needed> = needs.filter(|need| nets.contains(&need.net)).collect();
    let comes_back = assessment.pools_clash(&assessment.pools, &clashing);
    Ok(comes_back || assessment.policy.pin && !pinned(assessment))
}

/// The needs that count against a range that is there already. Traffic comes and goes. If it counted
/// here, docker0 would wander.
fn lasting<'a>(assessment: &Assessment<'a>) -> Vec<Needed<'a>> {
    let needs = assessment.needed.iter().copied();
    needs.filter(|need| !need.is_suspected()).collect()
}

/// Whether Docker already uses the operator's pools, clear of everything known.
fn pinned(assessment: &Assessment) -> bool {
    let docker0 = assessment.facts.docker0();
    let docker0 = docker0.or_else(|| bip_of_file(assessment.facts));
    let Some(pools) = &assessment.pools_of_file else {
        return false;
    };
    pools == &assessment.pools
        && are_given(assessment, pools)
        && docker0.is_some_and(|address| is_inside(pools, address))
        && !assessment.pools_clash(pools, &lasting(assessment))
}

/// Whether each of these pools is a part of one the operator gave.
fn are_given(assessment: &Assessment, pools: &[AddressPool]) -> bool {
    let given = &assessment.policy.pools;
    pools.iter().all(|pool| {
        given
            .iter()
            .any(|one| one.size == pool.size && one.base.contains(&pool.base))
    })
}

/// `bip` in daemon.json, if a bridge can have that address.
pub fn bip_of_file(facts: &Facts) -> Option<Ipv4Net> {
    let bip: Ipv4Net = facts
        .docker
        .config
        .keys
        .get("bip")?
        .as_str()?
        .parse()
        .ok()?;
    (bip.prefix_len() <= 30 && bip.addr() != bip.network() && bip.addr() != bip.broadcast())
        .then_some(bip)
}

/// The range that docker0 has, or else gets from the file.
pub fn docker0_range(facts: &Facts) -> Option<Ipv4Net> {
    let engine = facts
        .engine_networks()
        .find(|network| network.name == "bridge");
    let by_engine = engine.and_then(|network| network.subnets.iter().find_map(v4));
    facts
        .docker0()
        .map(|address| address.trunc())
        .or(by_engine)
        .or(bip_of_file(facts).map(|bip| bip.trunc()))
}
