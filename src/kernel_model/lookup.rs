//! One question: the rules in order, and a table for each that leads to one.

use super::flow::Flow;
use super::found::Found;
use super::rules::Rules;
use super::tables::precedence;
use super::verdict::{Fate, Verdict};
use super::{Change, KernelModel, ipv4, ipv6};
use crate::facts::{Action, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, Route, Rule};
use std::cmp::Reverse;
use std::net::IpAddr;

/// Whether the route that a rule leads to counts.
enum Counts<'v> {
    No,
    /// For the flows that the kernel sends by the hops that are left.
    Partly(Verdict<'v>),
    Yes(Verdict<'v>),
}

/// A packet, the model, and what is different.
pub(super) struct Lookup<'v> {
    pub model: &'v KernelModel<'v>,
    pub change: Change<'v>,
    pub flow: Flow<'v>,
}

impl<'v> Lookup<'v> {
    pub fn ipv4(&self) -> Verdict<'v> {
        let bound = self.flow.oif.filter(|_| self.flow.packet.iif.is_none());
        if bound.is_some_and(|name| self.is_down(name)) {
            return Verdict::without_routes(Fate::NoRoute, None);
        }
        let rules = &self.model.ipv4_rules;
        let verdict = if rules.are_usual {
            self.shortcut(rules)
        } else {
            self.by_rules(rules)
        };
        match bound {
            Some(name) if !verdict.fate.passes() && self.flow.vrf.is_none() => Verdict {
                bound_to: Some(name),
                ..Verdict::without_routes(Fate::Assumed, None)
            },
            _ => verdict,
        }
    }

    pub fn ipv6(&self) -> Verdict<'v> {
        let rules = &self.model.ipv6_rules;
        if !rules.is_empty() {
            return self.by_rules(rules);
        }
        // Facts without rules are taken as having the usual ones.
        for table in [RT_TABLE_LOCAL, RT_TABLE_MAIN] {
            if let Found::Route(routes, first) = self.choose(&self.candidates(table)) {
                return Verdict::by_route(None, routes, first);
            }
        }
        Verdict::without_routes(Fate::NoRoute, None)
    }

    fn by_rules(&self, rules: &'v Rules<'v>) -> Verdict<'v> {
        self.first_verdict(&mut rules.that_apply(&self.flow, &self.model.links))
    }

    fn first_verdict(&self, rules: &mut impl Iterator<Item = &'v Rule>) -> Verdict<'v> {
        while let Some(rule) = rules.next() {
            let fate = match rule.action {
                Action::Table => match self.by_table_of(rule) {
                    Counts::No => continue,
                    Counts::Yes(verdict) => return verdict,
                    Counts::Partly(mut verdict) => {
                        verdict.otherwise = Some(Box::new(self.first_verdict(rules)));
                        return verdict;
                    }
                },
                Action::Blackhole => Fate::Blackhole,
                Action::Unreachable => Fate::Unreachable,
                Action::Prohibit => Fate::Prohibited,
                Action::Goto(_) | Action::Nop => continue,
            };
            return Verdict::without_routes(fate, Some(rule));
        }
        Verdict::without_routes(Fate::NoRoute, None)
    }

    fn by_table_of(&self, rule: &'v Rule) -> Counts<'v> {
        let vrf = self.flow.vrf.and_then(|name| self.model.links.get(name));
        let table = match vrf {
            Some(vrf) if rule.l3mdev => vrf.table.unwrap_or(RT_TABLE_MAIN),
            // An inverted rule for VRFs applies to other packets, and has no table for them.
            None if rule.l3mdev => RT_TABLE_MAIN,
            _ => rule.table,
        };
        let Found::Route(mut routes, first) = self.choose(&self.candidates(table)) else {
            return Counts::No;
        };
        let count = routes.len();
        match self.flow.packet.to {
            // IPv4 looks at the first hop, whichever it takes; IPv6 at the one it takes.
            IpAddr::V4(_) if self.is_suppressed(rule, first) => routes.clear(),
            IpAddr::V4(_) => {}
            IpAddr::V6(_) => routes.retain(|hop| !self.is_suppressed(rule, hop)),
        }
        let left = routes.len();
        let verdict = Verdict::by_route(Some(rule), routes, first);
        match left {
            0 => Counts::No,
            left if left < count => Counts::Partly(verdict),
            _ => Counts::Yes(verdict),
        }
    }

    /// Without custom rules IPv4 searches local and main at once: a longer prefix in main comes
    /// before a shorter one in local.
    fn shortcut(&self, rules: &'v Rules<'v>) -> Verdict<'v> {
        let mut both = self.candidates(RT_TABLE_LOCAL);
        both.extend(self.candidates(RT_TABLE_MAIN));
        // Stable: within a table they are in order already.
        both.sort_by_key(|route| (Reverse(route.dst.prefix_len()), Reverse(route.table)));
        for candidates in [both, self.candidates(RT_TABLE_DEFAULT)] {
            if let Found::Route(routes, first) = self.choose(&candidates) {
                return Verdict::by_route(rules.usual(first.table), routes, first);
            }
        }
        Verdict::without_routes(Fate::NoRoute, None)
    }

    fn choose(&self, candidates: &[&'v Route]) -> Found<'v> {
        match self.flow.packet.to {
            IpAddr::V4(_) => ipv4::choose(candidates, &self.flow),
            IpAddr::V6(_) => ipv6::choose(candidates, &self.flow, &self.model.gateways),
        }
    }

    /// The routes of a table that cover the packet's destination, the change included.
    fn candidates(&self, table: u32) -> Vec<&'v Route> {
        let to = self.flow.packet.to;
        let existing = self.model.tables.covering(table, to);
        let mut all: Vec<&Route> = existing.filter(|route| !self.is_gone(route)).collect();
        let count = all.len();
        let new = self.change.with.iter().filter(|new| new.table == table);
        all.extend(new.filter(|new| new.dst.contains(&to)));
        if all.len() > count {
            all.sort_by(|a, b| precedence(a, b));
        }
        all
    }

    fn is_gone(&self, route: &Route) -> bool {
        let dev = route.dev.as_deref();
        dev.is_some_and(|dev| self.change.without.contains(&dev))
    }

    fn is_down(&self, name: &str) -> bool {
        self.model.links.get(name).is_some_and(|link| link.down)
    }

    /// Whether a rule does not let a route count. One that drops the packet always does.
    fn is_suppressed(&self, rule: &Rule, route: &Route) -> bool {
        if !Fate::by(route.kind).passes() {
            return false;
        }
        let length = u32::from(route.dst.prefix_len());
        let too_short = rule
            .suppress_prefix_length
            .is_some_and(|longest| length <= longest);
        too_short || rule.suppress_group.is_some() && rule.suppress_group == self.group_of(route)
    }

    fn group_of(&self, route: &Route) -> Option<u32> {
        let link = self.model.links.get(route.dev.as_deref()?);
        Some(link.map_or(0, |link| link.group))
    }
}
