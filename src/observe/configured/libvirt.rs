//! libvirt's virtual networks, as `virsh net-define` stores them, started or not.

use super::File;
use super::entry::{Entry, network, with_mask};
use super::walk::Place;

pub const PLACES: &[Place] = &[Place::Folder("/etc/libvirt/qemu/networks", ".xml")];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    if !file.text.contains("<network") {
        return Err("not the definition of a network".to_owned());
    }
    let tags = tags(file.text);
    let bridge = tags.iter().find(|tag| tag.name == "bridge");
    let dev = bridge.and_then(|tag| tag.attribute("name"));
    let entries = tags.iter().filter_map(|tag| {
        let what = match tag.name {
            "ip" => "virtual network of libvirt",
            "route" => "route of a virtual network of libvirt",
            _ => return None,
        };
        let address = tag.attribute("address")?;
        let net = match (tag.attribute("prefix"), tag.attribute("netmask")) {
            (Some(prefix), _) => network(&format!("{address}/{prefix}")),
            (None, Some(mask)) => with_mask(address, mask),
            (None, None) => None,
        };
        Some(Entry {
            by_gateway: tag.name == "route",
            ..Entry::network(net?, tag.line, what).on(dev)
        })
    });
    Ok(entries.collect())
}

/// `<name attribute='value' …>`
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    line: usize,
}

impl<'a> Tag<'a> {
    fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        while let Some((before, behind)) = rest.split_once('=') {
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|char| "'\"".contains(*char))?;
            let (value, next) = behind.get(1..)?.split_once(quote)?;
            if before.trim() == name {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

/// The tags that open, without comments.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        line += before.matches('\n').count();
        let end = if behind.starts_with("!--") {
            "-->"
        } else {
            ">"
        };
        let Some((tag, next)) = behind.split_once(end) else {
            break;
        };
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        found.push(Tag {
            name,
            attributes,
            line,
        });
        line += tag.matches('\n').count();
        rest = next;
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    const PATH: &str = "/etc/libvirt/qemu/networks/lab.xml";

    #[test]
    fn networks_and_routes_have_their_line_and_bridge() {
        let text = "\
<!--
WARNING: edit with virsh <ip address='10.9.9.1' netmask='255.255.255.0'>
-->

<network>
  <name>lab</name>
  <forward mode='nat'/>
  <bridge name='virbr7' stp='on' delay='0'/>
  <ip address='172.18.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='172.18.0.2' end='172.18.0.254'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='fd00:18::1' prefix='64'/>
  <route address=\"172.19.0.0\" prefix=\"16\" gateway=\"172.18.0.9\"/>
</network>
";
        assert_eq!(
            shown(read, PATH, text),
            [
                "9 network 172.18.0.0/24 virbr7 virtual network of libvirt",
                "14 network fd00:18::/64 virbr7 virtual network of libvirt",
                "15 routed 172.19.0.0/16 virbr7 route of a virtual network of libvirt",
            ]
        );
    }

    #[test]
    fn a_network_on_a_bridge_of_the_host_brings_none() {
        let text =
            "<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>";
        assert!(shown(read, PATH, text).is_empty());
        let file = File {
            path: PATH,
            text: "no network",
            main: "",
        };
        assert!(read(&file).is_err());
    }
}
