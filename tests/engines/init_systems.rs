//! Hosts whose Docker no systemd runs: sysvinit with Docker's init script, and OpenRC with the same
//! script and with one of its own. The whole job, flags in the file that the script reads, and a
//! Docker that ends as soon as it is started.

use crate::lab::Lab;
use serde_json::Value;

const APPLY: [&str; 3] = ["apply", "--yes", "--avoid=172.17.0.0/16"];

/// A Docker that does not start with pools, and says why.
const FUSSY: &str = "#!/bin/sh
if grep -qs pools /etc/docker/daemon.json; then
    echo 'failed to start daemon: no pools here' >&2
    exit 1
fi
exec /usr/sbin/dockerd \"$@\"
";

/// As Alpine's and Gentoo's scripts are, with the supervisor of OpenRC.
const OF_OPENRC: &str = "#!/sbin/openrc-run
supervisor=supervise-daemon
command=\"${DOCKERD:-/usr/sbin/dockerd}\"
command_args=\"$DOCKER_OPTS\"
output_log=/var/log/docker.log
error_log=/var/log/docker.log
";

/// What runs Docker on a host.
struct Runner {
    /// As facts name it.
    service: &'static str,
    /// What starts and stops it. Debian's `service` confuses OpenRC about its own scripts.
    control: &'static str,
    /// Where the script reads its options, and a file that it does not read.
    options: &'static str,
    unread: &'static str,
}

const SYSV: Runner = Runner {
    service: "sysv",
    control: "service docker",
    options: "/etc/default/docker",
    unread: "/etc/conf.d/docker",
};

const OPENRC: Runner = Runner {
    service: "openrc",
    control: "rc-service docker",
    options: "/etc/conf.d/docker",
    unread: "/etc/default/docker",
};

#[test]
fn the_job_is_done_without_systemd() {
    let lab = Lab::of(&[("s", "trixie+sysvinit"), ("o", "bookworm+openrc")]);
    lab.boot_all(&["s", "o"]);
    std::thread::scope(|scope| {
        scope.spawn(|| by_sysvinit(&lab.at("s")));
        scope.spawn(|| by_openrc(&lab.at("o")));
    });
}

fn by_sysvinit(lab: &Lab) {
    lab.container("--name web");
    moves_and_comes_back(lab, &SYSV);
    flags_are_found(lab, &SYSV);
    a_docker_that_ends_at_once_comes_back(lab, &SYSV);
}

fn by_openrc(lab: &Lab) {
    lab.container("--name web");
    moves_and_comes_back(lab, &OPENRC);
    stop(lab, &OPENRC);
    lab.put("/etc/init.d/docker", OF_OPENRC);
    // OpenRC keeps books of its own scripts only, and the other one began as started.
    lab.sh("rc-service docker zap");
    start(lab, &OPENRC);
    moves_and_comes_back(lab, &OPENRC);
    flags_are_found(lab, &OPENRC);
    a_docker_that_ends_at_once_comes_back(lab, &OPENRC);
}

fn start(lab: &Lab, runner: &Runner) {
    lab.sh(&format!(
        "{} start
         timeout 90 sh -c 'until docker version >/dev/null 2>&1; do sleep 0.2; done'",
        runner.control
    ));
}

fn stop(lab: &Lab, runner: &Runner) {
    lab.sh(&format!("{} stop", runner.control));
}

fn moves_and_comes_back(lab: &Lab, runner: &Runner) {
    lab.sh("docker start web");
    let (code, report) = lab.rebridge(&APPLY);
    assert_eq!(
        (code, &report["outcome"], &report["docker"]["service"]),
        (0, &"changed".into(), &runner.service.into()),
        "{report:#}"
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    let runs = "docker inspect web -f '{{.State.Running}}'";
    assert_eq!(lab.sh(runs), "true\n", "{report:#}");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    assert_eq!(lab.sh(runs), "true\n", "{report:#}");
}

/// A key of the file that is a flag too keeps Docker from starting, whether it runs or not.
fn flags_are_found(lab: &Lab, runner: &Runner) {
    const FLAG: &str = "DOCKER_OPTS=\"--bip=172.17.0.1/16\"\n";
    let refused = |why: &str| {
        let (code, report) = lab.rebridge(&APPLY);
        let place = format!("take --bip out of {} line 1", runner.options);
        assert!(
            code == 3 && report["msg"].as_str().unwrap().contains(&place),
            "{why}: {report:#}"
        );
        assert_eq!(lab.read("/etc/docker/daemon.json"), None);
        report
    };
    lab.put(runner.options, FLAG);
    refused("for the next start");
    stop(lab, runner);
    let report = refused("stopped");
    assert_eq!(report["docker"]["state"], "stopped", "{report:#}");
    start(lab, runner);
    refused("in force");
    // What the script does not read is in nobody's way.
    stop(lab, runner);
    lab.sh(&format!("rm {}", runner.options));
    lab.put(runner.unread, FLAG);
    let (code, report) = lab.rebridge(&APPLY);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    start(lab, runner);
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(code, 0, "{report:#}");
    lab.sh(&format!("rm {}", runner.unread));
}

/// An init script reports nothing of it; the old file is back long before the deadline.
fn a_docker_that_ends_at_once_comes_back(lab: &Lab, runner: &Runner) {
    lab.put("/usr/local/sbin/fussy-dockerd", FUSSY);
    lab.put(runner.options, "DOCKERD=/usr/local/sbin/fussy-dockerd\n");
    lab.sh("chmod 755 /usr/local/sbin/fussy-dockerd");
    stop(lab, runner);
    start(lab, runner);
    let (code, report) = lab.rebridge(&APPLY);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    let why = report["msg"].as_str().unwrap();
    assert!(why.contains("did not start: no pools here"), "{report:#}");
    assert_eq!(lab.docker0(), "172.17.0.1/16");
    let state: Value = serde_json::from_str(&lab.sh("docker info -f '{{json .Name}}'")).unwrap();
    assert!(state.is_string());
}
