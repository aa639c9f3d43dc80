//! What filters forwarded packets: the table `filter` of both backends of iptables, and chains of
//! nftables beside it.

use super::firewall::iptables::saved_by_iptables;
use super::firewall::nft;
use crate::facts::{FilterTable, ForwardFilter};
use crate::host::Host;
use std::thread;

/// Reads it. Where a tool is missing, what it would list is not there either.
pub fn read(host: &Host) -> ForwardFilter {
    thread::scope(|scope| {
        let by_nft = scope.spawn(|| nft::ruleset(host).unwrap_or_default());
        let saved = saved_by_iptables(host, &["-t", "filter"]);
        let listed = by_nft.join().unwrap_or_default();
        ForwardFilter {
            tables: saved.iter().map(|(tool, text)| table(tool, text)).collect(),
            chains_of_nft: chains_of_nft(&listed),
        }
    })
}

/// What iptables-save lists: `:CHAIN POLICY [0:0]`, then `-A CHAIN …`.
fn table(tool: &str, saved: &str) -> FilterTable {
    let mut table = FilterTable {
        tool: tool.to_owned(),
        ..FilterTable::default()
    };
    for line in saved.lines() {
        if let Some(head) = line.strip_prefix(':') {
            let mut words = head.split_whitespace();
            let chain = table
                .chains
                .entry(words.next().unwrap_or_default().to_owned());
            chain.or_default().drops = words.next() == Some("DROP");
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let name = rule.split_whitespace().next().unwrap_or_default();
            let chain = table.chains.entry(name.to_owned()).or_default();
            chain.rules.push(line.to_owned());
        }
    }
    table
}

/// The chains at the hook `forward` that drop or reject something. Their conditions are not judged.
/// What iptables put there is listed by iptables.
fn chains_of_nft(listed: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut at_hook = None;
    for nft::Line { table, part, text } in nft::lines(listed) {
        let table = table.trim_start_matches("table ");
        let is_theirs = table.starts_with("inet ") || table.starts_with("ip ");
        let place = format!("{table} {part}");
        if text.contains(" hook forward ") {
            at_hook = Some(place.clone());
        }
        let mut words = text.split([' ', ';']);
        let drops = words.any(|word| matches!(word, "drop" | "reject"));
        let counts = is_theirs && table != "ip filter" && at_hook.as_ref() == Some(&place);
        if counts && drops && found.last() != Some(&place) {
            found.push(place);
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn chains_that_drop_forwarded_packets_are_named() {
        let listed = "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n\
            table inet site { # progname site\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\
            \tchain through {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tip daddr 172.17.50.0/24 counter packets 0 bytes 0 drop\n\t\tiifname \"x\" drop\n\t}\n}\n\
            table inet open {\n\tchain through {\n\t\ttype filter hook forward priority filter; policy accept;\n\t}\n}\n\
            table ip docker-bridges {\n\tchain filter-FORWARD {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tdrop\n\t}\n}\n";
        assert_eq!(chains_of_nft(listed), ["inet site chain through"]);
    }

    #[test]
    fn chains_keep_their_policy_and_the_order_of_their_rules() {
        let saved = "*filter\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n\
                     -A DOCKER-USER -j RETURN\nCOMMIT\n";
        let table = table("iptables", saved);
        assert!(table.chains["FORWARD"].drops && !table.chains["DOCKER-USER"].drops);
        assert_eq!(table.chains["FORWARD"].rules, ["-A FORWARD -j DOCKER-USER"]);
    }
}
