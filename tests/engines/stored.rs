//! The networks of a Docker that is stopped, from its files.

use crate::lab::Lab;
use serde_json::{Value, json};

on_every_engine!(
    the_networks_on_disk_are_the_engines,
    a_stopped_docker_brings_its_networks_back,
);

const STOP: &str = "systemctl stop docker.service docker.socket";
/// What a reboot leaves of Docker is on disk.
const REBOOTED: &str =
    "for link in $(ip -o link show type bridge | cut -d: -f2); do ip link del $link; done";

/// Name, driver, scope, bridge and IPv4 subnets of each network.
fn networks(list: &Value) -> Vec<Value> {
    let known = |network: &Value| {
        let subnets = network["subnets"].as_array().unwrap().iter();
        let ipv4: Vec<&Value> = subnets
            .filter(|subnet| !subnet.as_str().unwrap().contains(':'))
            .collect();
        json!([
            network["name"],
            network["driver"],
            network["scope"],
            network["bridge"],
            ipv4
        ])
    };
    list.as_array().unwrap().iter().map(known).collect()
}

fn docker(lab: &Lab) -> Value {
    let facts: Value = serde_json::from_str(&lab.sh("rebridge facts")).unwrap();
    facts["docker"].clone()
}

fn the_networks_on_disk_are_the_engines(suite: &str) {
    let lab = Lab::up(suite);
    // Enough to fill pages, and holes among them.
    lab.sh(
        "for i in $(seq 1 24); do docker network create n$i >/dev/null; done
            docker network rm n3 n4 n7 n8 n9 n15 n20 >/dev/null
            docker network create --subnet 10.44.0.0/24 --subnet 10.45.0.0/24 \
                -d macvlan -o parent=eth0 two-subnets
            docker network create -o com.docker.network.bridge.name=shop0 shop
            docker network create --subnet 10.46.0.0/16 --gateway 10.46.7.1 by-hand",
    );
    let facts = docker(&lab);
    let asked = networks(&facts["engine"]["networks"]);
    assert_eq!(facts["stored"], Value::Null, "the engine answers");
    assert!(asked.len() > 20, "{asked:?}");
    lab.sh(STOP);
    let facts = docker(&lab);
    assert_eq!(networks(&facts["stored"]), asked);
    the_data_may_lie_where_a_flag_says(&lab, &asked);
}

fn the_data_may_lie_where_a_flag_says(lab: &Lab, asked: &[Value]) {
    lab.sh(
        "cp -a /var/lib/docker /srv/docker; rm /var/lib/docker/network/files/local-kv.db
            mkdir -p /etc/systemd/system/docker.service.d
            printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// --data-root=/srv/docker\\n' \
                >/etc/systemd/system/docker.service.d/data.conf
            systemctl daemon-reload",
    );
    assert_eq!(networks(&docker(lab)["stored"]), asked);
    let (code, report) = lab.rebridge(&["check", "--avoid=10.46.0.0/16"]);
    assert_eq!(
        (code, &report["clashes"][0]["docker"]["network"]),
        (1, &"by-hand".into()),
        "{report:#}"
    );
    let harmless = lab.rebridge(&["check", "--avoid=10.48.0.0/16"]);
    assert_eq!(harmless.0, 0, "{:#}", harmless.1);
}

fn a_stopped_docker_brings_its_networks_back(suite: &str) {
    let lab = Lab::up(suite);
    // docker0 would get the last subnet of the pool, if a network had not stored it.
    lab.sh("docker network create --subnet 10.200.255.0/24 first-choice
            docker network create --subnet 10.55.0.0/24 shop");
    lab.sh(STOP);
    lab.sh(REBOOTED);

    let (code, report) = lab.rebridge(&["check", "--avoid=10.55.0.0/16"]);
    let clash = &report["clashes"][0];
    assert_eq!(
        (
            code,
            &clash["kind"],
            &clash["docker"]["network"],
            &clash["docker"]["subnet"]
        ),
        (1, &"latent".into(), &"shop".into(), &"10.55.0.0/24".into()),
        "{report:#}"
    );
    let harmless = lab.rebridge(&["check", "--avoid=10.54.0.0/16"]);
    assert_eq!(harmless.0, 0, "{:#}", harmless.1);

    let (code, report) = lab.rebridge(&["apply", "--yes", "--avoid=172.17.0.0/16"]);
    assert_eq!(code, 0, "{report:#}");
    lab.sh("systemctl start docker.service");
    assert_eq!(lab.docker0(), "10.200.254.1/24", "{report:#}");
}
