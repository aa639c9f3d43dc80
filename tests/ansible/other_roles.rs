//! `ansible/other-roles.md` keeps its word: with each role that owns daemon.json, the first run of the
//! example moves docker0, and the second changes nothing.
//!
//! No package registry has these roles. Here each does to Docker's settings what its documentation
//! says, and no more: it installs nothing.

use crate::controller::{Controller, Played};
use crate::docs::blocks;
use serde_json::Value;
use std::fs;

const EXAMPLES: &str = include_str!("../../ansible/other-roles.md");

/// `docker_daemon_options`, as JSON, is the whole file; a handler restarts Docker. Without options the
/// file is left alone.
const GEERLINGGUY: &str = r#"
- ansible.builtin.copy:
    content: "{{ docker_daemon_options | to_nice_json }}"
    dest: /etc/docker/daemon.json
    mode: "0644"
  when: docker_daemon_options | length > 0
  notify: restart docker
- ansible.builtin.meta: flush_handlers
"#;

/// The same with `docker_daemon_config`. The file is private, and the restart a task of its own.
const HAXOROF: &str = r#"
- ansible.builtin.copy:
    content: "{{ docker_daemon_config | to_nice_json }}"
    dest: /etc/docker/daemon.json
    mode: "0600"
  register: configured
- ansible.builtin.service:
    name: docker
    state: restarted
  when: configured is changed
"#;

const RESTART: &str = r#"
- name: restart docker
  ansible.builtin.service:
    name: docker
    state: restarted
"#;

/// A drop-in whose variable has the options, which the unit of dockerd takes up.
const KUBESPRAY: &str = r#"
- hosts: docker_hosts
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.file:
        path: /etc/systemd/system/docker.service.d
        state: directory
        mode: "0755"
    - ansible.builtin.copy:
        content: |
          [Service]
          Environment="DOCKER_OPTS={{ docker_options | default('') }} --log-driver=local"
          ExecStart=
          ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS
        dest: /etc/systemd/system/docker.service.d/docker-options.conf
        mode: "0644"
      notify: restart docker
  handlers:
    - name: restart docker
      ansible.builtin.systemd_service:
        name: docker
        state: restarted
        daemon_reload: true
"#;

/// What the agent does on its next run with the manifest of the example.
const AGENT: &str = "python3 - <<'END'
import json, os, subprocess
path = '/etc/docker/daemon.json'
with open('/etc/puppetlabs/facter/facts.d/docker_ranges.json') as fact:
    wanted = {'log-driver': 'local', **json.load(fact)['docker_ranges']}
old = json.load(open(path)) if os.path.exists(path) else None
if wanted != old:
    with open(path, 'w') as file:
        json.dump(wanted, file)
    subprocess.run(['systemctl', 'restart', 'docker'], check=True)
    print('changed')
END";

/// Each example has a host of its own.
const HOSTS: [(&str, &str); 5] = [
    ("geerlingguy", "bookworm"),
    ("haxorof", "trixie"),
    ("own", "forky"),
    ("kubespray", "trixie"),
    ("puppet", "trixie"),
];

#[test]
fn each_role_owns_the_file_and_the_second_run_changes_nothing() {
    let controller = Controller::up(&HOSTS);
    write_roles(&controller);
    let examples = blocks(EXAMPLES, "yaml");
    assert_eq!(examples.len(), HOSTS.len());
    let plays = examples.iter().zip(HOSTS).map(|(example, (host, _))| {
        let example = example.replace("kubernetes_sigs.kubespray.cluster", "cluster.yml");
        example.replace("docker_hosts", host)
    });
    controller.write("examples.yml", &plays.collect::<String>());

    let first = controller.playbook(&["examples.yml"]);
    assert_eq!(first.code, 0, "{first:?}");
    let puppet = controller.lab.at("puppet");
    assert_eq!(puppet.sh(AGENT), "changed\n");
    for (host, _) in HOSTS {
        assert_ne!(first.recap(host).0, 0, "{host}: {first:?}");
        is_moved(&controller, host);
    }
    let before = HOSTS.map(|(host, _)| controller.lab.at(host).sh("cat /run/docker.pid"));

    let second = controller.playbook(&["examples.yml"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(puppet.sh(AGENT), "");
    for ((host, _), before) in HOSTS.iter().zip(before) {
        assert_eq!(second.recap(host), (0, 0), "{host}: {second:?}");
        let dockerd = controller.lab.at(host).sh("cat /run/docker.pid");
        assert_eq!(dockerd, before, "{host}: Docker was not restarted");
        is_moved(&controller, host);
    }
    assert!(
        controller
            .lab
            .at("kubespray")
            .read("/etc/docker/daemon.json")
            .is_none()
    );
    pools_of_the_fleet_count_on_a_clear_host(&controller);
    a_tool_that_keeps_the_file_is_named(&controller);
}

fn write_roles(controller: &Controller) {
    for (role, tasks) in [
        ("geerlingguy.docker", GEERLINGGUY),
        ("haxorof.docker_ce", HAXOROF),
    ] {
        let folder = format!("roles/{role}");
        for part in ["tasks", "handlers"] {
            fs::create_dir_all(controller.folder.join(&folder).join(part)).unwrap();
        }
        controller.write(&format!("{folder}/tasks/main.yml"), tasks);
        controller.write(&format!("{folder}/handlers/main.yml"), RESTART);
    }
    controller.write(
        "cluster.yml",
        &KUBESPRAY.replace("docker_hosts", "kubespray"),
    );
}

fn is_moved(controller: &Controller, host: &str) {
    let lab = controller.lab.at(host);
    assert_eq!(lab.docker0(), "10.200.255.1/24", "{host}");
    assert!(lab.reaches(crate::lab::SERVER), "{host}");
}

/// With the pools of an audit, the advice is about these pools.
fn pools_of_the_fleet_count_on_a_clear_host(controller: &Controller) {
    let advice = "{state: advice, pools: [{base: 10.214.0.0/16, size: 24}]}";
    let played: Played = controller.module(advice, &["--limit", "own"]);
    assert_eq!(played.recap("own"), (0, 0), "{played:?}");
    let wanted = &controller.result("own")["wanted"];
    let bip = wanted["daemon_json"]["bip"].as_str().unwrap();
    assert!(bip.starts_with("10.214."), "{wanted:#}");
    let flag = Value::from(format!("--bip={bip}"));
    assert!(
        wanted["flags"].as_array().unwrap().contains(&flag),
        "{wanted:#}"
    );
}

/// rebridge and Puppet both write it: rebridge says so before it does.
fn a_tool_that_keeps_the_file_is_named(controller: &Controller) {
    let lab = controller.lab.at("puppet");
    lab.put(
        "/opt/puppetlabs/puppet/cache/state/resources.txt",
        "service[docker]\nfile[/etc/docker/daemon.json]\n",
    );
    let task = "{avoid: 10.200.0.0/16}";
    let played = controller.module(task, &["--limit", "puppet", "--check"]);
    // Older versions break a warning into lines.
    let words: Vec<&str> = played
        .stderr
        .split_whitespace()
        .chain(played.stdout.split_whitespace())
        .collect();
    let said = words.join(" ");
    assert!(
        said.contains("Puppet keeps /etc/docker/daemon.json"),
        "{played:?}"
    );
}
