//! The rules of the firewall that name networks, without Docker's own: of both iptables backends,
//! of nftables, and the sets of ipset. firewalld and ufw keep theirs in one of these.
//!
//! This takes child processes; it is looked at only where Docker is about to move.

mod firewalld;
mod ipset;
pub mod iptables;
mod nets;
pub mod nft;
mod written;

use crate::facts::FirewallRule;
use crate::host::Host;
use iptables::Bridges;

/// All of them that have to do with IPv4 networks other than loopback's.
pub fn read(host: &Host, bridges: &Bridges) -> Vec<FirewallRule> {
    let (tables, mut rules) = iptables::read(host, bridges);
    let ruleset = nft::ruleset(host);
    rules.extend(nft::rules(ruleset.as_deref().unwrap_or_default(), &tables));
    rules.extend(ipset::read(host));
    written::find(host, &mut rules);
    // Without `nft` nothing lists what firewalld has in force.
    firewalld::instead_of_its_tables(host, rules, ruleset.is_none())
}
