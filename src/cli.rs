//! The command line: what was typed, and the request it means.

mod examples;
mod request;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

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
    /// Write the result in FILE too, as JSON
    #[arg(long, value_name = "FILE", global = true)]
    pub result: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// LookArgs and explain; change nothing. Exits 1 when something clashes
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
    Facts(RootArgs),
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct RootArgs {
    /// An unpacked image instead of this host: files only, never a restart
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// What the verbs that judge take.
#[derive(Debug, Args)]
pub struct LookArgs {
    /// A network Docker must keep off; repeatable, comma lists
    #[arg(long, value_name = "CIDR")]
    pub avoid: Vec<String>,
    /// A file of such networks, one a line, `#` comments; - is standard input
    #[arg(long, value_name = "FILE")]
    pub avoid_file: Vec<String>,
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
    #[command(flatten)]
    pub root: RootArgs,
}

/// What check takes.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub look: LookArgs,
    /// List and count only these clashes: present, latent, known, suspected; comma list
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "LIST",
        hide_possible_values = true
    )]
    pub only: Vec<Only>,
    /// Write metrics for node_exporter's textfile collector in FILE (a name that ends in
    /// .prom)
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

/// What apply takes.
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    pub look: LookArgs,
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
    /// Which clashes to act on: those by lasting evidence (known), or also those by traffic
    /// (suspected). Without it: suspected where you are asked, known with --yes and --json
    #[arg(
        long,
        value_enum,
        value_name = "known|suspected",
        hide_possible_values = true
    )]
    pub act_on: Option<ActOn>,
    /// Wait so long for another rebridge to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
    /// How long Docker may take to restart
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Roll back after so many seconds unless this run has verified the change by then,
    /// even if it is killed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=86400))]
    pub dead_man: Option<u64>,
    /// Must accept a TCP connection after the fix, or it is rolled back; repeatable
    #[arg(long, value_name = "HOST:PORT")]
    pub probe: Vec<String>,
    /// Take the pools given with --pool even when nothing clashes
    #[arg(long, requires = "pool")]
    pub pin: bool,
}

/// Which clashes to list and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    Present,
    Latent,
    Known,
    Suspected,
}

/// How sure a clash must be to be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ActOn {
    Known,
    Suspected,
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
    #[command(flatten)]
    pub look: LookArgs,
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
    #[command(flatten)]
    pub look: LookArgs,
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
    #[command(flatten)]
    pub look: LookArgs,
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

impl Cli {
    /// Whether the result is read by a program.
    pub fn wants_json(&self) -> bool {
        match &self.verb {
            Verb::Check(check) => check.look.json,
            Verb::Apply(apply) => apply.look.json,
            Verb::Forecast(forecast) => forecast.look.json,
            Verb::Map(map) => map.look.json,
            Verb::Explain(explain) => explain.look.json,
            Verb::Rollback(rollback) => rollback.json,
            Verb::Facts(_) => false,
        }
    }
}
