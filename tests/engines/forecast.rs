//! The engine model against the engines: what `forecast` says, before Docker's first start, when it
//! runs and when it is stopped with other settings pending, and what the engine then really hands
//! out, subnet by subnet until it refuses; and which settings keep it from starting.

use crate::lab::Lab;
use rebridge::engine_model::pool_trouble::PoolTrouble;
use rebridge::engine_model::state::Docker0;
use rebridge::facts::Version;
use rebridge::facts::pools::PoolList;
use rebridge::subnet::RangeSet;

on_every_engine!(
    the_forecast_comes_true,
    the_forecast_of_a_stopped_engine_comes_true,
    what_keeps_the_engine_from_starting
);

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

const SCENES: [Scene; 24] = [
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
    Scene {
        name: "an on-link half of the default route",
        daemon_json: r#"{"default-address-pools": [{"base": "10.200.0.0/22", "size": 24}, {"base": "192.168.64.0/22", "size": 24}]}"#,
        before: "ip route add 0.0.0.0/1 dev eth0",
        undo: "ip route del 0.0.0.0/1",
        ..SCENE
    },
    Scene {
        name: "pools spelled in capitals, one key twice in two spellings",
        daemon_json: r#"{"default-address-pools": [{"Base": "10.210.0.0/22", "Size": 24},
            {"BASE": "10.9.0.0/16", "sIzE": 16, "base": "10.200.0.0/22", "Size": 24}]}"#,
        ..SCENE
    },
    Scene {
        name: "an IPv6 pool behind the others",
        daemon_json: r#"{"default-address-pools": [{"base": "10.200.0.0/22", "size": 24}, {"base": "fd00:1::/56", "size": 64}]}"#,
        ..SCENE
    },
    Scene {
        name: "an IPv6 pool first, and docker0 by bip",
        daemon_json: r#"{"bip": "10.9.0.1/24", "default-address-pools": [{"base": "fd00:1::/56", "size": 64}, {"base": "10.200.0.0/22", "size": 24}]}"#,
        ..SCENE
    },
    Scene {
        name: "a nameserver inside a network of Docker's, wider than a subnet",
        daemon_json: EIGHT,
        before: "cp /etc/resolv.conf /tmp/resolv.conf",
        then: "docker network create e1 --subnet 10.200.2.0/23; echo nameserver 10.200.2.7 > \
               /etc/resolv.conf",
        undo: "cat /tmp/resolv.conf > /etc/resolv.conf",
        ..SCENE
    },
];

/// Docker, once started with `first`, stopped and given `pending`.
struct Stopped {
    name: &'static str,
    first: &'static str,
    pending: &'static str,
}

const STOPPED: [Stopped; 8] = [
    Stopped {
        name: "fixed-cidr outside docker0's network",
        first: "{}",
        pending: r#"{"fixed-cidr": "10.4.5.0/24"}"#,
    },
    Stopped {
        name: "fixed-cidr inside docker0's network",
        first: "{}",
        pending: r#"{"fixed-cidr": "172.17.128.0/17"}"#,
    },
    Stopped {
        name: "fixed-cidr round docker0's network",
        first: "{}",
        pending: r#"{"fixed-cidr": "172.17.5.0/12"}"#,
    },
    Stopped {
        name: "a stale fixed-cidr, and pools",
        first: r#"{"fixed-cidr": "172.17.128.0/17"}"#,
        pending: r#"{"fixed-cidr": "172.17.128.0/17", "default-address-pools": [{"base": "10.200.0.0/21", "size": 24}]}"#,
    },
    Stopped {
        name: "two pools, the higher first",
        first: "{}",
        pending: r#"{"default-address-pools": [{"base": "10.202.0.0/22", "size": 24}, {"base": "10.201.0.0/22", "size": 24}]}"#,
    },
    Stopped {
        name: "pools under live-restore",
        first: "{}",
        pending: r#"{"live-restore": true, "default-address-pools": [{"base": "172.16.0.0/15", "size": 17}]}"#,
    },
    Stopped {
        name: "bip in the pools",
        first: "{}",
        pending: r#"{"bip": "10.200.1.1/24", "default-address-pools": [{"base": "10.200.0.0/21", "size": 24}]}"#,
    },
    Stopped {
        name: "the keys taken out again",
        first: r#"{"bip": "172.19.0.1/16", "default-address-pools": [{"base": "10.200.0.0/21", "size": 24}]}"#,
        pending: "{}",
    },
];

/// Pools as the value of the key, `bip` beside them or not, and a route on eth0.
const STARTS: [(&str, Option<&str>, Option<&str>); 20] = [
    (r#"[{"base": "10.200.0.0/16", "size": 24}]"#, None, None),
    (
        r#"[{"ba\u017fe": "10.200.0.0/16", "\u017fIZE": 24, "Base": null}]"#,
        None,
        None,
    ),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24, "name": "web"}]"#,
        None,
        None,
    ),
    (r#"[{"base": "10.200.0.0/16", "size": 8}]"#, None, None),
    (r#"[{"base": "10.200.0.0/16"}]"#, None, None),
    (r#"[{"base": "10.200.0.0/16", "size": "24"}]"#, None, None),
    (r#"[{"base": "10.200.0.0/16", "size": 24.0}]"#, None, None),
    (r#"[{"base": "10.200.0.0/16", "size": 33}]"#, None, None),
    (r#"[{"base": "10.200.0.0", "size": 24}]"#, None, None),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}, {"size": 24}]"#,
        None,
        None,
    ),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}, null]"#,
        None,
        None,
    ),
    (r#""10.200.0.0/16""#, None, None),
    (IPV6_ONLY, None, None),
    (IPV6_ONLY, Some("10.9.0.1/24"), None),
    (IPV6_FIRST, None, None),
    (IPV6_FIRST, Some("10.9.0.1/24"), None),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}]"#,
        None,
        Some("10.0.0.0/8"),
    ),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}]"#,
        Some("10.200.3.1/24"),
        Some("10.0.0.0/8"),
    ),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}]"#,
        Some("192.168.77.1/24"),
        Some("10.0.0.0/8"),
    ),
    (
        r#"[{"base": "10.200.0.0/16", "size": 24}]"#,
        None,
        Some("10.200.0.0/17"),
    ),
];

const IPV6_ONLY: &str = r#"[{"base": "fd00:1::/56", "size": 64}]"#;
const IPV6_FIRST: &str =
    r#"[{"base": "fd00:1::/56", "size": 64}, {"base": "10.200.0.0/21", "size": 24}]"#;

/// Docker as if it had never been started.
const FORGET: &str = "systemctl stop docker.service docker.socket
    rm -f /var/lib/docker/network/files/local-kv.db
    for link in $(ip -o link show type bridge | awk -F': ' '{ print $2 }'); do ip link del $link; done";

const STOP: &str = "systemctl stop docker.service docker.socket";

const START: &str = "systemctl reset-failed docker.service docker.socket
    systemctl start docker.socket docker.service";

/// The subnet of docker0's network.
const DOCKER0: &str = "docker network inspect bridge -f '{{(index .IPAM.Config 0).Subnet}}'";

/// Makes networks until the engine refuses or there are so many; their subnets.
fn create(lab: &Lab, limit: usize) -> Vec<String> {
    let made = lab.sh(&format!(
        "made=
         for n in $(seq {limit}); do docker network create x$n >/dev/null 2>&1 || break; made=\"$made x$n\"; done
         [ -z \"$made\" ] || docker network inspect $made -f '{{{{(index .IPAM.Config 0).Subnet}}}}'"
    ));
    made.lines().map(str::to_owned).collect()
}

fn the_forecast_comes_true(suite: &str) {
    let lab = Lab::up(suite);
    let version = version(&lab);
    for scene in &SCENES {
        lab.sh(FORGET);
        lab.put("/etc/docker/daemon.json", scene.daemon_json);
        lab.sh(scene.before);
        scene_comes_true(&lab, scene, &version, suite != "forky");
        lab.sh(scene.undo);
    }
}

/// `has_a_place`: whether this engine goes on where its last search ended.
fn scene_comes_true(lab: &Lab, scene: &Scene, version: &str, has_a_place: bool) {
    let name = scene.name;
    let before = forecast(lab, &["--engine", version]);
    lab.sh(START);
    let docker0 = lab.sh(DOCKER0).trim().to_owned();
    let began_with_docker0 = before
        .first()
        .is_some_and(|(_, network)| network == "bridge");
    assert_eq!(
        began_with_docker0,
        !scene.daemon_json.contains("bip"),
        "{name} on {version}: {before:?}"
    );
    lab.sh(scene.then);
    let mut now = subnets(forecast(lab, &[]));
    let warnings = lab.rebridge(&["forecast"]).1["warnings"].to_string();
    let mut made = create(lab, 40);
    if scene.ambiguous && has_a_place {
        assert!(
            warnings.contains("its place in the pools"),
            "{name} on {version}: too sure: {warnings}"
        );
        now.sort();
        made.sort();
    }
    now.truncate(40);
    assert_eq!(now, made, "{name} on {version}");
    assert!(
        !made.is_empty(),
        "{name} on {version}: nothing was compared"
    );
    assert!(
        forecast(lab, &[]).is_empty(),
        "{name} on {version}: used up"
    );
    if scene.then.is_empty() {
        let mut all = made;
        if began_with_docker0 {
            all.insert(0, docker0);
        }
        let before = subnets(before);
        assert_eq!(before, all, "{name} on {version}, before the first start");
    }
}

/// Without `--engine`: the dockerd that is installed says which engine it will be.
fn the_forecast_of_a_stopped_engine_comes_true(suite: &str) {
    let lab = Lab::up(suite);
    let version = version(&lab);
    let rebooted = [false, true];
    for (stopped, rebooted) in STOPPED
        .iter()
        .flat_map(|one| rebooted.map(|rebooted| (one, rebooted)))
    {
        let name = format!("{}, rebooted: {rebooted}", stopped.name);
        lab.sh(FORGET);
        lab.put("/etc/docker/daemon.json", stopped.first);
        lab.sh(START);
        lab.sh(STOP);
        if rebooted {
            // What a reboot leaves of Docker is on disk.
            lab.sh("ip link del docker0");
        }
        lab.put("/etc/docker/daemon.json", stopped.pending);
        let engine = lab.rebridge(&["forecast"]).1["engine"].clone();
        assert_eq!(engine, version.as_str(), "{name}");
        let mut coming = forecast(&lab, &[]);
        lab.sh(START);
        if coming
            .first()
            .is_some_and(|(_, network)| network == "bridge")
        {
            let (docker0, _) = coming.remove(0);
            assert_eq!(lab.sh(DOCKER0).trim(), docker0, "{name} on {version}");
        }
        let made = create(&lab, 6);
        let mut coming = subnets(coming);
        coming.truncate(6);
        assert_eq!(coming, made, "{name} on {version}");
        assert!(!made.is_empty(), "{name}: nothing was compared");
    }
}

fn what_keeps_the_engine_from_starting(suite: &str) {
    let lab = Lab::up(suite);
    let text = version(&lab);
    let version = Version::parse(&text).unwrap();
    let mut started = 0;
    for (pools, bip, route) in STARTS {
        let case = format!("{pools}, bip {bip:?}, {route:?} on eth0, Docker {text}");
        let bip = bip.map(|bip| format!(r#""bip": "{bip}", "#));
        let docker0 = match &bip {
            Some(_) => Docker0::ByKey("10.9.0.0/24".parse().unwrap()),
            None => Docker0::FromPools,
        };
        let reserved = RangeSet::new(route.iter().map(|net| net.parse().unwrap()));
        let list = PoolList::of_key(&serde_json::from_str(pools).unwrap()).unwrap();
        let trouble = PoolTrouble::of(&list, &reserved, Some(version));
        let fatal = trouble.is_some_and(|trouble| trouble.is_fatal(version, docker0));

        lab.sh(FORGET);
        let bip = bip.unwrap_or_default();
        lab.put(
            "/etc/docker/daemon.json",
            &format!(r#"{{{bip}"default-address-pools": {pools}}}"#),
        );
        if let Some(route) = route {
            lab.sh(&format!("ip route add {route} dev eth0"));
        }
        let starts = lab.try_sh(START).code == 0;
        assert_eq!(starts, !fatal, "{case}: {trouble:?}");
        if starts {
            started += 1;
            let free = lab.rebridge(&["forecast"]).1["free"].as_u64().unwrap();
            assert_eq!(
                create(&lab, 1).len() as u64,
                free.min(1),
                "{case}: {trouble:?}"
            );
        }
        if let Some(route) = route {
            lab.sh(&format!("ip route del {route}"));
        }
    }
    println!("{text}: {started} of {} start", STARTS.len());
    assert!(started > 5, "{started}");
}

fn version(lab: &Lab) -> String {
    let version = lab.sh("docker version -f '{{.Server.Version}}'");
    version.trim().to_owned()
}

/// The subnets `forecast -n 40` names, each with the network it is for.
fn forecast(lab: &Lab, arguments: &[&str]) -> Vec<(String, String)> {
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

fn subnets(forecast: Vec<(String, String)>) -> Vec<String> {
    forecast.into_iter().map(|(subnet, _)| subnet).collect()
}
