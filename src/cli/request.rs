//! From what was typed to what is meant.

use super::{ActOn, Apply, Check, Explain, Forecast, LookArgs, Map, Networks, Rollback, RootArgs};
use crate::apply::{self, check::Probe};
use crate::assess::clash::{Kind, Only};
use crate::facts::Certainty;
use crate::host::operator_files;
use crate::plan::Permits;
use crate::plan::relocate::Existing;
use crate::policy::Policy;
use crate::policy::option::{BadValue, Opt};
use crate::policy::read::{read_avoid, read_avoid_file, read_ignore, read_pools};
use crate::report::vocabulary::Vocabulary;
use crate::verbs::output_file::OutputFile;
use crate::verbs::request::{
    ApplyRequest, CheckRequest, ExplainRequest, ForecastRequest, Look, MapRequest, RollbackRequest,
    Target,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
            policy: self.policy(pin)?,
            vocabulary: Vocabulary::CommandLine,
        })
    }

    fn policy(&self, pin: bool) -> Result<Policy, BadValue> {
        let mut avoid = read_avoid(&self.avoid, Vocabulary::CommandLine.option(Opt::Avoid))?;
        for name in &self.avoid_file {
            let text = operator_files::read_text(name)
                .map_err(|error| BadValue::of(Opt::AvoidFile, format!("{name}: {error}")))?;
            avoid.extend(read_avoid_file(name, &text)?);
        }
        Ok(Policy {
            avoid,
            pools: read_pools(&self.pool)?,
            pin,
            ignore: read_ignore(&self.ignore)?,
            given: self.repeated(),
        })
    }

    /// The options on which the judgement depends, as words of a command line. Not `--facts`: what
    /// is proposed is to be run on the host itself.
    fn repeated(&self) -> Vec<String> {
        let root: Vec<String> = self
            .root
            .root
            .iter()
            .map(|root| root.to_string_lossy().into_owned())
            .collect();
        let options: [(&str, &Vec<String>); 5] = [
            ("--root", &root),
            ("--avoid", &self.avoid),
            ("--avoid-file", &self.avoid_file),
            ("--pool", &self.pool),
            ("--ignore", &self.ignore),
        ];
        options
            .into_iter()
            .flat_map(|(name, values)| values.iter().flat_map(move |value| [name, value]))
            .map(str::to_owned)
            .collect()
    }
}

fn output_file(option: Opt, path: Option<&PathBuf>) -> Result<Option<OutputFile>, BadValue> {
    path.map(|path| OutputFile::at(option, Path::new(path)))
        .transpose()
}

impl Check {
    pub fn request(&self) -> Result<CheckRequest, BadValue> {
        Ok(CheckRequest {
            metrics: output_file(Opt::Metrics, self.metrics.as_ref())?,
            only: self.only(),
            look: self.look.look(false)?,
        })
    }
}

impl Check {
    fn only(&self) -> Only {
        let mut only = Only::default();
        for word in &self.only {
            match word {
                super::Only::Present => only.kinds.push(Kind::Present),
                super::Only::Latent => only.kinds.push(Kind::Latent),
                super::Only::Known => only.certainties.push(Certainty::Known),
                super::Only::Suspected => only.certainties.push(Certainty::Suspected),
            }
        }
        only
    }
}

impl Apply {
    /// What is asked for. `attended` says that a person sees what would be done before it is.
    pub fn request(&self, attended: bool) -> Result<ApplyRequest, BadValue> {
        Ok(ApplyRequest {
            look: self.look.look(self.pin)?,
            check: self.check,
            permits: self.permits(attended),
            order: apply::Request {
                timeout: Duration::from_secs(self.timeout),
                probes: Probe::look_up_all(&self.probe)?,
                restart_command: self.restart_command.clone(),
                dead_man: self.dead_man,
            },
            wait: Duration::from_secs(self.wait),
        })
    }

    fn permits(&self, attended: bool) -> Permits {
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
            act_on_suspected: self
                .act_on
                .map_or(attended, |act_on| act_on == ActOn::Suspected),
        }
    }
}

impl Rollback {
    pub fn request(&self) -> RollbackRequest {
        RollbackRequest {
            check: self.check,
            unless_none: false,
            allow_container_stop: self.allow_container_stop,
            dead_man: self.dead_man,
            timeout: Duration::from_secs(self.timeout),
            wait: Duration::from_secs(self.wait),
            vocabulary: Vocabulary::CommandLine,
        }
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
            svg: output_file(Opt::Svg, self.svg.as_ref())?,
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
