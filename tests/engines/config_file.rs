//! Odd files: rebridge's word on whether Docker starts with them, against dockerd's own. 20.10 has no
//! `--validate`; there dockerd runs with a data folder it cannot have, and what it complains of first
//! is the answer.

use crate::lab::Lab;

on_every_engine!(
    rebridge_and_dockerd_agree_on_odd_files,
    what_only_the_start_shows_is_said_before,
    odd_files_come_back_byte_for_byte,
);

const FILE: &str = "/etc/docker/daemon.json";

/// Every one may be turned down by one engine and taken by the next.
const FILES: &[&str] = &[
    "{}",
    "",
    " \n\n",
    "null",
    "\u{feff}{}",
    "\u{feff}{\r\n\t\"debug\": true\r\n}\r\n",
    "{\"bip\": \"10.9.0.1/24\", \"bip\": \"10.8.0.1/24\"}",
    "{\"mtu\": 1400, \"default-address-pools\": [], \"mtu\": 1450, \"default-address-pools\": \
     [{\"base\": \"10.8.0.0/16\", \"size\": 24}]}",
    "{\"Bip\": \"10.9.0.1/24\"}",
    "{\"default-address-pool\": [{\"base\": \"10.9.0.0/16\", \"size\": 24}]}",
    "{\"default-adress-pools\": []}",
    "{\"default-address-pools\": [{\"base\": \"10.9.0.0/16\", \"size\": \"24\"}]}",
    "{\"default-address-pools\": {\"base\": \"10.9.0.0/16\", \"size\": 24}}",
    "{\"default-address-pools\": [{\"Base\": \"10.9.0.0/16\", \"Size\": 24}]}",
    "{\"log_driver\": \"local\"}",
    "{\n  \"log-driver\": \"local\",\n  \"log-opt\": {\"max-size\": \"10m\"}\n}",
    "{\"log-opts\": {\"max-file\": 3}}",
    "{\"log-opts\": {\"max-file\": \"3\", \"max-size\": null}}",
    "{\"log-level\": \"loud\"}",
    "{\"log-format\": \"json\"}",
    "{\"mtu\": \"1450\"}",
    "{\"mtu\": 1450.0}",
    "{\"mtu\": 145e1}",
    "{\"mtu\": null}",
    "{\"debug\": \"true\"}",
    "{\"iptables\": 1}",
    "{\"dns\": \"10.0.0.1\"}",
    "{\"dns\": [\"nonsense\"]}",
    "{\"ip\": \"nonsense\"}",
    "{\"ip\": \"\"}",
    "{\"default-shm-size\": 64}",
    "{\"default-shm-size\": null}",
    "{\"default-shm-size\": \"64M\"}",
    "{\"default-shm-size\": \"64 apples\"}",
    "{\"features\": {\"buildkit\": \"true\"}}",
    "{\"features\": {\"buildkit\": true}}",
    "{\"feature\": \"x\"}",
    "{\"label\": [\"a=b\"]}",
    "{\"labels\": [\"a=b\"]}",
    "{\"labels\": \"a=b\"}",
    "{\"proxies\": {\"http-proxy\": \"http://p:3128\"}}",
    "{\"proxies\": {}}",
    "{\"proxies\": \"http://p:3128\"}",
    "{\"http-proxy\": \"http://p:3128\"}",
    "{\"graph\": \"/srv/d\"}",
    "{\"cluster-store-opts\": {\"a\": \"b\"}}",
    "{\"bip6\": \"fd00::1/64\"}",
    "{\"cdi-spec-dirs\": [\"/etc/cdi\"]}",
    "{\"default-network-opts\": {\"bridge\": {\"com.docker.network.driver.mtu\": \"1400\"}}}",
    "{\"default-network-opts\": {\"macvlan\": {\"a\": \"b\"}}}",
    "{\"resolv-conf\": \"/etc/resolv.conf\"}",
    "{\"nonsense\": {\"debug\": true}}",
    "{\"nonsense\": {\n\"x\": 1}}",
    "{\"nonsense\": {}}",
    "{\"api-cors-header\": \"*\"}",
    "{\"oom-score-adjust\": -500}",
    "{\"hosts\": \"unix:///run/x.sock\"}",
    "{\"allow-direct-routing\": true}",
    "{\"firewall-backend\": \"iptables\"}",
    "{\"host-gateway-ips\": [\"10.0.0.1\"]}",
    "{\"allow-nondistributable-artifacts\": [\"r.example\"]}",
    "{\"runtimes\": {\"x\": \"y\"}}",
    "{\"runtimes\": {\"x\": {\"path\": \"/y\"}}}",
    "{\"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\", \"Hard\": 9, \"Soft\": 9}}}",
    "{\"builder\": {\"gc\": {\"enabled\": true}}}",
    "{\"builder\": true}",
    "{\"max-concurrent-downloads\": -1}",
    "{\"deprecated-key-path\": \"/x\"}",
    "{\"swarm-raft-heartbeat-tick\": 1}",
    "{\"debug\": true,}",
    "{ // on\n\"debug\": true}",
    "[]",
];

/// Docker 20.10 skips what follows the object, and 23 and later read UTF-16. rebridge edits neither.
const LEFT_ALONE: [&[u8]; 2] = [b"{} x", b"\xff\xfe{\0}\0"];

fn put(lab: &Lab, bytes: &[u8]) {
    let path = lab.path(FILE);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Whether dockerd takes the file as it is now, and what it says if not.
fn dockerd_objects(lab: &Lab, suite: &str) -> Option<String> {
    if suite == "bookworm" {
        let said = lab
            .try_sh(&format!(
                "timeout 20 dockerd --config-file {FILE} --data-root /proc/no --exec-root /proc/no"
            ))
            .stderr;
        return (!said.contains("/proc/no")).then_some(said);
    }
    let ran = lab.try_sh(&format!("dockerd --validate --config-file {FILE}"));
    (ran.code != 0).then_some(ran.stderr)
}

fn rebridge_and_dockerd_agree_on_odd_files(suite: &str) {
    let lab = Lab::up(suite);
    lab.sh("systemctl stop docker.socket docker.service");
    let mut faults = Vec::new();
    let mut turned_down = 0;
    for text in FILES {
        put(&lab, text.as_bytes());
        let objection = dockerd_objects(&lab, suite);
        turned_down += usize::from(objection.is_some());
        let (code, checked) = lab.rebridge(&["check"]);
        let (unchanged, nothing) = lab.rebridge(&["apply", "--yes"]);
        let expected = if objection.is_some() { 3 } else { 0 };
        if (code, unchanged) != (expected, expected) {
            faults.push(format!(
                "{text}\n  dockerd: {objection:?}\n  check {code}: {}\n  apply {unchanged}: {}",
                checked["msg"], nothing["msg"]
            ));
        }
        assert_eq!(
            lab.read(FILE).as_deref(),
            Some(*text),
            "touched without a clash"
        );
        let (code, fixed) = lab.rebridge(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
        let after = dockerd_objects(&lab, suite);
        let agree = match code {
            0 => after.is_none(),
            3 => after.is_some() && objection.is_some() && lab.read(FILE).as_deref() == Some(*text),
            _ => false,
        };
        if !agree {
            faults.push(format!(
                "{text}\n  apply with a clash {code}: {}\n  dockerd afterwards: {after:?}",
                fixed["msg"]
            ));
        }
    }
    for bytes in LEFT_ALONE {
        put(&lab, bytes);
        let (code, refused) = lab.rebridge(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
        assert_eq!(code, 3, "{refused}");
        assert_eq!(std::fs::read(lab.path(FILE)).unwrap(), bytes);
    }
    println!(
        "{suite}: {} files, dockerd turns down {turned_down}",
        FILES.len()
    );
    assert!(turned_down >= 25, "{turned_down}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// No `--validate` of the file alone looks at these; the start fails all the same.
fn what_only_the_start_shows_is_said_before(suite: &str) {
    let lab = Lab::up(suite);
    for (text, words) in [
        (
            "{\n  \"bip\": \"10.9.0.1\"\n}",
            "\"bip\" in line 2 must be an address",
        ),
        (
            "{\"fixed-cidr\": \"10.9.0.0\"}",
            "\"fixed-cidr\" in line 1 must be",
        ),
        (
            "{\"default-address-pools\": [{\"base\": \"10.9.0.0/16\"}]}",
            "\"default-address-pools\" in line 1 must be a list of pools",
        ),
        (
            "{\"default-address-pools\": [{\"base\": \"10.9.0.0\", \"size\": 24}]}",
            "\"default-address-pools\" in line 1 must be a list of pools",
        ),
        (
            "{\"hosts\": [\"unix:///run/other.sock\"]}",
            "--host is a flag of dockerd, and \"hosts\" stands in",
        ),
    ] {
        lab.sh("systemctl stop docker.socket docker.service");
        put(&lab, text.as_bytes());
        let (code, refused) = lab.rebridge(&["apply", "--yes"]);
        assert_eq!(code, 3, "{refused}");
        let msg = refused["msg"].as_str().unwrap();
        assert!(msg.contains(words), "{msg}");
        let start =
            "systemctl reset-failed docker.service; timeout 60 systemctl start docker.service";
        assert_ne!(lab.try_sh(start).code, 0, "Docker starts with {text}");
    }
}

/// Written since Docker started, so that even what 20.10 does not start with is there.
fn odd_files_come_back_byte_for_byte(suite: &str) {
    let lab = Lab::up(suite);
    for text in [
        "",
        "\u{feff}{\r\n\t\"debug\": true\r\n}\r\n",
        "{\"bip\": \"172.30.0.1/16\", \"debug\": true, \"bip\": \"172.17.0.1/16\"}",
    ] {
        put(&lab, text.as_bytes());
        let accept = ["--accept", "pending-settings"];
        let apply = ["apply", "--yes", "--avoid", "172.17.0.0/16"];
        let (code, report) = lab.rebridge(&[&apply[..], &accept].concat());
        assert_eq!(
            (code, lab.docker0().as_str()),
            (0, "10.200.255.1/24"),
            "{report:#}"
        );
        let (code, report) = lab.rebridge(&["rollback", "--yes"]);
        assert_eq!(
            (code, lab.docker0().as_str()),
            (0, "172.17.0.1/16"),
            "{report:#}"
        );
        assert_eq!(lab.read(FILE).as_deref(), Some(text));
    }
}
