//! docker.service as systemd knows it: whether it is there, its main process, and the command line
//! it would run, with the variables of drop-ins and environment files put in.

use crate::host::Host;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// systemd answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

const PROPERTIES: &str =
    "--property=LoadState,ActiveState,MainPID,ExecStart,Environment,EnvironmentFiles";

/// The unit.
#[derive(Debug, Default, PartialEq)]
pub struct Unit {
    /// Whether systemd has such a unit.
    pub loaded: bool,
    /// Its main process, if it runs.
    pub main_pid: Option<u32>,
    /// The command line of its `ExecStart`.
    pub arguments: Vec<String>,
}

/// Asks systemd.
pub fn show(host: &Host) -> Unit {
    let done = host.run(
        &["systemctl", "show", "docker.service", PROPERTIES],
        DEADLINE,
    );
    let read = |path: &str| host.read(Path::new(path)).ok().flatten();
    parse(&done.stdout, |path| {
        String::from_utf8_lossy(&read(path).unwrap_or_default()).into_owned()
    })
}

/// The unit from what `systemctl show` printed; `read` gives the text of an environment file.
pub fn parse(shown: &str, read: impl Fn(&str) -> String) -> Unit {
    let values = |key: &str| {
        let prefix = format!("{key}=");
        shown
            .lines()
            .filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let first = |key: &str| values(key).into_iter().next().unwrap_or_default();
    let active = matches!(
        first("ActiveState").as_str(),
        "active" | "reloading" | "activating"
    );
    // Files after the unit's own settings: systemd lets them win.
    let mut variables: HashMap<String, String> = words(&first("Environment"))
        .iter()
        .filter_map(|word| assignment(word))
        .collect();
    for file in values("EnvironmentFiles") {
        let path = file.split(" (").next().unwrap_or_default();
        let text = read(path);
        variables.extend(text.lines().filter_map(|line| assignment(line.trim())));
    }
    Unit {
        loaded: first("LoadState") == "loaded",
        main_pid: first("MainPID")
            .parse()
            .ok()
            .filter(|pid| active && *pid != 0),
        arguments: expand(&exec_start(&first("ExecStart")), &variables),
    }
}

/// Where a flag is given: file and line of the unit, its drop-ins or its environment files, the
/// last of which counts.
pub fn place_of(host: &Host, flag: &str) -> Option<String> {
    let properties = "--property=FragmentPath,DropInPaths,EnvironmentFiles";
    let done = host.run(
        &["systemctl", "show", "docker.service", properties],
        DEADLINE,
    );
    let files = done
        .stdout
        .lines()
        .filter_map(|line| line.split_once('='))
        .flat_map(|(key, value)| match key {
            "EnvironmentFiles" => value.split(" (").take(1).collect::<Vec<_>>(),
            _ => value.split(' ').collect(),
        });
    let spelled = format!("--{flag}");
    let mut place = None;
    for file in files.filter(|file| !file.is_empty()) {
        let text = host
            .read(Path::new(file))
            .ok()
            .flatten()
            .unwrap_or_default();
        for (line, number) in String::from_utf8_lossy(&text).lines().zip(1..) {
            let code = !line.trim_start().starts_with(['#', ';']);
            let mut words = line.split([' ', '\t', '=', '"', '\'']);
            if code && words.any(|word| word == spelled) {
                place = Some(format!("{file} line {number}"));
            }
        }
    }
    place
}

/// `{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ; ignore_errors=no ; … }`
fn exec_start(property: &str) -> String {
    let argv = property
        .split("argv[]=")
        .nth(1)
        .and_then(|rest| rest.split(" ;").next());
    argv.unwrap_or_default().to_owned()
}

/// `NAME=value`, the value's quotes taken off; a comment is none.
fn assignment(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    (!name.starts_with(['#', ';']))
        .then(|| (name.trim().to_owned(), unquoted.unwrap_or(value).to_owned()))
}

/// The words of a list in which quotes hold spaces together.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for char in text.chars() {
        match (char, quote) {
            ('"' | '\'', None) => quote = Some(char),
            (char, Some(open)) if char == open => quote = None,
            (' ' | '\t', None) => words.push(String::new()),
            (char, _) => {
                if let Some(word) = words.last_mut() {
                    word.push(char);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `$NAME` alone becomes the variable's words, `${NAME}` its value in place, as systemd has it.
fn expand(command: &str, variables: &HashMap<String, String>) -> Vec<String> {
    let mut out = Vec::new();
    for word in words(command) {
        if let Some(name) = word.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            out.extend(words(
                variables.get(name).map(String::as_str).unwrap_or_default(),
            ));
            continue;
        }
        let mut whole = word;
        for (name, value) in variables {
            whole = whole.replace(&format!("${{{name}}}"), value);
        }
        out.push(whole);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn puts_variables_of_drop_ins_and_files_in() {
        let shown = "LoadState=loaded\nActiveState=inactive\nMainPID=0\n\
                     ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS --mtu=${MTU} ; \
                     ignore_errors=no ; start_time=[n/a] }\n\
                     Environment=MTU=1400 \"DOCKER_OPTS=--bip 10.0.0.1/24\"\n\
                     EnvironmentFiles=/etc/default/docker (ignore_errors=yes)\nEnvironmentFiles=/etc/other (ignore_errors=no)\n";
        let file = "# DOCKER_OPTS=no\nDOCKER_OPTS=\"--default-address-pool \
                    base=10.9.0.0/16,size=24 --config-file /y.json\"\n";
        let unit = parse(shown, |path| {
            if path == "/etc/default/docker" {
                file.to_owned()
            } else {
                String::new()
            }
        });
        assert_eq!((unit.loaded, unit.main_pid), (true, None));
        assert_eq!(
            unit.arguments.join(" "),
            "/usr/sbin/dockerd -H fd:// --default-address-pool base=10.9.0.0/16,size=24 \
             --config-file /y.json --mtu=1400"
        );
        assert_eq!(parse("", |_| String::new()), Unit::default());
    }
}
