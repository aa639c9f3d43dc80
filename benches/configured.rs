//! What it costs to read the files that configure networks.

use super::pair::median;
use super::stage::Lab;
use rebridge::host::Host;
use std::time::Instant;

/// What a host of a company has: more of it than most.
const FILES: &str = r#"
mkdir -p /etc/wireguard /etc/openvpn/client /etc/NetworkManager/system-connections /etc/systemd/network \
    /etc/swanctl/conf.d /etc/libvirt/qemu/networks /etc/containers/networks /etc/cni/net.d \
    /etc/rancher/k3s /etc/network/interfaces.d /etc/systemd/system/docker.service.d
for n in $(seq 8); do
    printf '[Interface]\nAddress = 10.8.%s.2/24\nPrivateKey = x\n[Peer]\nAllowedIPs = 10.3%s.0.0/16, 10.4%s.0.0/16\n' \
        $n $n $n > /etc/wireguard/wg$n.conf
    printf 'client\ndev tun\nremote vpn.example 1194\nroute 10.5%s.0.0 255.255.0.0\n<ca>\n%s\n</ca>\n' \
        $n "$(head -c 4000 /dev/zero | tr '\0' 'A' | fold -w 64)" > /etc/openvpn/client/vpn$n.conf
    printf '[connection]\nid=c%s\ntype=wifi\n[ipv4]\nmethod=auto\nroute1=10.6%s.0.0/16,10.0.0.1\n' $n $n \
        > /etc/NetworkManager/system-connections/c$n.nmconnection
    printf '[Match]\nName=eth%s\n[Network]\nAddress=10.7%s.0.2/24\n[Route]\nDestination=10.7%s.8.0/24\n' $n $n $n \
        > /etc/systemd/network/1$n.network
    printf '{"name": "p%s", "network_interface": "podman%s", "subnets": [{"subnet": "10.89.%s.0/24"}]}\n' $n $n $n \
        > /etc/containers/networks/p$n.json
done
printf '<network><name>default</name><bridge name="virbr0"/><ip address="192.168.122.1" netmask="255.255.255.0"/></network>\n' \
    > /etc/libvirt/qemu/networks/default.xml
printf 'connections { site { children { net { remote_ts = 10.99.0.0/16\n} } } }\n' > /etc/swanctl/conf.d/site.conf
printf 'cluster-cidr: 10.42.0.0/16\nservice-cidr: 10.43.0.0/16\n' > /etc/rancher/k3s/config.yaml
printf '[Service]\nEnvironment="HTTP_PROXY=http://10.0.0.9:3128"\n' > /etc/systemd/system/docker.service.d/proxy.conf
for n in $(seq 200); do echo "10.20.$((n / 100)).$((n % 100)) host$n.corp host$n"; done >> /etc/hosts
for n in $(seq 100); do ip xfrm policy add src 198.51.100.11/32 dst 10.98.$n.0/24 dir out tmpl src 198.51.100.11 \
    dst 203.0.113.5 proto esp mode tunnel; done
"#;

/// Where `check` sees none of them: an empty file system over each of their folders.
const WITHOUT: &str = r#"
mkdir /run/ns; mount -t tmpfs tmpfs /run/ns; mount --make-private /run/ns; touch /run/ns/without
unshare --mount=/run/ns/without sh -c 'for folder in wireguard openvpn NetworkManager/system-connections \
    systemd/network swanctl libvirt containers cni rancher systemd/system/docker.service.d; do
    mount -t tmpfs tmpfs /etc/$folder; done; mount --bind /etc/hostname /etc/hosts'
"#;

/// `check` with these files beside the same without.
pub fn beside_none() {
    println!(
        "\na typical host, with 40 files of VPNs and the like, 200 names in /etc/hosts and 100 IPsec policies \
         (floor: the same `check` where there are none; goal: at most 3 ms more)"
    );
    let lab = Lab::with_programs();
    lab.exec(&format!(
        "{FILES}{WITHOUT}
         bench pair 61 'without=nsenter --mount=/run/ns/without rebridge check --json' \
             'with=nsenter --mount=/proc/self/ns/mnt rebridge check --json'
         bench read-configured 301"
    ));
}

/// The same inside one process, which has read them before.
pub fn read(runs: usize) {
    let host = Host::live();
    let mut times: Vec<_> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            let (found, _) = rebridge::observe::configured::read(&host);
            assert!(found.len() > 200, "{found:?}");
            began.elapsed()
        })
        .collect();
    println!(
        "  reading alone                      {:>9.2} ms",
        median(&mut times).as_secs_f64() * 1e3
    );
}
