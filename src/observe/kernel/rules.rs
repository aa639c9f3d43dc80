//! The policy rules of both families.

use crate::facts::{Action, Conditions, Family, Masked, Ports, Rule};
use crate::host::netlink::{
    AF_INET, AF_INET6, Request, address, attributes_after, dump, text, u8_at, u16_at, u32_at,
};
use ipnet::IpNet;
use nix::libc::{IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, RTM_GETRULE};
use nix::sys::socket::SockProtocol;
use std::io;

/// The length of `struct fib_rule_hdr`.
const FIXED: usize = 12;
/// From linux/fib_rules.h, which libc lacks, as all that follows.
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_TUN_ID: u16 = 12;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
const FRA_DSCP: u16 = 25;
const FRA_FLOWLABEL: u16 = 26;
const FRA_FLOWLABEL_MASK: u16 = 27;
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;
const FRA_DSCP_MASK: u16 = 30;
const FR_ACT_TO_TBL: u8 = 1;
const FR_ACT_GOTO: u8 = 2;
const FR_ACT_NOP: u8 = 3;
const FR_ACT_BLACKHOLE: u8 = 6;
const FR_ACT_UNREACHABLE: u8 = 7;
const FR_ACT_PROHIBIT: u8 = 8;
const FIB_RULE_INVERT: u32 = 2;

/// All bits of what DSCP and the flow label have.
const WHOLE_DSCP: u32 = 0x3f;
const WHOLE_FLOW_LABEL: u32 = 0xf_ffff;

/// Reads the rules, in the order in which the kernel asks them.
pub fn read() -> io::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let mut body = [0; FIXED];
        body[0] = family;
        let request = Request {
            protocol: SockProtocol::NetlinkRoute,
            kind: RTM_GETRULE,
            body: &body,
        };
        rules.extend(dump(&request, |found: &mut Vec<Rule>, payload| {
            found.extend(rule(payload))
        })?);
    }
    Ok(rules)
}

/// `struct fib_rule_hdr` and attributes.
pub fn rule(payload: &[u8]) -> Option<Rule> {
    let family = match u8_at(payload, 0)? {
        AF_INET => Family::Ipv4,
        AF_INET6 => Family::Ipv6,
        _ => return None,
    };
    let action = u8_at(payload, 7)?;
    let mut rule = Rule {
        family,
        priority: 0,
        table: u32::from(u8_at(payload, 4)?),
        to: None,
        from: None,
        inverted: u32_at(payload, 8)? & FIB_RULE_INVERT != 0,
        l3mdev: false,
        only_if: Vec::new(),
        conditions: conditions(payload)?,
        action: Action::Table,
        suppress_prefix_length: None,
        suppress_group: None,
    };
    let mut target = 0;
    for (kind, value) in attributes_after(payload, FIXED) {
        match kind {
            FRA_PRIORITY => rule.priority = u32_at(value, 0)?,
            FRA_TABLE => rule.table = u32_at(value, 0)?,
            FRA_GOTO => target = u32_at(value, 0)?,
            FRA_DST => rule.to = network(value, u8_at(payload, 1)?),
            FRA_SRC => rule.from = network(value, u8_at(payload, 2)?),
            FRA_L3MDEV => rule.l3mdev = u8_at(value, 0)? != 0,
            FRA_SUPPRESS_PREFIXLEN => rule.suppress_prefix_length = unless_all_ones(value),
            FRA_SUPPRESS_IFGROUP => rule.suppress_group = unless_all_ones(value),
            _ => {}
        }
    }
    rule.action = match action {
        FR_ACT_TO_TBL => Action::Table,
        FR_ACT_GOTO => Action::Goto(target),
        FR_ACT_NOP => Action::Nop,
        FR_ACT_BLACKHOLE => Action::Blackhole,
        FR_ACT_UNREACHABLE => Action::Unreachable,
        FR_ACT_PROHIBIT => Action::Prohibit,
        _ => return None,
    };
    rule.only_if = words(&rule);
    Some(rule)
}

fn network(bytes: &[u8], prefix: u8) -> Option<IpNet> {
    IpNet::new(address(bytes)?, prefix).ok()
}

/// The kernel says so where there is nothing to suppress.
fn unless_all_ones(value: &[u8]) -> Option<u32> {
    u32_at(value, 0).filter(|number| *number != u32::MAX)
}

fn conditions(payload: &[u8]) -> Option<Conditions> {
    let all = Attributes(payload);
    Some(Conditions {
        iif: all.find(FRA_IIFNAME).map(text),
        oif: all.find(FRA_OIFNAME).map(text),
        mark: masked(all.number(FRA_FWMARK), all.number(FRA_FWMASK), u32::MAX),
        tos: u8_at(payload, 3).filter(|tos| *tos != 0),
        dscp: masked(all.byte(FRA_DSCP), all.byte(FRA_DSCP_MASK), WHOLE_DSCP),
        flow_label: masked(
            all.number(FRA_FLOWLABEL).map(u32::from_be),
            all.number(FRA_FLOWLABEL_MASK).map(u32::from_be),
            WHOLE_FLOW_LABEL,
        ),
        protocol: all.find(FRA_IP_PROTO).and_then(|value| u8_at(value, 0)),
        source_port: all.ports(FRA_SPORT_RANGE, FRA_SPORT_MASK),
        port: all.ports(FRA_DPORT_RANGE, FRA_DPORT_MASK),
        users: match all.find(FRA_UID_RANGE) {
            Some(range) => Some((u32_at(range, 0)?, u32_at(range, 4)?)),
            None => None,
        },
        tunnel: match all.find(FRA_TUN_ID) {
            Some(id) => Some(u64::from_be_bytes(*id.first_chunk()?)),
            None => None,
        },
    })
}

/// The attributes of a rule.
struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    fn find(&self, wanted: u16) -> Option<&'a [u8]> {
        attributes_after(self.0, FIXED)
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, value)| value)
    }

    fn number(&self, wanted: u16) -> Option<u32> {
        u32_at(self.find(wanted)?, 0)
    }

    fn byte(&self, wanted: u16) -> Option<u32> {
        u8_at(self.find(wanted)?, 0).map(u32::from)
    }

    fn ports(&self, range: u16, mask: u16) -> Option<Ports> {
        let range = self.find(range)?;
        Some(Ports {
            first: u16_at(range, 0)?,
            last: u16_at(range, 2)?,
            mask: self.find(mask).and_then(|value| u16_at(value, 0)),
        })
    }
}

/// A value with its mask. The kernel leaves out a value of 0 and tells the mask alone.
fn masked(value: Option<u32>, mask: Option<u32>, whole: u32) -> Option<Masked> {
    if value.is_none() && mask.is_none() {
        return None;
    }
    Some(Masked {
        value: value.unwrap_or(0),
        mask: mask.unwrap_or(whole),
    })
}

/// The conditions but the addresses, as `ip rule` spells them.
fn words(rule: &Rule) -> Vec<String> {
    let all = &rule.conditions;
    let words = [
        all.tos.map(|tos| format!("tos {tos:#04x}")),
        all.iif.as_ref().map(|name| format!("iif {name}")),
        all.oif.as_ref().map(|name| format!("oif {name}")),
        all.mark.map(|mark| hex("fwmark", mark, u32::MAX)),
        all.users
            .map(|(first, last)| format!("uidrange {first}-{last}")),
        all.protocol
            .map(|number| format!("ipproto {}", protocol(number))),
        all.source_port.map(|ports| range("sport", ports)),
        all.port.map(|ports| range("dport", ports)),
        all.tunnel.map(|id| format!("tun_id {id}")),
        all.dscp.map(|dscp| hex("dscp", dscp, WHOLE_DSCP)),
        all.flow_label
            .map(|label| hex("flowlabel", label, WHOLE_FLOW_LABEL)),
        rule.suppress_prefix_length
            .map(|length| format!("suppress_prefixlength {length}")),
        rule.suppress_group
            .map(|group| format!("suppress_ifgroup {group}")),
    ];
    words.into_iter().flatten().collect()
}

fn hex(name: &str, masked: Masked, whole: u32) -> String {
    let Masked { value, mask } = masked;
    if mask == whole {
        format!("{name} {value:#x}")
    } else {
        format!("{name} {value:#x}/{mask:#x}")
    }
}

fn range(name: &str, ports: Ports) -> String {
    let Ports { first, last, mask } = ports;
    match mask {
        Some(mask) if mask != u16::MAX => format!("{name} {first}/{mask:#x}"),
        _ if first == last => format!("{name} {first}"),
        _ => format!("{name} {first}-{last}"),
    }
}

fn protocol(number: u8) -> String {
    match i32::from(number) {
        IPPROTO_TCP => "tcp".to_owned(),
        IPPROTO_UDP => "udp".to_owned(),
        IPPROTO_ICMP => "icmp".to_owned(),
        IPPROTO_ICMPV6 => "ipv6-icmp".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::host::netlink::attribute;

    fn header(family: u8, action: u8) -> Vec<u8> {
        vec![family, 0, 0, 0, 0, 0, 0, action, 0, 0, 0, 0]
    }

    /// What a kernel with VRF sends; not every kernel has it.
    #[test]
    fn reads_the_rule_that_leads_to_vrfs() {
        let payload = [
            header(AF_INET, FR_ACT_TO_TBL),
            attribute(FRA_PRIORITY, &1000u32.to_ne_bytes()),
            attribute(FRA_L3MDEV, &[1]),
        ];
        let rule = rule(&payload.concat()).unwrap();
        assert!(rule.l3mdev && rule.priority == 1000);
    }

    /// What `ip rule` of most distributions cannot set yet, too.
    #[test]
    fn reads_every_condition() {
        let mut fixed = header(AF_INET6, FR_ACT_GOTO);
        (fixed[3], fixed[8]) = (0x10, FIB_RULE_INVERT as u8);
        let number = |kind, value: u32| attribute(kind, &value.to_ne_bytes());
        let ports = |kind, first: u16, last: u16| {
            attribute(kind, &[first.to_ne_bytes(), last.to_ne_bytes()].concat())
        };
        let payload = [
            fixed,
            number(FRA_GOTO, 40),
            attribute(FRA_IIFNAME, b"eth0\0"),
            attribute(FRA_OIFNAME, b"eth1\0"),
            number(FRA_FWMARK, 0x10),
            number(FRA_FWMASK, 0xf0),
            attribute(
                FRA_UID_RANGE,
                &[5u32.to_ne_bytes(), 9u32.to_ne_bytes()].concat(),
            ),
            attribute(FRA_IP_PROTO, &[6]),
            ports(FRA_SPORT_RANGE, 1000, 2000),
            ports(FRA_DPORT_RANGE, 0x100, 0x100),
            attribute(FRA_DPORT_MASK, &0xff00u16.to_ne_bytes()),
            attribute(FRA_TUN_ID, &7u64.to_be_bytes()),
            attribute(FRA_DSCP, &[5]),
            attribute(FRA_DSCP_MASK, &[7]),
            number(FRA_FLOWLABEL, 3u32.to_be()),
            number(FRA_SUPPRESS_PREFIXLEN, 0),
            number(FRA_SUPPRESS_IFGROUP, u32::MAX),
        ]
        .concat();
        let read = rule(&payload).unwrap();
        assert_eq!(
            read.only_if.join(", "),
            "tos 0x10, iif eth0, oif eth1, fwmark 0x10/0xf0, uidrange 5-9, ipproto tcp, sport \
             1000-2000, dport 256/0xff00, tun_id 7, dscp 0x5/0x7, flowlabel 0x3, \
             suppress_prefixlength 0"
        );
        assert_eq!(
            (read.action, read.inverted, read.family),
            (Action::Goto(40), true, Family::Ipv6)
        );
        for end in 0..payload.len() {
            let _ = rule(&payload[..end]);
        }
    }

    #[test]
    fn a_mark_of_0_counts_where_it_has_a_mask() {
        let mask = attribute(FRA_FWMASK, &0xffu32.to_ne_bytes());
        let payload = [header(AF_INET, FR_ACT_BLACKHOLE), mask].concat();
        let read = rule(&payload).unwrap();
        assert_eq!(
            (read.conditions.mark, read.action),
            (
                Some(Masked {
                    value: 0,
                    mask: 0xff
                }),
                Action::Blackhole
            )
        );
    }
}
