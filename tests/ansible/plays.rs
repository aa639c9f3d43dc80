//! The job itself, on three engines in one play.

use crate::controller::{Controller, Played};
use crate::lab::{Lab, SERVER};
use serde_json::{Value, json};

const HOSTS: [(&str, &str); 3] = [("h20", "bookworm"), ("h26", "trixie"), ("h28", "forky")];

/// What must not change where nothing is done: the very dockerd process, the files, docker0.
fn state(lab: &Lab, host: &str) -> (String, Option<String>, String) {
    let there = lab.at(host);
    (
        there.sh("cat /run/docker.pid; ls -A /etc/docker"),
        there.read("/etc/docker/daemon.json"),
        there.docker0(),
    )
}

/// What check mode must foretell to the byte.
fn foretold(result: &Value) -> Value {
    let mut told = json!({});
    for key in ["changed", "clashes", "clashes_total", "remaining", "plan"] {
        told[key] = result[key].clone();
    }
    told["docker0"] = result["docker"]["docker0_after"].clone();
    told
}

/// The patches that `--diff` showed, whatever host came first.
fn patches(played: &Played) -> Vec<&str> {
    let mut lines: Vec<&str> = played
        .stdout
        .lines()
        .filter(|line| line.starts_with(['+', '-', '@']))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn check_mode_foretells_the_run_and_the_second_run_changes_nothing() {
    let controller = Controller::up(&HOSTS);
    let lab = &controller.lab;
    let options = "{avoid: 172.17.0.0/16, probe: '172.17.50.10:8080'}";
    let before = HOSTS.map(|(host, _)| state(lab, host));
    let checked = controller.module(options, &["--check", "--diff"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    // A patch that a person can read.
    let patch = "--- before: /etc/docker/daemon.json (keys rebridge changes, before)\n\
                 +++ after: /etc/docker/daemon.json (keys rebridge changes, after)\n";
    assert_eq!(
        checked.stdout.matches(patch).count(),
        3,
        "{}",
        checked.stdout
    );
    assert_eq!(
        checked
            .stdout
            .matches("\n+  \"bip\": \"10.200.255.1/24\",\n")
            .count(),
        3,
        "{}",
        checked.stdout
    );
    assert_eq!(HOSTS.map(|(host, _)| state(lab, host)), before);
    let told = HOSTS.map(|(host, _)| controller.result(host));

    let done = controller.module(options, &["--diff"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(patches(&done), patches(&checked));
    for ((host, _), told) in HOSTS.iter().zip(&told) {
        let result = controller.result(host);
        assert_eq!(done.recap(host), (1, 0));
        assert_eq!(
            (&result["outcome"], &told["outcome"]),
            (&json!("changed"), &json!("would_change"))
        );
        assert_eq!(foretold(&result), foretold(told), "{host}");
        assert_eq!(result["docker"]["docker0_after"], lab.at(host).docker0());
        assert!(lab.at(host).reaches(SERVER), "{host}");
    }

    let after = HOSTS.map(|(host, _)| state(lab, host));
    let again = controller.module(options, &["--diff"]);
    assert_eq!(
        HOSTS.map(|(host, _)| again.recap(host)),
        [(0, 0); 3],
        "{again:?}"
    );
    assert_eq!(HOSTS.map(|(host, _)| state(lab, host)), after);

    // And back, foretold as well; a second time there is nothing to undo, and a host never changed
    // is fine too.
    let back = "{state: rolled_back}";
    controller.module(back, &["--check"]);
    let told = HOSTS.map(|(host, _)| controller.result(host));
    assert_eq!(HOSTS.map(|(host, _)| state(lab, host)), after);
    let undone = controller.module(back, &[]);
    for (((host, _), told), before) in HOSTS.iter().zip(&told).zip(&before) {
        assert_eq!(undone.recap(host), (1, 0), "{undone:?}");
        let result = controller.result(host);
        assert_eq!(
            result["docker"]["docker0_after"],
            told["docker"]["docker0_after"]
        );
        let now = state(lab, host);
        assert_eq!((&now.1, &now.2), (&before.1, &before.2));
    }
    let nothing = controller.module(back, &[]);
    assert_eq!(
        HOSTS.map(|(host, _)| nothing.recap(host)),
        [(0, 0); 3],
        "{nothing:?}"
    );
}

#[test]
fn a_host_that_cannot_be_fixed_fails_alone() {
    let controller = Controller::up(&HOSTS);
    let lab = &controller.lab;
    lab.at("h26")
        .put("/etc/docker/daemon.json", "{\"log-level\": \"info\",}\n");
    let before = [state(lab, "h26"), state(lab, "h28")];
    let inventory = std::fs::read_to_string(controller.folder.join("inventory")).unwrap();
    controller.write(
        "inventory",
        &inventory.replace(".13\n", ".13 must_reach=198.51.100.1:9\n"),
    );
    let played = controller.module(
        "{avoid: 172.17.0.0/16, state: fixed, probe: \"{{ must_reach | \
         default('172.17.50.10:8080') }}\"}",
        &[],
    );
    assert_eq!(played.code, 2, "{played:?}");
    assert_eq!(
        ["h20", "h26", "h28"].map(|host| played.recap(host)),
        [(1, 0), (0, 1), (0, 1)]
    );
    assert_eq!(lab.at("h20").docker0(), "10.200.255.1/24");
    let refused = controller.result("h26");
    assert_eq!(
        (&refused["outcome"], &refused["rolled_back"]),
        (&json!("refused"), &json!(false)),
        "{refused:#}"
    );
    let msg = refused["msg"].as_str().unwrap();
    assert!(
        msg.contains("/etc/docker/daemon.json") && msg.contains("line 1"),
        "{msg}"
    );
    assert_eq!(state(lab, "h26"), before[0]);
    let rolled = controller.result("h28");
    assert_eq!(
        (&rolled["outcome"], &rolled["rolled_back"]),
        (&json!("rolled_back"), &json!(true)),
        "{rolled:#}"
    );
    assert!(
        rolled["msg"].as_str().unwrap().contains("198.51.100.1:9"),
        "{}",
        rolled["msg"]
    );
    let now = state(lab, "h28");
    assert_eq!((&now.1, &now.2), (&before[1].1, &before[1].2));
}

/// A whole fleet gets past Docker at once; the cure may come at night.
#[test]
fn relief_comes_first_and_the_cure_later() {
    let controller = Controller::up(&HOSTS);
    let lab = &controller.lab;
    let hosts = ["h20", "h26", "h28"];
    let started = hosts.map(|host| lab.at(host).sh("pidof dockerd"));
    let play = "{avoid: 172.17.0.0/16, state: relieved, probe: '172.17.50.10:8080'}";
    let foretold = controller.module(play, &["--check"]);
    assert_eq!(
        hosts.map(|host| foretold.recap(host)),
        [(1, 0); 3],
        "{foretold:?}"
    );
    assert!(!lab.at("h20").reaches(SERVER), "check mode changes nothing");
    let played = controller.module(play, &[]);
    assert_eq!(
        hosts.map(|host| played.recap(host)),
        [(1, 0); 3],
        "{played:?}"
    );
    let playbook = [
        "rebridge.docker.relieve",
        "-e",
        "rebridge_avoid=172.17.0.0/16 rebridge_probe=172.17.50.10:8080",
    ];
    let again = controller.playbook(&playbook);
    assert_eq!(
        hosts.map(|host| again.recap(host)),
        [(0, 0); 3],
        "{again:?}"
    );
    for host in hosts {
        assert!(lab.at(host).reaches(SERVER), "{host}");
    }
    assert_eq!(hosts.map(|host| lab.at(host).sh("pidof dockerd")), started);
    let cured = controller.playbook(&[&playbook[..], &["--tags", "cure"]].concat());
    assert_eq!(
        hosts.map(|host| cured.recap(host)),
        [(1, 0); 3],
        "{cured:?}"
    );
    for host in hosts {
        assert!(lab.at(host).reaches(SERVER), "{host}");
        assert_eq!(
            lab.at(host).sh("ip route show table all proto 114"),
            "",
            "{host}"
        );
    }
    let nothing = controller.module("{state: unrelieved}", &[]);
    assert_eq!(
        hosts.map(|host| nothing.recap(host)),
        [(0, 0); 3],
        "{nothing:?}"
    );
}

/// The real controller: one play remembers, the next one needs no options, and neither do people.
#[test]
fn a_play_that_remembers_is_the_policy_of_a_play_without_options() {
    let controller = Controller::up(&HOSTS);
    let lab = &controller.lab;
    controller.write("nets", "172.18.0.0/16\n");
    let options = "{avoid: 172.17.0.0/16, avoid_files: nets, pools: 10.77.0.0/16, remember: true}";
    let checked = controller.module(options, &["--check", "--diff"]);
    let patch = "+--pool base=10.77.0.0/16,size=24\n";
    assert_eq!(checked.stdout.matches(patch).count(), 3, "{checked:?}");
    let done = controller.module(options, &[]);
    for (host, _) in HOSTS {
        assert_eq!(done.recap(host), (1, 0), "{done:?}");
        let file = lab.at(host).read("/etc/rebridge/options").unwrap();
        assert!(
            file.ends_with(
                "--avoid 172.17.0.0/16\n--avoid 172.18.0.0/16   # nets line 1\n\
                 --pool base=10.77.0.0/16,size=24\n"
            ),
            "{file}"
        );
    }
    let after = HOSTS.map(|(host, _)| state(lab, host));
    for options in ["{}", options, "{state: checked}"] {
        let again = controller.module(options, &["--diff"]);
        for (host, _) in HOSTS {
            assert_eq!(again.recap(host), (0, 0), "{options}: {again:?}");
            assert_eq!(controller.result(host)["outcome"], "clean", "{options}");
        }
    }
    for (host, _) in HOSTS {
        let (code, report) = lab.at(host).rebridge(&["check"]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["options"].as_array().unwrap().len(), 3);
    }
    assert_eq!(HOSTS.map(|(host, _)| state(lab, host)), after);
}
