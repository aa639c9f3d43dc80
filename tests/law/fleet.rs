//! The law of the fleet, on random fleets: the range that is proposed for a host is clear on it by
//! the host's own check with that range pinned; and the order of the hosts is no matter.

use super::{ATTENDED, add_link, add_route, address_in, host, private, sample};
use crate::dice::Dice;
use ipnet::{IpNet, Ipv4Net};
use rebridge::assess::Assessment;
use rebridge::assess::clash::Clash;
use rebridge::assess::sides::Loser;
use rebridge::facts::{AddressPool, Facts, Taken};
use rebridge::fleet::host::Answer;
use rebridge::fleet::result::Fleet;
use rebridge::fleet::summary::{Named, State, Summary};
use rebridge::fleet::{Looked, Run};
use rebridge::plan::project::project;
use rebridge::plan::{Decision, Permits, plan};
use rebridge::policy::accept::Accepted;
use rebridge::policy::{Declared, Origin, Policy};
use rebridge::subnet::overlap4;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

const FLEETS: u64 = 120;

#[derive(Debug, Default)]
struct Seen {
    one_range: u64,
    several: u64,
    without: u64,
    moved: u64,
}

#[test]
fn the_range_is_clear_on_every_host_by_its_own_check() {
    let mut seen = Seen::default();
    for seed in 0..sample(FLEETS) {
        let mut dice = Dice::new(seed ^ 0xf1ee_7000);
        let hosts: Vec<Facts> = (0..1 + dice.below(9)).map(|_| crowded(&mut dice)).collect();
        let policy = policy(&mut dice);
        let looked = look(&hosts, &policy);
        let groups = looked.choice.groups.len();
        seen.one_range += u64::from(groups == 1 && looked.choice.without.is_empty());
        seen.several += u64::from(groups > 1);
        seen.without += looked.choice.without.len() as u64;
        for group in &looked.choice.groups {
            for at in &group.members {
                own_check(seed, &hosts[*at], &policy, &group.pools, &mut seen);
            }
        }
    }
    println!("{seen:?}");
    let common = [seen.one_range, seen.several, seen.without, seen.moved];
    assert!(
        common.iter().all(|count| *count > sample(FLEETS) / 12),
        "{seen:?}"
    );
}

/// What `apply --pin --pool …` would leave on the host.
fn own_check(seed: u64, facts: &Facts, policy: &Policy, pools: &[AddressPool], seen: &mut Seen) {
    let pinned = Policy {
        pools: pools.to_vec(),
        pin: true,
        ..policy.clone()
    };
    let before = Assessment::of(facts, &pinned);
    let in_the_way = before.pools_clash(pools, &before.needed);
    assert!(!in_the_way || !policy.pools.is_empty(), "seed {seed}");
    // Rules made by hand for the old range are another subject.
    let permits = Permits {
        accepted: Accepted::all(),
        ..ATTENDED
    };
    let after = match plan(&before, &permits) {
        Decision::Nothing => facts.clone(),
        Decision::Change(change) => {
            seen.moved += 1;
            assert_eq!(change.pools, pools, "seed {seed}: the whole range");
            project(facts, &change, true)
        }
        Decision::Refuse(blockers) => panic!("seed {seed}: {blockers:?}"),
    };
    let assessment = Assessment::of(&after, &pinned);
    // Traffic does not count against a pool that was given.
    let counts = |clash: &&Clash| policy.pools.is_empty() || !clash.is_suspected();
    let mut left = assessment.clashes.iter().filter(counts);
    let left = left.find(|clash| clash.is_movable());
    assert_eq!(left, None, "seed {seed}: {pools:?}");
}

/// A random host, some with so many routes that little is free.
fn crowded(dice: &mut Dice) -> Facts {
    let mut facts = host(dice);
    if dice.percent(35) {
        for net in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] {
            if dice.percent(55) {
                add_route(&mut facts, net.parse().unwrap(), dice);
            }
        }
    }
    if dice.percent(30) {
        add_link(&mut facts, "lan9", private(dice));
    }
    facts
}

fn policy(dice: &mut Dice) -> Policy {
    let mut policy = Policy::default();
    if dice.percent(30) {
        policy.avoid.push(Declared {
            net: private(dice).into(),
            origin: Origin::Named("--avoid".into()),
        });
    }
    if dice.percent(20) {
        let base = dice.pick(&["10.128.0.0/10", "172.28.0.0/16", "192.168.128.0/17"]);
        let pool = AddressPool::new(base.parse().unwrap(), 24).unwrap();
        policy.pools.push(pool);
    }
    policy
}

fn look<'p>(hosts: &[Facts], policy: &'p Policy) -> Looked<'p> {
    let summaries = hosts.iter().enumerate().map(|(at, facts)| {
        let named = Named {
            name: format!("host-{at:03}"),
            ..Named::default()
        };
        Summary::of(named, &Assessment::of(facts, policy))
    });
    Looked::of(summaries.collect(), policy)
}

fn answer(hosts: &[Facts], looked: &Looked, policy: &Policy) -> Fleet {
    let answers = hosts.iter().zip(&looked.hosts).enumerate();
    let answers = answers.map(|(at, (facts, summary))| {
        let ask = looked.ask(at)?;
        Some(Answer::of(&summary.name, facts, policy, &ask))
    });
    let run = Run {
        now: SystemTime::UNIX_EPOCH,
        max_age: Duration::from_secs(7 * 86_400),
        repeated: Vec::new(),
        unread: Vec::new(),
    };
    looked.result(answers.collect(), run)
}

/// A host with one more network, which other hosts reach it by.
fn in_network(net: &str) -> Facts {
    let mut facts: Facts =
        serde_json::from_str(include_str!("../golden/clean/facts.json")).unwrap();
    add_link(&mut facts, "eth1", net.parse().unwrap());
    facts.kernel.links.last_mut().unwrap().kind = None;
    facts.taken = Some(Taken {
        host: String::new(),
        at: "1970-01-01T00:00:00Z".to_owned(),
        version: String::new(),
    });
    facts
}

/// Alone, 250 of these hosts would be given 10.200.0.0/16, where the other 50 live.
#[test]
fn no_host_is_given_the_range_where_others_live() {
    let hosts: Vec<Facts> = (0..300)
        .map(|at| match at % 6 {
            0 => in_network(&format!("10.200.{}.0/24", at / 6)),
            odd => in_network(&format!("172.{}.{}.0/24", 20 + odd % 2, at % 256)),
        })
        .collect();
    let policy = Policy::default();
    let looked = look(&hosts, &policy);
    let fleet = answer(&hosts, &looked, &policy);
    let there: Ipv4Net = "10.200.0.0/16".parse().unwrap();
    let range = fleet.range().unwrap();
    assert_eq!(range.clear_on, 300);
    assert_eq!(range.pools[0].to_string(), "10.201.0.0/16 in /24s");
    assert!(!overlap4(&range.pools[0].base, &there));
    assert_eq!((fleet.passed[0].range, fleet.passed[0].hosts), (there, 50));
    for host in &fleet.hosts {
        // An engine steps round its own network, and not round those of the others.
        assert_eq!(host.state, State::Latent, "{}", host.name);
        let docker0 = host.plan.docker0.as_deref().unwrap_or_default();
        assert!(!docker0.starts_with("10.200."), "{docker0}");
        let wanted = serde_json::to_string(&host.wanted).unwrap();
        assert!(wanted.contains("10.201.0.0/16"), "{wanted}");
        assert!(!wanted.contains("10.200."), "{wanted}");
    }
}

#[test]
fn a_docker_that_hides_another_host_is_named() {
    let hosts = [in_network("198.51.101.0/24"), in_network("172.17.50.0/24")];
    let policy = Policy::default();
    let looked = look(&hosts, &policy);
    let fleet = answer(&hosts, &looked, &policy);
    let [one, other] = fleet.hosts.as_slice() else {
        panic!("{fleet:?}");
    };
    // Its own facts show nothing: the route of the other is not among them.
    assert!(one.clashes.is_empty());
    assert_eq!(one.state, State::Present);
    assert_eq!(one.hides[0].network.as_deref(), Some("docker0"));
    assert_eq!(one.hides[0].first, ["host-001 (172.17.50.1)"]);
    assert_eq!(one.plan.docker0.as_deref(), Some("10.200.255.1/24"));
    let run = one.plan.run.as_deref().unwrap();
    assert_eq!(
        run,
        "rebridge apply --pool base=10.200.0.0/16,size=24 --pin"
    );
    // The other has a narrower route than docker0's and hides only its own neighbours.
    assert!(other.hides.is_empty(), "{other:?}");
}

/// The fleet asks the kernel model, as the host's own `check` does if you name the address there.
#[test]
fn what_is_hidden_is_judged_as_check_would() {
    let (mut hidden, mut not_hidden, mut by_a_rule) = (0, 0, 0);
    for seed in 0..1500 {
        let mut dice = Dice::new(seed ^ 0x41dd_e000);
        let mut facts = crowded(&mut dice);
        if dice.percent(50) {
            let docker0 = facts
                .docker0()
                .map_or(private(&mut dice), |net| net.trunc());
            add_route(&mut facts, part_of(docker0, &mut dice), &mut dice);
        }
        let plain = Policy::default();
        let assessment = Assessment::of(&facts, &plain);
        let summary = Summary::of(Named::default(), &assessment);
        for held in assessment.held.iter().filter(|held| !held.is_isolated) {
            let IpNet::V4(subnet) = held.subnet else {
                continue;
            };
            let at = address_in(subnet, &mut dice);
            if facts.kernel.links.iter().any(|link| {
                let mut own = link.addresses.iter();
                own.any(|own| own.addr() == IpAddr::V4(at))
            }) {
                continue;
            }
            let label = Some(held.label());
            let mut ranges = summary.ranges.iter();
            let open = ranges.any(|range| {
                range.name.as_deref() == label && range.open.iter().any(|open| open.contains(&at))
            });
            let named = Policy {
                avoid: vec![Declared {
                    net: Ipv4Net::from(at).into(),
                    origin: Origin::Named("--avoid".into()),
                }],
                ..Policy::default()
            };
            let check = Assessment::of(&facts, &named);
            let loses = check.lost_now().iter().any(|lost| {
                lost.held == held
                    && lost.need.net == Ipv4Net::from(at).into()
                    && lost.loss.loser == Loser::Host
            });
            assert_eq!(open, loses, "seed {seed}: {at} in {held:?}\n{facts:#?}");
            hidden += u32::from(open);
            not_hidden += u32::from(!open);
            by_a_rule += u32::from(!open && !facts.kernel.rules.is_empty());
        }
    }
    println!("{hidden} hidden, {not_hidden} not, {by_a_rule} of them with rules");
    assert!(hidden > 100 && not_hidden > 100 && by_a_rule > 10);
}

fn part_of(net: Ipv4Net, dice: &mut Dice) -> Ipv4Net {
    let prefix = (net.prefix_len() + 1 + u8::try_from(dice.below(4)).unwrap()).min(30);
    Ipv4Net::new(address_in(net, dice), prefix).unwrap().trunc()
}

#[test]
fn where_no_range_is_clear_on_all_there_are_groups() {
    let mut hosts: Vec<Facts> = (0..8).map(|_| in_network("198.51.101.0/24")).collect();
    for (at, nets) in [
        (3, ["10.0.0.0/8", "172.16.0.0/12"]),
        (5, ["192.168.0.0/16", "172.16.0.0/12"]),
    ] {
        for net in nets {
            add_route(&mut hosts[at], net.parse().unwrap(), &mut Dice::new(7));
        }
    }
    // One host needs everything.
    for net in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] {
        add_route(&mut hosts[6], net.parse().unwrap(), &mut Dice::new(7));
    }
    let policy = Policy::default();
    let looked = look(&hosts, &policy);
    let fleet = answer(&hosts, &looked, &policy);
    assert_eq!(fleet.range(), None);
    let sizes: Vec<usize> = fleet.groups.iter().map(|group| group.clear_on).collect();
    assert_eq!(sizes, [6, 1]);
    assert_eq!(fleet.groups[0].pools[0].base.to_string(), "10.200.0.0/16");
    assert_eq!(fleet.groups[1].hosts, ["host-003"]);
    assert_eq!(fleet.without, ["host-006"]);
    let blocking: Vec<&str> = fleet
        .in_the_way
        .iter()
        .map(|one| one.host.as_str())
        .collect();
    assert_eq!(blocking, ["host-003", "host-006"]);
    assert!(fleet.in_the_way[0].over.contains("10.0.0.0/8"), "{fleet:?}");
}

#[test]
fn the_range_that_most_have_is_kept() {
    let mut hosts: Vec<Facts> = (0..9).map(|_| in_network("198.51.101.0/24")).collect();
    for facts in hosts.iter_mut().take(3) {
        let pool = AddressPool::new("10.214.0.0/16".parse().unwrap(), 24);
        facts.docker.engine.as_mut().unwrap().pools = pool.map(|pool| vec![pool]);
    }
    add_link(&mut hosts[8], "eth2", "172.17.4.0/24".parse().unwrap());
    let policy = Policy::default();
    let range = |hosts: &[Facts]| {
        let looked = look(hosts, &policy);
        let fleet = answer(hosts, &looked, &policy);
        fleet.range().unwrap().pools[0].base.to_string()
    };
    assert_eq!(range(&hosts), "10.214.0.0/16");
    // A host that has its range keeps its keys, also for a tool that writes the file.
    let keys = &mut hosts[0].docker.config.keys;
    keys.insert("bip".to_owned(), "198.51.102.1/24".into());
    let looked = look(&hosts, &policy);
    let kept = &answer(&hosts, &looked, &policy).hosts[0];
    assert_eq!(
        (kept.state, kept.wanted.len()),
        (State::Clear, 1),
        "{kept:?}"
    );
    // Not where a container lives in it.
    add_link(&mut hosts[7], "eth2", "10.214.9.0/24".parse().unwrap());
    assert_eq!(range(&hosts), "10.200.0.0/16");
}

#[test]
fn the_order_of_the_hosts_is_no_matter() {
    let mut dice = Dice::new(0xf1ee7);
    let policy = Policy::default();
    for _ in 0..8 {
        let hosts: Vec<Facts> = (0..12).map(|_| crowded(&mut dice)).collect();
        let mut summaries: Vec<Summary> = look(&hosts, &policy).hosts;
        let straight = Looked::of(summaries.clone(), &policy).choice;
        summaries.reverse();
        assert_eq!(Looked::of(summaries, &policy).choice, straight);
    }
}
