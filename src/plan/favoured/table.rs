//! The rows: well-known users of private address space.

use crate::subnet::net;
use Likelihood::{Everywhere, Often, Seldom};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// How likely others use a range, from seldom to everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// Few hosts meet it.
    Seldom,
    /// Every user of the product meets it.
    Often,
    /// Nearly everybody meets it some day.
    Everywhere,
}

/// A range and who uses it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Favoured {
    pub net: Ipv4Net,
    pub user: &'static str,
    /// Where its makers say so.
    pub source: &'static str,
    pub likelihood: Likelihood,
    /// Counts only on such a host.
    pub(super) only_on: Option<Mark>,
}

/// What shows on a host where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mark {
    /// It resolves names there, as hosts of a cloud do.
    Resolver(Ipv4Addr),
    Wsl,
}

const fn row(
    net: Ipv4Net,
    user: &'static str,
    source: &'static str,
    likelihood: Likelihood,
) -> Favoured {
    Favoured {
        net,
        user,
        source,
        likelihood,
        only_on: None,
    }
}

const fn slash24(third: u8, user: &'static str, source: &'static str, how: Likelihood) -> Favoured {
    row(net(192, 168, third, 0, 24), user, source, how)
}

/// The resolver that Google's cloud gives its hosts.
const GOOGLE_RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

pub(super) const FAVOURED: &[Favoured] = &[
    // Kubernetes: ranges of pods and services.
    row(
        net(10, 96, 0, 0, 12),
        "Kubernetes services (kubeadm)",
        "kubeadm init --service-cidr",
        Often,
    ),
    row(
        net(10, 244, 0, 0, 16),
        "Kubernetes pods (flannel, kind, minikube)",
        "kube-flannel.yml, kind podSubnet",
        Often,
    ),
    row(
        net(10, 42, 0, 0, 16),
        "Kubernetes pods (k3s, RKE2)",
        "k3s server --cluster-cidr",
        Often,
    ),
    row(
        net(10, 43, 0, 0, 16),
        "Kubernetes services (k3s, RKE2)",
        "k3s server --service-cidr",
        Often,
    ),
    row(
        net(10, 1, 0, 0, 16),
        "Kubernetes pods (MicroK8s)",
        "MicroK8s, Calico's cni.yaml",
        Often,
    ),
    row(
        net(10, 152, 183, 0, 24),
        "Kubernetes services (MicroK8s, Charmed)",
        "kube-apiserver of MicroK8s",
        Seldom,
    ),
    row(
        net(10, 233, 0, 0, 17),
        "Kubernetes services and pods (kubespray)",
        "kubespray k8s-cluster.yml",
        Often,
    ),
    row(
        net(10, 128, 0, 0, 14),
        "OpenShift pods",
        "install-config.yaml clusterNetwork",
        Often,
    ),
    row(
        net(172, 30, 0, 0, 16),
        "OpenShift services",
        "install-config.yaml serviceNetwork",
        Often,
    ),
    row(
        net(172, 20, 0, 0, 16),
        "EKS services",
        "EKS user guide, serviceIpv4Cidr",
        Often,
    ),
    row(
        net(10, 100, 0, 0, 16),
        "EKS services",
        "EKS user guide, serviceIpv4Cidr",
        Often,
    ),
    row(
        net(10, 217, 0, 0, 16),
        "OpenShift Local pods and services",
        "crc bundles",
        Seldom,
    ),
    row(
        net(192, 168, 0, 0, 16),
        "Kubernetes pods (Calico)",
        "calico.yaml CALICO_IPV4POOL_CIDR",
        Seldom,
    ),
    row(
        net(10, 0, 0, 0, 16),
        "overlays of a swarm, VNets of Azure, VPCs made by wizards",
        "docker swarm init --default-addr-pool; az network vnet create",
        Everywhere,
    ),
    row(
        net(10, 32, 0, 0, 12),
        "Weave Net",
        "weave launch --ipalloc-range",
        Seldom,
    ),
    row(
        net(10, 85, 0, 0, 16),
        "CRI-O",
        "CRI-O 100-crio-bridge.conflist",
        Seldom,
    ),
    // Other containers and virtual machines.
    row(
        net(10, 88, 0, 0, 16),
        "Podman",
        "containers.conf default_subnet",
        Often,
    ),
    row(
        net(10, 89, 0, 0, 16),
        "Podman's own networks",
        "containers.conf default_subnet_pools",
        Often,
    ),
    row(
        net(10, 4, 0, 0, 16),
        "nerdctl",
        "nerdctl, docs/cni.md",
        Seldom,
    ),
    row(net(10, 0, 3, 0, 24), "LXC", "lxc-net LXC_NETWORK", Often),
    row(
        net(10, 0, 2, 0, 24),
        "NAT of VirtualBox and QEMU",
        "VirtualBox manual 6.3; QEMU -netdev user",
        Often,
    ),
    slash24(122, "libvirt", "libvirt's network default", Everywhere),
    slash24(56, "VirtualBox host-only", "VirtualBox manual 6.7", Often),
    slash24(
        33,
        "Vagrant",
        "Vagrant documentation, private networks",
        Seldom,
    ),
    slash24(
        121,
        "Vagrant with libvirt",
        "vagrant-libvirt management_network_address",
        Seldom,
    ),
    slash24(
        39,
        "minikube (kvm2)",
        "minikube start --driver=kvm2",
        Seldom,
    ),
    slash24(
        49,
        "minikube",
        "minikube, network_create.go, defaultFirstSubnetAddr",
        Often,
    ),
    slash24(
        59,
        "minikube (VirtualBox)",
        "minikube start --host-only-cidr",
        Seldom,
    ),
    slash24(
        99,
        "Docker Machine",
        "docker-machine --virtualbox-hostonly-cidr",
        Seldom,
    ),
    slash24(
        64,
        "Multipass and other machines of macOS",
        "vmnet's shared mode",
        Often,
    ),
    slash24(
        65,
        "Docker Desktop",
        "Docker Desktop settings, subnet",
        Often,
    ),
    slash24(105, "Lima", "lima networks.yaml", Seldom),
    slash24(
        126,
        "OpenShift installer on libvirt",
        "install-config.yaml machineNetwork",
        Seldom,
    ),
    slash24(130, "OpenShift Local", "crc's network crc", Seldom),
    row(
        net(172, 16, 0, 0, 12),
        "Hyper-V and WSL 2, whose switch takes another part at each start",
        "Hyper-V Default Switch",
        Seldom,
    ),
    Favoured {
        net: net(172, 16, 0, 0, 12),
        user: "WSL 2, whose own network lies elsewhere in it at each start",
        source: "microsoft/WSL issue 9552",
        likelihood: Everywhere,
        only_on: Some(Mark::Wsl),
    },
    row(
        net(172, 30, 32, 0, 23),
        "Home Assistant",
        "home-assistant/supervisor, const.py, DOCKER_IPV4_NETWORK_MASK",
        Seldom,
    ),
    // VPNs.
    row(
        net(10, 8, 0, 0, 24),
        "OpenVPN",
        "OpenVPN's sample server.conf",
        Everywhere,
    ),
    row(
        net(10, 8, 0, 0, 16),
        "OpenVPN, wg-easy",
        "OpenVPN's sample server.conf; wg-easy WG_DEFAULT_ADDRESS",
        Often,
    ),
    row(
        net(10, 6, 0, 0, 24),
        "PiVPN with WireGuard",
        "PiVPN",
        Seldom,
    ),
    row(
        net(10, 13, 13, 0, 24),
        "WireGuard (linuxserver)",
        "INTERNAL_SUBNET of the image",
        Seldom,
    ),
    row(
        net(10, 10, 10, 0, 24),
        "IKEv2 road warriors",
        "strongSwan tutorials, rightsourceip",
        Often,
    ),
    row(
        net(172, 27, 224, 0, 20),
        "OpenVPN Access Server",
        "vpn.daemon.0.client.network",
        Often,
    ),
    row(
        net(10, 2, 0, 0, 16),
        "Proton VPN",
        "Proton's WireGuard files",
        Seldom,
    ),
    row(net(10, 5, 0, 0, 16), "NordVPN", "NordLynx", Seldom),
    row(
        net(10, 64, 0, 0, 10),
        "Mullvad and other VPNs for all traffic",
        "Mullvad's WireGuard files",
        Seldom,
    ),
    row(
        net(172, 16, 0, 0, 16),
        "Cloudflare WARP",
        "the address of its interface, 172.16.0.2",
        Often,
    ),
    // Clouds.
    row(
        net(172, 31, 0, 0, 16),
        "AWS, the default VPC",
        "VPC user guide, default VPC",
        Everywhere,
    ),
    Favoured {
        net: net(10, 128, 0, 0, 9),
        user: "Google Cloud, networks in auto mode",
        source: "VPC documentation, auto mode IP ranges",
        likelihood: Everywhere,
        only_on: Some(Mark::Resolver(GOOGLE_RESOLVER)),
    },
    // Docker's own list on other hosts.
    row(
        net(172, 17, 0, 0, 16),
        "docker0 of other hosts",
        "moby: ipamutils, the built-in pools",
        Everywhere,
    ),
    row(
        net(172, 18, 0, 0, 15),
        "Docker networks of other hosts",
        "moby: ipamutils, the built-in pools",
        Often,
    ),
    // Routers at home and on the road.
    row(
        net(192, 168, 0, 0, 22),
        "home routers of most makers",
        "manuals of TP-Link (0.1), Linksys (1.1), Belkin (2.1) and Huawei (3.1)",
        Everywhere,
    ),
    slash24(
        8,
        "Huawei LTE, GL.iNet",
        "manuals of Huawei's hotspots and of GL.iNet (8.1)",
        Everywhere,
    ),
    slash24(
        10,
        "TRENDnet",
        "manuals of TRENDnet's routers (10.1)",
        Often,
    ),
    slash24(
        11,
        "Buffalo",
        "manuals of Buffalo's AirStation (11.1)",
        Often,
    ),
    slash24(15, "Vonage", "manuals of Vonage's adapters (15.1)", Seldom),
    slash24(31, "Xiaomi", "manuals of Mi Router (31.1)", Often),
    slash24(
        42,
        "phones that share over USB",
        "Android tethering",
        Everywhere,
    ),
    slash24(43, "phones as hotspots", "Android tethering", Everywhere),
    slash24(
        44,
        "phones that share over Bluetooth",
        "Android tethering",
        Often,
    ),
    slash24(50, "ASUS", "manuals of ASUS's routers (50.1)", Everywhere),
    slash24(55, "Jetson boards over USB", "L4T device mode", Seldom),
    slash24(68, "TP-Link Deco", "manuals of Deco (68.1)", Everywhere),
    slash24(
        86,
        "Google Wifi, Nest",
        "Google Nest Help, LAN address (86.1)",
        Everywhere,
    ),
    slash24(
        88,
        "MikroTik",
        "RouterOS, default configuration (88.1)",
        Everywhere,
    ),
    slash24(
        100,
        "cable modems, Huawei ONTs, Starlink dishes",
        "DOCSIS modems, their diagnostics page (100.1); Starlink's support pages",
        Everywhere,
    ),
    slash24(
        123,
        "US Robotics",
        "manuals of USRobotics' routers (123.254)",
        Seldom,
    ),
    slash24(
        137,
        "Windows sharing its connection",
        "Internet Connection Sharing",
        Everywhere,
    ),
    slash24(
        178,
        "FRITZ!Box",
        "FRITZ!Box 7560 manual, IPv4 settings (178.1)",
        Everywhere,
    ),
    slash24(
        179,
        "FRITZ!Box guests",
        "AVM's knowledge base, guest access (179.1)",
        Often,
    ),
    slash24(
        188,
        "FRITZ!Box behind another router",
        "AVM's knowledge base, cascaded FRITZ!Box (188.1)",
        Often,
    ),
    slash24(225, "JioFi", "manuals of JioFi (225.1)", Often),
    slash24(
        254,
        "DSL modems of Frontier",
        "Frontier's support pages (254.254)",
        Often,
    ),
    row(
        net(10, 0, 0, 0, 24),
        "Comcast",
        "Xfinity's support pages (10.0.0.1)",
        Everywhere,
    ),
    row(
        net(10, 0, 1, 0, 24),
        "Apple AirPort",
        "manuals of AirPort Extreme (10.0.1.1)",
        Often,
    ),
    row(
        net(10, 1, 1, 0, 24),
        "NetComm",
        "manuals of NetComm's DSL modems (10.1.1.1)",
        Often,
    ),
    row(
        net(10, 42, 0, 0, 24),
        "NetworkManager sharing its connection",
        "NetworkManager, ipv4.method shared",
        Often,
    ),
    row(
        net(10, 90, 90, 0, 24),
        "D-Link switches",
        "manuals of D-Link's switches (10.90.90.90)",
        Seldom,
    ),
];
