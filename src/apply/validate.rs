//! dockerd's own opinion of a file, before it becomes the file. It knows unknown keys, wrong types
//! and options given twice; of ranges it knows nothing. Docker 20.10 has no such check.

use super::refusal::Refusal;
use crate::host::Host;
use crate::observe::service;
use std::path::Path;
use std::time::Duration;

/// It reads two files and exits.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks the dockerd that is about to start, with the flags it will have; refuses what it refuses.
pub fn second_opinion(host: &Host, path: &str, staged: &Path) -> Result<(), Refusal> {
    if host.is_image() {
        return Ok(());
    }
    let arguments = service::next_command_line(host);
    let Some(says) = complaint(host, &arguments, path, &staged.to_string_lossy()) else {
        return Ok(());
    };
    let path = path.to_owned();
    // The file as it is may be refused too, and then the change is not to blame.
    Err(match complaint(host, &arguments, &path, &path) {
        Some(says) => Refusal::BrokenBefore { path, says },
        None => Refusal::NotAcceptedByDockerd { path, says },
    })
}

/// What dockerd has against a file; `path` is where the file will be.
fn complaint(host: &Host, arguments: &[String], path: &str, file: &str) -> Option<String> {
    let (program, flags) = arguments.split_first()?;
    if !host.exists(Path::new(file)) {
        return None;
    }
    let config = format!("--config-file={file}");
    let mut words: Vec<&str> = vec![program, "--validate", &config];
    let mut flags = flags.iter().map(String::as_str);
    while let Some(flag) = flags.next() {
        match flag.trim_start_matches('-') {
            "config-file" => drop(flags.next()),
            name if name.starts_with("config-file=") => {}
            _ => words.push(flag),
        }
    }
    let done = host.run(&words, DEADLINE);
    let said = done
        .stderr
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let complains = said.contains("unable to configure")
        || said.contains("invalid")
        || said.contains("directives");
    // Anything else (20.10 does not know the flag, a wrapper that takes no flags) is no opinion.
    // dockerd names the file it was given, which is not the file yet.
    (!done.ok() && complains).then(|| said.replace(file, path).trim().to_owned())
}
