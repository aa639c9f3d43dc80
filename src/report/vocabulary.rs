//! How an option and a deed are called where the operator sits: on a command line, or in a play.

use crate::policy::option::{BadValue, Opt};

/// Where the words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vocabulary {
    #[default]
    CommandLine,
    Ansible,
}

impl Vocabulary {
    fn pick(self, command_line: &'static str, ansible: &'static str) -> &'static str {
        match self {
            Vocabulary::CommandLine => command_line,
            Vocabulary::Ansible => ansible,
        }
    }

    /// An option by its name: `--avoid`, `avoid`.
    pub fn option(self, option: Opt) -> &'static str {
        let (command_line, ansible) = match option {
            Opt::AcceptMacLoss => ("--accept-mac-loss", "accept_mac_loss"),
            Opt::AllowContainerStop => ("--allow-container-stop", "allow_container_stop"),
            Opt::Avoid => ("--avoid", "avoid"),
            Opt::AvoidFile => ("--avoid-file", "avoid_files"),
            Opt::Check => ("--check", "check mode"),
            Opt::DeadMan => ("--dead-man", "dead_man"),
            Opt::Engine => ("--engine", "engine"),
            Opt::Facts => ("--facts", "facts"),
            Opt::Ignore => ("--ignore", "ignore"),
            Opt::Json => ("--json", "the result"),
            Opt::Metrics => ("--metrics", "metrics"),
            Opt::Network => ("--network", "network_names"),
            Opt::Networks => ("--networks", "networks"),
            Opt::NoRestart => ("--no-restart", "restart"),
            Opt::Pin => ("--pin", "state"),
            Opt::Pool => ("--pool", "pools"),
            Opt::Probe => ("--probe", "probe"),
            Opt::RestartCommand => ("--restart-command", "restart_command"),
            Opt::Result => ("--result", "result"),
            Opt::Root => ("--root", "root"),
            Opt::Svg => ("--svg", "svg"),
            Opt::Timeout => ("--timeout", "timeout"),
            Opt::Verbose => ("-v", "verbosity"),
            Opt::Wait => ("--wait", "wait"),
            Opt::Yes => ("--yes", "yes"),
        };
        self.pick(command_line, ansible)
    }

    /// An option that is switched on, as it is typed: `--dead-man`, "`dead_man: true`".
    pub fn switch(self, option: Opt) -> String {
        match (self, option) {
            (Vocabulary::CommandLine, option) => self.option(option).to_owned(),
            (Vocabulary::Ansible, Opt::NoRestart) => "`restart: false`".to_owned(),
            (Vocabulary::Ansible, Opt::DeadMan) => "`dead_man`".to_owned(),
            (Vocabulary::Ansible, option) => format!("`{}: true`", self.option(option)),
        }
    }

    /// The run that fixes: "`rebridge apply`".
    pub fn apply(self) -> &'static str {
        self.pick("`rebridge apply`", "`state: fixed`")
    }

    /// The run that also moves existing networks.
    pub fn recreate(self) -> &'static str {
        self.pick(
            "`rebridge apply --networks recreate`",
            "`networks: recreate`",
        )
    }

    /// The same beside a run that was named already.
    pub fn with_recreate(self) -> &'static str {
        self.pick("`--networks recreate`", "`networks: recreate`")
    }

    /// The option that lets an unattended run act on traffic alone.
    pub fn act_on_suspected(self) -> &'static str {
        self.pick("--act-on suspected", "`act_on: suspected`")
    }

    /// The run that undoes.
    pub fn rollback(self) -> &'static str {
        self.pick("`rebridge rollback`", "`state: rolled_back`")
    }

    /// "run it with sudo", "set become".
    pub fn as_root(self) -> &'static str {
        self.pick("run it with sudo", "set become")
    }

    /// "run again", "run the task again".
    pub fn again(self) -> &'static str {
        self.pick("run again", "run the task again")
    }

    /// What is wrong with an option's value.
    pub fn bad_value(self, bad: &BadValue) -> String {
        match bad.option {
            Some(option) => format!("{}: {}", self.option(option), bad.why),
            None => bad.why.clone(),
        }
    }
}
