//! Existing networks on real engines: who chose the subnet, also after restarts; what nothing uses;
//! what belongs to a product; and room for what is on them.

use crate::lab::Lab;
use serde_json::Value;

on_every_engine!(each_network_gets_what_it_needs);

const AVOID: &str = "--avoid=172.16.0.0/12";

const NETWORKS: &str = r#"
docker network create auto
docker network create hand --subnet 172.30.0.0/20
docker network create gate --subnet 172.29.0.0/20 --gateway 172.29.0.1
docker network create idle --subnet 172.28.0.0/16
docker network create old
docker network create hassio --subnet 172.27.32.0/23 --gateway 172.27.32.1
docker network create dev --label created_by.minikube.sigs.k8s.io=true
"#;

/// Containers that were never started count, and take no time.
fn crowd(lab: &Lab, on: &str, count: usize) {
    lab.sh(&format!(
        "for n in $(seq {count}); do docker create --network {on} busybox sh -c 'sleep 60' >/dev/null; done"
    ));
}

fn apply(lab: &Lab, more: &[&str]) -> (i32, Value) {
    let apply = ["apply", "--yes", AVOID, "--networks=recreate"];
    lab.rebridge(&[&apply[..], more].concat())
}

fn subnet(lab: &Lab, network: &str) -> String {
    let shown = lab.sh(&format!(
        "docker network inspect {network} -f '{{{{(index .IPAM.Config 0).Subnet}}}}'"
    ));
    shown.trim().to_owned()
}

fn by_hand(lab: &Lab, network: &str) -> Value {
    let facts: Value = serde_json::from_str(&lab.sh("rebridge facts")).unwrap();
    let networks = facts["docker"]["engine"]["networks"].as_array().unwrap();
    let one = networks.iter().find(|one| one["name"] == network).unwrap();
    one["by_hand"].clone()
}

fn each_network_gets_what_it_needs(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh(NETWORKS);
    for one in ["auto", "hand", "gate", "hassio", "dev"] {
        lab.container(&format!("--name {one} --network {one} --restart=always"));
    }
    // A container that is stopped still uses its network.
    lab.sh("docker create --name stopped --network idle busybox true");
    crowd(&lab, "auto", 8);
    let before = ["auto", "hand", "gate", "idle"].map(|one| subnet(&lab, one));
    let who = |lab: &Lab| ["auto", "hand", "gate", "old", "dev"].map(|one| by_hand(lab, one));
    let chosen = [false, true, true, false, false].map(Value::Bool);
    assert_eq!(who(&lab), chosen);
    // From now on the engine shows a gateway for all of them.
    lab.sh("systemctl restart docker");
    assert_eq!(who(&lab), chosen);

    // Pools too narrow for what is there: nothing is touched, and the size that would do is named.
    let (code, refused) = apply(&lab, &["--pool=base=192.168.4.0/22,size=29"]);
    let msg = refused["msg"].as_str().unwrap();
    assert_eq!(code, 3, "{refused:#}");
    assert!(msg.contains("9 containers are on auto"), "{msg}");
    assert!(msg.contains("size=27"), "{msg}");
    assert_eq!(
        before,
        ["auto", "hand", "gate", "idle"].map(|one| subnet(&lab, one))
    );

    let (code, report) = apply(&lab, &[]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    let after = ["auto", "hand", "gate", "idle"].map(|one| subnet(&lab, one));
    let widths = after
        .clone()
        .map(|net| net.split('/').nth(1).unwrap().to_owned());
    assert_eq!(widths, ["24", "20", "20", "16"], "{after:?}");
    assert!(after[0].starts_with("10.200."), "{after:?}");
    // What nothing uses is offered for removal; what belongs to a product stays.
    let left = report["remaining"].as_array().unwrap();
    let mut left: Vec<&str> = left
        .iter()
        .filter_map(|one| one["docker"]["network"].as_str())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["dev", "hassio", "old"], "{report:#}");
    let warnings = report["warnings"].to_string();
    for words in [
        "`docker network rm old` ends its clash without a restart",
        "it belongs to Home Assistant",
        "`minikube start --subnet CIDR`",
    ] {
        assert!(warnings.contains(words), "{warnings}");
    }
    // And it does what it says.
    lab.sh("docker network rm old");
    let (_, check) = lab.rebridge(&["check", AVOID]);
    assert!(
        !check["clashes"].to_string().contains("\"old\""),
        "{check:#}"
    );
    let (code, named) = lab.rebridge(&["apply", "--yes", AVOID, "--network=hassio"]);
    assert_eq!(code, 3, "{named:#}");
    let (code, again) = apply(&lab, &[]);
    assert_eq!((code, &again["changed"]), (0, &false.into()), "{again:#}");
    // Who chose what has survived the move.
    let hand = ["auto", "hand", "gate", "idle"].map(|one| by_hand(&lab, one));
    assert_eq!(hand, [false, true, true, true].map(Value::Bool));

    // More containers than the pools' subnets have room for.
    crowd(&lab, "auto", 130);
    let wide = [
        "apply",
        "--yes",
        "--avoid=10.200.0.0/16",
        AVOID,
        "--network=auto",
    ];
    let (code, report) = lab.rebridge(&wide);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert!(subnet(&lab, "auto").ends_with("/23"), "{report:#}");
    assert_eq!(lab.sh("docker ps -q | wc -l").trim(), "5");
    let (code, back) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!((code, &back["outcome"]), (0, &"changed".into()), "{back:#}");
    assert_eq!(
        ["auto", "hand", "gate", "idle"].map(|one| subnet(&lab, one)),
        after
    );
}
