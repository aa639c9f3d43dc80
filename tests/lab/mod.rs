//! A lab for a test, most often with one host: real systemd, real Docker, a corp network with
//! servers. A thin wrapper around the script `lab` in this folder; you can use the script too.

#[path = "../common/keep.rs"]
pub mod keep;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The name of the host in a lab with one host.
const HOST: &str = "h";

/// The on-prem server that Docker's first range shadows.
pub const SERVER: &str = "172.17.50.10:8080";

/// A booted host. Dropping it tears it down, also when a test fails.
pub struct Lab {
    pub name: String,
    host: String,
    owned: bool,
}

/// What a command on the host did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Lab {
    /// A fresh host with Docker running, docker0 on 172.17.0.1/16 and rebridge installed.
    pub fn up(suite: &str) -> Lab {
        let lab = Lab::create(suite);
        lab.boot();
        lab
    }

    /// The same, but not booted, so that a test can add files before Docker's first start.
    pub fn create(suite: &str) -> Lab {
        Lab::of(&[(HOST, suite)])
    }

    /// Several hosts, each with its suite, not booted. The value stands for the first host;
    /// [`Lab::at`] gives another.
    pub fn of(hosts: &[(&str, &str)]) -> Lab {
        Lab::made(hosts, None)
    }

    /// A host, not booted, that writes to a disk of its own: a file with a file system in it.
    pub fn on_disk(suite: &str, disk: &Path) -> Lab {
        Lab::made(&[(HOST, suite)], disk.to_str())
    }

    fn made(hosts: &[(&str, &str)], disk: Option<&str>) -> Lab {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "t{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let lab = Lab {
            name,
            host: hosts[0].0.to_owned(),
            owned: true,
        };
        // The owner lets `lab sweep` find what a killed test run left behind.
        let owner = std::process::id().to_string();
        let pairs: Vec<String> = hosts
            .iter()
            .map(|(host, suite)| format!("{host}={suite}"))
            .collect();
        let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
        let mut options = vec!["create", "--owner", &owner];
        options.extend(disk.into_iter().flat_map(|disk| ["--disk", disk]));
        lab.script(&[&options[..], &[&lab.name], &pairs].concat());
        // Test the shipped binary if the Makefile built it.
        let binary =
            std::env::var("REBRIDGE_BIN").unwrap_or(env!("CARGO_BIN_EXE_rebridge").to_owned());
        for (host, _) in hosts {
            let installed = lab.at(host).path("/usr/bin/rebridge");
            std::fs::copy(&binary, installed).unwrap_or_else(|error| panic!("{binary}: {error}"));
        }
        lab
    }

    /// Another host of the same lab.
    pub fn at(&self, host: &str) -> Lab {
        Lab {
            name: self.name.clone(),
            host: host.to_owned(),
            owned: false,
        }
    }

    /// Boots a created host.
    pub fn boot(&self) {
        self.boot_all(&[&self.host]);
    }

    /// Boots created hosts in parallel.
    pub fn boot_all(&self, hosts: &[&str]) {
        self.script(&[&["boot", &self.name], hosts].concat());
    }

    /// Shuts the host down cleanly and boots it again.
    pub fn reboot(&self) {
        self.script(&["halt", &self.name, &self.host]);
        self.boot();
    }

    /// Runs a command on the host.
    pub fn exec(&self, argv: &[&str]) -> Ran {
        Ran::of(
            script()
                .args([&["exec", &self.name, &self.host], argv].concat())
                .stdin(Stdio::null()),
        )
    }

    /// Runs a shell script on the host; it may fail.
    pub fn try_sh(&self, text: &str) -> Ran {
        self.exec(&["bash", "-c", text])
    }

    /// Runs a shell script on the host, which must succeed, and returns its output.
    pub fn sh(&self, text: &str) -> String {
        let ran = self.exec(&["bash", "-ec", text]);
        assert!(
            ran.code == 0,
            "on the host: {text}\nexit {}\n{}{}",
            ran.code,
            ran.stdout,
            ran.stderr
        );
        ran.stdout
    }

    /// Runs a shell script on this machine, in the folder with the host's file system. The host need
    /// not be booted.
    pub fn sh_outside(&self, text: &str) -> String {
        let ran = Ran::of(
            Command::new("bash")
                .args(["-c", text])
                .current_dir(self.path("/")),
        );
        assert!(ran.code == 0, "{text}: {ran:?}");
        ran.stdout
    }

    /// Runs rebridge with `--json` and returns its exit code and its one object.
    pub fn rebridge(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let ran = self.exec(&[&["rebridge"], arguments, &["--json"]].concat());
        keep::keep(&ran.stdout);
        let value = serde_json::from_str(&ran.stdout);
        (
            ran.code,
            value.unwrap_or_else(|error| panic!("not one JSON object: {error}\n{ran:?}")),
        )
    }

    /// Whether a TCP connection from the host succeeds within two seconds.
    pub fn reaches(&self, server: &str) -> bool {
        let path = server.replace(':', "/");
        self.try_sh(&format!("timeout 2 bash -c '</dev/tcp/{path}'"))
            .code
            == 0
    }

    /// Runs a command in the corp network, which may fail, and returns its output.
    pub fn corp(&self, argv: &[&str]) -> String {
        Ran::of(&mut self.in_corp(argv)).stdout
    }

    /// A command line on the host over ssh, from the corp network and on its own terminal, not
    /// started.
    pub fn over_ssh(&self, command: &str) -> Command {
        self.sh_outside(
            "mkdir -p root/.ssh; [ -e root/.ssh/id ] || ssh-keygen -q -t ed25519 -N '' -f root/.ssh/id
             cp root/.ssh/id.pub root/.ssh/authorized_keys",
        );
        let key = self.path("/root/.ssh/id").to_string_lossy().into_owned();
        let options = [
            "-F",
            "none",
            "-tt",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ];
        let more = [
            "-o",
            "LogLevel=ERROR",
            "-i",
            &key,
            "root@198.51.100.11",
            command,
        ];
        self.in_corp(&[&["ssh"], &options[..], &more].concat())
    }

    /// A command in the corp network, not started.
    pub fn in_corp(&self, argv: &[&str]) -> Command {
        let mut command = script();
        command
            .args([&["corp", &self.name], argv].concat())
            .stdin(Stdio::null());
        command
    }

    /// The prefix that makes a command in a shell of this machine run on the host.
    pub fn prefix(&self) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        format!("{} exec {} {}", script.display(), self.name, self.host)
    }

    /// docker0's address, from `ip`.
    pub fn docker0(&self) -> String {
        self.sh("ip -4 -o addr show docker0 | awk '{print $4}'")
            .trim()
            .to_owned()
    }

    /// Creates the image `busybox` and starts a container of it that exits at once on SIGTERM.
    pub fn container(&self, arguments: &str) {
        self.image();
        self.sh(&format!(
            "docker run -d {arguments} busybox sh -c 'trap \"exit 143\" TERM; while :; do sleep 1 \
             & wait; done'"
        ));
    }

    /// Creates the image `busybox`, if it does not exist.
    pub fn image(&self) {
        if self.try_sh("docker image inspect busybox").code != 0 {
            self.script(&["image", &self.name, &self.host]);
        }
    }

    /// Gives everything on the booted host so much of one core.
    pub fn throttle(&self, percent: u32) {
        self.script(&["throttle", &self.name, &self.host, &percent.to_string()]);
    }

    /// A path on the host, as this machine sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        let root = self.script(&["root", &self.name, &self.host]);
        Path::new(root.trim()).join(inside.trim_start_matches('/'))
    }

    /// Writes a file on the host.
    pub fn put(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        std::fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("the host's folder is writable");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Reads a file on the host.
    pub fn read(&self, inside: &str) -> Option<String> {
        std::fs::read_to_string(self.path(inside)).ok()
    }

    fn script(&self, arguments: &[&str]) -> String {
        let ran = Ran::of(script().args(arguments).stdin(Stdio::null()));
        assert!(ran.code == 0, "lab {arguments:?}: {}", ran.stderr);
        ran.stdout
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let down = Ran::of(script().args(["down", &self.name]));
        if down.code != 0 && !std::thread::panicking() {
            panic!("lab down {}: {}", self.name, down.stderr);
        }
    }
}

impl Ran {
    /// Runs the command to its end.
    pub fn of(command: &mut Command) -> Ran {
        let output = command.output().expect("the lab script runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn script() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
}
