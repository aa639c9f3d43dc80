//! How the binary gets to the target, and that nothing is run which another user may have written.

use crate::controller::Controller;
use serde_json::json;

const LOOK: &str = "{state: checked, avoid: 172.17.0.0/16}";

/// The module works, and this is how many trips it took.
fn trips(controller: &Controller) -> usize {
    let played = controller.module(LOOK, &["-vvv"]);
    assert_eq!(
        (played.code, &controller.result("h")["outcome"]),
        (0, &json!("clashing")),
        "{played:?}"
    );
    played.trips()
}

#[test]
fn the_binary_is_brought_once_and_never_run_where_others_may_write() {
    let controller = Controller::up(&[("h", "trixie")]);
    let lab = &controller.lab;
    // No Python is needed on the target.
    lab.sh("chmod -x $(readlink -f /usr/bin/python3)");
    let first = trips(&controller);
    let listed = lab.sh("stat -c '%U %a %n' /var/cache/rebridge /var/cache/rebridge/*");
    let folder_and_copy: Vec<&str> = listed.lines().collect();
    assert!(
        matches!(folder_and_copy.as_slice(), [folder, copy]
        if *folder == "root 700 /var/cache/rebridge" && copy.starts_with("root 700 \
            /var/cache/rebridge/rebridge-")),
        "{listed}"
    );
    let second = trips(&controller);
    assert!(second == 1 && first > 1, "{first} trips, then {second}");
    println!("{first} trips the first time, {second} the second");

    // A copy that is not ours, whoever wrote it, is replaced and not run.
    for harm in [
        "echo 'touch /root/harm' >$(echo /var/cache/rebridge/rebridge-*)",
        "chown nobody /var/cache/rebridge/rebridge-*",
        "chmod g+w /var/cache/rebridge/rebridge-*",
        "f=$(echo /var/cache/rebridge/rebridge-*); mv $f /root/elsewhere; ln -s /root/elsewhere $f",
        "rm -rf /var/cache/rebridge",
        "truncate -s 1000 $(echo /var/cache/rebridge/rebridge-*)",
    ] {
        lab.sh(harm);
        trips(&controller);
        assert_eq!(
            lab.sh("ls /var/cache/rebridge | wc -l; stat -c '%U %a %F' /var/cache/rebridge/*"),
            "1\nroot 700 regular file\n",
            "{harm}"
        );
        assert_eq!(trips(&controller), 1, "{harm}");
    }
    assert_ne!(lab.try_sh("test -e /root/harm").code, 0);

    // Where the folder itself cannot be trusted or used, nothing is put there, and Ansible brings
    // the binary itself.
    for (harm, mend) in [
        (
            "chown nobody /var/cache/rebridge",
            "chown root /var/cache/rebridge",
        ),
        ("chmod 777 /var/cache", "chmod 755 /var/cache"),
        (
            "mv /var/cache/rebridge /srv; ln -s /srv/rebridge /var/cache/rebridge",
            "rm /var/cache/rebridge",
        ),
        (
            "mkdir -p /var/cache/rebridge; mount -t tmpfs -o noexec,mode=700 none \
             /var/cache/rebridge",
            "umount /var/cache/rebridge",
        ),
    ] {
        lab.sh(harm);
        assert!(trips(&controller) > 1, "{harm}");
        assert!(trips(&controller) > 1, "{harm}");
        lab.sh(mend);
    }
    trips(&controller);
    assert_eq!(trips(&controller), 1);

    // Ansible's own words for these are about JSON.
    controller.write("play.yml", &in_the_background(LOOK));
    let played = controller.playbook(&["play.yml"]);
    assert_eq!(played.recap("h"), (0, 1), "{played:?}");
    assert!(
        played.stdout.contains("async needs Python on the target"),
        "{played:?}"
    );
    lab.sh(
        "for at in /var/cache/rebridge /mnt; do mount -t tmpfs -o noexec,mode=700 none $at; done",
    );
    let played = controller.module(LOOK, &["-e", "ansible_remote_tmp=/mnt/ansible"]);
    assert_eq!(played.recap("h"), (0, 1), "{played:?}");
    assert!(
        played
            .stdout
            .contains("set ansible_remote_tmp to a folder on another one"),
        "{played:?}"
    );
}

fn in_the_background(options: &str) -> String {
    format!(
        "- hosts: h\n  gather_facts: false\n  tasks:\n    - rebridge.docker.rebridge: {options}\n      async: 60\n      poll: 1\n"
    )
}

#[test]
fn another_architecture_users_async_and_delegation() {
    let controller = Controller::up(&[("h", "trixie"), ("other", "bookworm")]);
    let lab = &controller.lab;
    // As somebody else: looked at by way of the core, and changed not at all.
    let key = std::fs::read_to_string(controller.folder.join("key.pub")).unwrap();
    lab.sh("useradd -m -s /bin/bash joe");
    lab.put("/home/joe/.ssh/authorized_keys", &key);
    lab.sh("chown -R joe /home/joe");
    let joe = ["-e", "ansible_user=joe", "--limit", "h"];
    let played = controller.module("{avoid: 172.17.0.0/16}", &joe);
    assert_eq!(played.recap("h"), (0, 1), "{played:?}");
    let msg = controller.result("h")["msg"].as_str().unwrap().to_owned();
    assert!(
        msg.contains("only root may change Docker") && msg.contains("set `become: true`"),
        "{msg}"
    );

    // More options than fit into a command line go by a file, and so do those that must not be
    // seen.
    let nets: Vec<String> = (0..20_000)
        .map(|at| format!("10.{}.{}.0/24", 50 + at / 250, at % 250))
        .collect();
    controller.write("nets.txt", &nets.join("\n"));
    let played = controller.module(
        "{state: checked, avoid: 172.17.0.0/16, avoid_files: nets.txt}",
        &["--limit", "h"],
    );
    assert_eq!(
        (played.code, &controller.result("h")["outcome"]),
        (0, &json!("clashing")),
        "{played:?}"
    );
    controller.write(
        "play.yml",
        &format!(
            "- hosts: h\n  gather_facts: false\n  tasks:\n    - rebridge.docker.rebridge: {LOOK}\n      no_log: true\n"
        ),
    );
    let played = controller.playbook(&["play.yml", "-vvv"]);
    assert!(
        played.code == 0 && !played.stdout.contains("172.17.0.0/16"),
        "{played:?}"
    );

    // As root by way of another program, which quotes the command once more; and as somebody else
    // the same way.
    let su = [
        "--limit",
        "h",
        "-e",
        "ansible_become=true",
        "-e",
        "ansible_become_method=su",
    ];
    let played = controller.module(LOOK, &[&su[..], &["-vvv"]].concat());
    assert_eq!(
        (played.code, &controller.result("h")["outcome"]),
        (0, &json!("clashing")),
        "{played:?}"
    );
    assert_eq!(played.trips(), 1, "{played:?}");
    let played = controller.module(
        "{avoid: 172.17.0.0/16}",
        &[&su[..], &["-e", "ansible_become_user=joe"]].concat(),
    );
    assert!(
        played.recap("h") == (0, 1) && played.stdout.contains("only root may change Docker"),
        "{played:?}"
    );

    // In the background, and on another host than the play's.
    controller.write("play.yml", &in_the_background(LOOK));
    let played = controller.playbook(&["play.yml"]);
    assert_eq!(
        (played.code, &controller.result("h")["outcome"]),
        (0, &json!("clashing")),
        "{played:?}"
    );
    controller.write(
        "play.yml",
        &format!(
            "- hosts: h\n  gather_facts: false\n  tasks:\n    - \
                                           rebridge.docker.rebridge: {LOOK}\n      delegate_to: \
                                           other\n"
        ),
    );
    let played = controller.playbook(&["play.yml"]);
    assert_eq!(played.code, 0, "{played:?}");
    assert!(
        controller.result("h")["docker"]["version"]
            .as_str()
            .unwrap()
            .starts_with("20.10")
    );

    // What the machine says it is decides which binary comes; this one cannot run it, and fails
    // with the reason.
    lab.put("/usr/local/bin/uname", "#!/bin/sh\necho Linux aarch64\n");
    lab.sh("chmod +x /usr/local/bin/uname; rm -rf /var/cache/rebridge");
    let played = controller.module(LOOK, &["--limit", "h"]);
    let machine = lab.sh("od -An -tx1 -j18 -N2 /var/cache/rebridge/rebridge-*");
    assert_eq!(
        machine.trim(),
        "b7 00",
        "what was brought is an ELF file for aarch64"
    );
    assert!(
        played.recap("h") == (0, 1) && played.stdout.contains("Exec format error"),
        "{played:?}"
    );

    // What is missing is said.
    lab.put("/usr/local/bin/uname", "#!/bin/sh\necho Linux riscv64\n");
    lab.sh("chmod +x /usr/local/bin/uname");
    let played = controller.module(LOOK, &["--limit", "h"]);
    assert_eq!(played.recap("h"), (0, 1), "{played:?}");
    assert!(
        played.stdout.contains("no binary for Linux riscv64")
            && played.stdout.contains("Linux x86_64"),
        "{}",
        played.stdout
    );
    assert_eq!(
        controller
            .module(
                "{state: checked, executable: /usr/bin/rebridge}",
                &["--limit", "h"]
            )
            .code,
        0
    );
}
