//! Where the rules in force are written: a change made only with `iptables` or `nft` is gone with
//! the next reload of the program that keeps them.

use super::nets::nets_of_line;
use crate::facts::FirewallRule;
use crate::host::Host;
use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

const OF_IPTABLES: [&str; 6] = [
    "/etc/ufw/user.rules",
    "/etc/ufw/before.rules",
    "/etc/ufw/after.rules",
    "/etc/iptables/rules.v4",
    "/etc/sysconfig/iptables",
    "/etc/firewalld/direct.xml",
];
const OF_NFT: [&str; 2] = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];

/// Folders that the files of nftables include by custom.
const FOLDERS_OF_NFT: [&str; 2] = ["/etc/nftables.d", "/etc/nftables"];
const OF_IPSET: [&str; 3] = [
    "/etc/ipset.conf",
    "/etc/iptables/ipsets",
    "/etc/sysconfig/ipset",
];

/// Longer lists are made by a program, and nobody edits them.
const MOST_BYTES: u64 = 4 << 20;

struct Line {
    /// File and line, as people read it.
    place: String,
    words: Vec<String>,
    nets: BTreeSet<IpNet>,
}

/// Fills in where each rule is written, if a known file says so.
pub fn find(host: &Host, rules: &mut [FirewallRule]) {
    let in_folders = FOLDERS_OF_NFT.iter().flat_map(|folder| {
        let names = host.list(Path::new(folder)).into_iter();
        names.map(move |name| format!("{folder}/{name}"))
    });
    let of_nft = OF_NFT.into_iter().map(str::to_owned);
    let of_nft: Vec<String> = of_nft.chain(in_folders).collect();
    let of_iptables = lines(host, &OF_IPTABLES);
    let of_nft = lines(host, &of_nft);
    let of_ipset = lines(host, &OF_IPSET);
    for rule in rules {
        rule.written = match rule.tool.as_str() {
            "ipset" => declared(&of_ipset, "create", &rule.place),
            "nft" => same(&of_nft, rule, None).or_else(|| declared(&of_nft, "set", &rule.place)),
            _ => {
                let chain = rule.text.split_whitespace().nth(1);
                same(&of_iptables, rule, chain)
            }
        };
    }
}

fn lines(host: &Host, files: &[impl AsRef<str>]) -> Vec<Line> {
    let mut lines = Vec::new();
    for file in files {
        let file = file.as_ref();
        let Ok(Some(bytes)) = host.read_plain(Path::new(file), MOST_BYTES) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let numbered = text.lines().enumerate();
        let counting = numbered.filter(|(_, text)| !text.trim_start().starts_with('#'));
        lines.extend(counting.map(|(at, text)| Line {
            place: format!("{file} line {}", at + 1),
            words: words(text),
            nets: nets_of_line(text),
        }));
    }
    lines
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| letter.is_whitespace() || "<>\"=".contains(letter));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The line that names the same networks and has most of the rule's words: options stand in another
/// order than they are listed in, and some are written in another way.
fn same(lines: &[Line], rule: &FirewallRule, chain: Option<&str>) -> Option<String> {
    let nets: BTreeSet<IpNet> = rule.nets().collect();
    let wanted = words(&rule.text);
    let has = |line: &Line, word: &str| line.words.iter().any(|one| one == word);
    let candidates = lines
        .iter()
        .filter(|line| line.nets == nets && chain.is_none_or(|chain| has(line, chain)));
    let best = candidates
        .min_by_key(|line| Reverse(wanted.iter().filter(|word| has(line, word)).count()))?;
    Some(best.place.clone())
}

/// The line that declares the set of this place.
fn declared(lines: &[Line], keyword: &str, place: &str) -> Option<String> {
    let (_, name) = place.rsplit_once("set ")?;
    let declares = |line: &&Line| matches!(line.words.as_slice(), [first, second, ..] if first == keyword && second == name);
    lines.iter().find(declares).map(|line| line.place.clone())
}
