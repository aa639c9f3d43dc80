//! What the operator told firewalld, in place of what it makes of that: one source of a zone becomes
//! some twenty rules, and none of them can be edited.

use super::nets::nets_of;
use crate::facts::{FirewallRule, NetGroup};
use crate::host::Host;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Its folders, and what a file in each describes.
const FOLDERS: [(&str, &str); 3] = [
    ("/etc/firewalld/zones", "zone"),
    ("/etc/firewalld/policies", "policy"),
    ("/etc/firewalld/ipsets", "ipset"),
];

/// It answers at once or is in trouble.
const DEADLINE: Duration = Duration::from_secs(20);

/// Puts the entries of its files in place of the rules and sets it made of them. What it was told
/// for the moment only is in no file: there its rules stay, one for each network. `blind` says that
/// nothing could list its tables.
pub fn instead_of_its_tables(
    host: &Host,
    rules: Vec<FirewallRule>,
    blind: bool,
) -> Vec<FirewallRule> {
    let (made, mut kept): (Vec<_>, Vec<_>) = rules.into_iter().partition(is_made_by_firewalld);
    if made.is_empty() && !(blind && runs(host)) {
        return kept;
    }
    let in_force: BTreeSet<IpNet> = made.iter().flat_map(FirewallRule::nets).collect();
    let mut entries = entries(host);
    entries.retain(|entry| blind || entry.nets().all(|net| in_force.contains(&net)));
    kept.retain(|rule| !entries.iter().any(|entry| is_its_set(rule, entry)));
    let mut known: BTreeSet<IpNet> = entries.iter().flat_map(FirewallRule::nets).collect();
    for rule in made {
        if rule.nets().any(|net| !known.contains(&net)) {
            known.extend(rule.nets());
            kept.push(rule);
        }
    }
    kept.extend(entries);
    kept
}

fn is_made_by_firewalld(rule: &FirewallRule) -> bool {
    let table = rule.place.split_whitespace().nth(2);
    rule.tool == "nft" && table == Some("firewalld")
}

fn is_its_set(rule: &FirewallRule, entry: &FirewallRule) -> bool {
    let name = entry.place.strip_prefix("ipset ");
    rule.tool == "ipset" && name.is_some() && rule.place.strip_prefix("set ") == name
}

fn runs(host: &Host) -> bool {
    host.exists(Path::new("/etc/firewalld"))
        && host.run(&["firewall-cmd", "--state"], DEADLINE).ok()
}

fn entries(host: &Host) -> Vec<FirewallRule> {
    let mut entries = Vec::new();
    for (folder, kind) in FOLDERS {
        for file in host.list(Path::new(folder)) {
            let Some(name) = file.strip_suffix(".xml") else {
                continue;
            };
            let path = format!("{folder}/{file}");
            if let Ok(Some(bytes)) = host.read(Path::new(&path)) {
                let place = format!("{kind} {name}");
                entries.extend(of_file(&path, &place, &String::from_utf8_lossy(&bytes)));
            }
        }
    }
    entries
}

/// The elements of a file that name networks: sources, rich rules, and all entries of a set as one.
fn of_file(path: &str, place: &str, text: &str) -> Vec<FirewallRule> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut set: Option<(usize, Vec<&str>)> = None;
    let mut rule: Option<(usize, String)> = None;
    for Element {
        line,
        text,
        content,
    } in elements(text)
    {
        match (text.split(' ').next().unwrap_or_default(), &mut rule) {
            ("rule", _) => rule = Some((line, text)),
            ("/rule", _) => found.extend(rule.take()),
            (name, Some((_, words))) if !name.starts_with('/') => {
                *words = format!("{words} {text}");
            }
            ("source" | "forward-port", None) => found.push((line, text)),
            ("entry", None) => set.get_or_insert((line, Vec::new())).1.push(content),
            _ => {}
        }
    }
    let mut rules: Vec<(usize, String, Vec<NetGroup>)> = found
        .into_iter()
        .map(|(line, text)| {
            let groups = groups(&text);
            (line, text, groups)
        })
        .collect();
    rules.extend(set.map(|(line, entries)| {
        let nets = entries.iter().flat_map(|entry| entry.split(','));
        let group = NetGroup {
            inverted: false,
            nets: nets.flat_map(nets_of).collect(),
        };
        (line, entries.join(" "), vec![group])
    }));
    rules.retain(|(.., groups)| groups.iter().any(|group| !group.nets.is_empty()));
    rules
        .into_iter()
        .map(|(line, text, groups)| FirewallRule {
            tool: "firewalld".to_owned(),
            place: place.to_owned(),
            text,
            groups,
            written: Some(format!("{path} line {line}")),
        })
        .collect()
}

/// One element as `firewall-cmd` would spell it, without brackets and quotes.
struct Element<'a> {
    line: usize,
    text: String,
    /// What follows it.
    content: &'a str,
}

fn elements(text: &str) -> Vec<Element<'_>> {
    let (mut line, mut in_comment) = (1, false);
    let mut elements = Vec::new();
    for piece in text.split('<') {
        let at = line;
        line += piece.matches('\n').count();
        in_comment |= piece.starts_with("!--");
        if in_comment {
            in_comment = !piece.contains("-->");
            continue;
        }
        let (tag, content) = piece.split_once('>').unwrap_or_default();
        let tag = tag.trim_end_matches('/').replace(['"', '\''], "");
        elements.push(Element {
            line: at,
            text: tag.split_whitespace().collect::<Vec<_>>().join(" "),
            content: content.trim(),
        });
    }
    elements
}

/// The conditions on addresses among an element's words.
fn groups(text: &str) -> Vec<NetGroup> {
    let mut groups: Vec<NetGroup> = Vec::new();
    for (name, value) in text.split(' ').filter_map(|word| word.split_once('=')) {
        match name {
            "address" | "to-addr" => groups.push(NetGroup {
                inverted: false,
                nets: nets_of(value),
            }),
            "invert" => {
                let inverted = matches!(value.to_lowercase().as_str(), "true" | "yes");
                if let Some(group) = groups.last_mut() {
                    group.inverted = inverted;
                }
            }
            _ => {}
        }
    }
    groups.retain(|group| !group.nets.is_empty());
    groups
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_names_networks_is_told_with_its_line() {
        let zone = r#"<?xml version="1.0" encoding="utf-8"?>
<zone target="ACCEPT">
  <!-- <source address="172.17.9.0/24"/> -->
  <interface name="eth0"/>
  <source address="172.17.0.0/16"/>
  <source ipset="office"/>
  <rule family="ipv4">
    <source address="172.16.0.0/12" invert="True"/>
    <destination address="10.0.0.1"/>
    <port port="5432" protocol="tcp"/>
    <accept/>
  </rule>
  <rule family="ipv4"><service name="ssh"/><accept/></rule>
</zone>
"#;
        let shown: Vec<String> = of_file("/z.xml", "zone z", zone)
            .iter()
            .map(|rule| {
                let inverted = rule.groups.iter().map(|group| group.inverted);
                let nets: Vec<IpNet> = rule.nets().collect();
                let inverted: Vec<bool> = inverted.collect();
                let place = rule.written.as_deref().unwrap_or_default();
                format!("{place}: {}: {nets:?} {inverted:?}", rule.text)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/z.xml line 5: source address=172.17.0.0/16: [172.17.0.0/16] [false]",
                "/z.xml line 7: rule family=ipv4 source address=172.16.0.0/12 invert=True \
                 destination address=10.0.0.1 port port=5432 protocol=tcp accept: \
                 [172.16.0.0/12, 10.0.0.1/32] [true, false]",
            ]
        );
        let set = "<ipset type=\"hash:net\">\n  <entry>172.17.0.0/16</entry>\n\
                   <entry>10.0.0.0/8</entry>\n</ipset>\n";
        let rules = of_file("/s.xml", "ipset s", set);
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].text, "172.17.0.0/16 10.0.0.0/8");
        assert_eq!(rules[0].nets().count(), 2);
    }
}
