//! One host of the fleet: what clashes there, and what it has to do to have the range of all. The
//! second round: it takes the host's facts.

use super::hidden::HiddenHosts;
use super::rows::{ClashRow, InTheWayOfAll, rows};
use super::summary::{State, Summary};
use crate::assess::Assessment;
use crate::assess::clash::Clash;
use crate::facts::{AddressPool, DockerState, Facts};
use crate::phrases::shell_word;
use crate::plan::{Decision, Permits, Plan, plan, pool_list, wanted};
use crate::policy::Policy;
use crate::report::InTheWay;
use crate::report::sentences::networks::Sorted;
use crate::report::vocabulary::Vocabulary;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the second round asks a host's facts.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The pools it is to have; empty where none is clear on it.
    pub pools: &'a [AddressPool],
    /// Whether its Docker hides other hosts, of which its own facts know nothing.
    pub hides: bool,
    /// The range of the others, where this host keeps it from being the range of all.
    pub in_the_way_of: Option<AddressPool>,
}

/// What they say.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    clashes: Vec<ClashRow>,
    clashes_more: usize,
    pub in_the_way: Option<InTheWayOfAll>,
    plan: HostPlan,
    wanted: Map<String, Value>,
    unseen: Vec<String>,
}

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The group it was given with, such as a site; null without one.
    pub group: Option<String>,
    /// Where its facts were read.
    pub source: String,
    /// When its facts were taken; null where they do not say.
    pub taken: Option<String>,
    /// Whether that is too long ago.
    pub stale: bool,
    /// What clashes on it, with what its Docker hides of the others.
    pub state: State,
    /// Docker's state: `absent`, `stopped` or `running`.
    pub docker: Option<DockerState>,
    /// Docker's version, if it is known.
    pub version: Option<String>,
    /// docker0's address, if it is there.
    pub docker0: Option<String>,
    /// The pools it is to have; empty where no range fits.
    pub pools: Vec<AddressPool>,
    /// The clashes that its own facts show, the first to act on first.
    pub clashes: Vec<ClashRow>,
    /// How many more there are.
    pub clashes_more: usize,
    /// The addresses of other hosts in ranges of its Docker.
    pub hides: Vec<HiddenHosts>,
    /// What it has to do.
    pub plan: HostPlan,
    /// What ought to stand in daemon.json for it, for tools that own the file. Empty if Docker's own
    /// choice will do.
    pub wanted: Map<String, Value>,
    /// What could not be seen on it, one sentence each.
    pub unseen: Vec<String>,
}

/// What a host has to do to have the range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostPlan {
    /// The parts, in order; empty if there is nothing to do.
    pub does: Vec<Does>,
    /// docker0's new address; null if it stays.
    pub docker0: Option<String>,
    /// Whether Docker restarts.
    pub restart: bool,
    /// The existing networks that have to be re-created.
    pub networks: Vec<String>,
    /// The networks that clash and that nothing uses: removed, they clash no more.
    pub remove: Vec<String>,
    /// What is in the way.
    pub blockers: Vec<InTheWay>,
    /// The command for this host; null if there is nothing to do.
    pub run: Option<String>,
}

/// A part of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Does {
    /// Docker gets other pools.
    Pools,
    /// docker0 moves.
    Docker0,
    /// Existing networks are re-created.
    Networks,
    /// Networks that nothing uses are removed, by hand.
    Remove,
    /// Something is in the way and has to be settled first.
    Blocked,
}

impl Host {
    pub(super) fn of(summary: &Summary, pools: &[AddressPool], answer: Answer) -> Host {
        Host {
            name: summary.name.clone(),
            group: summary.group.clone(),
            source: summary.source.clone(),
            taken: summary.taken_at.clone(),
            stale: false,
            state: State::Clear,
            docker: Some(summary.docker),
            version: summary.version.clone(),
            docker0: summary.docker0.map(|address| address.to_string()),
            pools: pools.to_vec(),
            clashes: answer.clashes,
            clashes_more: answer.clashes_more,
            hides: Vec::new(),
            plan: answer.plan,
            wanted: answer.wanted,
            unseen: answer.unseen,
        }
    }
}

impl Answer {
    /// Of a host that has nothing to do its summary knows the rest.
    pub fn of_a_clear_host(summary: &Summary) -> Answer {
        Answer {
            wanted: summary.wanted.clone(),
            ..Answer::default()
        }
    }

    /// Of a host whose facts went away between the rounds.
    pub fn of_a_lost_host(why: &str) -> Answer {
        Answer {
            unseen: vec![format!("its facts could not be read again: {why}")],
            ..Answer::default()
        }
    }

    pub fn of(name: &str, facts: &Facts, policy: &Policy, ask: &Ask) -> Answer {
        let before = Assessment::of(facts, policy);
        let (clashes, clashes_more) = rows(&before.clashes);
        let with_pools = Policy {
            pools: ask.pools.to_vec(),
            // Its own facts do not show that it hides others. Only the pinned range moves it.
            pin: ask.hides && !ask.pools.is_empty(),
            ..policy.clone()
        };
        let assessment = Assessment::of(facts, &with_pools);
        Answer {
            clashes,
            clashes_more,
            in_the_way: ask
                .in_the_way_of
                .and_then(|pool| InTheWayOfAll::of(name, &before, pool)),
            plan: HostPlan::of(&assessment, &before.clashes),
            wanted: wanted::keys(&assessment),
            unseen: facts.unseen.clone(),
        }
    }
}

impl HostPlan {
    /// With the range for this host as its policy; `clashes` are those of today.
    fn of(assessment: &Assessment, clashes: &[Clash]) -> HostPlan {
        let Sorted {
            to_recreate,
            to_remove,
            ..
        } = Sorted::of(assessment.facts, clashes);
        let mut of_plan = match plan(assessment, &Permits::plain()) {
            Decision::Nothing => HostPlan::default(),
            Decision::Change(plan) => HostPlan::changing(&plan),
            Decision::Refuse(blockers) => HostPlan {
                does: vec![Does::Blocked],
                blockers: InTheWay::list(&blockers, Vocabulary::CommandLine),
                ..HostPlan::default()
            },
        };
        if !to_recreate.is_empty() {
            of_plan.does.push(Does::Networks);
        }
        of_plan.run = (!of_plan.does.is_empty()).then(|| command(assessment.policy, &to_recreate));
        if !to_remove.is_empty() {
            of_plan.does.push(Does::Remove);
        }
        of_plan.networks = to_recreate;
        of_plan.remove = to_remove;
        of_plan
    }

    fn changing(plan: &Plan) -> HostPlan {
        let keys = plan.write.iter().flat_map(|change| &change.keys_after);
        let sets_pools = keys.into_iter().any(|(key, _)| key == pool_list::KEY);
        let pools = sets_pools.then_some(Does::Pools);
        let docker0 = plan.docker0.map(|_| Does::Docker0);
        HostPlan {
            does: pools.into_iter().chain(docker0).collect(),
            docker0: plan.docker0.map(|address| address.to_string()),
            restart: plan.restart,
            ..HostPlan::default()
        }
    }
}

/// What to run on the host: with the options of this run, but with the pools of the fleet.
fn command(policy: &Policy, networks: &[String]) -> String {
    let mut words = vec!["rebridge apply".to_owned()];
    let given: Vec<&str> = policy.given.iter().map(String::as_str).collect();
    let pairs = given
        .chunks(2)
        .filter(|pair| pair.first() != Some(&"--pool"));
    words.extend(pairs.flatten().map(|word| shell_word(word)));
    for pool in &policy.pools {
        words.push(format!("--pool base={},size={}", pool.base, pool.size));
    }
    words.extend(policy.pin.then(|| "--pin".to_owned()));
    words.extend((!networks.is_empty()).then(|| "--networks recreate".to_owned()));
    words.join(" ")
}
