//! A VPN that is configured and down lies over docker0. It is seen coming, docker0 moves, and when
//! the VPN comes up it works: for the host and for a container.

use crate::lab::Lab;
use std::time::{Duration, Instant};

/// Behind the VPN.
const FAR: &str = "172.17.60.10:8080";

/// The far end of both VPNs. It needs no Docker.
const FAR_END: &str = "systemctl stop docker.socket docker.service; ip link del docker0
    ip addr add 172.17.60.10/32 dev lo; sysctl -qw net.ipv4.ip_forward=1
    mkdir /root/www; echo far > /root/www/index.html
    systemd-run --quiet --unit=www python3 -m http.server 8080 --directory /root/www";

/// A program that makes a VPN of it.
struct Vpn {
    file: &'static str,
    line: usize,
    up: &'static str,
    /// What holds then, if docker0 was not moved before.
    harm: &'static str,
    down: &'static str,
}

const WIREGUARD: Vpn = Vpn {
    file: "/etc/wireguard/office.conf",
    line: 6,
    up: "wg-quick up office",
    // It gives up: the route is there already.
    harm: "ip route get 172.17.60.10 | grep -q 'dev docker0'",
    down: "wg-quick down office",
};

const OPENVPN: Vpn = Vpn {
    file: "/etc/openvpn/client/office.conf",
    line: 6,
    up: "systemd-run --quiet --collect --unit=vpn openvpn --cd /etc/openvpn/client --config office.conf
         timeout 90 sh -c 'until ip addr show tun0 | grep -q 10.9.0; do sleep 0.1; done'",
    // Its route stands before docker0's: no packet comes to a container any more.
    harm: "timeout 90 sh -c 'until ip route get 172.17.0.2 | grep -q tun0; do sleep 0.1; done'",
    down: "systemctl stop vpn.service",
};

fn reaches_in_time(host: &Lab) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(90) {
        if host.reaches(FAR) {
            return true;
        }
    }
    false
}

/// Gives the far end and the host a WireGuard each. The kernel here has none; `wireguard-go` does
/// the same as a process.
fn configure_wireguard(host: &Lab, far: &Lab) {
    let keys = host.sh("wg genkey; wg genkey");
    let keys: Vec<&str> = keys.lines().collect();
    let public = |key: &str| {
        let public = host.sh(&format!("echo '{key}' | wg pubkey"));
        public.trim().to_owned()
    };
    let (ours, theirs) = (keys[0], keys[1]);
    host.put(
        WIREGUARD.file,
        &format!(
            "[Interface]\nPrivateKey = {ours}\nAddress = 10.8.0.2/24\n[Peer]\nPublicKey = \
             {}\nAllowedIPs = 172.17.0.0/16, 10.8.0.0/24\nEndpoint = 198.51.100.12:51820\n",
            public(theirs)
        ),
    );
    far.put(
        WIREGUARD.file,
        &format!(
            "[Interface]\nPrivateKey = {theirs}\nAddress = 10.8.0.1/24\nListenPort = \
             51820\n[Peer]\nPublicKey = {}\nAllowedIPs = 10.8.0.2/32\n",
            public(ours)
        ),
    );
    far.sh(WIREGUARD.up);
}

fn configure_openvpn(host: &Lab, far: &Lab) {
    let key = host.sh("openvpn --genkey secret /dev/stdout");
    for (lab, remote, ends) in [
        (
            host,
            "remote 198.51.100.12\nroute 172.17.0.0 255.255.0.0",
            "10.9.0.2 10.9.0.1",
        ),
        (far, "float\nlocal 198.51.100.12", "10.9.0.1 10.9.0.2"),
    ] {
        lab.put("/etc/openvpn/client/office.key", &key);
        lab.put(
            OPENVPN.file,
            &format!(
                "dev tun0\nsecret office.key\ncipher AES-256-CBC\nproto udp\n{remote}\nifconfig \
                 {ends}\n"
            ),
        );
    }
    far.sh(OPENVPN.up);
}

fn comes_up_after_docker0_has_moved(vpn: &Vpn, configure: fn(&Lab, &Lab)) {
    let host = Lab::of(&[("h", "trixie+tools"), ("far", "trixie+tools")]);
    host.boot_all(&["h", "far"]);
    let far = host.at("far");
    far.sh(FAR_END);
    configure(&host, &far);

    let (code, report) = host.rebridge(&["check"]);
    let with = &report["clashes"][0]["with"];
    assert_eq!(
        (code, &with["file"], &with["line"]),
        (1, &vpn.file.into(), &vpn.line.into()),
        "{report:#}"
    );
    // What happens to those who do not look.
    host.try_sh(vpn.up);
    host.sh(vpn.harm);
    host.try_sh(vpn.down);

    let (code, report) = host.rebridge(&["apply", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(!host.docker0().starts_with("172.17."), "{report:#}");

    host.sh(vpn.up);
    assert!(
        reaches_in_time(&host),
        "{}",
        host.try_sh("ip route; journalctl -u vpn").stdout
    );
    host.image();
    let page = host.sh("docker run --rm busybox sh -c 'printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | nc -w 30 172.17.60.10 8080'");
    assert!(page.ends_with("far\n"), "{page}");
    let (code, report) = host.rebridge(&["check"]);
    assert_eq!(code, 0, "{report:#}");
    host.sh(vpn.down);
}

#[test]
fn wireguard_comes_up_after_docker0_has_moved() {
    comes_up_after_docker0_has_moved(&WIREGUARD, configure_wireguard);
}

#[test]
fn openvpn_comes_up_after_docker0_has_moved() {
    comes_up_after_docker0_has_moved(&OPENVPN, configure_openvpn);
}
