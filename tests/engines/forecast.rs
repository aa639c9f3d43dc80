//! The model of the allocator against the engines: what `forecast` says, before Docker's first
//! start and again when it runs, and what the engine then really hands out, subnet by subnet until
//! it refuses.

use crate::lab::Lab;

on_every_engine!(the_forecast_comes_true);

/// One arrangement of pools, files and routes.
struct Scene {
    name: &'static str,
    daemon_json: &'static str,
    /// Run before Docker's first start.
    before: &'static str,
    /// Run when Docker runs.
    then: &'static str,
    /// Undoes `before`.
    undo: &'static str,
    /// Whether an engine up to 26 looks the same after two histories that go on differently: the
    /// forecast then has to say so, and holds as a set.
    ambiguous: bool,
}

const SCENE: Scene = Scene {
    name: "",
    daemon_json: "{}",
    before: "",
    then: "",
    undo: "",
    ambiguous: false,
};

/// Eight subnets.
const EIGHT: &str = r#"{"default-address-pools": [{"base": "10.200.0.0/21", "size": 24}]}"#;

const SCENES: [Scene; 19] = [
    Scene { name: "built-in pools, to exhaustion", ..SCENE },
    Scene {
        name: "two pools, the higher first, to exhaustion",
        daemon_json: r#"{"default-address-pools": [{"base": "10.210.0.0/22", "size": 24}, {"base": "10.200.0.0/22", "size": 25}]}"#,
        ..SCENE
    },
    Scene {
        name: "two pools, the lower first, to exhaustion",
        daemon_json: r#"{"default-address-pools": [{"base": "10.200.0.0/22", "size": 25}, {"base": "10.210.0.0/22", "size": 24}]}"#,
        ..SCENE
    },
    Scene {
        name: "overlapping pools, the wide one first",
        daemon_json: r#"{"default-address-pools": [{"base": "10.200.0.0/21", "size": 24}, {"base": "10.200.4.0/23", "size": 26}]}"#,
        ..SCENE
    },
    Scene {
        name: "overlapping pools, the narrow one first",
        daemon_json: r#"{"default-address-pools": [{"base": "10.200.4.0/23", "size": 26}, {"base": "10.200.0.0/21", "size": 24}]}"#,
        ..SCENE
    },
    Scene {
        name: "a pool off its boundary",
        daemon_json: r#"{"default-address-pools": [{"base": "172.17.0.0/12", "size": 16}]}"#,
        ..SCENE
    },
    Scene {
        name: "on-link routes in the way",
        daemon_json: EIGHT,
        before: "ip route add 10.200.2.0/24 dev eth0; ip route add 10.200.5.9/32 dev eth0",
        undo: "ip route del 10.200.2.0/24; ip route del 10.200.5.9/32",
        ..SCENE
    },
    Scene {
        name: "an on-link route over the beginning of the built-in pools",
        before: "ip route add 172.16.0.0/14 dev eth0",
        undo: "ip route del 172.16.0.0/14",
        ..SCENE
    },
    Scene {
        name: "routes the engine does not look at",
        daemon_json: EIGHT,
        before: "ip route add 10.200.2.0/24 via 198.51.100.1; ip route add blackhole 10.200.3.0/24
                 ip route add 10.200.4.0/24 dev eth0 table 52; ip rule add lookup 52",
        undo: "ip route del 10.200.2.0/24; ip route del blackhole 10.200.3.0/24; ip rule del \
               lookup 52; ip route flush table 52",
        ..SCENE
    },
    Scene {
        name: "a nameserver in the way",
        daemon_json: EIGHT,
        before: "cp /etc/resolv.conf /tmp/resolv.conf; echo nameserver 10.200.1.53 > \
                 /etc/resolv.conf",
        undo: "cat /tmp/resolv.conf > /etc/resolv.conf",
        ..SCENE
    },
    Scene {
        name: "networks deleted in the middle",
        daemon_json: EIGHT,
        then: "for n in 1 2 3 4; do docker network create n$n; done; docker network rm n2 n1; \
               docker network create n5",
        ..SCENE
    },
    Scene {
        name: "networks deleted in the middle, and Docker restarted",
        daemon_json: EIGHT,
        then: "for n in 1 2 3 4; do docker network create n$n; done; docker network rm n2
               systemctl reset-failed docker.service docker.socket; systemctl restart docker; docker network create n5
               docker network rm n1",
        ..SCENE
    },
    Scene {
        name: "explicit subnets in between",
        daemon_json: EIGHT,
        then: "docker network create e1 --subnet 10.200.3.128/25; docker network create n1
               docker network create e2 --subnet 10.200.6.0/23",
        ..SCENE
    },
    Scene {
        name: "a host route inside an on-link network, wider than a subnet",
        daemon_json: EIGHT,
        before: "ip route add 10.200.2.0/23 dev eth0; ip route add 10.200.2.7/32 dev eth0",
        undo: "ip route del 10.200.2.0/23; ip route del 10.200.2.7/32",
        ..SCENE
    },
    Scene {
        name: "a search that goes over the end",
        daemon_json: EIGHT,
        then:
            "for n in $(seq 7); do docker network create n$n; done; docker network rm n2 n4 n6; docker network create n8
               docker network rm n5 n3",
        ..SCENE
    },
    Scene {
        name: "docker0 stepped round a route that is gone",
        daemon_json: EIGHT,
        before: "ip route add 10.200.0.0/23 dev eth0",
        then: "ip route del 10.200.0.0/23",
        ..SCENE
    },
    Scene {
        name: "explicit subnets with a gateway in between",
        daemon_json: EIGHT,
        then: "docker network create n1; docker network create e1 --subnet 10.200.5.0/24 --gateway \
               10.200.5.1",
        ambiguous: true,
        ..SCENE
    },
    Scene {
        name: "docker0 by bip in the last subnet",
        daemon_json: r#"{"bip": "10.200.7.1/24", "default-address-pools": [{"base": "10.200.0.0/21", "size": 24}]}"#,
        then: "docker network create n1; docker network create n2; docker network rm n1",
        ..SCENE
    },
    Scene {
        name: "docker0 by bip outside the pools",
        daemon_json: r#"{"bip": "192.168.77.1/24"}"#,
        then: "docker network create n1; docker network create n2; docker network rm n1",
        ..SCENE
    },
];

/// Docker as if it had never been started.
const FORGET: &str = "systemctl stop docker.service docker.socket
    rm -f /var/lib/docker/network/files/local-kv.db
    for link in $(ip -o link show type bridge | awk -F': ' '{ print $2 }'); do ip link del $link; done";

/// Makes networks until the engine refuses or there are forty, and prints their subnets.
const CREATE: &str = "made=
    for n in $(seq 40); do docker network create x$n >/dev/null 2>&1 || break; made=\"$made x$n\"; done
    [ -z \"$made\" ] || docker network inspect $made -f '{{(index .IPAM.Config 0).Subnet}}'";

fn the_forecast_comes_true(suite: &str) {
    let lab = Lab::up(suite);
    let version = lab
        .sh("docker version -f '{{.Server.Version}}'")
        .trim()
        .to_owned();
    let has_a_place = suite != "forky";
    for scene in &SCENES {
        let name = scene.name;
        lab.sh(FORGET);
        lab.put("/etc/docker/daemon.json", scene.daemon_json);
        lab.sh(scene.before);
        let before = foretold(&lab, &["--engine", &version]);
        lab.sh(
            "systemctl reset-failed docker.service docker.socket; systemctl start docker.socket \
                docker.service",
        );
        let docker0 = lab
            .sh("docker network inspect bridge -f '{{(index .IPAM.Config 0).Subnet}}'")
            .trim()
            .to_owned();
        let began_with_docker0 = before
            .first()
            .is_some_and(|(_, network)| network == "bridge");
        assert_eq!(
            began_with_docker0,
            !scene.daemon_json.contains("bip"),
            "{name} on {version}: {before:?}"
        );
        lab.sh(scene.then);
        let mut now: Vec<String> = foretold(&lab, &[])
            .into_iter()
            .map(|(subnet, _)| subnet)
            .collect();
        let warnings = lab.rebridge(&["forecast"]).1["warnings"].to_string();
        let mut made: Vec<String> = lab.sh(CREATE).lines().map(str::to_owned).collect();
        if scene.ambiguous && has_a_place {
            assert!(
                warnings.contains("its place in the pools"),
                "{name} on {version}: too sure: {warnings}"
            );
            now.sort();
            made.sort();
        }
        assert_eq!(
            now.iter().take(40).collect::<Vec<_>>(),
            made.iter().collect::<Vec<_>>(),
            "{name} on {version}"
        );
        assert!(
            !made.is_empty(),
            "{name} on {version}: nothing was compared"
        );
        assert!(
            foretold(&lab, &[]).is_empty(),
            "{name} on {version}: used up"
        );
        if scene.then.is_empty() {
            let mut all = made;
            if began_with_docker0 {
                all.insert(0, docker0);
            }
            let before: Vec<String> = before.into_iter().map(|(subnet, _)| subnet).collect();
            assert_eq!(before, all, "{name} on {version}, before the first start");
        }
        lab.sh(scene.undo);
    }
}

/// The subnets `forecast -n 40` names, each with the network it is for.
fn foretold(lab: &Lab, arguments: &[&str]) -> Vec<(String, String)> {
    let (code, forecast) = lab.rebridge(&[&["forecast", "-n", "40"], arguments].concat());
    assert_eq!(code, 0, "{forecast:#}");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let subnets = forecast["subnets"].as_array().unwrap();
    assert_eq!(
        forecast["free"].as_u64().unwrap().min(40),
        subnets.len() as u64,
        "{forecast:#}"
    );
    subnets
        .iter()
        .map(|next| (text(&next["subnet"]), text(&next["network"])))
        .collect()
}
