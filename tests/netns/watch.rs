//! `rebridge watch` on a real kernel: what it hears, how soon it speaks, and that it sleeps.

use crate::sandbox::{REBRIDGE, Sandbox};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const VPN: &str = "ip tuntap add dev tun0 mode tun; ip addr add 10.8.0.2/24 dev tun0
                   ip link set tun0 up; ip route add 172.17.50.0/24 dev tun0";

/// Long enough for a machine with too much to do.
const SOON: Duration = Duration::from_secs(20);

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// A watch that runs inside; ended when dropped.
struct Watch {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

impl Watch {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Watch {
        let known = ["watch", "--only", "known"];
        let mut command = sandbox.command(&[&[REBRIDGE], &known[..], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send((Instant::now(), line));
            }
        });
        Watch { child, lines }
    }

    fn line(&self) -> (Instant, String) {
        self.lines.recv_timeout(SOON).unwrap()
    }

    fn json(&self) -> (Instant, Value) {
        let (when, line) = self.line();
        let value: Value = serde_json::from_str(&line).unwrap();
        crate::keep::keep(&serde_json::to_string_pretty(&value).unwrap());
        (when, value)
    }

    /// Nothing is said for a while.
    fn is_silent(&self) {
        let said = self.lines.recv_timeout(Duration::from_secs(1));
        assert!(said.is_err(), "{said:?}");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(done.unwrap().success());
    }

    fn ends(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    /// Bytes of memory that are its own: the binary of a test is larger than the one that ships.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .unwrap();
        line.split_whitespace()
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            << 10
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|clash| clash["with"]["net"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_vpn_that_comes_up_is_named_within_half_a_second() {
    let sandbox = Sandbox::with_docker0();
    let mut watch = Watch::start(&sandbox, &["--json"]);
    let (_, first) = watch.json();
    assert_eq!(
        (&first["outcome"], texts(&first["appeared"])),
        (&"clean".into(), vec![])
    );
    let mut fastest = Duration::MAX;
    // Several times: on a busy machine one may be late.
    for _ in 0..3 {
        sandbox.sh("ip tuntap add dev tun1 mode tun; ip addr add 10.9.0.2/24 dev tun1; ip link set tun1 up");
        watch.is_silent();
        let began = Instant::now();
        sandbox.sh(VPN);
        let (when, news) = watch.json();
        fastest = fastest.min(when - began);
        assert_eq!(texts(&news["appeared"]), ["172.17.50.0/24"], "{news:#}");
        assert_eq!(
            (texts(&news["gone"]), &news["outcome"]),
            (vec![], &"clashing".into())
        );
        sandbox.sh("ip link del tun0; ip link del tun1");
        let (_, news) = watch.json();
        assert_eq!(texts(&news["gone"]), ["172.17.50.0/24"], "{news:#}");
        assert_eq!(
            (texts(&news["appeared"]), &news["outcome"]),
            (vec![], &"clean".into())
        );
        if fastest < HALF_A_SECOND {
            break;
        }
        // There are no more than three looks in fifteen seconds.
        thread::sleep(Duration::from_secs(15));
    }
    println!("the fastest of three: {fastest:?}");
    assert!(fastest < HALF_A_SECOND, "{fastest:?}");
    watch.signal("-HUP");
    watch.is_silent();
    assert_eq!(watch.ends("-TERM"), Some(0));
}

/// A file is heard of by itself: nothing else changes on the host. Its folder comes with the package.
#[test]
fn a_vpn_that_is_configured_is_named_before_it_is_up() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("rm -rf /etc/wireguard");
    let watch = Watch::start(&sandbox, &["--json"]);
    watch.json();
    sandbox.sh("mkdir /etc/wireguard; printf '[Peer]\nAllowedIPs = 172.17.50.0/24\n' > /etc/wireguard/office.conf");
    let (_, news) = watch.json();
    assert_eq!(texts(&news["appeared"]), ["172.17.50.0/24"], "{news:#}");
    let with = &news["appeared"][0]["with"];
    assert_eq!(with["file"], "/etc/wireguard/office.conf", "{news:#}");
    // A file of another kind in the same folder is none.
    sandbox.sh("touch /etc/wireguard/notes.txt");
    watch.is_silent();
    sandbox.sh("rm /etc/wireguard/office.conf");
    assert_eq!(texts(&watch.json().1["gone"]), ["172.17.50.0/24"]);
}

#[test]
fn a_person_reads_sentences_and_programs_get_the_rest() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(VPN);
    sandbox.stand_in("note", "cat > $SANDBOX/note.new; mv $SANDBOX/note.new $SANDBOX/note.$(date +%N); echo noted; exit 3");
    let arguments = [
        "--metrics",
        "/run/w.prom",
        "--result",
        "/run/w.json",
        "--on-change",
        "note",
    ];
    let mut watch = Watch::start(&sandbox, &arguments);
    let (_, clash) = watch.line();
    assert!(
        clash.contains("  clash: docker0 holds 172.17.0.0/16, which overlaps 172.17.50.0/24"),
        "{clash}"
    );
    assert!(watch.line().1.contains("to fix it: `rebridge apply` "));
    sandbox.sh("ip link del tun0");
    let said = std::iter::repeat_with(|| watch.line().1);
    let said: Vec<String> = said
        .take_while(|line| !line.ends_with("nothing clashes any more"))
        .collect();
    assert!(
        said.iter()
            .any(|line| line.contains("  gone: docker0 on 172.17.0.0/16 over 172.17.50.0/24, ")),
        "{said:?}"
    );
    assert!(!said.iter().any(|line| line.contains("noted")), "{said:?}");
    assert_eq!(watch.ends("-INT"), Some(0));
    let metrics = sandbox.read("/run/w.prom").unwrap();
    assert!(
        metrics.contains("rebridge_clashes{kind=\"present\"} 0\n"),
        "{metrics}"
    );
    let result: Value = serde_json::from_str(&sandbox.read("/run/w.json").unwrap()).unwrap();
    assert_eq!(texts(&result["gone"]), ["172.17.50.0/24"]);
    // The command may still run.
    let began = Instant::now();
    loop {
        let notes = sandbox.sh("cat $SANDBOX/note.[0-9]* || true");
        let mut notes = notes.lines().map(serde_json::from_str::<Value>);
        if notes.any(|note| note.unwrap() == result) {
            break;
        }
        assert!(began.elapsed() < SOON, "the command never got it");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_reads_no_more_ends_it() {
    let sandbox = Sandbox::with_docker0();
    let script = format!("timeout 30 {REBRIDGE} watch | head -1; echo ${{PIPESTATUS[0]}}");
    let ran = sandbox.run(&["bash", "-c", &script]);
    assert!(ran.stdout.ends_with("\n0\n"), "{ran:?}");
    let ran = sandbox.rebridge(&["watch", "--metrics", "/proc/no.prom"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn idle_it_sleeps() {
    let sandbox = Sandbox::with_docker0();
    let watch = Watch::start(&sandbox, &["--json"]);
    watch.json();
    // The kernel announces a new link's own addresses up to two seconds later.
    thread::sleep(Duration::from_secs(3));
    let trace = sandbox.folder().join("trace");
    let strace = ["timeout", "--signal=INT", "10", "strace", "-f", "-o"];
    let pid = watch.child.id().to_string();
    let traced = std::process::Command::new(strace[0])
        .args(&strace[1..])
        .args([trace.to_str().unwrap(), "-p", &pid])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&traced.stderr).contains("attached"),
        "{traced:?}"
    );
    let calls = fs::read_to_string(&trace).unwrap();
    let woken = calls.lines().filter(|line| line.contains(") = "));
    assert_eq!(woken.count(), 0, "{calls}");
    sandbox.sh(VPN);
    assert_eq!(texts(&watch.json().1["appeared"]), ["172.17.50.0/24"]);
}

/// The kernel says that it had to drop announcements, and among them was the one that counts.
#[test]
fn lost_announcements_make_it_look() {
    let sandbox = Sandbox::with_docker0();
    let watch = Watch::start(&sandbox, &["--json"]);
    watch.json();
    watch.is_silent();
    watch.signal("-STOP");
    sandbox.put("/run/routes", &batch("add", 0, 5_000));
    sandbox.sh(&format!("ip -batch /run/routes; {VPN}"));
    let sockets = sandbox.sh("cat /proc/net/netlink");
    let pid = watch.child.id().to_string();
    let dropped = sockets.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[2] == pid && words[3] != "00000000" && words[8] != "0"
    });
    assert!(dropped, "nothing was lost: {sockets}");
    watch.signal("-CONT");
    assert_eq!(texts(&watch.json().1["appeared"]), ["172.17.50.0/24"]);
    // And it still hears.
    sandbox.sh("ip link del tun0");
    assert_eq!(texts(&watch.json().1["gone"]), ["172.17.50.0/24"]);
}

#[test]
fn churn_costs_a_look_in_five_seconds() {
    churn(20_000, Duration::from_secs(17));
}

#[test]
fn whole_internet_table_churns_for_a_minute() {
    churn(700_000, Duration::from_secs(60));
}

/// Routes of single addresses in 10.128.0.0/9, which Docker could use.
fn batch(verb: &str, from: u32, count: u32) -> String {
    let address = |number: u32| std::net::Ipv4Addr::from(0x0a80_0000 + number);
    let lines = (from..from + count)
        .map(|number| format!("route {verb} {}/32 via 198.51.100.1\n", address(number)));
    lines.collect()
}

/// So many routes of the Internet in the table, and a thousand changes a second.
fn churn(routes: u32, length: Duration) {
    let sandbox = Sandbox::with_docker0();
    let internet = |number: u32| std::net::Ipv4Addr::from(0x1400_0000 + (number << 8));
    let table: String = (0..routes)
        .map(|number| format!("route add {}/24 via 198.51.100.1\n", internet(number)))
        .collect();
    sandbox.put("/run/table", &table);
    sandbox.sh("ip -batch /run/table; rm /run/table");
    sandbox.put("/run/add", &batch("add", 0, 50));
    sandbox.put("/run/del", &batch("del", 0, 50));
    let mut watch = Watch::start(&sandbox, &["--json", "--metrics", "/run/w.prom"]);
    watch.json();
    watch.is_silent();
    let (memory, metrics) = (watch.memory(), sandbox.path("/run/w.prom"));
    let look = || fs::metadata(&metrics).map(|file| file.ino()).ok();
    let first = look();
    let (began, mut looks, mut seen, mut rounds) = (Instant::now(), Vec::new(), BTreeSet::new(), 0);
    seen.extend(first);
    while began.elapsed() < length {
        if rounds * 100 < began.elapsed().as_millis() {
            sandbox.sh("ip -batch /run/add; ip -batch /run/del");
            rounds += 1;
        }
        if look().is_some_and(|look| seen.insert(look)) {
            looks.push(began.elapsed());
        }
        thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{routes} routes, {} changes: looks at {looks:?}; memory {memory}, then {}",
        rounds * 100,
        watch.memory()
    );
    assert!(looks.len() >= 2, "{looks:?}");
    // Read every 20 ms and more.
    let five = Duration::from_millis(4_800);
    assert!(
        looks.windows(2).all(|pair| pair[1] - pair[0] >= five),
        "{looks:?}"
    );
    assert!(
        watch.memory() < memory + (1 << 20),
        "{memory}, then {}",
        watch.memory()
    );
    assert_eq!(watch.ends("-TERM"), Some(0));
}
