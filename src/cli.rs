//! The command line: what was typed, and the request it means.

mod examples;
mod groups;
mod request;

use clap::{Parser, Subcommand};
use groups::{
    AcceptArgs, ActOnArgs, LookArgs, Only, OutputArgs, PermitArgs, PolicyArgs, ProofArgs, RootArgs,
    TimeArgs,
};
use std::path::PathBuf;

/// Moves Docker's bridges off the networks this host needs to reach.
///
/// By default docker0 takes 172.17.0.0/16. From then on, every packet for servers in that range goes
/// into the bridge. `rebridge check` says what Docker shadows and how it knows. `rebridge apply`
/// gives Docker other ranges, restarts it, proves that docker0 moved, and otherwise puts everything
/// back.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = examples::ALL, infer_subcommands = false)]
pub struct Cli {
    // Global options keep the order they have here: without one of their own, clap would sort them
    // between the options of the verb.
    /// Also say why each piece of evidence counts, and why this range was chosen (check, apply,
    /// rollback)
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "quiet",
        help_heading = groups::OUTPUT,
        display_order = 101
    )]
    pub verbose: bool,
    /// Print only errors and prompts; rely on the exit code (check, apply, rollback)
    #[arg(long, short, global = true, help_heading = groups::OUTPUT, display_order = 102)]
    pub quiet: bool,
    /// Also write the result to FILE, as JSON
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = groups::OUTPUT,
        display_order = 100
    )]
    pub result: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Say what clashes and how rebridge knows; change nothing. Exits 1 if something clashes
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Look again whenever the network changes, and say when the clashes do; change nothing
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// Check, fix what clashes, and verify
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// End the outage now without a restart: longer routes past Docker's bridge, until the next boot
    #[command(after_help = examples::RELIEVE)]
    Relieve(Relieve),
    /// Undo the last apply, and verify that
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Predict the next subnets Docker will take, and which of them would clash
    #[command(after_help = examples::FORECAST)]
    Forecast(Forecast),
    /// Draw who uses which private addresses, now and after apply
    #[command(after_help = examples::MAP)]
    Map(Map),
    /// Say why Docker is where it is: what it saw, what it could not see, and in which order it
    /// searches
    #[command(after_help = examples::EXPLAIN)]
    Explain(Explain),
    /// Print everything rebridge sees as JSON, for --facts
    #[command(after_help = examples::FACTS)]
    Facts(RootArgs),
    /// Judge many hosts by their facts: who clashes, one range that is clear on all, the plan of
    /// each. Exits 1 if something clashes
    #[command(after_help = examples::FLEET)]
    Fleet(Fleet),
}

#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    look: LookArgs,
    /// List and count only these clashes: present, latent, known, suspected; comma list
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", hide_possible_values = true, help_heading = groups::OUTPUT)]
    only: Vec<Only>,
    #[command(flatten)]
    output: OutputArgs,
    /// Also write metrics to FILE, for node_exporter's textfile collector (FILE ends in .prom)
    #[arg(long, value_name = "FILE", help_heading = groups::OUTPUT)]
    metrics: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Watch {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Leave out the options in /etc/rebridge/options
    #[arg(long, help_heading = groups::POLICY)]
    no_options: bool,
    /// List and count only these clashes: present, latent, known, suspected; comma list
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", hide_possible_values = true, help_heading = groups::OUTPUT)]
    only: Vec<Only>,
    /// Print one JSON object a line, whenever the clashes change
    #[arg(long, help_heading = groups::OUTPUT)]
    json: bool,
    /// Also write metrics to FILE after each look, for node_exporter's textfile collector (FILE ends
    /// in .prom)
    #[arg(long, value_name = "FILE", help_heading = groups::OUTPUT)]
    metrics: Option<PathBuf>,
    /// Shell command to run whenever the clashes change, with that JSON object on its standard
    /// input; it has a minute
    #[arg(long, value_name = "COMMAND", help_heading = groups::OUTPUT)]
    on_change: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Apply {
    /// Only show what would be done
    #[arg(long)]
    check: bool,
    /// Do not ask: change what the plan says
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    look: LookArgs,
    /// Take the pools of --pool even if nothing clashes
    #[arg(long, help_heading = groups::POLICY)]
    pin: bool,
    /// If this run goes well, keep its --avoid, --avoid-file, --ignore and --pool in
    /// /etc/rebridge/options for every later run
    #[arg(long, conflicts_with_all = ["no_options", "facts"], help_heading = groups::POLICY)]
    remember: bool,
    /// Relieve this host now, and only write daemon.json: the cure comes with Docker's next restart
    #[arg(long, conflicts_with_all = ["restart_command", "root", "facts"], help_heading = groups::ACTS)]
    relieve: bool,
    #[command(flatten)]
    permits: PermitArgs,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    times: TimeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Relieve {
    /// Only show what would be done
    #[arg(long)]
    check: bool,
    /// Do not ask: add the routes
    #[arg(long, short)]
    pub yes: bool,
    /// Take all relief away
    #[arg(long)]
    undo: bool,
    /// What the timer of `relieve --dead-man` runs: undo relief that was not verified, and nothing
    /// else
    #[arg(long, hide = true, requires = "undo")]
    unless_verified: bool,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    act_on: ActOnArgs,
    #[command(flatten)]
    proof: ProofArgs,
    /// Roll back unless this address accepts a TCP connection from inside this container; repeatable
    #[arg(long, value_name = "NAME=HOST:PORT", help_heading = groups::PROOF)]
    probe_container: Vec<String>,
    /// How long to wait for another rebridge to finish
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = groups::TIMES)]
    wait: u64,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Rollback {
    /// Only show what would be undone
    #[arg(long)]
    check: bool,
    /// Do not ask: change what the plan says
    #[arg(long, short)]
    pub yes: bool,
    /// Put the state of now back after so many seconds unless this run has verified the rollback by
    /// then, even if the run is killed
    #[arg(long, value_name = "SECONDS", help_heading = groups::PROOF,
        value_parser = clap::value_parser!(u64).range(5..=86400))]
    dead_man: Option<u64>,
    /// What the timer of `--dead-man` runs: undo a run that did not come to its end, and nothing else
    #[arg(long, hide = true)]
    settle: bool,
    #[command(flatten)]
    accept: AcceptArgs,
    #[command(flatten)]
    times: TimeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Forecast {
    /// How many subnets
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// Predict for this version of Docker instead of the one that runs, for example before Docker
    /// is installed
    #[arg(long, value_name = "VERSION")]
    engine: Option<String>,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Map {
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Also write a picture to FILE, for a ticket or a wiki
    #[arg(long, value_name = "FILE", help_heading = groups::OUTPUT)]
    svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A Docker network, a bridge, a range or an address; docker0 if you name none
    #[arg(value_name = "NETWORK|CIDR")]
    about: Option<String>,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub struct Fleet {
    /// Facts as `rebridge facts` prints them: a file a host, folders of such files, or files that
    /// end in .jsonl with a host a line; - takes lines from standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Name facts that are older
    #[arg(long, value_name = "DAYS", default_value_t = 7, help_heading = "What to look at", value_parser = clap::value_parser!(u16).range(1..))]
    max_age: u16,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Also write a page to FILE: one file, for a browser, a ticket or a print
    #[arg(long, value_name = "FILE", help_heading = groups::OUTPUT)]
    html: Option<PathBuf>,
}

impl Cli {
    /// Whether a program reads the result.
    pub fn wants_json(&self) -> bool {
        match &self.verb {
            Verb::Check(check) => check.output.json,
            Verb::Watch(watch) => watch.json,
            Verb::Apply(apply) => apply.output.json,
            Verb::Forecast(forecast) => forecast.output.json,
            Verb::Map(map) => map.output.json,
            Verb::Explain(explain) => explain.output.json,
            Verb::Relieve(relieve) => relieve.output.json,
            Verb::Rollback(rollback) => rollback.output.json,
            Verb::Fleet(fleet) => fleet.output.json,
            Verb::Facts(_) => false,
        }
    }
}
