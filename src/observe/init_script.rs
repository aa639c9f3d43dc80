//! The options an init script starts dockerd with, of OpenRC, SysV or what else sources such files.

use super::unit::{Argument, Place, Variable, variables};
use crate::host::Host;
use std::collections::BTreeMap;
use std::path::Path;

/// The script.
pub const SCRIPT: &str = "/etc/init.d/docker";

/// Its settings: of Debian's script, of OpenRC, of Red Hat's script.
const FILES: [&str; 4] = [
    "/etc/default/docker",
    "/etc/conf.d/docker",
    "/etc/sysconfig/docker",
    "/etc/sysconfig/docker-network",
];

/// The variables that end up on dockerd's command line.
const VARIABLES: [&str; 5] = [
    "DOCKER_OPTS",
    "DOCKER_NETWORK_OPTIONS",
    "OPTIONS",
    "command_args",
    "other_args",
];

/// The arguments those files give to dockerd.
pub fn arguments(host: &Host) -> Vec<Argument> {
    let script = host.read(Path::new(SCRIPT)).ok().flatten();
    let script = String::from_utf8_lossy(&script.unwrap_or_default()).into_owned();
    let mut all = Vec::new();
    for file in files_of(&script) {
        if let Ok(Some(bytes)) = host.read(Path::new(file)) {
            all.extend(of_file(file, &String::from_utf8_lossy(&bytes)));
        }
    }
    all
}

/// The files that this script reads; all of them where that cannot be told.
fn files_of(script: &str) -> Vec<&'static str> {
    let by_openrc = script
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("#!") && line.contains("openrc-run"));
    let reads = |file: &&str| {
        let folder = Path::new(file).parent().and_then(Path::to_str);
        // OpenRC reads the file named like the service before the script.
        by_openrc && *file == "/etc/conf.d/docker"
            || folder.is_some_and(|folder| script.contains(folder))
    };
    let read: Vec<&str> = FILES.into_iter().filter(reads).collect();
    if read.is_empty() {
        return FILES.to_vec();
    }
    read
}

fn of_file(file: &str, text: &str) -> Vec<Argument> {
    let mut given: BTreeMap<String, Vec<Argument>> = BTreeMap::new();
    for Variable { name, value, lines } in variables(text) {
        let name = name.strip_prefix("export ").unwrap_or(&name).trim();
        let (name, appends) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (
                name,
                value.contains(&format!("${name}")) || value.contains(&format!("${{{name}}}")),
            ),
        };
        if !VARIABLES.contains(&name) {
            continue;
        }
        let arguments = value.split_whitespace().map(|word| Argument {
            text: word.to_owned(),
            place: Place {
                file: file.to_owned(),
                lines: lines.clone(),
            },
        });
        let known = given.entry(name.to_owned()).or_default();
        if !appends {
            known.clear();
        }
        known.extend(arguments);
    }
    given.into_values().flatten().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_the_script_reads_count() {
        let debians = "#!/bin/sh\nBASE=docker\n. /etc/default/$BASE\n";
        assert_eq!(files_of(debians), ["/etc/default/docker"]);
        let openrcs = "#!/sbin/openrc-run\ncommand_args=\"$DOCKER_OPTS\"\n";
        assert_eq!(files_of(openrcs), ["/etc/conf.d/docker"]);
        assert_eq!(files_of(""), FILES);
    }

    #[test]
    fn the_last_value_counts_and_one_may_add_to_another() {
        let text = "# DOCKER_OPTS=\"--bip=9.9.9.9/24\"\nDOCKER_OPTS=\"--debug\"\nDOCKER_OPTS=\"--bip=1.2.3.4/24 \\\n  --ip 1.2.3.4\"\n\
                    export DOCKER_OPTS=\"$DOCKER_OPTS --live-restore\"\nOPTIONS='-b br0'\nOPTIONS+=' --icc=false'\nHTTP_PROXY=x\n";
        let found: Vec<(String, Place)> = of_file("/etc/default/docker", text)
            .into_iter()
            .map(|one| (one.text, one.place))
            .collect();
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "--bip=1.2.3.4/24",
                "--ip",
                "1.2.3.4",
                "$DOCKER_OPTS",
                "--live-restore",
                "-b",
                "br0",
                "--icc=false"
            ]
        );
        assert_eq!(found[0].1.lines, 3..=4);
        assert_eq!(found[4].1.lines, 5..=5);
    }
}
