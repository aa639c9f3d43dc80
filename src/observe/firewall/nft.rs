//! The rules and sets of nftables.

use super::nets::nets_of;
use crate::facts::{FirewallRule, NetGroup};
use crate::host::Host;
use std::time::Duration;

/// Thousands of rules are listed in less.
const DEADLINE: Duration = Duration::from_secs(20);

/// What nftables has in force; none where `nft` cannot say.
pub fn ruleset(host: &Host) -> Option<String> {
    let done = host.run(&["nft", "list", "ruleset"], DEADLINE);
    done.ok().then_some(done.stdout)
}

/// A line of a chain or a set.
pub struct Line {
    /// Such as `table inet site`.
    pub table: String,
    /// Such as `chain in`.
    pub part: String,
    pub text: String,
}

impl Line {
    fn is_in_table(&self, name: &str) -> bool {
        self.table.rsplit(' ').next() == Some(name)
    }
}

/// The lines of all chains and sets of a ruleset, without Docker's own tables.
pub fn lines(listed: &str) -> Vec<Line> {
    let (mut table, mut part) = (String::new(), String::new());
    let mut lines = Vec::new();
    for (depth, text) in joined(listed) {
        // Behind the brace may stand which program owns the table, as a comment.
        let name = || text.split('{').next().unwrap_or_default().trim().to_owned();
        match depth {
            0 => table = name(),
            1 => part = name(),
            _ => lines.push(Line {
                table: table.clone(),
                part: part.clone(),
                text,
            }),
        }
    }
    lines.retain(|line| !line.is_in_table("docker-bridges"));
    lines
}

/// The rules and sets that name networks; without the tables that `iptables-save` has listed.
pub fn rules(listed: &str, known: &[String]) -> Vec<FirewallRule> {
    let is_known = |line: &Line| {
        line.table.starts_with("table ip ") && known.iter().any(|name| line.is_in_table(name))
    };
    let lines = lines(listed).into_iter().filter(|line| !is_known(line));
    let rules = lines.map(|line| FirewallRule {
        tool: "nft".to_owned(),
        place: format!("{} {}", line.table, line.part),
        groups: groups_of_nft(&line.text),
        text: line.text,
        written: None,
    });
    rules.filter(|rule| !rule.groups.is_empty()).collect()
}

/// The lines with their depth; the elements of a set on one line.
fn joined(listed: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for line in listed.lines() {
        let depth = line.len() - line.trim_start_matches('\t').len();
        let text = line.trim();
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(text);
            }
            _ if text.is_empty() || text == "}" => continue,
            _ => lines.push((depth, text.to_owned())),
        }
        let begins = text.starts_with("elements = {");
        open = (open || begins) && !text.ends_with('}');
    }
    lines
}

/// Each condition: an address or a set in braces.
fn groups_of_nft(line: &str) -> Vec<NetGroup> {
    let mut groups: Vec<NetGroup> = Vec::new();
    let (mut in_set, mut inverted) = (false, false);
    let spaced = line
        .replace('{', " { ")
        .replace('}', " } ")
        .replace(',', " ");
    for word in spaced.split_whitespace() {
        match word {
            "{" => {
                in_set = true;
                groups.push(NetGroup {
                    inverted,
                    nets: Vec::new(),
                });
            }
            "}" => (in_set, inverted) = (false, false),
            "!=" => inverted = true,
            word => {
                let nets = nets_of(word);
                if nets.is_empty() {
                    continue;
                }
                match groups.last_mut().filter(|_| in_set) {
                    Some(group) => group.nets.extend(nets),
                    None => groups.push(NetGroup { inverted, nets }),
                }
                inverted &= in_set;
            }
        }
    }
    groups.retain(|group| !group.nets.is_empty());
    groups
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::firewall::nets::shown;

    #[test]
    fn sets_are_one_condition() {
        let listed = "table ip nat {\n\tchain X {\n\t\tip saddr 172.17.0.0/16 accept\n\t}\n}\n\
table ip docker-bridges { # progname dockerd\n\tchain X {\n\t\tip saddr 172.17.0.0/16 accept\n\t}\n}\n\
table inet site { # progname site\n\tset office {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 172.16.0.0/12,\n\t\t\t     10.0.0.0/8 }\n\t}\n\n\
\tchain in {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tip saddr != { 172.17.0.0/16, 10.1.0.1 } tcp dport 22 drop\n\
\t\tip saddr 172.17.0.0-172.17.0.3 ip daddr 10.0.0.1 accept\n\t\ttcp dport 80 accept\n\t}\n}\n";
        assert_eq!(
            shown(&rules(listed, &["nat".to_owned()])),
            [
                "table inet site set office: 172.16.0.0/12|10.0.0.0/8",
                "table inet site chain in: !172.17.0.0/16|10.1.0.1/32",
                "table inet site chain in: 172.17.0.0/30 10.0.0.1/32",
            ]
        );
    }
}
