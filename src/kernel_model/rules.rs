//! The policy rules: which of them apply to a packet, and where the list goes on.

use super::Links;
use super::flow::Flow;
use crate::facts::{
    Action, Conditions, Family, Masked, Ports, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN,
    Rule,
};
use std::net::IpAddr;

/// Where the rules that every kernel begins with stand.
const USUAL: [(u32, u32); 3] = [
    (0, RT_TABLE_LOCAL),
    (32766, RT_TABLE_MAIN),
    (32767, RT_TABLE_DEFAULT),
];

/// The old bits of the type of service that a rule of IPv4 looks at.
const TOS_BITS: u8 = 0x1c;

/// The list of a family.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    list: Vec<&'a Rule>,
    /// Where each goes on if it jumps.
    targets: Vec<Option<usize>>,
    /// Whether they are what every kernel begins with. IPv4 has a shortcut then. Facts without
    /// rules are taken as such.
    pub are_usual: bool,
}

impl<'a> Rules<'a> {
    pub fn new(rules: &'a [Rule], family: Family) -> Rules<'a> {
        let mut list: Vec<&Rule> = rules.iter().filter(|rule| rule.family == family).collect();
        list.sort_by_key(|rule| rule.priority);
        let targets = list.iter().map(|rule| target(&list, rule)).collect();
        let usual = list.len() == USUAL.len() && list.iter().all(|rule| is_usual(rule));
        let are_usual = list.is_empty() || usual;
        Rules {
            list,
            targets,
            are_usual,
        }
    }

    /// Whether the facts have none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The rule that leads to one of the tables every kernel has.
    pub fn usual(&self, table: u32) -> Option<&'a Rule> {
        self.list.iter().copied().find(|rule| rule.table == table)
    }

    /// The rules that apply to a packet, one after the other, but those that jump or do nothing.
    pub fn that_apply<'s>(
        &'s self,
        flow: &'s Flow<'s>,
        links: &'s Links<'s>,
    ) -> impl Iterator<Item = &'a Rule> + use<'s, 'a> {
        let mut next = 0;
        std::iter::from_fn(move || {
            loop {
                let at = next;
                let rule = *self.list.get(at)?;
                next = at + 1;
                if !applies(rule, flow, links) {
                    continue;
                }
                match rule.action {
                    Action::Goto(_) => next = (*self.targets.get(at)?).unwrap_or(next),
                    Action::Nop => {}
                    Action::Table | Action::Blackhole | Action::Unreachable | Action::Prohibit => {
                        return Some(rule);
                    }
                }
            }
        })
    }
}

/// The place of the first rule with the priority a rule jumps to. It never jumps back.
fn target(list: &[&Rule], rule: &Rule) -> Option<usize> {
    let Action::Goto(priority) = rule.action else {
        return None;
    };
    let place = list.partition_point(|other| other.priority < priority);
    let found = list.get(place)?.priority == priority;
    (found && priority > rule.priority).then_some(place)
}

fn is_usual(rule: &Rule) -> bool {
    let plain = Rule {
        family: rule.family,
        priority: rule.priority,
        table: rule.table,
        to: None,
        from: None,
        inverted: false,
        l3mdev: false,
        only_if: Vec::new(),
        conditions: Conditions::default(),
        action: Action::Table,
        suppress_prefix_length: None,
        suppress_group: None,
    };
    *rule == plain && USUAL.contains(&(rule.priority, rule.table))
}

fn applies(rule: &Rule, flow: &Flow, links: &Links) -> bool {
    let holds = addresses_match(rule, flow)
        && (!rule.l3mdev || flow.vrf.is_some())
        && !has_unknown_conditions(rule)
        && conditions_hold(rule, flow, links);
    holds != rule.inverted
}

/// Facts of a version before `conditions` have them in words only. What is meant by a mark or a
/// port is then no ordinary packet.
fn has_unknown_conditions(rule: &Rule) -> bool {
    !rule.only_if.is_empty()
        && rule.conditions == Conditions::default()
        && rule.suppress_prefix_length.is_none()
        && rule.suppress_group.is_none()
}

fn addresses_match(rule: &Rule, flow: &Flow) -> bool {
    let from = match flow.packet.from {
        Some(from) => Some(from),
        // To IPv4 an address that is not chosen yet is 0.0.0.0, to IPv6 it is none.
        None if flow.packet.to.is_ipv4() => Some(IpAddr::from([0; 4])),
        None => None,
    };
    let from_matches =
        |net: ipnet::IpNet| net.prefix_len() == 0 || from.is_some_and(|from| net.contains(&from));
    rule.to.is_none_or(|net| net.contains(&flow.packet.to)) && rule.from.is_none_or(from_matches)
}

fn conditions_hold(rule: &Rule, flow: &Flow, links: &Links) -> bool {
    let wanted = &rule.conditions;
    let packet = flow.packet;
    let iif = wanted.iif.as_deref();
    let oif = wanted.oif.as_deref();
    iif.is_none_or(|name| flow.is_on(name, Some(flow.iif), links))
        && oif.is_none_or(|name| flow.is_on(name, flow.oif, links))
        && wanted.mark.is_none_or(|mark| matches(mark, packet.mark))
        && wanted
            .tos
            .is_none_or(|tos| tos == legacy_tos(rule, packet.tos))
        && wanted
            .dscp
            .is_none_or(|dscp| matches(dscp, u32::from(packet.tos >> 2)))
        && wanted
            .flow_label
            .is_none_or(|label| matches(label, packet.flow_label))
        && wanted
            .protocol
            .is_none_or(|number| number == packet.protocol)
        && wanted
            .source_port
            .is_none_or(|ports| holds(ports, packet.source_port))
        && wanted.port.is_none_or(|ports| holds(ports, packet.port))
        && wanted
            .users
            .is_none_or(|(first, last)| (first..=last).contains(&packet.user))
        && wanted.tunnel.is_none_or(|id| id == packet.tunnel)
}

fn legacy_tos(rule: &Rule, tos: u8) -> u8 {
    match rule.family {
        Family::Ipv4 => tos & TOS_BITS,
        // Without the two bits that tell of congestion.
        Family::Ipv6 => tos & !3,
    }
}

fn matches(wanted: Masked, value: u32) -> bool {
    (wanted.value ^ value) & wanted.mask == 0
}

fn holds(ports: Ports, port: u16) -> bool {
    match ports.mask {
        Some(mask) => (ports.first ^ port) & mask == 0,
        None => (ports.first..=ports.last).contains(&port),
    }
}
