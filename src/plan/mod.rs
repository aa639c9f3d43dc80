//! Third stage: what to do about the clashes. Pure and complete: the plan holds every byte that
//! apply would write, and the same facts with the same policy give the same plan, always.

pub mod choose;
pub mod containers;
pub mod dependent_keys;
pub mod edit;
pub mod preflight;
pub mod project;
pub mod relocate;

use crate::assess::{self, pools_clash, wanted};
use crate::engine_model::reserved_by_engine;
use crate::facts::{AddressPool, ConfigState, DockerState, Facts};
use crate::policy::Policy;
use crate::subnet::{overlap, v4};
use choose::Choice;
use ipnet::{IpNet, Ipv4Net};
use project::project;
use relocate::{Existing, Move};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the planner came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing to change.
    Nothing,
    /// This.
    Change(Box<Plan>),
    /// Something should change and must not.
    Refuse(Refusal),
}

/// Everything apply will do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The new daemon.json; none where the file is right already.
    pub write: Option<FileChange>,
    /// Whether Docker is restarted.
    pub restart: bool,
    /// Whether every container is stopped before, because live-restore would keep docker0 where it
    /// is.
    pub stop_first: bool,
    /// The address docker0 will have once Docker has started with the file; none where it stays as
    /// it is.
    pub docker0: Option<Ipv4Net>,
    /// The pools in force from then on.
    pub pools: Vec<AddressPool>,
    /// The existing networks that are re-created on other subnets, once docker0 and the pools are
    /// settled.
    pub moves: Vec<Move>,
    /// What the operator should know before.
    pub warnings: Vec<String>,
}

/// A change of daemon.json, both sides whole.
#[derive(Debug, Clone, PartialEq)]
pub struct FileChange {
    /// The file as Docker names it.
    pub path: String,
    /// Its text before; none where there was no file.
    pub before: Option<String>,
    /// Its text after.
    pub after: String,
    /// The keys that change, as they were.
    pub keys_before: Map<String, Value>,
    /// The keys that change, as they will be.
    pub keys_after: Map<String, Value>,
}

/// A reason not to act, and what the operator can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What could not be done, to what, and why.
    pub why: String,
    /// The next step.
    pub next: String,
}

impl Refusal {
    /// A refusal in two parts.
    pub fn new(why: impl Into<String>, next: impl Into<String>) -> Refusal {
        Refusal {
            why: why.into(),
            next: next.into(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.why, self.next)
    }
}

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permits {
    /// To restart Docker; not with `--no-restart`.
    pub restart: bool,
    /// To stop containers that live-restore would keep alive; `--allow-container-stop`.
    pub stop_containers: bool,
    /// To restart Docker with a command of the operator's.
    pub own_command: bool,
    /// To re-create existing networks; `--networks`, `--network`.
    pub networks: Existing,
    /// To lose the fixed MAC address of containers on them; `--accept-mac-loss`.
    pub mac_loss: bool,
}

impl Permits {
    /// What `apply` without any option may do.
    pub fn plain() -> Permits {
        Permits {
            restart: true,
            stop_containers: false,
            own_command: false,
            networks: Existing::Report,
            mac_loss: false,
        }
    }
}

/// Decides.
pub fn plan(facts: &Facts, policy: &Policy, permits: &Permits) -> Decision {
    match decide(facts, policy, permits) {
        Ok(None) => Decision::Nothing,
        Ok(Some(plan)) => Decision::Change(Box::new(plan)),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn decide(facts: &Facts, policy: &Policy, permits: &Permits) -> Result<Option<Plan>, Refusal> {
    preflight::file_is_editable(facts)?;
    let settled = if needed(facts, policy)? {
        settle_docker0(facts, policy, permits)?
    } else {
        None
    };
    let after = settled
        .as_ref()
        .map_or_else(|| facts.clone(), |plan| project(facts, plan, plan.restart));
    let (moves, warnings) =
        relocate::moves(facts, &after, policy, &permits.networks, permits.mac_loss)?;
    if moves.is_empty() {
        return Ok(settled);
    }
    let Some(mut plan) = settled else {
        let pools = assess::pools_in_force(facts);
        let (restart, stop_first) = (false, false);
        return Ok(Some(Plan {
            write: None,
            restart,
            stop_first,
            docker0: None,
            pools,
            moves,
            warnings,
        }));
    };
    if !plan.restart {
        return Err(Refusal::new(
            "cannot move networks: the new pools come into force only when Docker is restarted",
            "run again without --no-restart",
        ));
    }
    plan.moves = moves;
    plan.warnings.extend(warnings);
    Ok(Some(plan))
}

/// What there is to do for docker0 and the pools.
fn settle_docker0(
    facts: &Facts,
    policy: &Policy,
    permits: &Permits,
) -> Result<Option<Plan>, Refusal> {
    let running = facts.docker.state == DockerState::Running;
    let restart = running && permits.restart;
    let stop_first = restart && preflight::survivors(facts);
    if let Some((docker0, pools)) = cure_in_file(facts, policy)? {
        // The file is right; what is missing is a start of Docker. If that is not ours to give,
        // nothing is left to do.
        if restart {
            preflight::may_restart(facts, permits)?;
        }
        let warnings = if restart {
            containers::warnings(facts, docker0, stop_first)
        } else {
            Vec::new()
        };
        let (docker0, moves) = (Some(docker0), Vec::new());
        return Ok(restart.then_some(Plan {
            write: None,
            restart,
            stop_first,
            docker0,
            pools,
            moves,
            warnings,
        }));
    }
    preflight::settings_are_here(facts)?;
    preflight::file_decides(facts)?;
    if restart {
        preflight::keys_are_known(facts)?;
    }
    if restart {
        preflight::may_restart(facts, permits)?;
    }
    let choice = choose::choose(facts, policy)?;
    preflight::engine_could_use(facts, &choice)?;
    let tied = dependent_keys::follow(facts, choice.docker0)?;
    let write = change_file(facts, &choice, tied.keys)?;
    let mut warnings = choice.warnings;
    warnings.extend(tied.warnings);
    if restart {
        warnings.extend(containers::warnings(facts, choice.docker0, stop_first));
    }
    let (docker0, pools, moves) = (Some(choice.docker0), choice.pools, Vec::new());
    Ok(Some(Plan {
        write: Some(write),
        restart,
        stop_first,
        docker0,
        pools,
        moves,
        warnings,
    }))
}

/// Whether docker0 or the pools are in the way, or the operator wants these very pools.
fn needed(facts: &Facts, policy: &Policy) -> Result<bool, Refusal> {
    let clashes = assess::assess(facts, policy);
    let docker0 = clashes
        .iter()
        .any(|clash| clash.is_docker0() && clash.is_movable());
    let pools = pools_clash(facts, policy, &assess::pools_in_force(facts));
    Ok(docker0 || pools || policy.pin && !pinned(facts, policy)?)
}

/// Whether the pools the operator gave are what the file says and what docker0 has.
fn pinned(facts: &Facts, policy: &Policy) -> Result<bool, Refusal> {
    let want = choose::given_pools(facts, policy)?;
    let docker0 = facts.docker0().or(bip_of_file(facts));
    let in_file = assess::pools_of_file(facts).is_some_and(|pools| pools == want);
    let inside = |address: Ipv4Net| want.iter().any(|pool| pool.base.contains(&address.trunc()));
    Ok(in_file && assess::pools_in_force(facts) == want && docker0.is_some_and(inside))
}

/// The address for docker0 and the pools that daemon.json already names, when they are a cure: both
/// there, the one inside the others, and clear of everything.
fn cure_in_file(
    facts: &Facts,
    policy: &Policy,
) -> Result<Option<(Ipv4Net, Vec<AddressPool>)>, Refusal> {
    let (Some(bip), Some(pools)) = (bip_of_file(facts), assess::pools_of_file(facts)) else {
        return Ok(None);
    };
    let subnet = IpNet::V4(bip.trunc());
    let inside = pools.iter().any(|pool| pool.base.contains(&bip.trunc()));
    let clear = wanted::wanted(facts, policy).iter().all(|want| {
        !overlap(&want.net, &subnet) || assess::overruled_by_pool(policy, want, &subnet)
    });
    let pinned = !policy.pin || pools == choose::given_pools(facts, policy)?;
    let stored = facts
        .engine_networks()
        .filter(|network| network.name != "bridge");
    let free = stored
        .flat_map(|network| &network.subnets)
        .all(|taken| !overlap(taken, &subnet));
    let good = inside && clear && pinned && free && !pools_clash(facts, policy, &pools);
    Ok(good.then_some((bip, pools)))
}

/// `bip` in daemon.json, when it is an address a bridge can have.
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

/// The range docker0 has, or would have by the file.
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

fn change_file(
    facts: &Facts,
    choice: &Choice,
    tied: Vec<(String, Value)>,
) -> Result<FileChange, Refusal> {
    let config = &facts.docker.config;
    let pools = choice.pools.iter().map(|pool| pool.to_value()).collect();
    let mut set = vec![
        ("bip".to_owned(), Value::String(choice.docker0.to_string())),
        ("default-address-pools".to_owned(), Value::Array(pools)),
    ];
    set.extend(tied);
    set.retain(|(key, value)| config.keys.get(key) != Some(value));
    let before = match config.state {
        ConfigState::Object => config.text.clone(),
        ConfigState::Missing | ConfigState::Broken(_) | ConfigState::Unreadable(_) => None,
    };
    if before.is_none() && config.state == ConfigState::Object {
        // Facts from a file carry no text; a plan without bytes is still a plan, but not one to
        // apply.
        return Ok(by_keys(config.path.clone(), &config.keys, set));
    }
    let after = edit::set_keys(before.as_deref(), &set).map_err(|why| {
        Refusal::new(
            format!("cannot edit {}: {why}", config.path),
            "the file is untouched; please report this",
        )
    })?;
    let mut change = by_keys(config.path.clone(), &config.keys, set);
    change.before = before;
    change.after = after;
    Ok(change)
}

fn by_keys(path: String, keys: &Map<String, Value>, set: Vec<(String, Value)>) -> FileChange {
    let old = set
        .iter()
        .filter_map(|(key, _)| Some((key.clone(), keys.get(key)?.clone())))
        .collect();
    FileChange {
        path,
        before: None,
        after: String::new(),
        keys_before: old,
        keys_after: set.into_iter().collect(),
    }
}

/// What the engine itself steps round on this host; shared by choice and pre-flight.
fn reserved(facts: &Facts) -> crate::subnet::RangeSet {
    reserved_by_engine(facts, facts.version())
}
