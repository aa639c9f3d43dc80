//! A packet, as far as its way depends on it.

use crate::facts::{Masked, Rule};
use std::net::IpAddr;

/// A packet of this host, or one that it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub to: IpAddr,
    /// None where the kernel is still to choose the address.
    pub from: Option<IpAddr>,
    /// The interface it came in by; none for a packet of this host.
    pub iif: Option<&'a str>,
    /// The interface or VRF device its socket is bound to.
    pub oif: Option<&'a str>,
    pub mark: u32,
    pub tos: u8,
    pub flow_label: u32,
    pub protocol: u8,
    pub source_port: u16,
    pub port: u16,
    pub user: u32,
    pub tunnel: u64,
}

impl<'a> Packet<'a> {
    /// An ordinary packet of this host, to which no condition of a rule applies.
    pub fn to(to: IpAddr) -> Packet<'static> {
        Packet {
            to,
            from: None,
            iif: None,
            oif: None,
            mark: 0,
            tos: 0,
            flow_label: 0,
            protocol: 0,
            source_port: 0,
            port: 0,
            user: 0,
            tunnel: 0,
        }
    }

    /// A packet that meets the conditions of a rule. An ordinary one meets the opposite of a condition.
    pub fn meeting(rule: &'a Rule, to: IpAddr) -> Packet<'a> {
        if rule.inverted {
            return Packet::to(to);
        }
        let conditions = &rule.conditions;
        Packet {
            from: rule
                .from
                .map(|from| from.addr())
                .filter(|from| !from.is_unspecified()),
            iif: conditions.iif.as_deref().filter(|iif| *iif != "lo"),
            oif: conditions.oif.as_deref(),
            mark: conditions.mark.map_or(0, |mark| mark.value),
            tos: conditions.tos.or(conditions.dscp.map(tos_of)).unwrap_or(0),
            flow_label: conditions.flow_label.map_or(0, |label| label.value),
            protocol: conditions.protocol.unwrap_or(0),
            source_port: conditions.source_port.map_or(0, |ports| ports.first),
            port: conditions.port.map_or(0, |ports| ports.first),
            user: conditions.users.map_or(0, |(first, _)| first),
            tunnel: conditions.tunnel.unwrap_or(0),
            ..Packet::to(to)
        }
    }
}

/// DSCP is the upper six bits of the type of service.
fn tos_of(dscp: Masked) -> u8 {
    u8::try_from(dscp.value << 2).unwrap_or(0)
}
