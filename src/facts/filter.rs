//! What a packet filter does with forwarded packets, as far as it takes to ask about one of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that filters forwarded IPv4 packets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForwardFilter {
    /// The table `filter` of each backend of iptables.
    pub tables: Vec<FilterTable>,
    /// Chains of nftables, of nobody's but the operator's, that drop some forwarded packets.
    pub chains_of_nft: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FilterTable {
    /// What listed it: `iptables`, `iptables-legacy`.
    pub tool: String,
    /// The chains by name.
    pub chains: BTreeMap<String, FilterChain>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FilterChain {
    /// Whether it drops what no rule decides about.
    pub drops: bool,
    /// The rules as they were listed.
    pub rules: Vec<String>,
}
