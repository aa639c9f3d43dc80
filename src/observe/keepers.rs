//! Signs that a configuration tool keeps a file, and puts its own version back on its next run. The
//! file itself cannot say so: JSON has no comments.

use crate::facts::{Keeper, Tool};
use crate::host::Host;
use std::path::Path;

/// Where Puppet lists the resources of its last run: the packages of Puppet, and those of Debian.
const PUPPET: [&str; 3] = [
    "/opt/puppetlabs/puppet/cache/state/resources.txt",
    "/var/cache/puppet/state/resources.txt",
    "/var/lib/puppet/state/resources.txt",
];

/// A larger list is not read.
const MOST: u64 = 4 << 20;

/// Folders with the old versions of files that a tool has replaced, each at its own path below.
const BACKUPS: [(Tool, &str); 3] = [
    (Tool::Chef, "/var/chef/backup"),
    (Tool::Chef, "/var/cinc/backup"),
    (Tool::Salt, "/var/cache/salt/minion/file_backup"),
];

/// The tools that keep this file, each with the file that shows it.
pub fn of(host: &Host, path: &str) -> Vec<Keeper> {
    let puppet = PUPPET.iter().filter(|list| is_listed(host, list, path));
    let puppet = puppet.map(|list| keeper(Tool::Puppet, (*list).to_owned()));
    let backups = BACKUPS.iter().filter_map(|(tool, folder)| {
        let place = format!("{folder}{path}");
        Some(keeper(*tool, backup(host, &place)?))
    });
    let beside = ansible_backup(host, path).map(|copy| keeper(Tool::Ansible, copy));
    puppet.chain(backups).chain(beside).collect()
}

fn keeper(tool: Tool, sign: String) -> Keeper {
    Keeper { tool, sign }
}

/// A resource a line, in lower case: `file[/etc/docker/daemon.json]`.
fn is_listed(host: &Host, list: &str, path: &str) -> bool {
    let wanted = format!("file[{path}]").to_ascii_lowercase();
    let text = host.read_plain(Path::new(list), MOST).ok().flatten();
    text.is_some_and(|text| {
        String::from_utf8_lossy(&text)
            .lines()
            .any(|line| line == wanted)
    })
}

/// The last old version: the file's name, `.chef-` or, with Salt, `_`, and a time.
fn backup(host: &Host, place: &str) -> Option<String> {
    let (folder, name) = place.rsplit_once('/')?;
    let names = host.list(Path::new(folder)).into_iter();
    let mut marked = names.filter(|one| {
        let rest = one.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(".chef-") || rest.starts_with('_'))
    });
    marked.next_back().map(|one| format!("{folder}/{one}"))
}

/// Beside the file, from `backup: true`: `daemon.json.4711.2026-11-25@10:20:30~`.
fn ansible_backup(host: &Host, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    let names = host.list(Path::new(folder)).into_iter();
    let mut ours = names.filter(|one| {
        let rest = one
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'));
        let rest = rest.and_then(|rest| rest.strip_suffix('~'));
        let parts = rest.and_then(|rest| rest.split_once('.'));
        parts.is_some_and(|(process, time)| {
            process.bytes().all(|byte| byte.is_ascii_digit()) && time.contains('@')
        })
    });
    ours.next_back().map(|one| format!("{folder}/{one}"))
}
