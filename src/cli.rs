//! The command line as typed, and what it means. Nothing is looked at here but the avoid-files.

mod again;
mod examples;

use crate::apply::verify::Probe;
use crate::plan::Permits;
use crate::plan::relocate::Existing;
use crate::policy::{Declared, Policy, read_avoid, read_avoid_file, read_ignore, read_pools};
use clap::{Args, Parser, Subcommand};
use std::io::Read;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

/// Moves Docker's bridges off the networks this host needs to reach.
///
/// docker0 takes 172.17.0.0/16 unless told otherwise, and every packet for servers there goes into
/// it. `rebridge check` says what Docker shadows and how it knows; `rebridge apply` gives Docker
/// other ranges, restarts it, proves that docker0 moved, and otherwise puts everything back.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = examples::ALL, infer_subcommands = false)]
pub struct Cli {
    /// check, apply, rollback: say why each piece of evidence counts, and why this range was chosen
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// check, apply, rollback: print nothing but errors and questions; the exit code says it all
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// OutputFile the result in FILE too, as JSON
    #[arg(long, value_name = "FILE", global = true)]
    pub result: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Look and explain; change nothing. Exits 1 when something clashes
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Check, and where needed fix and verify
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Undo the last apply, verified
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Foretell the next subnets Docker would hand out, and which of them would clash
    #[command(after_help = examples::FORECAST)]
    Forecast(Forecast),
    /// Draw who uses what of the private address space, now and after apply
    #[command(after_help = examples::MAP)]
    Map(Map),
    /// Say why Docker is where it is: what it saw, what it could not see, and in which order it
    /// looks
    #[command(after_help = examples::EXPLAIN)]
    Explain(Explain),
    /// Print everything observed as JSON; feed it back with --facts
    #[command(after_help = examples::FACTS)]
    Facts(Observe),
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct Observe {
    /// An unpacked image instead of this host: files only, never a restart
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// What the verbs that judge take.
#[derive(Debug, Args)]
pub struct Look {
    /// A network Docker must keep off; repeatable, comma lists
    #[arg(long, value_name = "CIDR")]
    pub avoid: Vec<String>,
    /// A file of such networks, one a line, `#` comments; - is standard input
    #[arg(long, value_name = "FILE")]
    pub avoid_file: Vec<String>,
    /// Such networks, read already: of the Ansible module.
    #[arg(skip)]
    pub declared: Vec<Declared>,
    /// A pool to choose from: base=CIDR,size=N or a bare CIDR (size 24); repeatable
    #[arg(long, value_name = "POOL")]
    pub pool: Vec<String>,
    /// Evidence you know to be wrong: onlink, route, nameserver, declared, neighbour, connection,
    /// ssh, or a CIDR
    #[arg(long, value_name = "SOURCE|CIDR")]
    pub ignore: Vec<String>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Use facts saved by `rebridge facts` instead of this host
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub facts: Option<PathBuf>,
    /// Where to look.
    #[command(flatten)]
    pub observe: Observe,
}

/// What check takes.
#[derive(Debug, Args)]
pub struct Check {
    /// What to look at and by which rules.
    #[command(flatten)]
    pub look: Look,
    /// OutputFile metrics for node_exporter's textfile collector in FILE (a name that ends in
    /// .prom)
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

/// What apply takes.
#[derive(Debug, Args)]
pub struct Apply {
    /// What to look at and by which rules.
    #[command(flatten)]
    pub look: Look,
    /// Only say what would be done
    #[arg(long)]
    pub check: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Write daemon.json and leave the restart to somebody else
    #[arg(long)]
    pub no_restart: bool,
    /// What restarts Docker, for a shell; where neither systemd, snap, OpenRC nor an init script
    /// does
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_restart")]
    pub restart_command: Option<String>,
    /// Where live-restore keeps containers alive: stop them for the restart and start them again
    #[arg(long)]
    pub allow_container_stop: bool,
    /// Existing networks that clash: report them, or make them anew on clear subnets with their
    /// containers on them
    #[arg(long, value_enum, value_name = "report|recreate", default_value_t = Networks::Report, hide_default_value = true, hide_possible_values = true)]
    pub networks: Networks,
    /// Make only this network anew, if it clashes; repeatable, means --networks recreate
    #[arg(long, value_name = "NAME")]
    pub network: Vec<String>,
    /// Move a network although a container on it loses its fixed MAC address (Docker 25 and later)
    #[arg(long)]
    pub accept_mac_loss: bool,
    /// Wait so long for another rebridge to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
    /// How long Docker may take to restart
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// ContainerStates back after so many seconds unless this run has verified the change by then,
    /// even if it is killed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=86400))]
    pub dead_man: Option<u64>,
    /// Must accept a TCP connection after the fix, or it is rolled back; repeatable
    #[arg(long, value_name = "HOST:PORT")]
    pub probe: Vec<String>,
    /// DockerRange the pools given with --pool even when nothing clashes
    #[arg(long, requires = "pool")]
    pub pin: bool,
}

/// What becomes of existing networks that clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Networks {
    /// They are reported.
    Report,
    /// They are made anew elsewhere.
    Recreate,
}

/// What forecast takes.
#[derive(Debug, Args)]
pub struct Forecast {
    /// What to look at and by which rules.
    #[command(flatten)]
    pub look: Look,
    /// How many subnets
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    /// Foretell this engine version instead of the one that runs; for hosts where Docker comes
    /// later
    #[arg(long, value_name = "VERSION")]
    pub engine: Option<String>,
}

/// What map takes.
#[derive(Debug, Args)]
pub struct Map {
    /// What to look at and by which rules.
    #[command(flatten)]
    pub look: Look,
    /// Write a picture, too: for a ticket or a wiki
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// What explain takes.
#[derive(Debug, Args)]
pub struct Explain {
    /// A Docker network, a bridge, a range or an address; docker0 where nothing is given
    #[arg(value_name = "NETWORK|CIDR")]
    pub about: Option<String>,
    /// What to look at and by which rules.
    #[command(flatten)]
    pub look: Look,
}

/// What rollback takes.
#[derive(Debug, Args)]
pub struct Rollback {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Only say what would be undone
    #[arg(long)]
    pub check: bool,
    /// Where no apply has been recorded there is nothing to undo, and that is fine: of the Ansible
    /// module.
    #[arg(skip)]
    pub unless_none: bool,
    /// Where live-restore keeps containers alive: stop them for the restart and start them again
    #[arg(long)]
    pub allow_container_stop: bool,
    /// Wait so long for another rebridge to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
    /// What the timer of `apply --dead-man` runs: undo an apply that did not come to its end, and
    /// nothing else
    #[arg(long, hide = true)]
    pub dead_man: bool,
    /// How long Docker may take to restart
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

impl Look {
    /// The policy these arguments mean; the error is for the operator.
    pub fn policy(&self, pin: bool) -> Result<Policy, String> {
        let mut avoid = read_avoid(&self.avoid)?;
        for name in &self.avoid_file {
            let text = read_text(name).map_err(|error| format!("--avoid-file {name}: {error}"))?;
            avoid.extend(
                read_avoid_file(name, &text).map_err(|why| format!("--avoid-file: {why}"))?,
            );
        }
        avoid.extend_from_slice(&self.declared);
        Ok(Policy {
            avoid,
            pools: read_pools(&self.pool)?,
            pin,
            ignore: read_ignore(&self.ignore)?,
            given: self.again(),
        })
    }
}

impl Apply {
    /// What the plan may contain.
    pub fn permits(&self) -> Permits {
        Permits {
            restart: !self.no_restart,
            stop_containers: self.allow_container_stop,
            own_command: self.restart_command.is_some(),
            networks: match (self.network.as_slice(), self.networks) {
                ([], Networks::Report) => Existing::Report,
                ([], Networks::Recreate) => Existing::Move,
                (names, _) => Existing::MoveOnly(names.to_vec()),
            },
            mac_loss: self.accept_mac_loss,
        }
    }

    /// The deadline for Docker.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The probes, looked up now: later there may be no nameserver to ask.
    pub fn probes(&self) -> Result<Vec<Probe>, String> {
        let look_up = |name: &String| match name.to_socket_addrs() {
            Ok(addresses) => Ok(Probe {
                name: name.clone(),
                addresses: addresses.collect(),
            }),
            Err(error) => Err(format!(
                "--probe {name}: {error}; write HOST:PORT, for example 172.17.50.10:8080"
            )),
        };
        self.probe.iter().map(look_up).collect()
    }
}

fn read_text(name: &str) -> std::io::Result<String> {
    if name != "-" {
        return std::fs::read_to_string(name);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
