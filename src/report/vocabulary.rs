//! What options and runs are called where the operator works: on a command line, or in a play.

use crate::policy::option::{BadValue, Opt};

/// Where the operator reads the words.
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

    /// An option in front of what is wrong with it: "--pool: …", "pools: …".
    pub fn label(self, option: Opt) -> &'static str {
        let (command_line, ansible) = match option {
            Opt::Accept => ("--accept", "accept"),
            Opt::Avoid => ("--avoid", "avoid"),
            Opt::AvoidFile => ("--avoid-file", "avoid_files"),
            Opt::DeadMan => ("--dead-man", "dead_man"),
            Opt::Ignore => ("--ignore", "ignore"),
            Opt::Network => ("--network", "network_names"),
            Opt::NoRestart => ("--no-restart", "restart"),
            Opt::Pool => ("--pool", "pools"),
            Opt::Probe => ("--probe", "probe"),
            Opt::Remember => ("--remember", "remember"),
            Opt::RestartCommand => ("--restart-command", "restart_command"),
            Opt::Root => ("--root", "root"),
            Opt::Wait => ("--wait", "wait"),
        };
        self.pick(command_line, ansible)
    }

    /// An option inside a sentence. What a play calls `pools` must not read like a word of ours.
    pub fn option(self, option: Opt) -> String {
        let label = self.label(option);
        match self {
            Vocabulary::CommandLine => label.to_owned(),
            Vocabulary::Ansible => format!("`{label}`"),
        }
    }

    /// The same for a switch that is on: "--no-restart", "`restart: false`".
    pub fn switch(self, option: Opt) -> String {
        match (self, option) {
            (Vocabulary::Ansible, Opt::NoRestart) => "`restart: false`".to_owned(),
            (Vocabulary::Ansible, Opt::Remember) => format!("`{}: true`", self.label(option)),
            _ => self.option(option),
        }
    }

    /// "--accept old-address,mac-loss", "`accept: [old-address, mac-loss]`".
    pub fn accept(self, words: &[&str]) -> String {
        match self {
            Vocabulary::CommandLine => {
                // A list of more would be wider than a narrow terminal.
                let lists: Vec<String> = words.chunks(2).map(|list| list.join(",")).collect();
                let lists = lists.iter().map(|list| format!("--accept {list}"));
                lists.collect::<Vec<_>>().join(" ")
            }
            Vocabulary::Ansible => format!("`accept: [{}]`", words.join(", ")),
        }
    }

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

    pub fn relieve(self) -> &'static str {
        self.pick("`rebridge relieve`", "`state: relieved`")
    }

    pub fn rollback(self) -> &'static str {
        self.pick("`rebridge rollback`", "`state: rolled_back`")
    }

    pub fn as_root(self) -> &'static str {
        self.pick("run it with sudo", "set `become: true`")
    }

    pub fn again(self) -> &'static str {
        self.pick("run again", "run the task again")
    }

    /// Where the documents explain an option.
    pub fn page(option: Opt) -> &'static str {
        match option {
            Opt::Accept => "docs/reference.md#blockers",
            Opt::Avoid | Opt::AvoidFile | Opt::Ignore => "docs/reference.md#evidence",
            Opt::Network => "docs/reference.md#existing-networks",
            Opt::Pool => "docs/how-it-judges.md#the-choice-of-a-range",
            Opt::Remember => "docs/reference.md#options-that-last",
            Opt::DeadMan | Opt::NoRestart | Opt::RestartCommand => {
                "docs/reference.md#what-apply-does-to-docker-and-its-containers"
            }
            Opt::Probe => "docs/reference.md#what-apply-verifies",
            Opt::Root | Opt::Wait => "docs/reference.md#options",
        }
    }

    pub fn bad_value(self, bad: &BadValue) -> String {
        let label = bad.option.map(|option| self.label(option).to_owned());
        let place: Vec<String> = label.into_iter().chain(bad.value.clone()).collect();
        match place.is_empty() {
            true => bad.why.clone(),
            false => format!("{}: {}", place.join(" "), bad.why),
        }
    }
}
