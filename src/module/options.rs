//! The module's options, read and coerced as Ansible coerces them, and the request they mean.

use super::fleet;
use super::read::{Args, named};
use crate::apply::{self, check::Probe};
use crate::host::operator_files;
use crate::plan::Permits;
use crate::plan::relocate::Existing;
use crate::policy::accept::read_accept;
use crate::policy::option::{BadValue, Opt};
use crate::policy::read::{read_avoid, read_avoid_file, read_avoid_named, read_ignore, read_pools};
use crate::policy::{Declared, Policy};
use crate::report::vocabulary::Vocabulary;
use crate::verbs::request::{
    ApplyRequest, CheckRequest, FleetRequest, Look, RelieveRequest, RollbackRequest, Target,
};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// In the order of the documentation.
pub const NAMES: [&str; 20] = [
    "state",
    "avoid",
    "avoid_files",
    "pools",
    "ignore",
    "remember",
    "use_options",
    "act_on",
    "networks",
    "network_names",
    "probe",
    "restart",
    "restart_command",
    "timeout",
    "wait",
    "dead_man",
    "accept",
    "root",
    "avoid_inventory",
    "folder",
];

/// What the action plugin has read on the controller. Not for plays.
const NAMED: &str = "avoid_named";

#[derive(Debug)]
pub enum Job {
    Check(Box<CheckRequest>),
    /// A check whose answer is what ought to be set.
    Advice(Box<CheckRequest>),
    Apply(Box<ApplyRequest>),
    Rollback(RollbackRequest),
    Relieve(Box<RelieveRequest>),
    Facts(Target),
    Fleet(FleetRequest),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fixed,
    Checked,
    RolledBack,
    Pinned,
    Relieved,
    Unrelieved,
    Advice,
    Facts,
    Fleet,
}

const STATES: [(&str, State); 9] = [
    ("fixed", State::Fixed),
    ("checked", State::Checked),
    ("rolled_back", State::RolledBack),
    ("pinned", State::Pinned),
    ("relieved", State::Relieved),
    ("unrelieved", State::Unrelieved),
    ("advice", State::Advice),
    ("facts", State::Facts),
    ("fleet", State::Fleet),
];
const NETWORKS: [(&str, Existing); 2] =
    [("report", Existing::Report), ("recreate", Existing::Move)];

const ACT_ON: [(&str, bool); 2] = [("known", false), ("suspected", true)];

/// The options as understood.
#[derive(Debug)]
pub struct Options {
    pub job: Job,
    /// Every option with its value, defaults too; for `invocation`.
    pub shown: Map<String, Value>,
}

/// `check` is Ansible's check mode.
pub fn read(args: Map<String, Value>, check: bool) -> Result<Options, BadValue> {
    let mut args = Args::new(args, &NAMES, &[NAMED, fleet::FACTS])?;
    let state = args.choice("state", &STATES, "fixed")?;
    let look = look(&mut args, state)?;
    let mut permits = permits(&mut args)?;
    let order = order(&mut args)?;
    permits.own_command = order.restart_command.is_some();
    let apply = ApplyRequest {
        look,
        check,
        remember: args.flag("remember", false)?,
        relieve: false,
        permits,
        order,
        wait: Duration::from_secs(args.seconds("wait", 60, 0..=86400)?),
    };
    only_of_the_plugin(&mut args)?;
    let files = fleet::files(&mut args)?;
    agree(state, &apply)?;
    Ok(Options {
        job: job(state, apply, files),
        shown: args.shown(),
    })
}

/// What the action plugin takes away before it calls the module.
fn only_of_the_plugin(args: &mut Args) -> Result<(), BadValue> {
    let inventory = args.flag("avoid_inventory", false)?;
    let folder = args.text("folder")?.is_some();
    let name = match (inventory, folder) {
        (true, _) => "avoid_inventory",
        (_, true) => "folder",
        _ => return Ok(()),
    };
    Err(BadValue::plain(format!(
        "{name}: only the action plugin of the collection knows the controller; call the module by \
         its full name, rebridge.docker.rebridge"
    )))
}

// What to look at, and by which policy.

fn look(args: &mut Args, state: State) -> Result<Look, BadValue> {
    let avoid = avoid(args)?;
    let root = args.text("root")?.map(PathBuf::from);
    let pools = read_pools(&args.pools("pools")?)?;
    Ok(Look {
        target: root.map_or(Target::ThisHost, Target::Image),
        policy: Policy {
            avoid,
            // Advice with pools of yours is about these pools, whether anything clashes or not.
            pin: state == State::Pinned || state == State::Advice && !pools.is_empty(),
            pools,
            ignore: read_ignore(&args.words("ignore")?)?,
            given: Vec::new(),
            options: Vec::new(),
        },
        no_options: !args.flag("use_options", true)?,
        vocabulary: Vocabulary::Ansible,
    })
}

fn avoid(args: &mut Args) -> Result<Vec<Declared>, BadValue> {
    let label = Vocabulary::Ansible.label(Opt::Avoid);
    let mut avoid = read_avoid(&args.words("avoid")?, label)?;
    // The action plugin reads the files on the controller. Without it they are the target's.
    for name in args.words("avoid_files")? {
        let text = operator_files::read_text(&name)
            .map_err(|error| BadValue::at(Opt::AvoidFile, &name, error))?;
        avoid.extend(read_avoid_file(&name, &text)?);
    }
    for record in args.records(NAMED)? {
        let (name, nets, text) = named(&record).ok_or_else(|| {
            BadValue::plain("avoid_named: give a list of name and nets, or name and text")
        })?;
        if let Some(text) = text {
            avoid.extend(read_avoid_file(name, text)?);
        }
        avoid.extend(read_avoid_named(name, &nets)?);
    }
    Ok(avoid)
}

// What the module may do, and how.

fn permits(args: &mut Args) -> Result<Permits, BadValue> {
    let networks = args.choice("networks", &NETWORKS, "report")?;
    let names = args.words("network_names")?;
    Ok(Permits {
        restart: args.flag("restart", true)?,
        accepted: read_accept(&args.words("accept")?)?,
        own_command: false,
        networks: match names.is_empty() {
            true => networks,
            false => Existing::MoveOnly(names),
        },
        act_on_suspected: args.choice("act_on", &ACT_ON, "known")?,
    })
}

fn order(args: &mut Args) -> Result<apply::request::Request, BadValue> {
    let timeout = args.seconds("timeout", 0, 0..=3600)?;
    let dead_man = args.seconds("dead_man", 0, 0..=86400)?;
    Ok(apply::request::Request {
        timeout: Some(timeout)
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        probes: Probe::look_up_all(&args.words("probe")?)?,
        restart_command: args.text("restart_command")?,
        dead_man: Some(dead_man).filter(|seconds| *seconds > 0),
    })
}

// What the options mean together.

/// Refuses options that are sound one by one, and not together.
fn agree(state: State, apply: &ApplyRequest) -> Result<(), BadValue> {
    let order = &apply.order;
    let why = match state {
        State::RolledBack if matches!(apply.look.target, Target::Image(_)) => {
            "root: an unpacked image has no record of an apply, so state: rolled_back cannot undo \
             one there"
        }
        State::Relieved | State::Unrelieved if matches!(apply.look.target, Target::Image(_)) => {
            "root: an unpacked image has no routes to add or to take away"
        }
        _ if apply.remember && apply.look.no_options => {
            "remember: use_options is false, so no later run would read what is kept; leave one of \
             the two out"
        }
        _ if !apply.permits.restart && order.restart_command.is_some() => {
            "restart_command: restart is false, so it would never run; leave one of the two out"
        }
        _ if order.dead_man.is_some_and(|seconds| seconds < 5) => {
            "dead_man: give 5 seconds or more, or 0 for none"
        }
        _ => return Ok(()),
    };
    Err(BadValue::plain(why))
}

fn check_of(look: Look) -> Box<CheckRequest> {
    Box::new(CheckRequest {
        look,
        ..CheckRequest::default()
    })
}

fn job(state: State, apply: ApplyRequest, files: Vec<(String, String)>) -> Job {
    match state {
        State::Fixed | State::Pinned => Job::Apply(Box::new(apply)),
        State::Checked => Job::Check(check_of(apply.look)),
        State::Advice => Job::Advice(check_of(apply.look)),
        State::Relieved | State::Unrelieved => Job::Relieve(Box::new(RelieveRequest {
            undo: state == State::Unrelieved,
            unless_verified: false,
            dead_man: apply.order.dead_man,
            look: apply.look,
            check: apply.check,
            act_on_suspected: apply.permits.act_on_suspected,
            probes: apply.order.probes,
            wait: apply.wait,
        })),
        State::Facts => Job::Facts(apply.look.target),
        State::Fleet => Job::Fleet(fleet::request(apply.look.policy, files)),
        State::RolledBack => Job::Rollback(RollbackRequest {
            check: apply.check,
            // One play rolls back a whole fleet; some of its hosts never needed the change.
            unless_none: true,
            accepted: apply.permits.accepted,
            settle: false,
            order: apply::go_back::Order {
                timeout: apply.order.timeout,
                dead_man: apply.order.dead_man,
            },
            wait: apply.wait,
            vocabulary: Vocabulary::Ansible,
        }),
    }
}
