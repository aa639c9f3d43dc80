//! Compose files of the projects that run here: the subnets written there by hand. The labels of
//! containers say where the files are.

use crate::facts::{ComposeSubnet, Engine};
use crate::host::Host;
use std::collections::BTreeSet;
use std::path::Path;

/// No Compose file is longer.
const LARGEST: u64 = 256 * 1024;

pub fn read(host: &Host, engine: Option<&Engine>) -> Vec<ComposeSubnet> {
    let containers = engine.into_iter().flat_map(|engine| &engine.containers);
    let files: BTreeSet<(&str, &str)> = containers
        .filter_map(|container| container.compose.as_ref())
        .flat_map(|compose| {
            let files = compose.files.iter();
            files.map(|file| (compose.project.as_str(), file.as_str()))
        })
        .collect();
    let read = files.into_iter().flat_map(|(project, file)| {
        let bytes = host.read_plain(Path::new(file), LARGEST).ok().flatten();
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        subnets(project, file, &text)
    });
    read.collect()
}

/// The subnets of the section `networks`. Those made of variables are not known here.
fn subnets(project: &str, file: &str, text: &str) -> Vec<ComposeSubnet> {
    let mut found: Vec<ComposeSubnet> = Vec::new();
    let mut inside = false;
    // The network's key with how far it is set in, and the first of its subnets.
    let mut network: Option<(usize, String, usize)> = None;
    for (line, number) in text.lines().zip(1..) {
        let set_in = line.len() - line.trim_start().len();
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if set_in == 0 && !line.starts_with('-') {
            inside = line.starts_with("networks:");
            network = None;
        } else if inside {
            let depth = network.as_ref().map(|(depth, ..)| *depth);
            if depth.is_none_or(|depth| set_in <= depth) {
                let key = line.split(':').next().unwrap_or_default();
                let name = format!("{project}_{}", unquoted(key));
                network = Some((set_in, name, found.len()));
            }
            let Some((_, name, first)) = &mut network else {
                continue;
            };
            if let Some(given) = line.strip_prefix("name:") {
                *name = unquoted(given).to_owned();
                let own = found.iter_mut().skip(*first);
                own.for_each(|one| one.network.clone_from(name));
            }
            let subnet = line.split_once("subnet:").map(|(_, value)| unquoted(value));
            if let Some(subnet) = subnet.and_then(|word| word.parse::<ipnet::IpNet>().ok()) {
                found.push(ComposeSubnet {
                    network: name.clone(),
                    subnet: subnet.trunc(),
                    file: file.to_owned(),
                    line: number,
                });
            }
        }
    }
    found
}

/// A value without quotes, and without what may follow it inside braces.
fn unquoted(value: &str) -> &str {
    let value = value.split([',', '}', ']']).next().unwrap_or_default();
    value.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn subnets_have_their_network_and_line() {
        let text = "\
services:
  web:
    image: x
    networks:
      back:
        ipv4_address: 172.20.0.5
networks:
  # subnet: 10.9.0.0/16
  back:
    ipam:
      config:
        - subnet: \"172.20.0.0/16\"   # ours
          gateway: 172.20.0.1
    name: shop-back
  front:
    ipam: {config: [{subnet: 172.21.0.0/24, gateway: 172.21.0.1}]}
  by_variable:
    ipam:
      config:
      - subnet: ${SUBNET}
volumes:
  subnet: {}
";
        let found: Vec<String> = subnets("shop", "/srv/shop/compose.yml", text)
            .iter()
            .map(|one| format!("{} {} {}", one.line, one.network, one.subnet))
            .collect();
        assert_eq!(
            found,
            ["12 shop-back 172.20.0.0/16", "16 shop_front 172.21.0.0/24"]
        );
    }
}
