//! What the kernel at hand cannot show: VRFs, and facts that no kernel tells.

use super::*;
use crate::facts::{
    Action, Conditions, Masked, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, Rule,
};

const BLUE: u32 = 10;

fn link(name: &str) -> Link {
    Link {
        name: name.to_owned(),
        ..Link::default()
    }
}

fn route(dst: &str, table: u32, dev: &str) -> Route {
    Route {
        table,
        dev: Some(dev.to_owned()),
        ..Route::new(dst.parse().unwrap(), RouteKind::Unicast)
    }
}

fn rule(priority: u32, table: u32) -> Rule {
    Rule {
        family: Family::Ipv4,
        priority,
        table,
        to: None,
        from: None,
        inverted: false,
        l3mdev: false,
        only_if: Vec::new(),
        conditions: Conditions::default(),
        action: Action::Table,
        suppress_prefix_length: None,
        suppress_group: None,
    }
}

fn usual_rules() -> Vec<Rule> {
    vec![
        rule(0, RT_TABLE_LOCAL),
        rule(32766, RT_TABLE_MAIN),
        rule(32767, RT_TABLE_DEFAULT),
    ]
}

/// Docker's bridge and a VRF hold the same network; eth1 is a port of the VRF.
fn with_vrf() -> Kernel {
    let mut rules = usual_rules();
    rules.insert(
        1,
        Rule {
            l3mdev: true,
            ..rule(1000, 0)
        },
    );
    Kernel {
        links: vec![
            link("docker0"),
            Link {
                table: Some(BLUE),
                ..link("blue")
            },
            Link {
                master: Some("blue".to_owned()),
                ..link("eth1")
            },
        ],
        routes: vec![
            route("172.17.0.0/16", RT_TABLE_MAIN, "docker0"),
            route("172.17.0.0/16", BLUE, "eth1"),
        ],
        rules,
        ..Kernel::default()
    }
}

fn packet() -> Packet<'static> {
    Packet::to([172, 17, 0, 2].into())
}

fn devices(kernel: &Kernel, packet: Packet) -> Vec<String> {
    let model = KernelModel::new(kernel);
    let verdict = model.route_of(&packet);
    verdict.devices().map(str::to_owned).collect()
}

#[test]
fn a_vrf_is_for_what_comes_in_there_or_is_bound_to_it() {
    let kernel = with_vrf();
    let bound = |oif| Packet {
        oif: Some(oif),
        ..packet()
    };
    let from = |iif| Packet {
        iif: Some(iif),
        ..packet()
    };
    for (packet, dev) in [
        (packet(), "docker0"),
        (bound("blue"), "eth1"),
        (bound("eth1"), "eth1"),
        (bound("docker0"), "docker0"),
        (from("eth1"), "eth1"),
        (from("docker0"), "docker0"),
    ] {
        assert_eq!(devices(&kernel, packet), [dev], "{packet:?}");
    }
    let model = KernelModel::new(&kernel);
    let outside = Packet {
        to: [192, 0, 2, 1].into(),
        ..bound("eth1")
    };
    let verdict = model.route_of(&outside);
    assert_eq!(verdict.fate, Fate::NoRoute, "no guess inside a VRF");
}

#[test]
fn a_rule_for_a_vrf_is_for_all_its_ports() {
    let mut kernel = with_vrf();
    kernel.routes.push(route("172.17.0.0/16", 20, "eth2"));
    let mut of_blue = rule(500, 20);
    of_blue.conditions.iif = Some("blue".to_owned());
    kernel.rules.push(of_blue);
    let from = |iif| Packet {
        iif: Some(iif),
        ..packet()
    };
    assert_eq!(devices(&kernel, from("eth1")), ["eth2"]);
    assert_eq!(devices(&kernel, from("docker0")), ["docker0"]);
    assert_eq!(devices(&kernel, packet()), ["docker0"]);
}

#[test]
fn a_verdict_names_what_decided() {
    let kernel = with_vrf();
    let model = KernelModel::new(&kernel);
    let packet = Packet {
        iif: Some("eth1"),
        ..packet()
    };
    let verdict = model.route_of(&packet);
    assert_eq!(
        (verdict.rule.map(|rule| rule.priority), verdict.table()),
        (Some(1000), Some(BLUE))
    );
}

/// Facts of versions before `conditions` have them in words.
#[test]
fn a_rule_whose_conditions_are_words_is_for_no_ordinary_packet() {
    let worded = |inverted| Rule {
        only_if: vec!["fwmark 0xca6c".to_owned()],
        inverted,
        ..rule(100, 52)
    };
    let mut kernel = with_vrf();
    kernel.routes.push(route("172.17.0.0/16", 52, "wg0"));
    kernel.rules.push(worded(false));
    assert_eq!(devices(&kernel, packet()), ["docker0"]);
    kernel.rules.pop();
    kernel.rules.push(worded(true));
    assert_eq!(devices(&kernel, packet()), ["wg0"], "as wg-quick has it");
    if let Some(rule) = kernel.rules.last_mut() {
        rule.conditions.mark = Some(Masked {
            value: 0xca6c,
            mask: u32::MAX,
        });
    }
    let marked = Packet {
        mark: 0xca6c,
        ..packet()
    };
    assert_eq!(devices(&kernel, packet()), ["wg0"]);
    assert_eq!(devices(&kernel, marked), ["docker0"]);
}

/// A file may say anything, and must not keep the model busy for ever.
#[test]
fn a_jump_that_leads_nowhere_or_back_is_none() {
    let jump = |priority, to| Rule {
        action: Action::Goto(to),
        ..rule(priority, 0)
    };
    let mut kernel = with_vrf();
    kernel
        .rules
        .extend([jump(10, 5), jump(20, 20), jump(30, 40)]);
    assert_eq!(devices(&kernel, packet()), ["docker0"]);
    kernel.rules.push(jump(31, 32767));
    let model = KernelModel::new(&kernel);
    assert_eq!(model.route_of(&packet()).fate, Fate::NoRoute);
}

#[test]
fn facts_without_rules_have_the_usual_ones() {
    let kernel = Kernel {
        routes: vec![
            route("172.17.0.0/16", 52, "eth1"),
            route("172.16.0.0/12", RT_TABLE_DEFAULT, "eth2"),
            route("fd00::/8", RT_TABLE_MAIN, "eth3"),
        ],
        ..Kernel::default()
    };
    assert_eq!(devices(&kernel, packet()), ["eth2"]);
    let ipv6 = Packet::to("fd00::1".parse::<IpAddr>().unwrap());
    assert_eq!(devices(&kernel, ipv6), ["eth3"]);
    let with_rules = Kernel {
        rules: usual_rules(),
        ..kernel
    };
    assert_eq!(devices(&with_rules, packet()), ["eth2"]);
}

#[test]
fn a_change_takes_routes_away_and_puts_others_in() {
    let mut kernel = with_vrf();
    kernel
        .routes
        .push(route("0.0.0.0/0", RT_TABLE_MAIN, "eth0"));
    let model = KernelModel::new(&kernel);
    let range = connected("10.200.255.1/24".parse().unwrap(), "docker0");
    let dev_after = |with: &[Route], without: &[&str], to: [u8; 4]| {
        let change = Change { with, without };
        let packet = Packet::to(to.into());
        let verdict = model.route_after(change, &packet);
        verdict.devices().map(str::to_owned).collect::<Vec<_>>()
    };
    let ranges = [range];
    for (with, without, to, dev) in [
        (&[][..], &[][..], [172, 17, 0, 2], "docker0"),
        (&[], &["docker0"], [172, 17, 0, 2], "eth0"),
        (&ranges, &["docker0"], [172, 17, 0, 2], "eth0"),
        (&ranges, &["docker0"], [10, 200, 255, 9], "docker0"),
        (&ranges, &["docker0"], [10, 200, 254, 9], "eth0"),
    ] {
        assert_eq!(dev_after(with, without, to), [dev], "{to:?} {without:?}");
    }
}
