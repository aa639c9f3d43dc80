//! A stand-in engine for faults no engine shows on request: it answers what the file `docker0` in
//! the sandbox's folder says, and a stand-in `systemctl` decides what a restart does.

use super::Sandbox;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// What a restart does. `$ADDRESS` is the `bip` of daemon.json, else the address docker0 has.
pub enum Restart {
    /// Moves docker0, as an engine does.
    Moves,
    /// Says it was done and does nothing.
    DoesNothing,
    /// Leaves docker0 without an address.
    LosesTheAddress,
    /// The same, but only the first time.
    LosesTheAddressOnce,
    /// Never ends while daemon.json has pools, works otherwise.
    HangsOnPools,
    /// Kills rebridge, its caller's caller, while daemon.json has pools.
    KillsUsOnPools,
}

const MOVE: &str = r#"
ip addr flush dev docker0
ip addr add "$ADDRESS" dev docker0
ip link set docker0 up
iptables -t nat -F POSTROUTING
iptables -t nat -A POSTROUTING -s "$(ip -4 route show dev docker0 proto kernel | cut -d' ' -f1)" ! -o docker0 -j MASQUERADE
echo "$ADDRESS" > "$SANDBOX/docker0"
grep -o '"base": *"[^"]*"' /etc/docker/daemon.json 2>/dev/null | cut -d'"' -f4 > "$SANDBOX/pools""#;

/// Gives the sandbox a running Docker that behaves so on a restart.
pub fn install(sandbox: &Sandbox, restart: Restart) {
    let on_restart = match restart {
        Restart::Moves => MOVE.to_owned(),
        Restart::DoesNothing => String::new(),
        Restart::LosesTheAddressOnce => {
            format!(
                "if [ -e $SANDBOX/once ]; then {MOVE}\nelse touch $SANDBOX/once; ip addr flush dev \
                 docker0; fi"
            )
        }
        Restart::LosesTheAddress => "ip addr flush dev docker0".to_owned(),
        Restart::HangsOnPools => {
            format!("grep -q pools /etc/docker/daemon.json 2>/dev/null && sleep 60\n{MOVE}")
        }
        // The stand-in is rebridge's child.
        Restart::KillsUsOnPools => {
            format!(
                "if grep -q pools /etc/docker/daemon.json 2>/dev/null; then kill -9 $PPID; exit 1; \
                 fi\n{MOVE}"
            )
        }
    };
    sandbox.sh("mkdir -p /run/systemd/system /etc/docker");
    // No pidfile and no cgroup of systemd's here: what is left is to ask systemctl.
    sandbox.put(
        "/etc/systemd/system/docker.service",
        "[Service]\nExecStart=/usr/sbin/dockerd\n",
    );
    sandbox.stand_in(
        "systemctl",
        &format!(
            r#"echo "$@" >> "$SANDBOX/systemctl.log"
case "$1" in
show) printf 'ActiveState=active\nMainPID=1\n' ;;
restart)
ADDRESS=$(grep -o '"bip": *"[^"]*"' /etc/docker/daemon.json 2>/dev/null | cut -d'"' -f4)
[ -n "$ADDRESS" ] || ADDRESS=$(cat "$SANDBOX/docker0")
{on_restart}
;;
esac"#
        ),
    );
    answer_on_the_socket(sandbox);
}

/// A running Docker that systemd knows nothing of: the init script or whatever else runs this
/// stand-in restarts it.
pub fn install_without_systemd(sandbox: &Sandbox, restarter: &str) {
    sandbox.sh("mkdir -p /etc/docker /etc/init.d && touch /etc/init.d/docker");
    sandbox.stand_in(
        restarter,
        &format!(
            r#"echo "$(basename "$0") $@" >> "$SANDBOX/restarts"
# A dockerd that starts writes its pidfile.
[ ! -e /run/docker.pid ] || touch /run/docker.pid
ADDRESS=$(grep -o '"bip": *"[^"]*"' /etc/docker/daemon.json 2>/dev/null | cut -d'"' -f4)
[ -n "$ADDRESS" ] || ADDRESS=$(cat "$SANDBOX/docker0")
{MOVE}"#
        ),
    );
    // A process that is called dockerd, as far as the kernel knows.
    sandbox.sh("cp $(command -v sleep) $SANDBOX/dockerd");
    answer_on_the_socket(sandbox);
}

fn answer_on_the_socket(sandbox: &Sandbox) {
    sandbox.stand_in("journalctl", "exit 0");
    std::fs::write(sandbox.folder().join("docker0"), "172.17.0.1/16\n").unwrap();
    let listener = UnixListener::bind(sandbox.path("/run/docker.sock")).unwrap();
    let folder = sandbox.folder().to_path_buf();
    // Ends with the test process; an accept on a removed socket never returns.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &folder);
        }
    });
}

fn answer(mut stream: UnixStream, folder: &Path) -> std::io::Result<()> {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    reader.read_line(&mut request)?;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("asked"))?
        .write_all(request.as_bytes())?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let asked = request.split(' ').nth(1).unwrap_or_default();
    // `/v1.51/networks` → `/networks`
    let path = match asked.strip_prefix("/v1.") {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => asked,
    };
    let file = folder.join(format!("answer{}", path.replace('/', "_")));
    let body = std::fs::read(&file).or_else(|_| default_answer(path, folder))?;
    // What it is to say from the next time on, if the test has put that there.
    let _ = std::fs::rename(file.with_extension("next"), &file);
    let api = std::fs::read_to_string(folder.join("api")).unwrap_or("1.45".to_owned());
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nApi-Version: {api}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

/// What the engine says unless the test has put a file `answer_PATH` into the folder.
fn default_answer(path: &str, folder: &Path) -> std::io::Result<Vec<u8>> {
    let address = std::fs::read_to_string(folder.join("docker0"))?;
    let net: ipnet::Ipv4Net = address.trim().parse().unwrap();
    let pools = std::fs::read_to_string(folder.join("pools")).unwrap_or_default();
    let pools: Vec<_> = pools
        .lines()
        .map(|base| serde_json::json!({"Base": base, "Size": 24}))
        .collect();
    let version = std::fs::read_to_string(folder.join("version")).unwrap_or("26.1.5".to_owned());
    let value = match path {
        "/_ping" => return Ok(b"OK".to_vec()),
        "/info" => serde_json::json!({
            "ServerVersion": version, "LiveRestoreEnabled": false, "DefaultAddressPools": pools
        }),
        "/networks" => serde_json::json!([{
            "Name": "bridge", "Id": "aa", "Scope": "local", "Driver": "bridge",
            "IPAM": {"Config": [{"Subnet": net.trunc()}]},
            "Options": {"com.docker.network.bridge.name": "docker0"}
        }]),
        _ => serde_json::json!([]),
    };
    Ok(value.to_string().into_bytes())
}
