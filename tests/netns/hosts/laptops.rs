//! Machines that meet other networks every day.

use crate::evidence::{first, with_docker};
use crate::networks::{network, networks};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

#[test]
fn a_hotel_network_over_an_empty_network_of_dockers() {
    let sandbox = Sandbox::with_docker0();
    sandbox.sh(
        "ip link add br-0123456789ab type bridge && ip addr add 172.18.0.1/16 dev br-0123456789ab
         ip link set br-0123456789ab up && ip addr flush dev eth0
         ip addr add 172.19.7.9/16 dev eth0 && ip route replace default via 172.19.0.1",
    );
    assert!(sandbox.clashes(&[]).is_empty());
    sandbox.sh(
        "ip addr flush dev eth0 && ip addr add 172.18.7.9/16 dev eth0
         ip route replace default via 172.18.0.2",
    );
    let clash = first(&sandbox, &[]);
    assert_eq!(
        (&clash["kind"], &clash["docker"]["bridge"]),
        (&"present".into(), &"br-0123456789ab".into())
    );
}

fn notes(sandbox: &Sandbox) -> String {
    sandbox.json(&["check"]).1["notes"].to_string()
}

#[test]
fn a_clashing_network_that_nothing_runs_on_can_simply_be_removed() {
    let sandbox = with_docker();
    networks(&sandbox, &[network("app", "bridge", "172.18.0.0/16")]);
    sandbox.sh(
        "ip link add app type bridge && ip addr add 172.18.0.1/16 dev app && ip link set app up
                ip addr flush dev eth0 && ip addr add 172.19.7.9/16 dev eth0",
    );
    assert_eq!(notes(&sandbox), "[]", "it clashes with nothing");
    sandbox.sh(
        "ip addr flush dev eth0 && ip addr add 172.18.7.9/16 dev eth0
                ip route replace default via 172.18.0.2 dev eth0",
    );
    let check = || sandbox.json(&["check"]).1;
    let has = |state: &str, address: &str| {
        let container = json!([{"Id": "c1", "Names": ["/web"], "State": state, "NetworkSettings":
            {"Networks": {"app": {"IPAddress": address}}}}]);
        let living = if state == "running" {
            container.to_string()
        } else {
            "[]".into()
        };
        sandbox.answer("/containers/json", living);
        sandbox.answer("/containers/json?all=1", container.to_string());
    };
    let removes = "`docker network rm app`";
    let report = check();
    assert!(
        report["msg"].as_str().unwrap().contains(removes),
        "{report:#}"
    );
    assert_eq!(report["notes"], json!([]), "said already");
    has("exited", "");
    let said = notes(&sandbox);
    assert!(
        said.contains("`docker network rm app` frees 172.18.0.0/16 at once, without a restart"),
        "{said}"
    );
    has("running", "172.18.0.5");
    let report = check();
    assert_eq!(report["clashes"][0]["docker"]["network"], "app");
    assert!(!report.to_string().contains(removes), "{report:#}");
}

/// The first pool of a plan that moves docker0 off what eth0 got.
fn planned_pool(sandbox: &Sandbox) -> String {
    let (code, report) = sandbox.json(&["apply", "--check"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"would_change".into()),
        "{report:#}"
    );
    let pools: &Value = &report["plan"]["daemon_json"]["default-address-pools"];
    pools[0]["base"].as_str().unwrap().to_owned()
}

/// Its outer network is another part of 172.16.0.0/12 at each start.
#[test]
fn a_machine_in_wsl_keeps_off_the_whole_block_of_its_outer_network() {
    let sandbox = with_docker();
    sandbox.sh(
        "ip addr flush dev eth0 && ip addr add 172.17.9.78/20 dev eth0
                ip route replace default via 172.17.0.2 && ip route add 10.0.0.0/8 via 172.17.0.2",
    );
    assert_eq!(planned_pool(&sandbox), "172.28.0.0/16", "no WSL");
    sandbox.sh("echo 5.15.153.1-microsoft-standard-WSL2 > /run/osrelease
                mount --bind /run/osrelease /proc/sys/kernel/osrelease");
    let pool = planned_pool(&sandbox);
    assert!(pool.starts_with("192.168."), "{pool}");
    // Nothing else is left.
    sandbox.sh("ip route add 192.168.0.0/16 via 172.17.0.2");
    assert_eq!(planned_pool(&sandbox), "172.28.0.0/16");
}
