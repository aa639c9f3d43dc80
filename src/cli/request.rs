//! From what was typed to what is meant.

use super::groups::{self, LookArgs, Networks, PermitArgs, PolicyArgs, RootArgs};
use super::{Apply, Check, Explain, Fleet, Forecast, Map, Relieve, Rollback, Watch};
use crate::apply::{self, check::Probe};
use crate::assess::clash::{Kind, Only};
use crate::facts::Certainty;
use crate::host::operator_files;
use crate::plan::Permits;
use crate::plan::relocate::Existing;
use crate::policy::accept::read_accept;
use crate::policy::option::{BadValue, Opt};
use crate::policy::read::{read_avoid, read_avoid_file, read_ignore, read_pools};
use crate::policy::{Declared, Policy};
use crate::report::vocabulary::Vocabulary;
use crate::verbs::output_file::OutputFile;
use crate::verbs::request::{
    ApplyRequest, CheckRequest, ExplainRequest, FleetRequest, ForecastRequest, Look, MapRequest,
    RelieveRequest, RollbackRequest, Target, WatchRequest,
};
use std::path::PathBuf;
use std::time::Duration;

impl Check {
    pub fn request(&self) -> Result<CheckRequest, BadValue> {
        Ok(CheckRequest {
            metrics: output_file("--metrics", self.metrics.as_ref())?,
            only: only(&self.only),
            look: self.look.look(false)?,
        })
    }
}

impl Watch {
    pub fn request(&self) -> Result<WatchRequest, BadValue> {
        let mut given = self.policy.to_repeat();
        if self.no_options {
            given.insert(0, "--no-options".to_owned());
        }
        Ok(WatchRequest {
            metrics: output_file("--metrics", self.metrics.as_ref())?,
            only: only(&self.only),
            look: Look {
                target: Target::ThisHost,
                policy: self.policy.policy(false, given)?,
                no_options: self.no_options,
                vocabulary: Vocabulary::CommandLine,
            },
            on_change: self.on_change.clone(),
        })
    }
}

fn only(words: &[groups::Only]) -> Only {
    let mut only = Only::default();
    for word in words {
        match word {
            groups::Only::Present => only.kinds.push(Kind::Present),
            groups::Only::Latent => only.kinds.push(Kind::Latent),
            groups::Only::Known => only.certainties.push(Certainty::Known),
            groups::Only::Suspected => only.certainties.push(Certainty::Suspected),
        }
    }
    only
}

impl Apply {
    /// What is asked for. `attended` says that a person sees what would be done before it is.
    pub fn request(&self, attended: bool) -> Result<ApplyRequest, BadValue> {
        Ok(ApplyRequest {
            look: self.look.look(self.pin)?,
            check: self.check,
            remember: self.remember,
            relieve: self.relieve,
            permits: Permits {
                restart: !self.permits.no_restart && !self.relieve,
                ..self.permits.permits(attended)?
            },
            order: apply::request::Request {
                timeout: self.times.timeout.map(Duration::from_secs),
                probes: Probe::look_up_all(&self.proof.probe)?,
                restart_command: self.permits.restart_command.clone(),
                dead_man: self.proof.dead_man,
            },
            wait: Duration::from_secs(self.times.wait),
        })
    }
}

impl Relieve {
    /// `attended` says that a person sees what would be done before it is.
    pub fn request(&self, attended: bool) -> Result<RelieveRequest, BadValue> {
        Ok(RelieveRequest {
            look: self.look.look(false)?,
            check: self.check,
            undo: self.undo,
            unless_verified: self.unless_verified,
            act_on_suspected: self.act_on.act_on_suspected(attended),
            probes: self.probes()?,
            dead_man: self.proof.dead_man,
            wait: Duration::from_secs(self.wait),
        })
    }
}

impl Relieve {
    /// Those from this host, then those from containers.
    fn probes(&self) -> Result<Vec<Probe>, BadValue> {
        let mut probes = Probe::look_up_all(&self.proof.probe)?;
        for text in &self.probe_container {
            probes.push(Probe::from_a_container(text)?);
        }
        Ok(probes)
    }
}

impl Rollback {
    pub fn request(&self) -> Result<RollbackRequest, BadValue> {
        Ok(RollbackRequest {
            check: self.check,
            unless_none: false,
            accepted: read_accept(&self.accept.accept)?,
            settle: self.settle,
            order: apply::go_back::Order {
                timeout: self.times.timeout.map(Duration::from_secs),
                dead_man: self.dead_man,
            },
            wait: Duration::from_secs(self.times.wait),
            vocabulary: Vocabulary::CommandLine,
        })
    }
}

impl Forecast {
    pub fn request(&self) -> Result<ForecastRequest, BadValue> {
        Ok(ForecastRequest {
            look: self.look.look(false)?,
            count: usize::from(self.count),
            engine: self.engine.clone(),
        })
    }
}

impl Map {
    pub fn request(&self) -> Result<MapRequest, BadValue> {
        Ok(MapRequest {
            svg: output_file("--svg", self.svg.as_ref())?,
            look: self.look.look(false)?,
        })
    }
}

impl Explain {
    pub fn request(&self) -> Result<ExplainRequest, BadValue> {
        Ok(ExplainRequest {
            look: self.look.look(false)?,
            about: self.about.clone(),
        })
    }
}

impl Fleet {
    pub fn request(&self) -> Result<FleetRequest, BadValue> {
        let stdin = |path: &&PathBuf| path.as_os_str() == "-";
        let of_facts = self.paths.iter().filter(stdin).count();
        let of_networks = self.policy.avoid_file.iter().filter(|file| *file == "-");
        if of_facts + of_networks.count() > 1 {
            let why = "-: standard input can be read only once";
            return Err(BadValue::plain(why));
        }
        Ok(FleetRequest {
            files: Vec::new(),
            paths: self.paths.clone(),
            policy: self.policy.policy(false, self.policy.to_repeat())?,
            max_age: Duration::from_secs(u64::from(self.max_age) * 86_400),
            html: output_file("--html", self.html.as_ref())?,
        })
    }
}

fn output_file(
    option: &'static str,
    path: Option<&PathBuf>,
) -> Result<Option<OutputFile>, BadValue> {
    path.map(|path| OutputFile::at(option, path)).transpose()
}

impl RootArgs {
    pub fn target(&self) -> Target {
        self.root.clone().map_or(Target::ThisHost, Target::Image)
    }
}

impl LookArgs {
    fn look(&self, pin: bool) -> Result<Look, BadValue> {
        let target = match &self.facts {
            Some(file) => Target::SavedFacts(file.clone()),
            None => self.root.target(),
        };
        Ok(Look {
            target,
            policy: self.policy.policy(pin, self.to_repeat())?,
            no_options: self.no_options,
            vocabulary: Vocabulary::CommandLine,
        })
    }

    /// The options on which the judgement depends, as words of a command line. Not `--facts`: you
    /// run the proposed command on the host itself.
    fn to_repeat(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(root) = &self.root.root {
            words.extend(["--root".to_owned(), root.to_string_lossy().into_owned()]);
        }
        if self.no_options {
            words.push("--no-options".to_owned());
        }
        words.extend(self.policy.to_repeat());
        words
    }
}

impl PolicyArgs {
    fn policy(&self, pin: bool, given: Vec<String>) -> Result<Policy, BadValue> {
        Ok(Policy {
            avoid: self.avoid()?,
            pools: read_pools(&self.pool)?,
            pin,
            ignore: read_ignore(&self.ignore)?,
            given,
            options: Vec::new(),
        })
    }

    fn to_repeat(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, values) in [
            ("--avoid", &self.avoid),
            ("--avoid-file", &self.avoid_file),
            ("--pool", &self.pool),
            ("--ignore", &self.ignore),
        ] {
            for value in values {
                words.extend([name.to_owned(), value.clone()]);
            }
        }
        words
    }

    fn avoid(&self) -> Result<Vec<Declared>, BadValue> {
        let mut avoid = read_avoid(&self.avoid, Vocabulary::CommandLine.label(Opt::Avoid))?;
        for name in &self.avoid_file {
            let text = operator_files::read_text(name)
                .map_err(|error| BadValue::at(Opt::AvoidFile, name, error))?;
            avoid.extend(read_avoid_file(name, &text)?);
        }
        Ok(avoid)
    }
}

impl PermitArgs {
    fn permits(&self, attended: bool) -> Result<Permits, BadValue> {
        Ok(Permits {
            restart: !self.no_restart,
            accepted: read_accept(&self.accept.accept)?,
            own_command: self.restart_command.is_some(),
            networks: match (self.network.as_slice(), self.networks) {
                ([], Networks::Report) => Existing::Report,
                ([], Networks::Recreate) => Existing::Move,
                (names, _) => Existing::MoveOnly(names.to_vec()),
            },
            act_on_suspected: self.act_on.act_on_suspected(attended),
        })
    }
}
