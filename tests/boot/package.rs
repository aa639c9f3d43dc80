//! The Debian package and its units: install, heal at boot, watch, upgrade, remove, purge.

use crate::lab::{Lab, SERVER};
use crate::{docker_starts, result, shells};
use std::path::PathBuf;

/// The package that `make deb` has built.
pub fn package() -> PathBuf {
    let dist = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/dist");
    let entries = std::fs::read_dir(&dist)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let packages: Vec<PathBuf> = entries.unwrap_or_default();
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let ours = format!("rebridge_{}-1_{arch}.deb", env!("CARGO_PKG_VERSION"));
    let found = packages
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name == ours.as_str()));
    found.unwrap_or_else(|| panic!("no {ours} in {}: run make deb", dist.display()))
}

/// A host, booted, with the package's file on it and no rebridge yet. The lab's bases leave manual
/// pages out of every package; here they are wanted.
fn host(suite: &str) -> Lab {
    let lab = Lab::create(suite);
    std::fs::copy(package(), lab.path("/root/rebridge.deb")).unwrap();
    lab.sh_outside("rm usr/bin/rebridge; sed -i '/path-exclude/d' etc/dpkg/dpkg.cfg.d/*");
    lab.boot();
    lab
}

fn enabled(lab: &Lab, unit: &str) -> String {
    lab.try_sh(&format!("systemctl is-enabled {unit}"))
        .stdout
        .trim()
        .to_owned()
}

/// Files anywhere on the host that bear our name.
fn traces(lab: &Lab) -> String {
    lab.sh("find /etc /usr /var /run -xdev -name '*rebridge*' -not -path '*/proc/*' | sort")
}

fn comes_and_goes(suite: &str) {
    let lab = host(suite);
    assert_eq!(traces(&lab), "");
    lab.sh("dpkg -i /root/rebridge.deb 2>&1");
    for file in ["man1/rebridge.1.gz", "man1/rebridge-apply.1.gz"] {
        lab.sh(&format!("gzip -t /usr/share/man/{file}"));
    }
    lab.sh(
        "bash -ec 'source /usr/share/bash-completion/completions/rebridge; complete -p rebridge'",
    );
    lab.sh("docker network create shop");
    let completed = lab
        .sh("bash -c 'source /usr/share/bash-completion/completions/rebridge; COMP_WORDS=(rebridge apply --network sh)
         COMP_CWORD=3; _rebridge rebridge sh --network; echo ${COMPREPLY[@]}'");
    assert_eq!(
        completed.trim(),
        "shop",
        "the names of networks are asked of Docker"
    );
    shells::complete(&lab);
    lab.sh("docker network rm shop");
    lab.sh(
        "systemd-analyze --man=no verify rebridge.service rebridge-check.service \
            rebridge-check.timer rebridge-watch.service 2>&1 | (! grep -i rebridge)",
    );
    assert_eq!(
        (
            enabled(&lab, "rebridge.service"),
            enabled(&lab, "rebridge-check.timer")
        ),
        two("disabled")
    );
    assert_eq!(enabled(&lab, "rebridge-watch.service"), "disabled");
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "172.17.0.1/16"),
        "installing moves nothing"
    );

    // Switched on; from the next boot on Docker starts on the right range, once.
    lab.put("/etc/rebridge/options", "--avoid 172.17.0.0/16\n");
    lab.sh("echo '# ours' >>/etc/default/rebridge
            systemctl enable rebridge.service rebridge-check.timer rebridge-watch.service");
    lab.reboot();
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
    assert!(lab.reaches(SERVER));
    assert_eq!(
        result(&lab, "/run/rebridge/boot.json")["outcome"],
        "changed"
    );
    assert_eq!(lab.sh("systemctl --failed --no-legend"), "");

    // An upgrade keeps what the operator chose, and their file.
    lab.sh("dpkg -i /root/rebridge.deb 2>&1; grep -q ours /etc/default/rebridge");
    assert_eq!(
        (
            enabled(&lab, "rebridge.service"),
            enabled(&lab, "rebridge-check.timer")
        ),
        two("enabled")
    );
    lab.sh("systemctl is-active rebridge-check.timer rebridge-watch.service");

    lab.sh("systemctl start rebridge-check.service");
    let metrics = lab.sh("cat /run/rebridge/rebridge.prom");
    assert!(
        metrics.contains("rebridge_clashes{kind=\"present\"} 0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("rebridge_docker0_info{address=\"10.200.255.1/24\"} 1\n"),
        "{metrics}"
    );
    assert_eq!(result(&lab, "/run/rebridge/check.json")["outcome"], "clean");

    // Drift: somebody brings a clash about. The unit does not fail for it, the metric tells.
    lab.sh("ip route add 10.200.7.0/24 via 198.51.100.1; systemctl start rebridge-check.service");
    let metrics = lab.sh("cat /run/rebridge/rebridge.prom");
    assert!(
        metrics.contains("rebridge_clashes{kind=\"latent\"} 1\n"),
        "{metrics}"
    );

    lab.sh("dpkg -r rebridge 2>&1");
    for unit in ["rebridge-check.timer", "rebridge-watch.service"] {
        assert!(
            lab.try_sh(&format!("systemctl is-active {unit}")).code != 0,
            "{unit}"
        );
    }
    assert_eq!(lab.docker0(), "10.200.255.1/24", "what was set right stays");
    lab.sh("grep -q ours /etc/default/rebridge; grep -q 172.17 /etc/rebridge/options");
    lab.sh("dpkg -P rebridge 2>&1");
    assert_eq!(traces(&lab), "");
    lab.reboot();
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
}

fn two(word: &str) -> (String, String) {
    (word.to_owned(), word.to_owned())
}

#[test]
fn comes_and_goes_on_bookworm() {
    comes_and_goes("bookworm");
}

#[test]
fn comes_and_goes_on_trixie() {
    comes_and_goes("trixie");
}

/// A host that lost power in the middle of an apply: nothing at boot may wait for Docker, whose
/// start waits for the unit. Docker comes up, the unit says what is to be done, and the next apply
/// does it.
#[test]
fn an_interrupted_run_does_not_hold_up_the_boot() {
    let lab = host("trixie");
    lab.sh("dpkg -i /root/rebridge.deb 2>&1; systemctl enable rebridge.service
            echo 'REBRIDGE_OPTIONS=\"--avoid 172.17.0.0/16\"' >/etc/default/rebridge
            mkdir -p /etc/systemd/system/docker.service.d
            printf '[Service]\\nExecStartPre=/bin/sleep 5\\n' >/etc/systemd/system/docker.service.d/slow.conf
            systemctl daemon-reload
            rebridge apply --yes --avoid 172.17.0.0/16 >/dev/null 2>&1 & pid=$!; sleep 3; kill -9 $pid
            rm /etc/systemd/system/docker.service.d/slow.conf; test -e /var/lib/rebridge/journal.json");
    let began = std::time::Instant::now();
    lab.reboot();
    assert!(
        began.elapsed().as_secs() < 60,
        "the boot took {:?}",
        began.elapsed()
    );
    let said = result(&lab, "/run/rebridge/boot.json");
    assert_eq!(said["outcome"], "refused", "{said:#}");
    assert!(
        said["msg"]
            .as_str()
            .unwrap()
            .contains("run again without it once Docker is up"),
        "{said:#}"
    );
    assert_eq!(docker_starts(&lab), 1);
    let (code, report) = lab.rebridge(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, lab.docker0().as_str()),
        (0, "10.200.255.1/24"),
        "{report:#}"
    );
}
