//! Options that several verbs share, in the groups in which `--help` lists them.

use clap::Args;
use std::path::PathBuf;

pub const POLICY: &str = "Policy";
pub const OUTPUT: &str = "Output";
pub const PROOF: &str = "When to roll back";
pub const ACTS: &str = "What apply may do";
pub const TIMES: &str = "Time limits";

#[derive(Debug, Args)]
#[command(next_help_heading = "What to look at")]
pub struct RootArgs {
    /// Use an unpacked image instead of this host: only files, never a restart
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What to look at")]
pub struct LookArgs {
    #[command(flatten)]
    pub root: RootArgs,
    /// Use facts saved by `rebridge facts` instead of this host
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub facts: Option<PathBuf>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Leave out the options in /etc/rebridge/options
    #[arg(long, help_heading = POLICY)]
    pub no_options: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = POLICY)]
pub struct PolicyArgs {
    /// A network Docker must avoid; repeatable, takes comma lists
    #[arg(long, value_name = "CIDR")]
    pub avoid: Vec<String>,
    /// A file of such networks, one a line, `#` begins a comment; - is standard input
    #[arg(long, value_name = "FILE")]
    pub avoid_file: Vec<String>,
    /// Evidence you know is wrong: a CIDR, a file of this host, or onlink, route, nameserver,
    /// configured, declared, neighbour, connection, ssh
    #[arg(long, value_name = "SOURCE|CIDR|FILE")]
    pub ignore: Vec<String>,
    /// A pool to choose from: base=CIDR,size=N or a bare CIDR (size 24); repeatable
    #[arg(long, value_name = "POOL")]
    pub pool: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = ACTS)]
pub struct PermitArgs {
    /// Write daemon.json and leave the restart to you
    #[arg(long)]
    pub no_restart: bool,
    /// Shell command that restarts Docker, if neither systemd, snap, OpenRC nor an init script does
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_restart")]
    pub restart_command: Option<String>,
    #[command(flatten)]
    pub accept: AcceptArgs,
    /// What to do with existing networks that clash: only report them, or re-create them on clear
    /// subnets with their containers
    #[arg(long, value_enum, value_name = "report|recreate", default_value_t = Networks::Report, hide_default_value = true, hide_possible_values = true)]
    pub networks: Networks,
    /// Re-create only this network, if it clashes; repeatable, implies --networks recreate
    #[arg(long, value_name = "NAME")]
    pub network: Vec<String>,
    #[command(flatten)]
    pub act_on: ActOnArgs,
}

#[derive(Debug, Args)]
pub struct ActOnArgs {
    /// Which clashes to act on: known (by settings), or suspected, too (by traffic). Default:
    /// suspected if you are asked, known with --yes and --json
    #[arg(
        long,
        value_enum,
        value_name = "known|suspected",
        hide_possible_values = true
    )]
    act_on: Option<ActOn>,
}

impl ActOnArgs {
    /// `attended` says that a person sees what would be done before it is.
    pub fn act_on_suspected(&self, attended: bool) -> bool {
        self.act_on
            .map_or(attended, |act_on| act_on == ActOn::Suspected)
    }
}

#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// Go ahead in spite of these blockers: container-stop, mac-loss, old-address, old-range-rules,
    /// pending-settings, lockout; repeatable, takes comma lists
    #[arg(long, value_name = "LIST")]
    pub accept: Vec<String>,
}

/// How sure a clash must be to be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ActOn {
    Known,
    Suspected,
}

/// Which clashes to list and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    Present,
    Latent,
    Known,
    Suspected,
}

/// What becomes of existing networks that clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Networks {
    Report,
    Recreate,
}

#[derive(Debug, Args)]
#[command(next_help_heading = PROOF)]
pub struct ProofArgs {
    /// Roll back unless this address accepts a TCP connection afterwards; repeatable
    #[arg(long, value_name = "HOST:PORT")]
    pub probe: Vec<String>,
    /// Roll back after so many seconds unless this run has verified the change by then, even if the
    /// run is killed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=86400))]
    pub dead_man: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = TIMES)]
pub struct TimeArgs {
    /// How long the restart of Docker may take; by default what suits the host, 120 at least
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: Option<u64>,
    /// How long to wait for another rebridge to finish
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct OutputArgs {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}
