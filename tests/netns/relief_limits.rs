//! What relief cannot do, or not for containers, and what takes it away: told before anything is
//! touched, or by the next check.

use crate::evidence::{containers, until};
use crate::relief::{
    AVOID, container_reaches, host_reaches, is_as_before, outage, relieve, routes, state,
};
use crate::sandbox::Sandbox;
use serde_json::Value;

const SERVER: &str = "172.17.50.10";

/// What `--check` says of containers before anything is touched.
fn obstacles(sandbox: &Sandbox) -> Vec<String> {
    let (_, preview) = sandbox.json(&[&["relieve", "--check"], &AVOID[..]].concat());
    let said = preview["relief"]["obstacles"].as_array();
    let said = said.map(Vec::as_slice).unwrap_or_default();
    said.iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

fn check(sandbox: &Sandbox) -> Value {
    sandbox.json(&[&["check"], &AVOID[..]].concat()).1
}

fn warnings(report: &Value) -> String {
    report["warnings"].to_string()
}

fn proxy_arp(sandbox: &Sandbox) -> String {
    sandbox.sh("cat /proc/sys/net/ipv4/conf/docker0/proxy_arp")
}

/// This host is relieved, its containers stay where they are, and a second run does the rest.
fn helps_the_host_alone(sandbox: &Sandbox, named: &str, then: &str) {
    let before = state(sandbox);
    let told = obstacles(sandbox);
    assert!(told.len() == 1 && told[0].contains(named), "{told:#?}");
    is_as_before(sandbox, &before);
    let (code, report) = relieve(sandbox, &[]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(warnings(&report).contains(named), "{report:#}");
    assert_eq!(report["relief"]["ranges"][0]["for_containers"], false);
    assert_eq!(proxy_arp(sandbox), "0\n", "nothing is changed for no use");
    assert!(host_reaches(sandbox, SERVER));
    assert!(!container_reaches(sandbox, SERVER));
    assert_eq!(relieve(sandbox, &[]).1["changed"], false);
    sandbox.sh(then);
    assert_eq!(obstacles(sandbox), Vec::<String>::new());
    assert_eq!(relieve(sandbox, &[]).1["changed"], true);
    until("the container's answer", || {
        container_reaches(sandbox, SERVER)
    });
}

#[test]
fn without_forwarding_containers_stay_behind() {
    let sandbox = outage();
    sandbox.sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/forwarding");
    helps_the_host_alone(
        &sandbox,
        "net.ipv4.conf.eth0.forwarding is 0",
        "echo 1 > /proc/sys/net/ipv4/conf/eth0/forwarding",
    );
}

#[test]
fn a_firewall_that_drops_what_containers_send_is_named() {
    let sandbox = outage();
    let rule = "DOCKER-USER -i docker0 -d 172.17.0.0/16 ! -o docker0 -j DROP";
    sandbox.sh(&format!(
        "iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER; iptables -P FORWARD DROP
         iptables -A DOCKER-USER -d 172.17.0.0/16 -p tcp --dport 25 -j DROP
         iptables -A {rule}
         iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
         iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT"
    ));
    helps_the_host_alone(&sandbox, "-i docker0", &format!("iptables -D {rule}"));
}

/// A rule about one server keeps the others within reach.
#[test]
fn a_firewall_that_drops_a_part_is_named_and_the_rest_gets_past() {
    let sandbox = outage();
    sandbox.sh("iptables -A FORWARD -i docker0 -d 172.17.200.0/24 -j DROP");
    let told = obstacles(&sandbox);
    assert!(
        told.len() == 1 && told[0].contains("172.17.200.0/24"),
        "{told:#?}"
    );
    let (_, report) = relieve(&sandbox, &[]);
    assert_eq!(report["relief"]["ranges"][0]["for_containers"], true);
    until("the container's answer", || {
        container_reaches(&sandbox, SERVER)
    });
    assert!(host_reaches(&sandbox, "172.17.200.7"));
    assert!(!container_reaches(&sandbox, "172.17.200.7"));
}

/// The policy drops what no rule lets through, here the answers.
#[test]
fn a_firewall_that_drops_the_answers_is_named() {
    let sandbox = outage();
    sandbox.sh("iptables -P FORWARD DROP
         iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT");
    let then = "iptables -A FORWARD -o docker0 -m conntrack --ctstate ESTABLISHED -j ACCEPT";
    helps_the_host_alone(&sandbox, "-P FORWARD DROP", then);
}

#[test]
fn a_chain_of_nftables_is_named_and_not_judged() {
    let sandbox = outage();
    sandbox.sh("nft add table inet site
         nft add chain inet site through '{ type filter hook forward priority 0; policy accept; }'
         nft add rule inet site through ip daddr 203.0.113.0/24 drop");
    let told = obstacles(&sandbox);
    assert!(
        told.len() == 1 && told[0].contains("inet site chain through"),
        "{told:#?}"
    );
    let (_, report) = relieve(&sandbox, &[]);
    assert_eq!(report["relief"]["ranges"][0]["for_containers"], true);
    until("the container's answer", || {
        container_reaches(&sandbox, SERVER)
    });
}

/// The strict filter asks whether the way back leads where a packet came from. Relief makes it so:
/// before, answers from a shadowed server were dropped, and containers' addresses stay behind docker0.
#[test]
fn the_strict_filter_of_reverse_paths_lets_relief_through() {
    let sandbox = outage();
    sandbox.sh("for dev in all default eth0 docker0; do
             echo 1 > /proc/sys/net/ipv4/conf/$dev/rp_filter
         done");
    assert!(!host_reaches(&sandbox, SERVER));
    assert_eq!(obstacles(&sandbox), Vec::<String>::new());
    let (code, report) = relieve(&sandbox, &[]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(
        report["verified"]
            .to_string()
            .contains("the way from container web"),
        "{report:#}"
    );
    assert!(host_reaches(&sandbox, SERVER));
    until("the container's answer", || {
        container_reaches(&sandbox, SERVER)
    });
    assert!(host_reaches(&sandbox, "172.17.0.2"));
}

/// A routing daemon that manages all routes takes those away that it does not know.
#[test]
fn lost_routes_are_reported_and_added_again() {
    let sandbox = outage();
    relieve(&sandbox, &[]);
    assert!(!warnings(&check(&sandbox)).contains("relief"));
    sandbox.sh("ip route del 172.17.128.0/17; ip route del 172.17.1.0/24");
    let lost = warnings(&check(&sandbox));
    assert!(lost.contains("2 relief routes are gone"), "{lost}");
    let (_, report) = relieve(&sandbox, &[]);
    assert_eq!(
        (&report["outcome"], routes(&report).len()),
        (&"changed".into(), 8)
    );
    assert!(host_reaches(&sandbox, "172.17.200.7"));
    assert!(!warnings(&check(&sandbox)).contains("relief"));
}

/// After a boot there are no routes, proxy ARP is as the files say, and the record is another boot's.
#[test]
fn the_record_tells_of_relief_that_a_reboot_ended() {
    let sandbox = outage();
    let before = state(&sandbox);
    relieve(&sandbox, &[]);
    sandbox.sh("ip route flush table all proto 114
         echo 0 > /proc/sys/net/ipv4/conf/docker0/proxy_arp
         sed -i 's/\"boot\": *\"[^\"]*\"/\"boot\": \"another\"/' /var/lib/rebridge/relief.json");
    let told = warnings(&check(&sandbox));
    assert!(
        told.contains("8 relief routes went with the reboot"),
        "{told}"
    );
    let (code, undone) = sandbox.json(&["relieve", "--undo", "--yes"]);
    assert_eq!((code, &undone["changed"]), (0, &false.into()), "{undone:#}");
    assert!(!warnings(&check(&sandbox)).contains("reboot"));
    is_as_before(&sandbox, &before);
}

/// Docker takes the lowest free address, but a container may be given any.
#[test]
fn a_container_inside_the_relieved_part_is_reported() {
    let sandbox = outage();
    relieve(&sandbox, &[]);
    containers(&sandbox, &[("web", "172.17.0.2"), ("late", "172.17.60.5")]);
    let report = check(&sandbox);
    let clash = &report["clashes"][0];
    assert_eq!(
        clash["led_astray"],
        serde_json::json!(["late"]),
        "{report:#}"
    );
    assert!(
        clash["explain"]
            .as_str()
            .unwrap()
            .contains("the container late has")
    );
    let (_, again) = relieve(&sandbox, &[]);
    assert_eq!(again["outcome"], "changed", "{again:#}");
    assert!(
        sandbox
            .sh("ip route get 172.17.60.5")
            .contains("dev docker0")
    );
    assert!(host_reaches(&sandbox, SERVER));
    assert!(check(&sandbox)["clashes"][0].get("led_astray").is_none());
}
