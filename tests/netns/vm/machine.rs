//! The virtual machines. Each test of this folder is there twice: on this machine it waits for the
//! virtual ones and fails with what they say of it, and in them it does its work.

use crate::sandbox::REBRIDGE;
use std::any::type_name;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The suites whose kernels `lab kernels` unpacks.
const KERNELS: [&str; 2] = ["bullseye", "forky"];
/// Is in the environment of the tests in a virtual machine.
const INSIDE: &str = "REBRIDGE_IN_VM";
/// A machine that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(300);
/// Comes before each JSON object that a machine hands out for the schemas.
const REPORT: &str = "== report\n";

/// What a machine with one of the kernels said.
struct Told {
    kernel: &'static str,
    /// Whether each test passed.
    passed: BTreeMap<String, bool>,
    all: String,
}

/// Runs a test in a virtual machine of each kernel. Its name is that of the function it stands in.
pub fn on_each_kernel<F: FnOnce()>(test: F) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let name = path.split_once("::").unwrap().1;
    for told in all_told() {
        let passed = told.passed.get(name).copied();
        assert!(
            passed == Some(true),
            "with the kernel of {}, {name} {}:\n{}",
            told.kernel,
            if passed.is_none() {
                "never ended"
            } else {
                "failed"
            },
            told.about(name)
        );
    }
}

/// All machines run once, side by side.
fn all_told() -> &'static [Told] {
    static TOLD: OnceLock<Vec<Told>> = OnceLock::new();
    TOLD.get_or_init(|| {
        thread::scope(|scope| {
            let machines = KERNELS.map(|kernel| scope.spawn(|| run(kernel)));
            machines.map(|machine| machine.join().unwrap()).into()
        })
    })
}

fn run(kernel: &'static str) -> Told {
    let began = Instant::now();
    let machine = Machine::boot(kernel);
    let all = machine.output();
    let told = Told::of(kernel, all);
    println!(
        "kernel of {kernel}: {} tests in {:.0?}",
        told.passed.len(),
        began.elapsed()
    );
    told
}

/// A virtual machine; killed and its files removed when dropped.
struct Machine {
    folder: PathBuf,
    emulator: Child,
}

impl Machine {
    fn boot(kernel: &str) -> Machine {
        let name = format!("rebridge-vm-{}-{kernel}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        std::fs::write(path("job"), job()).unwrap();
        let tests = std::env::current_exe().unwrap();
        let tests = format!("{}=/bin/tests", tests.display());
        let rebridge = format!("{REBRIDGE}={REBRIDGE}");
        let made = lab()
            .args([
                "initrd",
                kernel,
                &path("initrd"),
                &path("job"),
                &tests,
                &rebridge,
            ])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "lab initrd: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let emulator = lab()
            .args(["vm", kernel, "-m", "768", "-initrd", &path("initrd")])
            .args(["-append", "console=ttyS0 panic=-1 quiet"])
            .args(["-serial", &format!("file:{}", path("console"))])
            .args(["-serial", "stdio"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Machine { folder, emulator }
    }

    /// What the tests print until the machine ends, and the kernel's words if it ends early.
    fn output(mut self) -> String {
        let lines = lines_of(&mut self.emulator);
        let mut all = String::new();
        let mut waits = true;
        while waits {
            match lines.recv_timeout(SILENCE) {
                Ok(line) => all += &(line + "\n"),
                Err(error) => {
                    waits = false;
                    if !all.contains("\n== end") {
                        let console = std::fs::read(self.folder.join("console"));
                        let console = console.unwrap_or_default();
                        all += &format!("{error}\n{}", String::from_utf8_lossy(&console));
                    }
                }
            }
        }
        all
    }
}

/// The lines that a process prints, until it closes its end.
fn lines_of(process: &mut Child) -> Receiver<String> {
    let stdout = BufReader::new(process.stdout.take().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in stdout.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a machine does: these tests, one after the other.
fn job() -> String {
    let before_report = REPORT.escape_default();
    format!(
        "export {INSIDE}=1 PATH=/bin HOME=/root REBRIDGE_REPORTS=/tmp/reports
         mkdir /tmp/reports
         /bin/tests --test-threads=1 vm::
         for report in /tmp/reports/*; do printf '{before_report}'; cat $report; done
         echo '== end'\n"
    )
}

impl Told {
    fn of(kernel: &'static str, all: String) -> Told {
        let mut parts = all.split(REPORT);
        let words = parts.next().unwrap_or_default();
        let verdict = |line: &str| {
            let (name, word) = line.strip_prefix("test ")?.split_once(" ... ")?;
            Some((name.to_owned(), word == "ok"))
        };
        let passed = words.lines().filter_map(verdict).collect();
        for report in parts {
            crate::keep::keep(report.trim_end_matches("== end\n"));
        }
        Told {
            kernel,
            passed,
            all: words.to_owned(),
        }
    }

    /// What the machine said about one of its tests, or else all it said.
    fn about(&self, name: &str) -> &str {
        let head = format!("---- {name} stdout ----");
        let found = self.all.split_once(&head);
        found.map_or(&self.all, |(_, rest)| {
            rest.split("\n---- ").next().unwrap_or(rest)
        })
    }
}

fn lab() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab"))
}
