//! WireGuard, set up by its own tools.

use super::machine::on_each_kernel;
use crate::evidence::first;
use crate::sandbox::Sandbox;

/// A tunnel that is up with these AllowedIPs before docker0 comes, as after a boot.
fn tunnel(allowed: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh(
        "mkdir -p /etc/wireguard; umask 077; wg genkey >/etc/wireguard/own; wg genkey | wg pubkey >/etc/wireguard/peer",
    );
    let key = |name: &str| sandbox.read(&format!("/etc/wireguard/{name}")).unwrap();
    let text = format!(
        "[Interface]\nPrivateKey = {}Address = 10.8.0.2/24\n{more}[Peer]\nPublicKey = {}\
         Endpoint = 198.51.100.1:51820\nAllowedIPs = {allowed}\n",
        key("own"),
        key("peer")
    );
    sandbox.put("/etc/wireguard/wg0.conf", &text);
    sandbox.sh("wg-quick up wg0 2>&1");
    sandbox.sh(
        "ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up",
    );
    sandbox
}

/// Where the kernel sends packets of this host.
fn dev_of(sandbox: &Sandbox, address: &str) -> String {
    let way = sandbox.sh(&format!("ip route get {address}"));
    let mut words = way.split_whitespace().skip_while(|word| *word != "dev");
    words.nth(1).unwrap().to_owned()
}

#[test]
fn allowed_ips_over_docker0_clash_once() {
    on_each_kernel(|| {
        let sandbox = tunnel("172.17.0.0/16", "");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.0.0/16/onlink"]
        );
        let clash = first(&sandbox, &[]);
        // The first of two equal routes wins, and after the next boot that may be the other one.
        assert_eq!(dev_of(&sandbox, "172.17.50.10"), "wg0");
        let explain = clash["explain"].as_str().unwrap();
        assert!(explain.contains("may go into docker0"), "{explain}");
        let detail = clash["with"]["detail"].as_str().unwrap();
        assert!(detail.contains("wireguard"), "{detail}");
        // Down, the file still names the network.
        sandbox.sh("wg-quick down wg0 2>&1");
        assert_eq!(
            sandbox.clashes(&[]),
            ["latent/172.17.0.0/16/172.17.0.0/16/configured"]
        );
    });
}

#[test]
fn other_allowed_ips_do_not_clash() {
    on_each_kernel(|| {
        let sandbox = tunnel("10.77.0.0/16, 192.0.2.0/24", "");
        assert_eq!(dev_of(&sandbox, "10.77.1.1"), "wg0");
        assert!(sandbox.clashes(&[]).is_empty());
    });
}

#[test]
fn the_table_of_wg_quick_counts_only_for_what_it_names() {
    on_each_kernel(|| {
        let sandbox = tunnel("0.0.0.0/0", "");
        assert_eq!(dev_of(&sandbox, "203.0.113.9"), "wg0");
        assert_eq!(dev_of(&sandbox, "172.17.50.10"), "docker0");
        assert!(sandbox.clashes(&[]).is_empty());
        sandbox.sh("ip route add 172.17.48.0/20 dev wg0 table 51820");
        let clash = first(&sandbox, &[]);
        assert_eq!(
            (&clash["with"]["net"], &clash["with"]["table"]),
            (&"172.17.48.0/20".into(), &"51820".into()),
            "{clash:#}"
        );
        assert_eq!(dev_of(&sandbox, "172.17.50.10"), "docker0");
        assert_eq!(clash["loser"], "host", "{clash:#}");
    });
}

#[test]
fn a_table_that_no_rule_asks_does_not_count() {
    on_each_kernel(|| {
        let sandbox = tunnel("172.17.48.0/20", "Table = 4711\n");
        let routes = sandbox.sh("ip route show table 4711");
        assert!(routes.contains("172.17.48.0/20"), "{routes}");
        assert!(sandbox.clashes(&[]).is_empty());
        sandbox.sh("ip rule add priority 1000 lookup 4711");
        assert_eq!(
            sandbox.clashes(&[]),
            ["present/172.17.0.0/16/172.17.48.0/20/onlink"]
        );
        assert_eq!(dev_of(&sandbox, "172.17.50.10"), "wg0");
        assert_eq!(first(&sandbox, &[])["loser"], "containers");
    });
}
