//! Random hosts on real engines: a random daemon.json, random routes, networks and options. What
//! apply writes, Docker starts with; nothing clashes any more and the next run does nothing; after
//! the rollback every byte of the file is back, and docker0 is where it was.
//!
//! One host of the lab stands for many: between two rounds Docker forgets its networks and docker0.

use crate::dice::Dice;
use crate::lab::Lab;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::net::Ipv4Addr;

on_every_engine!(some_random_hosts_get_their_bytes_back);

const FILE: &str = "/etc/docker/daemon.json";

/// All of them are too long for every day; `make torture` runs them and prints the table.
const SOME: u64 = 3;
const ALL: u64 = 20;

fn some_random_hosts_get_their_bytes_back(suite: &str) {
    run(suite, SOME);
}

#[test]
fn whole_random_hosts() {
    std::thread::scope(|scope| {
        let engines = ["bookworm", "trixie", "forky"];
        let running = engines.map(|suite| scope.spawn(move || run(suite, ALL)));
        for one in running {
            one.join().unwrap();
        }
    });
}

#[derive(Debug, Default)]
struct Seen {
    hosts: u64,
    changed: u64,
    clean: u64,
    refused: u64,
    docker0_moved: u64,
    pools_alone: u64,
    networks_moved: u64,
    while_stopped: u64,
}

fn run(suite: &str, hosts: u64) {
    let lab = Lab::up(suite);
    lab.image();
    let mut seen = Seen::default();
    let salt = suite.bytes().map(u64::from).sum::<u64>() << 16;
    for number in 0..3 * hosts {
        if seen.changed == hosts {
            break;
        }
        let host = Random::new(suite, &mut Dice::new(salt + number));
        host.build(&lab);
        Round {
            lab: &lab,
            host: &host,
            number,
        }
        .play(&mut seen);
    }
    println!("{suite}: {seen:?}");
    assert!(
        seen.changed == hosts && seen.refused * 4 <= hosts,
        "{suite}: {seen:?}"
    );
}

/// A host as chance makes it; Docker starts with its file.
#[derive(Debug)]
struct Random {
    /// None: there is no file.
    file: Option<String>,
    routes: Vec<String>,
    networks: Vec<String>,
    options: Vec<String>,
    stopped: bool,
}

impl Random {
    fn new(suite: &str, dice: &mut Dice) -> Random {
        let pools = pools(dice);
        let file = dice.percent(85).then(|| file(suite, &pools, dice));
        let mut routes = Vec::new();
        for number in 0..1 + dice.below(3) {
            let net = near(&pools, dice);
            routes.push(match dice.below(5) {
                0 => format!("{} dev eth0", narrow(net)),
                1 => format!("blackhole {net}"),
                2 => format!("{net} via 198.51.100.1 table 100 pref {}", 90 + number),
                _ => format!("{net} via 198.51.100.1"),
            });
        }
        let networks = (0..dice.below(3)).map(|number| match dice.percent(40) {
            true => format!("net{number} --subnet 172.{}.0.0/20", 26 + number),
            false => format!("net{number}"),
        });
        // Rules made by hand for the old range are another subject.
        let mut options = ["--networks=recreate", "--accept=old-range-rules"]
            .map(str::to_owned)
            .to_vec();
        let networks: Vec<String> = networks.collect();
        if dice.percent(60) {
            options.push(format!("--avoid={}", near(&pools, dice)));
        }
        Random {
            file,
            routes,
            networks,
            options,
            stopped: dice.percent(15),
        }
    }

    fn build(&self, lab: &Lab) {
        lab.sh(
            "systemctl stop docker.socket docker
             for link in $(ls /sys/class/net); do case $link in docker0|br-*) ip link del $link;; esac; done
             for table in nat filter mangle raw; do iptables -t $table -F; iptables -t $table -X; done
             rm -rf /var/lib/docker/network/files/local-kv.db /var/lib/docker/containers/* /var/lib/rebridge /etc/docker/daemon.json*
             ip route flush proto 77; ip route flush table 100 2>/dev/null || true
             while ip rule del table 100 2>/dev/null; do :; done",
        );
        for route in &self.routes {
            // One may be a part of the corp network.
            let (route, rule) = match route.split_once(" pref ") {
                Some((route, pref)) => (route, Some(pref)),
                None => (route.as_str(), None),
            };
            lab.try_sh(&format!("ip route replace {route} proto 77"));
            if let Some(pref) = rule {
                let net = route.split(' ').next().unwrap();
                lab.sh(&format!("ip rule add to {net} table 100 pref {pref}"));
            }
        }
        if let Some(text) = &self.file {
            lab.put(FILE, text);
        }
        if self.stopped {
            return;
        }
        lab.sh("systemctl reset-failed docker.socket docker; systemctl start docker.socket docker");
        for network in &self.networks {
            let name = network.split(' ').next().unwrap();
            // The pools may be used up, or the subnet be taken.
            lab.try_sh(&format!(
                "docker network create {network} && docker create --name {name} --network {name} busybox true"
            ));
        }
    }
}

struct Round<'r> {
    lab: &'r Lab,
    host: &'r Random,
    number: u64,
}

/// What must be the same after the rollback.
#[derive(Debug, PartialEq)]
struct State {
    file: Option<String>,
    mode: String,
    docker0: String,
    networks: String,
}

impl Round<'_> {
    fn play(&self, seen: &mut Seen) {
        seen.hosts += 1;
        let before = self.state();
        let (code, report) = self.rebridge("apply", &["--yes"]);
        match report["outcome"].as_str().unwrap() {
            "changed" => {}
            "refused" => {
                println!("{}: {}", self.number, report["msg"]);
                seen.refused += 1;
                assert_eq!((code, self.state()), (3, before), "{}", self.about(&report));
                return;
            }
            // Clean, or a clash that nothing here can move.
            _ => {
                seen.clean += 1;
                assert!(
                    code <= 1 && report["changed"] == false,
                    "{}",
                    self.about(&report)
                );
                assert_eq!(self.state(), before, "{}", self.about(&report));
                return;
            }
        }
        seen.changed += 1;
        assert_eq!(code, 0, "{}", self.about(&report));
        let plan = &report["plan"];
        let writes = !plan["daemon_json"].as_object().unwrap().is_empty();
        seen.docker0_moved += u64::from(!plan["docker0"].is_null());
        seen.pools_alone += u64::from(plan["docker0"].is_null() && writes);
        seen.networks_moved += plan["networks"].as_array().unwrap().len() as u64;
        if self.host.stopped {
            seen.while_stopped += 1;
            self.lab.sh(
                "systemctl reset-failed docker.socket docker; systemctl start docker.socket docker",
            );
        }
        self.is_settled(&report);
        let (code, back) = self.rebridge_alone("rollback");
        assert_eq!(
            (code, &back["outcome"]),
            (0, &"changed".into()),
            "{}",
            self.about(&back)
        );
        let after = self.state();
        match self.host.stopped {
            // It had no docker0 yet.
            true => assert_eq!((after.file, after.mode), (before.file, before.mode)),
            false => assert_eq!(after, before, "{}", self.about(&back)),
        }
        let active = self.lab.try_sh("systemctl is-active docker").stdout;
        assert_eq!(active, "active\n", "{}", self.about(&back));
    }

    fn is_clean(&self, report: &Value) {
        let (code, check) = self.rebridge("check", &[]);
        assert_eq!(
            (code, &check["outcome"]),
            (0, &"clean".into()),
            "{}\n{check:#}",
            self.about(report)
        );
    }

    fn is_settled(&self, report: &Value) {
        self.is_clean(report);
        let (code, again) = self.rebridge("apply", &["--yes"]);
        assert_eq!(
            (code, &again["changed"]),
            (0, &false.into()),
            "{}\n{again:#}",
            self.about(report)
        );
        // And once more, as at the next boot.
        self.lab
            .sh("systemctl reset-failed docker.socket docker; systemctl restart docker");
        self.is_clean(report);
        self.lab.sh("systemctl reset-failed docker");
    }

    fn rebridge(&self, verb: &str, more: &[&str]) -> (i32, Value) {
        let options = self.host.options.iter().map(String::as_str);
        let options = options.filter(|option| verb == "apply" || option.starts_with("--avoid"));
        let arguments: Vec<&str> = [verb]
            .into_iter()
            .chain(options)
            .chain(more.iter().copied())
            .collect();
        self.lab.rebridge(&arguments)
    }

    fn rebridge_alone(&self, verb: &str) -> (i32, Value) {
        self.lab.rebridge(&[verb, "--yes"])
    }

    fn state(&self) -> State {
        let networks = "docker network inspect $(docker network ls -qf driver=bridge) -f '{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{end}}' | sort";
        State {
            file: self.lab.read(FILE),
            mode: self
                .lab
                .try_sh(&format!("stat -c '%a %U %G' {FILE}"))
                .stdout,
            docker0: self.lab.docker0(),
            networks: match self.host.stopped {
                true => String::new(),
                false => self.lab.sh(networks),
            },
        }
    }

    fn about(&self, report: &Value) -> String {
        format!("{}: {:#?}\n{report:#}", self.number, self.host)
    }
}

/// Pools that overlap neither each other nor the corp network.
fn pools(dice: &mut Dice) -> Vec<(Ipv4Net, u8)> {
    let mut pools: Vec<(Ipv4Net, u8)> = Vec::new();
    for _ in 0..dice.below(4) {
        let base = private(dice, 14, 20);
        let meets = |(one, _): &(Ipv4Net, u8)| one.contains(&base) || base.contains(one);
        if !pools.iter().any(meets) {
            pools.push((base, (base.prefix_len() + 5).clamp(21, 25)));
        }
    }
    pools
}

/// Keys in any order, spacing and end of line, pools in any spelling.
fn file(suite: &str, pools: &[(Ipv4Net, u8)], dice: &mut Dice) -> String {
    let others = [
        r#""log-opts" : {"max-size":"10m",  "labels": "a,b"}"#,
        r#""debug":false"#,
        r#""shutdown-timeout": 9"#,
        r#""dns": [ "198.51.100.53" ]"#,
        r#""live-restore" :true"#,
        r#""mtu":1400"#,
    ];
    let mut keys: Vec<String> = others
        .iter()
        .filter(|_| dice.percent(40))
        .map(ToString::to_string)
        .collect();
    let mut entries: Vec<String> = pools
        .iter()
        .map(|(base, size)| match dice.below(3) {
            0 => format!(r#"{{"base": "{base}", "size": {size}}}"#),
            1 => format!(r#"{{ "Size":{size},"Base" : "{base}" }}"#),
            _ => format!(r#"{{"base":"{base}","size":{size},"comment":"ours"}}"#),
        })
        .collect();
    // 20.10 does not start with one in front.
    if !entries.is_empty() && dice.percent(30) {
        entries.push(r#"{"base": "fd00:d0c::/56", "size": 64}"#.to_owned());
    }
    let gap = dice.pick(&[", ", ",", ",\n    "]);
    if !entries.is_empty() {
        keys.push(format!(
            "\"default-address-pools\": [{}]",
            entries.join(gap)
        ));
    }
    if dice.percent(30) {
        let bip = match pools.first().filter(|_| dice.percent(60)) {
            Some((base, size)) => Ipv4Net::new(base.network(), *size).unwrap(),
            None => private(dice, 24, 24),
        };
        let address = Ipv4Addr::from(u32::from(bip.network()) + 1 + dice.below(9));
        keys.push(format!("\"bip\": \"{address}/{}\"", bip.prefix_len()));
    } else if dice.percent(10) {
        keys.push("\"bridge\":\"none\"".to_owned());
    }
    let turn = dice.below(keys.len().max(1) as u32) as usize;
    keys.rotate_left(turn);
    let (open, gap, close) = dice.pick(&[
        ("{", ", ", "}"),
        ("{\n\t", ",\n\t", "\n}\n"),
        ("{\r\n  ", ",\r\n  ", "\r\n}\r\n"),
    ]);
    let mark = match suite != "bookworm" && dice.percent(15) {
        true => "\u{feff}",
        false => "",
    };
    format!("{mark}{open}{}{close}", keys.join(gap))
}

/// A network that this host is to need: often over what Docker has.
fn near(pools: &[(Ipv4Net, u8)], dice: &mut Dice) -> Ipv4Net {
    match dice.below(6) {
        0 | 1 => "172.17.0.0/16".parse().unwrap(),
        2 => dice
            .pick(&["172.18.0.0/15", "172.26.0.0/15"])
            .parse()
            .unwrap(),
        3 | 4 if !pools.is_empty() => {
            let (base, size) = dice.pick(pools);
            let widths = u32::from(size - base.prefix_len()) + 1;
            let prefix = base.prefix_len() + dice.below(widths) as u8;
            Ipv4Net::new(base.network(), prefix).unwrap()
        }
        _ => private(dice, 13, 26),
    }
}

fn private(dice: &mut Dice, widest: u8, narrowest: u8) -> Ipv4Net {
    let block: Ipv4Net = dice
        .pick(&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
        .parse()
        .unwrap();
    let widest = widest.max(block.prefix_len() + 1);
    let prefix = widest + dice.below(u32::from(narrowest.max(widest) - widest) + 1) as u8;
    let offset = dice.below(1 << (32 - block.prefix_len()));
    let address = Ipv4Addr::from(u32::from(block.network()) + offset);
    Ipv4Net::new(address, prefix).unwrap().trunc()
}

/// On-link routes over all of its pools keep 20.10 from starting.
fn narrow(net: Ipv4Net) -> Ipv4Net {
    Ipv4Net::new(net.network(), net.prefix_len().max(24)).unwrap()
}
