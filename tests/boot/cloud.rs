//! First boots with the examples of cloud-init/, as pasted.

use crate::lab::{Lab, SERVER};
use crate::{docker_starts, result};

/// An example, for 172.17.0.0/16 alone: the range of the servers in the lab.
fn example(name: &str) -> String {
    let path = format!("{}/cloud-init/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("172.16.0.0/12"),
        "{path} names a network to put one's own in place of"
    );
    text
}

/// A host about to boot for the first time. The lab has no Debian mirror: what `packages:` asks for
/// is there.
fn host(suite: &str, user_data: &str) -> Lab {
    let lab = Lab::create(&format!("{suite}+cloud"));
    lab.put(
        "/var/lib/cloud/seed/nocloud/meta-data",
        "instance-id: first\n",
    );
    lab.put("/var/lib/cloud/seed/nocloud/user-data", user_data);
    lab.sh_outside(
        "rm -rf etc/apt/sources.list etc/apt/sources.list.d/* && touch etc/apt/sources.list",
    );
    lab
}

fn boot(suite: &str, user_data: &str) -> Lab {
    let lab = host(suite, user_data);
    lab.boot();
    lab
}

/// What cloud-init says of itself at the end.
fn status(lab: &Lab) -> String {
    lab.try_sh("cloud-init status --wait --long").stdout
}

fn done(lab: &Lab) {
    let status = status(lab);
    assert!(
        status.contains("status: done"),
        "{status}{}",
        lab.sh("tail -40 /var/log/cloud-init-output.log")
    );
}

/// (a): Docker's very first start is on the new range, and there is no second.
fn docker_never_comes_up_wrong(suite: &str) {
    let lab = boot(suite, &example("a-before-docker.yaml"));
    done(&lab);
    assert_eq!(
        docker_starts(&lab),
        1,
        "{}",
        lab.sh("journalctl -b -u docker.service --no-pager")
    );
    assert_eq!(lab.docker0(), "10.200.255.1/24");
    assert!(lab.reaches(SERVER));
    let said = result(&lab, "/run/rebridge.json");
    assert_eq!(
        (said["outcome"].as_str(), said["restarted"].as_bool()),
        (Some("changed"), Some(false)),
        "{said:#}"
    );
    let journal = lab.sh("journalctl -b --no-pager -o cat");
    assert!(
        journal.contains("docker0 gets 10.200.255.1/24 when Docker"),
        "the journal has the sentence"
    );
    assert_eq!(lab.rebridge(&["check"]).0, 0);
}

#[test]
fn docker_never_comes_up_wrong_on_bookworm() {
    docker_never_comes_up_wrong("bookworm");
}

#[test]
fn docker_never_comes_up_wrong_on_trixie() {
    docker_never_comes_up_wrong("trixie");
}

#[test]
fn docker_never_comes_up_wrong_on_forky() {
    docker_never_comes_up_wrong("forky");
}

/// (b): Docker came up on top of the servers and is moved before cloud-init is done.
fn an_outage_at_boot_ends_fixed(suite: &str) {
    is_fixed(&boot(suite, &example("b-after-packages.yaml")));
}

/// (b) with rebridge from a package repository of the operator's own.
#[test]
fn rebridge_comes_as_a_package() {
    let user_data = example("b-after-packages.yaml")
        .replace("  - docker.io\n", "  - docker.io\n  - rebridge\n");
    let lab = host("trixie", &user_data);
    std::fs::create_dir(lab.path("/srv/own")).unwrap();
    std::fs::copy(crate::package::package(), lab.path("/srv/own/rebridge.deb")).unwrap();
    lab.put(
        "/etc/apt/sources.list.d/own.list",
        "deb [trusted=yes] file:/srv/own ./\n",
    );
    lab.sh_outside(
        "rm usr/bin/rebridge; cd srv/own
         (dpkg-deb -f rebridge.deb; echo Filename: ./rebridge.deb; echo Size: $(stat -c %s rebridge.deb)
          echo SHA256: $(sha256sum rebridge.deb | cut -d ' ' -f 1)) >Packages",
    );
    lab.boot();
    assert!(
        lab.sh("dpkg -s rebridge")
            .contains("Status: install ok installed")
    );
    is_fixed(&lab);
}

fn is_fixed(lab: &Lab) {
    done(lab);
    assert_eq!(
        (docker_starts(lab), lab.docker0().as_str()),
        (2, "10.200.255.1/24")
    );
    assert!(lab.reaches(SERVER));
    let said = result(lab, "/run/rebridge.json");
    assert_eq!(
        (said["outcome"].as_str(), said["restarted"].as_bool()),
        (Some("changed"), Some(true)),
        "{said:#}"
    );
    assert_eq!(
        said["docker"]["docker0_before"], "172.17.0.1/16",
        "it was an outage"
    );
    assert!(
        lab.sh("cat /var/log/cloud-init-output.log")
            .contains("is up\n"),
        "runcmd went on to its end"
    );
}

#[test]
fn an_outage_at_boot_ends_fixed_on_bookworm() {
    an_outage_at_boot_ends_fixed("bookworm");
}

#[test]
fn an_outage_at_boot_ends_fixed_on_forky() {
    an_outage_at_boot_ends_fixed("forky");
}

/// A step that fails is cloud-init's error, with our sentence in its output; Docker runs as it did.
fn a_failing_step_shows(suite: &str) {
    let pool = "--avoid 172.16.0.0/12 --pool 172.17.0.0/16";
    let lab = boot(
        suite,
        &example("b-after-packages.yaml").replace("--avoid 172.16.0.0/12", pool),
    );
    let status = status(&lab);
    assert!(status.contains("status: error"), "{status}");
    let said = result(&lab, "/run/rebridge.json");
    assert_eq!(said["outcome"], "refused", "{said:#}");
    let output = lab.sh("cat /var/log/cloud-init-output.log");
    assert!(output.contains(said["msg"].as_str().unwrap()), "{output}");
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "172.17.0.1/16")
    );
}

#[test]
fn a_failing_step_shows_on_bookworm() {
    a_failing_step_shows("bookworm");
}

#[test]
fn a_failing_step_shows_on_forky() {
    a_failing_step_shows("forky");
}

/// The same in the early stage: an error of cloud-init's, and Docker starts all the same.
#[test]
fn a_failing_bootcmd_shows_and_does_not_keep_docker_from_starting() {
    let lab = boot(
        "trixie",
        &example("a-before-docker.yaml").replace("--yes,", "--yes, --pool, 172.17.0.0/16,"),
    );
    let status = status(&lab);
    assert!(status.contains("status: error"), "{status}");
    let said = result(&lab, "/run/rebridge.json");
    assert_eq!(said["outcome"], "refused", "{said:#}");
    assert!(
        lab.sh("cat /var/log/cloud-init-output.log")
            .contains(said["msg"].as_str().unwrap())
    );
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "172.17.0.1/16")
    );
}

/// (c): the second part finds nothing left to do.
#[test]
fn both_parts_start_docker_once() {
    let lab = boot("trixie", &example("c-both.yaml"));
    done(&lab);
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
    let first = result(&lab, "/run/rebridge-boot.json");
    let second = result(&lab, "/run/rebridge.json");
    assert_eq!(
        (first["outcome"].as_str(), second["outcome"].as_str()),
        (Some("changed"), Some("clean"))
    );
    assert_eq!(
        first["clashes"][0]["with"]["detail"],
        "--avoid, /etc/rebridge/options line 1"
    );
}

/// (d): vendor-data alone; and as a boothook beside a user who has a bootcmd of their own.
#[test]
fn vendor_data_works_and_its_boothook_beside_a_users_own_bootcmd() {
    let lab = host("trixie", "#cloud-config\nhostname: h\n");
    lab.put(
        "/var/lib/cloud/seed/nocloud/vendor-data",
        &example("d-vendor-data.yaml"),
    );
    lab.boot();
    done(&lab);
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );

    let lab = host(
        "bookworm",
        "#cloud-config\nbootcmd:\n  - touch /run/the-users-own\n",
    );
    lab.put(
        "/var/lib/cloud/seed/nocloud/vendor-data",
        &example("d-vendor-data.boothook"),
    );
    lab.boot();
    done(&lab);
    lab.sh("test -e /run/the-users-own");
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
    assert_eq!(
        result(&lab, "/run/rebridge-vendor.json")["outcome"],
        "changed"
    );
}

/// (e): an image with the package in it. Nothing moves at the boot that switches the units on; at
/// the next one Docker starts on the right range, once.
#[test]
fn units_switched_on_by_cloud_init_heal_the_next_boot() {
    let lab = host("trixie", &example("e-every-boot.yaml"));
    std::fs::copy(crate::package::package(), lab.path("/root/rebridge.deb")).unwrap();
    lab.sh_outside("rm usr/bin/rebridge; chroot . dpkg -i /root/rebridge.deb 2>&1");
    lab.boot();
    done(&lab);
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "172.17.0.1/16")
    );
    lab.sh("systemctl is-active rebridge-check.timer");
    lab.reboot();
    assert_eq!(
        (docker_starts(&lab), lab.docker0().as_str()),
        (1, "10.200.255.1/24")
    );
    assert!(lab.reaches(SERVER));
}

/// The newest cloud-init takes every example; an older one that looks less closely does too.
#[test]
fn cloud_inits_own_schema_accepts_every_example() {
    for suite in ["bookworm", "trixie", "forky"] {
        let lab = Lab::create(&format!("{suite}+cloud"));
        let mut checked = 0;
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cloud-init")).unwrap()
        {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                lab.put(
                    "/tmp/example.yaml",
                    &std::fs::read_to_string(&path).unwrap(),
                );
                let said = lab
                    .sh_outside("chroot . cloud-init schema --annotate -c /tmp/example.yaml 2>&1");
                assert!(
                    said.to_lowercase().contains("valid") && !said.contains("Error"),
                    "{path:?} on {suite}: {said}"
                );
                checked += 1;
            }
        }
        assert_eq!(checked, 6);
    }
}
