//! The controller: ansible-core in a virtual environment, the collection installed from its
//! tarball, keys of the test's own, and an inventory of the lab's hosts.

use crate::lab::Lab;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A lab with a controller in its corp network.
pub struct Controller {
    /// The hosts.
    pub lab: Lab,
    /// Where plays, keys and results lie; the current folder of every play.
    pub folder: PathBuf,
}

/// What a run of Ansible printed and how it ended.
#[derive(Debug)]
pub struct Played {
    /// Its exit status.
    pub code: i32,
    /// Standard output, the play as people see it.
    pub stdout: String,
    /// Standard error, warnings.
    pub stderr: String,
}

impl Controller {
    /// A booted lab of these hosts; the first is the default of `lab`.
    pub fn up(hosts: &[(&str, &str)]) -> Controller {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("rebridge-play-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let key = folder.join("key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key));
        let public = fs::read_to_string(folder.join("key.pub")).unwrap();
        let lab = Lab::of(hosts);
        let mut inventory = String::from("[hosts]\n");
        for (at, (host, _)) in hosts.iter().enumerate() {
            let there = lab.at(host);
            there.put("/root/.ssh/authorized_keys", &public);
            there.sh_outside("chmod 700 root/.ssh && chmod 600 root/.ssh/authorized_keys");
            inventory += &format!("{host} ansible_host=198.51.100.{}\n", 11 + at);
        }
        inventory += &format!(
            "[hosts:vars]\nansible_user=root\nansible_python_interpreter=/usr/bin/python3\nansible_ssh_private_key_file={}\n",
            key.display()
        );
        fs::write(folder.join("inventory"), inventory).unwrap();
        lab.boot_all(&hosts.iter().map(|(host, _)| *host).collect::<Vec<_>>());
        Controller { lab, folder }
    }

    /// Writes a playbook that calls the module once on all hosts, with these options, as YAML of
    /// one line.
    pub fn play_of(&self, options: &str) -> String {
        let name = "play.yml";
        self.write(
            name,
            &format!(
                "- hosts: hosts\n  gather_facts: false\n  tasks:\n    - \
                      rebridge.docker.rebridge: {options}\n"
            ),
        );
        name.to_owned()
    }

    /// A file in the controller's folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Calls the module once on all hosts by a play.
    pub fn module(&self, options: &str, arguments: &[&str]) -> Played {
        let play = self.play_of(options);
        self.playbook(&[&[play.as_str()], arguments].concat())
    }

    /// Runs ansible-playbook in the corp network.
    pub fn playbook(&self, arguments: &[&str]) -> Played {
        self.ansible("ansible-playbook", arguments)
    }

    /// Runs a program of ansible-core in the corp network; `result` has each host's last result
    /// then.
    pub fn ansible(&self, program: &str, arguments: &[&str]) -> Played {
        let _ = fs::remove_dir_all(self.folder.join("results"));
        let program = venv().join(program);
        self.run(&[&[program.to_str().unwrap()], arguments].concat())
    }

    /// Runs a command as the controller's operator, in the corp network.
    pub fn run(&self, words: &[&str]) -> Played {
        let path = format!("{}:{}", venv().display(), std::env::var("PATH").unwrap());
        let output = self
            .lab
            .in_corp(words)
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("HOME", &self.folder)
            .env("ANSIBLE_INVENTORY", self.folder.join("inventory"))
            .env("ANSIBLE_COLLECTIONS_PATH", collections())
            .env("ANSIBLE_HOST_KEY_CHECKING", "false")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_CALLBACKS_ENABLED", "ansible.builtin.tree")
            .env("ANSIBLE_CALLBACK_TREE_DIR", self.folder.join("results"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Played {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The result of the last task on a host.
    pub fn result(&self, host: &str) -> Value {
        let text = fs::read_to_string(self.folder.join("results").join(host));
        serde_json::from_str(&text.unwrap_or_else(|error| panic!("no result of {host}: {error}")))
            .unwrap()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // ssh's masters live on for a minute; they go by their own sockets.
        let sockets = fs::read_dir(self.folder.join(".ansible/cp"))
            .into_iter()
            .flatten()
            .flatten();
        for socket in sockets {
            let path = format!("ControlPath={}", socket.path().display());
            let _ = Command::new("ssh")
                .args(["-o", &path, "-O", "exit", "x"])
                .stderr(Stdio::null())
                .status();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Played {
    /// It succeeded, and every one of these hosts has this number of changed and failed tasks.
    pub fn recap(&self, host: &str) -> (u32, u32) {
        let line = self
            .stdout
            .lines()
            .rev()
            .find(|line| line.starts_with(host) && line.contains("changed="));
        let line = line.unwrap_or_else(|| panic!("no recap of {host}: {self:?}"));
        let number = |key: &str| -> u32 {
            let value = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix(key));
            value.unwrap().parse().unwrap()
        };
        (number("changed="), number("failed="))
    }

    /// How often ssh ran a command, where `-vvv` shows it.
    pub fn trips(&self) -> usize {
        self.stdout
            .lines()
            .filter(|line| {
                line.contains("SSH: EXEC") || line.contains("SFTP") || line.contains("PUT ")
            })
            .count()
    }
}

/// The `bin` folder of the environment with ansible-core, made at first use.
pub fn venv() -> &'static Path {
    static VENV: OnceLock<PathBuf> = OnceLock::new();
    VENV.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if let Ok(folder) = std::env::var("ANSIBLE_VENV") {
            return root.join(folder).join("bin");
        }
        let folder = root.join("target/ansible/core-2.19");
        let made = run(Command::new(root.join("ansible/venv.sh"))
            .arg(&folder)
            .arg("ansible-core~=2.19.0"));
        Path::new(made.trim()).parent().unwrap().to_owned()
    })
}

/// The folder where the collection is installed, from its tarball, once for all tests of this
/// process.
pub fn collections() -> &'static Path {
    static COLLECTIONS: OnceLock<PathBuf> = OnceLock::new();
    COLLECTIONS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("collections");
        let _ = fs::remove_dir_all(&folder);
        run(Command::new(venv().join("ansible-galaxy"))
            .args(["collection", "install", "--force", "--offline", "-p"])
            .arg(&folder)
            .arg(tarball())
            .env(
                "PATH",
                format!("{}:{}", venv().display(), std::env::var("PATH").unwrap()),
            ));
        folder
    })
}

/// The tarball that ships, where the Makefile has built it; otherwise one with the binary that was
/// built for this test.
pub fn tarball() -> PathBuf {
    if let Ok(path) = std::env::var("REBRIDGE_COLLECTION") {
        return PathBuf::from(path);
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tarball");
    let binaries = out.join("binaries");
    fs::create_dir_all(&binaries).unwrap();
    let binary = std::env::var("REBRIDGE_BIN").unwrap_or(env!("CARGO_BIN_EXE_rebridge").to_owned());
    fs::copy(
        binary,
        binaries.join(format!("rebridge-linux-{}", std::env::consts::ARCH)),
    )
    .unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    run(Command::new(root.join("ansible/build.sh"))
        .arg("0.0.1")
        .args([&binaries, &out])
        .env(
            "PATH",
            format!("{}:{}", venv().display(), std::env::var("PATH").unwrap()),
        ));
    out.join("rebridge-docker-0.0.1.tar.gz")
}

/// Runs a command that must succeed; its output.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
