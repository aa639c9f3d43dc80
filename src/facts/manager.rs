//! Managers that replace a container that has ended by a new one. Started again beside it, the old
//! one would be a second copy on the same volume or port.

use serde::{Deserialize, Serialize};

/// Who sees to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Docker's own swarm mode.
    Swarm,
    /// kubelet, by dockershim or cri-dockerd.
    Kubernetes,
    /// HashiCorp Nomad.
    Nomad,
    /// The agent of Amazon ECS.
    Ecs,
    /// Rancher 1.
    Rancher,
    /// Mesos, with Marathon or another framework.
    Mesos,
    /// GitLab Runner: nobody waits any more for the job of a container that was stopped.
    GitLabRunner,
}

/// Labels that each gives its containers.
const LABELS: [(&str, Manager); 6] = [
    // docs.docker.com, "docker service ps".
    ("com.docker.swarm.task.id", Manager::Swarm),
    // cri-dockerd and dockershim, libdocker labels.
    ("io.kubernetes.pod.uid", Manager::Kubernetes),
    // Nomad's docker driver sets it on every container (hashicorp/nomad#9885).
    ("com.hashicorp.nomad.alloc_id", Manager::Nomad),
    // amazon-ecs-agent, "Docker container metadata".
    ("com.amazonaws.ecs.task-arn", Manager::Ecs),
    // Rancher 1.6, container labels.
    ("io.rancher.container.uuid", Manager::Rancher),
    // docs.gitlab.com, "Docker executor", container labels.
    ("com.gitlab.gitlab-runner.managed", Manager::GitLabRunner),
];

/// How each begins the names of its containers.
const NAMES: [(&str, Manager); 3] = [
    // dockershim: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT.
    ("k8s_", Manager::Kubernetes),
    // amazon-ecs-agent: ecs-FAMILY-REVISION-CONTAINER-HASH; its own container is ecs-agent.
    ("ecs-", Manager::Ecs),
    // The Docker containerizer of Mesos: mesos-UUID.
    ("mesos-", Manager::Mesos),
];

impl Manager {
    /// Whose a container is, by its name and the names of its labels.
    pub fn of<'a>(name: &str, labels: impl Iterator<Item = &'a str>) -> Option<Manager> {
        let known = |label: &str| LABELS.iter().find(|(one, _)| *one == label);
        let by_label = labels.filter_map(known).next();
        let by_name = || {
            let mut names = NAMES.iter();
            names.find(|(start, manager)| name.starts_with(start) && manager.names(name))
        };
        by_label.or_else(by_name).map(|(_, manager)| *manager)
    }

    /// Whether the rest of a name has the shape this manager gives it.
    fn names(self, name: &str) -> bool {
        match self {
            Manager::Kubernetes => name.matches('_').count() >= 5,
            // A revision, and a hash of 18 digits or more at the end.
            Manager::Ecs => ends_in_hex(name, 18),
            Manager::Mesos => ends_in_hex(name, 12),
            Manager::Swarm | Manager::Nomad | Manager::Rancher | Manager::GitLabRunner => false,
        }
    }
}

fn ends_in_hex(name: &str, at_least: usize) -> bool {
    let last = name.rsplit('-').next().unwrap_or_default();
    last.len() >= at_least && last.chars().all(|char| char.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_is_known_by_labels_and_by_names() {
        let of = |name: &str, labels: &[&str]| Manager::of(name, labels.iter().copied());
        let pod = "k8s_app_web-7d4_default_0a1b2c3d-1111-2222-3333-444455556666_0";
        for (name, labels, manager) in [
            (
                "x",
                &["com.hashicorp.nomad.alloc_id"][..],
                Some(Manager::Nomad),
            ),
            (
                "web.1.abc",
                &["com.docker.swarm.task.id"],
                Some(Manager::Swarm),
            ),
            (
                "x",
                &["maintainer", "com.amazonaws.ecs.task-arn"],
                Some(Manager::Ecs),
            ),
            (pod, &[], Some(Manager::Kubernetes)),
            (
                "ecs-web-3-nginx-e8d3f1b2a4c6d8e0f201",
                &[],
                Some(Manager::Ecs),
            ),
            (
                "mesos-0a1b2c3d-1111-2222-3333-444455556666",
                &[],
                Some(Manager::Mesos),
            ),
            // Twins.
            ("k8s_dashboard", &[], None),
            ("ecs-agent", &["com.amazonaws.ecs.agent"], None),
            ("ecs-deploy-tool", &[], None),
            ("mesos-slave", &[], None),
            ("web", &["com.docker.compose.project"], None),
        ] {
            assert_eq!(of(name, labels), manager, "{name}");
        }
    }
}
