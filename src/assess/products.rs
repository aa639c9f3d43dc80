//! Products that set the range of their Docker network themselves. On another range the product
//! stops working or puts the old one back, so rebridge leaves these networks alone and says why.

use crate::facts::Network;

/// A product and its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    pub name: &'static str,
    /// The network's name.
    network: &'static str,
    /// The label of its networks where they may have other names too.
    label: Option<&'static str>,
    /// Whether it creates the network with the same range again.
    pub comes_back: bool,
    /// Why the network cannot move.
    pub why: &'static str,
    /// How you move it; where that is not possible, what you move in its place.
    pub instead: &'static str,
    /// Where its makers say so.
    pub source: &'static str,
}

pub const PRODUCTS: [Product; 4] = [
    Product {
        name: "Home Assistant",
        network: "hassio",
        label: None,
        comes_back: true,
        why: "its Supervisor has fixed addresses in 172.30.32.0/23 and creates the network there \
              again",
        instead: "give the other network another range",
        source: "home-assistant/supervisor, supervisor/const.py, DOCKER_IPV4_NETWORK_MASK",
    },
    Product {
        name: "balena",
        network: "supervisor0",
        label: None,
        comes_back: true,
        why: "its supervisor has a fixed address in 10.114.104.0/25 and creates the network there \
              again",
        instead: "give the other network another range",
        source: "balena-os/balena-supervisor, src/lib/constants.ts, supervisorNetworkSubnet",
    },
    Product {
        name: "kind",
        network: "kind",
        label: None,
        comes_back: false,
        why: "the cluster's certificates name the addresses of its nodes",
        instead: "delete the clusters with `kind delete clusters --all`, then run `docker network \
                  rm kind`; the next cluster gets a subnet from Docker's pools",
        source: "kubernetes-sigs/kind, pkg/cluster/internal/providers/docker/network.go, \
                 fixedNetworkName",
    },
    Product {
        name: "minikube",
        network: "minikube",
        label: Some("created_by.minikube.sigs.k8s.io"),
        comes_back: false,
        why: "its node has a fixed address there, which the cluster's certificates name",
        instead: "run `minikube delete`, then `minikube start --subnet CIDR`",
        source: "kubernetes/minikube, pkg/drivers/kic/oci/network_create.go, defaultFirstSubnetAddr",
    },
];

impl Product {
    pub fn of(network: &Network) -> Option<&'static Product> {
        PRODUCTS.iter().find(|product| {
            let labels = &network.labels;
            let is_labelled = |label: &str| labels.iter().any(|one| one == label);
            product.network == network.name || product.label.is_some_and(is_labelled)
        })
    }
}
