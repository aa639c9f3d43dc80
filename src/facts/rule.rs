//! Policy rules.

use super::is_default;
use super::route::Family;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A policy rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// Which of the two rule lists it is in.
    pub family: Family,
    /// Its place in the list; the main table comes at 32766.
    pub priority: u32,
    /// The table; 0 for a rule with another action, and for a VRF rule, which finds the table by
    /// the device.
    pub table: u32,
    /// Only packets to this network.
    pub to: Option<IpNet>,
    /// Only packets from this network.
    pub from: Option<IpNet>,
    /// Whether the rule holds for all packets but those.
    pub inverted: bool,
    /// Whether it leads to the tables of VRF devices.
    pub l3mdev: bool,
    /// Its other conditions, as `ip rule` spells them.
    pub only_if: Vec<String>,
    /// The same conditions as values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub conditions: Conditions,
    /// What it does with a packet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub action: Action,
    /// A route of this prefix length or a shorter one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_prefix_length: Option<u32>,
    /// A route into an interface of this group does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_group: Option<u32>,
}

impl Rule {
    /// Whether it leads to a table, and does not drop packets or jump.
    pub fn leads_to_a_table(&self) -> bool {
        self.action == Action::Table
    }

    pub fn drops_packets(&self) -> bool {
        match self.action {
            Action::Blackhole | Action::Unreachable | Action::Prohibit => true,
            Action::Table | Action::Goto(_) | Action::Nop => false,
        }
    }

    /// Whether only some packets meet it, whatever their destination.
    pub fn has_conditions(&self) -> bool {
        self.inverted
            || self.l3mdev
            || self.from.is_some_and(|from| from.prefix_len() > 0)
            || self.conditions != Conditions::default()
    }
}

/// What a rule asks of a packet besides its addresses; all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Conditions {
    /// The interface it came in by; `lo` for this host's own packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iif: Option<String>,
    /// The interface its socket is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oif: Option<String>,
    /// The firewall's mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Masked>,
    /// The type of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos: Option<u8>,
    /// The six bits of DSCP; unlike `tos` they are compared as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dscp: Option<Masked>,
    /// The flow label (IPv6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_label: Option<Masked>,
    /// The protocol's number: 6 is TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
    /// The source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<Ports>,
    /// The destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Ports>,
    /// The first and the last user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<(u32, u32)>,
    /// The id of the tunnel it came out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<u64>,
}

/// A value of which only some bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Masked {
    /// The value.
    pub value: u32,
    /// The bits that are compared.
    pub mask: u32,
}

/// Ports: a range, or the value and the bits that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ports {
    /// The first one, or the value.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// The bits that are compared with `first`, where it is no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<u16>,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Asks the rule's table.
    #[default]
    Table,
    /// Goes on with the first rule of this priority.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Drops it silently.
    Blackhole,
    /// Drops it with "unreachable".
    Unreachable,
    /// Drops it with "prohibited".
    Prohibit,
}
