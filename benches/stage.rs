//! Hosts to measure on: a network namespace with a full Internet table, and a lab host as it is
//! usual.

use std::io::Write;
use std::process::{Command, Stdio};

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab");
const ROUTES: u32 = 720_000;

/// The binary that ships, as `make bench` built it.
pub fn rebridge() -> String {
    std::env::var("REBRIDGE_BIN").expect("REBRIDGE_BIN names the release binary; use make bench")
}

fn this() -> String {
    std::env::current_exe()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// A router with the whole Internet in its table.
pub fn full_table() {
    println!(
        "\na full Internet table, {ROUTES} routes (floor: the bare dump into one buffer; goal: at \
         most 1.2 x, and memory flat)"
    );
    for (routes, title) in [(0, "an empty table"), (ROUTES, "the full table")] {
        println!(" {title}");
        inside_namespace(routes);
    }
}

/// The namespace is that of one shell and ends with it.
fn inside_namespace(routes: u32) {
    let script = format!(
        "ip link set lo up; ip link add eth0 type veth peer name far; ip addr add 198.51.100.2/24 dev eth0
         ip link set eth0 up; ip link set far up; ip -batch -
         {bench} pair 7 'bare dump={bench} floor routes' 'rebridge check={rebridge} check --json'
         {rebridge} check --json >/dev/null & pid=$!
         high=0; while now=$(awk '/VmHWM/ {{ print $2 }}' /proc/$pid/status 2>/dev/null) && [ -n \"$now\" ]; do high=$now; done
         echo \"  memory of rebridge at its peak      $high KiB\"",
        bench = this(),
        rebridge = rebridge()
    );
    let mut shell = Command::new("unshare");
    let mut shell = shell
        .args(["--net", "bash", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("unshare starts");
    let mut batch = String::new();
    for n in 0..routes {
        // 720 000 /24s from 20.0.0.0 on: public space, as on the Internet.
        let net = std::net::Ipv4Addr::from((20u32 << 24) + (n << 8));
        batch.push_str(&format!("route add {net}/24 via 198.51.100.1\n"));
    }
    shell
        .stdin
        .take()
        .unwrap()
        .write_all(batch.as_bytes())
        .unwrap();
    assert!(
        shell.wait().unwrap().success(),
        "the namespace could not be made: root and iproute2 are needed"
    );
}

/// A host with forty Docker networks and thirty routes.
pub fn typical_host() {
    println!(
        "\na typical host, 40 Docker networks and 30 routes (floor: the bare dumps and one GET \
         /networks; goals: at most 1.1 x, and 1/5 of docker + ip)"
    );
    let lab = Lab::with_programs();
    lab.exec(
        "cat > /etc/docker/daemon.json <<< '{\"default-address-pools\": [{\"base\": \"10.200.0.0/16\", \"size\": 24}]}'
         sleep 1; systemctl restart docker; for n in $(seq 40); do docker network create n$n >/dev/null; done
         for n in $(seq 30); do ip route add 10.9.$n.0/24 via 198.51.100.1; done
         bench pair 31 'bare dumps and GET=bench floor look' 'rebridge check=rebridge check --json' \
         'docker network inspect and ip=sh -c docker network inspect $(docker network ls -q) >/dev/null; ip -j route show table all'",
    );
}

/// The same host while Docker is stopped, and one that has none.
pub fn without_docker() {
    println!(
        "\na host whose Docker does not run (floor: the bare dumps; goal: 2.8 ms more at most)"
    );
    let lab = Lab::with_programs();
    for (title, script) in [
        (
            "stopped",
            "systemctl stop docker.socket docker.service; ip link del docker0",
        ),
        (
            "absent",
            "rm -rf /usr/sbin/dockerd /etc/init.d/docker /usr/lib/systemd/system/docker.*; systemctl daemon-reload",
        ),
    ] {
        println!(" {title}");
        lab.exec(&format!(
            "{script}; bench pair 61 'bare dumps=bench floor dumps' 'rebridge check=rebridge check --json'"
        ));
    }
}

/// One host, thrown away in the end.
pub struct Lab(String);

impl Lab {
    /// A host with rebridge and this program on it.
    pub fn with_programs() -> Lab {
        let lab = Lab::up();
        for (from, to) in [(rebridge(), "rebridge"), (this(), "bench")] {
            std::fs::copy(&from, format!("{}/usr/bin/{to}", lab.root())).expect(&from);
        }
        lab
    }

    pub fn up() -> Lab {
        let lab = Lab(format!("bench-{}", std::process::id()));
        let owner = std::process::id().to_string();
        lab.script(
            &["up", "--owner", &owner, &lab.0, "h=trixie"],
            Stdio::null(),
        );
        lab
    }

    pub fn root(&self) -> String {
        let output = Command::new(LAB)
            .args(["root", &self.0, "h"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn exec(&self, script: &str) {
        self.script(
            &["exec", &self.0, "h", "bash", "-ec", script],
            Stdio::inherit(),
        );
    }

    /// What a script on the host prints.
    pub fn ask(&self, script: &str) -> String {
        let output = Command::new(LAB)
            .args(["exec", &self.0, "h", "bash", "-ec", script])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A host with rebridge on it, and ten containers that come back with Docker.
    pub fn with_ten_containers() -> Lab {
        let lab = Lab::up();
        std::fs::copy(rebridge(), format!("{}/usr/bin/rebridge", lab.root())).expect("rebridge");
        lab.image();
        lab.exec(
            "for n in $(seq 10); do docker run -d --restart=always --name c$n busybox \
             sh -c 'trap \"exit 143\" TERM; while :; do sleep 60 & wait; done' >/dev/null; done",
        );
        lab
    }

    /// Makes the image `busybox` on it.
    pub fn image(&self) {
        self.script(&["image", &self.0, "h"], Stdio::null());
    }

    fn script(&self, words: &[&str], out: Stdio) {
        let status = Command::new(LAB).args(words).stdout(out).status().unwrap();
        assert!(status.success(), "lab {words:?}: {status}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = Command::new(LAB).args(["down", &self.0]).status();
    }
}
