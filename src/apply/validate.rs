//! dockerd's own opinion of the new file, before it becomes the file. It knows unknown keys, wrong
//! types and options given twice; of ranges it knows nothing. Docker 20.10 has no such check.

use super::refusal::Refusal;
use crate::host::Host;
use crate::observe::{process, service};
use std::path::Path;
use std::time::Duration;

/// It reads two files and exits.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks the dockerd that runs, with its own flags, or else the one that is installed; refuses what it
/// refuses.
pub fn second_opinion(host: &Host, path: &str, staged: &Path) -> Result<(), Refusal> {
    if host.is_image() {
        return Ok(());
    }
    let mut arguments = process::command_line_of_dockerd(host);
    if arguments.is_empty() {
        // Docker is stopped. Its file alone is better than nothing.
        let installed = service::dockerd_file(host);
        arguments.extend(installed.map(str::to_owned));
    }
    let Some((program, flags)) = arguments.split_first() else {
        return Ok(());
    };
    let staged_path = staged.to_string_lossy();
    let staged = format!("--config-file={staged_path}");
    let mut words: Vec<&str> = vec![program, "--validate", &staged];
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
    let complaint = said.contains("unable to configure")
        || said.contains("invalid")
        || said.contains("directives");
    // Anything else (20.10 does not know the flag, a wrapper that takes no flags) is no opinion.
    if done.ok() || !complaint {
        return Ok(());
    }
    // dockerd names the file it was given, which is not the file yet.
    Err(Refusal::NotAcceptedByDockerd {
        path: path.to_owned(),
        says: said.replace(&*staged_path, path).trim().to_owned(),
    })
}
