//! The options of the Ansible module, read and coerced as Ansible coerces them, and what they mean
//! in the words of the command line: from there on there is one way through the program.

use super::read::{Args, named};
use crate::cli::{Apply, Look, Networks, Observe, Rollback};
use crate::policy::{Declared, read_avoid_file, read_avoid_named};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Every option, in the order of the documentation.
pub const NAMES: [&str; 17] = [
    "state",
    "avoid",
    "avoid_files",
    "pools",
    "ignore",
    "networks",
    "network_names",
    "probe",
    "restart",
    "restart_command",
    "timeout",
    "wait",
    "dead_man",
    "allow_container_stop",
    "accept_mac_loss",
    "root",
    "avoid_inventory",
];

/// Between the action plugin and this program: what was read on the controller.
const NAMED: &str = "avoid_named";

/// What is to be done.
#[derive(Debug)]
pub enum Job {
    /// Look, and report.
    Check(Look),
    /// Bring it about.
    Apply(Apply),
    /// Undo the last apply.
    Rollback(Rollback),
}

/// The state a host is to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fixed,
    Checked,
    RolledBack,
    Pinned,
}

const STATES: [(&str, State); 4] = [
    ("fixed", State::Fixed),
    ("checked", State::Checked),
    ("rolled_back", State::RolledBack),
    ("pinned", State::Pinned),
];
const NETWORKS: [(&str, Networks); 2] = [
    ("report", Networks::Report),
    ("recreate", Networks::Recreate),
];

/// Understood options: the job, and how they read, for `invocation`.
#[derive(Debug)]
pub struct Options {
    /// What is to be done.
    pub job: Job,
    /// Every option with the value it has, defaults too.
    pub shown: Map<String, Value>,
}

/// Reads the options; `check` is Ansible's check mode.
pub fn read(args: Map<String, Value>, check: bool) -> Result<Options, String> {
    let mut args = Args::new(args, &NAMES, NAMED)?;
    let state = args.choice("state", &STATES, "fixed")?;
    let declared = declared(&mut args)?;
    let look = Look {
        avoid: args.words("avoid")?,
        avoid_file: args.words("avoid_files")?,
        declared,
        pool: args.pools("pools")?,
        ignore: args.words("ignore")?,
        json: true,
        facts: None,
        observe: Observe {
            root: args.text("root")?.map(PathBuf::from),
        },
    };
    let apply = Apply {
        check,
        yes: true,
        networks: args.choice("networks", &NETWORKS, "report")?,
        network: args.words("network_names")?,
        probe: args.words("probe")?,
        no_restart: !args.flag("restart", true)?,
        restart_command: args.text("restart_command")?,
        timeout: args.number("timeout", 120, 1..=3600)?,
        wait: args.number("wait", 0, 0..=86400)?,
        dead_man: Some(args.number("dead_man", 0, 0..=86400)?).filter(|seconds| *seconds > 0),
        allow_container_stop: args.flag("allow_container_stop", false)?,
        accept_mac_loss: args.flag("accept_mac_loss", false)?,
        pin: state == State::Pinned,
        look,
    };
    if args.flag("avoid_inventory", false)? {
        return Err(
            "avoid_inventory: only the action plugin of the collection knows the inventory; call \
                    the module by its full name, rebridge.docker.rebridge"
                .to_owned(),
        );
    }
    agree(state, &apply)?;
    Ok(Options {
        job: job(state, apply),
        shown: args.shown(),
    })
}

/// What single options cannot say for themselves.
fn agree(state: State, apply: &Apply) -> Result<(), String> {
    let why = match state {
        State::Pinned if apply.look.pool.is_empty() => {
            "state: pinned takes the pools you give, and pools is empty"
        }
        State::RolledBack if apply.look.observe.root.is_some() => {
            "root: an unpacked image has no record of an apply, so state: rolled_back cannot undo \
             one there"
        }
        _ if apply.no_restart && apply.restart_command.is_some() => {
            "restart_command: restart is false, so it would never run; leave one of the two out"
        }
        _ if apply.dead_man.is_some_and(|seconds| seconds < 5) => {
            "dead_man: give 5 seconds or more, or 0 for none"
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

fn job(state: State, apply: Apply) -> Job {
    match state {
        State::Fixed | State::Pinned => Job::Apply(apply),
        State::Checked => Job::Check(apply.look),
        State::RolledBack => Job::Rollback(Rollback {
            json: true,
            yes: true,
            check: apply.check,
            // A fleet is rolled back in one play, also where some hosts never needed the change.
            unless_none: true,
            allow_container_stop: apply.allow_container_stop,
            wait: apply.wait,
            dead_man: false,
            timeout: apply.timeout,
        }),
    }
}

/// What the action plugin has read on the controller: files as text, and networks under a name.
fn declared(args: &mut Args) -> Result<Vec<Declared>, String> {
    let mut all = Vec::new();
    for record in args.records(NAMED)? {
        let (name, nets, text) =
            named(&record).ok_or("avoid_named: give a list of name and nets, or name and text")?;
        if let Some(text) = text {
            all.extend(read_avoid_file(name, text).map_err(|why| format!("avoid_files: {why}"))?);
        }
        all.extend(read_avoid_named(name, &nets)?);
    }
    Ok(all)
}
