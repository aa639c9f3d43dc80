//! Settings of services in one line that says where a server is: time, names, agents.

use super::File;
use super::entry::{Entry, server};
use super::walk::Place;

/// A file name's part, and the keys under which it names servers.
type Row = (&'static str, &'static [&'static str]);

pub const PLACES: &[Place] = &[
    Place::File("/etc/chrony/chrony.conf"),
    Place::File("/etc/chrony.conf"),
    Place::Folder("/etc/chrony/conf.d", ".conf"),
    Place::Folder("/etc/chrony/sources.d", ".sources"),
    Place::File("/etc/ntp.conf"),
    Place::File("/etc/ntpsec/ntp.conf"),
    Place::File("/etc/systemd/timesyncd.conf"),
    Place::Folder("/etc/systemd/timesyncd.conf.d", ".conf"),
    Place::File("/etc/systemd/resolved.conf"),
    Place::Folder("/etc/systemd/resolved.conf.d", ".conf"),
    Place::File("/etc/dnsmasq.conf"),
    Place::Folder("/etc/dnsmasq.d", ".conf"),
    Place::File("/etc/zabbix/zabbix_agentd.conf"),
    Place::File("/etc/zabbix/zabbix_agent2.conf"),
    Place::File("/etc/puppet/puppet.conf"),
    Place::File("/etc/puppetlabs/puppet/puppet.conf"),
    Place::File("/etc/salt/minion"),
];

const ROWS: [Row; 7] = [
    ("/etc/systemd/timesyncd", &["NTP", "FallbackNTP"]),
    ("/etc/systemd/resolved", &["DNS", "FallbackDNS"]),
    ("/etc/dnsmasq", &["server"]),
    ("/etc/zabbix/", &["Server", "ServerActive"]),
    ("/etc/puppet", &["server", "ca_server"]),
    ("/etc/salt/", &["master"]),
    // chrony and ntpd.
    ("/etc/", &["server", "peer", "pool"]),
];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let mut rows = ROWS.iter();
    let Some((_, keys)) = rows.find(|(part, _)| file.path.starts_with(part)) else {
        return Ok(Vec::new());
    };
    let lines = file.text.lines().zip(1..);
    let entries = lines.flat_map(|(line, number)| {
        let (key, value) = line
            .trim()
            .split_once([' ', '\t', '=', ':'])
            .unwrap_or_default();
        let known = keys.iter().find(|known| **known == key);
        let servers = known.into_iter().flat_map(move |key| {
            // `server=/corp/172.17.0.53#53@eth0`, `10.0.0.1:53#dns.corp`, `a,b`
            let words = value.split([' ', '\t', ',', '/', ';', '=', '[', ']']);
            let servers = words.filter_map(|word| server(word.split(['#', '%', '@']).next()?));
            servers.map(move |to| Entry::server(to, number, format!("{key} of a service")))
        });
        servers.collect::<Vec<_>>()
    });
    Ok(entries.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn each_service_has_its_own_keys() {
        for (path, text, expected) in [
            (
                "/etc/chrony/chrony.conf",
                "# server 10.9.9.9\npool ntp.example iburst\nserver 172.17.5.5 iburst\nallow 10.0.0.0/8\n",
                &["3 server 172.17.5.5/32 server of a service"][..],
            ),
            (
                "/etc/systemd/timesyncd.conf",
                "[Time]\n#NTP=10.9.9.9\nNTP=172.17.5.5 ntp.corp\n",
                &["3 server 172.17.5.5/32 NTP of a service"],
            ),
            (
                "/etc/systemd/resolved.conf.d/corp.conf",
                "[Resolve]\nDNS=172.17.0.53:53#dns.corp\nDomains=~172.18.0.1\n",
                &["2 server 172.17.0.53/32 DNS of a service"],
            ),
            (
                "/etc/dnsmasq.d/corp.conf",
                "server=/corp/172.17.0.53#5353\nserver=127.0.0.1\nlisten-address=172.18.0.1\n",
                &["1 server 172.17.0.53/32 server of a service"],
            ),
            (
                "/etc/zabbix/zabbix_agentd.conf",
                "Server=172.17.5.5,172.17.5.6\nListenIP=172.18.0.1\nTLSPSKFile=/x\n",
                &[
                    "1 server 172.17.5.5/32 Server of a service",
                    "1 server 172.17.5.6/32 Server of a service",
                ],
            ),
            (
                "/etc/salt/minion",
                "#master: 10.9.9.9\nmaster: 172.17.5.5\n",
                &["2 server 172.17.5.5/32 master of a service"],
            ),
        ] {
            assert_eq!(shown(read, path, text), expected, "{path}");
        }
    }
}
