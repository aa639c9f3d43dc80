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
    let strict = controller.module("{state: checked, avoid_inventory: strict}", &[]);
    assert_eq!(
        (strict.recap("h26"), strict.recap("h28")),
        ((0, 1), (0, 1)),
        "{strict:?}"
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
        ("{folder: /tmp}", "folder and state: fleet go together"),
        ("{state: fleet, folder: /no/such}", "cannot read the facts"),
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

/// AWX always offers a limit, and a controller may be a Mac.
#[test]
fn an_audit_heeds_a_limit_and_needs_no_linux_controller() {
    let controller = Controller::up(&[("h20", "bookworm"), ("h28", "forky")]);
    controller.write("ansible.cfg", "[defaults]\nshow_custom_stats = true\n");
    let options = r#"{"rebridge_avoid": ["172.17.0.0/16"]}"#;
    let arguments = ["rebridge.docker.audit", "-e", options];
    let played = controller.playbook(&[&arguments[..], &["--limit", "h28"]].concat());
    assert_eq!(
        (played.code, played.recap("h28")),
        (0, (0, 0)),
        "{played:?}"
    );
    let found = answer(&controller);
    assert_eq!(
        (names(&found), found["options"].clone()),
        (vec!["h28"], json!(["--avoid", "172.17.0.0/16"]))
    );
    assert_eq!(
        (&found["counts"]["present"], &found["hosts"][0]["state"]),
        (&json!(1), &json!("present"))
    );
    assert!(
        task(&played.stdout, "Find one range").contains("-> localhost"),
        "{played:?}"
    );
    // AWX keeps what set_stats has, and not the folder.
    let stats = played.stdout.split("CUSTOM STATS").nth(1).unwrap();
    assert!(
        stats.contains("rebridge_fleet") && stats.contains("10.200.0.0/16"),
        "{stats}"
    );

    fs::create_dir(controller.folder.join("bin")).unwrap();
    controller.write("bin/uname", "#!/bin/sh\necho Darwin arm64\n");
    let command = format!(
        "chmod +x bin/uname; PATH=$PWD/bin:$PATH exec ansible-playbook rebridge.docker.audit -e '{options}'"
    );
    let played = controller.run(&["bash", "-c", &command]);
    assert_eq!(played.code, 0, "{played:?}");
    let found = answer(&controller);
    assert_eq!(names(&found), ["h20", "h28"]);
    assert!(
        task(&played.stdout, "Find one range").contains("ok: [h20]"),
        "{played:?}"
    );
    let page = fs::read_to_string(controller.folder.join("rebridge-fleet/fleet.html")).unwrap();
    assert!(
        page.contains("h20") && page.contains("10.200.0.0/16"),
        "{page}"
    );
    two_names_of_one_host_wait_for_each_other(&controller);
}

fn two_names_of_one_host_wait_for_each_other(controller: &Controller) {
    let inventory = fs::read_to_string(controller.folder.join("inventory")).unwrap();
    let alias = "[hosts]\nalias ansible_host=198.51.100.11\n";
    controller.write("inventory", &(inventory + alias));
    let task = "{avoid: 172.17.0.0/16}";
    let played = controller.module(task, &["--limit", "h20,alias"]);
    assert_eq!(played.code, 0, "{played:?}");
    let changed = played.recap("h20").0 + played.recap("alias").0;
    assert_eq!(changed, 1, "{played:?}");
}

fn answer(controller: &Controller) -> Value {
    let text = fs::read_to_string(controller.folder.join("rebridge-fleet/fleet.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

fn names(found: &Value) -> Vec<&str> {
    let hosts = found["hosts"].as_array().unwrap().iter();
    hosts.map(|host| host["name"].as_str().unwrap()).collect()
}

/// What a play printed of a task.
fn task<'t>(stdout: &'t str, name: &str) -> &'t str {
    let rest = stdout
        .split(&format!("TASK [{name}]"))
        .nth(1)
        .unwrap_or_default();
    rest.split("TASK [").next().unwrap_or_default()
}
