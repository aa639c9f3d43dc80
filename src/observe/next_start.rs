//! How Docker will be started next: by its unit or by its init script, and with which flags.

use super::flags::{Flags, flags, given_flags};
use super::init_script::{self, SCRIPT};
use super::unit::{self, Argument, Unit};
use crate::facts::ServiceManager;
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::Path;

/// How Docker will be started next.
#[derive(Debug, Default)]
pub struct NextStart {
    pub unit: Unit,
    arguments: Vec<Argument>,
}

impl NextStart {
    /// By the unit of this name, where a dockerd runs in one.
    pub fn read(host: &Host, unit: Option<&str>) -> NextStart {
        let unit = match unit {
            Some(name) => unit::read_named(host, name),
            None => unit::read(host),
        };
        let script = host.exists(Path::new(SCRIPT));
        let command = unit.settings.command.as_ref();
        // systemd makes a unit of an init script that has none.
        let of_script = command.is_some_and(|command| command.program == SCRIPT);
        let by_unit = unit.loaded() && !of_script && (has_systemd(host) || !script);
        let mut arguments = Vec::new();
        // Where nothing starts Docker yet, whatever is prepared for it counts.
        if by_unit || !script {
            arguments.extend(unit.arguments(host));
        }
        if !by_unit {
            arguments.extend(init_script::arguments(host));
        }
        NextStart { unit, arguments }
    }

    /// The dockerd that systemd would start by itself. A wrapper adds what it likes.
    pub fn dockerd(&self) -> Option<&str> {
        let command = self.unit.settings.command.as_ref()?;
        let starts = self.unit.runs_dockerd() && self.unit.loaded();
        starts.then_some(command.program.as_str())
    }

    pub fn flags(&self) -> Flags {
        flags(self.words())
    }

    /// The flags a restart by this manager would give, where they are others than now and where
    /// that can be told.
    pub fn other_flags(&self, manager: Option<ServiceManager>, now: &Flags) -> Option<Flags> {
        let next = match manager? {
            ServiceManager::Systemd => {
                self.dockerd()?;
                self.flags()
            }
            // The script itself may add some: those in force that its settings do not name stay.
            ServiceManager::OpenRc | ServiceManager::SysV => {
                let mut flags = now.clone();
                flags.extend(self.flags());
                flags
            }
            ServiceManager::Snap => return None,
        };
        (next != *now).then_some(next)
    }

    /// File and line of each flag that is also a key of daemon.json.
    pub fn places(&self, host: &Host) -> BTreeMap<String, String> {
        let given = given_flags(self.words()).into_iter();
        given
            .filter(|given| given.name != "config-file")
            .filter_map(|given| {
                let Argument { text, place } = self.arguments.get(given.at)?;
                let line = place.line_of(host, text);
                Some((given.name.to_owned(), format!("{} line {line}", place.file)))
            })
            .collect()
    }

    /// All of its flags. They may hold secrets: for running, not for showing.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(|argument| argument.text.as_str())
    }
}

pub fn systemd_runs(host: &Host) -> bool {
    !host.is_image() && host.exists(Path::new("/run/systemd/system"))
}

/// Whether systemd starts the services of this host, or of this image.
fn has_systemd(host: &Host) -> bool {
    let programs = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
    let installed = || programs.iter().any(|path| host.exists(Path::new(path)));
    systemd_runs(host) || host.is_image() && installed()
}
