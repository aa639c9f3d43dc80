//! A host in miniature: its own network and mount namespace on the real kernel, in milliseconds,
//! without Docker.
//!
//! Links, routes and bridges in it are real. `/etc` and `/var` are overlays, `/run` is empty, so
//! nothing of the machine is touched. Where a test needs Docker to misbehave in a way no engine
//! does on request, stand-in programs on PATH and a stand-in engine on the socket play it; what
//! real engines do is tested in the lab.

pub mod engine;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The built binary.
pub const REBRIDGE: &str = env!("CARGO_BIN_EXE_rebridge");

/// A miniature host; gone when dropped.
pub struct Sandbox {
    holder: Child,
    folder: PathBuf,
}

/// What a command in the sandbox did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status; 128 + signal if one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Sandbox {
    /// A host with eth0 (198.51.100.11/24, default route) and nothing of Docker.
    pub fn new() -> Sandbox {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("rebridge-sandbox-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for part in ["etc", "etc.work", "var", "var.work", "bin"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        // Root of a user namespace may change nothing that the machine's root owns: it gets copies.
        let script = format!(
            "set -e
             if grep -q ' 4294967295$' /proc/self/uid_map; then
             mount -t overlay overlay -o lowerdir=/etc,upperdir={f}/etc,workdir={f}/etc.work /etc
             mount -t overlay overlay -o lowerdir=/var,upperdir={f}/var,workdir={f}/var.work /var
             else
             cp -r /etc/. {f}/etc 2>/dev/null || true
             mkdir {f}/var/lib {f}/var/tmp {f}/var/cache {f}/var/log
             mount --bind {f}/etc /etc
             mount --bind {f}/var /var
             fi
             mount -t tmpfs tmpfs /run
             rm -rf /etc/docker /var/lib/rebridge /etc/resolv.conf
             echo 'nameserver 198.51.100.1' > /etc/resolv.conf
             ip link set lo up
             ip link add eth0 type veth peer name corp
             ip addr add 198.51.100.11/24 dev eth0
             ip link set eth0 up && ip link set corp up
             ip route add default via 198.51.100.1
             echo ready
             read stop",
            f = folder.display()
        );
        let mut holder = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                &script,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux) starts");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line != "ready\n" {
            let mut why = String::new();
            holder
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("cannot make a sandbox (root and namespaces are needed): {why}");
        }
        Sandbox { holder, folder }
    }

    /// The same with a bridge docker0 on 172.17.0.1/16, as a Docker that was stopped leaves it
    /// behind.
    pub fn with_docker0() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.sh(
            "ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip \
                 link set docker0 up",
        );
        sandbox
    }

    /// Runs a command inside.
    pub fn run(&self, argv: &[&str]) -> Ran {
        self.command(argv).output().map(Ran::of).unwrap()
    }

    /// The command, prepared but not started.
    pub fn command(&self, argv: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--net", "--mount", "--"])
            .args(argv)
            .env(
                "PATH",
                format!("{}:{path}", self.folder.join("bin").display()),
            )
            .env("SANDBOX", &self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs a shell script inside, which must succeed.
    pub fn sh(&self, script: &str) -> String {
        let ran = self.run(&["sh", "-ec", script]);
        assert!(
            ran.code == 0,
            "{script}\n{ran:?}\n{}",
            self.run(&["ip", "addr"]).stdout
        );
        ran.stdout
    }

    /// Runs rebridge inside.
    pub fn rebridge(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(&[&[REBRIDGE], arguments].concat());
        crate::keep::keep(&ran.stdout);
        ran
    }

    /// Runs rebridge with `--json`; standard output must be exactly one JSON object.
    pub fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let ran = self.rebridge(&[arguments, &["--json"]].concat());
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        let value = serde_json::from_str(&ran.stdout);
        (
            ran.code,
            value.unwrap_or_else(|error| panic!("not one JSON object: {error}\n{ran:?}")),
        )
    }

    /// Has the stand-in engine answer so; the bytes need not be sense.
    pub fn answer(&self, path: &str, body: impl AsRef<[u8]>) {
        fs::write(
            self.folder
                .join(format!("answer{}", path.replace('/', "_"))),
            body,
        )
        .unwrap();
    }

    /// The clashes of a check, each as `kind/docker subnet/wanted net/source`.
    pub fn clashes(&self, arguments: &[&str]) -> Vec<String> {
        let (code, report) = self.json(&[&["check"], arguments].concat());
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let list: Vec<String> = report["clashes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|clash| {
                let sides = [
                    &clash["kind"],
                    &clash["docker"]["subnet"],
                    &clash["with"]["net"],
                    &clash["with"]["source"],
                ];
                sides.map(text).join("/")
            })
            .collect();
        assert_eq!(code, i32::from(!list.is_empty()), "{report:#}");
        list
    }

    /// Starts a command inside that runs until the guard is dropped.
    pub fn start(&self, argv: &[&str]) -> Running {
        Running(
            self.command(argv)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    /// A path of the sandbox as this process sees it.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.holder.id()))
    }

    /// Puts a file in.
    pub fn put(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, inside: &str) -> Option<String> {
        fs::read_to_string(self.path(inside)).ok()
    }

    /// Puts a stand-in program on the PATH of everything that runs inside.
    pub fn stand_in(&self, name: &str, script: &str) {
        let path = self.folder.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The folder shared with stand-ins as `$SANDBOX`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// docker0's address, asked of `ip` and not of rebridge.
    pub fn docker0(&self) -> String {
        self.sh("ip -4 -o addr show docker0 | awk '{print $4}'")
            .trim()
            .to_owned()
    }
}

/// A process inside the sandbox.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ran {
    /// From what the standard library collects.
    pub fn of(output: std::process::Output) -> Ran {
        use std::os::unix::process::ExitStatusExt;
        let code = output
            .status
            .code()
            .or(output.status.signal().map(|signal| 128 + signal));
        Ran {
            code: code.unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The holder ends when it has read a line; the namespaces go with the last process in them.
        if let Some(mut stdin) = self.holder.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
