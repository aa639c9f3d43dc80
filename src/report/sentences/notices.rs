//! What the operator should know about a plan, in words.

use crate::facts::{Manager, Tool};
use crate::phrases::{containers_are, count, first_few};
use crate::plan::notice::Notice;

/// More containers than these are only counted.
const NAMED: usize = 3;

fn manager_in_words(manager: Manager) -> &'static str {
    match manager {
        Manager::Swarm => "the swarm",
        Manager::Kubernetes => "kubelet",
        Manager::Nomad => "Nomad",
        Manager::Ecs => "the ECS agent",
        Manager::Rancher => "Rancher",
        Manager::Mesos => "Mesos",
        Manager::GitLabRunner => "GitLab Runner",
    }
}

fn tool_in_words(tool: Tool) -> &'static str {
    match tool {
        Tool::Ansible => "Ansible",
        Tool::Chef => "Chef",
        Tool::Puppet => "Puppet",
        Tool::Salt => "Salt",
    }
}

pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::FewNetworks { networks } => format!(
            "the pools have room for {networks} networks besides docker0; Docker's own have 30"
        ),
        Notice::PoolIsShared { pool } => format!(
            "the pool {} is not private address space: a carrier, Tailscale (100.64.0.0/10) or a \
             test network (198.18.0.0/15) may use it",
            pool.base
        ),
        Notice::ContainersStop { containers } => format!(
            "live-restore keeps docker0 where it is while a container runs: {} stopped before the \
             restart and started again after it",
            containers_are(containers)
        ),
        Notice::KeysLost { path, keys, set } => format!(
            "something else rewrites {path}: {}, set by rebridge on {}, {} gone from it",
            keys.join(" and "),
            set.get(..10).unwrap_or(set),
            if keys.len() == 1 { "is" } else { "are" }
        ),
        Notice::FileIsKept { path, keeper } => {
            let tool = tool_in_words(keeper.tool);
            format!(
                "{tool} keeps {path} ({}) and puts its own version back on its next run: give it \
                 the keys of wanted.daemon_json too",
                keeper.sign
            )
        }
        Notice::LeftToManager {
            manager,
            containers,
        } => {
            let who = manager_in_words(*manager);
            format!(
                "{} to {who}: rebridge does not start {} again, {who} starts new ones",
                match containers.as_slice() {
                    [one] => format!("the container {one} belongs"),
                    more => format!(
                        "{} containers ({}) belong",
                        more.len(),
                        first_few(more, NAMED, String::clone)
                    ),
                },
                match containers.len() {
                    1 => "it",
                    _ => "them",
                }
            )
        }
        Notice::ContainersAreRemoved { containers } => match containers.as_slice() {
            [one] => format!(
                "the container {one} is removed when it stops (--rm) and does not come back"
            ),
            more => format!(
                "the containers {} are removed when they stop (--rm) and do not come back",
                more.join(", ")
            ),
        },
        Notice::KeysComeIntoForce { path, keys } => format!(
            "{path} changed after Docker started: what it says of {} comes into force with the \
             restart, if it has not already",
            keys.join(", ")
        ),
        Notice::SessionEnds { container } => format!(
            "your ssh session comes out of the container {container} and ends when that is \
             stopped; rebridge finishes all the same: log in again to see how it ended"
        ),
        Notice::SubnetByHand { networks } => format!(
            "the subnet of {} was given by hand: change it there too (a Compose file, a script), \
             or the old one comes back when the network is re-created",
            networks.join(", ")
        ),
        Notice::WiderThanThePools {
            network,
            subnet,
            containers,
        } => format!(
            "{network} gets {subnet}: it has room for twice its {}, and the subnets of the pools \
             do not",
            count(*containers, "container", "containers")
        ),
    }
}
