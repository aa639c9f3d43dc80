//! Rare ends of a run on a real engine, and what the next one makes of them: no room for the record,
//! a recovery that is killed, a Docker that was stopped, a container that does not stop, a dockerd
//! that nobody would look for.

use crate::back::drop_in_that_holds;
use crate::job::AVOID;
use crate::lab::Lab;
use crate::torture::KILL_AT;
use serde_json::Value;

const FILE: &str = "/etc/docker/daemon.json";
const JOURNAL: &str = "/var/lib/rebridge/journal.json";
const LAST: &str = "/var/lib/rebridge/last.json";
const CLOSED: &str = "had done its work; its journal is closed";

fn dockerd(lab: &Lab) -> String {
    lab.sh("systemctl show docker.service -p MainPID --value")
}

fn running(lab: &Lab) -> String {
    lab.sh("docker ps --format '{{.Names}}' | sort")
}

#[test]
fn rare_ends_are_settled() {
    let lab = Lab::up("trixie");
    lab.container("--name never");
    a_record_without_room_is_named_and_kept_later(&lab);
    a_killed_recovery_loses_no_container(&lab);
    a_stopped_docker_is_not_asked_for_its_networks(&lab);
    an_interrupted_run_is_not_undone_if_that_cuts_you_off(&lab);
}

/// Room for the journal, and not for the record beside it.
fn a_record_without_room_is_named_and_kept_later(lab: &Lab) {
    lab.sh("mkdir -p /var/lib/rebridge; mount -t tmpfs -o size=4k tmpfs /var/lib/rebridge");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("could not be kept") && warnings.contains("No space left"),
        "{report:#}"
    );
    assert_eq!(lab.sh("ls -A /var/lib/rebridge"), "journal.json\n");
    assert!(
        !report["msg"].to_string().contains("rebridge rollback"),
        "{report:#}"
    );
    let pid = dockerd(lab);
    lab.sh("mount -o remount,size=1m /var/lib/rebridge");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!((code, &report["changed"]), (0, &false.into()), "{report:#}");
    assert!(
        report["warnings"].to_string().contains(CLOSED),
        "{report:#}"
    );
    assert_eq!(dockerd(lab), pid);
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
    assert_eq!(running(lab), "never\n");
    lab.sh("umount /var/lib/rebridge");
}

/// The apply is killed while Docker restarts, and the recovery right before it starts a container.
fn a_killed_recovery_loses_no_container(lab: &Lab) {
    lab.put("/root/kill_at.py", KILL_AT);
    drop_in_that_holds(lab);
    lab.sh("touch /root/hold
            rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null & pid=$!
            until ip -4 addr show docker0 | grep -q 10.200; do sleep 0.05; done; kill -9 $pid; wait $pid || true
            rm /root/hold; until docker ps >/dev/null 2>&1; do sleep 0.1; done
            for n in $(seq 200); do
                said=$(python3 /root/kill_at.py $n sh -c 'exec rebridge apply --yes --json --avoid=172.17.0.0/16 >/dev/null') || true
                case \"$said\" in *POST*containers*) exit 0;; esac
            done; exit 1");
    assert_eq!(running(lab), "");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(
        (running(lab).as_str(), lab.read(JOURNAL)),
        ("never\n", None)
    );
    assert_eq!(lab.rebridge(&["rollback", "--yes"]).0, 0);
    lab.sh("rm /etc/systemd/system/docker.service.d/test.conf; systemctl daemon-reload");
}

/// A journal in which only networks move. The socket would start Docker.
fn a_stopped_docker_is_not_asked_for_its_networks(lab: &Lab) {
    lab.sh("docker network create shop >/dev/null");
    lab.container("--name shop --network shop");
    let apply = crate::MOVE_ALL;
    assert_eq!(lab.rebridge(&apply).0, 0);
    let mut record: Value = serde_json::from_str(&lab.read(LAST).unwrap()).unwrap();
    assert_eq!(record["moves"]["networks"][0]["name"], "shop");
    record["restart"] = false.into();
    record["before"] = record["after"].clone();
    lab.put(JOURNAL, &record.to_string());
    lab.sh("systemctl stop docker.service; systemctl start docker.socket");
    let boot = [&apply[..], &["--no-restart"]].concat();
    let (code, report) = lab.rebridge(&boot);
    let msg = report["msg"].as_str().unwrap();
    assert!(
        code == 3 && msg.contains("interrupted half-way"),
        "{report:#}"
    );
    lab.rebridge(&["check"]);
    let states = "systemctl is-active docker.service docker.socket || true";
    assert_eq!(lab.sh(states), "inactive\nactive\n");
    lab.sh("systemctl start docker.service; docker start shop never");
    let (code, report) = lab.rebridge(&boot);
    assert_eq!(code, 0, "{report:#}");
    assert!(
        report["warnings"].to_string().contains(CLOSED),
        "{report:#}"
    );
    assert_eq!(lab.read(JOURNAL), None);
}

/// Half-way, and you work from the range that only this run has made reachable.
fn an_interrupted_run_is_not_undone_if_that_cuts_you_off(lab: &Lab) {
    let mut record: Value = serde_json::from_str(&lab.read(LAST).unwrap()).unwrap();
    record["docker0_after"] = "10.1.2.3/24".into();
    record["docker0_before"] = "172.17.0.1/16".into();
    record["restart"] = true.into();
    lab.put(JOURNAL, &record.to_string());
    let pid = dockerd(lab);
    for verb in ["apply --avoid=172.16.0.0/12", "rollback"] {
        let session = "SSH_CONNECTION='172.17.50.3 40000 198.51.100.11 22'";
        let ran = lab.try_sh(&format!("{session} rebridge {verb} --yes --json"));
        assert!(
            ran.code == 3 && ran.stdout.contains("your session comes from 172.17.50.3"),
            "{ran:?}"
        );
        assert_eq!(dockerd(lab), pid);
    }
    assert!(lab.read(JOURNAL).is_some());
}

/// What the engine asks about every order: it may do all but stop this container.
const AUTHORITY: &str = r#"
import http.server, json, os, socketserver
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        stop = "/stop" in asked.get("RequestUri", "") and open("/root/stubborn").read().strip() in asked["RequestUri"]
        if stop and self.path == "/AuthZPlugin.AuthZReq":
            open("/root/stops", "a").write("stop\n")
        answer = {"Implements": ["authz"], "Allow": not stop, "Msg": "it hangs in the kernel"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
class Server(socketserver.ThreadingUnixStreamServer):
    def get_request(self):
        return self.socket.accept()[0], ("engine", 0)
os.makedirs("/run/docker/plugins", exist_ok=True)
Server("/run/docker/plugins/authority.sock", Answer).serve_forever()
"#;

/// Docker is not restarted, and nothing is stopped a second time.
#[test]
fn a_container_that_does_not_stop_ends_the_run_before_the_restart() {
    let lab = Lab::up("forky");
    lab.container("--name never");
    lab.container("--name stubborn");
    lab.put("/root/authority.py", AUTHORITY);
    let old = "{\"live-restore\": true, \"authorization-plugins\": [\"authority\"]}";
    lab.put(FILE, old);
    lab.sh("docker inspect -f '{{.Id}}' stubborn >/root/stubborn; systemd-run -q --unit=authority python3 /root/authority.py
            until [ -S /run/docker/plugins/authority.sock ]; do sleep 0.1; done
            systemctl restart docker.service; docker start never stubborn");
    let pid = dockerd(&lab);
    let (code, report) = lab.rebridge(&["apply", "--yes", "--accept=container-stop", AVOID]);
    let msg = report["msg"].as_str().unwrap();
    assert!(
        code == 4 && msg.contains("stubborn") && msg.contains("it hangs in the kernel"),
        "{report:#}"
    );
    assert_eq!(lab.read("/root/stops").as_deref(), Some("stop\n"));
    assert_eq!(dockerd(&lab), pid);
    assert_eq!(running(&lab), "never\nstubborn\n");
    assert_eq!(
        (lab.read(FILE).as_deref(), lab.read(JOURNAL)),
        (Some(old), None)
    );

    // A dockerd that no unit runs, with a pidfile of its own, and a docker0 with a second address.
    lab.sh("systemctl stop docker.service docker.socket 2>/dev/null; rm /etc/docker/daemon.json
            setsid dockerd --pidfile /root/by-hand.pid >/root/dockerd.log 2>&1 </dev/null &
            for n in $(seq 600); do docker ps >/dev/null 2>&1 && break; sleep 0.1; done; docker ps >/dev/null
            ip addr del 172.17.0.1/16 dev docker0; ip addr add 10.77.0.1/24 dev docker0; ip addr add 172.17.0.1/16 dev docker0");
    let (code, report) = lab.rebridge(&["check", AVOID]);
    assert_eq!(
        (code, &report["docker"]["state"]),
        (1, &"running".into()),
        "{report:#}"
    );
    assert_eq!(
        report["docker"]["docker0_before"], "172.17.0.1/16",
        "{report:#}"
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID]);
    let msg = report["msg"].as_str().unwrap();
    assert!(code == 3 && msg.contains("--restart-command"), "{report:#}");
    lab.sh("kill $(cat /root/by-hand.pid)");
}
