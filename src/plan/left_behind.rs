//! What of this host's routing hangs on a range that Docker leaves: routes through containers, and
//! policy rules for the range. Docker knows neither, so they stay behind or go.

use super::notice::Notice;
use crate::facts::{Facts, Route, Rule};
use crate::subnet::overlap;
use ipnet::{IpNet, Ipv4Net};

/// What the operator should know before the network on this bridge moves.
pub fn notices(
    facts: &Facts,
    network: &str,
    bridge: &str,
    from: Ipv4Net,
    to: Ipv4Net,
) -> Vec<Notice> {
    if from == to {
        return Vec::new();
    }
    let routes: Vec<Route> = facts
        .kernel
        .routes
        .iter()
        .filter(|route| goes_with(route, bridge))
        .cloned()
        .collect();
    let lost = (!routes.is_empty()).then(|| Notice::RoutesGoWithBridge {
        bridge: bridge.to_owned(),
        routes,
    });
    let rules = facts.kernel.rules.iter();
    let rules = rules.filter(|rule| holds_no_more(rule, from, to));
    let rules = rules.map(|rule| Notice::RuleNamesOldRange {
        network: network.to_owned(),
        from,
        to,
        rule: rule.clone(),
    });
    lost.into_iter().chain(rules).collect()
}

fn goes_with(route: &Route, bridge: &str) -> bool {
    route.dev.as_deref() == Some(bridge) && matches!(route.gateway, Some(to) if to.is_ipv4())
}

/// Whether a rule is for some of the old range and not for all of the new one.
fn holds_no_more(rule: &Rule, from: Ipv4Net, to: Ipv4Net) -> bool {
    let (old, new) = (IpNet::V4(from), IpNet::V4(to));
    [rule.from, rule.to]
        .iter()
        .flatten()
        .any(|net| net.prefix_len() > 0 && overlap(net, &old) && !net.contains(&new))
}
