//! Pod and service ranges of Kubernetes: config files of k3s and RKE2, their units, static manifests
//! of kubeadm, arguments of MicroK8s; on a node without these, the address of the cluster's DNS. The
//! flags are called the same everywhere, or nearly.

use super::File;
use super::entry::{Entry, network};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::File("/etc/rancher/k3s/config.yaml"),
    Place::Folder("/etc/rancher/k3s/config.yaml.d", ".yaml"),
    Place::File("/etc/rancher/rke2/config.yaml"),
    Place::Folder("/etc/rancher/rke2/config.yaml.d", ".yaml"),
    Place::File("/etc/systemd/system/k3s.service"),
    Place::File("/etc/systemd/system/k3s.service.env"),
    Place::Folder("/etc/kubernetes/manifests", ".yaml"),
    Place::File("/var/snap/microk8s/current/args/kube-apiserver"),
    Place::File("/var/snap/microk8s/current/args/kube-controller-manager"),
    Place::File("/var/snap/microk8s/current/args/kube-proxy"),
    Place::File("/var/snap/microk8s/current/args/kubelet"),
    Place::File("/var/lib/kubelet/config.yaml"),
    Place::Folder("/var/lib/rancher/k3s/agent/etc/kubelet.conf.d", ".conf"),
    Place::Folder("/var/lib/rancher/rke2/agent/etc/kubelet.conf.d", ".conf"),
];

const FLAGS: [&str; 6] = [
    "cluster-cidr",
    "cluster-dns",
    "clusterDNS",
    "pod-network-cidr",
    "service-cidr",
    "service-cluster-ip-range",
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    // A value may stand on the line after its flag.
    let mut flag = None;
    for (line, number) in file.text.lines().zip(1..) {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let words = line.split([' ', '\t', '=', ',', '"', '\'', '[', ']', '\\']);
        for word in words.filter(|word| !word.is_empty() && *word != "-") {
            let name = word.trim_start_matches('-').trim_end_matches(':');
            let known = FLAGS.iter().find(|flag| **flag == name);
            match (known, flag, network(word)) {
                (Some(known), ..) => flag = Some(known),
                (None, Some(flag), Some(net)) => {
                    entries.push(Entry::network(net, number, format!("{flag} of Kubernetes")));
                }
                (None, ..) => flag = None,
            }
        }
    }
    Ok(entries)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn ranges_are_read_as_keys_and_as_flags() {
        let config = "token: SECRET\n# cluster-cidr: 10.9.0.0/16\ncluster-cidr: \
                      \"172.18.0.0/16,fd00:18::/56\"\nservice-cidr:\n  - 172.19.0.0/16\n\
                      node-ip: 172.20.0.5\n";
        assert_eq!(
            shown(read, "/etc/rancher/k3s/config.yaml", config),
            [
                "3 network 172.18.0.0/16 cluster-cidr of Kubernetes",
                "3 network fd00:18::/56 cluster-cidr of Kubernetes",
                "5 network 172.19.0.0/16 service-cidr of Kubernetes",
            ]
        );
        let manifest = "    - kube-apiserver\n    - --advertise-address=172.20.0.5\n    \
                        - --service-cluster-ip-range=172.17.0.0/16\n    - --bind-address=0.0.0.0\n";
        assert_eq!(
            shown(
                read,
                "/etc/kubernetes/manifests/kube-apiserver.yaml",
                manifest
            ),
            ["3 network 172.17.0.0/16 service-cluster-ip-range of Kubernetes"]
        );
        let node = "clusterDNS:\n- 172.17.0.10\nclusterDomain: cluster.local\nhealthzBindAddress: \
                    127.0.0.1\nstaticPodPath: /etc/kubernetes/manifests\n";
        assert_eq!(
            shown(read, "/var/lib/kubelet/config.yaml", node),
            ["2 network 172.17.0.10/32 clusterDNS of Kubernetes"]
        );
        let unit = "ExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--service-cidr' \\\n\
                    \t'172.18.0.0/16' \\\n\t'--token' \\\n\t'10.0.0.1' \\\n";
        assert_eq!(
            shown(read, "/etc/systemd/system/k3s.service", unit),
            ["4 network 172.18.0.0/16 service-cidr of Kubernetes"]
        );
    }
}
