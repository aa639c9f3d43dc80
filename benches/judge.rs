//! assess: many declared networks against many Docker subnets, beside a floor of sorting the same
//! networks once.

use crate::pair::median;
use ipnet::{IpNet, Ipv4Net};
use rebridge::assess::Assessment;
use rebridge::facts::Facts;
use rebridge::policy::{Declared, Origin, Policy};
use rebridge::subnet::v4;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RUNS: usize = 9;

pub fn table() {
    println!(
        "assess: declared networks x Docker subnets (floor: sorting the declared networks; goal: \
         100000 x 1000 under 50 ms)"
    );
    println!(
        "  {:>8} {:>8} {:>10} {:>10} {:>8}",
        "declared", "subnets", "floor", "assess", "ratio"
    );
    for declared in [1_000, 10_000, 100_000] {
        for subnets in [10, 100, 1_000] {
            let (facts, policy) = (facts(subnets), policy(declared));
            let floor = median_of(|| {
                let mut nets: Vec<Ipv4Net> = policy
                    .avoid
                    .iter()
                    .filter_map(|declared| v4(&declared.net))
                    .collect();
                nets.sort_unstable();
                black_box(nets);
            });
            let judge = median_of(|| {
                black_box(Assessment::of(&facts, &policy));
            });
            let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
            println!(
                "  {declared:>8} {subnets:>8} {:>7.2} ms {:>7.2} ms {:>6.1} x",
                milliseconds(floor),
                milliseconds(judge),
                judge.as_secs_f64() / floor.as_secs_f64()
            );
        }
    }
}

fn median_of(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    median(&mut times)
}

/// Networks scattered over 10/8 in an order nobody sorted, a tenth of a percent of them over
/// Docker's.
fn policy(count: u32) -> Policy {
    let name: Arc<str> = Arc::from("fleet");
    let avoid = (0..count).map(|n| {
        let scattered = n.wrapping_mul(2_654_435_761) >> 8;
        let second = if n % 1000 == 0 {
            250
        } else {
            scattered >> 16 & 127
        };
        let net = Ipv4Net::new(
            [10, second as u8, (scattered >> 8) as u8, scattered as u8].into(),
            28,
        )
        .unwrap()
        .trunc();
        Declared {
            net: net.into(),
            origin: Origin::File {
                name: Arc::clone(&name),
                line: n + 1,
            },
        }
    });
    Policy {
        avoid: avoid.collect(),
        ..Policy::default()
    }
}

/// A host whose engine has so many networks.
fn facts(networks: usize) -> Facts {
    let mut facts: Facts =
        serde_json::from_str(include_str!("../tests/golden/clean/facts.json")).unwrap();
    let engine = facts.docker.engine.as_mut().unwrap();
    let pattern = engine.networks[0].clone();
    let subnets: Vec<IpNet> = "10.250.0.0/16"
        .parse::<Ipv4Net>()
        .unwrap()
        .subnets(28)
        .unwrap()
        .map(IpNet::V4)
        .collect();
    engine.networks.extend((0..networks).map(|n| {
        let mut network = pattern.clone();
        network.name = format!("n{n}");
        network.bridge = Some(format!("br-{n:012x}"));
        network.subnets = vec![subnets[n * 3]];
        network
    }));
    facts
}
