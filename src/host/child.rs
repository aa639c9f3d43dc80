//! Child processes: nothing on stdin, the C locale, a process group of their own, and a deadline.

use super::Host;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this status.
    Code(i32),
    /// A signal ended it.
    Signal,
    /// The deadline passed. The child was killed; what it had set in motion may still go on.
    TimedOut,
    /// It could not be started.
    NotStarted(String),
}

/// What a child did.
#[derive(Debug, Clone)]
pub struct Done {
    /// The command as a person would type it.
    pub command: String,
    /// How it ended.
    pub ended: Ended,
    /// All of its standard output.
    pub stdout: String,
    /// The end of its standard error.
    pub stderr: String,
}

/// Enough of a child's complaints to quote, no more.
const STDERR_KEPT: usize = 1024;

impl Done {
    /// Whether it exited 0.
    pub fn ok(&self) -> bool {
        self.ended == Ended::Code(0)
    }

    /// One clause for an error message: what happened to the command, with its last words.
    pub fn describe(&self) -> String {
        let what = match &self.ended {
            Ended::Code(code) => format!("`{}` exited {code}", self.command),
            Ended::Signal => format!("`{}` was killed by a signal", self.command),
            Ended::TimedOut => format!("`{}` did not end in time", self.command),
            Ended::NotStarted(why) => format!("`{}` could not be started: {why}", self.command),
        };
        // systemctl ends with where to read more; what went wrong comes before.
        let says = |line: &&str| !line.trim().is_empty() && !line.starts_with("See \"systemctl");
        match self.stderr.lines().rev().find(says) {
            Some(line) => format!("{what}: {}", line.trim().trim_end_matches('.')),
            None => what,
        }
    }
}

/// A shell command of the operator's, as they would type it; what it prints must not mix with our
/// results.
pub(super) fn shell(command: &str) -> duct::Expression {
    duct::cmd("sh", ["-c", command])
        .stdout_to_stderr()
        .unchecked()
        .before_spawn(|child| {
            child.process_group(0);
            Ok(())
        })
}

/// This very program, for a child that is to run it later.
pub fn this_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

impl Host {
    /// Runs a program of this machine, looked up on PATH.
    ///
    /// The process group of its own keeps a Ctrl-C at the terminal from killing `systemctl`
    /// half-way while rebridge itself is shielded.
    pub fn run(&self, argv: &[&str], deadline: Duration) -> Done {
        let command = argv.join(" ");
        let (program, arguments) = argv
            .split_first()
            .map_or(("", argv), |(program, rest)| (*program, rest));
        let started = duct::cmd(program, arguments)
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            .env("LC_ALL", "C")
            .env_remove("LANGUAGE")
            .before_spawn(|child| {
                child.process_group(0);
                Ok(())
            })
            .start();
        let handle = match started {
            Ok(handle) => handle,
            Err(error) => return Done::without_output(command, Ended::NotStarted(reason(&error))),
        };
        match handle.wait_timeout(deadline) {
            Ok(Some(output)) => Done {
                command,
                ended: output.status.code().map_or(Ended::Signal, Ended::Code),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: tail(&output.stderr),
            },
            Ok(None) => {
                // Not waited for: a grandchild may hold the pipes open for as long as it likes.
                let _ = handle.kill();
                Done::without_output(command, Ended::TimedOut)
            }
            Err(error) => Done::without_output(command, Ended::NotStarted(reason(&error))),
        }
    }
}

impl Done {
    fn without_output(command: String, ended: Ended) -> Done {
        Done {
            command,
            ended,
            stdout: String::new(),
            stderr: String::new(),
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such program".to_owned(),
        _ => error.to_string(),
    }
}

fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(STDERR_KEPT);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn tells_apart_the_four_ends_of_a_child() {
        let host = Host::live();
        let run =
            |script: &str, seconds| host.run(&["sh", "-c", script], Duration::from_secs(seconds));
        assert!(run("exit 0", 5).ok());
        let failed = run("echo one; echo 'two: no' >&2; exit 3", 5);
        assert_eq!(
            (failed.ended.clone(), failed.stdout.as_str()),
            (Ended::Code(3), "one\n")
        );
        assert!(
            failed.describe().ends_with("exited 3: two: no"),
            "{}",
            failed.describe()
        );
        assert_eq!(run("kill -9 $$", 5).ended, Ended::Signal);
        assert_eq!(run("sleep 30", 0).ended, Ended::TimedOut);
        let missing = host.run(&["rebridge-no-such-program"], Duration::from_secs(5));
        assert_eq!(
            missing.ended,
            Ended::NotStarted("no such program".to_owned())
        );
    }

    /// A grandchild that holds the pipe must not hold us.
    #[test]
    fn the_deadline_holds_against_grandchildren() {
        let began = std::time::Instant::now();
        let done = Host::live().run(&["sh", "-c", "sleep 5 & wait"], Duration::from_millis(100));
        assert_eq!(done.ended, Ended::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(4));
    }
}
