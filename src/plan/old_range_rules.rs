//! Rules and routes of the operator's that hold for a range Docker leaves, and not for the new one:
//! of the firewall, of the routing policy, and routes through containers. Docker knows none of them.

use super::blocker::Blocker;
use super::leaving::Leaving;
use crate::facts::{Facts, FirewallRule, NetGroup, Route, Rule};
use crate::subnet::overlap;
use ipnet::{IpNet, Ipv4Net};

pub fn blockers(facts: &Facts, leaving: &[Leaving]) -> Vec<Blocker> {
    let ranges = leaving.iter().filter_map(Range::of);
    ranges
        .flat_map(|range| {
            let mut blockers = routes_through_containers(facts, range.leaving);
            blockers.extend(policy_rules(facts, &range));
            blockers.extend(firewall_rules(facts, &range));
            blockers
        })
        .collect()
}

/// A range that is left, and the one that comes in its place.
struct Range<'a> {
    leaving: &'a Leaving,
    from: Ipv4Net,
    to: Ipv4Net,
    old: IpNet,
    new: IpNet,
}

impl Range<'_> {
    fn of(leaving: &Leaving) -> Option<Range<'_>> {
        let (from, to) = (leaving.from, leaving.to?);
        (from != to).then_some(Range {
            leaving,
            from,
            to,
            old: IpNet::V4(from),
            new: IpNet::V4(to),
        })
    }
}

/// The kernel drops them with the address of the bridge that reaches their gateway.
fn routes_through_containers(facts: &Facts, leaving: &Leaving) -> Vec<Blocker> {
    let goes = |route: &&Route| {
        let to_ipv4 = route.gateway.is_some_and(|to| to.is_ipv4());
        to_ipv4 && route.dev.as_ref() == Some(&leaving.bridge)
    };
    let routes: Vec<Route> = facts.kernel.routes.iter().filter(goes).cloned().collect();
    let lost = (!routes.is_empty()).then(|| Blocker::RoutesGoWithBridge {
        bridge: leaving.bridge.clone(),
        routes,
    });
    lost.into_iter().collect()
}

fn policy_rules(facts: &Facts, range: &Range) -> Vec<Blocker> {
    let rules = &facts.kernel.rules;
    let lost = rules.iter().filter(|rule| {
        holds_no_more(rule, range) && !rules.iter().any(|twin| says_the_same(twin, rule, range))
    });
    lost.map(|rule| Blocker::PolicyRuleForOldRange {
        network: range.leaving.network.clone(),
        from: range.from,
        to: range.to,
        rule: Box::new(rule.clone()),
    })
    .collect()
}

/// Whether a rule is for some of the old range and not for all of the new one. Packets from
/// containers come in by their bridge.
fn holds_no_more(rule: &Rule, range: &Range) -> bool {
    let elsewhere = rule
        .conditions
        .iif
        .as_ref()
        .is_some_and(|iif| *iif != range.leaving.bridge && iif != "lo");
    let from = rule.from.filter(|_| !elsewhere);
    let mut nets = [from, rule.to].into_iter().flatten();
    nets.any(|net| net.prefix_len() > 0 && overlap(&net, &range.old) && !net.contains(&range.new))
}

/// Whether another rule does the same for the new range: people write one for each private block.
fn says_the_same(twin: &Rule, rule: &Rule, range: &Range) -> bool {
    let covers = |net: Option<IpNet>| net.is_some_and(|net| net.contains(&range.new));
    let with_its_nets = Rule {
        priority: twin.priority,
        from: twin.from,
        to: twin.to,
        ..rule.clone()
    };
    let covered = match (rule.from, rule.to) {
        (Some(_), None) => covers(twin.from) && twin.to.is_none(),
        (None, Some(_)) => covers(twin.to) && twin.from.is_none(),
        _ => false,
    };
    covered && with_its_nets == *twin
}

fn firewall_rules(facts: &Facts, range: &Range) -> Vec<Blocker> {
    let rules = facts.firewall.as_deref().unwrap_or_default();
    let lost = rules.iter().filter(|rule| {
        let mut groups = rule.groups.iter().enumerate();
        groups.any(|(at, group)| {
            loses(group, range) && !rules.iter().any(|twin| stands_in(twin, rule, at, range))
        })
    });
    lost.map(|rule| Blocker::FirewallRuleForOldRange {
        network: range.leaving.network.clone(),
        from: range.from,
        to: range.to,
        rule: Box::new(rule.clone()),
    })
    .collect()
}

/// Whether a condition is about some of the old range and not about all of the new one.
fn loses(group: &NetGroup, range: &Range) -> bool {
    let about_old = group.nets.iter().any(|net| overlap(net, &range.old));
    about_old && !covers_new(group, range)
}

fn covers_new(group: &NetGroup, range: &Range) -> bool {
    group.nets.iter().any(|net| net.contains(&range.new))
}

/// Whether another rule says the same of the new range: people write one for each private block.
fn stands_in(twin: &FirewallRule, rule: &FirewallRule, at: usize, range: &Range) -> bool {
    let group = twin.groups.get(at);
    (&twin.tool, &twin.place) == (&rule.tool, &rule.place)
        && group.is_some_and(|group| covers_new(group, range))
        && shape(&twin.text) == shape(&rule.text)
}

/// A rule's text without its networks.
fn shape(text: &str) -> Vec<&str> {
    let words = text.split([' ', '=']);
    words
        .map(|word| match word.trim_end_matches(',').parse::<IpNet>() {
            Ok(_) => "*",
            Err(_) => word,
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn rule(text: &str, nets: &[&str]) -> FirewallRule {
        FirewallRule {
            tool: "iptables".to_owned(),
            place: "table filter".to_owned(),
            text: text.to_owned(),
            groups: vec![NetGroup {
                inverted: false,
                nets: nets.iter().map(|net| net.parse().unwrap()).collect(),
            }],
            written: None,
        }
    }

    #[test]
    fn a_rule_counts_if_it_is_about_the_old_range_and_no_twin_is_about_the_new() {
        let leaving = Leaving {
            network: "docker0".to_owned(),
            bridge: "docker0".to_owned(),
            address: None,
            from: "172.17.0.0/16".parse().unwrap(),
            to: "10.200.255.0/24".parse().ok(),
        };
        let lost = |rules: &[FirewallRule]| {
            let mut facts: Facts = serde_json::from_str(
                r#"{"schema": 1, "root": true, "kernel": {"links": [], "routes": []},
                "nameservers": [], "unseen": [], "docker": {"state": "running", "service": null,
                "engine": null, "config": {"path": "", "target": null, "state": {"is": "missing"},
                "keys": {}}}}"#,
            )
            .unwrap();
            facts.firewall = Some(rules.to_vec());
            blockers(&facts, std::slice::from_ref(&leaving)).len()
        };
        let wide = || rule("-A INPUT -s 172.16.0.0/12 -j ACCEPT", &["172.16.0.0/12"]);
        let ten = |does: &str| {
            rule(
                &format!("-A INPUT -s 10.0.0.0/8 -j {does}"),
                &["10.0.0.0/8"],
            )
        };
        assert_eq!(lost(&[wide()]), 1);
        assert_eq!(lost(&[wide(), ten("DROP")]), 1, "no twin");
        assert_eq!(lost(&[wide(), ten("ACCEPT")]), 0, "a twin");
        assert_eq!(lost(&[rule("one", &["172.17.0.5/32"])]), 1);
        assert_eq!(lost(&[rule("all", &["0.0.0.0/0"])]), 0);
        assert_eq!(
            lost(&[rule("other", &["172.18.0.0/16", "192.168.0.0/16"])]),
            0
        );
        assert_eq!(lost(&[rule("set", &["172.17.0.0/16", "10.0.0.0/8"])]), 0);
    }
}
