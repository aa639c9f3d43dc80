//! Files that configure networks, as their own tools write them: rebridge names network, file and
//! line, and says nothing of a twin that brings no such network.

use crate::lab::Lab;
use serde_json::Value;

/// What one tool writes.
struct Case {
    /// Makes the tool write the file.
    write: &'static str,
    file: &'static str,
    /// What the line says.
    line: &'static str,
    net: &'static str,
    /// Makes it write one that brings no network of Docker's.
    twin: &'static str,
    /// Undoes it.
    clear: &'static str,
}

const CASES: &[Case] = &[
    // The interface is up, gets another peer by `wg set`, and saves it when it goes.
    Case {
        write: "umask 077; printf '[Interface]\\nPrivateKey = %s\\nAddress = 10.8.0.2/24\\n' \
                \"$(wg genkey)\" > /etc/wireguard/office.conf
                wg-quick up office
                wg set office peer \"$(wg genkey | wg pubkey)\" allowed-ips 10.66.0.0/16,172.17.0.0/16
                wg-quick save office; wg-quick down office",
        file: "/etc/wireguard/office.conf",
        line: "172.17.0.0/16",
        net: "172.17.0.0/16",
        twin: "sed -i '/^Address/a Table = off' /etc/wireguard/office.conf
               wg-quick up office; wg-quick save office; wg-quick down office
               grep -q '^AllowedIPs.*172.17.0.0/16' /etc/wireguard/office.conf",
        clear: "rm /etc/wireguard/office.conf",
    },
    Case {
        write: "umask 077; nmcli --offline connection add type wireguard con-name site ifname wg7 \
                wireguard.private-key \"$(wg genkey)\" ipv4.method manual ipv4.addresses \
                10.8.0.2/24 ipv4.routes '172.17.0.0/16 10.8.0.1' > \
                /etc/NetworkManager/system-connections/site.nmconnection",
        file: "/etc/NetworkManager/system-connections/site.nmconnection",
        line: "route1=172.17.0.0/16,10.8.0.1",
        net: "172.17.0.0/16",
        twin: "umask 077; nmcli --offline connection add type wireguard con-name site ifname wg7 \
               wireguard.private-key \"$(wg genkey)\" ipv4.method manual ipv4.addresses \
               10.8.0.2/24 ipv4.routes '172.17.0.0/16 10.8.0.1' ipv4.route-table 200 > \
               /etc/NetworkManager/system-connections/site.nmconnection",
        clear: "rm /etc/NetworkManager/system-connections/site.nmconnection",
    },
    // Into /run, where networkd reads it.
    Case {
        write: "netplan set ethernets.eth7.addresses=[10.8.0.2/24]
                netplan set 'ethernets.eth7.routes=[{to: 172.17.0.0/16, via: 10.8.0.1}]'
                netplan generate",
        file: "/run/systemd/network/10-netplan-eth7.network",
        line: "Destination=172.17.0.0/16",
        net: "172.17.0.0/16",
        twin: "netplan set ethernets.eth7.routes=null
               netplan set 'ethernets.eth7.routes=[{to: default, via: 10.8.0.1}]'
               netplan generate",
        clear: "rm /etc/netplan/*.yaml; netplan generate",
    },
    // With an editor for which a script stands: `networkctl edit` wants a terminal.
    Case {
        write: "printf '[Match]\\nName=eth7\\n' > /etc/systemd/network/70-site.network
                printf '#!/bin/sh\\nfor file; do case $file in *.d/*) printf \
                \"[Route]\\\\nDestination=172.17.0.0/16\\\\nGateway=10.8.0.1\\\\n\" > $file;; esac; \
                done\\n' > /root/editor; chmod +x /root/editor
                script -qec 'EDITOR=/root/editor networkctl edit --no-reload --drop-in=site.conf \
                70-site.network' /dev/null",
        file: "/etc/systemd/network/70-site.network.d/site.conf",
        line: "Destination=172.17.0.0/16",
        net: "172.17.0.0/16",
        twin: "sed -i 's/^Name=.*/Name=docker0/' /etc/systemd/network/70-site.network",
        clear: "rm -r /etc/systemd/network/70-site.*",
    },
    Case {
        write: "libvirtd -d; timeout 90 sh -c 'until [ -S /run/libvirt/libvirt-sock ]; do sleep 0.1; done'
                echo \"<network><name>lab</name><forward mode='nat'/><bridge name='virbr7'/><ip \
                address='172.18.0.1' netmask='255.255.255.0'/></network>\" > /root/lab.xml
                virsh -c network:///system net-define /root/lab.xml",
        file: "/etc/libvirt/qemu/networks/lab.xml",
        line: "<ip address='172.18.0.1' netmask='255.255.255.0'>",
        net: "172.18.0.0/24",
        twin: "virsh -c network:///system net-undefine lab
               echo \"<network><name>lab</name><forward mode='bridge'/><bridge name='br0'/>\
               </network>\" > /root/lab.xml
               virsh -c network:///system net-define /root/lab.xml",
        clear: "virsh -c network:///system net-undefine lab; kill $(cat /run/libvirtd.pid)",
    },
    Case {
        write: "podman --storage-driver vfs network create --subnet 172.19.0.0/24 shop",
        file: "/etc/containers/networks/shop.json",
        line: "\"subnet\": \"172.19.0.0/24\"",
        net: "172.19.0.0/24",
        twin: "podman --storage-driver vfs network rm shop
               podman --storage-driver vfs network create --driver macvlan -o parent=eth0 shop",
        clear: "podman --storage-driver vfs network rm shop",
    },
    // After a reboot the bridge is not there before Incus is.
    Case {
        write: "systemctl start incus.service; incus admin waitready --timeout 90
                incus network create labbr0 ipv4.address=172.20.0.1/24 ipv6.address=none
                systemctl stop incus.socket incus.service
                kill $(sed -n 's/^pid: //p' /var/lib/incus/networks/labbr0/dnsmasq.pid)
                ip link del labbr0",
        file: "/var/lib/incus/networks/labbr0/dnsmasq.pid",
        line: "--listen-address=172.20.0.1",
        net: "172.20.0.0/24",
        twin: "systemctl start incus.service; incus admin waitready --timeout 90
               incus network delete labbr0
               incus network create labbr1 ipv4.address=none ipv6.address=none
               systemctl stop incus.socket incus.service; ip link del labbr1",
        clear: "systemctl start incus.service; incus admin waitready --timeout 90
                incus network delete labbr1; systemctl stop incus.socket incus.service",
    },
    // strongSwan reads it, and nothing is up: `start_action` is not set.
    Case {
        write: "systemctl start strongswan.service
                printf 'connections { site {\\nremote_addrs = vpn.example\\nlocal { auth = psk\\n}\\n\
                remote { auth = psk\\n}\\nchildren { net {\\nremote_ts = 172.17.40.0/24\\n} } } }\\n' \
                > /etc/swanctl/conf.d/site.conf
                swanctl --load-conns 2>/dev/null | grep -q \"loaded connection 'site'\"",
        file: "/etc/swanctl/conf.d/site.conf",
        line: "remote_ts = 172.17.40.0/24",
        net: "172.17.40.0/24",
        twin: "sed -i 's/remote_ts = .*/remote_ts = dynamic/' /etc/swanctl/conf.d/site.conf
               swanctl --load-conns 2>/dev/null | grep -q \"loaded connection 'site'\"",
        clear: "rm /etc/swanctl/conf.d/site.conf; systemctl stop strongswan.service",
    },
];

fn clashes(lab: &Lab) -> (i32, Vec<Value>, Value) {
    let (code, report) = lab.rebridge(&["check"]);
    (code, report["clashes"].as_array().unwrap().clone(), report)
}

#[test]
fn what_its_own_tool_writes_is_named_with_its_line() {
    let lab = Lab::up("trixie+tools");
    // Only what the test makes is to count.
    let (code, _, report) = clashes(&lab);
    assert_eq!(code, 0, "{report:#}");
    for case in CASES {
        lab.sh(case.write);
        let text = lab.sh(&format!("cat {}", case.file));
        let mut lines = text.lines().zip(1..);
        let (_, line) = lines
            .find(|(line, _)| line.contains(case.line))
            .unwrap_or_else(|| panic!("{} has no {}: {text}", case.file, case.line));
        let (code, clashes_seen, report) = clashes(&lab);
        assert_eq!(
            (code, clashes_seen.len()),
            (1, 1),
            "{}: {report:#}",
            case.file
        );
        let with = &clashes_seen[0]["with"];
        assert_eq!(
            (&with["source"], &with["net"], &with["file"], &with["line"]),
            (
                &"configured".into(),
                &case.net.into(),
                &case.file.into(),
                &line.into()
            ),
            "{report:#}"
        );
        for secret in text
            .lines()
            .filter_map(|line| line.split_once("rivateKey = "))
        {
            let facts = lab.exec(&["rebridge", "facts"]).stdout;
            assert!(!facts.contains(secret.1), "{}", case.file);
        }
        lab.sh(case.twin);
        let (code, _, report) = clashes(&lab);
        assert_eq!(code, 0, "the twin of {}: {report:#}", case.file);
        lab.sh(case.clear);
    }
    an_image_of_netplan(&lab);
    a_policy_of_strongswan(&lab);
}

/// Before the first boot there is only what `netplan set` wrote.
fn an_image_of_netplan(lab: &Lab) {
    lab.sh(
        "mkdir -p /root/image/etc/netplan /root/image/usr/bin; touch /root/image/usr/bin/dockerd
         netplan set --root-dir /root/image ethernets.eth7.addresses=[172.17.5.9/24]
         netplan set --root-dir /root/image 'ethernets.eth7.nameservers={addresses: [10.0.0.53]}'",
    );
    let check = ["check", "--root", "/root/image"];
    let (code, report) = lab.rebridge(&check);
    let with = &report["clashes"][0]["with"];
    assert_eq!(
        (code, &with["net"], &with["file"], &with["line"]),
        (
            1,
            &"172.17.5.0/24".into(),
            &"/etc/netplan/70-netplan-set.yaml".into(),
            &6.into()
        ),
        "{report:#}"
    );
    lab.sh("netplan set --root-dir /root/image ethernets.eth7.addresses=null");
    let (code, report) = lab.rebridge(&check);
    assert_eq!(code, 0, "{report:#}");
}

/// strongSwan without routes of its own has the kernel send by policy alone; its file is gone.
fn a_policy_of_strongswan(lab: &Lab) {
    lab.put(
        "/etc/strongswan.d/routes.conf",
        "charon-systemd {\n install_routes = no\n}\n",
    );
    lab.put(
        "/etc/swanctl/conf.d/site.conf",
        "connections { site { local_addrs = 198.51.100.11\n remote_addrs = 203.0.113.5\n \
         local { auth = psk\n }\n remote { auth = psk\n }\n children { net { local_ts = \
         198.51.100.11/32\n remote_ts = 172.17.40.0/24\n start_action = trap\n } } } }\n",
    );
    lab.sh(
        "systemctl start strongswan.service; ip xfrm policy | grep -q 172.17.40.0/24
         mv /etc/swanctl/conf.d/site.conf /root/",
    );
    let (code, clashes_seen, report) = clashes(lab);
    let with = &clashes_seen[0]["with"];
    assert_eq!(
        (code, clashes_seen.len(), &with["net"], &with["file"]),
        (1, 1, &"172.17.40.0/24".into(), &"ip xfrm policy".into()),
        "{report:#}"
    );
    lab.sh("systemctl stop strongswan.service; [ -z \"$(ip xfrm policy)\" ]");
    let (code, _, report) = clashes(lab);
    assert_eq!(code, 0, "{report:#}");
}
