//! Networks that files of the host name and that are not up: each file beside a twin that must stay
//! silent.

use crate::sandbox::Sandbox;
use serde_json::Value;

const WIREGUARD: &str = "/etc/wireguard/office.conf";
const OFFICE: &str = "[Interface]\nPrivateKey = oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM=\n\
                      Address = 10.8.0.2/24\n[Peer]\nPublicKey = \
                      GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU=\nAllowedIPs = 172.17.0.0/16\n";

/// What `check` says of a sandbox with docker0 and this file.
fn clashes_with(path: &str, text: &str) -> Vec<String> {
    let sandbox = Sandbox::with_docker0();
    sandbox.put(path, text);
    sandbox.clashes(&[])
}

#[test]
fn a_vpn_that_is_down_is_found_with_its_line_and_docker0_moves() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put(WIREGUARD, OFFICE);
    let (code, report) = sandbox.json(&["check"]);
    let clash = &report["clashes"][0];
    assert_eq!(
        (code, &clash["kind"], &clash["certainty"], &clash["loser"]),
        (1, &"latent".into(), &"known".into(), &"host".into()),
        "{report:#}"
    );
    let with = &clash["with"];
    assert_eq!(
        (&with["source"], &with["file"], &with["line"], &with["dev"]),
        (
            &"configured".into(),
            &WIREGUARD.into(),
            &6.into(),
            &"office".into()
        )
    );
    let explain = clash["explain"].as_str().unwrap();
    assert!(explain.contains("once that is up"), "{explain}");

    let (code, report) = sandbox.json(&["apply", "--yes", "--no-restart"]);
    assert_eq!(
        (code, &report["changed"]),
        (0, &Value::Bool(true)),
        "{report:#}"
    );
    let file = sandbox.read("/etc/docker/daemon.json").unwrap();
    assert!(!file.contains("172.17."), "{file}");
}

#[test]
fn what_is_up_is_one_clash_and_no_second_one_of_its_file() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put(WIREGUARD, OFFICE);
    sandbox.put("/etc/hosts", "172.17.5.9 db.corp\n");
    sandbox.sh(
        "ip tuntap add office mode tun; ip addr add 10.8.0.2/24 dev office; ip link set office up
         ip route add 172.17.0.0/16 dev office metric 50",
    );
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.0/16/onlink"]
    );
}

#[test]
fn evidence_of_files_is_ignored_by_source_and_by_file() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put(WIREGUARD, OFFICE);
    sandbox.put("/etc/hosts", "172.17.5.9 db.corp\n");
    assert!(sandbox.clashes(&["--ignore", "configured"]).is_empty());
    assert_eq!(
        sandbox.clashes(&["--ignore", WIREGUARD]),
        ["present/172.17.0.0/16/172.17.5.9/32/configured"]
    );
    assert_eq!(
        sandbox.clashes(&["--ignore", "/etc/hosts"]),
        ["latent/172.17.0.0/16/172.17.0.0/16/configured"]
    );
}

#[test]
fn the_way_out_and_what_is_dockers_are_no_needs() {
    let all = "AllowedIPs = 0.0.0.0/0, ::/0\n";
    // What a calculator makes of "all but 192.168.1.0/24".
    let pieces = "AllowedIPs = 0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/9, 192.128.0.0/11, \
                  192.160.0.0/13, 192.168.0.0/24, 192.168.2.0/23, 192.168.4.0/22, \
                  192.168.8.0/21, 192.168.16.0/20, 192.168.32.0/19, 192.168.64.0/18, \
                  192.168.128.0/17, 192.169.0.0/16, 192.170.0.0/15, 192.172.0.0/14, \
                  192.176.0.0/12, 192.192.0.0/10, 193.0.0.0/8, 194.0.0.0/7, 196.0.0.0/6, \
                  200.0.0.0/5, 208.0.0.0/4, 224.0.0.0/3\n";
    for allowed in [all, pieces] {
        let text = OFFICE.replace("AllowedIPs = 172.17.0.0/16\n", allowed);
        assert!(clashes_with(WIREGUARD, &text).is_empty(), "{allowed}");
    }
    for (path, text) in [
        ("/etc/wireguard/office.conf.bak", OFFICE),
        ("/etc/wireguard/examples/office.conf", OFFICE),
        (
            "/etc/systemd/network/docker0.network",
            "[Match]\nName=docker0\n[Network]\nAddress=172.17.0.1/16\n",
        ),
        (
            "/etc/hosts",
            "127.0.0.1 localhost\n172.17.0.1 host.docker.internal\n172.17.0.3 web.local\n\
             198.51.100.11 me\n172.32.0.1 public.example\n",
        ),
    ] {
        assert!(clashes_with(path, text).is_empty(), "{path}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_note() {
    let sandbox = Sandbox::with_docker0();
    sandbox.put(WIREGUARD, &"#".repeat(300 * 1024));
    sandbox.sh(
        "mkfifo /etc/wireguard/pipe.conf; ln -s /dev/zero /etc/wireguard/zero.conf
                ln -s /dev/null /etc/wireguard/masked.conf",
    );
    let (code, report) = sandbox.json(&["check"]);
    assert_eq!(code, 0, "{report:#}");
    let notes: Vec<&str> = report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        notes,
        [
            "/etc/wireguard/office.conf is not read: larger than 256 KiB",
            "/etc/wireguard/pipe.conf is not read: not a plain file",
            "/etc/wireguard/zero.conf is not read: not a plain file",
        ]
    );
}

/// What the kernel has of IPsec needs no file and no route. Each twin leads nothing there.
#[test]
fn a_policy_of_ipsec_is_found_without_a_file_or_a_route() {
    let ends = "tmpl src 198.51.100.11 dst 203.0.113.5 proto esp mode tunnel";
    let sandbox = Sandbox::with_docker0();
    for (twin, policy) in [
        (
            "comes in",
            format!("src 172.17.40.0/24 dst 198.51.100.11/32 dir in {ends}"),
        ),
        (
            "comes from there",
            format!("src 172.17.40.0/24 dst 203.0.113.0/24 dir out {ends}"),
        ),
        (
            "passes as it is",
            "src 198.51.100.11/32 dst 172.17.41.0/24 dir out".to_owned(),
        ),
        (
            "drops",
            format!("src 198.51.100.11/32 dst 172.17.42.0/24 dir out action block {ends}"),
        ),
        (
            "is the way out",
            format!("src 198.51.100.11/32 dst 0.0.0.0/0 dir out {ends}"),
        ),
    ] {
        sandbox.sh(&format!("ip xfrm policy add {policy}"));
        assert!(sandbox.clashes(&[]).is_empty(), "one that {twin}");
    }
    sandbox.sh(&format!(
        "ip xfrm policy add src 198.51.100.11/32 dst 172.17.40.0/24 dir out {ends}
         ip xfrm policy add src fd00:1::1/128 dst fd00:17::/64 dir out tmpl src fd00:1::1 dst \
         fd00:2::1 proto esp mode tunnel"
    ));
    let (code, report) = sandbox.json(&["check"]);
    let clash = &report["clashes"][0];
    let with = &clash["with"];
    assert_eq!(
        (code, &clash["kind"], &clash["loser"], &with["net"]),
        (
            1,
            &"present".into(),
            &"host".into(),
            &"172.17.40.0/24".into()
        ),
        "{report:#}"
    );
    assert_eq!(
        (&with["source"], &with["file"], &with["line"]),
        (&"configured".into(), &"ip xfrm policy".into(), &Value::Null)
    );
    assert_eq!(report["clashes"].as_array().unwrap().len(), 1, "{report:#}");
    assert!(sandbox.clashes(&["--ignore", "172.17.40.0/24"]).is_empty());
    // Docker's IPv6 could take this one.
    let pools = "{\"default-address-pools\": [{\"base\": \"fd00:17::/56\", \"size\": 64}]}";
    sandbox.put("/etc/docker/daemon.json", pools);
    let facts = sandbox.rebridge(&["facts"]).stdout;
    assert!(facts.contains("\"fd00:17::/64\""), "{facts}");
}

#[test]
fn an_image_is_judged_by_the_files_of_netplan_and_a_host_by_what_came_of_them() {
    let sandbox = Sandbox::with_docker0();
    let text = "network:\n  ethernets:\n    eth7:\n      routes:\n      - to: 172.17.0.0/16\n        \
                via: 10.8.0.1\n";
    sandbox.put("/etc/netplan/50-office.yaml", text);
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh(
        "mkdir -p /run/image/etc/netplan /run/image/usr/bin; touch /run/image/usr/bin/dockerd
                cp /etc/netplan/50-office.yaml /run/image/etc/netplan/",
    );
    let (code, report) = sandbox.json(&["check", "--root", "/run/image"]);
    let with = &report["clashes"][0]["with"];
    assert_eq!(
        (code, &with["file"], &with["line"], &with["dev"]),
        (
            1,
            &"/etc/netplan/50-office.yaml".into(),
            &5.into(),
            &"eth7".into()
        ),
        "{report:#}"
    );
    sandbox.sh("sed -i 's/172.17.0.0.16/default/' /run/image/etc/netplan/50-office.yaml");
    let (code, report) = sandbox.json(&["check", "--root", "/run/image"]);
    assert_eq!(code, 0, "{report:#}");
}

/// Stand-ins for the processes that rootlesskit makes: the range is on a command line.
#[test]
fn a_rootless_docker_in_a_needed_range_is_worth_a_note() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("cp $(command -v sleep) $SANDBOX/dockerd; mkdir -p /run/user/1000");
    sandbox.stand_in(
        "rootlesskit",
        "$SANDBOX/dockerd 1000 & echo $! > /run/user/1000/new
         mv /run/user/1000/new /run/user/1000/docker.pid; trap 'kill $!' TERM; wait",
    );
    for (flag, over) in [
        ("--mtu=65520", "10.0.2.0/24"),
        ("--cidr=10.0.9.0/24", "10.0.9.0/24"),
    ] {
        let pidfile = sandbox.path("/run/user/1000/docker.pid");
        let rootlesskit = sandbox.start(&["rootlesskit", "--net=slirp4netns", flag]);
        while !pidfile.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        sandbox.sh(&format!("ip route add {over} via 198.51.100.7"));
        let (code, report) = sandbox.json(&["check"]);
        let notes = report["notes"].to_string();
        assert!(
            notes.contains(&format!(
                "user 1000 lives in {over}, over {over}, the route via"
            )),
            "{report:#}"
        );
        assert_eq!(code, 0, "{report:#}");
        sandbox.sh(&format!("ip route del {over}"));
        let (_, report) = sandbox.json(&["check"]);
        assert!(
            !report["notes"].to_string().contains("user 1000"),
            "{report:#}"
        );
        sandbox.sh("kill $(cat /run/user/1000/docker.pid); rm /run/user/1000/docker.pid");
        drop(rootlesskit);
    }
}

#[test]
fn no_secret_of_a_file_gets_into_the_facts() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("mount -t tmpfs tmpfs /root");
    for (path, text) in [
        (
            WIREGUARD,
            "[Interface]\nPrivateKey = SECRET\n[Peer]\nPublicKey = SECRET\nPresharedKey = SECRET\n\
             AllowedIPs = 172.17.0.0/16\n",
        ),
        (
            "/etc/openvpn/c.conf",
            "remote 172.17.9.9\n<key>\nSECRET\n</key>\nhttp-proxy-user-pass SECRET\n",
        ),
        (
            "/etc/NetworkManager/system-connections/w.nmconnection",
            "[wireguard]\nprivate-key=SECRET\n[wireguard-peer.SECRET]\nallowed-ips=172.17.0.0/16;\n\
             preshared-key=SECRET\n[vpn-secrets]\npassword=SECRET\n[wifi-security]\npsk=SECRET\n",
        ),
        (
            "/etc/systemd/network/w.netdev",
            "[NetDev]\nName=w\n[WireGuard]\nPrivateKey=SECRET\nRouteTable=main\n[WireGuardPeer]\n\
             PublicKey=SECRET\nAllowedIPs=172.17.0.0/16\n",
        ),
        (
            "/etc/docker/daemon.json",
            "{\"proxies\": {\"http-proxy\": \"http://SECRET:SECRET@172.17.9.1:3128\"}}",
        ),
        (
            "/root/.docker/config.json",
            "{\"auths\": {\"SECRET\": {\"auth\": \"SECRET\"}}, \"proxies\": {\"default\": \
             {\"httpProxy\": \"http://SECRET:SECRET@172.17.9.2:3128\"}}}",
        ),
        (
            "/etc/environment",
            "TOKEN=SECRET\nhttp_proxy=http://SECRET:SECRET@172.17.9.3:3128\n",
        ),
        (
            "/etc/fstab",
            "//172.17.9.4/x /x cifs user=SECRET,password=SECRET 0 0\n",
        ),
        (
            "/etc/rancher/k3s/config.yaml",
            "token: SECRET\ncluster-cidr: 172.18.0.0/16\n",
        ),
        (
            "/etc/ipsec.conf",
            "conn x\nrightsubnet=172.19.0.0/16\nrightid=SECRET\n",
        ),
        (
            "/etc/NetworkManager/system-connections/broken",
            "SECRET\n[SECRET\n",
        ),
        ("/etc/cni/net.d/x.conflist", "{SECRET"),
        (
            "/etc/systemd/network/w.netdev.d/peer.conf",
            "[WireGuardPeer]\nPresharedKey=SECRET\nAllowedIPs=172.17.8.0/24\n",
        ),
        (
            "/etc/network/interfaces.d/w",
            "iface w inet static\naddress 172.17.5.9/24\nwpa-psk SECRET\n",
        ),
        (
            "/etc/sysconfig/network-scripts/ifcfg-w",
            "IPADDR=172.17.6.9\nPREFIX=24\nWPA_PSK=SECRET\nKEY1=SECRET\n",
        ),
        (
            "/etc/swanctl/conf.d/x.conf",
            "remote_ts = 172.19.1.0/24\nsecrets { ike { secret = SECRET\n id = SECRET } }\n",
        ),
        (
            "/var/lib/incus/networks/x/dnsmasq.pid",
            "args: [--listen-address=172.19.2.1, --dhcp-option, 'SECRET', -s, SECRET]\n",
        ),
        (
            "/etc/incus/preseed.yaml",
            "config:\n  core.trust_password: SECRET\nx:\n  ipv4.address: 172.19.3.1/24\n",
        ),
        (
            "/etc/libvirt/qemu/networks/x.xml",
            "<network><name>SECRET</name><ip address='172.19.4.1' prefix='24'/></network>\n",
        ),
        (
            "/etc/zabbix/zabbix_agentd.conf",
            "Server=172.19.5.5\nTLSPSKIdentity=SECRET\nUserParameter=x,SECRET\n",
        ),
        (
            "/etc/rancher/rke2/config.yaml",
            "token: SECRET\nagent-token: SECRET\nservice-cidr: 172.19.6.0/24\n",
        ),
        (
            "/etc/default/docker",
            "export http_proxy=\"http://SECRET:SECRET@172.19.7.5:3128\"\n",
        ),
        ("/etc/hosts", "172.19.8.5 db.corp # SECRET\n"),
    ] {
        sandbox.put(path, text);
    }
    let facts = sandbox.rebridge(&["facts"]);
    assert_eq!(facts.code, 0, "{facts:?}");
    assert_eq!(
        facts.stdout.matches("\"role\"").count(),
        21,
        "{}",
        facts.stdout
    );
    assert!(!facts.stdout.contains("SECRET"), "{}", facts.stdout);
}

/// A file of each further format with a network or a server over docker0, the line that names it,
/// and the same file with nothing that counts.
const FORMATS: [(&str, usize, &str, &str); 21] = [
    (
        "/etc/systemd/network/wg0.network.d/site.conf",
        2,
        "[Route]\nDestination=172.17.0.0/16\n",
        "[Route]\nDestination=172.17.0.0/16\nTable=200\n",
    ),
    (
        "/var/lib/incus/networks/labbr0/dnsmasq.pid",
        2,
        "name: dnsmasq\nargs: [--listen-address=172.17.0.1, --dhcp-range, \
         '172.17.0.2,172.17.255.254,1h']\n",
        "name: dnsmasq\nargs: [--interface=labbr0, --dhcp-range, '172.17.0.2,172.17.255.254,1h']\n",
    ),
    (
        "/etc/cloud/cloud.cfg.d/90-lxd.cfg",
        2,
        "lxd: {preseed: ...}\n    ipv4.address: 172.17.0.1/16\n",
        "lxd: {preseed: ...}\n    ipv4.address: auto\n",
    ),
    (
        "/var/lib/kubelet/config.yaml",
        2,
        "clusterDNS:\n- 172.17.0.10\nkind: KubeletConfiguration\n",
        "clusterDNS:\n- 10.96.0.10\nclusterDomain: 172.17.0.10\n",
    ),
    (
        "/etc/openvpn/client/office.conf",
        3,
        "client\ndev tun\nroute 172.17.0.0 255.255.0.0\n",
        "client\ndev tun\n;route 172.17.0.0 255.255.0.0\nredirect-gateway def1\n",
    ),
    (
        "/run/systemd/network/10-netplan-wg0.network",
        4,
        "[Match]\nName=wg0\n[Route]\nDestination=172.17.0.0/16\n",
        "[Match]\nName=wg0\n[Route]\nDestination=0.0.0.0/0\n[Network]\nDHCP=yes\n",
    ),
    (
        "/etc/NetworkManager/system-connections/office.nmconnection",
        4,
        "[connection]\ntype=vpn\n[ipv4]\nroute1=172.17.0.0/16\nmethod=auto\n",
        "[connection]\ntype=vpn\n[ipv4]\nroute1=0.0.0.0/0\nmethod=auto\n",
    ),
    (
        "/etc/network/interfaces.d/office",
        2,
        "iface eth7 inet static\naddress 172.17.5.9/16\n",
        "iface docker0 inet static\naddress 172.17.0.1/16\n",
    ),
    (
        "/etc/sysconfig/network-scripts/route-eth7",
        1,
        "172.17.0.0/16 via 198.51.100.7\n",
        "default via 198.51.100.7\n",
    ),
    (
        "/etc/swanctl/conf.d/site.conf",
        1,
        "connections { site { children { net { remote_ts = 172.17.0.0/16\n} } } }\n",
        "connections { site { children { net { local_ts = 172.17.0.0/16\n} } } }\n",
    ),
    (
        "/etc/libvirt/qemu/networks/lab.xml",
        2,
        "<network><name>lab</name><bridge name='virbr7'/>\n<ip address='172.17.0.1' \
         netmask='255.255.0.0'/></network>\n",
        "<network><name>lab</name><forward mode='bridge'/><bridge name='br0'/></network>\n",
    ),
    (
        "/etc/cni/net.d/10-pods.conflist",
        2,
        "{\"plugins\": [{\"bridge\": \"cni0\", \"ipam\":\n{\"subnet\": \"172.17.0.0/16\"}}]}\n",
        "{\"plugins\": [{\"ipam\": {\"routes\": [{\"dst\": \"172.17.0.0/16\"}]}}]}\n",
    ),
    (
        "/etc/containers/networks/shop.json",
        2,
        "{\"network_interface\": \"podman1\", \"subnets\":\n[{\"subnet\": \"172.17.0.0/16\"}]}\n",
        "{\"network_interface\": \"eth0\", \"driver\": \"macvlan\"}\n",
    ),
    (
        "/etc/rancher/k3s/config.yaml",
        2,
        "token: x\nservice-cidr: 172.17.0.0/16\n",
        "token: x\nnode-ip: 172.17.0.1\n",
    ),
    (
        "/etc/kubernetes/manifests/kube-apiserver.yaml",
        2,
        "- kube-apiserver\n- --service-cluster-ip-range=172.17.0.0/16\n",
        "- kube-apiserver\n- --service-cluster-ip-range=10.96.0.0/12\n",
    ),
    (
        "/etc/hosts",
        2,
        "127.0.0.1 localhost\n172.17.9.9 db.corp\n",
        "127.0.0.1 localhost\n172.17.0.9 web.local\n",
    ),
    (
        "/etc/fstab",
        1,
        "172.17.9.9:/export /mnt nfs4 ro 0 0\n",
        "#172.17.9.9:/export /mnt nfs4 ro 0 0\n",
    ),
    (
        "/etc/chrony/chrony.conf",
        1,
        "server 172.17.9.9 iburst\n",
        "allow 172.17.9.9\n",
    ),
    (
        "/etc/systemd/system/docker.service.d/http-proxy.conf",
        2,
        "[Service]\nEnvironment=\"HTTP_PROXY=http://172.17.9.9:3128\"\n",
        "[Service]\nEnvironment=\"NO_PROXY=172.17.9.9\"\n",
    ),
    (
        "/etc/docker/daemon.json",
        1,
        "{\"registry-mirrors\": [\"http://172.17.9.9:5000\"]}\n",
        "{\"dns\": [\"172.17.0.1\"], \"insecure-registries\": [\"172.16.0.0/12\"]}\n",
    ),
    (
        "/root/.docker/config.json",
        1,
        "{\"proxies\": {\"default\": {\"httpProxy\": \"http://172.17.9.9:3128\"}}}\n",
        "{\"proxies\": {\"default\": {\"noProxy\": \"172.17.9.9\"}}}\n",
    ),
];

#[test]
fn every_format_is_found_with_file_and_line_and_its_twin_stays_silent() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("mount -t tmpfs tmpfs /root");
    for (path, line, text, twin) in FORMATS {
        let before = sandbox.read(path);
        sandbox.put(path, text);
        let (code, report) = sandbox.json(&["check"]);
        let with = &report["clashes"][0]["with"];
        assert_eq!(
            (code, &with["source"], &with["file"], &with["line"]),
            (1, &"configured".into(), &path.into(), &line.into()),
            "{path}: {report:#}"
        );
        sandbox.put(path, twin);
        let (code, report) = sandbox.json(&["check"]);
        assert_eq!(code, 0, "the twin of {path}: {report:#}");
        match before {
            Some(before) => sandbox.put(path, &before),
            None => std::fs::remove_file(sandbox.path(path)).unwrap(),
        }
    }
}
