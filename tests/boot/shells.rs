//! Completion as the shells themselves do it: this machine's zsh and fish, with the files a package
//! has put on a host and the rebridge that answers there.

use crate::lab::Lab;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder with a program `rebridge` that asks the one on the host for names, and otherwise says
/// what it was called with.
struct Desk(PathBuf);

impl Desk {
    fn of(lab: &Lab) -> Desk {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let desk = Desk(
            std::env::temp_dir().join(format!("rebridge-shells-{}-{number}", std::process::id())),
        );
        fs::create_dir_all(&desk.0).unwrap();
        let ask = lab.prefix();
        let stub = format!(
            "#!/bin/sh\n[ \"$1\" != __networks ] || exec {ask} rebridge __networks\necho \"CALLED: \
             $*\"\n"
        );
        let program = desk.0.join("rebridge");
        fs::write(&program, stub).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        desk
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.0.display(), std::env::var("PATH").unwrap());
        command
            .env("PATH", path)
            .env("HOME", &self.0)
            .env("TERM", "xterm")
            .current_dir(&self.0);
        command
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `rebridge` is called with when these keys are struck in an interactive zsh; a tab asks for
/// completion.
fn zsh(desk: &Desk, functions: &Path, keys: &str) -> String {
    let mut child = desk.command("timeout");
    child
        .args(["60", "script", "-qec", "zsh -f -i", "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let (mut hands, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let set_up = format!(
        "fpath=({} $fpath); autoload -U compinit; compinit -u -D; print SET\"\"UP\n",
        functions.display()
    );
    let mut said = String::new();
    let mut read_until = |words: &str| {
        let mut buffer = [0; 4096];
        while !said.contains(words) {
            let read = screen.read(&mut buffer).unwrap();
            assert!(read > 0, "zsh is gone: {said}");
            said += &String::from_utf8_lossy(&buffer[..read]);
        }
        said.split_once(words).unwrap().1.to_owned()
    };
    hands.write_all(set_up.as_bytes()).unwrap();
    read_until("SETUP");
    hands.write_all(format!("{keys}\n").as_bytes()).unwrap();
    read_until("CALLED: ");
    hands.write_all(b"print GOOD\"\"BYE; exit\n").unwrap();
    read_until("GOODBYE");
    let called = read_until("CALLED: ");
    child.wait().unwrap();
    called.lines().next().unwrap().trim().to_owned()
}

/// The host has a network `shop`, and the package is installed.
pub fn complete(lab: &Lab) {
    let desk = Desk::of(lab);
    let functions = lab.path("/usr/share/zsh/vendor-completions");
    assert_eq!(
        zsh(&desk, &functions, "rebridge apply --network sh\t"),
        "apply --network shop"
    );
    assert_eq!(
        zsh(&desk, &functions, "rebridge che\t --avoid-f\t x"),
        "check --avoid-file x"
    );

    let file = lab.path("/usr/share/fish/vendor_completions.d/rebridge.fish");
    let fish = |line: &str| {
        let ask = format!("source {}; complete -C '{line}'", file.display());
        let ran = desk
            .command("fish")
            .args(["--no-config", "-c", &ask])
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        said.lines()
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(fish("rebridge apply --network sh"), ["shop"]);
    assert_eq!(fish("rebridge apply --pro"), ["--probe"]);
}
