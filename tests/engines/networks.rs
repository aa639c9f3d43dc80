//! Networks that exist already, moved with their containers: six of them, fifteen containers, in
//! one apply.

use crate::containers::once;
use crate::lab::Lab;
use serde_json::Value;

const AVOID: &str = "--avoid=172.16.0.0/12";

on_every_engine!(
    six_networks_move_with_their_containers,
    what_fails_half_way_is_put_back,
    odd_containers_move_or_are_refused_by_name,
    compose_finds_nothing_to_do_afterwards,
    the_bridge_of_a_swarm_moves_once_the_node_has_left,
);

/// Two Compose projects, a network with addresses given by hand, an internal one, one with IPv6,
/// and one whose containers do not run.
const BUILD: &str = r#"
run() { docker run -d "$@" busybox sh -c 'echo "$HOSTNAME" >/index.html; httpd -p 80 -h /; trap "exit 143" TERM; while :; do sleep 1 & wait; done' >/dev/null; }
compose() { project=$1; service=$2; after=$3; shift 3
    run --name "$project-$service-1" --network "${project}_default" --network-alias "$service" --restart=unless-stopped \
        --label "com.docker.compose.project=$project" --label "com.docker.compose.service=$service" \
        --label "com.docker.compose.depends_on=$after" "$@"; }
for project in shop blog; do
    docker network create --label com.docker.compose.network=default --label "com.docker.compose.project=$project" \
        "${project}_default" >/dev/null
done
docker network create fixed --subnet 172.20.0.0/24 --gateway 172.20.0.254 --ip-range 172.20.0.128/25 \
    --aux-address router=172.20.0.130 -o com.docker.network.bridge.name=br-fixed -o com.docker.network.driver.mtu=1400 >/dev/null
docker network create inside --internal --attachable >/dev/null
docker network create six --ipv6 --subnet fd00:5::/64 >/dev/null
docker network create asleep >/dev/null
compose shop db '' ; compose shop api db:service_started:false; compose shop web api:service_started:false -p 8081:80
compose blog store ''; compose blog app store:service_started:false; compose blog front app:service_started:false -p 8082:80
run --name fixed-a --network fixed --ip 172.20.0.10 --network-alias first
run --name fixed-b --network fixed --ip 172.20.0.11 --restart=always
docker network connect --alias helper --link shop-db-1:database shop_default fixed-b
run --name fixed-free --network fixed
run --name inside-a --network inside; run --name inside-b --network inside
run --name six-a --network six; run --name six-b --network six --ip6 fd00:5::77
run --name off --network asleep; docker stop -t 1 off >/dev/null
docker create --name made --network asleep busybox true >/dev/null
"#;

/// Every container's state and what it is on, without what may change: addresses, and the ids that
/// Compose 1 and the engine put among the aliases, each where it likes.
const STATE: &str = r#"docker inspect $(docker ps -aq) -f '{{.Name}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}{{range $name, $on := .NetworkSettings.Networks}} {{$name}}({{$on.Aliases}}{{$on.Links}}){{end}}' | sed -E 's/ [0-9a-f]{12}([] ])/\1/g; s/\[[0-9a-f]{12} ?/[/g; s/<no value>/[]/g; s/<nil>/[]/g' | sort"#;

/// Every network without its subnets and id.
const NETWORKS: &str = "docker network inspect $(docker network ls -q) -f '{{.Name}} {{.Driver}} \
                        {{.EnableIPv6}} {{.Internal}} {{.Attachable}} {{json .Options}} {{json \
                        .Labels}} {{.IPAM.Driver}} {{json .IPAM.Options}}' | grep -v ^bridge | \
                        sort";

/// The IPv4 subnet of every network.
const SUBNETS: &str = "docker network inspect $(docker network ls -q) -f '{{.Name}} {{range \
                       .IPAM.Config}}{{.Subnet}} {{end}}' | sort";

fn subnet(lab: &Lab, network: &str) -> String {
    lab.sh(&format!(
        "docker network inspect {network} -f '{{{{json .IPAM.Config}}}}'"
    ))
    .trim()
    .to_owned()
}

/// A TCP connection out of a container's network; busybox itself, static, looks up names in one way
/// only.
fn from_inside(container: &str, to: &str) -> String {
    format!(
        "nsenter -t $(docker inspect -f '{{{{.State.Pid}}}}' {container}) -n timeout 3 bash -c \
         \"</dev/tcp/{to}\""
    )
}

/// What everybody on these networks relies on.
fn everything_answers(lab: &Lab, when: &str) {
    for (from, name) in [
        ("shop-web-1", "api"),
        ("shop-api-1", "db"),
        ("shop-web-1", "helper"),
        ("blog-front-1", "app"),
        ("blog-app-1", "store"),
        ("fixed-free", "first"),
        ("fixed-a", "fixed-b"),
        ("fixed-b", "database"),
        ("inside-a", "inside-b"),
        ("six-a", "six-b"),
    ] {
        let address = format!(
            "docker exec {from} nslookup {name} | sed -n 's/^Address: \\([0-9.]*\\)$/\\1/p' | head \
             -n 1"
        );
        let ran = lab.try_sh(&format!(
            "address=$({address}); {}",
            from_inside(from, "$address/80")
        ));
        assert_eq!(ran.code, 0, "{when}: {from} does not reach {name}: {ran:?}");
    }
    let address = lab.sh("ip -4 -o addr show eth0 | awk '{ print $4 }' | cut -d/ -f1");
    for port in ["8081", "8082"] {
        let call = format!(
            "exec 3<>/dev/tcp/{}/{port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 3 cat \
             <&3",
            address.trim()
        );
        let page = lab.corp(&["bash", "-c", &call]);
        assert!(
            page.contains(" 200 OK"),
            "{when}: nobody answers on the published port {port}: {page}"
        );
    }
}

fn six_networks_move_with_their_containers(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    lab.sh(BUILD);
    let (state, networks) = (lab.sh(STATE), lab.sh(NETWORKS));
    assert_eq!(
        (state.lines().count(), networks.lines().count()),
        (15, 8),
        "{state}{networks}"
    );
    everything_answers(&lab, "before");
    for server in [
        "172.17.50.10:8080",
        "172.18.50.10:8080",
        "172.19.50.10:8080",
    ] {
        assert!(!lab.reaches(server), "{server} is shadowed");
    }
    let subnets = lab.sh(SUBNETS);
    let (code, foretold) = lab.rebridge(&["apply", "--check", AVOID, "--networks=recreate"]);
    assert_eq!(
        (code, &foretold["outcome"]),
        (0, &"would_change".into()),
        "{foretold:#}"
    );
    assert_eq!(
        (lab.sh(STATE), lab.sh(SUBNETS)),
        (state.clone(), subnets),
        "nothing is touched yet"
    );

    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--networks=recreate"]);
    println!("{suite}: {:#}", report["phases"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(report["remaining"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(lab.sh(STATE), state);
    assert_eq!(lab.sh(NETWORKS), networks);
    let moves = foretold["plan"]["networks"].as_array().unwrap();
    assert_eq!(moves.len(), 6, "{foretold:#}");
    for one in moves {
        let (name, to) = (
            one["network"].as_str().unwrap(),
            one["to"].as_str().unwrap(),
        );
        assert!(
            subnet(&lab, name).contains(to),
            "{name} went elsewhere than {to}: {}",
            subnet(&lab, name)
        );
    }
    assert!(subnet(&lab, "six").contains("fd00:5::/64"));
    everything_answers(&lab, "after");
    for server in ["172.17.50.10", "172.18.50.10", "172.19.50.10"] {
        assert!(
            lab.reaches(&format!("{server}:8080")),
            "{server} from the host"
        );
        for from in ["shop-db-1", "blog-app-1", "fixed-a", "six-a"] {
            lab.sh(&from_inside(from, &format!("{server}/8080")));
        }
    }
    let (code, again) = lab.rebridge(&["apply", "--yes", AVOID, "--networks=recreate"]);
    assert_eq!(
        (code, &again["changed"]),
        (0, &Value::Bool(false)),
        "{again:#}"
    );
}

/// Two networks and four containers on them, docker0 and the pools settled already.
fn settled(suite: &str) -> Lab {
    let lab = Lab::up(suite);
    assert_eq!(
        lab.rebridge(&["apply", "--yes", "--avoid=172.17.0.0/16"]).0,
        0
    );
    lab.sh(
        "docker network create one --subnet 172.18.0.0/24 --gateway 172.18.0.1; docker network \
            create two --subnet 172.19.0.0/24",
    );
    lab.container("--name web --network one --ip 172.18.0.7 -p 8081:80 --restart=unless-stopped");
    lab.container("--name db --network one");
    lab.container("--name both --network two");
    lab.sh("docker network connect --ip 172.18.0.9 one both");
    lab.container("--name side --network container:both");
    lab
}

fn what_fails_half_way_is_put_back(suite: &str) {
    let lab = settled(suite);
    let before = (lab.sh(STATE), lab.sh(SUBNETS));
    // Somebody takes the published port while the container is down, and lets go when the old
    // network is back.
    lab.put(
        "/root/thief.py",
        "import socket, subprocess, time\nwhile True:\n    thief = socket.socket()\n    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
         \u{20}   try:\n        thief.bind(('', 8081)); thief.listen()\n        break\n    except OSError:\n        time.sleep(0.005)\n\
         while '172.18.0.1/24' in subprocess.getoutput('ip -4 addr'):\n    time.sleep(0.01)\n\
         while '172.18.0.1/24' not in subprocess.getoutput('ip -4 addr'):\n    time.sleep(0.01)\n",
    );
    lab.sh("systemd-run --quiet --collect --unit=thief python3 /root/thief.py");
    let apply = crate::MOVE_ALL;
    let (code, report) = lab.rebridge(&apply);
    assert_eq!(
        (code, &report["outcome"]),
        (4, &"rolled_back".into()),
        "{report:#}"
    );
    let msg = report["msg"].as_str().unwrap();
    assert!(
        msg.starts_with("cannot move networks: the container web does not start:"),
        "{msg}"
    );
    assert_eq!((lab.sh(STATE), lab.sh(SUBNETS)), before, "{report:#}");
    // A container starts, and fails a moment later: what counts is rebridge's patience, not the engine.
    if suite == "trixie" {
        once(&lab, "--name fragile --network two", 3);
        let (code, report) = lab.rebridge(&apply);
        let fault = "what runs on the moved networks is all but fragile, not all that ran";
        assert_eq!(code, 4, "{report:#}");
        assert!(
            report["msg"].as_str().unwrap().contains(fault),
            "{report:#}"
        );
        lab.sh("docker rm fragile");
        assert_eq!((lab.sh(STATE), lab.sh(SUBNETS)), before, "{report:#}");
    }
    // The daemon dies in the middle: whichever way it ends, it ends whole. Where it dies while it
    // starts a container, the daemon that follows takes the published port to be taken; a container
    // of 28.5 then starts no more until it is created again, so there it dies earlier.
    let (there, back) = match suite {
        "forky" => ("172.18.0.1/24", "10.200.254.1/24"),
        _ => (":8081 ", ":8081 "),
    };
    lab.put(
        "/root/killer.py",
        &format!(
            "import os, subprocess\nsees = lambda word: word in subprocess.getoutput('ip -4 addr; ss -ltn')\n\
             while sees('{there}'): pass\nwhile not sees('{back}'): pass\n\
             os.kill(int(open('/run/docker.pid').read()), 9)\n"
        ),
    );
    lab.sh("systemd-run --quiet --collect --unit=killer python3 /root/killer.py");
    let (code, report) = lab.rebridge(&apply);
    let new = report["outcome"] == "changed";
    assert!(new && code == 0 || code == 4, "{report:#}");
    assert_eq!(lab.sh(STATE), before.0, "{report:#}");
    assert_eq!(lab.sh(SUBNETS) == before.1, !new, "{report:#}");
    println!(
        "{suite}, dockerd killed: {} {}",
        report["outcome"], report["msg"]
    );
    let (code, report) = lab.rebridge(&apply);
    assert_eq!(
        (code, &report["changed"]),
        (0, &Value::Bool(!new)),
        "{report:#}"
    );
    assert_eq!(lab.sh(STATE), before.0, "{report:#}");
    assert!(!lab.sh(SUBNETS).contains("172.1"), "{}", lab.sh(SUBNETS));
    // And days later all the way back.
    let (code, report) = lab.rebridge(&["rollback", "--yes"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!((lab.sh(STATE), lab.sh(SUBNETS)), before, "{report:#}");
}

fn odd_containers_move_or_are_refused_by_name(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh(
        "docker network create one --label keep=1 -o com.docker.network.bridge.enable_icc=true \
            >/dev/null",
    );
    assert_eq!(
        lab.rebridge(&["apply", "--yes", "--avoid=172.17.0.0/16"]).0,
        0
    );
    lab.container("--name brief --rm --network one --network-alias short");
    lab.container("--name frozen --network one --restart=always");
    lab.container("--name never --network none");
    lab.sh(
        "docker pause frozen; docker create --name made --network one --mac-address \
            02:00:00:00:00:03 busybox sh -c 'sleep 60'",
    );
    lab.container("--name shared --network container:brief");
    let apply = crate::MOVE_ALL;
    let old = suite == "bookworm";
    let refused = |more: &[&str], words: &str| {
        let before = (lab.sh(STATE), lab.sh(SUBNETS));
        let (code, report) = lab.rebridge(&[&apply[..], more].concat());
        assert_eq!(
            (code, &report["outcome"]),
            (3, &"refused".into()),
            "{report:#}"
        );
        assert!(
            report["msg"].as_str().unwrap().contains(words),
            "{words}: {}",
            report["msg"]
        );
        assert_eq!((lab.sh(STATE), lab.sh(SUBNETS)), before);
    };
    lab.container("--name fixed --network one --mac-address 02:00:00:00:00:07");
    lab.container("--name by-id --network $(docker network inspect one -f '{{.Id}}')");
    if !old {
        refused(&[], "by-id was created with the network's id");
        lab.sh("docker rm -f by-id");
        refused(
            &[],
            "the container fixed on one has the fixed MAC address 02:00:00:00:00:07",
        );
    }
    lab.container("--name port --network one -p 172.18.0.1:8080:80");
    refused(
        &["--accept=mac-loss"],
        "the container port publishes a port on 172.18.0.1",
    );
    lab.sh("docker rm -f port");
    let (state, pid) = (
        lab.sh(STATE),
        lab.sh("docker inspect brief shared never -f '{{.State.Pid}}'"),
    );
    let (code, report) = lab.rebridge(&[&apply[..], &["--accept=mac-loss"]].concat());
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(lab.sh(STATE), state);
    assert_eq!(
        lab.sh("docker inspect brief shared never -f '{{.State.Pid}}'"),
        pid,
        "these were not stopped"
    );
    let mac = lab.sh("docker inspect fixed -f '{{.NetworkSettings.Networks.one.MacAddress}}'");
    assert_eq!(mac.trim() == "02:00:00:00:00:07", old, "{mac}");
    let (loss, warnings) = (
        "fixed MAC address 02:00:00:00:00:07, which this engine does not keep",
        report["warnings"].to_string(),
    );
    assert_eq!(warnings.contains(loss), !old, "{warnings}");
    // Whoever was never started starts on the new network, with what it was promised.
    lab.sh("docker start made >/dev/null; docker inspect made -f \
            '{{.NetworkSettings.Networks.one.MacAddress}}' | grep 02:00:00:00:00:03");
    assert!(
        lab.try_sh("docker exec fixed nslookup short")
            .stdout
            .contains("10.200.0."),
        "the alias is gone"
    );
    lab.sh(
        "ip=$(docker inspect brief -f '{{.NetworkSettings.Networks.one.IPAddress}}'); nsenter \
            -t $(docker inspect -f '{{.State.Pid}}' shared) -n ip -4 addr | grep -q \"$ip/24\"",
    );
    if old {
        lab.sh("docker restart -t 1 by-id");
    }
}

/// Three services, one of them with an address given by hand on a network of its own.
const COMPOSE: &str = r#"
version: "2.4"
services:
  web:
    image: busybox
    command: &sleep ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 1 & wait $$!; done"]
    depends_on: [db]
    restart: unless-stopped
  db:
    image: busybox
    command: *sleep
    networks:
      default: {aliases: [database]}
      back: {ipv4_address: 172.30.7.5}
  job:
    image: busybox
    command: *sleep
networks:
  back:
    ipam:
      config: [{subnet: 172.30.7.0/24, gateway: 172.30.7.1}]
"#;

fn compose_finds_nothing_to_do_afterwards(suite: &str) {
    let lab = Lab::up(suite);
    lab.image();
    lab.put("/srv/shop/compose.yaml", COMPOSE);
    let compose = |arguments: &str| {
        lab.sh(&format!(
            "cd /srv/shop; docker-compose -f compose.yaml {arguments} 2>&1"
        ))
    };
    compose("up -d");
    compose("stop -t 2 job");
    let ids = || lab.sh("docker ps -aq --no-trunc | sort");
    let before = (lab.sh(STATE), lab.sh(NETWORKS), ids());
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--networks=recreate"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(report["remaining"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!((lab.sh(STATE), lab.sh(NETWORKS), ids()), before);
    let networks = lab.sh("docker network ls -q --no-trunc | sort");
    let said = compose("up -d");
    assert_eq!(ids(), before.2, "containers were made anew: {said}");
    assert_eq!(
        lab.sh("docker network ls -q --no-trunc | sort"),
        networks,
        "networks were made anew: {said}"
    );
    assert!(
        lab.sh(STATE).lines().all(|line| line.contains(" running ")),
        "{}",
        lab.sh(STATE)
    );
    assert!(
        lab.try_sh("docker exec $(docker ps -q --filter name=web) nslookup database")
            .stdout
            .contains("10.2")
    );
    compose("down -t 2");
    assert!(!lab.sh("docker network ls").contains("shop"));
}

/// The bridge comes a moment after the swarm.
const SWARM: &str = "docker swarm init --advertise-addr eth0 >/dev/null
    for n in $(seq 100); do docker network inspect docker_gwbridge >/dev/null 2>&1 && ip link show docker_gwbridge && break; sleep 0.1; done";

fn the_bridge_of_a_swarm_moves_once_the_node_has_left(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh(SWARM);
    let options =
        |lab: &Lab| lab.sh("docker network inspect docker_gwbridge -f '{{json .Options}}'");
    let before = options(&lab);
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--networks=recreate"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(
        report["remaining"][0]["docker"]["network"], "docker_gwbridge",
        "{report:#}"
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("docker_gwbridge is not moved while this node"),
        "{report:#}"
    );
    // The steps it names.
    lab.sh("docker swarm leave --force >/dev/null");
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--network=docker_gwbridge"]);
    assert_eq!(
        (code, &report["outcome"]),
        (0, &"changed".into()),
        "{report:#}"
    );
    assert_eq!(report["remaining"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(options(&lab), before);
    lab.sh(SWARM);
    assert_eq!(
        lab.sh("ip -4 -o addr show docker_gwbridge | awk '{ print $4 }'")
            .trim(),
        "10.200.0.1/24"
    );
    let (code, report) = lab.rebridge(&["apply", "--yes", AVOID, "--networks=recreate"]);
    assert_eq!(
        (code, &report["changed"]),
        (0, &Value::Bool(false)),
        "{report:#}"
    );
    an_overlay_comes_over_a_bridge(&lab);
}

/// The manager takes the first subnet of its own pool, whatever bridges this node has.
fn an_overlay_comes_over_a_bridge(lab: &Lab) {
    let notes = || lab.rebridge(&["check"]).1["notes"].to_string();
    assert!(!notes().contains("overlap"), "{}", notes());
    lab.sh(
        "docker swarm leave --force; docker network create --subnet 10.0.0.0/24 shop
            docker swarm init --advertise-addr eth0",
    );
    let said = notes();
    assert!(
        said.contains("ingress (10.0.0.0/24) and shop (10.0.0.0/24) overlap"),
        "{said}"
    );
}
