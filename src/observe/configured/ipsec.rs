//! IPsec: swanctl.conf and ipsec.conf of strongSwan, ipsec.conf of Libreswan. Where a policy leads,
//! there need not be a route.

use super::File;
use super::entry::{Entry, network, server};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::File("/etc/swanctl/swanctl.conf"),
    Place::Folder("/etc/swanctl/conf.d", ".conf"),
    Place::File("/etc/ipsec.conf"),
    Place::Folder("/etc/ipsec.d", ".conf"),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let lines = file.text.lines().zip(1..);
    let entries = lines.flat_map(|(line, number)| {
        let line = line.split('#').next().unwrap_or_default();
        let Some((key, value)) = line.split_once('=') else {
            return Vec::new();
        };
        // In swanctl.conf a section may begin on the line.
        let key = key.rsplit(['{', ' ', '\t']).find(|word| !word.is_empty());
        of(key.unwrap_or_default(), value, number)
    });
    Ok(entries.collect())
}

fn of(key: &str, value: &str, line: usize) -> Vec<Entry> {
    let words = value.split([',', ' ', '\t', '{', '}', '"']);
    // `10.1.0.0/16[tcp/80]` names protocol and port.
    let words = words.filter_map(|word| word.split('[').next());
    match key {
        "remote_ts" | "rightsubnet" | "rightsubnets" => {
            let what = format!("{key} of IPsec");
            let nets = words.filter_map(network);
            nets.map(|net| Entry::network(net, line, what.clone()))
                .collect()
        }
        "remote_addrs" | "right" => {
            let what = format!("{key} of IPsec");
            let servers = words.filter_map(server);
            servers
                .map(|to| Entry::server(to, line, what.clone()))
                .collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn the_far_side_counts_and_ours_does_not() {
        let text = "\
connections {
  site {
    local_addrs = 10.9.9.9
    remote_addrs = 192.168.7.5
    children {
      net { remote_ts = 172.17.40.0/24, 10.1.0.0/16[tcp/443]
        local_ts = 10.9.9.0/24
        # remote_ts = 10.3.0.0/16
      }
      road { remote_ts = dynamic }
    }
  }
}
secrets { ike-1 { secret = \"SECRET\" } }
";
        assert_eq!(
            shown(read, "/etc/swanctl/swanctl.conf", text),
            [
                "4 server 192.168.7.5/32 remote_addrs of IPsec",
                "6 network 172.17.40.0/24 remote_ts of IPsec",
                "6 network 10.1.0.0/16 remote_ts of IPsec",
            ]
        );
        let text = "conn site\n\tleft=10.9.9.9\n\tleftsubnet=10.9.9.0/24\n\tright=vpn.example\n\
                    \trightsubnet=172.17.40.0/24\nconn two\n\trightsubnets={172.18.0.0/16 \
                    172.19.0.0/16}\n#\trightsubnet=10.4.0.0/16\n\tright=%any\n";
        assert_eq!(
            shown(read, "/etc/ipsec.conf", text),
            [
                "5 network 172.17.40.0/24 rightsubnet of IPsec",
                "7 network 172.18.0.0/16 rightsubnets of IPsec",
                "7 network 172.19.0.0/16 rightsubnets of IPsec",
            ]
        );
    }
}
