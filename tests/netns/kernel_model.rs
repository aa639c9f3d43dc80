//! The kernel model against the kernel: random links, rules and routes of both families, read by
//! rebridge's own readers, and thousands of questions that both answer.
//!
//! Every failure names its seed; `REBRIDGE_SEED` repeats that one.
#![allow(clippy::print_stdout)]

mod answer;
mod ask;
#[path = "../common/dice.rs"]
mod dice;
mod namespace;
pub mod network;
mod question;

use answer::{Answer, RT_TABLE_UNSPEC, expected};
use ask::{Asker, iproute2};
use dice::Dice;
use namespace::{batch, inside, observe, try_batch_of};
use network::{DOCK, Size, VRFS};
use question::Question;
use rebridge::facts::{Kernel, RT_TABLE_MAIN, Route, RouteKind, Rule};
use rebridge::kernel_model::{Change, Fate, KernelModel, Packet, Verdict, connected};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How often each thing came up.
pub type Tally = BTreeMap<String, u32>;

/// The first kernel that does all as the model says; 5.10 does not.
const NEW: (u32, u32) = (5, 18);

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("REBRIDGE_SEED") {
        Ok(seed) => vec![seed.parse().expect("REBRIDGE_SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

/// Every fourth network has the rules that every kernel begins with.
pub fn size(seed: u64) -> Size {
    let (rules, routes) = match seed % 4 {
        0 => (0, 200),
        1 => (8, 100),
        _ => (120, 250),
    };
    Size {
        rules,
        routes,
        by_source: !seed.is_multiple_of(3),
        vrf: false,
    }
}

/// Does something with what rebridge sees, once the network has come to rest: what a carrier brings
/// about comes some time after it.
fn at_rest<T>(mut work: impl FnMut(&Kernel) -> T) -> T {
    for _ in 0..50 {
        let kernel = observe();
        let result = work(&kernel);
        if observe() == kernel {
            return result;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the network does not come to rest");
}

/// Asks both; what differs, in words.
struct Comparison<'c> {
    dice: &'c mut Dice,
    tally: &'c mut Tally,
    questions: u32,
    usual_rules: bool,
}

impl Comparison<'_> {
    fn differences<'v>(
        &mut self,
        kernel: &Kernel,
        verdict_of: impl Fn(&Question) -> Verdict<'v>,
    ) -> Vec<String> {
        let mut asker = Asker::new();
        let mut differences = Vec::new();
        for _ in 0..self.questions {
            let question = Question::random(self.dice, kernel);
            let verdict = verdict_of(&question);
            if kernel_version() < NEW && self.was_different(&question, &verdict, kernel) {
                continue;
            }
            let answer = asker.route(&question);
            self.count(&question, &verdict);
            let expected = expected(&verdict, &question, self.usual_rules, &kernel.links);
            let words = question.words().join(" ");
            if !expected.contains(&answer) {
                let rule = verdict.rule.map(|rule| (rule.priority, &rule.only_if));
                differences.push(format!("{words}: {answer:?}, not {expected:?} by {rule:?}"));
            } else if let Some(entry) = asker.entry(&question).filter(|_| found(&verdict)) {
                let mut routes = verdict.all().flat_map(|verdict| &verdict.routes);
                if !routes.any(|route| entry == (route.dst.prefix_len(), route.metric)) {
                    differences.push(format!("{words}: entry {entry:?}, not as {verdict:?}"));
                }
            }
        }
        differences
    }

    /// Whether an old kernel may do otherwise. It took the port of a VRF for the VRF itself, and
    /// without rules of the operator's a route in main that rejects packets did not end its search: the
    /// table `default` might still have one. For a packet bound to an interface such a rejection reads
    /// as an assumed neighbour.
    fn was_different(&self, question: &Question, verdict: &Verdict, kernel: &Kernel) -> bool {
        let is_port = |name: &str| {
            let link = kernel.links.iter().find(|link| link.name == name);
            let master = link.and_then(|link| link.master.as_deref());
            master.is_some_and(|master| VRFS.contains(&master))
        };
        let interfaces = [question.packet.iif, question.packet.oif];
        interfaces.into_iter().flatten().any(is_port)
            || self.usual_rules
                && question.packet.to.is_ipv4()
                && (!verdict.fate.passes() || verdict.fate == Fate::Assumed)
    }

    fn count(&mut self, question: &Question, verdict: &Verdict) {
        let family = if question.packet.to.is_ipv4() { 4 } else { 6 };
        let mut count = |what: &str| {
            *self.tally.entry(format!("IPv{family} {what}")).or_default() += 1;
        };
        count(&format!("{:?}", verdict.fate));
        if verdict.routes.len() > 1 {
            count("several hops");
        }
        if verdict.routes.iter().any(|route| route.nexthop.is_some()) {
            count("nexthop object");
        }
        if verdict.otherwise.is_some() {
            count("suppressed in part");
        }
        if verdict.rule.is_some_and(|rule| rule.l3mdev) {
            count("by the rule of VRFs");
        }
        if question.packet.oif.is_some_and(|name| VRFS.contains(&name)) {
            count("bound to a VRF");
        }
    }
}

/// The first two numbers of this kernel's version.
fn kernel_version() -> (u32, u32) {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Whether a route decided. An entry is told for these only.
fn found(verdict: &Verdict) -> bool {
    let passes = matches!(verdict.fate, Fate::Sent | Fate::Local | Fate::Broadcast);
    passes && verdict.all().all(|verdict| !verdict.routes.is_empty())
}

fn must_be_none(seed: u64, differences: &[String]) {
    assert!(
        differences.is_empty(),
        "seed {seed}: {} differences, such as\n{}",
        differences.len(),
        differences[..differences.len().min(5)].join("\n")
    );
}

/// Asks so many questions about one random network.
pub fn compare(seed: u64, size: Size, questions: u32, tally: &mut Tally) {
    let differences = inside(|| {
        let mut dice = Dice::new(seed);
        network::make(&mut dice, size);
        at_rest(|kernel| {
            let text = serde_json::to_string(kernel).unwrap();
            assert_eq!(serde_json::from_str::<Kernel>(&text).unwrap(), *kernel);
            let model = KernelModel::new(kernel);
            let mut comparison = Comparison {
                dice: &mut dice,
                tally,
                questions,
                // The first VRF brings a rule of its own.
                usual_rules: size.rules == 0 && !size.vrf,
            };
            comparison.differences(kernel, |question| model.route_of(&question.packet))
        })
    });
    must_be_none(seed, &differences);
}

#[test]
fn the_model_says_what_the_kernel_says() {
    let mut tally = Tally::new();
    let seeds = seeds(24);
    for seed in &seeds {
        compare(*seed, size(*seed), 800, &mut tally);
    }
    println!("{tally:#?}");
    let all = [
        "IPv4 Assumed",
        "IPv4 Blackhole",
        "IPv4 Broadcast",
        "IPv4 Local",
        "IPv4 NoRoute",
        "IPv4 Prohibited",
        "IPv4 Sent",
        "IPv4 Unreachable",
        "IPv4 nexthop object",
        "IPv4 several hops",
        "IPv6 Blackhole",
        "IPv6 Local",
        "IPv6 NoRoute",
        "IPv6 Prohibited",
        "IPv6 Sent",
        "IPv6 Unreachable",
        "IPv6 nexthop object",
        "IPv6 several hops",
    ];
    let missing = all.iter().filter(|what| !tally.contains_key(**what));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty() || seeds.len() == 1, "{missing:?}");
}

#[test]
fn the_model_says_what_iproute2_says() {
    for seed in seeds(4) {
        let differences = inside(|| {
            let mut dice = Dice::new(seed);
            network::make(&mut dice, size(seed));
            at_rest(|kernel| {
                let model = KernelModel::new(kernel);
                let mut differences = Vec::new();
                for _ in 0..60 {
                    let mut question = Question::random(&mut dice, kernel);
                    question.packet.flow_label = 0;
                    let verdict = model.route_of(&question.packet);
                    let mut expected =
                        expected(&verdict, &question, size(seed).rules == 0, &kernel.links);
                    for answer in &mut expected {
                        if let Answer::Route { table, .. } = answer
                            && *table == RT_TABLE_UNSPEC
                        {
                            *table = RT_TABLE_MAIN;
                        }
                    }
                    let answer = iproute2(&question);
                    if !expected.contains(&answer) {
                        let words = question.words().join(" ");
                        differences.push(format!("{words}: {answer:?}, not {expected:?}"));
                    }
                }
                differences
            })
        });
        must_be_none(seed, &differences);
    }
}

/// Docker's bridge loses all its routes and gets a new range: the model says it before, the kernel
/// after.
#[test]
fn the_model_foresees_what_a_move_of_docker_changes() {
    let mut tally = Tally::new();
    for seed in seeds(6) {
        let size = Size {
            // The kernel loses routes for certain sources when others to the same network go.
            by_source: false,
            ..size(seed)
        };
        let differences = inside(|| {
            let mut dice = Dice::new(seed);
            network::make(&mut dice, size);
            let before = at_rest(Kernel::clone);
            let with = [4, 6].map(|family| {
                let range = network::network(&mut dice, family);
                try_batch_of(
                    family,
                    &format!(
                        "route flush table all dev {DOCK}\nroute append {range} dev {DOCK} {}",
                        if family == 4 {
                            "scope link"
                        } else {
                            "metric 256"
                        }
                    ),
                );
                connected(range.parse().unwrap(), DOCK)
            });
            let change = Change {
                with: &with,
                without: &[DOCK],
            };
            let model = KernelModel::new(&before);
            at_rest(|after| {
                let on_dock = after
                    .routes
                    .iter()
                    .filter(|route| route.dev.as_deref() == Some(DOCK));
                assert_eq!(on_dock.cloned().collect::<Vec<Route>>(), with);
                let mut comparison = Comparison {
                    dice: &mut dice,
                    tally: &mut tally,
                    questions: 700,
                    usual_rules: size.rules == 0,
                };
                comparison.differences(after, |question| {
                    model.route_after(change, &question.packet)
                })
            })
        });
        must_be_none(seed, &differences);
    }
}

/// IPv4 leaves a default route whose gateway does not answer for another one, also for one without
/// the type of service.
#[test]
fn default_routes_stand_in_for_each_other() {
    inside(|| {
        batch(
            "link set lo up
             link add name va type veth peer name va-far
             link set va up
             link set va-far up
             addr add 10.0.0.1/24 dev va
             route add default via 10.0.0.2 dev va metric 5 tos 0x10
             route add default via 10.0.0.3 dev va metric 7
             route append default via 10.0.0.4 dev va metric 7
             route append default via 10.0.0.5 dev va metric 9",
        );
        let kernel = observe();
        let model = KernelModel::new(&kernel);
        let ask = |tos| {
            let packet = Packet {
                tos,
                protocol: 17,
                ..Packet::to([10, 9, 9, 9].into())
            };
            let question = Question {
                packet,
                says_protocol: false,
            };
            let Answer::Route { gateway, .. } = Asker::new().route(&question) else {
                panic!("{packet:?}");
            };
            let verdict = model.route_of(&packet);
            let gateways = verdict.routes.iter().filter_map(|route| route.gateway);
            (gateway.unwrap(), gateways.collect::<Vec<_>>())
        };
        let gateway = |last: u8| IpAddr::from([10, 0, 0, last]);
        let plain = vec![gateway(3), gateway(4)];
        let with_tos = vec![gateway(2), gateway(3), gateway(4)];
        assert_eq!(ask(0), (gateway(3), plain.clone()));
        assert_eq!(ask(0x10), (gateway(2), with_tos.clone()));
        batch(
            "neigh replace 10.0.0.2 dev va nud failed
             neigh replace 10.0.0.3 dev va nud failed
             neigh replace 10.0.0.4 dev va lladdr 02:00:00:00:00:01 nud reachable",
        );
        assert_eq!(ask(0), (gateway(4), plain));
        assert_eq!(ask(0x10), (gateway(4), with_tos));
    });
}

#[test]
fn whole_million_questions() {
    let began = Instant::now();
    let mut tally = Tally::new();
    for seed in seeds(250) {
        compare(seed, size(seed), 4000, &mut tally);
    }
    println!("{:?}, {tally:#?}", began.elapsed());
}

/// As many routes as the Internet has, all of them where Docker might be, and a thousand rules that
/// all have to be asked.
#[test]
fn whole_full_table_with_a_thousand_rules() {
    let address = |number: u32| Ipv4Addr::from(0x0a00_0000 + number * 16);
    let route = |number: u32| Route {
        dev: Some(format!("eth{}", number % 7)),
        ..Route::new(
            format!("{}/28", address(number)).parse().unwrap(),
            RouteKind::Unicast,
        )
    };
    // A table of its own for each, and main for the last.
    let rule = |priority: u32| -> Rule {
        let table = if priority < 1000 { priority } else { 254 };
        serde_json::from_value(serde_json::json!({
            "family": "ipv4", "priority": priority, "table": table, "to": null, "from": null,
            "inverted": false, "l3mdev": false, "only_if": [],
        }))
        .unwrap()
    };
    let kernel = Kernel {
        routes: (0..720_000).map(route).collect(),
        rules: (0..=1000).map(rule).collect(),
        ..Kernel::default()
    };
    let plain = Kernel {
        rules: Vec::new(),
        ..kernel.clone()
    };
    for (kernel, what, questions) in [(&plain, "usual", 300_000), (&kernel, "1000", 3_000)] {
        let began = Instant::now();
        let model = KernelModel::new(kernel);
        println!("{what} rules: indexed in {:?}", began.elapsed());
        let began = Instant::now();
        for number in (0..questions).map(|number| number * 7919 % 720_000) {
            let verdict = model.route_of(&Packet::to(address(number).into()));
            let dev = kernel.routes[number as usize].dev.as_deref();
            assert_eq!(verdict.devices().next(), dev);
        }
        let rate = f64::from(questions) / began.elapsed().as_secs_f64();
        println!("{what} rules: {rate:.0} questions a second");
    }
}
