//! How a network came to be known.

use serde::{Deserialize, Serialize};

/// How we know of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An address or an on-link route of this host.
    OnLink,
    /// A route through a gateway, one that drops packets on purpose, or a policy rule.
    Route,
    /// A nameserver.
    Nameserver,
    /// A file of this host names it; it may not be up.
    Configured,
    /// `--avoid` or an avoid-file.
    Declared,
    /// An address that was called on a link and did not answer.
    Neighbour,
    /// The far end of a TCP connection or of a flow.
    Connection,
    /// Where an ssh session comes from.
    Ssh,
}

impl Source {
    /// All of them, as they are spelled.
    pub const NAMES: [(&str, Source); 8] = [
        ("onlink", Source::OnLink),
        ("route", Source::Route),
        ("nameserver", Source::Nameserver),
        ("configured", Source::Configured),
        ("declared", Source::Declared),
        ("neighbour", Source::Neighbour),
        ("connection", Source::Connection),
        ("ssh", Source::Ssh),
    ];

    /// Settings of this host and the operator's word stay. Traffic comes and goes.
    pub fn certainty(self) -> Certainty {
        match self.is_a_trace() {
            true => Certainty::Suspected,
            false => Certainty::Known,
        }
    }

    /// Whether it is a trace of traffic: one call may leave several.
    pub fn is_a_trace(self) -> bool {
        matches!(self, Source::Neighbour | Source::Connection | Source::Ssh)
    }
}

/// How sure it is that the network is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// By evidence that stays: routes, addresses, nameservers, what the operator declared.
    Known,
    /// By traffic, which may be over tomorrow: a call without an answer, a connection, a flow.
    Suspected,
}
