//! What a controller knows and a host does not: the inventory; and the report of a whole fleet.

use crate::controller::Controller;
use serde_json::{Value, json};
use std::fs;

#[test]
fn dockers_keep_off_the_other_hosts_of_the_inventory() {
    let controller = Controller::up(&[("h26", "trixie"), ("h28", "forky")]);
    // h28 has servers where Docker's second range lies; h26 runs containers on a network of its own
    // there.
    controller
        .lab
        .at("h28")
        .sh("ip addr add 172.18.5.5/24 dev eth0");
    controller
        .lab
        .at("h26")
        .sh("docker network create --subnet 172.30.0.0/16 own");
    controller.write(
        "play.yml",
        "- hosts: all\n  tasks: []\n- hosts: hosts\n  gather_facts: false\n  tasks:\n    - \
         rebridge.docker.rebridge: {state: checked, avoid_inventory: true}\n",
    );
    let played = controller.playbook(&["play.yml"]);
    assert_eq!(played.code, 0, "{played:?}");
    let found = controller.result("h26");
    assert_eq!(
        found["clashes"][0]["with"]["net"], "172.18.5.0/24",
        "{found:#}"
    );
    assert_eq!(found["clashes"][0]["with"]["detail"], "inventory host h28");
    // The lab's own network is known from h28, and so are no bridges of Docker.
    assert_eq!(
        found["avoid_inventory"],
        json!({"hosts": 2, "networks": 2, "without_facts": []})
    );
    // h28 sees its own address itself, and nothing of h26 is in its way: 172.30 is behind a bridge
    // of Docker.
    let own = controller.result("h28");
    let named = own["clashes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|clash| clash["with"]["source"] == "declared");
    assert_eq!(named.count(), 0, "{own:#}");

    // Without facts, that is said.
    let played = controller.module("{state: checked, avoid_inventory: true}", &[]);
    // Older versions break a warning into lines.
    let said: Vec<&str> = played
        .stderr
        .split_whitespace()
        .chain(played.stdout.split_whitespace())
        .collect();
    assert!(
        said.join(" ")
            .contains("gather the facts of all hosts first"),
        "{played:?}"
    );
    assert_eq!(
        controller.result("h26")["avoid_inventory"]["without_facts"],
        json!(["h28"])
    );
}

#[test]
fn files_on_the_controller_and_wrong_options() {
    let controller = Controller::up(&[("h26", "trixie")]);
    controller.write("nets.txt", "# on-prem\n172.17.0.0/16 # servers\n");
    let played = controller.module("{state: checked, avoid_files: nets.txt}", &[]);
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        controller.result("h26")["clashes"][0]["with"]["detail"],
        "nets.txt line 2"
    );
    for (options, words) in [
        (
            "{avoid_files: none.txt}",
            "cannot read none.txt on the controller",
        ),
        ("{avoid: banana}", "\\\"banana\\\" is not a network"),
        ("{avoids: x}", "did you mean avoid?"),
        ("{state: checkd}", "did you mean checked?"),
        ("{avoid_inventory: perhaps}", "avoid_inventory"),
        ("{avoid_named: []}", "avoid_named is not an option"),
        ("{executable: rebridge}", "absolute path"),
        (
            "{executable: /usr/bin/no-such}",
            "cannot be run on the target",
        ),
        ("{executable: /bin/true}", "gave no answer"),
    ] {
        let played = controller.module(options, &[]);
        assert_eq!(
            (played.code, played.recap("h26")),
            (2, (0, 1)),
            "{options}: {played:?}"
        );
        assert!(
            played.stdout.contains(words),
            "{options}: {}",
            played.stdout
        );
    }
    // By way of the installed binary the answer is the same.
    controller.module("{state: checked, avoid: 172.17.0.0/16}", &[]);
    let shipped = controller.result("h26");
    controller.module(
        "{state: checked, avoid: 172.17.0.0/16, executable: /usr/bin/rebridge}",
        &[],
    );
    assert_eq!(controller.result("h26"), shipped);
}

#[test]
fn the_role_does_the_same_with_a_binary_by_path() {
    let controller = Controller::up(&[("h26", "trixie")]);
    let binary = controller.lab.path("/usr/bin/rebridge");
    let role = |more: &str| {
        format!(
            "- hosts: hosts\n  gather_facts: false\n  serial: 1\n  roles:\n    - role: \
             rebridge.docker.rebridge\n      rebridge_avoid: [172.17.0.0/16]\n      \
             rebridge_probe: ['172.17.50.10:8080']\n{more}"
        )
    };
    let by_path = format!(
        "      rebridge_binary: path\n      rebridge_binary_path: {}\n      rebridge_binary_dest: \
         /usr/local/sbin/rebridge\n",
        binary.display()
    );
    controller.write("path.yml", &role(&by_path));
    controller.write("role.yml", &role(""));
    let checked = controller.playbook(&["path.yml", "--check"]);
    assert_eq!(
        (checked.code, &controller.result("h26")["outcome"]),
        (0, &json!("would_change")),
        "{checked:?}"
    );
    assert_eq!(controller.lab.docker0(), "172.17.0.1/16");
    let done = controller.playbook(&["path.yml"]);
    assert_eq!(
        (done.code, &controller.result("h26")["outcome"]),
        (0, &json!("changed")),
        "{done:?}"
    );
    assert_eq!(controller.lab.docker0(), "10.200.255.1/24");
    assert_ne!(controller.lab.try_sh("test -e /var/cache/rebridge").code, 0);
    let again = controller.playbook(&["role.yml"]);
    assert_eq!(
        (again.recap("h26"), &controller.result("h26")["outcome"]),
        ((0, 0), &json!("clean")),
        "{again:?}"
    );
    // What is no choice is refused before anything is done.
    controller.write("role.yml", &role("      rebridge_state: fixd\n"));
    assert!(controller.playbook(&["role.yml"]).stdout.contains("fixd"));
}

#[test]
fn an_audit_leaves_one_report_of_the_fleet() {
    let controller = Controller::up(&[("h20", "bookworm"), ("h28", "forky")]);
    controller
        .lab
        .at("h28")
        .put("/etc/docker/daemon.json", "{\"bip\": \"10.9.0.1/24\"}");
    controller
        .lab
        .at("h28")
        .sh("systemctl restart docker.service");
    let inventory = fs::read_to_string(controller.folder.join("inventory")).unwrap();
    controller.write(
        "inventory",
        &(inventory + "[away]\ngone ansible_host=198.51.100.1 ansible_port=1\n"),
    );
    let networks = r#"{"rebridge_avoid": ["172.17.0.0/16"], "rebridge_ignore": ["172.17.0.0/24"]}"#;
    let played = controller.playbook(&["rebridge.docker.audit", "-e", networks]);
    assert_eq!(played.recap("h20"), (0, 0), "{played:?}");
    let text = fs::read_to_string(controller.folder.join("rebridge-audit.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["hosts"].as_array().unwrap().len(), 3, "{report:#}");
    let of = |name: &str| {
        report["hosts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|host| host["host"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&of("h20")["state"], &of("h20")["docker0_would_be"]),
        (&json!("clashing"), &json!("10.200.255.1/24"))
    );
    assert_eq!(of("h20")["would_set"]["bip"], "10.200.255.1/24");
    assert_eq!(of("gone")["state"], "unreachable");
    assert_eq!(report["count"]["unreachable"], 1);
    let page = fs::read_to_string(controller.folder.join("rebridge-audit.html")).unwrap();
    for words in [
        "h20",
        "gone",
        "172.17.0.0/16",
        "10.200.255.1/24",
        "unreachable",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        controller.lab.at("h20").read("/etc/docker/daemon.json"),
        None
    );
}
